//! How far inputs matter that the network itself clamps: a format that ends where the clamp does is right for every
//! input, whether the calibration data reached that far or not. Stands on the graph.

use std::collections::HashMap;

use super::span::Span;
use crate::graph::{Graph, Layer, Node, TensorId};

/// How many times wider than the calibrated range a clamp may be to be the range: beyond, it costs more bits than rare
/// inputs are worth.
const WIDEST: f64 = 8.0;

/// The interval of each feature, of the input and of the tensors up to its clamps.
pub type Reach = HashMap<TensorId, Vec<(f64, f64)>>;

/// A tensor as a line of each feature of the input.
type Lines = Vec<(f64, f64)>;

/// Where clamps are all that reads the input, on its way through a scale and an offset a feature at most.
pub fn reach(graph: &Graph) -> Reach {
    let mut reach = Reach::new();
    let lines = vec![(1.0, 0.0); graph.input_len()];
    follow(graph, graph.input, &lines, &mut reach);
    reach
}

/// Notes how far `tensor`, which is `lines` of the input, matters; `None` where it matters everywhere.
fn follow(
    graph: &Graph,
    tensor: TensorId,
    lines: &Lines,
    reach: &mut Reach,
) -> Option<Vec<(f64, f64)>> {
    let readers: Vec<&Node> = graph.nodes.iter().filter(|n| n.inputs.contains(&tensor)).collect();
    if readers.is_empty() || graph.is_result(tensor) || lines.iter().any(|(s, _)| *s == 0.0) {
        return None;
    }
    let mut hull = vec![(f64::INFINITY, f64::NEG_INFINITY); lines.len()];
    for node in readers {
        let ends = through(graph, node, lines, reach)?;
        for (hull, ends) in hull.iter_mut().zip(ends) {
            *hull = (hull.0.min(ends.0), hull.1.max(ends.1));
        }
    }
    reach.insert(tensor, hull.clone());
    Some(hull)
}

/// The interval of each of its features that a reader tells apart.
fn through(
    graph: &Graph,
    node: &Node,
    lines: &Lines,
    reach: &mut Reach,
) -> Option<Vec<(f64, f64)>> {
    match &node.layer {
        Layer::Affine { scale, offset } if scale.len() == lines.len() => {
            let own = scale.iter().zip(offset);
            let next = lines.iter().zip(own.clone());
            let next = next.map(|((s, o), (t, p))| (s * t, o * t + p)).collect();
            let ends = follow(graph, node.output, &next, reach)?;
            Some(ends.iter().zip(own).map(|(ends, (t, p))| before(*ends, *t, *p)).collect())
        }
        Layer::Map(f) => {
            let ((scale, offset), (low, high)) = f.as_clamped_line()?;
            if !(low.is_finite() && high.is_finite() && low < high) || scale == 0.0 {
                return None;
            }
            reach.insert(node.output, vec![(low, high); lines.len()]);
            Some(vec![before((low, high), scale, offset); lines.len()])
        }
        _ => None,
    }
}

/// The interval that `scale x + offset` takes to another.
fn before((low, high): (f64, f64), scale: f64, offset: f64) -> (f64, f64) {
    let (a, b) = ((low - offset) / scale, (high - offset) / scale);
    (a.min(b), a.max(b))
}

/// A span that reaches to the ends of a clamp, where those are near enough.
pub fn widened(span: Span, (low, high): (f64, f64)) -> Span {
    let near = high - low <= WIDEST * (span.high - span.low);
    if near { Span { low: span.low.min(low), high: span.high.max(high), ..span } } else { span }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::Calibration;
    use crate::graph::Dense;
    use crate::graph::expr::Expr;

    fn graph(bound: f64) -> Graph {
        let mut graph = Graph::new("net", "x", 2);
        let affine = Layer::Affine { scale: vec![0.5, -2.0], offset: vec![1.0, 0.0] };
        let scaled = graph.push("scaled", affine, &[0]).unwrap();
        let clamp = Layer::Map(Expr::clamp(-bound, bound));
        let clamped = graph.push("clamped", clamp, &[scaled]).unwrap();
        let dense = Dense::new(vec![vec![1.0, 1.0]], vec![0.0]);
        graph.push("y", Layer::Dense(dense), &[clamped]).unwrap();
        graph
    }

    #[test]
    fn the_range_of_a_clamped_input_is_the_clamps() {
        let rows = vec![vec![-1.0, -1.0], vec![1.0, 1.0]];
        let ranges = Calibration::of(rows.clone()).ranges(&graph(5.0)).unwrap();
        let span = |id: usize, i: usize| (ranges.feature(id, i).low, ranges.feature(id, i).high);
        // One clamp in eight ranges is the range, the other is not.
        assert_eq!(span(0, 0), (-1.0, 1.0));
        assert_eq!(span(0, 1), (-2.5, 2.5));
        let near = Calibration::of(rows).ranges(&graph(3.0)).unwrap();
        assert_eq!((near.feature(0, 0).low, near.feature(0, 0).high), (-8.0, 4.0));
        assert_eq!(near.tensor(2).magnitude(), 3.0);
    }

    #[test]
    fn an_input_that_is_read_elsewhere_too_has_its_calibrated_range() {
        let mut graph = graph(3.0);
        graph.push("sum", Layer::Concat, &[3, 0]).unwrap();
        assert!(!reach(&graph).contains_key(&0));
    }
}
