//! Features in another order: slices, transpositions, zeros around rows, and any selection.

use nervecord::generated::{Pad, Quad, Select, Strided};

use super::lowering::Lowering;
use crate::error::Result;
use crate::graph::Node;
use crate::lanes::{Lanes, Unit};
use crate::program::Kernel;
use crate::program::kernel::Data;
use crate::program::table::{Array, Record, Table, Value as Field};

/// Features of a list.
#[derive(Debug)]
struct SelectKernel {
    indices: Vec<u16>,
}

impl Kernel for SelectKernel {
    fn data(&self) -> Data<'_> {
        let indices = Table::list("INDICES", Array::U16(&self.indices));
        Data::new(Record::of("Select", [("indices", Field::table("INDICES"))]), vec![indices], 1)
    }

    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        Select { indices: &self.indices }.run(reads[0], y);
    }

    fn has_lanes(&self) -> bool {
        true
    }

    fn run_lanes(&self, _: Unit, reads: &[&[Lanes]], y: &mut [Lanes]) {
        Select { indices: &self.indices }.of(reads[0], y);
    }
}

impl Kernel for Strided {
    fn data(&self) -> Data<'_> {
        let numbers = |list: [usize; 4]| Field::Numbers(list.map(|n| n as i64).to_vec());
        let fields = [
            ("first", self.first.into()),
            ("step", numbers(self.step)),
            ("count", numbers(self.count)),
        ];
        Data::new(Record::of("Strided", fields), vec![], 1)
    }

    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        Self::run(self, reads[0], y);
    }

    fn has_lanes(&self) -> bool {
        true
    }

    fn run_lanes(&self, _: Unit, reads: &[&[Lanes]], y: &mut [Lanes]) {
        self.of(reads[0], y);
    }
}

impl Kernel for Pad {
    fn data(&self) -> Data<'_> {
        let &Self { rows, before, features, after } = self;
        let fields = [
            ("rows", rows.into()),
            ("before", before.into()),
            ("features", features.into()),
            ("after", after.into()),
        ];
        Data::new(Record::of("Pad", fields), vec![], 1)
    }

    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        Self::run(self, reads[0], y);
    }

    fn has_lanes(&self) -> bool {
        true
    }

    fn run_lanes(&self, _: Unit, reads: &[&[Lanes]], y: &mut [Lanes]) {
        self.of(reads[0], y);
    }
}

pub fn lower_select(lowering: &mut Lowering, node: &Node, indices: &[usize]) -> Result<()> {
    let value = lowering.value(node.inputs[0]).clone();
    lowering.readers[node.inputs[0]] -= 1;
    let format = value.format.picked(indices.iter().copied());
    let storage = lowering.new_storage(indices.len());
    let kernel: Box<dyn Kernel> = match strided(indices) {
        Some(rule) => Box::new(rule),
        None => Box::new(SelectKernel { indices: indices.iter().map(|&i| i as u16).collect() }),
    };
    lowering.push(&node.name, kernel, vec![value.storage], storage);
    lowering.define(node.output, storage, format);
    lowering.report(node, "select".into(), String::new());
    Ok(())
}

/// The rule that gives these indices, if there is one of at most four axes.
fn strided(indices: &[usize]) -> Option<Strided> {
    let mut heads = indices.to_vec();
    let mut rule = Strided { first: *indices.first()?, step: [0; 4], count: [1; 4] };
    for axis in (0..4).rev() {
        if heads.len() == 1 {
            break;
        }
        let step = heads[1].checked_sub(heads[0])?;
        let follows = |pair: &[usize]| pair[1] == pair[0] + step;
        let run = 1 + heads.windows(2).take_while(|pair| follows(pair)).count();
        let regular = |n: usize| {
            let all = |run: &[usize]| run.windows(2).all(follows);
            heads.len().is_multiple_of(n) && heads.chunks(n).all(all)
        };
        let run = (2..=run).rev().find(|&n| regular(n))?;
        (rule.step[axis], rule.count[axis]) = (step, run);
        heads = heads.into_iter().step_by(run).collect();
    }
    (heads.len() == 1).then_some(rule)
}

/// Zeros around each of `rows` rows.
pub fn lower_pad(
    lowering: &mut Lowering,
    node: &Node,
    rows: usize,
    [before, after]: [usize; 2],
) -> Result<()> {
    let tensor = node.inputs[0];
    let features = lowering.graph.tensors[tensor].len() / rows;
    // A zero is the integer 0 only where the format has no offset.
    let value = match lowering.value(tensor).format.offset.is_empty() {
        true => {
            lowering.readers[tensor] -= 1;
            lowering.value(tensor).clone()
        }
        false => lowering.take_uniform(tensor).0,
    };
    // What stands around a row has the scales of the nearest features a whole row away, so that rows of one kind
    // stay of one kind.
    let inside = move |i: usize| (i + before.div_ceil(features) * features - before) % features;
    let padded = before + features + after;
    let row = move |row: usize| (0..padded).map(move |i| row * features + inside(i));
    let format = value.format.picked((0..rows).flat_map(row));
    let storage = lowering.new_storage(rows * padded);
    let kernel = Pad { rows, before, features, after };
    lowering.push(&node.name, Box::new(kernel), vec![value.storage], storage);
    lowering.define(node.output, storage, format);
    lowering.report(node, "pad".into(), String::new());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_found_where_there_is_one() {
        let transposed: Vec<usize> = (0..3).flat_map(|c| (0..5).map(move |r| r * 3 + c)).collect();
        let rule = strided(&transposed).unwrap();
        assert_eq!((rule.step[2..].to_vec(), rule.count[2..].to_vec()), (vec![1, 3], vec![3, 5]));
        let patches: Vec<usize> = (0..64)
            .map(|k| (k / 32) * 32 + (k / 4 % 4) * 2 + (k / 2 % 2) * 8 + k % 2 + (k / 16 % 2) * 16)
            .collect();
        for indices in [vec![4], vec![1, 2, 3], vec![2, 2, 2], vec![0, 2, 1, 3], patches] {
            let Strided { first, step, count } = strided(&indices).unwrap();
            let mut found = vec![first];
            for axis in 0..4 {
                let next = |base: &usize| (0..count[axis]).map(|i| base + i * step[axis]).collect();
                found = found.iter().flat_map(|base| -> Vec<usize> { next(base) }).collect();
            }
            assert_eq!(found, indices);
        }
        assert!(strided(&[0, 1, 3]).is_none() && strided(&[2, 1]).is_none());
    }
}
