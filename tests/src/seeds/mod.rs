//! A small valid model of everything that is read, for whoever wants to break it.

mod circuits;
mod data;
mod kan;
mod onnx;

use std::path::Path;

use crate::liquid::{self, Net};
use crate::random::Random;
use crate::state_dict::StateDict;

/// A file's name and what is in it.
pub type File = (String, Vec<u8>);

/// A model, or data for one, that is read without complaint.
#[derive(Debug, Clone, PartialEq)]
pub struct Seed {
    /// What reads it: an importer, or `csv`, `npy`, `settings`, `cli`.
    pub target: &'static str,
    /// The files, the one that matters first.
    pub files: Vec<File>,
    /// The file that a `MODEL` argument names.
    pub model: &'static str,
}

impl Seed {
    /// Writes the files into a folder.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, folder: &Path) -> std::io::Result<()> {
        self.files.iter().try_for_each(|(name, bytes)| std::fs::write(folder.join(name), bytes))
    }
}

/// All seeds, in the order of their targets.
pub fn all() -> Vec<Seed> {
    let mut all = onnx::all();
    all.push(mlp());
    all.extend(kan::all());
    all.extend(liquid());
    all.extend(circuits::all());
    all.extend(data::all());
    all
}

/// A state dict beside its configuration.
fn folder(target: &'static str, config: &str, tensors: &StateDict) -> Seed {
    let files = vec![
        ("config.json".to_owned(), config.as_bytes().to_vec()),
        ("model.safetensors".to_owned(), tensors.bytes()),
    ];
    Seed { target, files, model: "config.json" }
}

/// Tensors by name and shape, with numbers in -1..1.
fn noise(seed: u64, tensors: &[(&str, &[usize])]) -> StateDict {
    let mut random = Random::new(seed);
    let mut dict = StateDict::default();
    for (name, shape) in tensors {
        let count = shape.iter().product();
        dict.put(name, shape, random.row(count, 1.0).into_iter().map(|x| x as f32));
    }
    dict
}

fn mlp() -> Seed {
    let shapes: &[(&str, &[usize])] =
        &[("0.weight", &[4, 3]), ("0.bias", &[4]), ("2.weight", &[2, 4]), ("2.bias", &[2])];
    let config = r#"{"format": "mlp relu", "layers": [3, 4, 2], "out_activation": "tanh"}"#;
    folder("mlp", config, &noise(1, shapes))
}

fn liquid() -> Vec<Seed> {
    let seed = |target: &'static str, net: Net| folder(target, &net.config, &net.file);
    vec![
        seed("cfc_ncp", liquid::wired(1, [3, 2, 1], 2, "default", 1.0, 0.8)),
        seed("cfc_ncp", liquid::wired(2, [2, 2, 1], 1, "no_gate", 0.5, 0.8)),
        seed("cfc_dense", liquid::dense(3, [3, 4], 2, "default", 1.0, 0.8)),
        seed("cfc_dense", liquid::dense(4, [3, 0], 2, "pure", 1.0, 0.8)),
        seed("ltc", liquid::ltc(5, [4, 1], 2, 1.0, 1.0)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_read_without_complaint() {
        for seed in all() {
            let folder = tempfile::tempdir().unwrap();
            seed.write(folder.path()).unwrap();
            let source = nervecord_codegen::import::load(&folder.path().join(seed.model));
            source.unwrap_or_else(|error| panic!("{}: {error}", seed.target));
        }
    }
}
