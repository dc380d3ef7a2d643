//! The same cases for an engine that is guided by coverage, which knows bytes only.
//!
//! Its bytes are the first file of a target's first seed, the one that matters; the others stay as they are.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::OnceLock;

use nervecord_tests::random::Random;
use nervecord_tests::seeds::Seed;

use crate::case::{Case, Seeds, targets};
use crate::exercise;
use crate::mutate::mutate;
use crate::outcome::Wrong;

/// The variable that names the target.
pub const TARGET: &str = "NERVECORD_FUZZ_TARGET";

/// The target, and its seeds.
fn seeds() -> &'static (&'static str, Vec<Seed>) {
    static SEEDS: OnceLock<(&str, Vec<Seed>)> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let wanted = std::env::var(TARGET).unwrap_or_default();
        let target = targets().into_iter().find(|target| *target == wanted).unwrap_or("onnx");
        (target, Seeds::of(target).all())
    })
}

/// Does all that is done with a file of these bytes.
///
/// # Panics
/// It does what may not happen.
pub fn run(bytes: &[u8]) {
    let (target, seeds) = seeds();
    let (Some(seed), Ok(work)) = (seeds.first(), tempfile::tempdir()) else { return };
    let mut seed = seed.clone();
    if let Some((_, content)) = seed.files.first_mut() {
        *content = bytes.to_vec();
    }
    let folder = work.path().join("case");
    if fs::create_dir(&folder).is_err() {
        return;
    }
    let sum = bytes.iter().fold(0, |h: u64, b| h.wrapping_mul(31).wrapping_add(u64::from(*b)));
    let case = Case { seed, random: Random::new(sum), changes: 0 };
    if let Err(Wrong { kind, text }) = exercise::exercise(target, case, &folder) {
        panic!("{kind}: {text}");
    }
}

/// The bytes with a change that knows what they are.
pub fn change(bytes: &[u8], seed: u64) -> Vec<u8> {
    let name = seeds().1.first().and_then(|seed| seed.files.first()).map(|(name, _)| name.clone());
    let mut files = [(name.unwrap_or_default(), bytes.to_vec())];
    mutate(&mut files, &mut Random::new(seed));
    let [(_, changed)] = files;
    changed
}

/// Writes what a target starts from, a file a seed.
///
/// # Errors
/// The folder cannot be written.
pub fn corpus(target: &str, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let Some(target) = targets().into_iter().find(|known| *known == target) else { return Ok(()) };
    for (i, seed) in Seeds::of(target).all().iter().enumerate() {
        if let Some((_, content)) = seed.files.first() {
            fs::write(folder.join(format!("seed{i}")), content)?;
        }
    }
    Ok(())
}
