//! Elementwise layers that all stem from one tensor become one function of it.

use crate::graph::expr::Expr;
use crate::graph::{Graph, Layer, TensorId};

/// Largest expression to build, so that nested ones, which repeat their argument, cannot grow without end.
const MAX_SIZE: usize = 256;

/// Makes every tensor that is a function of one other, feature by feature, a single map of that one.
pub fn fuse(graph: &mut Graph) -> bool {
    let mut forms: Vec<(TensorId, Expr)> =
        (0..graph.tensors.len()).map(|id| (id, Expr::X)).collect();
    let mut changed = false;
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let Some((source, f)) = form(&node.layer, &node.inputs, &forms) else { continue };
        let layer = layer_of(&f, graph.tensors[node.output].len());
        // However long the sum that gave it, what is affine is two numbers.
        let short = match &layer {
            Layer::Affine { scale, offset } => scale.first().zip(offset.first()),
            _ => None,
        };
        let f = short.map_or(f, |(a, b)| Expr::X.mul(Expr::Const(*a)).add(Expr::Const(*b)));
        forms[node.output] = (source, f);
        if layer != node.layer || node.inputs != [source] {
            let node = &mut graph.nodes[index];
            node.layer = layer;
            node.inputs = vec![source];
            changed = true;
        }
    }
    changed
}

/// What a layer computes as a function of one tensor, if it does.
fn form(
    layer: &Layer,
    inputs: &[TensorId],
    forms: &[(TensorId, Expr)],
) -> Option<(TensorId, Expr)> {
    match (layer, inputs) {
        (Layer::Add { factors: [a, b] }, &[x, y]) => {
            let (f, g) = (forms[x].1.clone(), forms[y].1.clone());
            let sum = f.mul(Expr::Const(*a)).add(g.mul(Expr::Const(*b)));
            (forms[x].0 == forms[y].0 && size(&sum) <= MAX_SIZE).then_some((forms[x].0, sum))
        }
        (Layer::Mul, &[x, y]) => {
            let product = forms[x].1.clone().mul(forms[y].1.clone());
            (forms[x].0 == forms[y].0 && size(&product) <= MAX_SIZE)
                .then_some((forms[x].0, product))
        }
        (Layer::Div | Layer::Extreme { .. }, &[x, y]) => {
            let (f, g) = (forms[x].1.clone(), forms[y].1.clone());
            let both = match layer {
                Layer::Div => f.div(g),
                Layer::Extreme { largest: true } => f.max(g),
                _ => f.min(g),
            };
            (forms[x].0 == forms[y].0 && size(&both) <= MAX_SIZE).then_some((forms[x].0, both))
        }
        (layer, &[x]) => {
            let f = function(layer)?;
            let (source, inner) = &forms[x];
            // The size of a composition is at most the product, which is known without building it.
            if size(&f).saturating_mul(size(inner)) > MAX_SIZE {
                return Some((x, f));
            }
            Some((*source, f.of(inner)))
        }
        _ => None,
    }
}

/// The function of a layer that does the same to every feature.
fn function(layer: &Layer) -> Option<Expr> {
    match layer {
        Layer::Map(f) => Some(f.clone()),
        Layer::Affine { scale, offset } => {
            let (s, o) = (*scale.first()?, *offset.first()?);
            let uniform = scale.iter().all(|v| *v == s) && offset.iter().all(|v| *v == o);
            uniform.then(|| Expr::X.mul(Expr::Const(s)).add(Expr::Const(o)))
        }
        _ => None,
    }
}

/// The layer for a function: affine where it is, so that dense layers can take it in.
fn layer_of(f: &Expr, len: usize) -> Layer {
    match f.as_affine() {
        Some((a, b)) if a.is_finite() && b.is_finite() => {
            Layer::Affine { scale: vec![a; len], offset: vec![b; len] }
        }
        _ => Layer::Map(f.clone()),
    }
}

fn size(f: &Expr) -> usize {
    match f {
        Expr::X | Expr::Const(_) => 1,
        Expr::Pow(a, _) | Expr::Call(_, a) => 1 + size(a),
        Expr::Add(a, b) | Expr::Mul(a, b) | Expr::Div(a, b) | Expr::Min(a, b) | Expr::Max(a, b) => {
            1 + size(a) + size(b)
        }
    }
}
