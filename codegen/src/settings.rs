#![doc = include_str!("settings.md")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::quantize::Sparsity;

/// What `nervecord.toml` says, or the defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Share of the values, in percent, that a range must cover.
    pub percentile: f64,
    /// Factor by which ranges are widened.
    pub margin: f64,
    /// Zeros that may be left out.
    pub sparsity: Sparsity,
    inputs: BTreeMap<String, [f64; 2]>,
    file: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            percentile: 100.0,
            margin: 1.25,
            sparsity: Sparsity::default(),
            inputs: BTreeMap::new(),
            file: None,
        }
    }
}

#[derive(serde::Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    calibration: CalibrationSection,
    inputs: BTreeMap<String, [f64; 2]>,
    sparsity: Sparsity,
}

#[derive(serde::Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct CalibrationSection {
    percentile: Option<f64>,
    margin: Option<f64>,
}

impl Settings {
    /// Where the settings of `model`, a file or a folder, are if there are any.
    pub fn file_beside(model: &Path) -> PathBuf {
        let folder = if model.is_dir() { Some(model) } else { model.parent() };
        folder.unwrap_or(Path::new("")).join("nervecord.toml")
    }

    /// The settings beside `model`, a file or a folder; the defaults if there are none.
    ///
    /// # Errors
    /// The file is there but cannot be used.
    pub fn beside(model: &Path) -> Result<Self> {
        let path = Self::file_beside(model);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, &path),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(Error::io("read", path, &e)),
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Self> {
        let file: File = toml::from_str(text).map_err(|e| {
            let line = 1 + e
                .span()
                .map_or(0, |at| text.bytes().take(at.start).filter(|b| *b == b'\n').count());
            Error::new("nervecord.toml cannot be read")
                .file(path)
                .at(format!("line {line}"))
                .expected(
                    "sections [calibration] (percentile, margin), [inputs] (x0 = [low, high]) and \
                     [sparsity] (weights, activations)",
                )
                .found(e.message())
                .help("compare it with the example in the documentation")
        })?;
        let default = Self::default();
        let settings = Self {
            percentile: file.calibration.percentile.unwrap_or(default.percentile),
            margin: file.calibration.margin.unwrap_or(default.margin),
            sparsity: file.sparsity,
            inputs: file.inputs,
            file: Some(path.to_owned()),
        };
        let wrong = |key: &str, want: &str, found: f64| {
            Error::new("a setting is out of range")
                .file(path)
                .at(format!("[calibration] {key}"))
                .expected(want)
                .found(found)
                .help("leave it out for the default")
        };
        if !(settings.percentile > 50.0 && settings.percentile <= 100.0) {
            return Err(wrong("percentile", "above 50, at most 100", settings.percentile));
        }
        if !(settings.margin >= 1.0 && settings.margin <= 16.0) {
            return Err(wrong("margin", "1 to 16", settings.margin));
        }
        for (name, [low, high]) in &settings.inputs {
            if !(low < high && low.is_finite() && high.is_finite()) {
                return Err(Error::new("an input range is empty or not finite")
                    .file(path)
                    .at(format!("[inputs] {name}"))
                    .expected("[low, high] with low < high")
                    .found(format!("[{low}, {high}]"))
                    .help("write the smallest and the largest value the input takes in use"));
            }
        }
        Ok(settings)
    }

    /// The declared range of every input.
    ///
    /// # Errors
    /// An input has none, or a name belongs to no input.
    pub fn input_ranges(&self, graph: &Graph) -> Result<Vec<(f64, f64)>> {
        let n = graph.input_len();
        let at_file = |e: Error| match &self.file {
            Some(file) => e.file(file),
            None => e,
        };
        let known = |name: &String| (0..n).any(|i| *name == graph.input_name(i));
        if let Some(name) = self.inputs.keys().find(|name| !known(name)) {
            return Err(at_file(Error::new(
                "a range is declared for an input that does not exist",
            ))
            .at(format!("[inputs] {name}"))
            .expected(format!("{} to {}", graph.input_name(0), graph.input_name(n - 1)))
            .found(name)
            .help("`nervecord inspect` prints the number of inputs"));
        }
        let range = |i: usize| {
            let own = || graph.input_ranges.get(i).copied();
            let declared = self.inputs.get(&graph.input_name(i)).map(|&[low, high]| (low, high));
            declared.or_else(own).ok_or_else(|| {
                at_file(Error::new("there is no calibration data"))
                    .at(format!("input {}", graph.input_name(i)))
                    .expected("--calibration with a CSV or .npy file, or a range in nervecord.toml")
                    .found("neither")
                    .help("record a few hundred inputs, or write [inputs] x0 = [low, high] ...")
            })
        };
        (0..n).map(range).collect()
    }
}
