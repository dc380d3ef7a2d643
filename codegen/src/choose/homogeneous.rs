//! Quotients that do not change when what their parts are made of is scaled: `f(s v) / g(s v) = f(v) / g(v)`.
//!
//! Products of small numbers have few bits in a format for large ones, and both parts of a quotient lose them. Where
//! numerator and divisor are homogeneous of one degree, such as the squares of Fourier coefficients over their sum,
//! `v` can be divided by its root mean square first. A constant beside it, such as what keeps a divisor from 0, becomes
//! a power of one more feature of `v` (homogenization), so that the rewrite is exact.
//!
//! Stands on the graph.

use crate::graph::expr::Expr;
use crate::graph::{Dense, Graph, Layer, Node, TensorId};

/// Points at which a function of one variable is looked at.
const POINTS: [f64; 8] = [0.01, 0.3, 1.0, 7.0, -0.01, -0.3, -1.0, -7.0];

/// How the tensors behind `v` scale with it: as the power `degree[t]`; none is no function of `v`, or one of degree 0.
struct Cone {
    v: TensorId,
    degree: Vec<Option<i32>>,
    /// Dense and affine nodes with addends, and the degree of what these are added to.
    constants: Vec<(usize, i32)>,
}

/// The network with what quotient `name` is made of divided by its root mean square, if the quotient allows it: the
/// nearest tensor for which that holds.
pub fn scaled(graph: &Graph, name: &str) -> Option<Graph> {
    let quotient = graph.nodes.iter().position(|n| n.name == name && n.layer == Layer::Div)?;
    let candidates = graph.nodes[..quotient].iter().map(|node| node.output);
    Some(candidates.rev().find_map(|v| Cone::of(graph, v, quotient))?.rewrite(graph))
}

impl Cone {
    /// The cone of `v` up to where nothing depends on its size, if there are products in it and node `quotient` is one
    /// of the ends.
    fn of(graph: &Graph, v: TensorId, quotient: usize) -> Option<Self> {
        let mut cone = Self { v, degree: vec![None; graph.tensors.len()], constants: Vec::new() };
        cone.degree[v] = Some(1);
        for (index, node) in graph.nodes.iter().enumerate() {
            let degrees: Vec<_> = node.inputs.iter().map(|&id| cone.degree[id]).collect();
            if degrees.iter().any(Option::is_some) {
                let degree = cone.degree_of(index, &node.layer, &degrees)?;
                cone.degree[node.output] = Some(degree).filter(|&degree| degree != 0);
            }
        }
        // Results and states have the size that they have.
        let free =
            (0..graph.tensors.len()).all(|t| cone.degree[t].is_none() || !graph.is_result(t));
        let ends = graph.nodes[quotient].inputs.iter().all(|&id| cone.degree[id] > Some(1));
        (free && ends && graph.tensors[v].shape.rows == 1).then_some(cone)
    }

    /// How the output of a node scales whose inputs scale as `degrees` say; none if by no power.
    fn degree_of(&mut self, index: usize, layer: &Layer, degrees: &[Option<i32>]) -> Option<i32> {
        let same = || degrees.iter().all(|d| *d == degrees[0]).then_some(degrees[0]).flatten();
        let mut with = |constant: bool| {
            let degree = same()?;
            // A negative power of one more feature would be a quotient.
            (!constant || degree > 0).then(|| {
                self.constants.extend(constant.then_some((index, degree)));
                degree
            })
        };
        match layer {
            Layer::Dense(dense) => with(dense.bias.iter().any(|&b| b != 0.0)),
            Layer::Affine { offset, .. } => with(offset.iter().any(|&b| b != 0.0)),
            Layer::Select(_)
            | Layer::Concat
            | Layer::Add { .. }
            | Layer::Extreme { .. }
            | Layer::Reduce { .. } => same(),
            Layer::Mul => degrees.iter().map(|d| d.unwrap_or(0)).sum::<i32>().into(),
            Layer::Div => Some(degrees[0].unwrap_or(0) - degrees[1].unwrap_or(0)),
            Layer::Map(f) => Some(same()? * power(f)?),
            _ => None,
        }
    }

    /// The network whose cone reads `v` over its root mean square.
    fn rewrite(&self, graph: &Graph) -> Graph {
        let mut graph = graph.clone();
        let guard = self.guard(&graph);
        let mut added = Added { of: graph.tensors[self.v].name.clone(), nodes: Vec::new() };
        let features = graph.tensors[self.v].len();
        let (mut whole, mut all) = (self.v, features);
        if guard > 0.0 {
            let one = added.push(&mut graph, "first", Layer::Select(vec![0]), &[whole], 1);
            let one = added.push(&mut graph, "guard", Layer::Map(Expr::Const(guard)), &[one], 1);
            all += 1;
            whole = added.push(&mut graph, "guarded", Layer::Concat, &[whole, one], all);
        }
        // Below it is nothing: the guard alone is as large, and without one there is no smaller number.
        let least = (guard / (all as f64).sqrt()).max(f64::MIN_POSITIVE.sqrt());
        let layer = Layer::RootMeanSquare { epsilon: 0.0, least };
        let scaled = added.push(&mut graph, "scaled", layer, &[whole], all);
        let mut own = scaled;
        if guard > 0.0 {
            let (first, last) = ((0..features).collect(), vec![features]);
            own = added.push(&mut graph, "own", Layer::Select(first), &[scaled], features);
            let one = added.push(&mut graph, "small", Layer::Select(last), &[scaled], 1);
            let mut powers = vec![one];
            for degree in 2..=self.constants.iter().map(|c| c.1).max().unwrap_or(1) {
                let (name, last) = (format!("small{degree}"), powers[powers.len() - 1]);
                powers.push(added.push(&mut graph, &name, Layer::Mul, &[last, one], 1));
            }
            self.homogenize(&mut graph, guard, &powers);
        }
        let inputs = graph.nodes.iter_mut().flat_map(|node| &mut node.inputs);
        inputs.filter(|id| **id == self.v).for_each(|id| *id = own);
        let writer = graph.nodes.iter().position(|n| n.output == self.v);
        let place = writer.map_or(0, |index| index + 1);
        graph.nodes.splice(place..place, added.nodes);
        graph
    }

    /// The constant feature: each addend is at most its power.
    fn guard(&self, graph: &Graph) -> f64 {
        let root = |&(index, degree): &(usize, i32)| {
            let addends: &[f64] = match &graph.nodes[index].layer {
                Layer::Dense(dense) => &dense.bias,
                Layer::Affine { offset, .. } => offset,
                _ => &[],
            };
            let largest = addends.iter().fold(0.0, |most: f64, b| most.max(b.abs()));
            largest.powf(1.0 / f64::from(degree))
        };
        self.constants.iter().map(root).fold(0.0, f64::max)
    }

    /// Addends become weights of the power of the guard that they have the degree of.
    fn homogenize(&self, graph: &mut Graph, guard: f64, powers: &[TensorId]) {
        for &(index, degree) in self.constants.iter().rev() {
            let power = guard.powi(degree);
            let dense = match graph.nodes[index].layer.clone() {
                Layer::Dense(dense) => dense,
                Layer::Affine { scale, offset } => {
                    let at = |o: usize, i: usize| if o == i { scale[o] } else { 0.0 };
                    let row = |o: usize| (0..scale.len()).map(|i| at(o, i)).collect();
                    Dense::new((0..scale.len()).map(row).collect(), offset)
                }
                _ => continue,
            };
            let rows = dense.weights.into_iter().zip(&dense.bias);
            let rows = rows.map(|(row, bias)| [row, vec![bias / power]].concat());
            let weights: Vec<Vec<f64>> = rows.collect();
            let features = weights.first().map_or(0, Vec::len);
            let bias = vec![0.0; weights.len()];
            graph.nodes[index].layer = Layer::Dense(Dense::new(weights, bias));
            let mut joined = Added { of: graph.nodes[index].name.clone(), nodes: Vec::new() };
            let inputs = [graph.nodes[index].inputs[0], powers[degree as usize - 1]];
            let whole = joined.push(graph, "with_guard", Layer::Concat, &inputs, features);
            graph.nodes[index].inputs = vec![whole];
            graph.nodes.splice(index..index, joined.nodes);
        }
    }
}

/// Nodes that are put into a graph together, named after what they belong to.
struct Added {
    of: String,
    nodes: Vec<Node>,
}

impl Added {
    fn push(
        &mut self,
        graph: &mut Graph,
        what: &str,
        layer: Layer,
        inputs: &[TensorId],
        features: usize,
    ) -> TensorId {
        let name = format!("{}.{what}", self.of);
        let node = graph.unplaced(name, layer, inputs.to_vec(), features);
        let output = node.output;
        self.nodes.push(node);
        output
    }
}

/// The power `d` with `f(s x) = s^d f(x)` for `s > 0`, if there is one.
fn power(f: &Expr) -> Option<i32> {
    let (one, two) = (f.eval(1.0), f.eval(2.0));
    let sample = if one != 0.0 { two / one } else { f.eval(-2.0) / f.eval(-1.0) };
    let degree = sample.log2().round();
    let scales = |x: f64, s: f64| {
        let (want, found) = (s.powf(degree) * f.eval(x), f.eval(s * x));
        (want - found).abs() <= 1e-12 * want.abs()
    };
    let all = POINTS.iter().all(|&x| scales(x, 2.0) && scales(x, 0.37));
    (degree.abs() <= 4.0 && all).then_some(degree as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::expr::Function;
    use crate::reference::Reference;

    #[test]
    fn powers_are_found_and_nothing_else_is_one() {
        let x = || Expr::X;
        assert_eq!(power(&Expr::relu()), Some(1));
        assert_eq!(power(&x().mul(x())), Some(2));
        assert_eq!(power(&x().pow(3.0).mul(Expr::Const(-2.0))), Some(3));
        for f in [x().add(Expr::Const(1e-3)), Expr::call(Function::Sin), Expr::Const(0.0)] {
            assert_eq!(power(&f), None);
        }
        assert_eq!(power(&Expr::Const(2.0)), Some(0));
    }

    /// Shares of the squares of a dense layer's outputs, a constant in the divisor.
    fn shares(least: f64) -> Graph {
        let mut graph = Graph::new("net", "x", 3);
        let weights = (0..4).map(|o| (0..3).map(|i| ((o * 3 + i) % 5) as f64 - 1.7).collect());
        let dense = Layer::Dense(Dense::new(weights.collect(), vec![0.01; 4]));
        let v = graph.push("v", dense, &[0]).unwrap();
        let squares = graph.push("squares", Layer::Mul, &[v, v]).unwrap();
        let sum = Layer::Dense(Dense::new(vec![vec![1.0; 4]], vec![least]));
        let sum = graph.push("sum", sum, &[squares]).unwrap();
        graph.push("shares", Layer::Div, &[squares, sum]).unwrap();
        graph
    }

    #[test]
    fn a_scaled_network_is_the_same_function() {
        for least in [0.0, 1e-6, 0.3] {
            let graph = shares(least);
            let scaled = scaled(&graph, "shares").unwrap();
            assert_eq!(scaled.nodes.iter().filter(|n| n.name == "v.scaled").count(), 1);
            for x in [[1.0, -2.0, 0.5], [1e-3, 2e-3, -1e-3], [0.0; 3]] {
                let want = Reference::new(&graph).step(&x)[graph.output].clone();
                let found = Reference::new(&scaled).step(&x)[scaled.output].clone();
                for (w, f) in want.iter().zip(&found) {
                    assert!((w - f).abs() < 1e-12, "{least}: {w} {f}");
                }
            }
        }
    }

    #[test]
    fn what_depends_on_the_size_stays() {
        assert_eq!(scaled(&shares(0.0), "sum"), None);
        let mut graph = shares(1e-6);
        let squares = graph.nodes[1].output;
        graph.push("both", Layer::Concat, &[squares, graph.output]).unwrap();
        assert_eq!(scaled(&graph, "shares"), None);
    }
}
