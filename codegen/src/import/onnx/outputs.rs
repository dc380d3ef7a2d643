//! What a file's outputs mean: the tensor a caller reads, and a classifier's label beside it.

use super::builder::Builder;
use super::node::{Flow, Label, Value};
use crate::error::{Error, Kind, Result};
use crate::graph::{Classes, Layer, Part, TensorId};

/// Refuses what the caller cannot read of an output.
pub fn usable(name: &str, value: &Value) -> Result<()> {
    match value {
        Value::Flow(_) | Value::Label(_) => Ok(()),
        other => Err(Error::new("an output does not depend on the input")
            .at(format!("output `{name}`"))
            .expected("a tensor of activations")
            .found(other.kind())
            .help(
                "export the model with its computed output only, or choose others with --output",
            )),
    }
}

/// Sets the graph's output and classes from the values of the file's outputs, and their names where it has several, or
/// `several_inputs`.
pub fn choose(
    builder: &mut Builder,
    outputs: &[(String, Value)],
    several_inputs: bool,
) -> Result<()> {
    let mut flows: Vec<(&str, &Flow)> = Vec::new();
    let mut labels: Vec<(&str, Label)> = Vec::new();
    for (name, value) in outputs {
        usable(name, value)?;
        match value {
            Value::Flow(flow) => flows.push((name, flow)),
            Value::Label(label) => labels.push((name, label.clone())),
            Value::Constant(_) | Value::Text(_) | Value::Sequence(_) => {}
        }
    }
    if flows.len() == 2 {
        index_as_label(builder, &mut flows, &mut labels);
    }
    if flows.len() > 1 || several_inputs {
        let part = |(name, flow): &(&str, &Flow)| Part::of(name, builder.len(flow.id));
        builder.graph.outputs = flows.iter().map(part).collect();
    }
    match (flows.as_slice(), labels.as_slice()) {
        ([], []) => Err(Error::new("the graph has no output")
            .expected("one output")
            .found("none")
            .help("the file is damaged: export it again")),
        ([(_, flow)], labels) => {
            builder.graph.output = flow.id;
            for (name, label) in labels {
                set_classes(builder, name, label);
            }
            Ok(())
        }
        ([], [(name, label), ..]) => {
            let plain = label.names.iter().enumerate().all(|(k, n)| *n == k.to_string());
            if plain {
                builder.graph.output = label.argmax;
            } else {
                builder.graph.output = label.scores;
                set_classes(builder, name, label);
                builder.graph.notes.push(format!(
                    "the output `{name}` is a class name: its scores are the output, the name is the label"
                ));
            }
            Ok(())
        }
        (many, labels) => {
            let names: Vec<&str> = many.iter().map(|(name, _)| *name).collect();
            let names = names.join(", ");
            if let Some(whole) = joined(builder, many) {
                builder.graph.output = whole;
                for (name, label) in labels {
                    set_classes(builder, name, label);
                }
                builder.graph.notes.push(format!(
                    "the {} outputs are the columns of one tensor, which is the output: {names}",
                    many.len()
                ));
                return Ok(());
            }
            let all: Vec<TensorId> = many.iter().map(|(_, flow)| flow.id).collect();
            builder.graph.output = builder.push("outputs", Layer::Concat, &all)?;
            builder.graph.notes.push(format!(
                "the outputs, one after the other: {names}; --output NAME takes one alone"
            ));
            for (name, _) in labels {
                builder.graph.notes.push(format!(
                    "the label output `{name}` is left out: it names classes of one output, and there are several"
                ));
            }
            Ok(())
        }
    }
}

/// Most widths of a network: bits of a word, with room.
const MOST_WIDTHS: usize = 16;

/// Sets the graph's output to one of the file's outputs at a time, as the caller chooses.
pub fn widths(builder: &mut Builder, outputs: &[(String, Value)]) -> Result<()> {
    let wrong = |expected: String, found: String| {
        Error::new("these outputs are not one thing in several widths")
            .of_kind(Kind::Settings)
            .at("`widths` in nervecord.toml")
            .expected(expected)
            .found(found)
            .help("name those of which the firmware chooses one a step, the whole network's last; `outputs` joins others")
    };
    if !(2..=MOST_WIDTHS).contains(&outputs.len()) {
        return Err(wrong(format!("2 to {MOST_WIDTHS} outputs"), outputs.len().to_string()));
    }
    let mut flows = Vec::new();
    for (name, value) in outputs {
        usable(name, value)?;
        let Value::Flow(flow) = value else {
            return Err(wrong("tensors of numbers".into(), format!("`{name}`, a class label")));
        };
        flows.push(flow.id);
    }
    let lens: Vec<usize> = flows.iter().map(|&id| builder.len(id)).collect();
    if lens.iter().any(|len| *len != lens[0]) {
        return Err(wrong("as many features in each".into(), format!("{lens:?}")));
    }
    let names: Vec<String> = outputs.iter().map(|(name, _)| name.clone()).collect();
    builder
        .graph
        .notes
        .push(format!("the firmware chooses a width at each step: {}", names.join(", ")));
    builder.graph.output = builder.push("outputs", Layer::Anytime { names }, &flows)?;
    Ok(())
}

/// The tensor whose features, all of them and in order, the outputs select.
fn joined(builder: &Builder, outputs: &[(&str, &Flow)]) -> Option<TensorId> {
    let mut whole = None;
    let mut picked = Vec::new();
    for (_, flow) in outputs {
        let writer = builder.writer(flow.id)?;
        let (Layer::Select(indices), source) = (&writer.layer, writer.inputs.first()) else {
            return None;
        };
        if whole.is_some() && whole != source {
            return None;
        }
        whole = source;
        picked.extend_from_slice(indices);
    }
    let whole = whole.copied()?;
    picked.into_iter().eq(0..builder.len(whole)).then_some(whole)
}

/// An output that is the index of another output's largest score is its label.
fn index_as_label<'a>(
    builder: &Builder,
    flows: &mut Vec<(&'a str, &Flow)>,
    labels: &mut Vec<(&'a str, Label)>,
) {
    let ids: Vec<TensorId> = flows.iter().map(|(_, f)| f.id).collect();
    flows.retain(|(name, flow)| {
        let Some(scores) = super::ops::scores_of(builder, flow.id) else { return true };
        if !ids.contains(&scores) {
            return true;
        }
        let names = (0..builder.len(scores)).map(|k| k.to_string()).collect::<Vec<_>>();
        labels.push((name, Label { scores, argmax: flow.id, names: names.into() }));
        false
    });
}

fn set_classes(builder: &mut Builder, name: &str, label: &Label) {
    let graph = &mut builder.graph;
    if label.names.len() == graph.output_len() {
        graph.classes = Some(Classes { names: label.names.to_vec() });
    } else {
        graph.notes.push(format!(
            "the label output `{name}` is left out: it has {} classes, the output {} features",
            label.names.len(),
            graph.output_len()
        ));
    }
}
