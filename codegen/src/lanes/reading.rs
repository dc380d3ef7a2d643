//! Real numbers on their way in, where nothing is to be told of them. Stands on nothing.

/// Inputs that are converted at once.
pub const EIGHT: usize = 8;

/// A number for each input, eight by eight; 0 behind the last.
pub type Eights = Vec<[f64; EIGHT]>;

/// How real numbers become activations: `floor((floor(x one + 1/2) + add) factor)`, all of it exact.
#[derive(Debug)]
pub struct Reading {
    /// The integer that stands for 1.0 in each input.
    pub ones: Eights,
    /// Half a unit of the activation less the caller's integer that is 0, and the unit's inverse; none where the caller's
    /// integers are the activations.
    pub wide: Option<[Eights; 2]>,
    /// The activations of each input of which nothing is to be told, from the least to the greatest.
    pub ends: [Eights; 2],
}

/// An input of a [`Reading`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Line {
    /// The integer that stands for 1.0.
    pub one: f64,
    /// Half a unit of the activation less the caller's integer that is 0.
    pub add: f64,
    /// The inverse of that unit.
    pub factor: f64,
    /// The least and the greatest activation of which nothing is to be told.
    pub ends: [f64; 2],
}

impl Reading {
    /// The conversion of these inputs; unless `wide`, the caller's integers are the activations.
    pub fn of(inputs: &[Line], wide: bool) -> Self {
        let eights = |of: &dyn Fn(&Line) -> f64| -> Eights {
            let number = |i| inputs.get(i).map_or(0.0, of);
            let from = (0..inputs.len()).step_by(EIGHT);
            from.map(|from| std::array::from_fn(|k| number(from + k))).collect()
        };
        Self {
            ones: eights(&|line| line.one),
            wide: wide.then(|| [eights(&|line| line.add), eights(&|line| line.factor)]),
            ends: [eights(&|line| line.ends[0]), eights(&|line| line.ends[1])],
        }
    }
}

/// Has `convert` make activations of eight inputs at a time, whose number it is given; whether all were within their ends.
/// Inlined, so that it has the caller's vectors.
#[inline(always)]
pub fn each(
    x: &[f64],
    row: &mut [i16],
    mut convert: impl FnMut(usize, &[f64; EIGHT], &mut [i16; EIGHT]) -> bool,
) -> bool {
    let (whole, last) = x.as_chunks::<EIGHT>();
    let (rows, last_row) = row.split_at_mut_checked(x.len() - last.len()).unwrap_or_default();
    let mut within = true;
    for (k, (x, row)) in whole.iter().zip(rows.as_chunks_mut::<EIGHT>().0).enumerate() {
        within &= convert(k, x, row);
    }
    if !last.is_empty() {
        let (mut x, mut row) = ([0.0; EIGHT], [0; EIGHT]);
        x.iter_mut().zip(last).for_each(|(x, last)| *x = *last);
        within &= convert(whole.len(), &x, &mut row);
        last_row.iter_mut().zip(row).for_each(|(last, row)| *last = row);
    }
    within
}
