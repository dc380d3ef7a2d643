//! States that a file has as an input and an output: which belongs to which.
//!
//! Exporters write the memory of a step as inputs and outputs of one shape whose names differ in a word: `h_in` and
//! `h_out`, `state` and `new_state`, `h0` and `hn`. What is left of both names without that word is the state's own
//! name, and must be a word for a state. What a recurrent node reads as its state and gives back is one by any name.
//! `nervecord.toml` overrules all of it.
//!
//! Stands on the file's inputs and outputs, the states of its recurrent nodes, and settings.

use super::cells::States;
use super::door::Door;
use crate::error::{Error, Result};
use crate::settings::{Partner, StateSettings};

/// A state: the output that the next step finds in the input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair<'a> {
    /// Name of the input.
    pub input: &'a str,
    /// Name of the output.
    pub output: &'a str,
}

/// Words that a state's input has in its name, and its output has not.
const BEFORE: [&str; 16] = [
    "in", "ins", "input", "inputs", "prev", "previous", "pre", "old", "last", "init", "initial",
    "past", "0", "current", "cur", "t",
];
/// The same for its output.
const AFTER: [&str; 15] = [
    "out", "outs", "output", "outputs", "next", "new", "n", "updated", "post", "final", "present",
    "1", "t1", "tp1", "after",
];
/// Words that name a state.
const STATES: [&str; 22] = [
    "h",
    "c",
    "hc",
    "hx",
    "cx",
    "hidden",
    "hid",
    "cell",
    "state",
    "states",
    "memory",
    "mem",
    "recurrent",
    "rnn",
    "lstm",
    "gru",
    "carry",
    "context",
    "hiddens",
    "cells",
    "latch",
    "membrane",
];

/// The pairs of inputs and outputs that are states.
///
/// # Errors
/// A setting names what is not there or does not fit, or an input or output has several that it could belong to.
pub fn find<'a>(
    inputs: &[Door<'a>],
    outputs: &[Door<'a>],
    cells: &States,
    settings: &StateSettings,
) -> Result<Vec<Pair<'a>>> {
    let mut pairs = Vec::new();
    for (input, partner) in &settings.pairs {
        let input = named("input", "[state]", input, inputs)?;
        if let Partner::Output(output) = partner {
            pairs.push(declared(input, named("output", "[state]", output, outputs)?)?);
        }
    }
    if let Some(twice) = pairs.iter().enumerate().find_map(|(k, pair)| {
        pairs.iter().take(k).any(|other: &Pair| other.output == pair.output).then_some(pair)
    }) {
        return Err(Error::new("one output is declared as two states")
            .at(format!("[state] {}", twice.input))
            .expected("an output of its own for every state")
            .found(format!("`{}` twice", twice.output))
            .help("name the output that each input is given in the next step"));
    }
    let open: Vec<&Door> =
        inputs.iter().filter(|input| !settings.pairs.contains_key(input.name)).collect();
    let free: Vec<&Door> =
        outputs.iter().filter(|o| pairs.iter().all(|pair| pair.output != o.name)).collect();
    let found = undeclared(&open, &free, cells)?;
    // A network has something to read and something to give beside its states.
    let left = |all: usize, declared: usize| all > declared + found.len();
    if left(inputs.len(), pairs.len()) && left(outputs.len(), pairs.len()) {
        pairs.extend(found);
    }
    pairs.sort_by_key(|pair| inputs.iter().position(|input| input.name == pair.input));
    Ok(pairs)
}

/// The input or output that a setting names.
fn named<'a, 'd>(
    what: &str,
    section: &str,
    name: &str,
    doors: &'d [Door<'a>],
) -> Result<&'d Door<'a>> {
    doors.iter().find(|door| door.name == name).ok_or_else(|| {
        Error::new(format!("the file has no such {what}"))
            .at(section)
            .expected(list(doors.iter().map(Door::describe)))
            .found(format!("`{name}`"))
            .help("write the state's input, and the output that the next step finds in it: h_in = \"h_out\"")
    })
}

fn declared<'a>(input: &Door<'a>, output: &Door<'a>) -> Result<Pair<'a>> {
    if input.fits(output) {
        return Ok(Pair { input: input.name, output: output.name });
    }
    Err(Error::new("a state's input and output have different shapes")
        .at(format!("[state] {}", input.name))
        .expected(format!("an output of the shape of {}", input.describe()))
        .found(output.describe())
        .help("name the output that the input is given in the next step"))
}

/// Pairs that a recurrent node tells of, and of the others those whose names differ as names of states do.
fn undeclared<'a>(
    inputs: &[&Door<'a>],
    outputs: &[&Door<'a>],
    cells: &States,
) -> Result<Vec<Pair<'a>>> {
    let told = pairs_where(inputs, outputs, |input, output| cells.are_one(input, output))?;
    let open = |door: &&&Door| told.iter().all(|p| p.input != door.name && p.output != door.name);
    let inputs: Vec<&Door> = inputs.iter().filter(open).copied().collect();
    let outputs: Vec<&Door> = outputs.iter().filter(open).copied().collect();
    Ok([told.clone(), pairs_where(&inputs, &outputs, are_state)?].concat())
}

/// Pairs of one shape for which `are_one` says so.
fn pairs_where<'a>(
    inputs: &[&Door<'a>],
    outputs: &[&Door<'a>],
    are_one: impl Fn(&str, &str) -> bool,
) -> Result<Vec<Pair<'a>>> {
    let mut pairs = Vec::new();
    for input in inputs {
        for output in outputs {
            if input.fits(output) && are_one(input.name, output.name) {
                pairs.push(Pair { input: input.name, output: output.name });
            }
        }
    }
    let rivals = |pair: &Pair<'a>| -> Vec<Pair<'a>> {
        let same = |other: &&Pair| other.input == pair.input || other.output == pair.output;
        pairs.iter().filter(same).copied().collect()
    };
    match pairs.iter().map(rivals).find(|rivals| rivals.len() > 1) {
        None => Ok(pairs),
        Some(rivals) => {
            let shown = |pair: &Pair| format!("{} -> {}", pair.input, pair.output);
            let first = rivals.first().map_or(("h_in", "h_out"), |pair| (pair.input, pair.output));
            Err(Error::new("it is not clear which output is the next value of a state")
                .at("the inputs and outputs of the graph")
                .expected("one output for every state")
                .found(list(rivals.iter().map(shown)))
                .help(format!(
                    "say in nervecord.toml which it is: [state] {} = \"{}\"",
                    first.0, first.1
                )))
        }
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

/// A way to read a name: the state's own name, and whether a word of its step was left out of it.
#[derive(PartialEq)]
struct Reading {
    state: Vec<String>,
    marked: bool,
}

/// Whether an input and an output are called as one state before and after a step is.
fn are_state(input: &str, output: &str) -> bool {
    let outputs = readings(output, &AFTER);
    readings(input, &BEFORE).iter().any(|a| {
        let names_state = a.state.iter().any(|word| STATES.contains(&word.as_str()));
        names_state && outputs.iter().any(|b| a.state == b.state && (a.marked || b.marked))
    })
}

/// All ways to read a name with the `marks` of one side of a step.
fn readings(name: &str, marks: &[&str]) -> Vec<Reading> {
    let words = words(name);
    let without = |k: usize| {
        let rest = words.iter().enumerate().filter(|(i, _)| *i != k);
        Reading { state: rest.map(|(_, word)| word.clone()).collect(), marked: true }
    };
    let marked: Vec<Reading> =
        (0..words.len()).filter(|&k| marks.contains(&words[k].as_str())).map(without).collect();
    marked.into_iter().chain([Reading { state: words, marked: false }]).collect()
}

/// A name's words in lower case: parted by marks, before a capital and at a number; `hn` is `h` and `n`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before: Option<char> = None;
    for c in name.chars() {
        let turns = before.is_some_and(|b| {
            (b.is_lowercase() && c.is_uppercase()) || (b.is_ascii_digit() != c.is_ascii_digit())
        });
        if turns || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words.last_mut().into_iter().for_each(|word| word.extend(c.to_lowercase()));
        }
        before = Some(c);
    }
    let split = |word: String| match word.as_str() {
        "hn" | "cn" | "ht" | "ct" => vec![word[..1].to_owned(), word[1..].to_owned()],
        _ => vec![word],
    };
    words.into_iter().filter(|word| !word.is_empty()).flat_map(split).collect()
}

#[cfg(test)]
mod tests {
    use super::super::proto::{GraphProto, NodeProto, ValueInfoProto};
    use super::*;

    fn door<'a>(name: &'a str, dims: &[usize]) -> Door<'a> {
        Door { name, dims: Some(dims.iter().copied().map(Some).collect()), element: 1 }
    }

    /// The pairs of a file without recurrent nodes.
    fn find<'a>(
        inputs: &[Door<'a>],
        outputs: &[Door<'a>],
        settings: &StateSettings,
    ) -> Result<Vec<Pair<'a>>> {
        super::find(inputs, outputs, &States::of(&GraphProto::default()), settings)
    }

    fn pairs_of<'a>(inputs: &[Door<'a>], outputs: &[Door<'a>]) -> Vec<Pair<'a>> {
        find(inputs, outputs, &StateSettings::default()).unwrap()
    }

    #[test]
    fn a_recurrent_node_tells_its_states_by_any_name() {
        let node = |op: &str, inputs: &[&str], outputs: &[&str]| NodeProto {
            op_type: Some(op.to_owned()),
            input: inputs.iter().map(|name| (*name).to_owned()).collect(),
            output: outputs.iter().map(|name| (*name).to_owned()).collect(),
            ..NodeProto::default()
        };
        let info =
            |name: &str| ValueInfoProto { name: Some(name.to_owned()), ..Default::default() };
        let graph = GraphProto {
            node: vec![
                node("Slice", &["a", "s"], &["a0"]),
                node("Slice", &["a", "s"], &["a1"]),
                node("LSTM", &["x", "w", "r", "b", "", "a0", "b"], &["y0", "h0", "c0"]),
                node("GRU", &["y0", "w", "r", "b", "", "a1"], &["", "h1"]),
                node("Concat", &["h0", "h1"], &["17"]),
                node("Identity", &["c0"], &["18"]),
            ],
            input: ["x", "a", "b"].map(info).to_vec(),
            output: ["18", "y", "17"].map(info).to_vec(),
            ..GraphProto::default()
        };
        let doors = |infos: &'static [&str]| infos.iter().map(|name| door(name, &[1])).collect();
        let (inputs, outputs): (Vec<Door>, Vec<Door>) =
            (doors(&["x", "a", "b"]), doors(&["18", "y", "17"]));
        let pairs = super::find(&inputs, &outputs, &States::of(&graph), &StateSettings::default());
        let pair = |input, output| Pair { input, output };
        assert_eq!(pairs.unwrap(), [pair("a", "17"), pair("b", "18")]);
    }

    #[test]
    fn names_of_one_state_before_and_after_a_step() {
        for (input, output) in [
            ("h_in", "h_out"),
            ("hidden_in", "hidden_out"),
            ("state", "new_state"),
            ("h0", "hn"),
            ("h_0", "h_n"),
            ("h", "h_next"),
            ("c_in", "c_out"),
            ("hiddenStateIn", "hiddenStateOut"),
            ("prev_state", "state"),
            ("in_lstm_c", "out_lstm_c"),
            ("actor.h_in", "actor.h_out"),
            ("state_ins", "state_outs"),
            ("h1_in", "h1_out"),
            ("initial_state", "final_state"),
            ("recurrent_in", "recurrent_out"),
            ("ht", "ht1"),
        ] {
            assert!(are_state(input, output), "{input} {output}");
        }
        for (input, output) in [
            ("h", "h"),
            ("h_in", "c_out"),
            ("obs", "actions"),
            ("prev_action", "action"),
            ("image_in", "image_out"),
            ("h1_in", "h2_out"),
            ("actor_h_in", "critic_h_out"),
        ] {
            assert!(!are_state(input, output), "{input} {output}");
        }
    }

    #[test]
    fn states_are_paired_by_name_and_shape() {
        let inputs = [door("obs", &[1, 8]), door("h0", &[2, 1, 4]), door("c0", &[2, 1, 4])];
        let outputs = [door("cn", &[2, 1, 4]), door("actions", &[1, 3]), door("hn", &[2, 1, 4])];
        let pair = |input, output| Pair { input, output };
        assert_eq!(pairs_of(&inputs, &outputs), [pair("h0", "hn"), pair("c0", "cn")]);
        let others = [door("actions", &[1, 3]), door("hn", &[1, 1, 4])];
        assert_eq!(pairs_of(&inputs, &others), []);
    }

    #[test]
    fn a_network_keeps_something_to_read_and_to_give() {
        let dynamics = [door("state", &[1, 4]), door("action", &[1, 1])];
        assert_eq!(pairs_of(&dynamics, &[door("next_state", &[1, 4])]), []);
        let alone = [door("h_in", &[1, 4])];
        assert_eq!(pairs_of(&alone, &[door("h_out", &[1, 4]), door("y", &[1, 1])]), []);
    }

    #[test]
    fn what_could_be_either_is_refused_with_the_pairs_found() {
        let inputs = [door("obs", &[1, 8]), door("h", &[1, 4])];
        let outputs = [door("y", &[1, 3]), door("h_out", &[1, 4]), door("h_next", &[1, 4])];
        let message = find(&inputs, &outputs, &StateSettings::default()).unwrap_err().to_string();
        for part in ["h -> h_out, h -> h_next", "[state] h = \"h_out\""] {
            assert!(message.contains(part), "{message}");
        }
        let settings = |pairs: &[(&str, Partner)]| StateSettings {
            pairs: pairs.iter().map(|(input, p)| ((*input).to_owned(), p.clone())).collect(),
            ..StateSettings::default()
        };
        let chosen = settings(&[("h", Partner::Output("h_next".into()))]);
        let pairs = find(&inputs, &outputs, &chosen).unwrap();
        assert_eq!(pairs, [Pair { input: "h", output: "h_next" }]);
        let none = settings(&[("h", Partner::Kept(false))]);
        assert_eq!(find(&inputs, &outputs, &none).unwrap(), []);
        for (pairs, parts) in [
            (vec![("h", Partner::Output("z".into()))], ["no such output", "h_next [1, 4]"]),
            (vec![("g", Partner::Output("y".into()))], ["no such input", "`g`"]),
            (vec![("h", Partner::Output("y".into()))], ["different shapes", "y [1, 3]"]),
        ] {
            let message = find(&inputs, &outputs, &settings(&pairs)).unwrap_err().to_string();
            parts.iter().for_each(|part| assert!(message.contains(part), "{message}"));
        }
    }
}
