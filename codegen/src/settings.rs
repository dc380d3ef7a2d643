#![doc = include_str!("settings.md")]
//!
//! Stands on the graph, whose inputs it names, the program, whose inputs and outputs a guard limits, and the files
//! that are read.

mod guard;
pub mod names;
mod property;
mod state;
mod units;

use std::collections::{BTreeMap, HashSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::graph::{Graph, numbered_input};
use crate::input;
use crate::options::Sparsity;
use crate::program::{Program, StatedLimits};

pub use self::guard::GuardSettings;
pub use self::property::{Asks, Direction, Monotone, PropertySettings};
pub use self::state::{Features, History, Initial, Partner, StateSettings, Window};
pub use self::units::Units;

/// What `nervecord.toml` says, or the defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Share of the values, in percent, that a range must cover.
    pub percentile: f64,
    /// Factor by which ranges are widened.
    pub margin: f64,
    /// Rows of each sequence in the calibration data of a recurrent network; one sequence if absent.
    pub sequence: Option<usize>,
    /// Zeros that may be left out.
    pub sparsity: Sparsity,
    /// Outputs of the file that the caller reads; those that are supported if empty.
    pub outputs: Vec<String>,
    /// Outputs of the file of which the caller chooses one at each step, the whole network's last.
    pub widths: Vec<String>,
    /// What is said of the network's memory.
    pub state: StateSettings,
    /// What is asked of the outputs for every input of a box.
    pub properties: Vec<PropertySettings>,
    /// What a guard holds inputs and outputs to, if it is said.
    guard: Option<GuardSettings>,
    columns: Vec<String>,
    inputs: BTreeMap<String, [f64; 2]>,
    units: BTreeMap<String, String>,
    file: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            percentile: 100.0,
            margin: 1.25,
            sequence: None,
            columns: Vec::new(),
            sparsity: Sparsity::default(),
            outputs: Vec::new(),
            widths: Vec::new(),
            state: StateSettings::default(),
            properties: Vec::new(),
            guard: None,
            inputs: BTreeMap::new(),
            units: BTreeMap::new(),
            file: None,
        }
    }
}

#[derive(serde::Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    outputs: Vec<String>,
    widths: Vec<String>,
    calibration: CalibrationSection,
    inputs: BTreeMap<String, [f64; 2]>,
    units: BTreeMap<String, String>,
    sparsity: Sparsity,
    state: state::Section,
    guard: Option<GuardSettings>,
    property: Vec<property::Section>,
}

#[derive(serde::Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct CalibrationSection {
    percentile: Option<f64>,
    margin: Option<f64>,
    columns: Vec<String>,
    sequence: Option<i64>,
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
        if path.symlink_metadata().is_err_and(|e| e.kind() == ErrorKind::NotFound) {
            return Ok(Self::default());
        }
        Self::parse(&input::text(&path)?, &path)
    }

    /// Reads the text of such a file; `path` is where it is, or would be.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let file: File = toml::from_str(text).map_err(|e| {
            let line = 1 + e
                .span()
                .map_or(0, |at| text.bytes().take(at.start).filter(|b| *b == b'\n').count());
            Error::new("nervecord.toml cannot be read")
                .file(path)
                .at(format!("line {line}"))
                .expected(
                    "outputs = [..], widths = [..], and sections [calibration] (percentile, margin, columns, sequence), [inputs] (x0 = \
                     [low, high]), [units] (x0 = \"rad/s\"), [sparsity] (weights, activations), [state] (keep, initial, window = \"history\", \
                     features, input = \"output\"), [guard] (saturated, invalid, stale, tables, inputs, outputs) and tables [[property]] (name, inputs, \
                     and output, min, max, or above, by, or monotone, or file)",
                )
                .found(e.message())
                .help("compare it with the example in the documentation")
        })?;
        let default = Self::default();
        let mut settings = Self {
            percentile: file.calibration.percentile.unwrap_or(default.percentile),
            margin: file.calibration.margin.unwrap_or(default.margin),
            sequence: None,
            columns: file.calibration.columns,
            sparsity: file.sparsity,
            outputs: file.outputs,
            widths: file.widths,
            state: StateSettings::of(file.state).map_err(|e| e.file(path))?,
            properties: property::all(file.property, path).map_err(|e| e.file(path))?,
            guard: file.guard,
            inputs: file.inputs,
            units: file.units,
            file: Some(path.to_owned()),
        };
        if !settings.outputs.is_empty() && !settings.widths.is_empty() {
            return Err(Error::new("outputs are chosen twice")
                .file(path)
                .expected(
                    "`outputs`, all of which the caller reads, or `widths`, one of which it reads",
                )
                .found("both")
                .help("leave one of the two out"));
        }
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
        if let Some(rows) = file.calibration.sequence {
            let rows = usize::try_from(rows).ok().filter(|&rows| rows > 0);
            let rows = rows.ok_or_else(|| {
                wrong("sequence", "1 or more rows", file.calibration.sequence.unwrap_or(0) as f64)
            });
            settings.sequence = Some(rows?);
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

    /// Gives the model's inputs the names that `[calibration] columns` declares, if it does.
    ///
    /// # Errors
    /// There are more or fewer than the model has inputs, or one of them cannot be an input's.
    pub fn name_inputs(&self, graph: &mut Graph) -> Result<()> {
        if !self.columns.is_empty() {
            let n = graph.input_len();
            let wrong = |what: &str| self.at_file(Error::new(what).at("[calibration] columns"));
            if self.columns.len() != n {
                return Err(wrong("the declared columns are not as many as the model's inputs")
                    .expected(format!("{n} names"))
                    .found(self.columns.len())
                    .help("name every input once, in the model's order"));
            }
            let mut seen = HashSet::new();
            if let Some(twice) = self.columns.iter().find(|name| !seen.insert(name.as_str())) {
                return Err(wrong("a column is declared twice")
                    .expected("a name of its own for every input")
                    .found(twice)
                    .help("name every input once, in the model's order"));
            }
            if let Some(bad) = self.columns.iter().find(|name| !is_column(name)) {
                return Err(wrong("a declared column cannot be read from a table")
                    .expected("a name without blanks at its ends, and no number")
                    .found(format!("{bad:?}"))
                    .help("give the column another name, in the data as well"));
            }
            graph.input_names.clone_from(&self.columns);
        }
        let mut names = (0..graph.input_len()).map(|i| graph.input_name(i));
        match names.find(|name| is_result(name)) {
            None => Ok(()),
            Some(name) => Err(self.at_file(
                Error::new("an input is called as a column of results is")
                    .at(format!("input {name}"))
                    .expected("a name other than y0, y1, .., h0, h1, .. and label")
                    .found(name)
                    .help("name the inputs in nervecord.toml: [calibration] columns = [..]"),
            )),
        }
    }

    /// The same, for the caller to read the outputs called so, in this order; if there are any.
    #[must_use]
    pub fn with_outputs(mut self, outputs: &[String]) -> Self {
        if !outputs.is_empty() {
            self.outputs = outputs.to_vec();
        }
        self
    }

    /// What a guard holds the inputs and outputs of `program` to, if it is said.
    ///
    /// # Errors
    /// A name belongs to none of them, or a limit cannot be held to in its format.
    pub fn limits(&self, program: &Program) -> Result<Option<StatedLimits>> {
        let limits = self.guard.as_ref().map(|guard| guard.of(program)).transpose();
        limits.map_err(|e| self.at_file(e))
    }

    /// An error as one of this file.
    pub fn at_file(&self, error: Error) -> Error {
        match &self.file {
            Some(file) => error.of_kind(Kind::Settings).file(file),
            None => error.of_kind(Kind::Settings),
        }
    }

    /// The declared units of the model's inputs and outputs.
    ///
    /// # Errors
    /// A name belongs to neither, or a unit cannot stand beside a number.
    pub fn units(&self, graph: &Graph) -> Result<Units> {
        Units::of(&self.units, graph).map_err(|e| self.at_file(e))
    }

    /// The declared range of every input.
    ///
    /// # Errors
    /// An input has none, or a name belongs to no input.
    pub fn input_ranges(&self, graph: &Graph) -> Result<Vec<(f64, f64)>> {
        let n = graph.input_len();
        let at_file = |e: Error| self.at_file(e);
        // Where only the model's file names the inputs, their numbers serve as well.
        let is_input = |name: &String, i: usize| {
            let number = graph.input_names.is_empty().then(|| numbered_input(i));
            *name == graph.input_name(i) || Some(name) == number.as_ref()
        };
        let known = |name: &String| (0..n).any(|i| is_input(name, i));
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
            let declared = self.inputs.iter().find(|(name, _)| is_input(name, i));
            let declared = declared.map(|(_, &[low, high])| (low, high));
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

/// Whether a header can hold a name: cells are trimmed, and numbers are no names.
fn is_column(name: &str) -> bool {
    !name.is_empty() && name.trim() == name && name.parse::<f64>().is_err()
}

/// Whether vectors and results have columns of such a name: outputs, states, and the class.
fn is_result(name: &str) -> bool {
    let numbered = |prefix: char| {
        name.strip_prefix(prefix)
            .is_some_and(|i| i.parse::<usize>().is_ok_and(|n| n.to_string() == i))
    };
    name == "label" || numbered('y') || numbered('h')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_all_read_or_one_at_a_time() {
        let parse = |text: &str| Settings::parse(text, Path::new("nervecord.toml"));
        assert_eq!(parse("widths = [\"a\", \"b\"]").unwrap().widths, ["a", "b"]);
        let message = parse("outputs = [\"a\"]\nwidths = [\"a\", \"b\"]").unwrap_err().to_string();
        assert!(message.contains("outputs are chosen twice"), "{message}");
    }
}
