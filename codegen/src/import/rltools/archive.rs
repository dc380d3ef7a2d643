//! The archive of an RLtools checkpoint: folders of `meta`, lines of `key: value`, and `data`, little-endian numbers.
//! Stands on archives of tar.

use std::collections::BTreeMap;
use std::io::Read;

use crate::error::{Error, Result};
use crate::import::scalars::Scalar;
use crate::text;

/// Most files of an archive: far more than the layers of any network have.
const MOST_FILES: usize = 1 << 14;

/// Most axes of a tensor.
const MOST_AXES: usize = 8;

/// The files of an archive by their paths.
pub struct Archive(BTreeMap<String, Vec<u8>>);

/// A tensor, row-major.
pub struct Stored {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Its numbers.
    pub data: Vec<f64>,
}

impl Archive {
    /// Reads the archive in the bytes of a file.
    pub fn open(bytes: &[u8]) -> Result<Self> {
        let io = |e: std::io::Error| damaged("a tar archive of folders with `meta` and `data`", e);
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(bytes).entries().map_err(io)? {
            let mut entry = entry.map_err(io)?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let mut content = vec![];
            // No longer than the archive itself, whatever its header says.
            entry.by_ref().take(bytes.len() as u64).read_to_end(&mut content).map_err(io)?;
            files.insert(path.trim_start_matches("./").to_owned(), content);
            if files.len() > MOST_FILES {
                return Err(damaged(&format!("at most {MOST_FILES} files"), "more"));
            }
        }
        Ok(Self(files))
    }

    /// Whether the folder `path` describes itself.
    pub fn has(&self, path: &str) -> bool {
        self.0.contains_key(&format!("{path}/meta"))
    }

    /// The folder of the network: the one whose layers are numbered from 0, the first of several.
    pub fn network(&self) -> Result<String> {
        let folder = |path: &String| path.strip_suffix("/layers/0/meta").map(str::to_owned);
        self.0.keys().find_map(folder).ok_or_else(|| {
            let files: Vec<&str> = self.0.keys().map(String::as_str).collect();
            damaged(
                "a folder like `actor/layers/0` with a `meta`",
                text::shortened(&files.join(", "), 200),
            )
        })
    }

    /// What the folder `path` says of itself under `key`.
    pub fn word(&self, path: &str, key: &str) -> Option<String> {
        let meta = self.0.get(&format!("{path}/meta"))?;
        let meta = String::from_utf8_lossy(meta);
        let mut words = meta.lines().filter_map(|line| line.split_once(':'));
        words.find(|(k, _)| k.trim() == key).map(|(_, word)| word.trim().to_owned())
    }

    /// The tensor in the folder `path`.
    pub fn tensor(&self, path: &str) -> Result<Stored> {
        let read = || {
            let wrong = |what: &str, found: Option<String>| {
                damaged(what, found.unwrap_or_else(|| "nothing".into()))
            };
            let number = |key: &str| {
                let word = self.word(path, key);
                let number = word.as_deref().and_then(|w| w.parse::<usize>().ok());
                number.ok_or_else(|| wrong(&format!("a number `{key}` in its `meta`"), word))
            };
            let scalar = match self.word(path, "dtype").as_deref() {
                Some("float32") => Scalar::F32,
                Some("float64") => Scalar::F64,
                Some("float16") => Scalar::F16,
                Some("bfloat16") => Scalar::Bf16,
                other => {
                    return Err(wrong("float32 or float64 as `dtype`", other.map(str::to_owned)));
                }
            };
            let axes = number("num_dims")?;
            if axes > MOST_AXES {
                return Err(wrong(&format!("at most {MOST_AXES} axes"), Some(axes.to_string())));
            }
            let shape =
                (0..axes).map(|k| number(&format!("dim_{k}"))).collect::<Result<Vec<_>>>()?;
            let bytes = self.0.get(&format!("{path}/data")).map_or(&[][..], Vec::as_slice);
            let count = shape.iter().try_fold(scalar.size(), |p, &d| p.checked_mul(d));
            if count != Some(bytes.len()) {
                let what = format!("numbers for the shape {shape:?} in its `data`");
                return Err(damaged(&what, format!("{} bytes", bytes.len())));
            }
            let data = scalar.decode(bytes);
            match data.iter().find(|v| !v.is_finite()) {
                Some(bad) => Err(Error::new("a weight is not a finite number")
                    .expected("finite weights")
                    .found(bad)
                    .help(
                        "the training diverged or the file is damaged: take a healthy checkpoint",
                    )),
                None => Ok(Stored { shape, data }),
            }
        };
        read().map_err(|e| e.at(format!("tensor `{path}`")))
    }

    /// The rows of the matrix in the folder `path`.
    pub fn matrix(&self, path: &str) -> Result<Vec<Vec<f64>>> {
        let Stored { shape, data } = self.tensor(path)?;
        match shape[..] {
            [rows, columns] if rows > 0 && columns > 0 => {
                Ok(data.chunks(columns).map(<[f64]>::to_vec).collect())
            }
            _ => Err(damaged("two axes of at least 1", format!("{shape:?}"))
                .at(format!("tensor `{path}`"))),
        }
    }
}

/// An archive that is not what it should be.
pub fn damaged(expected: &str, found: impl std::fmt::Display) -> Error {
    Error::new("this is not a checkpoint of RLtools, or it is damaged")
        .expected(expected)
        .found(found)
        .help("save the policy again with rl_tools::save to a tar archive, and copy it in binary mode")
}
