//! Two inputs that differ in one alone: as a point or a box of one integer more, the last being the other value of that
//! input, and a machine that runs both side by side. Only pairs in order count, the larger value being the second's.
//!
//! Stands on machines.

use super::property::Cell;
use crate::certify::machine::Machine;
use crate::graph::Shape;
use crate::program::formula::{Formula, Lane, Meaning, Step};
use crate::program::{Port, PortWidth};

/// Both inputs of a point; none if they are not in order.
pub fn inputs(point: &[i32], i: usize) -> Option<[Vec<i32>; 2]> {
    let (other, own) = point.split_last()?;
    let mut second = own.to_vec();
    let first = second.get_mut(i)?;
    let in_order = *first <= *other;
    *first = *other;
    in_order.then(|| [own.to_vec(), second])
}

/// The smallest box with all pairs of a box that are in order; none if there is none.
pub fn ordered(cell: &Cell, i: usize) -> Option<Cell> {
    let mut cell = cell.clone();
    let other = cell.pop()?;
    let own = cell.get_mut(i)?;
    let (least, most) = (own.0, other.1);
    own.1 = own.1.min(most);
    let in_order = own.0 <= own.1;
    cell.push((other.0.max(least), most));
    in_order.then_some(cell)
}

/// A machine that runs another on both inputs of a pair: its outputs are the first's, then the second's.
pub fn machine(of: &Machine, i: usize) -> Machine {
    let lanes = of.start.len();
    let (input, output) = (of.input.0.features(), of.output.0.features());
    let (given, told) = (2 * lanes, 2 * lanes + input + 1);
    let shifted = |step: &Step| Step {
        operands: step.operands.iter().map(|lane| lane + lanes).collect(),
        ..step.clone()
    };
    let others = (0..input).map(|k| if k == i { input } else { k });
    let first = (0..input).map(|k| (of.input.1 + k, k));
    let second = others.enumerate().map(|(k, from)| (lanes + of.input.1 + k, from));
    let mut steps = vec![copies(given, first.chain(second), 0)];
    steps.extend(of.steps.iter().flat_map(|step| [step.clone(), shifted(step)]));
    let outputs =
        (0..output).flat_map(|k| [(k, of.output.1 + k), (output + k, lanes + of.output.1 + k)]);
    steps.push(copies(0, outputs, told));
    Machine {
        steps,
        start: [of.start.as_slice(), &of.start, &vec![0; input + 1 + 2 * output]].concat(),
        input: (with(&of.input.0, (0..input).chain([i])), given),
        output: (with(&of.output.0, (0..output).chain(0..output)), told),
        spots: vec![],
        wide: vec![],
    }
}

/// A step that copies: features behind `to`, and from which lane behind `from` each has its number.
fn copies(from: usize, features: impl Iterator<Item = (usize, usize)>, to: usize) -> Step {
    let copy = |(feature, lane): (usize, usize)| {
        (feature as u32, Formula::Copy(Lane { operand: 0, feature: lane as u32 }))
    };
    Step {
        name: "pair".into(),
        meaning: Meaning { features: features.map(copy).collect(), ..Meaning::default() },
        operands: vec![from, to],
        widths: u32::MAX,
    }
}

/// A port with some of another's features.
fn with(port: &Port, features: impl Iterator<Item = usize> + Clone) -> Port {
    fn of<T: Clone>(all: &[T], features: impl Iterator<Item = usize>) -> Vec<T> {
        features.filter_map(|k| all.get(k).cloned()).collect()
    }
    let width = match &port.width {
        PortWidth::Narrow => PortWidth::Narrow,
        PortWidth::WideIn(channels) => PortWidth::WideIn(of(channels, features.clone())),
        PortWidth::WideOut(channels) => PortWidth::WideOut(of(channels, features.clone())),
    };
    Port {
        shape: Shape::vector(features.clone().count()),
        fracs: of(&port.fracs, features.clone()),
        width,
        ranges: of(&port.ranges, features),
        ..port.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pairs_in_order_count() {
        assert_eq!(inputs(&[3, 5, 4], 0), Some([vec![3, 5], vec![4, 5]]));
        assert_eq!(inputs(&[3, 5, 4], 1), None);
        assert_eq!(ordered(&vec![(0, 9), (5, 7), (2, 6)], 1), Some(vec![(0, 9), (5, 6), (5, 6)]));
        assert_eq!(ordered(&vec![(0, 9), (5, 7), (2, 4)], 1), None);
    }
}
