//! Whole random networks of every family and kind: compiled, certified, checked, and run on inputs that were drawn, that
//! are corners, and that were searched for. `cargo xtask whole` goes on from here.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use nervecord_tests::built;
use nervecord_tests::kinds::{KINDS, number};
use nervecord_tests::whole::{FAMILIES, certify, hold, program, whole};

/// Networks drawn.
const SEEDS: u64 = 40;

/// Steps of each.
const STEPS: usize = 300;

/// Networks whose modules are built and run.
const BUILT: Range<u64> = 36..60;

/// Steps of those with memory.
const LONG: usize = 100_000;

#[test]
fn every_family_and_kind_is_drawn() {
    let (mut kinds, mut families) = (BTreeSet::new(), BTreeSet::new());
    for seed in 0..400 {
        let whole = whole(seed).unwrap();
        kinds.extend(whole.graph.nodes.iter().map(|node| number(&node.layer)));
        families.insert(whole.family);
    }
    assert!(kinds.into_iter().eq(0..KINDS));
    assert!(families.into_iter().eq(BTreeSet::from(FAMILIES)));
}

#[test]
fn no_output_of_a_whole_network_exceeds_its_certificate() {
    let (mut certified, mut bounded, mut worst) = (0, 0, 0.0_f64);
    let mut widths = BTreeSet::new();
    for seed in 0..SEEDS {
        let whole = whole(seed).unwrap();
        let about = format!("seed {seed}, {}", whole.family);
        let Some(own) = certify(&whole).unwrap_or_else(|wrong| panic!("{about}: {wrong}")) else {
            continue;
        };
        let held = hold(&own, &whole.rows, seed, STEPS);
        let held = held.unwrap_or_else(|wrong| panic!("{about}: {wrong}"));
        worst = worst.max(held.ratio);
        let program = &own.compiled.program;
        widths.extend([("input", program.input.bits()), ("output", program.output.bits())]);
        certified += 1;
        bounded += usize::from(own.certificate.unbounded.is_none());
    }
    assert!(certified >= 36 && bounded >= 24, "{bounded} bounded of {certified}");
    assert_eq!(widths.len(), 4, "{widths:?}");
    // A search that comes near to no claim would not find one that is wrong.
    assert!(worst > 0.9, "{worst}");
}

#[test]
fn modules_of_whole_networks_are_what_was_certified_step_after_step() {
    let (program, held) = program(BUILT, LONG).unwrap();
    assert!(held.claims > 3 * LONG as u64, "{held:?}");
    built::run(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("whole"), &program).unwrap();
}
