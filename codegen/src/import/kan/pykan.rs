//! pykan (Liu et al. 2024): splines on grids of their own, symbolic edges, multiplication nodes.

use serde_json::Value as Json;

use super::net::Net;
use super::options::{MOST_WIDTH, Options};
use super::{efficient, symbolic};
use crate::error::{Error, Result};
use crate::graph::expr::Expr;
use crate::graph::kan::{Edge, Kan, Spline};
use crate::graph::{Layer, MOST_FEATURES, TensorId};

/// Nodes of one level: sums first, then products of groups of subnodes.
#[derive(Debug, Clone)]
struct Level {
    sums: usize,
    /// How many subnodes each product takes.
    arities: Vec<usize>,
}

impl Level {
    fn nodes(&self) -> usize {
        self.sums + self.arities.len()
    }

    fn subnodes(&self) -> usize {
        self.sums + self.arities.iter().sum::<usize>()
    }
}

pub(super) fn network(net: &mut Net, options: &Options) -> Result<()> {
    let degree = options.degree("k")?;
    let levels = levels(options)?;
    let grid = (options.count("grid")?, degree);
    let base = efficient::base_function(options, &["base_fun"])?;
    let mut x = net.graph.input;
    if let Some(ids) = options.get("input_id") {
        let index = |v: &Json| usize::try_from(v.as_u64()?).ok().filter(|id| *id < MOST_FEATURES);
        let ids: Option<Vec<usize>> =
            ids.as_array().and_then(|ids| ids.iter().map(index).collect());
        let expected = format!("a list of indices of inputs, below {MOST_FEATURES}");
        let ids = ids.ok_or_else(|| options.wrong("input_id", &expected))?;
        let all = ids.iter().max().map_or(0, |m| m + 1);
        let inputs = match options.get("inputs") {
            Some(_) => options.count("inputs")?,
            None => all,
        };
        if inputs < all {
            let expected = format!("at least {all} inputs, as `input_id` reads input {}", all - 1);
            return Err(options.wrong("inputs", &expected));
        }
        net.graph.tensors[x].shape = inputs.into();
        if !ids.iter().copied().eq(0..inputs) {
            x = net.graph.push("input_id", Layer::Select(ids), &[x])?;
        }
    }
    for (l, pair) in levels.windows(2).enumerate() {
        let [from, to] = pair else { continue };
        let mut kan = edges(net, options, l, from.nodes(), to.subnodes(), grid)?;
        kan.base.clone_from(&base);
        let len = to.subnodes();
        let vector = |what: &str, len: usize, default: f64| {
            net.file.vector_or(&format!("{what}_{l}"), len, default)
        };
        let (scale, bias) = (vector("subnode_scale", len, 1.0)?, vector("subnode_bias", len, 0.0)?);
        affine(&mut kan, &scale, &bias);
        let nodes = to.nodes();
        let (scale, bias) = (vector("node_scale", nodes, 1.0)?, vector("node_bias", nodes, 0.0)?);
        let name = format!("act_fun.{l}");
        if to.arities.is_empty() {
            affine(&mut kan, &scale, &bias);
            x = net.graph.push(name, Layer::Kan(kan), &[x])?;
        } else {
            x = net.graph.push(name, Layer::Kan(kan), &[x])?;
            x = multiply(net, l, to, x)?;
            let layer = Layer::Affine { scale, offset: bias };
            x = net.graph.push(format!("node_{l}"), layer, &[x])?;
        }
    }
    Ok(())
}

/// `scale y + bias` taken into the edges.
fn affine(kan: &mut Kan, scale: &[f64], bias: &[f64]) {
    for (row, s) in kan.edges.iter_mut().zip(scale) {
        *row = std::mem::take(row).into_iter().map(|e| e.scaled(*s)).collect();
    }
    for (own, (s, b)) in kan.bias.iter_mut().zip(scale.iter().zip(bias)) {
        *own = *own * s + b;
    }
}

/// The nodes out of the subnodes: sums as they are, products of their groups.
fn multiply(net: &mut Net, l: usize, level: &Level, x: TensorId) -> Result<TensorId> {
    let mut parts = Vec::new();
    if level.sums > 0 {
        let select = Layer::Select((0..level.sums).collect());
        parts.push(net.graph.push(format!("sums_{l}"), select, &[x])?);
    }
    // All products of one arity at once: their k-th factors are one tensor each.
    let mut start = level.sums;
    let mut groups: Vec<(usize, Vec<usize>)> = Vec::new();
    for &arity in &level.arities {
        match groups.last_mut() {
            Some((a, starts)) if *a == arity => starts.push(start),
            _ => groups.push((arity, vec![start])),
        }
        start += arity;
    }
    for (g, (arity, starts)) in groups.into_iter().enumerate() {
        let mut product: Option<TensorId> = None;
        for k in 0..arity {
            let indices = starts.iter().map(|s| s + k).collect();
            let name = format!("factor_{l}_{g}_{k}");
            let factor = net.graph.push(name, Layer::Select(indices), &[x])?;
            product = Some(match product {
                None => factor,
                Some(p) => {
                    net.graph.push(format!("product_{l}_{g}_{k}"), Layer::Mul, &[p, factor])?
                }
            });
        }
        parts.extend(product);
    }
    match parts.as_slice() {
        [one] => Ok(*one),
        _ => net.graph.push(format!("nodes_{l}"), Layer::Concat, &parts),
    }
}

/// The widths, and the arity of each product.
fn levels(options: &Options) -> Result<Vec<Level>> {
    let wrong = || options.wrong("width", "a list of widths, or of pairs of sums and products");
    let list = options.get("width").and_then(Json::as_array).ok_or_else(wrong)?;
    // As many as `Options::widths` let pass.
    let count = |n: &Json| Some(n.as_u64()? as usize).filter(|n| *n <= MOST_WIDTH);
    let pair = |w: &Json| -> Option<(usize, usize)> {
        match w.as_array().map(Vec::as_slice) {
            None => Some((count(w)?, 0)),
            Some([sums, products]) => Some((count(sums)?, count(products)?)),
            Some(_) => None,
        }
    };
    let arity = options.get("mult_arity");
    let level = |(l, w): (usize, &Json)| {
        let (sums, products) = pair(w).ok_or_else(wrong)?;
        let arities: Option<Vec<usize>> = match arity {
            None => Some(vec![2; products]),
            Some(Json::Array(lists)) => {
                let list = lists.get(l).and_then(Json::as_array);
                let list = list.map_or(&[][..], Vec::as_slice);
                list.iter().map(|a| Some(a.as_u64()? as usize)).collect()
            }
            Some(one) => one.as_u64().map(|a| vec![a as usize; products]),
        };
        let expected = "a whole number from 2 to 16, or a list of them for each level";
        let sound = |a: &Vec<usize>| a.len() == products && a.iter().all(|a| (2..=16).contains(a));
        let arities = arities.filter(sound).ok_or_else(|| options.wrong("mult_arity", expected))?;
        Ok(Level { sums, arities })
    };
    list.iter().enumerate().map(level).collect()
}

/// The edges of layer `l`, without its base function, whose grid has so many intervals for splines of a degree.
fn edges(
    net: &Net,
    options: &Options,
    l: usize,
    inputs: usize,
    outputs: usize,
    (intervals, degree): (usize, usize),
) -> Result<Kan> {
    let count = intervals + degree;
    let name = |what: &str| format!("act_fun.{l}.{what}");
    let knots = net.knots(&name("grid"), inputs, count + degree + 1)?;
    let coefficients = net.shaped(&name("coef"), &[inputs, outputs, count])?;
    let of = |what: &str| net.shaped(&name(what), &[inputs, outputs]);
    let (mask, base, scale) = (of("mask")?, of("scale_base")?, of("scale_sp")?);
    let symbolic = symbolic_edges(net, options, l, inputs, outputs)?;
    let mut rows = Vec::with_capacity(outputs);
    let mut bias = vec![0.0; outputs];
    for o in 0..outputs {
        let mut row = Vec::with_capacity(inputs);
        for i in 0..inputs {
            let k = i * outputs + o;
            let own = coefficients[k * count..][..count].to_vec();
            let spline = Some(Spline { knots: knots[i].clone(), coefficients: own });
            let edge = Edge { spline, ..Edge::default() }.scaled(scale[k]);
            let mut edge = Edge { base: base[k], ..edge }.scaled(mask[k]);
            match &symbolic[o * inputs + i] {
                Some(Expr::Const(c)) => bias[o] += c,
                other => edge.function.clone_from(other),
            }
            row.push(edge.pruned());
        }
        rows.push(row);
    }
    Ok(Kan { base: Expr::silu(), edges: rows, bias })
}

/// `mask (c f(a x + b) + d)` of each edge, outputs first; none where the mask is 0.
fn symbolic_edges(
    net: &Net,
    options: &Options,
    l: usize,
    inputs: usize,
    outputs: usize,
) -> Result<Vec<Option<Expr>>> {
    let mask_name = format!("symbolic_fun.{l}.mask");
    let enabled = options.flag("symbolic_enabled");
    if enabled == Some(false) && !net.file.has(&mask_name) {
        return Ok(vec![None; inputs * outputs]);
    }
    let mask = net.shaped(&mask_name, &[outputs, inputs])?;
    let affine = net.shaped(&format!("symbolic_fun.{l}.affine"), &[outputs, inputs, 4])?;
    let names = options.get("symbolic_funs_name");
    let mut edges = Vec::with_capacity(mask.len());
    for (k, (&mask, abcd)) in mask.iter().zip(affine.chunks(4)).enumerate() {
        if mask == 0.0 || enabled == Some(false) {
            edges.push(None);
            continue;
        }
        let (o, i) = (k / inputs, k % inputs);
        let name = names.and_then(|n| n.get(l)?.get(o)?.get(i)?.as_str());
        let function = name.and_then(symbolic::function).ok_or_else(|| {
            Error::new("the function of a symbolic edge is not known")
                .at(options.at(&format!("symbolic_funs_name[{l}][{o}][{i}]")))
                .expected(format!("one of {}", symbolic::NAMES))
                .found(name.map_or("no name".to_owned(), |n| format!("\"{n}\"")))
                .help("the mask of this edge is not 0: name its function as pykan does")
        })?;
        let c = Expr::Const;
        let &[a, b, factor, addend] = abcd else { continue };
        let inner = Expr::X.mul(c(a)).add(c(b));
        let value = function.of(&inner).mul(c(factor)).add(c(addend)).mul(c(mask));
        edges.push(Some(value));
    }
    Ok(edges)
}
