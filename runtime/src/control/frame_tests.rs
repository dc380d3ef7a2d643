//! Frames among garbage.

use super::*;
use proptest::prelude::*;

extern crate std;
use std::vec::Vec as List;

const N: usize = 40;

type Heard = List<(u16, Order, List<u8>)>;

fn hear(parser: &mut Parser<N>, bytes: &[u8]) -> Heard {
    let mut heard = List::new();
    parser.feed(bytes, |f| heard.push((f.sequence, f.order, f.payload.to_vec())));
    heard
}

fn frame(sequence: u16, payload: &[u8]) -> List<u8> {
    encode::<N>(sequence, payload).unwrap().to_vec()
}

#[test]
fn the_crc_is_the_usual_one() {
    assert_eq!(crc16(0xffff, b"123456789"), 0x29b1);
}

#[test]
fn payloads_that_do_not_fit_are_refused() {
    assert!(encode::<N>(0, &[0; N - OVERHEAD]).is_some());
    assert!(encode::<N>(0, &[0; N - OVERHEAD + 1]).is_none());
    assert!(encode::<300>(0, &[0; 256]).is_none());
}

#[test]
fn every_kind_of_disorder_is_counted() {
    let mut parser = Parser::<N>::new();
    for sequence in [5, 6, 9, 9, 7, 10] {
        hear(&mut parser, &frame(sequence, b"x"));
    }
    let counts = *parser.counts();
    let expected = Counts { fresh: 4, skipped: 2, duplicate: 1, late: 1, ..Counts::default() };
    assert_eq!(counts, expected);
}

#[test]
fn numbers_wrap() {
    let mut parser = Parser::<N>::new();
    for sequence in [0xfffe, 0xffff, 0, 1] {
        assert_eq!(hear(&mut parser, &frame(sequence, b""))[0].1, Order::Fresh);
    }
    assert_eq!(parser.counts().skipped, 0);
}

#[test]
fn a_sender_that_was_reset_is_believed_after_three_frames() {
    let mut parser = Parser::<N>::new();
    for sequence in 1000..1003 {
        hear(&mut parser, &frame(sequence, b""));
    }
    let orders: List<Order> =
        (0..4).map(|sequence| hear(&mut parser, &frame(sequence, b""))[0].1).collect();
    assert_eq!(orders, [Order::Late, Order::Late, Order::Restart, Order::Fresh]);
    assert_eq!((parser.counts().restarts, parser.counts().late), (1, 2));
}

#[test]
fn a_false_start_does_not_hide_the_frame_behind_it() {
    let mut parser = Parser::<N>::new();
    // A start that promises 16 bytes and never keeps it.
    let mut bytes = std::vec![START, 16, !16];
    for sequence in 0..4 {
        bytes.extend(frame(sequence, b"abc"));
    }
    let heard = hear(&mut parser, &bytes);
    assert_eq!(heard.iter().map(|h| h.0).collect::<List<_>>(), [0, 1, 2, 3]);
    assert_eq!((parser.counts().crc, parser.counts().garbage), (1, 3));
}

proptest! {
    #[test]
    fn garbage_is_survived_and_a_frame_after_silence_is_heard(
        garbage in prop::collection::vec(prop_oneof![Just(START), any::<u8>()], 0..400),
        payload in prop::collection::vec(any::<u8>(), 0..=N - OVERHEAD),
    ) {
        let mut parser = Parser::<N>::new();
        hear(&mut parser, &garbage);
        // Whatever has begun in the garbage ends within the longest frame.
        hear(&mut parser, &[0; N]);
        let before = *parser.counts();
        let heard = hear(&mut parser, &frame(before.fresh as u16 ^ 0x4000, &payload));
        prop_assert_eq!(heard.len(), 1);
        prop_assert_eq!(&heard[0].2, &payload);
        prop_assert_eq!(parser.counts().garbage, before.garbage);
    }

    #[test]
    fn a_stream_with_garbage_between_frames_loses_none(
        parts in prop::collection::vec(
            // Bytes other than START, which could swallow what follows for a while.
            (prop::collection::vec(0_u8..0xa5, 0..20), prop::collection::vec(any::<u8>(), 0..20)),
            1..30,
        ),
        chunk in 1_usize..50,
    ) {
        let mut bytes = List::new();
        for (sequence, (garbage, payload)) in parts.iter().enumerate() {
            bytes.extend_from_slice(garbage);
            bytes.extend(frame(sequence as u16, payload));
        }
        let mut parser = Parser::<N>::new();
        let heard: Heard = bytes.chunks(chunk).flat_map(|c| hear(&mut parser, c)).collect();
        prop_assert_eq!(heard.len(), parts.len());
        for (heard, (_, payload)) in heard.iter().zip(&parts) {
            prop_assert_eq!(&heard.2, payload);
        }
        let garbage: usize = parts.iter().map(|p| p.0.len()).sum();
        prop_assert_eq!(parser.counts().garbage as usize, garbage);
    }

    #[test]
    fn a_burst_in_a_frame_is_never_taken_for_data(
        payload in prop::collection::vec(any::<u8>(), 0..20),
        at in any::<prop::sample::Index>(),
        burst in 1_u16..,
    ) {
        let mut bytes = frame(1, &payload);
        let at = at.index(bytes.len() - 1);
        bytes[at] ^= burst as u8;
        bytes[at + 1] ^= (burst >> 8) as u8;
        let mut parser = Parser::<N>::new();
        prop_assert!(hear(&mut parser, &bytes).is_empty());
        // The frames behind it are heard, once whatever the burst began has come to its end.
        bytes.clear();
        (2..8).for_each(|sequence| bytes.extend(frame(sequence, &[7; 20])));
        let heard = hear(&mut parser, &bytes);
        prop_assert_eq!(heard.last().map(|h| h.0), Some(7));
        let counts = parser.counts();
        prop_assert!(counts.crc + counts.length > 0 || counts.garbage > 0);
    }
}
