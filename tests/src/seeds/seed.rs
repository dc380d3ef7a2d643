//! A seed, and what most of them are made of.

use std::path::Path;

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

/// A state dict beside its configuration.
pub fn folder(target: &'static str, config: &str, tensors: &StateDict) -> Seed {
    let files = vec![
        ("config.json".to_owned(), config.as_bytes().to_vec()),
        ("model.safetensors".to_owned(), tensors.bytes()),
    ];
    Seed { target, files, model: "config.json" }
}

/// Tensors by name and shape, with numbers in -1..1.
pub fn noise(seed: u64, tensors: &[(&str, &[usize])]) -> StateDict {
    let mut random = Random::new(seed);
    let mut dict = StateDict::default();
    for (name, shape) in tensors {
        let count = shape.iter().product();
        dict.put(name, shape, random.row(count, 1.0).into_iter().map(|x| x as f32));
    }
    dict
}
