//! Trained networks as a framework saves them: named tensors in a safetensors file, or in PyTorch's own, beside a
//! `config.json`.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use tempfile::TempDir;
use zip::write::SimpleFileOptions;

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

    /// The file that `torch.save` writes, with every matrix stored as its transpose, as one that was transposed is.
    ///
    /// # Panics
    /// A tensor has more than two axes, or the archive cannot be written.
    pub fn saved(&self) -> Vec<u8> {
        let mut pickle = b"\x80\x02ccollections\nOrderedDict\n)Rq\x00(".to_vec();
        let text = |out: &mut Vec<u8>, text: &str| {
            out.push(b'X');
            out.extend((text.len() as u32).to_le_bytes());
            out.extend(text.as_bytes());
        };
        let number = |out: &mut Vec<u8>, number: usize| {
            out.push(b'J');
            out.extend((number as i32).to_le_bytes());
        };
        let mut files = vec![];
        for (key, (name, (shape, values))) in self.0.iter().enumerate() {
            let (strides, stored) = match shape[..] {
                [_] => (vec![1], values.clone()),
                [rows, columns] => {
                    let at = |k: usize| values[k % rows * columns + k / rows];
                    (vec![1, rows], (0..values.len()).map(at).collect())
                }
                _ => panic!("{name} has the shape {shape:?}"),
            };
            text(&mut pickle, name);
            pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
            text(&mut pickle, "storage");
            pickle.extend(b"ctorch\nFloatStorage\n");
            text(&mut pickle, &key.to_string());
            text(&mut pickle, "cpu");
            number(&mut pickle, values.len());
            pickle.extend(b"tQK\x00");
            for list in [shape, &strides] {
                pickle.push(b'(');
                list.iter().for_each(|&n| number(&mut pickle, n));
                pickle.push(b't');
            }
            pickle.extend(b"\x89ccollections\nOrderedDict\n)RtR");
            files.push((format!("model/data/{key}"), stored));
        }
        pickle.extend(b"u.");
        let floats = |values: Vec<f32>| values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let mut all = vec![("model/data.pkl".to_owned(), pickle)];
        all.extend(files.into_iter().map(|(name, values)| (name, floats(values))));
        archive(&all)
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

/// A zip archive of these files, as they are.
///
/// # Panics
/// It cannot be written.
pub fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(vec![]));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut write = || {
        for (name, bytes) in files {
            zip.start_file(name, stored)?;
            zip.write_all(bytes)?;
        }
        Ok::<_, zip::result::ZipError>(())
    };
    match write().and_then(|()| zip.finish()) {
        Ok(bytes) => bytes.into_inner(),
        Err(error) => panic!("no archive: {error}"),
    }
}
