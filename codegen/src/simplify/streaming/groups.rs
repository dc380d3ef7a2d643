//! Which outputs of a layer are computed together, of what; and the layer of some of them alone. Stands on the graph.

use std::ops::Range;

use crate::graph::{Dense, Layer, Windows};

/// Outputs that are computed of the same features.
pub struct Group {
    /// What tells it from other groups of the layer, beside what it reads.
    pub own: Vec<u64>,
    /// The features read: of which input, and which.
    pub reads: Vec<(usize, usize)>,
    /// The features written.
    pub writes: Range<usize>,
}

/// The groups of a layer that reads tensors of `lens` features and writes `outputs`, in the order of these.
pub fn of(layer: &Layer, lens: &[usize], outputs: usize) -> Vec<Group> {
    let first = |reads: Range<usize>| reads.map(|i| (0, i)).collect::<Vec<_>>();
    let len = lens.first().copied().unwrap_or(0);
    let each = |own: &dyn Fn(usize) -> Vec<u64>, reads: &dyn Fn(usize) -> Vec<(usize, usize)>| {
        let group = |i: usize| Group { own: own(i), reads: reads(i), writes: i..i + 1 };
        (0..outputs).map(group).collect()
    };
    let nothing = |_: usize| vec![];
    match layer {
        Layer::Windows(windows) => {
            let (width, size) = (windows.dense.inputs(), windows.dense.bias.len());
            let group = |(k, start): (usize, usize)| Group {
                own: vec![],
                reads: first(start..start + width),
                writes: k * size..(k + 1) * size,
            };
            windows.starts().enumerate().map(group).collect()
        }
        Layer::Dense(dense) if is_sparse(dense) => each(
            &|i| {
                let weights = dense.weights[i].iter().filter(|w| **w != 0.0);
                weights.chain([&dense.bias[i]]).map(|w| w.to_bits()).collect()
            },
            &|i| {
                let live = dense.weights[i].iter().enumerate().filter(|(_, w)| **w != 0.0);
                live.map(|(k, _)| (0, k)).collect()
            },
        ),
        Layer::Rows { count, .. } => {
            let [read, written] = [len, outputs].map(|n| n / (*count).max(1));
            let group = |k: usize| Group {
                own: vec![],
                reads: first(k * read..(k + 1) * read),
                writes: k * written..(k + 1) * written,
            };
            (0..*count).map(group).collect()
        }
        Layer::Map(_) => each(&nothing, &|i| vec![(0, i)]),
        Layer::Affine { scale, offset } => {
            each(&|i| [scale[i], offset[i]].map(f64::to_bits).to_vec(), &|i| vec![(0, i)])
        }
        Layer::Functions { picks, .. } => {
            each(&|i| vec![picks[i].1 as u64], &|i| vec![(0, picks[i].0)])
        }
        Layer::Add { .. } | Layer::Mul | Layer::Extreme { .. } => {
            each(&nothing, &|i| vec![(0, i), (1, i)])
        }
        Layer::Div => {
            let one = lens.get(1) == Some(&1);
            each(&nothing, &|i| vec![(0, i), (1, if one { 0 } else { i })])
        }
        Layer::Reduce { groups, .. } => {
            let size = len / (*groups).max(1);
            each(&nothing, &|i| first(i * size..(i + 1) * size))
        }
        _ => {
            let all = lens.iter().enumerate().flat_map(|(k, &len)| (0..len).map(move |i| (k, i)));
            vec![Group { own: vec![], reads: all.collect(), writes: 0..outputs }]
        }
    }
}

/// Whether most weights of a layer are zeros: a convolution of each channel by itself, as a map of all places.
fn is_sparse(dense: &Dense) -> bool {
    let weights = || dense.weights.iter().flatten();
    2 * weights().filter(|w| **w == 0.0).count() > weights().count()
}

/// The layer that computes the groups `chosen` alone, and which features of each of its `inputs` it then reads.
pub fn restricted(
    layer: &Layer,
    groups: &[Group],
    chosen: &[usize],
    inputs: usize,
) -> (Layer, Vec<Vec<usize>>) {
    let picked = || chosen.iter().filter_map(|&k| groups.get(k));
    let read = |input: usize| {
        let own = picked().flat_map(|group| &group.reads).filter(|(k, _)| *k == input);
        own.map(|(_, i)| *i).collect::<Vec<usize>>()
    };
    let reads: Vec<Vec<usize>> = (0..inputs).map(read).collect();
    let written: Vec<usize> = picked().flat_map(|group| group.writes.clone()).collect();
    let of = |list: &[f64]| written.iter().map(|&i| list[i]).collect::<Vec<f64>>();
    let layer = match layer {
        Layer::Windows(windows) => return some_windows(windows, chosen, reads),
        Layer::Dense(dense) => return some_rows(dense, &written, reads),
        Layer::Rows { layer, .. } => (**layer).clone().on_rows(chosen.len()),
        Layer::Affine { scale, offset } => Layer::Affine { scale: of(scale), offset: of(offset) },
        Layer::Functions { functions, picks } => {
            let function = |(place, &i): (usize, &usize)| (place, picks[i].1);
            let picks = written.iter().enumerate().map(function).collect();
            Layer::Functions { functions: functions.clone(), picks }
        }
        Layer::Reduce { by, .. } => Layer::Reduce { by: *by, groups: chosen.len() },
        other => other.clone(),
    };
    (layer, reads)
}

/// Neighbouring windows read what lies under all of them; others, each by itself, read one after the other.
fn some_windows(
    windows: &Windows,
    chosen: &[usize],
    reads: Vec<Vec<usize>>,
) -> (Layer, Vec<Vec<usize>>) {
    let (dense, width) = (windows.dense.clone(), windows.dense.inputs());
    let starts: Vec<usize> = windows.starts().collect();
    let starts: Vec<usize> = chosen.iter().filter_map(|&k| starts.get(k).copied()).collect();
    if let [first, second, ..] = starts[..]
        && second > first
        && second - first < width
        && starts.windows(2).all(|pair| pair[1] == pair[0] + (second - first))
    {
        let step = second - first;
        let end = first + step * (starts.len() - 1) + width;
        return (
            Layer::Windows(Windows::new(dense, step, starts.len())),
            vec![(first..end).collect()],
        );
    }
    (Layer::Dense(dense).on_rows(starts.len()), reads)
}

/// Rows of a dense layer, with the columns that one of them reads.
fn some_rows(dense: &Dense, rows: &[usize], reads: Vec<Vec<usize>>) -> (Layer, Vec<Vec<usize>>) {
    let mut columns = reads.concat();
    columns.sort_unstable();
    columns.dedup();
    // A layer of biases alone reads something as well.
    if columns.is_empty() {
        columns.push(0);
    }
    let row = |&r: &usize| columns.iter().map(|&c| dense.weights[r][c]).collect();
    let weights = rows.iter().map(row).collect();
    let bias = rows.iter().map(|&r| dense.bias[r]).collect();
    (Layer::Dense(Dense { weights, bias, wiring: dense.wiring }), vec![columns])
}
