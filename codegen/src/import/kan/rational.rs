//! GR-KAN, the layer of the Kolmogorov-Arnold Transformer (Yang, Wang 2024): a rational function a group
//! of channels, then a dense layer.

use super::net::Net;
use super::options::Options;
use crate::error::{Error, Result};
use crate::graph::expr::{Expr, Function};
use crate::graph::{Dense, Layer, TensorId};

/// How the denominator is kept away from zero.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Denominator {
    /// `1 + sum |b_n| |x|^n`.
    SumOfAbs,
    /// `1 + sum |b_n| x^n`, as the Transformer's own PyTorch class has it.
    SumOfAbsWeights,
    /// `1 + |sum b_n x^n|`.
    AbsOfSum,
    /// `0.1 + |sum b_n x^n|`.
    TenthAndAbs,
    /// `1 + sum b_n x^n`, with poles where that is 0.
    Plain,
}

/// All layers: `act1`, `fc1`, `act2`, `fc2` and so on, or as `order_of_ops` says.
pub(super) fn network(net: &mut Net, options: &Options, widths: &[usize]) -> Result<()> {
    let usual: Vec<String> =
        (1..widths.len()).flat_map(|l| [format!("act{l}"), format!("fc{l}")]).collect();
    let order = match options.text("order_of_ops") {
        Some(text) => text.split(',').map(|op| op.trim().to_owned()).collect(),
        None => usual,
    };
    let (mut x, mut level) = (net.graph.input, 0);
    for op in &order {
        let width = widths.get(level).copied().unwrap_or(0);
        if op.starts_with("act") {
            x = activation(net, options, op, width, x)?;
        } else if let Some(&outputs) = widths.get(level + 1).filter(|_| op.starts_with("fc")) {
            x = dense(net, op, width, outputs, x)?;
            level += 1;
        } else {
            return Err(options
                .wrong("order_of_ops", "a list of act1, fc1, act2, fc2, ... that fits `layers`"));
        }
    }
    if level + 1 == widths.len() {
        return Ok(());
    }
    Err(options.wrong("order_of_ops", "as many dense layers as `layers` has steps"))
}

/// `y = W x + b`.
pub(super) fn dense(
    net: &mut Net,
    name: &str,
    inputs: usize,
    outputs: usize,
    x: TensorId,
) -> Result<TensorId> {
    let weights = net.shaped(&format!("{name}.weight"), &[outputs, inputs])?;
    let bias = net.file.vector_or(&format!("{name}.bias"), outputs, 0.0)?;
    let weights = weights.chunks(inputs).map(<[f64]>::to_vec).collect();
    net.graph.push(name, Layer::Dense(Dense::new(weights, bias)), &[x])
}

/// The group-rational activation.
pub(super) fn activation(
    net: &mut Net,
    options: &Options,
    name: &str,
    width: usize,
    x: TensorId,
) -> Result<TensorId> {
    let groups = options.count("groups")?;
    if !width.is_multiple_of(groups) {
        let expected = format!("a divisor of the width {width} of `{name}`");
        return Err(options.wrong("groups", &expected));
    }
    let (upper, lower) = order(options)?;
    let numerator_name = format!("{name}.weight_numerator");
    let (shape, numerator) = net.file.numbers(&numerator_name)?;
    if shape != [1, upper + 1] && shape != [groups, upper + 1] {
        return Err(Error::new("a tensor has the wrong shape")
            .at(format!("tensor `{numerator_name}`"))
            .expected(format!("shape [1, {0}] or [{groups}, {0}]", upper + 1))
            .found(format!("{shape:?}"))
            .help("`groups` and `order` must be those of the training"));
    }
    let b = net.shaped(&format!("{name}.weight_denominator"), &[groups, lower])?;
    let kind = denominator(options)?;
    let mut functions: Vec<Expr> = Vec::new();
    let mut picks = Vec::new();
    for (g, b) in b.chunks(lower).enumerate() {
        let row = if shape.first() == Some(&1) { 0 } else { g };
        let f = rational(&numerator[row * (upper + 1)..][..upper + 1], b, kind);
        let k = functions.iter().position(|other| *other == f).unwrap_or(functions.len());
        if k == functions.len() {
            functions.push(f);
        }
        let channels = width / groups;
        picks.extend((g * channels..(g + 1) * channels).map(|i| (i, k)));
    }
    net.graph.push(name, Layer::Functions { functions, picks }, &[x])
}

/// The degrees of numerator and denominator.
fn order(options: &Options) -> Result<(usize, usize)> {
    let Some(order) = options.get("order") else { return Ok((5, 4)) };
    let degree = |k: usize| order.get(k)?.as_u64().filter(|n| (1..=16).contains(n));
    match (degree(0), degree(1)) {
        (Some(p), Some(q)) => Ok((p as usize, q as usize)),
        _ => Err(options.wrong("order", "two degrees from 1 to 16")),
    }
}

/// The convention the configuration names: the key `denominator`, the letter the Transformer's code gives
/// its `version`, or the formula.
fn denominator(options: &Options) -> Result<Denominator> {
    let keys = ["denominator", "convention", "version", "q"];
    if let Some((key, word)) = keys.iter().find_map(|key| Some((key, options.text(key)?))) {
        return match word.to_ascii_lowercase().replace(['_', ' '], "-").as_str() {
            "a" | "sum-of-abs" | "abs-terms" => Ok(Denominator::SumOfAbs),
            "torch" | "sum-of-abs-weights" => Ok(Denominator::SumOfAbsWeights),
            "b" | "abs-of-sum" => Ok(Denominator::AbsOfSum),
            "c" | "tenth-and-abs" => Ok(Denominator::TenthAndAbs),
            "n" | "plain" | "none" => Ok(Denominator::Plain),
            other => from_formula(other).ok_or_else(|| {
                options.wrong(
                    key,
                    "\"sum-of-abs\" (A: 1 + sum |b x^n|), \"sum-of-abs-weights\" (KAT_Group_Torch: \
                     1 + sum |b| x^n), \"abs-of-sum\" (B: 1 + |sum b x^n|), \
                     \"tenth-and-abs\" (C: 0.1 + |sum b x^n|) or \"plain\" (1 + sum b x^n)",
                )
            }),
        };
    }
    if options.text("class").is_some_and(|class| class.to_ascii_lowercase().ends_with("torch")) {
        return Ok(Denominator::SumOfAbsWeights);
    }
    let formula = options.text("formula").and_then(from_formula);
    Ok(formula.unwrap_or(Denominator::SumOfAbs))
}

/// The convention a formula like `Q=1+sum_{n=1..4} |b[n]| |x|^n` spells.
fn from_formula(formula: &str) -> Option<Denominator> {
    let text: String = formula.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    let q = text.split("q=").nth(1).unwrap_or(&text);
    let (first, rest) = q.split_once('+')?;
    let offset: f64 = first.rsplit('(').next()?.parse().ok()?;
    // What is between bars: the weight alone, or the power of x as well.
    let terms = rest.split(';').next().unwrap_or(rest);
    let barred = terms.replace("abs(", "|").replace(')', "|");
    let mut inside = barred.split('|').skip(1).step_by(2).filter(|part| !part.is_empty());
    let weights_alone = inside.clone().all(|part| !part.contains('x'));
    if inside.next().is_some() && weights_alone {
        return Some(Denominator::SumOfAbsWeights);
    }
    let absolute = |s: &str| s.starts_with('|') || s.starts_with("abs(");
    if absolute(rest) {
        let inner = rest.trim_start_matches(['|', '(']).trim_start_matches("abs(");
        // |b1 x| + |b2 x^2| + ...: every term has its own bars.
        if !inner.starts_with("sum") && inner.contains("|+|") {
            return Some(Denominator::SumOfAbs);
        }
        return Some(if offset == 1.0 { Denominator::AbsOfSum } else { Denominator::TenthAndAbs });
    }
    let terms = rest.strip_prefix("sum")?;
    Some(if terms.contains('|') || terms.contains("abs(") {
        Denominator::SumOfAbs
    } else {
        Denominator::Plain
    })
}

/// `P(x) / Q(x)`.
fn rational(a: &[f64], b: &[f64], kind: Denominator) -> Expr {
    let with = |first: f64, b: &[f64]| [&[first], b].concat();
    let bars = |e: Expr| Expr::call(Function::Abs).of(&e);
    let q = match kind {
        Denominator::SumOfAbs => {
            let b: Vec<f64> = b.iter().map(|b| b.abs()).collect();
            Expr::polynomial(&with(1.0, &b), &Expr::call(Function::Abs))
        }
        Denominator::SumOfAbsWeights => {
            let b: Vec<f64> = b.iter().map(|b| b.abs()).collect();
            Expr::polynomial(&with(1.0, &b), &Expr::X)
        }
        Denominator::AbsOfSum => {
            bars(Expr::polynomial(&with(0.0, b), &Expr::X)).add(Expr::Const(1.0))
        }
        Denominator::TenthAndAbs => {
            bars(Expr::polynomial(&with(0.0, b), &Expr::X)).add(Expr::Const(0.1))
        }
        Denominator::Plain => Expr::polynomial(&with(1.0, b), &Expr::X),
    };
    Expr::polynomial(a, &Expr::X).div(q)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_name_their_denominator() {
        for (formula, kind) in [
            ("P=sum a x^m; Q=1+sum_{n=1..4} |b[g,n-1]| |x|^n", Denominator::SumOfAbs),
            ("Q = 1 + |sum_n b_n x^n|", Denominator::AbsOfSum),
            ("Q=1+abs(sum b_n x^n)", Denominator::AbsOfSum),
            ("Q = 1 + |b1 x| + |b2 x^2|", Denominator::SumOfAbs),
            ("Q=0.1+|sum b x^n|", Denominator::TenthAndAbs),
            ("Q=1+sum b_n x^n", Denominator::Plain),
            ("Q=1+sum_{n=1..4} |b[g,n-1]| x^n", Denominator::SumOfAbsWeights),
            ("Q = 1 + |b1| x + |b2| x^2", Denominator::SumOfAbsWeights),
            ("Q = 1 + sum_n abs(b_n) * x**n", Denominator::SumOfAbsWeights),
            ("Q = 1 + sum_n abs(b_n * x**n)", Denominator::SumOfAbs),
            ("Q = 1 + sum_n abs(b_n) * abs(x)**n", Denominator::SumOfAbs),
        ] {
            assert_eq!(from_formula(formula), Some(kind), "{formula}");
        }
    }

    #[test]
    fn conventions_differ_where_a_coefficient_is_negative() {
        let (a, b) = ([0.0, 1.0], [-0.5]);
        let y = |kind| rational(&a, &b, kind).eval(1.0);
        assert_eq!(y(Denominator::SumOfAbs), 1.0 / 1.5);
        assert_eq!(y(Denominator::AbsOfSum), 1.0 / 1.5);
        assert_eq!(y(Denominator::TenthAndAbs), 1.0 / 0.6);
        assert_eq!(y(Denominator::Plain), 2.0);
        let of = |kind| rational(&a, &b, kind).eval(-1.0);
        assert_eq!(of(Denominator::SumOfAbsWeights), -1.0 / 0.5);
        assert_eq!(of(Denominator::SumOfAbs), -1.0 / 1.5);
    }
}
