//! FastKAN (Li 2024): Gaussian radial basis functions of the normalised input, and a base of the raw one.

use super::efficient;
use super::net::{Net, Site};
use crate::error::{Error, Result};
use crate::graph::expr::{Expr, Function};
use crate::graph::{Dense, Layer, TensorId};

pub(super) fn layer(net: &mut Net, site: &Site) -> Result<TensorId> {
    let &Site { options, name, inputs, outputs, x } = site;
    let count = options.terms("num_grids")?;
    let grid_name = format!("{name}.rbf.grid");
    let grid = net.shaped(&grid_name, &[count])?;
    if grid.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(Error::new("a grid does not increase")
            .at(format!("tensor `{grid_name}`"))
            .expected("every centre above the one before")
            .found(format!("{grid:?}"))
            .help("save the grid as the library made it, from grid_min to grid_max"));
    }
    let denominator = options.number("denominator").or_else(|| {
        let span = options.number("grid_max")? - options.number("grid_min")?;
        (count > 1).then(|| span / (count - 1) as f64)
    });
    let denominator = denominator
        .filter(|d| d.is_finite() && *d > 0.0)
        .ok_or_else(|| options.wrong("denominator", "a width above 0 of the basis functions"))?;
    let weights =
        net.shaped(&format!("{name}.spline_linear.weight"), &[outputs, inputs * count])?;
    // The libraries' notes may describe it in words here.
    let normalized = match options.get("layernorm") {
        Some(serde_json::Value::Bool(false)) => x,
        _ => net.layer_norm(&format!("{name}.layernorm"), inputs, x)?,
    };
    let functions = grid.iter().map(|&g| gaussian(g, denominator)).collect();
    let weight = |o: usize, i: usize, k: usize| weights[(o * inputs + i) * count + k];
    let splines = Site { x: normalized, ..*site };
    let (basis, linear) = (format!("{name}.rbf"), format!("{name}.spline_linear"));
    let bias = vec![0.0; outputs];
    let spline = net.shared_functions(&basis, &linear, &splines, functions, weight, bias)?;
    if options.flag("use_base_update") == Some(false) {
        return Ok(spline);
    }
    let weights = net.shaped(&format!("{name}.base_linear.weight"), &[outputs, inputs])?;
    let bias = net.shaped(&format!("{name}.base_linear.bias"), &[outputs])?;
    let function = efficient::base_function(options, &["base_activation", "base"])?;
    let base = net.graph.push(format!("{name}.base"), Layer::Map(function), &[x])?;
    let weights = weights.chunks(inputs).map(<[f64]>::to_vec).collect();
    let dense = Layer::Dense(Dense::new(weights, bias));
    let base = net.graph.push(format!("{name}.base_linear"), dense, &[base])?;
    net.graph.push(name, Layer::Add { factors: [1.0, 1.0] }, &[spline, base])
}

/// `exp(-((x - centre) / width)^2)`.
pub(super) fn gaussian(centre: f64, width: f64) -> Expr {
    let u = Expr::X.add(Expr::Const(-centre)).mul(Expr::Const(1.0 / width));
    Expr::call(Function::Exp).of(&u.pow(2.0).mul(Expr::Const(-1.0)))
}
