//! A case: a target, a seed and a number, which say all there is to know of it.

use nervecord_tests::models;
use nervecord_tests::random::Random;
use nervecord_tests::seeds::{self, File, Seed};

use crate::mutate::mutate;

/// Networks drawn at random, and their modules; what else there is to try is read from seeds.
pub const NETWORKS: &str = "networks";
/// Modules of random networks, built and run.
pub const MODULES: &str = "modules";

/// Changes that a case has at most.
const MOST: usize = 6;
/// A bundled model is taken once in so many cases: it takes longer, and most of it is weights.
const BUNDLED: usize = 24;

/// What there is to try: everything that is read, command lines, and networks drawn at random.
pub fn targets() -> Vec<&'static str> {
    let mut targets: Vec<&str> = seeds::all().iter().map(|seed| seed.target).collect();
    targets.dedup();
    targets.extend([NETWORKS, MODULES]);
    targets
}

/// The seeds of a target, made by code and bundled.
pub struct Seeds {
    made: Vec<Seed>,
    bundled: Vec<Seed>,
}

/// A seed with its changes.
pub struct Case {
    /// The files, of which [`Seed::model`] is the model.
    pub seed: Seed,
    /// Numbers for what is done with them.
    pub random: Random,
    /// How many changes it has.
    pub changes: usize,
}

/// A number of its own for every case and purpose.
fn mix(seed: u64, target: &str, index: u64, purpose: u64) -> u64 {
    let name = target.bytes().fold(seed, |h, b| Random::new(h ^ u64::from(b)).bits());
    Random::new(Random::new(name ^ index).bits() ^ purpose).bits()
}

impl Seeds {
    /// The seeds of a target; none for networks.
    pub fn of(target: &'static str) -> Self {
        let made = seeds::all().into_iter().filter(|seed| seed.target == target).collect();
        Self { made, bundled: bundled(target) }
    }

    /// Those made by code, which are small, and then the bundled ones.
    pub fn all(self) -> Vec<Seed> {
        self.made.into_iter().chain(self.bundled).collect()
    }

    /// The case of this number, without some of its changes.
    pub fn case(&self, target: &str, seed: u64, index: u64, without: &[usize]) -> Option<Case> {
        let mut random = Random::new(mix(seed, target, index, 0));
        let from = if !self.bundled.is_empty() && random.once_in(BUNDLED) {
            &self.bundled
        } else {
            &self.made
        };
        let mut changed = from.get(random.below(from.len()))?.clone();
        let mut changes = 1;
        while changes < MOST && random.once_in(2) {
            changes += 1;
        }
        for k in (0..changes).filter(|k| !without.contains(k)) {
            mutate(&mut changed.files, &mut Random::new(mix(seed, target, index, 1 + k as u64)));
        }
        Some(Case { seed: changed, random, changes })
    }
}

/// The seed of a random network.
pub fn network(seed: u64, index: u64) -> u64 {
    // A step of 1 goes through all kinds of networks.
    mix(seed, NETWORKS, 0, 0).wrapping_add(index)
}

/// The bundled models that an importer reads.
fn bundled(target: &'static str) -> Vec<Seed> {
    let (folders, files): (&[&str], &[&'static str]) = match target {
        "onnx" => (&["policy", "digits", "regressor", "gru_hover"], &["model.onnx"]),
        "efficient-kan" => (&["kan_cartpole"], &["config.json", "model.safetensors"]),
        "cfc_ncp" => (&["cfc_cartpole"], &["config.json", "model.safetensors"]),
        "ncap" => (&["ncap_swimmer"], &["model.json"]),
        "circuit" => (&["tap_withdrawal"], &["circuit.toml"]),
        _ => (&[], &[]),
    };
    let read = |folder: &&str| {
        let file = |name: &&'static str| -> Option<File> {
            Some(((*name).to_owned(), std::fs::read(models(folder).join(name)).ok()?))
        };
        Some(Seed {
            target,
            files: files.iter().map(file).collect::<Option<_>>()?,
            model: files.first()?,
        })
    };
    folders.iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_named_once() {
        let mut names = targets();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
