//! Layers in another form with the same meaning, where that takes fewer bytes: edges that are constant or
//! linear out of their splines, functions before a dense layer as splines. Or where it leaves a smaller error: functions
//! scaled for the weights behind them.

use super::homogeneous;
use super::objective::{Ladder, Objective};
use super::trial::Trial;
use crate::error::Result;
use crate::graph::expr::Expr;
use crate::graph::kan::{Edge, Kan};
use crate::graph::{Dense, Graph, Layer, Node, Shape, TensorId};
use crate::options::{Optimize, Weights};
use crate::program::Width;
use crate::quantize::{Precision, kan};

/// Share of the tolerance that one edge's straight line may use.
const LINE_SHARE: f64 = 0.02;
/// Share of the tolerance that a network in another form may use.
const FORM_SHARE: f64 = 0.4;

/// Splines stop at the ends of the calibrated ranges and tables do not, so they have to save this share.
const LEAST_GAIN: f64 = 0.125;

/// What scaled functions may leave of the error, to be worth the change.
const BALANCED: f64 = 0.9;

/// A network whose layers have the form that takes the fewest bytes.
pub struct Formed<'a> {
    pub trial: Trial<'a>,
    /// Layers by name, and why they are what they are.
    pub reasons: Vec<(String, String)>,
}

/// Tries the other forms of each layer that has some.
pub fn choose(trial: Trial) -> Result<Formed> {
    let mut formed = Formed { trial, reasons: vec![] };
    let names = |graph: &Graph, wanted: fn(&Layer) -> bool| -> Vec<String> {
        graph.nodes.iter().filter(|n| wanted(&n.layer)).map(|n| n.name.clone()).collect()
    };
    for name in names(&formed.trial.graph, |layer| matches!(layer, Layer::Functions { .. })) {
        formed.try_splines(&name)?;
        formed.try_balance(&name)?;
    }
    for name in names(&formed.trial.graph, |layer| matches!(layer, Layer::Kan(_))) {
        formed.fold(&name)?;
    }
    for name in names(&formed.trial.graph, |layer| *layer == Layer::Div) {
        formed.try_scaled(&name)?;
    }
    Ok(formed)
}

/// What a network costs and its relative error, all layers at the narrowest width allowed, or at the fastest.
fn weigh(trial: &Trial) -> Result<(f64, f64)> {
    let Trial { graph, options, .. } = trial;
    let precision = match (options.optimize, options.weights) {
        (Optimize::Speed, _) => Ladder::of(graph, options).rung(0),
        (_, Weights::I16) => Precision::of(graph, Width::I16),
        (_, Weights::I4) => Precision::of(graph, Width::I4),
        (_, Weights::I8 | Weights::Auto) => Precision::of(graph, Width::I8),
    };
    let program = trial.lower(&precision)?;
    let instructions = program.instructions(options.cpu);
    let [cost, _] = Objective::of(options).cost(instructions, program.table_bytes());
    Ok((cost, trial.error(&program)))
}

impl<'a> Formed<'a> {
    fn find(&self, name: &str) -> Option<usize> {
        self.trial.graph.nodes.iter().position(|n| n.name == name)
    }

    /// Functions that only a dense layer reads are the edges of a spline layer as well.
    fn try_splines(&mut self, name: &str) -> Result<()> {
        let Some(index) = self.find(name) else { return Ok(()) };
        let Some((reader, kan)) = as_edges(&self.trial.graph, index) else { return Ok(()) };
        let mut graph = self.trial.graph.clone();
        let dense = graph.nodes[reader].name.clone();
        graph.nodes[reader].layer = kan.into();
        graph.nodes[reader].inputs.clone_from(&self.trial.graph.nodes[index].inputs);
        graph.remove_unread();
        let splines = self.trial.other(graph)?;
        let (cost, error) = weigh(&self.trial)?;
        let (other, other_error) = weigh(&splines)?;
        let allowed = error.max(self.trial.options.tolerance * FORM_SHARE);
        let smaller = other <= cost * (1.0 - LEAST_GAIN);
        let (unit, of) = Objective::of(self.trial.options).unit();
        let compared = format!(
            "{other:.0} {unit}{of} in all with splines, {cost:.0} {unit} with tables that edges share"
        );
        let reason = if smaller && other_error <= allowed {
            self.trial = splines;
            format!("splines in place of {name} and a dense layer: {compared}")
        } else if smaller {
            format!(
                "tables that edges share: splines leave an error of {other_error:.1e} where {allowed:.1e} is allowed"
            )
        } else {
            format!("tables that edges share: {compared}")
        };
        self.reasons.push((dense, reason));
        Ok(())
    }

    /// Functions that only a dense layer reads may have any factor, which its weights take back: one that makes those
    /// of i8 lose the same by their rounding.
    fn try_balance(&mut self, name: &str) -> Result<()> {
        if self.trial.options.weights == Weights::I16 {
            return Ok(());
        }
        let Some(graph) = self.find(name).and_then(|index| balanced(&self.trial, index)) else {
            return Ok(());
        };
        let (_, error) = weigh(&self.trial)?;
        let balanced = self.trial.other(graph)?;
        let (_, other_error) = weigh(&balanced)?;
        if other_error <= error * BALANCED {
            self.trial = balanced;
            let reason = format!(
                "scaled for the weights behind them: i8 leaves an error of {other_error:.4} where it left {error:.4}"
            );
            self.reasons.push((name.to_owned(), reason));
        }
        Ok(())
    }

    /// What a quotient is made of may be divided by its size first, so that small numbers keep their bits.
    fn try_scaled(&mut self, name: &str) -> Result<()> {
        let Some(graph) = homogeneous::scaled(&self.trial.graph, name) else { return Ok(()) };
        let (_, error) = weigh(&self.trial)?;
        let scaled = self.trial.other(graph)?;
        let (_, other_error) = weigh(&scaled)?;
        if other_error <= error * BALANCED {
            self.trial = scaled;
            let reason = format!(
                "of numbers over their root mean square: an error of {other_error:.4} where it was {error:.4}"
            );
            self.reasons.push((name.to_owned(), reason));
        }
        Ok(())
    }

    /// Takes constant edges into the bias, and linear edges into a dense layer if that is smaller.
    fn fold(&mut self, name: &str) -> Result<()> {
        let Some(index) = self.find(name) else { return Ok(()) };
        let Trial { graph, ranges, options, .. } = &self.trial;
        let node = &graph.nodes[index];
        let Layer::Kan(kan) = &node.layer else { return Ok(()) };
        let tolerance = options.tolerance * LINE_SHARE;
        let folded = kan::fold(kan, graph, node, ranges, tolerance)?;
        let (constant, lines) = (folded.constant, folded.lines);
        if constant + lines == 0 {
            return Ok(());
        }
        let mut reasons = vec![];
        if constant > 0 {
            reasons.push(format!("{constant} constant edges are in the bias"));
        }
        let mut graph = graph.clone();
        graph.nodes[index].layer = folded.plain.into();
        let mut trial = self.trial.other(graph)?;
        if lines > 0 {
            let split = self.trial.other(split(&trial.graph, index, folded.rest, folded.linear))?;
            let ((one, _), (two, _)) = (weigh(&trial)?, weigh(&split)?);
            let (unit, _) = Objective::of(options).unit();
            if two < one {
                let less = one - two;
                reasons
                    .push(format!("{lines} linear edges are dense weights: {less:.0} {unit} less"));
                trial = split;
            } else {
                let more = two - one;
                reasons.push(format!(
                    "{lines} linear edges stay splines: dense weights take {more:.0} {unit} more"
                ));
            }
        }
        self.trial = trial;
        self.reasons.push((name.to_owned(), reasons.join("; ")));
        Ok(())
    }
}

/// The sum of splines and a dense layer in place of node `index`, or the dense layer alone.
fn split(graph: &Graph, index: usize, rest: Kan, linear: Dense) -> Graph {
    let mut graph = graph.clone();
    if rest.live().next().is_none() {
        graph.nodes[index].layer = Layer::Dense(Dense { bias: rest.bias, ..linear });
        return graph;
    }
    let Node { name, inputs, .. } = graph.nodes[index].clone();
    let shape = Shape::vector(rest.edges.len());
    let mut part = |what: &str, layer: Layer| {
        graph.unplaced(format!("{name}.{what}"), layer, inputs.clone(), shape)
    };
    let parts = [part("splines", Layer::Kan(rest)), part("linear", Layer::Dense(linear))];
    let sum = &mut graph.nodes[index];
    sum.layer = Layer::Add { factors: [1.0, 1.0] };
    sum.inputs = parts.iter().map(|p| p.output).collect();
    graph.nodes.splice(index..index, parts);
    graph
}

/// The dense layer that alone reads the tensor that node `index` writes.
fn only_reader(graph: &Graph, index: usize) -> Option<(usize, &Dense)> {
    let tensor: TensorId = graph.nodes[index].output;
    let mut readers = graph.nodes.iter().enumerate().filter(|(_, n)| n.inputs.contains(&tensor));
    let (reader, next) = readers.next().filter(|_| !graph.is_result(tensor))?;
    match &next.layer {
        Layer::Dense(dense) if readers.next().is_none() => Some((reader, dense)),
        _ => None,
    }
}

/// The network with a factor for each function of node `index` and its inverse in the weights of the dense layer
/// behind: where a function spreads by `d` and the largest weight of its features is `w`, the root of `w / d`, so that
/// neither outgrows that of others (Nagel et al. 2019).
fn balanced(trial: &Trial, index: usize) -> Option<Graph> {
    let Trial { graph, ranges, .. } = trial;
    let (reader, dense) = only_reader(graph, index)?;
    let node = &graph.nodes[index];
    let Layer::Functions { functions, picks } = &node.layer else { return None };
    let factor = |k: usize| {
        let features = || (0..picks.len()).filter(move |&j| picks[j].1 == k);
        let spread = features().map(|j| ranges.feature(node.output, j).deviation);
        let weights = features().flat_map(|j| dense.weights.iter().map(move |row| row[j].abs()));
        let ratio = weights.fold(0.0, f64::max) / spread.fold(0.0, f64::max);
        if ratio.is_normal() { ratio.sqrt() } else { 1.0 }
    };
    let factors: Vec<f64> = (0..functions.len()).map(factor).collect();
    let scaled = functions.iter().zip(&factors).map(|(f, &by)| f.clone().mul(Expr::Const(by)));
    let functions = Layer::Functions { functions: scaled.collect(), picks: picks.clone() };
    let row = |row: &Vec<f64>| row.iter().zip(picks).map(|(w, (_, k))| w / factors[*k]).collect();
    let dense = Dense { weights: dense.weights.iter().map(row).collect(), ..dense.clone() };
    let mut graph = graph.clone();
    graph.nodes[index].layer = functions;
    graph.nodes[reader].layer = Layer::Dense(dense);
    Some(graph)
}

/// The dense layer that alone reads the functions of node `index`, and the layer of edges both are.
fn as_edges(graph: &Graph, index: usize) -> Option<(usize, Kan)> {
    let (reader, dense) = only_reader(graph, index)?;
    let node = &graph.nodes[index];
    let Layer::Functions { functions, picks } = &node.layer else { return None };
    let inputs = graph.tensors[*node.inputs.first()?].len();
    // One function an input before the dense layer is as small as it gets, and its splines are not.
    if picks.len() <= inputs {
        return None;
    }
    let row = |weights: &Vec<f64>| {
        let mut terms: Vec<Option<Expr>> = vec![None; inputs];
        for (&w, &(i, k)) in weights.iter().zip(picks).filter(|(w, _)| **w != 0.0) {
            let term = functions[k].clone().mul(Expr::Const(w));
            terms[i] = Some(match terms[i].take() {
                Some(sum) => sum.add(term),
                None => term,
            });
        }
        terms.into_iter().map(|function| Edge { function, ..Edge::default() }).collect()
    };
    let edges = dense.weights.iter().map(row).collect();
    Some((reader, Kan { base: Expr::Const(0.0), edges, bias: dense.bias.clone() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::Calibration;
    use crate::graph::expr::Function;
    use crate::options::Options;

    /// A number in -1..1 for each index (Weyl's sequence).
    fn noise(i: usize) -> f64 {
        (i as f64 * 0.754_877_666_246_693).fract() * 2.0 - 1.0
    }

    /// Functions of very different sizes, whose weights make up for it.
    #[test]
    fn small_weights_of_large_functions_are_not_lost_in_8_bits() {
        let tanh = || Expr::call(Function::Tanh);
        let functions = vec![tanh(), tanh().mul(Expr::Const(60.0))];
        let picks = (0..8).map(|i| (i, i / 4)).collect();
        let mut graph = Graph::new("net", "x", 8);
        let y = graph.push("act", Layer::Functions { functions, picks }, &[0]).unwrap();
        let weight = |o: usize, i: usize| noise(o * 8 + i) / if i < 4 { 1.0 } else { 60.0 };
        let weights = (0..4).map(|o| (0..8).map(|i| weight(o, i)).collect()).collect();
        graph.push("fc", Layer::Dense(Dense::new(weights, vec![0.1; 4])), &[y]).unwrap();
        let rows = (0..400).map(|r| (0..8).map(|i| 2.0 * noise(r * 8 + i + 50)).collect());
        let calibration = Calibration::of(rows.collect());
        let error = |weights: Weights| {
            let options = Options { weights, ..Options::default() };
            let plain = Trial::of(graph.clone(), &calibration, &options).unwrap();
            let before = weigh(&plain).unwrap().1;
            (before, weigh(&choose(plain).unwrap().trial).unwrap().1)
        };
        let (before, after) = error(Weights::I8);
        assert!(after < before / 4.0, "{after} {before}");
        let (before, after) = error(Weights::I16);
        assert_eq!(after, before);
    }
}
