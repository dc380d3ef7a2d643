//! `[units]` of `nervecord.toml`: what the numbers of inputs and outputs are in. Stands on the graph, which names them,
//! names and errors.

use std::collections::BTreeMap;

use super::names::listed;
use crate::error::{Error, Result};
use crate::graph::{Graph, numbered_input};
use crate::text;

/// Most characters of a unit: it stands beside numbers and at axes.
const LONGEST: usize = 24;

/// The unit of each input and output, where one is declared.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Units {
    /// One an input.
    pub inputs: Vec<Option<String>>,
    /// One an output.
    pub outputs: Vec<Option<String>>,
}

impl Units {
    /// The units that `declared` gives to the inputs and outputs of `graph`.
    ///
    /// # Errors
    /// A name is neither an input's nor an output's, or a unit cannot stand beside a number.
    pub(super) fn of(declared: &BTreeMap<String, String>, graph: &Graph) -> Result<Self> {
        let inputs: Vec<String> = (0..graph.input_len()).map(|i| graph.input_name(i)).collect();
        let outputs: Vec<String> = (0..graph.output_len()).map(|i| graph.output_name(i)).collect();
        // Where only the model's file names the inputs and outputs, their numbers serve as well.
        let numbers = |names: &[String], own: bool, number: fn(usize) -> String| {
            let number = |(i, name): (usize, &String)| if own { name.clone() } else { number(i) };
            names.iter().enumerate().map(number).collect::<Vec<String>>()
        };
        let input_numbers = numbers(&inputs, !graph.input_names.is_empty(), numbered_input);
        let output_numbers = numbers(&outputs, !graph.output_names.is_empty(), |i| format!("y{i}"));
        let all = [&inputs, &outputs, &input_numbers, &output_numbers];
        for (name, unit) in declared {
            if !all.iter().any(|names| names.contains(name)) {
                return Err(Error::new("a unit is declared for what is neither input nor output")
                    .at(format!("[units] {}", text::label(name)))
                    .expected(format!("{}, {}", listed(&inputs), listed(&outputs)))
                    .found(text::label(name))
                    .help("`nervecord inspect` prints the names of inputs and outputs"));
            }
            if unit.trim().is_empty()
                || unit.chars().count() > LONGEST
                || text::plain(unit) != *unit
            {
                return Err(Error::new("a unit cannot stand beside a number")
                    .at(format!("[units] {}", text::label(name)))
                    .expected(format!("1 to {LONGEST} characters on one line, such as \"rad/s\""))
                    .found(format!("{:?}", text::label(unit)))
                    .help("write it short, or leave it out"));
            }
        }
        let unit = |name: &String, number: &String| {
            declared.get(name).or_else(|| declared.get(number)).cloned()
        };
        let units = |names: &[String], numbers: &[String]| {
            names.iter().zip(numbers).map(|(name, number)| unit(name, number)).collect()
        };
        Ok(Self {
            inputs: units(&inputs, &input_numbers),
            outputs: units(&outputs, &output_numbers),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(declared: &[(&str, &str)]) -> Result<Units> {
        let mut graph = Graph::new("net", "x", 2);
        graph.input_names = vec!["angle".into(), "rate".into()];
        let owned = |(name, unit): &(&str, &str)| ((*name).to_owned(), (*unit).to_owned());
        Units::of(&declared.iter().map(owned).collect(), &graph)
    }

    #[test]
    fn a_unit_belongs_to_a_name_or_a_number() {
        let found = units(&[("angle", "rad"), ("y0", "N\u{b7}m")]).unwrap();
        assert_eq!(found.inputs, [Some("rad".to_owned()), None]);
        assert_eq!(found.outputs, [Some("N\u{b7}m".to_owned()), None]);
        // Inputs with names of their own have no numbers.
        assert!(units(&[("x1", "rad")]).is_err());
        assert_eq!(units(&[]).unwrap().inputs, [None, None]);
    }

    #[test]
    fn what_is_no_unit_is_refused() {
        for (declared, parts) in [
            ([("angel", "rad")], ["neither input nor output", "angle, rate, y0, y1"]),
            ([("angle", " ")], ["beside a number", "1 to 24"]),
            ([("angle", "a\nb")], ["beside a number", "[units] angle"]),
            ([("angle", "degrees per second squared")], ["beside a number", "write it short"]),
        ] {
            let message = units(&declared).unwrap_err().to_string();
            for part in parts {
                assert!(message.contains(part), "{message}");
            }
        }
    }
}
