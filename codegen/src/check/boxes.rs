//! A box of inputs in parts, each given by its cuts from the whole on. Stands on spans.

use super::span::Span;

/// The part of a box that is left by cuts, each the input times two, and one more for the upper half; none if there is no such
/// input.
pub fn part(whole: &[Span], cuts: &[u32]) -> Option<Vec<Span>> {
    let mut own = whole.to_vec();
    for cut in cuts {
        let x = own.get_mut(*cut as usize / 2)?;
        let middle = x.low.midpoint(x.high);
        *(if cut % 2 == 0 { &mut x.high } else { &mut x.low }) = middle;
    }
    Some(own)
}

/// Whether boxes, each given by its cuts, are all of the whole: each cut has both its halves.
pub fn is_whole(boxes: &[Vec<u32>]) -> bool {
    let mut all: Vec<&[u32]> = boxes.iter().map(Vec::as_slice).collect();
    all.sort_unstable();
    whole(&all, 0)
}

/// Whether sorted boxes that share their first `depth` cuts are all of what these leave.
fn whole(boxes: &[&[u32]], depth: usize) -> bool {
    match boxes {
        [] => false,
        [one] if one.len() == depth => true,
        _ => {
            let Some(first) = boxes.first().and_then(|cuts| cuts.get(depth)) else { return false };
            let lower = boxes.partition_point(|cuts| cuts.get(depth) <= Some(first));
            let (low, high) = boxes.split_at(lower);
            let upper = |cuts: &&[u32]| cuts.get(depth) == first.checked_add(1).as_ref();
            first % 2 == 0
                && high.iter().all(upper)
                && whole(low, depth + 1)
                && whole(high, depth + 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_the_whole_if_no_half_is_missing() {
        let whole =
            |boxes: &[&[u32]]| is_whole(&boxes.iter().map(|b| b.to_vec()).collect::<Vec<_>>());
        assert!(whole(&[&[]]));
        assert!(whole(&[&[0], &[1]]));
        assert!(whole(&[&[3], &[2, 0, 4], &[2, 1], &[2, 0, 5]]));
        assert!(!whole(&[]));
        assert!(!whole(&[&[0]]));
        assert!(!whole(&[&[0], &[0]]));
        assert!(!whole(&[&[0], &[3]]));
        assert!(!whole(&[&[1], &[2]]));
        assert!(!whole(&[&[], &[0]]));
        assert!(!whole(&[&[3], &[2, 0, 4], &[2, 0, 5]]));
    }

    #[test]
    fn a_part_is_what_its_cuts_leave() {
        let whole = [Span::new(0.0, 8.0), Span::new(-1.0, 1.0)];
        let own = part(&whole, &[1, 2, 0]).unwrap();
        assert_eq!(own, [Span::new(4.0, 6.0), Span::new(-1.0, 0.0)]);
        assert_eq!(part(&whole, &[4]), None);
    }
}
