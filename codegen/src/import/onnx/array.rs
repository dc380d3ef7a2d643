//! Constant arrays, and rearrangements that apply to constants and to tensors of activations alike.

use crate::error::{Error, Result};

/// What to do about a file that contradicts itself.
pub const DAMAGED: &str = "the file is damaged or was edited: export it again";

/// Most elements a computed array may have; far above any microcontroller's flash.
pub const MAX_ELEMENTS: usize = 1 << 22;

/// A constant of any rank, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Length of each axis; their product is the length of `data`.
    pub dims: Vec<usize>,
    /// Elements.
    pub data: Vec<f64>,
    /// Whole numbers, whose division truncates.
    pub integer: bool,
}

impl Array {
    /// A vector of whole numbers, as shapes are.
    pub fn integers(data: Vec<f64>) -> Self {
        Self { dims: vec![data.len()], data, integer: true }
    }

    /// The only element.
    pub fn scalar(&self) -> Option<f64> {
        match self.data.as_slice() {
            [v] => Some(*v),
            _ => None,
        }
    }

    /// The elements as indices; out of range ones saturate.
    pub fn as_ints(&self) -> Vec<i64> {
        self.data.iter().map(|&v| v as i64).collect()
    }

    /// The elements `view` picks.
    pub fn pick(&self, view: &View) -> Self {
        let data = view.from.iter().filter_map(|&i| self.data.get(i).copied()).collect();
        Self { dims: view.dims.clone(), data, integer: self.integer }
    }

    /// `f` of every element.
    pub fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self {
            dims: self.dims.clone(),
            data: self.data.iter().map(|&v| f(v)).collect(),
            integer: self.integer,
        }
    }

    /// Element-wise `f` of two arrays of one shape.
    pub fn zip(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Result<Self> {
        let dims = broadcast_dims(&self.dims, &other.dims)?;
        let (a, b) = (broadcast(&self.dims, &dims)?, broadcast(&other.dims, &dims)?);
        let (a, b) = (self.pick(&a), other.pick(&b));
        let data = a.data.iter().zip(&b.data).map(|(&a, &b)| f(a, b)).collect();
        Ok(Self { dims, data, integer: self.integer && other.integer })
    }
}

/// A rearrangement: element `i` of the result is element `from[i]` of the source.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Shape of the result.
    pub dims: Vec<usize>,
    /// Source element of each element of the result.
    pub from: Vec<usize>,
}

/// Product of `dims`, at most [`MAX_ELEMENTS`].
pub fn volume(dims: &[usize]) -> Result<usize> {
    // The product of no axes is 1, and a zero anywhere makes it 0 whatever the others are.
    let product = if dims.contains(&0) {
        Some(0)
    } else {
        dims.iter().try_fold(1usize, |p, &d| p.checked_mul(d))
    };
    product.filter(|&p| p <= MAX_ELEMENTS).ok_or_else(|| {
        Error::new("an array is too large")
            .expected(format!("at most {MAX_ELEMENTS} elements"))
            .found(format!("shape {dims:?}"))
            .help("the file is damaged, or the network is not for a microcontroller")
    })
}

/// Distance between neighbours along each axis of a row-major array.
fn strides(dims: &[usize]) -> Vec<usize> {
    let mut strides: Vec<usize> = dims
        .iter()
        .rev()
        .scan(1usize, |step, &d| {
            let this = *step;
            *step = step.saturating_mul(d);
            Some(this)
        })
        .collect();
    strides.reverse();
    strides
}

/// The view with element `offset + sum(i_k step_k)` at `(i_0, i_1, ..)`.
fn strided(dims: Vec<usize>, steps: &[isize], offset: isize) -> Result<View> {
    if volume(&dims)? == 0 {
        return Ok(View { dims, from: Vec::new() });
    }
    let mut from = vec![offset];
    for (&len, &step) in dims.iter().zip(steps) {
        from =
            from.iter().flat_map(|&base| (0..len as isize).map(move |i| base + i * step)).collect();
    }
    Ok(View { dims, from: from.into_iter().map(isize::unsigned_abs).collect() })
}

/// `index` counted from the front of `len`; negative ones count from behind.
pub fn from_front(index: i64, len: usize) -> Option<usize> {
    let front = if index < 0 { index.saturating_add(len as i64) } else { index };
    usize::try_from(front).ok().filter(|&front| front < len)
}

/// `axis` counted from the front, with `rank` axes.
pub fn axis_of(axis: i64, rank: usize) -> Result<usize> {
    from_front(axis, rank).ok_or_else(|| {
        Error::new("an axis does not exist")
            .expected(format!("an axis of {rank} dimensions"))
            .found(axis)
            .help(DAMAGED)
    })
}

/// The shape two arrays broadcast to (multidirectional, as ONNX defines it).
pub fn broadcast_dims(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let at = |dims: &[usize], k: usize| {
        (k + dims.len()).checked_sub(rank).and_then(|i| dims.get(i).copied()).unwrap_or(1)
    };
    (0..rank)
        .map(|k| match (at(a, k), at(b, k)) {
            (x, y) if x == y => Ok(x),
            (1, y) => Ok(y),
            (x, 1) => Ok(x),
            _ => Err(Error::new("the shapes of two operands do not fit")
                .expected("equal lengths, or 1, on every axis")
                .found(format!("shapes {a:?} and {b:?}"))
                .help("look at both tensors where the model was made: they belong to layers of different sizes")),
        })
        .collect()
}

/// `dims` repeated to the shape `to`, which [`broadcast_dims`] gave.
pub fn broadcast(dims: &[usize], to: &[usize]) -> Result<View> {
    let missing = to.len().saturating_sub(dims.len());
    let mut steps = vec![0; missing];
    steps.extend(dims.iter().zip(strides(dims)).map(|(&d, s)| if d == 1 { 0 } else { s as isize }));
    strided(to.to_vec(), &steps, 0)
}

/// Axes in the order `order`.
pub fn transpose(dims: &[usize], order: &[usize]) -> Result<View> {
    let wrong = || {
        Error::new("a transposition does not fit its tensor")
            .expected(format!("an order of {} axes", dims.len()))
            .found(format!("{order:?}"))
            .help(DAMAGED)
    };
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..dims.len()) {
        return Err(wrong());
    }
    let all = strides(dims);
    let pick = |from: &[usize], k: usize| from.get(k).copied().ok_or_else(wrong);
    let out = order.iter().map(|&k| pick(dims, k)).collect::<Result<Vec<_>>>()?;
    let steps =
        order.iter().map(|&k| Ok(pick(&all, k)? as isize)).collect::<Result<Vec<isize>>>()?;
    strided(out, &steps, 0)
}

/// Elements `start, start + step, ..` before `end` on one axis, with ONNX's clamping.
pub fn slice(dims: &[usize], axis: usize, start: i64, end: i64, step: i64) -> Result<View> {
    let len = dims.get(axis).copied().unwrap_or(1) as i64;
    if step == 0 {
        return Err(Error::new("a slice has step 0")
            .expected("a step other than 0")
            .found(0)
            .help(DAMAGED));
    }
    let wrap = |v: i64| if v < 0 { v.saturating_add(len) } else { v };
    let (lowest, highest) = if step > 0 { (0, len) } else { (-1, len - 1) };
    let start = wrap(start).clamp(if step > 0 { 0 } else { -1 }, highest);
    let end = wrap(end).clamp(lowest, highest);
    let count = if step > 0 {
        (end - start).max(0).unsigned_abs().div_ceil(step.unsigned_abs())
    } else {
        (start - end).max(0).unsigned_abs().div_ceil(step.unsigned_abs())
    } as usize;
    // With one element the step is never taken, and may be as large as an i64.
    let step = if count > 1 { step as isize } else { 0 };
    let all = strides(dims);
    let stride = all.get(axis).copied().unwrap_or(1) as isize;
    let mut out = dims.to_vec();
    let mut steps: Vec<isize> = all.iter().map(|&s| s as isize).collect();
    if let (Some(d), Some(s)) = (out.get_mut(axis), steps.get_mut(axis)) {
        (*d, *s) = (count, stride * step);
    }
    strided(out, &steps, start.max(0) as isize * stride)
}

/// Elements `indices` (of shape `index_dims`) of one axis.
pub fn gather(dims: &[usize], axis: usize, indices: &[i64], index_dims: &[usize]) -> Result<View> {
    let (before, rest) = dims.split_at(axis.min(dims.len()));
    let (&len, after) = rest.split_first().unwrap_or((&1, &[]));
    let out = [before, index_dims, after].concat();
    volume(&out)?;
    let positions = indices
        .iter()
        .map(|&i| {
            from_front(i, len).ok_or_else(|| {
                Error::new("a gathered index does not exist")
                    .expected(format!("an index into {len} features"))
                    .found(i)
                    .help(DAMAGED)
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let (outer, inner) = (volume(before)?, volume(after)?);
    let from = (0..outer)
        .flat_map(|o| {
            positions.iter().flat_map(move |&p| (0..inner).map(move |i| (o * len + p) * inner + i))
        })
        .collect();
    Ok(View { dims: out, from })
}

/// Where each element of a concatenation along `axis` comes from, the sources being laid end to end.
pub fn concat(shapes: &[&[usize]], axis: i64) -> Result<View> {
    let first =
        shapes.first().ok_or_else(|| Error::new("a concatenation of nothing").help(DAMAGED))?;
    let axis = axis_of(axis, first.len())?;
    let (before, after) = (first.get(..axis), first.get(axis + 1..));
    let mut total = 0usize;
    let mut blocks = Vec::with_capacity(shapes.len());
    let inner = volume(after.unwrap_or_default())?;
    let mut base = 0usize;
    for dims in shapes {
        if dims.len() != first.len() || dims.get(..axis) != before || dims.get(axis + 1..) != after
        {
            return Err(Error::new("concatenated tensors do not fit")
                .expected(format!("shape {first:?}, except on axis {axis}"))
                .found(format!("{dims:?}"))
                .help(DAMAGED));
        }
        let len = dims.get(axis).copied().unwrap_or(1);
        total = total.saturating_add(len);
        blocks.push((base, len * inner));
        base += volume(dims)?;
    }
    let mut out = first.to_vec();
    if let Some(d) = out.get_mut(axis) {
        *d = total;
    }
    volume(&out)?;
    let outer = volume(before.unwrap_or_default())?;
    let from = (0..outer)
        .flat_map(|o| {
            blocks.iter().flat_map(move |&(base, run)| base + o * run..base + (o + 1) * run)
        })
        .collect();
    Ok(View { dims: out, from })
}

/// The shape a `Reshape` to `target` gives: 0 copies an axis (unless `zero_is_zero`), -1 takes the rest.
pub fn reshape(dims: &[usize], target: &[i64], zero_is_zero: bool) -> Result<Vec<usize>> {
    let wrong = || {
        Error::new("a reshape does not fit its tensor")
            .expected(format!("a shape with as many elements as {dims:?}"))
            .found(format!("{target:?}"))
            .help("export with a dynamic batch axis or a batch of 1")
    };
    let total = volume(dims)?;
    let mut out = Vec::with_capacity(target.len());
    let mut open = None;
    for (k, &t) in target.iter().enumerate() {
        out.push(match t {
            0 if !zero_is_zero => dims.get(k).copied().ok_or_else(wrong)?,
            -1 if open.is_none() => {
                open = Some(k);
                1
            }
            t => usize::try_from(t).map_err(|_| wrong())?,
        });
    }
    if let Some(slot) = open.and_then(|k| out.get(k).copied().map(|_| k)) {
        let known = volume(&out).map_err(|_| wrong())?;
        let rest = total.checked_div(known).ok_or_else(wrong)?;
        if let Some(d) = out.get_mut(slot) {
            *d = rest;
        }
    }
    if volume(&out).map_err(|_| wrong())? == total { Ok(out) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_rearrange_row_major_arrays() {
        assert_eq!(transpose(&[2, 3], &[1, 0]).unwrap().from, [0, 3, 1, 4, 2, 5]);
        assert_eq!(broadcast(&[2, 1], &[2, 2]).unwrap().from, [0, 0, 1, 1]);
        assert_eq!(slice(&[1, 4], 1, -3, i64::MAX, 2).unwrap().from, [1, 3]);
        assert_eq!(slice(&[4], 0, -1, i64::MIN, -1).unwrap().from, [3, 2, 1, 0]);
        assert_eq!(slice(&[4], 0, 0, 9, i64::MAX).unwrap().from, [0]);
        assert!(slice(&[4], 0, 3, 1, 1).unwrap().from.is_empty());
        assert_eq!(gather(&[2, 3], 1, &[-1, 0], &[2]).unwrap().from, [2, 0, 5, 3]);
        assert!(gather(&[2, 3], 1, &[3], &[1]).is_err());
        assert_eq!(concat(&[&[2, 1], &[2, 2]], -1).unwrap().from, [0, 2, 3, 1, 4, 5]);
    }

    #[test]
    fn shapes_are_checked() {
        assert_eq!(reshape(&[1, 6], &[0, -1, 2], false).unwrap(), [1, 3, 2]);
        assert!(reshape(&[1, 6], &[4, -1], false).is_err());
        assert!(reshape(&[1, 6], &[i64::MAX, i64::MAX], false).is_err());
        assert_eq!(broadcast_dims(&[3], &[2, 1]).unwrap(), [2, 3]);
        assert!(broadcast_dims(&[3], &[2]).is_err());
        assert!(volume(&[usize::MAX, 2]).is_err());
        assert_eq!(volume(&[usize::MAX, 0]).unwrap(), 0);
        assert!(axis_of(i64::MIN, 2).is_err());
    }
}
