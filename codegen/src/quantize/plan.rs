//! Where each tensor lives: storages whose lives do not overlap share memory.

use std::ops::Range;

use nervecord::host::quads;

use crate::program::{Op, Port, PortWidth};

/// The storages of the caller's arrays that kernels read and write where they are: an input of whole quads that only
/// such kernels read, and an output that one of them writes at the end.
pub fn callers(ops: &[Op], states: &[usize], input: &Port, output: &Port) -> Vec<usize> {
    let narrow = |port: &Port| port.width == PortWidth::Narrow && !states.contains(&port.storage);
    let reads = |op: &Op, port: &Port| op.reads.contains(&port.storage);
    let direct = |op: &Op| op.kernel.data().direct;
    let mut callers = Vec::new();
    let read = narrow(input)
        && input.features().is_multiple_of(4)
        && ops.iter().any(|op| reads(op, input))
        && ops.iter().all(|op| op.write != input.storage && (!reads(op, input) || direct(op)));
    if read {
        callers.push(input.storage);
    }
    let writers: Vec<&Op> = ops.iter().filter(|op| op.write == output.storage).collect();
    if let [writer] = writers.as_slice()
        && narrow(output)
        && !ops.iter().any(|op| reads(op, output))
        && !writer.reads.iter().any(|storage| callers.contains(storage))
        && direct(writer)
    {
        callers.push(output.storage);
    }
    callers
}

/// The quads of each storage and the total of all but the `callers`', which lie behind it; by first fit, longest
/// storage first.
///
/// The input is written before the first op and the output read after the last; `states` live on
/// from step to step and come first, in their order.
pub fn plan(
    features: &[usize],
    ops: &[Op],
    states: &[usize],
    callers: &[usize],
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
    for &caller in callers {
        lives[caller] = None;
    }
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
    let mut start = total;
    for &caller in callers {
        places[caller] = start..start + quads(features[caller]);
        start = places[caller].end;
    }
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
        let (places, total) = plan(&features, &ops, &[], &[], 0, 3);
        assert_eq!(total, 8, "the two widest neighbours, in quads");
        let (places_between, between) = plan(&features, &ops, &[], &[0, 3], 0, 3);
        assert_eq!((between, &places_between[0], &places_between[3]), (8, &(8..9), &(9..10)));
        for i in 0..3 {
            assert!(places[i].end <= places[i + 1].start || places[i + 1].end <= places[i].start);
        }
    }
}
