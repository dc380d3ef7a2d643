//! Networks of one flat input that is a window of rows, fed a row a step. Stands on the graph and settings.

use crate::error::{Error, Kind, Result};
use crate::graph::{Graph, Node, TensorId, Unrolled};
use crate::settings::{StateSettings, Window};

/// Has the caller give a row of the input a step, if `settings` say that the input is a window of rows.
///
/// # Errors
/// The input is not rows of the declared number of features, or the network has memory or ranges of its own.
pub fn feed(graph: &mut Graph, settings: &StateSettings) -> Result<()> {
    let Some(window) = &settings.window else { return Ok(()) };
    let name = graph.tensors[graph.input].name.clone();
    let len = graph.input_len();
    let refused = |what: &str| {
        Error::new(what)
            .of_kind(Kind::Settings)
            .at("[state] window")
            .found(format!("{name} [{len}]"))
    };
    if !matches!(window, Window::Only(_))
        || !graph.states.is_empty()
        || !graph.input_ranges.is_empty()
    {
        return Err(refused("the input of this model is no window of rows")
            .expected("window = \"history\", of a network without memory")
            .help(
                "leave it out: this format has one input, and a recurrent network keeps its past",
            ));
    }
    let features =
        settings.features_of(&name).filter(|&f| f > 0 && f < len && len.is_multiple_of(f));
    let Some(features) = features else {
        return Err(refused("it is not clear what a row of the window is")
            .expected(
                "[state] features = .., of which the input has a whole number of rows, two or more",
            )
            .help("a flat input has its rows one after the other, the oldest first"));
    };
    let rows = len / features;
    let past = settings.initial(&name, features).map_err(|e| e.of_kind(Kind::Settings))?;
    let mut fed = Graph::new(&graph.name, &name, features);
    let line = fed.push_delay_line(format!("{name}_rows"), &past, rows, fed.input)?;
    let places = (0..len).map(|i| (Some(i / features), i % features)).collect();
    fed.notes.push(Unrolled::note(&name, rows, features, &past));
    fed.unrolled = Some(Unrolled { rows, inputs: vec![], places, past });
    append(&mut fed, std::mem::take(graph), line);
    *graph = fed;
    Ok(())
}

/// Appends the layers of `graph`, which read `input` for its input.
fn append(fed: &mut Graph, graph: Graph, input: TensorId) {
    let mut number = vec![input; graph.tensors.len()];
    for (id, tensor) in graph.tensors.into_iter().enumerate() {
        if id != graph.input {
            fed.tensors.push(tensor);
            number[id] = fed.tensors.len() - 1;
        }
    }
    let renumbered = |node: Node| Node {
        inputs: node.inputs.iter().map(|&id| number[id]).collect(),
        output: number[node.output],
        ..node
    };
    fed.nodes.extend(graph.nodes.into_iter().map(renumbered));
    fed.output = number[graph.output];
    fed.notes.splice(..0, graph.notes);
    (fed.outputs, fed.output_names, fed.classes) =
        (graph.outputs, graph.output_names, graph.classes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Dense, Layer};
    use crate::reference;
    use crate::settings::{Features, History};

    fn network() -> Graph {
        let mut graph = Graph::new("net", "x", 6);
        let weights = vec![vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]];
        let x = graph.push("sum", Layer::Dense(Dense::new(weights, vec![0.5])), &[0]).unwrap();
        graph.push("twice", Layer::Add { factors: [1.0, 1.0] }, &[x, x]).unwrap();
        graph
    }

    fn rows_of(features: usize) -> StateSettings {
        let window = Some(Window::Only(History::History));
        let features = Some(Features::All(features));
        StateSettings { window, features, ..StateSettings::default() }
    }

    #[test]
    fn a_flat_input_is_fed_a_row_a_step() {
        let mut graph = network();
        feed(&mut graph, &rows_of(2)).unwrap();
        assert!(
            graph.notes[0].contains("one row of 2 features a step; the 2 rows"),
            "{:?}",
            graph.notes
        );
        let rows = [vec![1.0, 10.0], vec![2.0, 20.0], vec![3.0, 30.0], vec![0.0, 0.0]];
        let found = reference::run(&graph, &rows).concat();
        let of_file = |x: [f64; 6]| reference::run(&network(), &[x.to_vec()]).concat()[0];
        assert_eq!(
            found,
            [
                of_file([0.0, 0.0, 0.0, 0.0, 1.0, 10.0]),
                of_file([0.0, 0.0, 1.0, 10.0, 2.0, 20.0]),
                of_file([1.0, 10.0, 2.0, 20.0, 3.0, 30.0]),
                of_file([2.0, 20.0, 3.0, 30.0, 0.0, 0.0]),
            ]
        );
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for features in [0, 4, 6] {
            let message = feed(&mut network(), &rows_of(features)).unwrap_err().to_string();
            assert!(message.contains("features = ..") && message.contains("x [6]"), "{message}");
        }
        let mut recurrent = network();
        let kept = recurrent.push_state("kept", vec![0.0]);
        recurrent.close_state(kept, recurrent.output).unwrap();
        let message = feed(&mut recurrent, &rows_of(2)).unwrap_err().to_string();
        assert!(message.contains("no window of rows"), "{message}");
    }
}
