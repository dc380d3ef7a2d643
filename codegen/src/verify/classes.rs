//! Classifiers: which networks are, and where integers and float name different classes.

use super::errors::{Errors, Rows, deviation};
use crate::compiler::Compiled;
use crate::graph::{Graph, Layer, TensorId};

/// Tolerated RMS errors that one output of an integer network within the tolerance seldom exceeds. Scores that err so far
/// in the mean are wrong, even where the largest is the right one.
pub(super) const SELDOM: f64 = 3.0;

/// What the outputs are, and so how they are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// Real numbers: by their errors.
    Numbers,
    /// A score a class, or one probability: by the classes they name.
    Scores,
    /// The index of a class: by the classes the scores before the argmax name.
    Index,
}

impl Head {
    /// A network is a classifier if it ends in softmax, its logarithm or argmax, names its classes, or has `labels`.
    pub fn of(compiled: &Compiled, labels: bool) -> Self {
        let graph = &compiled.source.graph;
        match ending(graph) {
            "argmax" if compiled.program.scores.as_ref().is_some_and(|s| s.shape.len() > 1) => {
                Self::Index
            }
            "softmax" | "logsoftmax" | "argmax" => Self::Scores,
            _ if labels || graph.classes.is_some() => Self::Scores,
            _ => Self::Numbers,
        }
    }

    /// The units of the columns. Scores are compared with each other, so they share one: that of a class which hardly ever
    /// has a score would make an error of nothing large.
    pub fn units(self, own: Vec<f64>) -> Vec<f64> {
        if self == Self::Numbers {
            return own;
        }
        let columns = own.len();
        vec![Errors::of(own).rms; columns]
    }

    /// The float network to compare with: as imported, or, to look inside it, as it was quantized.
    pub fn graph(self, compiled: &Compiled) -> &Graph {
        if self == Self::Index { &compiled.graph } else { &compiled.source.graph }
    }

    /// The tensor of that network that is compared.
    pub fn tensor(self, graph: &Graph) -> TensorId {
        let writer = graph.nodes.iter().rfind(|node| node.output == graph.output);
        match writer.and_then(|node| node.inputs.first()) {
            Some(&scores) if self == Self::Index => scores,
            _ => graph.output,
        }
    }
}

/// The kind of the last layer that computes anything.
fn ending(graph: &Graph) -> &'static str {
    let mut tensor = graph.output;
    while let Some(node) = graph.nodes.iter().rfind(|node| node.output == tensor) {
        match (&node.layer, node.inputs.first()) {
            (Layer::Select(_), Some(&input)) => tensor = input,
            (layer, _) => return layer.kind(),
        }
    }
    ""
}

/// The class a row of outputs names: the largest of several, or the rounded one (a probability or
/// an index).
pub fn class(outputs: &[f64]) -> usize {
    match outputs {
        [one] => one.round().max(0.0) as usize,
        _ => nervecord::argmax(outputs),
    }
}

/// A row on which integers and float name different classes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Flip {
    /// Index of the row.
    pub row: usize,
    /// The float network's class.
    pub float: usize,
    /// The integers' class.
    pub fixed: usize,
    /// By how much float prefers its class.
    pub margin: f64,
    /// Whether that is more than integers within the tolerance explain.
    pub decided: bool,
}

/// The flips of `fixed` against `float`, whose outputs vary by `units`.
///
/// A flip counts as decided where float prefers its class by more than three tolerated RMS errors of each of
/// the two outputs: integers within the tolerance seldom move an output further. The largest error seen would
/// not do as a measure, as it explains every flip.
pub(super) fn flips(fixed: &Rows, float: &Rows, units: &[f64], tolerance: f64) -> Vec<Flip> {
    let flip = |(row, (fixed, float)): (usize, (&Vec<f64>, &Vec<f64>))| {
        let (a, b) = (class(float), class(fixed));
        let (margin, unit) = match &float[..] {
            // One output: the way to the half where it rounds towards the other class, on both its sides.
            &[y] => {
                let towards = if b > a { a as f64 + 0.5 - y } else { y - (a as f64 - 0.5) };
                (2.0 * towards, 2.0 * units[0])
            }
            several => (several[a] - several[b], units[a] + units[b]),
        };
        let decided = margin > SELDOM * tolerance * unit;
        (a != b).then_some(Flip { row, float: a, fixed: b, margin, decided })
    };
    fixed.iter().zip(float).enumerate().filter_map(flip).collect()
}

/// Takes each index of the largest in `rows`, of several outputs, as float's where it is another and float prefers its
/// own by no more than `tolerance` explains, as [`flips`] says of a classifier.
pub(super) fn settle_undecided(
    rows: &mut Rows,
    graph: &Graph,
    (values, scores): (&Rows, &Rows),
    tolerance: f64,
) {
    let mut start = 0;
    for (feature, tensor) in graph.indices() {
        let columns = start..start + graph.tensors[tensor].len();
        let deviations = columns.clone().filter_map(|j| deviation(scores, j)).collect();
        let unit = Errors::of(deviations).rms;
        for ((row, scores), own) in rows.iter_mut().zip(scores).zip(values) {
            let class = own[feature];
            let scores = &scores[columns.clone()];
            let score = |class: f64| scores.get(class as usize).copied();
            let Some(found) = row.get_mut(feature).filter(|found| **found != class) else {
                continue;
            };
            let margin = score(class).zip(score(*found)).map(|(own, other)| own - other);
            if margin.is_some_and(|margin| margin <= SELDOM * tolerance * 2.0 * unit) {
                *found = class;
            }
        }
        start = columns.end;
    }
}

/// Share of the rows whose class is that of `labels`.
pub(super) fn accuracy(outputs: &Rows, labels: &[usize]) -> f64 {
    let right = outputs.iter().zip(labels).filter(|(y, label)| class(y) == **label).count();
    right as f64 / labels.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flip_counts_where_float_was_decided() {
        let float = [vec![1.0, 0.9], vec![1.0, 0.0], vec![0.0, 1.0]];
        let fixed = [vec![0.9, 1.0], vec![0.4, 0.5], vec![0.0, 1.0]];
        let found = flips(&fixed, &float, &[1.0, 1.0], 0.02);
        let seen: Vec<_> = found.iter().map(|f| (f.row, f.float, f.fixed, f.decided)).collect();
        assert_eq!(seen, [(0, 0, 1, false), (1, 0, 1, true)]);
        assert!((found[0].margin - 0.1).abs() < 1e-12);
    }

    #[test]
    fn one_probability_names_two_classes() {
        let float = [vec![0.52], vec![0.9], vec![0.3]];
        let fixed = [vec![0.48], vec![0.4], vec![0.6]];
        let found = flips(&fixed, &float, &[0.4], 0.02);
        let seen: Vec<_> = found.iter().map(|f| (f.row, f.float, f.decided)).collect();
        assert_eq!(seen, [(0, 1, false), (1, 1, true), (2, 0, true)]);
        assert!((found[2].margin - 0.4).abs() < 1e-12, "{found:?}");
    }
}
