//! Networks of every kind, drawn at random: the integers are as near to float as the compiler
//! promises, on rows that it has not seen, and modules give the same bits as the host.

use nervecord_tests::drawn::{Verdict, draw, judge};

/// `cargo xtask fuzz --target networks` goes on from here.
const SEEDS: u64 = 54;

#[allow(missing_docs)]
mod modules {
    include!(concat!(env!("OUT_DIR"), "/drawn.rs"));
}

#[test]
fn integers_of_random_networks_are_as_near_to_float_as_promised() {
    let mut good = 0;
    for seed in 0..SEEDS {
        let drawn = draw(seed).unwrap();
        match judge(&drawn) {
            Ok(Verdict::Good(_)) => good += 1,
            Ok(Verdict::Refused | Verdict::Missed(_)) => {}
            Err(wrong) => panic!("seed {seed}, {:?} {:?}: {wrong}", drawn.kind, drawn.oddities),
        }
    }
    assert!(good > SEEDS / 2, "{good} of {SEEDS}");
}

#[test]
fn modules_of_random_networks_give_the_bits_of_the_host() {
    assert!(!modules::DRAWN.is_empty());
    modules::DRAWN.iter().for_each(|check| check());
}
