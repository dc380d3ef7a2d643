//! Kolmogorov-Arnold networks of every library.

use super::seed::{Seed, folder, noise};

/// Knots over -1..1 for `rows` inputs.
fn knots(rows: usize, intervals: usize) -> Vec<f32> {
    let step = 2.0 / intervals as f32;
    let row: Vec<f32> = (0..intervals + 7).map(|j| -1.0 + step * (j as f32 - 3.0)).collect();
    row.repeat(rows)
}

pub(super) fn all() -> Vec<Seed> {
    let mut all = vec![pykan(), efficient(), fast(), wavelet(), relu(), mixed(), stack()];
    let chebyshev: &[(&str, &[usize])] = &[
        ("chebykan1.cheby_coeffs", &[2, 3, 4]),
        ("chebykan2.cheby_coeffs", &[3, 1, 4]),
        ("ln1.weight", &[3]),
        ("ln1.bias", &[3]),
    ];
    let config = r#"{"format": "chebykan", "layers": [2, 3, 1], "degree": 3, "layernorm": true}"#;
    all.push(folder("chebykan", config, &noise(1, chebyshev)));
    let fourier: &[(&str, &[usize])] =
        &[("layers.0.fouriercoeffs", &[2, 3, 2, 2]), ("layers.0.bias", &[1, 3])];
    let config = r#"{"format": "fourierkan", "layers": [2, 3], "gridsize": 2, "addbias": true}"#;
    all.push(folder("fourierkan", config, &noise(2, fourier)));
    let rational: &[(&str, &[usize])] = &[
        ("act1.weight_numerator", &[1, 6]),
        ("act1.weight_denominator", &[2, 4]),
        ("fc1.weight", &[3, 4]),
        ("fc1.bias", &[3]),
    ];
    let config = r#"{"format": "gr-kan", "layers": [4, 3], "groups": 2, "order": [5, 4], "order_of_ops": "act1,fc1"}"#;
    all.push(folder("gr-kan", config, &noise(3, rational)));
    all
}

fn pykan() -> Seed {
    let shapes: &[(&str, &[usize])] = &[
        ("act_fun.0.coef", &[2, 3, 6]),
        ("act_fun.0.scale_base", &[2, 3]),
        ("act_fun.0.scale_sp", &[2, 3]),
        ("symbolic_fun.0.affine", &[3, 2, 4]),
        ("subnode_scale_0", &[3]),
        ("subnode_bias_0", &[3]),
        ("node_scale_0", &[2]),
        ("node_bias_0", &[2]),
    ];
    let mut tensors = noise(4, shapes);
    tensors.put("act_fun.0.grid", &[2, 10], knots(2, 3));
    tensors.put("act_fun.0.mask", &[2, 3], [1.0, 0.0, 1.0, 1.0, 1.0, 0.0]);
    tensors.put("symbolic_fun.0.mask", &[3, 2], [0.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
    let config = r#"{"format": "pykan", "width": [2, [1, 1]], "grid": 3, "k": 3, "base_fun": "silu",
        "symbolic_funs_name": [[["0", "0"], ["sin", "0"], ["0", "x^2"]]]}"#;
    folder("pykan", config, &tensors)
}

fn efficient() -> Seed {
    let shapes: &[(&str, &[usize])] = &[
        ("layers.0.base_weight", &[3, 2]),
        ("layers.0.spline_weight", &[3, 2, 7]),
        ("layers.0.spline_scaler", &[3, 2]),
        ("layers.1.base_weight", &[1, 3]),
        ("layers.1.spline_weight", &[1, 3, 7]),
        ("layers.1.spline_scaler", &[1, 3]),
    ];
    let mut tensors = noise(5, shapes);
    tensors.put("layers.0.grid", &[2, 11], knots(2, 4));
    tensors.put("layers.1.grid", &[3, 11], knots(3, 4));
    let config =
        r#"{"format": "efficient-kan", "layers": [2, 3, 1], "grid_size": 4, "spline_order": 3}"#;
    folder("efficient-kan", config, &tensors)
}

fn fast() -> Seed {
    let shapes: &[(&str, &[usize])] = &[
        ("layers.0.spline_linear.weight", &[3, 8]),
        ("layers.0.base_linear.weight", &[3, 2]),
        ("layers.0.base_linear.bias", &[3]),
        ("layers.0.layernorm.weight", &[2]),
        ("layers.0.layernorm.bias", &[2]),
    ];
    let mut tensors = noise(6, shapes);
    tensors.put("layers.0.rbf.grid", &[4], [-1.5, -0.5, 0.5, 1.5]);
    let config = r#"{"format": "fastkan", "layers": [2, 3], "num_grids": 4, "denominator": 1.0, "layernorm": true}"#;
    folder("fastkan", config, &tensors)
}

fn wavelet() -> Seed {
    let shapes: &[(&str, &[usize])] = &[
        ("layers.0.translation", &[3, 2]),
        ("layers.0.wavelet_weights", &[3, 2]),
        ("layers.0.bn.weight", &[3]),
        ("layers.0.bn.bias", &[3]),
        ("layers.0.bn.running_mean", &[3]),
    ];
    let mut tensors = noise(7, shapes);
    tensors.put("layers.0.scale", &[3, 2], [1.0, 0.8, 1.2, 0.9, 1.1, 0.7]);
    tensors.put("layers.0.bn.running_var", &[3], [0.5, 0.2, 1.0]);
    folder(
        "wavkan",
        r#"{"format": "wavkan", "layers": [2, 3], "wavelet_type": "mexican_hat"}"#,
        &tensors,
    )
}

fn relu() -> Seed {
    let shapes: &[(&str, &[usize])] = &[
        ("rk_layers.0.equal_size_conv.weight", &[3, 1, 5, 2]),
        ("rk_layers.0.equal_size_conv.bias", &[3]),
    ];
    let mut tensors = noise(8, shapes);
    let phases = |from: f32| (0..10).map(move |j| from + (j % 5) as f32 * 0.25);
    tensors.put("rk_layers.0.phase_low", &[2, 5], phases(-0.5));
    tensors.put("rk_layers.0.phase_height", &[2, 5], phases(0.0));
    folder("relu-kan", r#"{"format": "relu-kan", "layers": [2, 3], "grid": 4, "k": 1}"#, &tensors)
}

fn mixed() -> Seed {
    let shapes: &[(&str, &[usize])] = &[("layers.0.params", &[2, 6, 8]), ("layers.0.bias", &[2])];
    let mut tensors = noise(9, shapes);
    tensors.put("layers.0.kind", &[2, 6], (0..12).map(|k| (k % 6) as f32));
    if let Some((_, params)) = tensors.0.get_mut("layers.0.params") {
        // The scale of a wavelet.
        params.iter_mut().skip(1).step_by(8).for_each(|s| *s = 0.8 + 0.4 * s.abs());
    }
    let config = r#"{"format": "mixed-kan/1", "layers": [6, 2], "domain": [1.0],
        "kinds": ["bspline", "rbf", "chebyshev", "fourier", "wavelet", "silu"],
        "params_per_kind": {"bspline": 8, "rbf": 8, "chebyshev": 6, "fourier": 4, "wavelet": 3, "silu": 1}}"#;
    folder("mixed-kan", config, &tensors)
}

fn stack() -> Seed {
    let shapes: &[(&str, &[usize])] = &[
        ("kan.base_weight", &[3, 2]),
        ("kan.spline_weight", &[3, 2, 7]),
        ("kan.spline_scaler", &[3, 2]),
        ("head.weight", &[2, 3]),
    ];
    let mut tensors = noise(10, shapes);
    tensors.put("kan.grid", &[2, 11], knots(2, 4));
    let config = r#"{"format": "stack", "stack": [
        {"kind": "efficient-kan", "prefix": "kan", "in": 2, "out": 3, "grid_size": 4},
        {"kind": "tanh"}, {"kind": "dense", "prefix": "head", "in": 3, "out": 2}]}"#;
    folder("stack", config, &tensors)
}
