//! `[[property]]` of `nervecord.toml`: what is asked of the outputs for every input of a box, in the model's units and by
//! the names of inputs and outputs. Stands on texts and errors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::text;

/// A property that is stated.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertySettings {
    /// What it is called.
    pub name: String,
    /// The box: the smallest and the largest value of each input that is named.
    pub inputs: BTreeMap<String, [f64; 2]>,
    /// What is asked.
    pub asks: Asks,
}

/// What is asked of outputs.
#[derive(Debug, Clone, PartialEq)]
pub enum Asks {
    /// An output is from one value to another; infinite where none is stated.
    Range {
        /// The output.
        output: String,
        /// The smallest that it may be.
        min: f64,
        /// The largest.
        max: f64,
    },
    /// The first of two outputs is larger than the second.
    Above {
        /// Both.
        outputs: [String; 2],
        /// By more than this.
        by: f64,
    },
    /// An output does not fall, or does not rise, where one input rises and all others stay.
    Monotone(Monotone),
    /// What a VNNLIB file says, its box included.
    File(PathBuf),
}

/// How an output follows an input.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Monotone {
    /// The output.
    pub output: String,
    /// The input.
    pub input: String,
    /// Where the output goes when the input rises.
    pub direction: Direction,
    /// How far it may go the other way; a unit of its format if nothing is stated.
    pub tolerance: Option<f64>,
}

/// Up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Up.
    Rising,
    /// Down.
    Falling,
}

/// The table as it stands in the file.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    name: String,
    #[serde(default)]
    inputs: BTreeMap<String, [f64; 2]>,
    output: Option<String>,
    min: Option<f64>,
    max: Option<f64>,
    above: Option<[String; 2]>,
    by: Option<f64>,
    monotone: Option<Monotone>,
    file: Option<PathBuf>,
}

/// What each kind of property is asked by.
const KINDS: &str =
    "`output` with `min` or `max`, `above` with or without `by`, `monotone`, or `file`";

/// What is wrong with a property, so far.
fn wrong(name: &str, summary: &str) -> Error {
    Error::new(summary).at(format!("[[property]] {}", text::label(name)))
}

/// The properties of some tables; `beside` is the file that they stand in.
///
/// # Errors
/// A table asks nothing, several things, or what no number can answer.
pub(super) fn all(sections: Vec<Section>, beside: &Path) -> Result<Vec<PropertySettings>> {
    let mut all: Vec<PropertySettings> = Vec::new();
    for section in sections {
        let property = section.checked(beside)?;
        if all.iter().any(|other| other.name == property.name) {
            return Err(wrong(&property.name, "two properties have one name")
                .expected("a name of its own for each property")
                .found(text::label(&property.name))
                .help("call one of them something else"));
        }
        all.push(property);
    }
    Ok(all)
}

impl Section {
    fn checked(self, beside: &Path) -> Result<PropertySettings> {
        let wrong = |summary: &str| wrong(&self.name, summary);
        if self.name.trim().is_empty() || text::label(&self.name) != self.name {
            return Err(wrong("a property has no name that can be shown")
                .expected(format!("1 to {} characters on one line", text::LONGEST))
                .found(format!("{:?}", text::label(&self.name)))
                .help("name = \"torque stays small\""));
        }
        let stated = self.stated();
        if let Some((key, value)) = stated.iter().find(|(_, value)| !value.is_finite()) {
            return Err(wrong("a number of a property is not finite")
                .expected("a number")
                .found(format!("{key} = {value}"))
                .help("leave out what is not limited"));
        }
        if let Some((input, [low, high])) = self.inputs.iter().find(|(_, [low, high])| low > high) {
            return Err(wrong("the range of an input is empty")
                .expected("[low, high] with low at most high")
                .found(format!("{} = [{low}, {high}]", text::label(input)))
                .help("exchange them"));
        }
        let asks = self.asks(beside)?;
        Ok(PropertySettings { name: self.name, inputs: self.inputs, asks })
    }

    /// All numbers that are stated, and their keys.
    fn stated(&self) -> Vec<(String, f64)> {
        let ends = self.inputs.iter().flat_map(|(name, ends)| ends.map(|end| (name.clone(), end)));
        let tolerance = self.monotone.as_ref().and_then(|monotone| monotone.tolerance);
        let others =
            [("min", self.min), ("max", self.max), ("by", self.by), ("tolerance", tolerance)];
        let others = others.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        ends.chain(others).collect()
    }

    fn asks(&self, beside: &Path) -> Result<Asks> {
        let wrong = |summary: &str| wrong(&self.name, summary);
        let kinds = [
            ("output", self.output.is_some()),
            ("above", self.above.is_some()),
            ("monotone", self.monotone.is_some()),
            ("file", self.file.is_some()),
        ];
        let given: Vec<&str> =
            kinds.iter().filter(|(_, given)| *given).map(|(key, _)| *key).collect();
        let help = "write a table [[property]] for each thing that is asked";
        let [kind] = given.as_slice() else {
            let found = if given.is_empty() { "none".to_owned() } else { given.join(" and ") };
            return Err(wrong("a property asks one thing").expected(KINDS).found(found).help(help));
        };
        // Keys that belong to another kind would be passed over without a word.
        let ranged = self.min.is_some() || self.max.is_some();
        let odd = match *kind {
            "output" => [("by", self.by.is_some()), ("", false)],
            "above" => [("min or max", ranged), ("", false)],
            "file" if !self.inputs.is_empty() => {
                [("inputs, which the file has", true), ("", false)]
            }
            _ => [("min or max", ranged), ("by", self.by.is_some())],
        };
        if let Some((key, _)) = odd.iter().find(|(_, given)| *given) {
            let found = format!("{kind} and {key}");
            return Err(wrong("a property asks one thing").expected(KINDS).found(found).help(help));
        }
        match (&self.output, &self.above, &self.monotone, &self.file) {
            (Some(output), ..) => {
                let (min, max) =
                    (self.min.unwrap_or(f64::NEG_INFINITY), self.max.unwrap_or(f64::INFINITY));
                if !ranged || min > max {
                    return Err(wrong("the range of an output says nothing")
                        .expected("min, max or both, with min at most max")
                        .found(if ranged { format!("[{min}, {max}]") } else { "neither".into() })
                        .help("state the values that the output may have"));
                }
                Ok(Asks::Range { output: output.clone(), min, max })
            }
            (_, Some(outputs), ..) => {
                Ok(Asks::Above { outputs: outputs.clone(), by: self.by.unwrap_or(0.0) })
            }
            (.., Some(monotone), _) => match monotone.tolerance.is_some_and(|t| t < 0.0) {
                true => Err(wrong("a tolerance is below 0")
                    .expected("0 or more, in the output's units")
                    .found(monotone.tolerance.unwrap_or_default())
                    .help("leave it out for a unit of the output's format")),
                false => Ok(Asks::Monotone(monotone.clone())),
            },
            (.., file) => {
                let file = file.clone().unwrap_or_default();
                Ok(Asks::File(beside.parent().unwrap_or(Path::new("")).join(file)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<PropertySettings>> {
        #[derive(serde::Deserialize)]
        struct File {
            property: Vec<Section>,
        }
        let file: File = toml::from_str(text).unwrap();
        all(file.property, Path::new("models/nervecord.toml"))
    }

    #[test]
    fn each_kind_is_read() {
        let text = "[[property]]\nname = \"a\"\ninputs = { x0 = [0, 1.5] }\noutput = \"y0\"\nmax = 2\n\
                    [[property]]\nname = \"b\"\nabove = [\"y0\", \"y1\"]\n\
                    [[property]]\nname = \"c\"\nmonotone = { output = \"y1\", input = \"x0\", direction = \"falling\" }\n\
                    [[property]]\nname = \"d\"\nfile = \"d.vnnlib\"";
        let all = parse(text).unwrap();
        assert_eq!(all[0].inputs["x0"], [0.0, 1.5]);
        let range = Asks::Range { output: "y0".into(), min: f64::NEG_INFINITY, max: 2.0 };
        assert_eq!(all[0].asks, range);
        assert_eq!(all[1].asks, Asks::Above { outputs: ["y0".into(), "y1".into()], by: 0.0 });
        assert!(matches!(&all[2].asks, Asks::Monotone(m) if m.direction == Direction::Falling));
        assert_eq!(all[3].asks, Asks::File("models/d.vnnlib".into()));
    }

    #[test]
    fn what_asks_nothing_or_too_much_is_refused_by_its_name() {
        for (text, part) in [
            ("", "none"),
            ("output = \"y0\"", "neither"),
            ("output = \"y0\"\nmin = 2\nmax = 1", "[2, 1]"),
            ("output = \"y0\"\nmin = nan", "min = NaN"),
            ("output = \"y0\"\nmin = 0\nby = 1", "output and by"),
            ("output = \"y0\"\nmin = 0\nfile = \"f\"", "output and file"),
            ("above = [\"y0\", \"y1\"]\nmax = 3", "above and min or max"),
            ("file = \"f\"\ninputs = { x0 = [0, 1] }", "file and inputs"),
            ("output = \"y0\"\nmin = 0\ninputs = { x0 = [1, 0] }", "x0 = [1, 0]"),
            (
                "monotone = { output = \"y0\", input = \"x0\", direction = \"rising\", tolerance = -1 }",
                "below 0",
            ),
        ] {
            let message =
                parse(&format!("[[property]]\nname = \"p\"\n{text}")).unwrap_err().to_string();
            assert!(message.contains(part) && message.contains("[[property]] p"), "{message}");
            assert!(message.contains("help"), "{message}");
        }
        let twice = "[[property]]\nname = \"p\"\nfile = \"f\"\n".repeat(2);
        assert!(parse(&twice).unwrap_err().to_string().contains("one name"));
        assert!(parse("[[property]]\nname = \" \"\nfile = \"f\"").is_err());
    }
}
