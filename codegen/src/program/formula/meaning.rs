//! The formulas of an op. Stands on blocks.

use super::block::Block;
use nervecord::generated::Axis;
use nervecord::generated::Grid;

/// A number that an op reads: a feature of one of its operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane {
    /// Its reads in their order; behind them, the storage it writes, as it was.
    pub operand: u32,
    /// The feature.
    pub feature: u32,
}

/// How a sum becomes an activation: `clamp(floor(sum multiplier / 2^shift), low, high)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finish {
    /// At least 0.
    pub multiplier: i64,
    /// Below 48.
    pub shift: u32,
    /// Smallest result.
    pub low: i64,
    /// Largest result.
    pub high: i64,
}

impl Finish {
    /// The requantisation to an i16, at least 0 if `relu`.
    pub fn requantize(multiplier: i64, shift: i64, relu: bool) -> Self {
        let low = if relu { 0 } else { i64::from(i16::MIN) };
        // What no kernel has is found when a step is looked at.
        let shift = u32::try_from(shift).unwrap_or(u32::MAX).saturating_add(16);
        Self { multiplier, shift, low, high: i16::MAX.into() }
    }

    /// A shift to the right, saturating at the ends of an i16.
    pub fn shift(shift: i64) -> Self {
        Self { shift: u32::try_from(shift).unwrap_or(u32::MAX), ..Self::requantize(1, 0, false) }
    }

    /// The activation of a sum.
    pub fn of(&self, sum: i64) -> i64 {
        let scaled = (i128::from(sum) * i128::from(self.multiplier)) >> self.shift;
        scaled.clamp(self.low.into(), self.high.into()) as i64
    }
}

/// `finish(constant + sum of terms + sum of products + sum of edges)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sum {
    /// Numbers and their factors.
    pub terms: Vec<(Lane, i64)>,
    /// Products of two numbers, and their factors.
    pub products: Vec<([Lane; 2], i64)>,
    /// Numbers and the edges they go through.
    pub edges: Vec<(Lane, Edge)>,
    /// What is added.
    pub constant: i64,
    /// What becomes of the sum.
    pub finish: Finish,
}

impl Sum {
    /// A sum of terms alone.
    pub fn of(terms: Vec<(Lane, i64)>, constant: i64, finish: Finish) -> Self {
        Self { terms, products: vec![], edges: vec![], constant, finish }
    }
}

/// A cubic B-spline of integers: `sum_k weights_k(coordinate) coefficients[start + k]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    /// From activation to grid coordinate.
    pub grid: Grid,
    /// The grid.
    pub axis: Axis,
    /// One an interval, and three more.
    pub coefficients: Vec<i64>,
}

impl Edge {
    /// Whether its grid is one that a kernel may have.
    pub fn is_sound(&self) -> bool {
        let Axis { intervals, shift, .. } = self.axis;
        let reach = (i64::from(intervals) + 3).checked_shl(shift.into());
        intervals > 0
            && (16..31).contains(&shift)
            && reach.is_some_and(|reach| reach < 1 << 31)
            && self.grid.offset.unsigned_abs() < 1 << 30
    }

    /// The edge at an activation.
    pub fn at(&self, x: i16) -> i64 {
        let (start, weights) = self.axis.locate(self.grid.coordinate(x));
        let own = self.coefficients.get(start..).unwrap_or_default();
        own.iter().zip(weights).map(|(c, w)| c * i64::from(w)).sum()
    }
}

/// What one number becomes.
#[derive(Debug, Clone, PartialEq)]
pub enum Formula {
    /// Another number.
    Copy(Lane),
    /// Always the same.
    Constant(i64),
    /// A sum.
    Sum(Sum),
    /// The function of this table at a number.
    Table(Lane, usize),
    /// The largest of several numbers; else the smallest.
    Extreme {
        /// The largest.
        largest: bool,
        /// At least one.
        of: Vec<Lane>,
    },
}

/// What an op computes: features that have a formula each, and blocks of them that have one together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Meaning {
    /// Functions as straight pieces.
    pub tables: Vec<Vec<u32>>,
    /// Features written, with their formulas over what was there before the op.
    pub features: Vec<(u32, Formula)>,
    /// Several features at once: what they read, and what they write.
    pub blocks: Vec<(Block, Vec<Lane>, Vec<u32>)>,
}

impl Meaning {
    /// The features written, and their values for operands of these activations.
    pub fn run(&self, operands: &[&[i16]]) -> Vec<(u32, i64)> {
        let value = |lane: &Lane| {
            let operand = operands.get(lane.operand as usize);
            operand.and_then(|x| x.get(lane.feature as usize)).copied().unwrap_or(0)
        };
        let wide = |lane: &Lane| i64::from(value(lane));
        let sum = |sum: &Sum| {
            // What was read from a module may be too large for any kernel.
            let times = |x: i64, factor: &i64| x.saturating_mul(*factor);
            let terms = sum.terms.iter().map(|(lane, factor)| times(wide(lane), factor));
            let product = |([a, b], factor): &([Lane; 2], i64)| times(wide(a) * wide(b), factor);
            let products = sum.products.iter().map(product);
            let edges = sum.edges.iter().map(|(lane, edge)| edge.at(value(lane)));
            let all = terms.chain(products).chain(edges);
            sum.finish.of(all.fold(sum.constant, i64::saturating_add))
        };
        let formula = |formula: &Formula| match formula {
            Formula::Copy(lane) => wide(lane),
            Formula::Constant(value) => *value,
            Formula::Sum(of) => sum(of),
            Formula::Table(lane, table) => i64::from(table_at(&self.tables[*table], value(lane))),
            Formula::Extreme { largest, of } => {
                let values = of.iter().map(wide);
                if *largest { values.max() } else { values.min() }.unwrap_or(0)
            }
        };
        let alone = self.features.iter().map(|(feature, of)| (*feature, formula(of)));
        let blocks = self.blocks.iter().flat_map(|(block, reads, writes)| {
            let values = block.run(&reads.iter().map(value).collect::<Vec<_>>());
            writes.iter().copied().zip(values.into_iter().map(i64::from))
        });
        alone.chain(blocks).collect()
    }
}

/// The function of a table's pieces at `x`.
pub fn table_at(pieces: &[u32], x: i16) -> i16 {
    let half = pieces.len() as i64 / 2;
    let t = i64::from(x) * half;
    let word = pieces.get((half + (t >> 15)) as usize).map_or(0, |&word| i64::from(word as i32));
    let (slope, rest) = (i64::from(word as i16), i64::from(t as i16));
    ((word + slope * rest) >> 16) as i16
}
