//! Properties as VNNLIB files: SMT-LIB's `declare-const` and `assert` of linear comparisons of inputs `X_i` and outputs
//! `Y_i`, whose assertions describe the unsafe set.
//!
//! Stands on properties.

use std::path::Path;

use super::property::{Constraint, Property};
use crate::error::{Error, Kind, Result};

/// Most sets that `or` may come to.
const MOST_SETS: usize = 10_000;
/// Deepest nesting of expressions.
const DEEPEST: usize = 64;

/// An expression in brackets.
enum Sexp {
    Word(String, usize),
    List(Vec<Sexp>, usize),
}

impl Sexp {
    fn line(&self) -> usize {
        match self {
            Self::Word(_, line) | Self::List(_, line) => *line,
        }
    }

    fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word, _) => Some(word),
            Self::List(..) => None,
        }
    }
}

/// `sum of inputs + sum of outputs + constant`.
#[derive(Debug, Clone, Default)]
struct Linear {
    inputs: Vec<(usize, f64)>,
    outputs: Vec<(usize, f64)>,
    constant: f64,
}

impl Linear {
    fn plus(mut self, other: &Self, factor: f64) -> Self {
        self.inputs.extend(other.inputs.iter().map(|(i, f)| (*i, f * factor)));
        self.outputs.extend(other.outputs.iter().map(|(i, f)| (*i, f * factor)));
        self.constant += factor * other.constant;
        self
    }

    fn scaled(self, factor: f64) -> Self {
        Self::default().plus(&self, factor)
    }
}

/// One way to meet all assertions so far.
#[derive(Debug, Clone, Default)]
struct Case {
    bounds: Vec<(usize, f64, f64)>,
    outputs: Vec<Constraint>,
}

struct Reader<'a> {
    path: &'a Path,
}

/// The properties of a VNNLIB file for a network of so many inputs and outputs: one a box of inputs.
///
/// # Errors
/// The file is no VNNLIB, names what the network does not have, leaves an input without a bound, or compares products.
pub fn read(text: &str, path: &Path, inputs: usize, outputs: usize) -> Result<Vec<Property>> {
    let reader = Reader { path };
    let mut cases = vec![Case::default()];
    for command in reader.parse(text)? {
        let Sexp::List(parts, line) = &command else {
            return Err(reader.wrong(command.line(), "a command in brackets", "a word"));
        };
        let name = parts.first().and_then(Sexp::word).unwrap_or_default();
        match (name, parts.as_slice()) {
            ("assert", [_, what]) => {
                let own = reader.cases(what, inputs, outputs)?;
                cases = reader.both(&cases, &own, *line)?;
            }
            ("declare-const" | "declare-fun", [_, name, ..]) => {
                reader.variable(name.word().unwrap_or_default(), *line, inputs, outputs)?;
            }
            ("set-logic" | "set-info" | "check-sat" | "exit", _) => {}
            _ => return Err(reader.wrong(*line, "declare-const or assert", &format!("`{name}`"))),
        }
    }
    reader.properties(cases, inputs)
}

impl Reader<'_> {
    fn wrong(&self, line: usize, expected: &str, found: &str) -> Error {
        Error::new("the property cannot be read")
            .of_kind(Kind::Data)
            .file(self.path)
            .at(format!("line {line}"))
            .expected(expected)
            .found(found)
            .help("a VNNLIB file compares inputs X_0.. with numbers, and sums of outputs Y_0.. with one another")
    }

    /// All commands of a text.
    fn parse(&self, text: &str) -> Result<Vec<Sexp>> {
        let mut stack: Vec<(Vec<Sexp>, usize)> = vec![(Vec::new(), 1)];
        for (number, line) in text.lines().enumerate() {
            let number = number + 1;
            let code = line.split(';').next().unwrap_or_default();
            let spaced = code.replace('(', " ( ").replace(')', " ) ");
            for word in spaced.split_whitespace() {
                match word {
                    "(" if stack.len() > DEEPEST => {
                        return Err(self.wrong(number, "fewer brackets in brackets", "too many"));
                    }
                    "(" => stack.push((Vec::new(), number)),
                    ")" => {
                        let closed = stack.pop().filter(|_| !stack.is_empty());
                        let Some(((list, from), outer)) = closed.zip(stack.last_mut()) else {
                            return Err(self.wrong(number, "a bracket that was opened", "`)`"));
                        };
                        outer.0.push(Sexp::List(list, from));
                    }
                    word => {
                        if let Some((list, _)) = stack.last_mut() {
                            list.push(Sexp::Word(word.to_owned(), number));
                        }
                    }
                }
            }
        }
        match (stack.pop(), stack.is_empty()) {
            (Some((list, _)), true) => Ok(list),
            (Some((_, from)), false) => {
                Err(self.wrong(from, "a closing bracket", "the end of the file"))
            }
            (None, _) => Ok(vec![]),
        }
    }

    /// Whether a variable is an output, and its place.
    fn variable(
        &self,
        name: &str,
        line: usize,
        inputs: usize,
        outputs: usize,
    ) -> Result<(bool, usize)> {
        let place = |prefix: &str| name.strip_prefix(prefix).and_then(|n| n.parse::<usize>().ok());
        match (place("X_"), place("Y_")) {
            (Some(i), _) if i < inputs => Ok((false, i)),
            (_, Some(i)) if i < outputs => Ok((true, i)),
            _ => Err(self.wrong(
                line,
                &format!(
                    "X_0 to X_{} or Y_0 to Y_{}",
                    inputs.saturating_sub(1),
                    outputs.saturating_sub(1)
                ),
                &format!("`{name}`"),
            )),
        }
    }

    /// The ways to meet a condition.
    fn cases(&self, what: &Sexp, inputs: usize, outputs: usize) -> Result<Vec<Case>> {
        let line = what.line();
        let Sexp::List(parts, _) = what else {
            return Err(self.wrong(line, "a comparison", what.word().unwrap_or_default()));
        };
        let name = parts.first().and_then(Sexp::word).unwrap_or_default();
        let rest = parts.get(1..).unwrap_or_default();
        let each = || rest.iter().map(|part| self.cases(part, inputs, outputs));
        match name {
            "or" => Ok(each().collect::<Result<Vec<_>>>()?.concat()),
            "and" => {
                each().try_fold(vec![Case::default()], |all, own| self.both(&all, &own?, line))
            }
            "<=" | ">=" => {
                let [a, b] = rest else {
                    return Err(self.wrong(
                        line,
                        "two sides of a comparison",
                        &format!("{}", rest.len()),
                    ));
                };
                let (a, b) = (self.linear(a, inputs, outputs)?, self.linear(b, inputs, outputs)?);
                let (low, high) = if name == "<=" { (a, b) } else { (b, a) };
                self.comparison(&low.plus(&high, -1.0), line).map(|case| vec![case])
            }
            other => Err(self.wrong(line, "and, or, <= or >=", &format!("`{other}`"))),
        }
    }

    /// The ways to meet one and the other.
    fn both(&self, all: &[Case], own: &[Case], line: usize) -> Result<Vec<Case>> {
        if all.len().saturating_mul(own.len()) > MOST_SETS {
            return Err(self.wrong(line, &format!("at most {MOST_SETS} cases of `or`"), "more"));
        }
        let with = |case: &Case, other: &Case| Case {
            bounds: [case.bounds.as_slice(), &other.bounds].concat(),
            outputs: [case.outputs.as_slice(), &other.outputs].concat(),
        };
        Ok(all.iter().flat_map(|case| own.iter().map(move |other| with(case, other))).collect())
    }

    /// `difference <= 0`.
    fn comparison(&self, difference: &Linear, line: usize) -> Result<Case> {
        let Linear { inputs, outputs, constant } = difference;
        match (inputs.as_slice(), outputs.is_empty()) {
            ([], _) => {
                let constraint = Constraint { terms: outputs.clone(), most: -constant };
                Ok(Case { bounds: vec![], outputs: vec![constraint] })
            }
            ([(i, factor)], true) if *factor != 0.0 => {
                let end = -constant / factor;
                let bound = match *factor > 0.0 {
                    true => (*i, f64::NEG_INFINITY, end),
                    false => (*i, end, f64::INFINITY),
                };
                Ok(Case { bounds: vec![bound], outputs: vec![] })
            }
            _ => Err(self.wrong(
                line,
                "a bound of one input, or a comparison of outputs",
                "a mixture",
            )),
        }
    }

    fn linear(&self, of: &Sexp, inputs: usize, outputs: usize) -> Result<Linear> {
        let line = of.line();
        match of {
            Sexp::Word(word, _) => match word.parse::<f64>() {
                Ok(constant) if constant.is_finite() => {
                    Ok(Linear { constant, ..Linear::default() })
                }
                _ => match self.variable(word, line, inputs, outputs)? {
                    (false, i) => Ok(Linear { inputs: vec![(i, 1.0)], ..Linear::default() }),
                    (true, i) => Ok(Linear { outputs: vec![(i, 1.0)], ..Linear::default() }),
                },
            },
            Sexp::List(parts, _) => {
                let name = parts.first().and_then(Sexp::word).unwrap_or_default();
                let rest = parts.get(1..).unwrap_or_default();
                let all: Vec<Linear> = rest
                    .iter()
                    .map(|part| self.linear(part, inputs, outputs))
                    .collect::<Result<_>>()?;
                let is_constant = |l: &Linear| l.inputs.is_empty() && l.outputs.is_empty();
                match (name, all.as_slice()) {
                    ("+", _) => {
                        Ok(all.iter().fold(Linear::default(), |sum, own| sum.plus(own, 1.0)))
                    }
                    ("-", [one]) => Ok(one.clone().scaled(-1.0)),
                    ("-", [first, others @ ..]) => {
                        Ok(others.iter().fold(first.clone(), |sum, own| sum.plus(own, -1.0)))
                    }
                    ("*", [a, b]) if is_constant(a) => Ok(b.clone().scaled(a.constant)),
                    ("*", [a, b]) if is_constant(b) => Ok(a.clone().scaled(b.constant)),
                    _ => Err(self.wrong(
                        line,
                        "a sum, a difference or a multiple",
                        &format!("`{name}`"),
                    )),
                }
            }
        }
    }

    /// The cases as properties, those of one box together.
    fn properties(&self, cases: Vec<Case>, inputs: usize) -> Result<Vec<Property>> {
        let mut all: Vec<Property> = Vec::new();
        for case in cases {
            let mut limits = vec![(f64::NEG_INFINITY, f64::INFINITY); inputs];
            for (i, low, high) in case.bounds {
                limits[i] = (limits[i].0.max(low), limits[i].1.min(high));
            }
            if let Some(i) =
                limits.iter().position(|(low, high)| !low.is_finite() || !high.is_finite())
            {
                return Err(self.wrong(
                    1,
                    "both ends of every input's range",
                    &format!("none of one end of X_{i}"),
                ));
            }
            if limits.iter().any(|(low, high)| low > high) {
                continue;
            }
            match all.iter_mut().find(|property| property.inputs == limits) {
                Some(property) => property.unsafe_sets.push(case.outputs),
                None => all.push(Property {
                    inputs: limits,
                    moved: None,
                    unsafe_sets: vec![case.outputs],
                }),
            }
        }
        match all.is_empty() {
            true => Err(self.wrong(1, "inputs that meet the assertions", "none")),
            false => Ok(all),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Vec<Property>> {
        read(text, Path::new("p.vnnlib"), 2, 3)
    }

    #[test]
    fn boxes_and_sets_are_read() {
        let text = "; a comment\n(declare-const X_0 Real)\n(assert (<= X_0 0.5))(assert (>= X_0 -0.5))\n\
                    (assert (and (<= 0 X_1) (<= X_1 1)))\n(assert (or (<= Y_0 Y_1) (and (>= Y_2 3) (<= (+ Y_0 (* 2 Y_1)) -1))))";
        let properties = of(text).unwrap();
        assert_eq!(properties.len(), 1);
        assert_eq!(properties[0].inputs, [(-0.5, 0.5), (0.0, 1.0)]);
        assert_eq!(properties[0].unsafe_sets.len(), 2);
        assert!(properties[0].is_unsafe(&[0.0, 0.0, 0.0]));
        assert!(!properties[0].is_unsafe(&[1.0, 0.0, 9.0]));
        assert!(properties[0].is_unsafe(&[1.0, -1.0, 3.0]));
    }

    #[test]
    fn several_boxes_are_several_properties() {
        let text = "(assert (or (and (<= X_0 1) (>= X_0 0)) (and (<= X_0 3) (>= X_0 2))))\
                    (assert (<= X_1 1))(assert (>= X_1 0))(assert (>= Y_0 1))";
        assert_eq!(of(text).unwrap().len(), 2);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        for (text, word) in [
            ("(assert (<= X_0 1)", "closing bracket"),
            (")", "was opened"),
            ("(assert (<= X_7 1))", "X_0 to X_1"),
            ("(assert (<= X_0 1))", "both ends"),
            ("(assert (= X_0 1))", "<= or >="),
            ("(assert (<= (* X_0 Y_0) 1))", "a multiple"),
            ("(assert (<= (+ X_0 X_1) 1))", "mixture"),
            ("(assert (<= X_0 nan))", "`nan`"),
            ("(frobnicate)", "declare-const or assert"),
            ("hello", "in brackets"),
            (&"(".repeat(100), "fewer brackets"),
        ] {
            let error = of(text).unwrap_err().to_string();
            assert!(error.contains(word) && error.contains("line"), "{text}: {error}");
        }
    }
}
