//! What convolutions and poolings have in common: kernels that move over axes. Stands on calls.

use super::super::array::{self, DAMAGED};
use super::super::node::Call;
use crate::error::{Error, Result};

/// One axis of places, and the kernel that moves along it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    /// Places of the input.
    pub length: usize,
    /// Places of the kernel.
    pub kernel: usize,
    /// Places from one position of the kernel to the next.
    pub stride: usize,
    /// Places of the input from one of the kernel to the next.
    pub dilation: usize,
    /// Places in front of the input.
    pub before: usize,
    /// Places behind it.
    pub after: usize,
    /// Positions of the kernel.
    pub result: usize,
}

impl Default for Axis {
    /// One place.
    fn default() -> Self {
        Self { length: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0, result: 1 }
    }
}

impl Axis {
    /// Whether each place becomes one of the result by itself.
    pub fn is_point(&self) -> bool {
        self.kernel == 1 && self.stride == 1 && self.before + self.after == 0
    }

    /// Whether its kernels touch but do not overlap.
    pub fn is_patch(&self) -> bool {
        self.kernel == self.stride && self.dilation == 1 && self.before + self.after == 0
    }

    /// The places of the input, and of the kernel, at position `result`.
    fn taps(&self, result: usize) -> impl Iterator<Item = (usize, usize)> {
        let Self { length, kernel, stride, dilation, before, .. } = *self;
        (0..kernel).filter_map(move |k| {
            let place = (result * stride + k * dilation).checked_sub(before)?;
            (place < length).then_some((place, k))
        })
    }

    /// Places under the kernel at position `result` that are in the padded input.
    pub fn padded(&self, result: usize) -> usize {
        let end = self.length + self.before + self.after;
        (0..self.kernel).filter(|k| result * self.stride + k * self.dilation < end).count()
    }
}

/// One product of a kernel with its input: places as row-major indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tap {
    /// Place of the result.
    pub result: usize,
    /// Place of the input.
    pub place: usize,
    /// Place of the kernel.
    pub kernel: usize,
}

/// All products of a kernel that moves along `axes`, by their results.
pub fn taps(axes: &[Axis]) -> Vec<Tap> {
    let mut all = vec![Tap { result: 0, place: 0, kernel: 0 }];
    for axis in axes {
        let next = |tap: &Tap| {
            let tap = *tap;
            (0..axis.result).flat_map(move |result| {
                axis.taps(result).map(move |(place, kernel)| Tap {
                    result: tap.result * axis.result + result,
                    place: tap.place * axis.length + place,
                    kernel: tap.kernel * axis.kernel + kernel,
                })
            })
        };
        all = all.iter().flat_map(next).collect();
    }
    all.sort_by_key(|tap| tap.result);
    all
}

/// Places of the input.
pub fn places(axes: &[Axis]) -> Result<usize> {
    array::volume(&axes.iter().map(|axis| axis.length).collect::<Vec<_>>())
}

/// Places of the result.
pub fn results(axes: &[Axis]) -> Result<usize> {
    array::volume(&lengths(axes))
}

/// Lengths of the result's axes.
pub fn lengths(axes: &[Axis]) -> Vec<usize> {
    axes.iter().map(|axis| axis.result).collect()
}

/// The axes `space` under the node's kernel, whose lengths are the weights' where it has weights.
pub fn axes(node: &Call, space: &[usize], weights: Option<&[usize]>) -> Result<Vec<Axis>> {
    let rank = space.len();
    let kernel = match (node.ints("kernel_shape"), weights) {
        (None, Some(size)) => size.to_vec(),
        (ints, size) => {
            let kernel = counts("kernel_shape", ints.unwrap_or_default())?;
            if size.is_some_and(|size| size != kernel) {
                return Err(unfit("kernel_shape", rank, &kernel));
            }
            kernel
        }
    };
    let list = |name: &str, len: usize, default: usize| match node.ints(name) {
        Some(ints) => counts(name, ints),
        None => Ok(vec![default; len]),
    };
    let (strides, dilations) = (list("strides", rank, 1)?, list("dilations", rank, 1)?);
    let pads = list("pads", 2 * rank, 0)?;
    let ceil = node.int("ceil_mode", 0) != 0;
    let auto = node.string("auto_pad").unwrap_or_default();
    for (name, list, len) in [
        ("kernel_shape", &kernel, rank),
        ("strides", &strides, rank),
        ("dilations", &dilations, rank),
        ("pads", &pads, 2 * rank),
    ] {
        let least = usize::from(name != "pads");
        if list.len() != len || list.iter().any(|n| *n < least) {
            return Err(unfit(name, len, list));
        }
    }
    let numbers = kernel.iter().zip(&strides).zip(&dilations);
    let around = pads.iter().zip(pads.iter().skip(rank));
    let all = space.iter().zip(numbers).zip(around);
    all.map(|((&length, ((&kernel, &stride), &dilation)), (&before, &after))| {
        let axis = Axis { length, kernel, stride, dilation, before, after, result: 0 };
        positioned(axis, &auto, ceil)
    })
    .collect()
}

/// The axis with its padding, where the node leaves that to its reader, and the positions of its kernel.
fn positioned(axis: Axis, auto: &str, ceil: bool) -> Result<Axis> {
    let Axis { length, kernel, stride, dilation, .. } = axis;
    let reach = (kernel - 1).saturating_mul(dilation).saturating_add(1);
    let mut axis = axis;
    match auto {
        "" | "NOTSET" => {}
        "VALID" => (axis.before, axis.after) = (0, 0),
        "SAME_UPPER" | "SAME_LOWER" => {
            let needed = (length.div_ceil(stride).saturating_sub(1))
                .saturating_mul(stride)
                .saturating_add(reach)
                .saturating_sub(length);
            let (less, more) = (needed / 2, needed.div_ceil(2));
            (axis.before, axis.after) = match auto {
                "SAME_UPPER" => (less, more),
                _ => (more, less),
            };
        }
        other => {
            return Err(Error::new("a padding is not known")
                .expected("`auto_pad` NOTSET, VALID, SAME_UPPER or SAME_LOWER")
                .found(other)
                .help(DAMAGED));
        }
    }
    let padded = length.saturating_add(axis.before).saturating_add(axis.after);
    let Some(room) = padded.checked_sub(reach) else {
        return Err(Error::new("a kernel is longer than its input")
            .expected(format!("a kernel of at most {padded} places, padding included"))
            .found(reach)
            .help("give the network a longer window, or a shorter kernel"));
    };
    axis.result = 1 + if ceil { room.div_ceil(stride) } else { room / stride };
    // A kernel that starts behind the input and the padding in front of it is left out.
    if ceil && (axis.result - 1) * stride >= length + axis.before {
        axis.result -= 1;
    }
    array::volume(&[padded, kernel])?;
    Ok(axis)
}

fn counts(name: &str, ints: &[i64]) -> Result<Vec<usize>> {
    let count = |&n: &i64| usize::try_from(n).ok();
    ints.iter().map(count).collect::<Option<Vec<_>>>().ok_or_else(|| {
        Error::new("an attribute of a kernel is negative")
            .expected(format!("`{name}` of 0 or more"))
            .found(format!("{ints:?}"))
            .help("export the model again without negative paddings")
    })
}

fn unfit(name: &str, len: usize, found: &[usize]) -> Error {
    Error::new("an attribute of a kernel does not fit its input")
        .expected(format!("`{name}` of {len} numbers, for each axis of places"))
        .found(format!("{found:?}"))
        .help(DAMAGED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_stop_where_the_standard_says() {
        let axis = |length, kernel, stride, before, after| Axis {
            length,
            kernel,
            stride,
            before,
            after,
            ..Axis::default()
        };
        let result =
            |axis: Axis, auto: &str, ceil: bool| positioned(axis, auto, ceil).unwrap().result;
        assert_eq!(result(axis(20, 5, 2, 0, 0), "", false), 8);
        assert_eq!(result(axis(20, 5, 2, 0, 0), "", true), 9);
        // The last kernel would start in the padding behind.
        assert_eq!(result(axis(4, 1, 2, 0, 1), "", true), 2);
        assert_eq!(result(axis(5, 3, 2, 9, 9), "SAME_UPPER", false), 3);
        assert_eq!(result(axis(5, 3, 1, 9, 9), "VALID", false), 3);
        assert!(positioned(axis(2, 3, 1, 0, 0), "", false).is_err());
        assert!(positioned(axis(2, 1, 1, 0, 0), "LEFT", false).is_err());
    }

    #[test]
    fn a_kernel_meets_the_places_under_it() {
        let axis = Axis { length: 3, kernel: 2, before: 1, result: 3, ..Axis::default() };
        let found: Vec<_> = taps(&[axis]).iter().map(|t| (t.result, t.place, t.kernel)).collect();
        assert_eq!(found, [(0, 0, 1), (1, 0, 0), (1, 1, 1), (2, 1, 0), (2, 2, 1)]);
        assert_eq!(taps(&[axis, axis]).len(), 25);
    }
}
