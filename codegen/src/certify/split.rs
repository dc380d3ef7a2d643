//! A bound over a box, made tighter by cutting the box where the bound is loosest (branch and bound).
//!
//! The box whose bound is the largest beside what was seen is cut in two across the input that has most to do with
//! that, and both halves are bounded anew; each half is independent of all others. So the bound of the whole is the
//! largest of all that are left.
//!
//! Stands on the bound of one box.

use std::collections::BinaryHeap;

use super::bound::{Errors, Given, errors};
use super::interval::Interval;
use super::net::Net;
use crate::parallel;

/// A box, and how far the integers can be from float in it.
#[derive(Debug, Clone)]
pub struct Cell {
    /// One an input.
    pub inputs: Vec<Interval>,
    /// One an output.
    pub errors: Vec<f64>,
    /// How it was cut from the whole box: the input, times two, and one more for the upper half.
    pub cuts: Vec<u32>,
    /// The largest of them beside what was seen.
    ratio: f64,
    /// How much each input has to do with how loose that is.
    blame: Vec<f64>,
    /// What it took.
    work: u64,
}

impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        self.ratio.total_cmp(&other.ratio).is_eq()
    }
}

impl Eq for Cell {}

impl PartialOrd for Cell {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Cell {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.ratio.total_cmp(&other.ratio)
    }
}

/// Boxes that are cut at a time: as many whatever the machine, so that the result is the same.
const TOGETHER: usize = 16;

/// How far a box is cut.
#[derive(Debug, Clone, Copy)]
pub struct Until {
    /// Boxes at most.
    pub boxes: usize,
    /// Terms that are gone back over at most, about.
    pub work: u64,
    /// The largest ratio of bound and search that is tight enough.
    pub ratio: f64,
}

/// The largest errors over a box, cut in parts, and these; none if nothing bounds them. `second` is what else is known of a
/// part, from its cuts: no claim is below it.
pub fn split(
    net: &Net,
    given: &Given,
    seen: &[f64],
    until: &Until,
    second: &(dyn Fn(&[u32]) -> Option<Vec<f64>> + Sync),
) -> Option<Vec<Cell>> {
    let cell = |(inputs, cuts): (Vec<Interval>, Vec<u32>)| {
        let Errors { mut errors, blame, work } =
            errors(net, &Given { inputs: inputs.clone(), states: given.states.clone() })?;
        errors.iter_mut().zip(second(&cuts)?).for_each(|(own, other)| *own = own.max(other));
        let ratios = errors.iter().zip(seen).map(|(error, seen)| error / seen.max(1e-12));
        let ratios = ratios.enumerate();
        let (worst, ratio) = ratios.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default();
        let blame = blame.into_iter().nth(worst).unwrap_or_default();
        Some(Cell { inputs, errors, cuts, ratio, blame, work })
    };
    let mut open = BinaryHeap::from([cell((given.inputs.clone(), vec![]))?]);
    let mut work = 0;
    while open.len() < until.boxes && work < until.work {
        let few = (open.len() / 4).clamp(1, TOGETHER).min(until.boxes - open.len());
        let worst: Vec<Cell> = (0..few).filter_map(|_| open.pop()).collect();
        let Some(largest) = worst.first() else { break };
        if largest.ratio <= until.ratio {
            open.extend(worst);
            break;
        }
        let halves: Vec<(Vec<Interval>, Vec<u32>)> = worst.iter().flat_map(halves).collect();
        let found = parallel::map(&halves, |half| cell(half.clone()));
        work += found.iter().flatten().map(|cell| cell.work).sum::<u64>();
        for (pair, whole) in found.chunks(2).zip(&worst) {
            match pair {
                [Some(a), Some(b)] => {
                    open.extend([a.clone(), b.clone()].map(|half| half.no_looser(whole)))
                }
                _ => open.push(whole.clone()),
            }
        }
    }
    Some(open.into_vec())
}

impl Cell {
    /// What holds for a whole box holds for its half.
    fn no_looser(mut self, whole: &Self) -> Self {
        self.errors.iter_mut().zip(&whole.errors).for_each(|(own, all)| *own = own.min(*all));
        self.ratio = self.ratio.min(whole.ratio);
        self
    }
}

/// Both halves of a box across the input that is most to blame.
fn halves(cell: &Cell) -> [(Vec<Interval>, Vec<u32>); 2] {
    let blame = cell.blame.iter().take(cell.inputs.len()).enumerate();
    let place = blame.max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(i, _)| i) as u32;
    [2 * place, 2 * place + 1].map(|cut| {
        let mut inputs = cell.inputs.clone();
        halve(&mut inputs, cut);
        (inputs, [cell.cuts.as_slice(), &[cut]].concat())
    })
}

/// Takes the half of a box that a cut names; false if it has no such input.
pub fn halve(inputs: &mut [Interval], cut: u32) -> bool {
    let Some(own) = inputs.get_mut(cut as usize / 2) else { return false };
    let middle = own.middle();
    match cut % 2 {
        0 => own.high = middle,
        _ => own.low = middle,
    }
    true
}
