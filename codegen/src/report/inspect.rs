//! A network as a table: layers, shapes, parameters, multiply-accumulates.

use std::path::Path;

use crate::error::Result;
use crate::graph::{Graph, Layer, Node, Part};
use crate::import::{self, Source};
use crate::text::{self, table};

/// A longer expression is cut in the table.
const WIDEST: usize = 60;

/// The layers of a network with totals and the importer's notes.
pub fn render(source: &Source) -> String {
    let graph = &source.graph;
    let mut rows = vec![["layer", "kind", "in", "out", "parameters", "MACs"].map(String::from)];
    rows.extend(graph.nodes.iter().map(|node| row(graph, node)));
    rows.push([
        "total".into(),
        String::new(),
        graph.input_len().to_string(),
        graph.output_len().to_string(),
        graph.parameters().to_string(),
        graph.macs().to_string(),
    ]);
    let mut out = format!(
        "{}: {}\nsha256: {}\ninput `{}`, output `{}`\n\n{}",
        graph.name,
        text::path(&source.path),
        source.sha256,
        graph.tensors[graph.input].name,
        graph.tensors[graph.output].name,
        table(&rows, &[2, 3, 4, 5]),
    );
    if !graph.input_names.is_empty() {
        let names: Vec<String> = graph.input_names.iter().map(|name| text::label(name)).collect();
        out += &format!("\ncolumns: {}\n", names.join(", "));
    }
    for (what, parts) in [("inputs", &graph.inputs), ("outputs", &graph.outputs)] {
        let features = |part: &Part| format!("{} ({})", part.name, part.features);
        let parts: Vec<String> = parts.iter().map(features).collect();
        if !parts.is_empty() {
            out += &format!("\n{what} and their features: {}\n", parts.join(", "));
        }
    }
    if let Some(classes) = &graph.classes {
        let names: Vec<String> = classes.names.iter().map(|name| text::label(name)).collect();
        out += &format!("\nclasses: {}\n", names.join(", "));
    }
    for note in &graph.notes {
        out += &format!("note: {}\n", text::plain(note));
    }
    out
}

/// Every node of a file that cannot be imported as a whole, the unsupported ones marked with the reason;
/// none for formats that have no nodes.
///
/// # Errors
/// The file cannot be read at all.
pub fn survey(path: &Path) -> Result<Option<String>> {
    let Some(nodes) = import::survey(path)? else { return Ok(None) };
    let mut rows = vec![["", "node", "operator", "shape, or what is wrong"].map(String::from)];
    rows.extend(nodes.iter().map(|node| {
        let (mark, about) = match &node.outcome {
            Ok(shape) => ("ok", shape),
            Err(reason) => ("NO", reason),
        };
        [mark.into(), text::label(&node.name), text::label(&node.op), text::plain(about)]
    }));
    let bad = nodes.iter().filter(|n| n.outcome.is_err()).count();
    let verdict = format!("{bad} of {} nodes cannot be imported\n", nodes.len());
    Ok(Some(table(&rows, &[]) + &verdict))
}

fn row(graph: &Graph, node: &Node) -> [String; 6] {
    let lens: Vec<String> =
        node.inputs.iter().map(|&id| graph.tensors[id].len().to_string()).collect();
    [
        node.name.clone(),
        describe(&node.layer),
        lens.join("+"),
        graph.tensors[node.output].len().to_string(),
        node.layer.parameters().to_string(),
        node.layer.macs().to_string(),
    ]
}

/// The kind of a layer with what its numbers do not say.
fn describe(layer: &Layer) -> String {
    let about = match layer {
        Layer::Map(f) => format!("map {f}"),
        Layer::Add { factors: [a, b] } if (*a, *b) != (1.0, 1.0) => format!("add {a}*x0 + {b}*x1"),
        Layer::Normalize { epsilon } => format!("normalize, epsilon {epsilon:.3e}"),
        Layer::RootMeanSquare { epsilon, .. } => format!("rms, epsilon {epsilon:.3e}"),
        Layer::Windows(w) => format!("windows, {} of {} features", w.windows(), w.dense.inputs()),
        Layer::Rows { count, layer } => format!("{}, {count} rows", describe(layer)),
        Layer::Select(indices) => match (indices.first(), indices.last()) {
            (Some(a), Some(b)) if indices.iter().copied().eq(*a..=*b) => {
                format!("select {a}..={b}")
            }
            _ => "select".into(),
        },
        other => other.kind().into(),
    };
    text::shortened(&about, WIDEST)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::graph::expr::{Expr, Function};
    use crate::graph::{Classes, Dense};

    #[test]
    fn a_network_is_a_table_with_totals() {
        let mut graph = Graph::new("net", "x", 2);
        let weights = vec![vec![1.0, 2.0]; 3];
        let h = graph.push("first", Layer::Dense(Dense::new(weights, vec![0.0; 3])), &[0]).unwrap();
        graph.push("act", Layer::Map(Expr::call(Function::Tanh)), &[h]).unwrap();
        graph.classes = Some(Classes { names: vec!["a".into(), "b".into(), "c".into()] });
        graph.notes.push("the dynamic batch axis is taken as 1".into());
        let text = render(&Source { graph, path: PathBuf::from("net.onnx"), sha256: "00".into() });
        let line = |start: &str| text.lines().find(|l| l.starts_with(start)).unwrap().to_owned();
        let cells =
            |start: &str| line(start).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(cells("first"), ["first", "dense", "2", "3", "9", "6"]);
        assert_eq!(cells("act"), ["act", "map", "tanh(x)", "3", "3", "0", "0"]);
        assert_eq!(cells("total"), ["total", "2", "3", "9", "6"]);
        assert_eq!(line("first").len(), line("layer").len(), "columns line up");
        assert!(text.contains("classes: a, b, c") && text.contains("note: the dynamic"), "{text}");
    }
}
