//! Trained networks as a framework saves them: named tensors in a safetensors file beside a `config.json`.

use std::collections::BTreeMap;

use tempfile::TempDir;

/// Tensors of 32-bit floats by name, each with its shape.
#[derive(Debug, Clone, Default)]
pub struct StateDict(pub BTreeMap<String, (Vec<usize>, Vec<f32>)>);

impl StateDict {
    /// Puts a tensor in, or another in its place.
    pub fn put(&mut self, name: &str, shape: &[usize], values: impl IntoIterator<Item = f32>) {
        self.0.insert(name.to_owned(), (shape.to_vec(), values.into_iter().collect()));
    }

    /// An element of a tensor as the networks compute with it.
    ///
    /// # Panics
    /// There is none.
    pub fn at(&self, name: &str, index: usize) -> f64 {
        f64::from(self.0[name].1[index])
    }

    /// The file: the header's length, the header, the elements in the order of the names.
    pub fn bytes(&self) -> Vec<u8> {
        let (mut entries, mut data) = (Vec::new(), Vec::new());
        for (name, (shape, values)) in &self.0 {
            let start = data.len();
            data.extend(values.iter().flat_map(|v| v.to_le_bytes()));
            let end = data.len();
            entries.push(format!(
                r#""{name}":{{"dtype":"F32","shape":{shape:?},"data_offsets":[{start},{end}]}}"#
            ));
        }
        let header = format!("{{{}}}", entries.join(","));
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
    }

    /// A folder with the file and a configuration.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn folder(&self, config: &str) -> TempDir {
        let write = || {
            let folder = tempfile::tempdir()?;
            std::fs::write(folder.path().join("config.json"), config)?;
            std::fs::write(folder.path().join("model.safetensors"), self.bytes())?;
            Ok::<_, std::io::Error>(folder)
        };
        match write() {
            Ok(folder) => folder,
            Err(error) => panic!("no folder for the model: {error}"),
        }
    }
}
