//! What is asked of a model: the properties of its `nervecord.toml`, or of a VNNLIB file, on its own inputs and outputs.
//!
//! Stands on properties, their files and settings.

use std::path::Path;

use super::property::{Constraint, Property};
use super::vnnlib;
use crate::compiler::Compiled;
use crate::error::{Error, Kind, Result};
use crate::graph::numbered_input;
use crate::input;
use crate::program::{Port, Program};
use crate::settings::names::{listed, place};
use crate::settings::{Asks, Direction, Monotone, PropertySettings};
use crate::text;

/// Inputs that words name.
const NAMED: usize = 4;

/// A property with a name: it holds if all of its boxes are safe.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// What it is called.
    pub name: String,
    /// What it asks, in words.
    pub says: String,
    /// Its boxes.
    pub properties: Vec<Property>,
}

/// What a VNNLIB file asks of a model.
///
/// # Errors
/// It cannot be read, or does not fit the model.
pub fn of_file(path: &Path, program: &Program) -> Result<Asked> {
    let name = path.file_name().map(text::path).unwrap_or_default();
    vnnlib_of(path, program, text::label(&name))
}

fn vnnlib_of(path: &Path, program: &Program, name: String) -> Result<Asked> {
    let text = input::text(path)?;
    let (inputs, outputs) = (program.input.features(), program.output.features());
    let properties = vnnlib::read(&text, path, inputs, outputs)?;
    let says = "no inputs of the file's box lead to the outputs that it describes".into();
    Ok(Asked { name, says, properties })
}

/// What the `[[property]]` tables of a model's `nervecord.toml` ask.
///
/// # Errors
/// A name is none of the model's, or a file cannot be read.
pub fn asked(compiled: &Compiled) -> Result<Vec<Asked>> {
    let Compiled { settings, program, .. } = compiled;
    let own = |property: &PropertySettings| {
        let at = format!("[[property]] {}", property.name);
        // What is wrong with a VNNLIB file is in that file.
        let wrong = |e: Error| settings.at_file(e.at(&at));
        match &property.asks {
            Asks::File(path) => vnnlib_of(path, program, property.name.clone()),
            _ => Stated { property, program }.asked().map_err(wrong),
        }
    };
    settings.properties.iter().map(own).collect()
}

/// A property as it is stated, and the program that it is asked of.
struct Stated<'a> {
    property: &'a PropertySettings,
    program: &'a Program,
}

impl Stated<'_> {
    fn asked(&self) -> Result<Asked> {
        let mut property = Property { inputs: self.limits()?, ..Property::default() };
        let says = match &self.property.asks {
            Asks::Range { output, min, max } => {
                let o = self.output(output)?;
                property.unsafe_sets = beyond(&self.program.output, o, *min, *max);
                range_in_words(output, *min, *max)
            }
            Asks::Above { outputs: [upper, lower], by } => {
                let (a, b) = (self.output(upper)?, self.output(lower)?);
                let constraint = Constraint { terms: vec![(a, 1.0), (b, -1.0)], most: *by };
                property.unsafe_sets = vec![vec![constraint]];
                let by = if *by == 0.0 { String::new() } else { format!(" by more than {by}") };
                format!("{} is above {}{by}", text::label(upper), text::label(lower))
            }
            Asks::Monotone(monotone) => {
                property.moved = Some(self.input(&monotone.input)?);
                let o = self.output(&monotone.output)?;
                self.monotone(&mut property, monotone, o)
            }
            Asks::File(_) => String::new(),
        };
        let says = format!("{says}{}", self.box_in_words());
        Ok(Asked { name: self.property.name.clone(), says, properties: vec![property] })
    }

    /// Adds what is unsafe of a monotone output; what is asked, in words.
    fn monotone(&self, property: &mut Property, monotone: &Monotone, o: usize) -> String {
        let port = &self.program.output;
        let unit = 1.0 / port.one(o);
        let tolerance = monotone.tolerance.unwrap_or(unit);
        // Half a unit beyond the last that is allowed: differences are whole units.
        let most = -(settled(tolerance / unit).floor() + 0.5) * unit;
        let (sign, way) = match monotone.direction {
            Direction::Rising => (1.0, "rises"),
            Direction::Falling => (-1.0, "falls"),
        };
        property.unsafe_sets = vec![vec![Constraint { terms: vec![(o, sign)], most }]];
        format!(
            "{} {way} with {}, or goes the other way by at most {tolerance}",
            text::label(&monotone.output),
            text::label(&monotone.input)
        )
    }

    /// The box: what is stated of inputs, else their calibrated ranges.
    fn limits(&self) -> Result<Vec<(f64, f64)>> {
        let port = &self.program.input;
        let calibrated =
            |(i, [low, high]): (usize, &[i32; 2])| (port.to_real(i, *low), port.to_real(i, *high));
        let mut limits: Vec<(f64, f64)> = port.ranges.iter().enumerate().map(calibrated).collect();
        for (name, [low, high]) in &self.property.inputs {
            if let Some(own) = limits.get_mut(self.input(name)?) {
                *own = (*low, *high);
            }
        }
        Ok(limits)
    }

    fn input(&self, name: &str) -> Result<usize> {
        let names = &self.program.input_names;
        place(name, names, numbered_input).ok_or_else(|| none(name, "an input", names))
    }

    fn output(&self, name: &str) -> Result<usize> {
        let names = self.program.output_labels();
        place(name, names, |o| format!("y{o}")).ok_or_else(|| none(name, "an output", names))
    }

    fn box_in_words(&self) -> String {
        let stated = &self.property.inputs;
        let range = |(name, [low, high]): (&String, &[f64; 2])| {
            format!("{} from {low} to {high}", text::label(name))
        };
        let mut parts: Vec<String> = stated.iter().take(NAMED).map(range).collect();
        if stated.len() > NAMED {
            parts.push(format!("{} inputs more", stated.len() - NAMED));
        }
        if stated.len() < self.program.input.features() {
            let which = if stated.is_empty() { "every input" } else { "every other input" };
            parts.push(format!("{which} in its calibrated range"));
        }
        match parts.split_last() {
            None => String::new(),
            Some((only, [])) => format!(", for {only}"),
            Some((last, others)) => format!(", for {} and {last}", others.join(", ")),
        }
    }
}

/// A name that is none of a model's.
fn none(name: &str, what: &str, names: &[String]) -> Error {
    Error::new(format!("a property names {what} that the model does not have"))
        .of_kind(Kind::Settings)
        .expected(listed(names))
        .found(text::label(name))
        .help("`nervecord inspect` prints the names")
}

/// Outputs beyond a range, half a unit beyond the last that is in it.
fn beyond(port: &Port, o: usize, min: f64, max: f64) -> Vec<Vec<Constraint>> {
    let one = port.one(o);
    let below = min.is_finite().then(|| (settled(min * one).ceil() - 0.5, 1.0));
    let above = max.is_finite().then(|| (-(settled(max * one).floor() + 0.5), -1.0));
    let set = |(most, factor): (f64, f64)| {
        vec![Constraint { terms: vec![(o, factor)], most: most / one }]
    };
    below.into_iter().chain(above).map(set).collect()
}

/// A number of units that is whole but for the rounding of one operation, as that whole number.
fn settled(units: f64) -> f64 {
    let whole = units.round();
    if (units - whole).abs() <= 4.0 * f64::EPSILON * whole.abs() { whole } else { units }
}

fn range_in_words(output: &str, min: f64, max: f64) -> String {
    let name = text::label(output);
    match (min.is_finite(), max.is_finite()) {
        (true, false) => format!("{name} is at least {min}"),
        (false, _) => format!("{name} is at most {max}"),
        (true, true) => format!("{name} is from {min} to {max}"),
    }
}
