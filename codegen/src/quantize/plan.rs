//! Where each tensor lives: storages whose lives do not overlap share memory.

use std::ops::Range;

use nervecord::host::quads;

use crate::program::Op;

/// The quads of each storage and their total, by first fit, longest storage first.
///
/// The input is written before the first op and the output read after the last; `states` live on
/// from step to step and come first, in their order.
pub fn plan(
    features: &[usize],
    ops: &[Op],
    states: &[usize],
    input: usize,
    output: usize,
) -> (Vec<Range<usize>>, usize) {
    let mut lives: Vec<Option<(usize, usize)>> = vec![None; features.len()];
    let mut touch = |storage: usize, time: usize| {
        let life = lives[storage].get_or_insert((time, time));
        life.1 = life.1.max(time);
    };
    touch(input, 0);
    for (i, op) in ops.iter().enumerate() {
        op.reads.iter().chain([&op.write]).for_each(|&storage| touch(storage, i + 1));
    }
    touch(output, ops.len() + 1);
    for &state in states {
        lives[state] = Some((0, ops.len() + 1));
    }

    let mut order: Vec<usize> = (0..features.len()).filter(|&s| lives[s].is_some()).collect();
    let rank = |s: usize| states.iter().position(|&state| state == s).unwrap_or(states.len());
    order.sort_by_key(|&s| (rank(s), std::cmp::Reverse(features[s]), s));
    let mut places: Vec<Range<usize>> = vec![0..0; features.len()];
    let mut placed: Vec<usize> = Vec::new();
    for storage in order {
        let overlaps = |other: usize| match (lives[storage], lives[other]) {
            (Some(a), Some(b)) => a.0 <= b.1 && b.0 <= a.1,
            _ => false,
        };
        let mut taken: Vec<Range<usize>> =
            placed.iter().filter(|&&s| overlaps(s)).map(|&s| places[s].clone()).collect();
        taken.sort_by_key(|r| r.start);
        let size = quads(features[storage]);
        let mut start = 0;
        for range in taken {
            if start + size <= range.start {
                break;
            }
            start = start.max(range.end);
        }
        places[storage] = start..start + size;
        placed.push(storage);
    }
    let total = places.iter().map(|r| r.end).max().unwrap_or(0);
    (places, total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantize::rescale::copy;

    #[test]
    fn a_chain_alternates_between_two_places() {
        let op = |read: usize| Op {
            name: String::new(),
            kernel: Box::new(copy(1)),
            reads: vec![read],
            widths: u32::MAX,
            write: read + 1,
        };
        let features = [4, 16, 16, 1];
        let ops: Vec<Op> = (0..3).map(op).collect();
        let (places, total) = plan(&features, &ops, &[], 0, 3);
        assert_eq!(total, 8, "the two widest neighbours, in quads");
        for i in 0..3 {
            assert!(places[i].end <= places[i + 1].start || places[i + 1].end <= places[i].start);
        }
    }
}
