//! `[guard]` of `nervecord.toml`: limits of inputs and outputs in the model's units. Stands on the program, whose
//! formats have to hold them, and names.

use std::collections::BTreeMap;

use nervecord::limits::LimitError;
use nervecord::{InputLimits, OutputLimits, Tolerance};

use super::names;
use crate::error::{Error, Result};
use crate::graph::numbered_input;
use crate::program::{Port, Program, StatedLimits};

/// The section as it stands in the file.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GuardSettings {
    saturated: Option<u16>,
    invalid: Option<u16>,
    stale: Option<u16>,
    tables: Option<u32>,
    inputs: BTreeMap<String, Input>,
    outputs: BTreeMap<String, Output>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Input {
    min: Option<f64>,
    max: Option<f64>,
    stuck: Option<u16>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Output {
    min: Option<f64>,
    max: Option<f64>,
    slew: Option<f64>,
    safe: Option<f64>,
    safe_slew: Option<f64>,
}

impl Input {
    fn limits(self) -> InputLimits {
        let any = InputLimits::ANY;
        InputLimits {
            min: self.min.unwrap_or(any.min),
            max: self.max.unwrap_or(any.max),
            stuck: self.stuck.unwrap_or(any.stuck),
        }
    }
}

impl Output {
    fn limits(self) -> OutputLimits {
        let any = OutputLimits::ANY;
        let (min, max) = (self.min.unwrap_or(any.min), self.max.unwrap_or(any.max));
        OutputLimits {
            min,
            max,
            slew: self.slew.unwrap_or(any.slew),
            // Not `clamp`, which panics for limits that are refused later.
            safe: self.safe.unwrap_or_else(|| any.safe.min(max).max(min)),
            safe_slew: self.safe_slew.unwrap_or(any.safe_slew),
        }
    }
}

impl GuardSettings {
    /// The limits of a program's inputs and outputs, each tried on its format.
    ///
    /// # Errors
    /// A name belongs to none, or a limit cannot be held to.
    pub fn of(&self, program: &Program) -> Result<StatedLimits> {
        let (input, output) = (&program.input, &program.output);
        let mut stated = StatedLimits::none(input.features(), output.features());
        let usual = Tolerance::DEFAULT;
        stated.tolerance = Tolerance {
            saturated: self.saturated.unwrap_or(usual.saturated),
            invalid: self.invalid.unwrap_or(usual.invalid),
            stale: self.stale.unwrap_or(usual.stale),
        };
        if self.tables == Some(0) {
            return Err(Error::new("no tables are checked in a period")
                .at("[guard] tables")
                .expected("bytes, such as 64: a pass takes as many periods as there are of them in the tables")
                .found(0)
                .help("leave it out for no check"));
        }
        stated.tables = self.tables;
        for (name, section) in &self.inputs {
            let i = place(name, "inputs", &program.input_names, numbered_input)?;
            let limits = section.limits();
            let bounds = limits.bounds(input.format(i));
            bounds.map_err(|e| refused(e, format!("[guard.inputs] {name}"), section, input, i))?;
            stated.inputs[i] = limits;
        }
        for (name, section) in &self.outputs {
            let o = place(name, "outputs", program.output_labels(), |o| format!("y{o}"))?;
            let limits = section.limits();
            let bounds = limits.bounds(output.format(o));
            bounds
                .map_err(|e| refused(e, format!("[guard.outputs] {name}"), section, output, o))?;
            stated.outputs[o] = limits;
        }
        Ok(stated)
    }
}

/// The place of a name in a section.
fn place(
    name: &str,
    section: &str,
    names: &[String],
    numbered: impl Fn(usize) -> String,
) -> Result<usize> {
    names::place(name, names, numbered).ok_or_else(|| {
        Error::new(format!("a limit is stated for none of the model's {section}"))
            .at(format!("[guard.{section}] {name}"))
            .expected(names::listed(names))
            .found(name)
            .help("`nervecord inspect` prints the names")
    })
}

/// What is wrong with a limit of feature `i` of a port.
fn refused(
    error: LimitError,
    at: String,
    section: &impl std::fmt::Debug,
    port: &Port,
    i: usize,
) -> Error {
    let least = match port.bits() {
        32 => i32::MIN,
        _ => i16::MIN.into(),
    };
    let [low, high, step] = [least, !least, 1].map(|raw| port.to_real(i, raw));
    let reach = format!("values from {low} to {high} in steps of {step}, as the format has");
    let (expected, help) = match error {
        LimitError::NoNumber => ("numbers".to_owned(), "leave out what is not limited"),
        LimitError::Order => ("min at most max".to_owned(), "exchange them"),
        LimitError::Nothing => (reach, "state limits that leave something of the format"),
        LimitError::Still => ("a largest change above 0".to_owned(), "leave it out for any change"),
        LimitError::Fine => {
            (reach, "allow a change of at least one step a period, or leave it out")
        }
        LimitError::Safe => {
            ("a safe output from min to max".to_owned(), "choose one that may be driven")
        }
        _ => (
            reach,
            "what lies beyond is clamped to the format and counts as saturated: leave the limit out, or calibrate on \
             data that go as far",
        ),
    };
    let error = Error::new(error.message()).at(at).expected(expected).help(help);
    error.found(format!("{section:?}").replace("Some(", "").replace(')', "").replace("None", "-"))
}
