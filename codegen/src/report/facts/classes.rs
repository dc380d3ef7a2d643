//! Which classes integers and float name. Stands on judged rows.

use serde::Serialize;

use super::judged::Judged;
use crate::verify::class;

/// Classes of which a page has a table.
const SHOWN: usize = 16;

/// A classifier's classes on the judged rows.
#[derive(Debug, Clone, Serialize)]
pub struct Classes {
    /// What they are called; empty of too many for a table.
    pub names: Vec<String>,
    /// Rows by float's class and then by the integers'.
    pub agreement: Vec<Vec<usize>>,
    /// Rows on which both name one class.
    pub same: usize,
    /// Rows on which they do not, though float is decided.
    pub decided: usize,
    /// Rows.
    pub rows: usize,
    /// Share of labels that the integers get right, where there are labels.
    pub accuracy: Option<f64>,
    /// The same of float.
    pub float_accuracy: Option<f64>,
}

impl Classes {
    /// Of a classifier.
    pub fn of(judged: &Judged) -> Option<Self> {
        let (v, c) = (&judged.verification, &judged.comparison);
        let (same, decided) = v.same_class.zip(v.decided_flips)?;
        let pairs =
            || c.float.values.iter().zip(&c.fixed.values).map(|(a, b)| [class(a), class(b)]);
        let count = 1 + pairs().flatten().max().unwrap_or(0);
        let count = count.max(if c.units.len() > 1 { c.units.len() } else { 2 });
        let named = c.compiled.source.graph.classes.as_ref().map(|classes| &classes.names);
        let name = |i: usize| named.and_then(|n| n.get(i).cloned()).unwrap_or(format!("{i}"));
        let count = if count <= SHOWN { count } else { 0 };
        let mut agreement = vec![vec![0; count]; count];
        if count > 0 {
            pairs().for_each(|[float, integers]| agreement[float][integers] += 1);
        }
        Some(Self {
            names: (0..count).map(name).collect(),
            agreement,
            same,
            decided,
            rows: v.finite_rows,
            accuracy: v.accuracy,
            float_accuracy: v.float_accuracy,
        })
    }
}
