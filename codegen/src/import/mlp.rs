//! Plain multi-layer perceptrons: `model.safetensors` with a `config.json`.
//!
//! The tensors are a PyTorch `state_dict` under any names: each `*.weight` of shape `[out, in]` with an
//! optional `*.bias` of shape `[out]`, in the natural order of their names.

use std::path::Path;

use super::config::Config;
use super::file::read;
use super::tensors::Tensors;
use crate::data::sha256;
use crate::error::{Error, Result};
use crate::graph::expr::{Expr, Function};
use crate::graph::{Dense, Graph, Layer};

/// Reads the perceptron `model` that `config` describes, and the digest of its weights.
///
/// # Errors
/// A tensor is missing, its shape does not fit, or the activation is not known.
pub fn load(config: &Config, model: &Path, name: &str) -> Result<(Graph, String)> {
    let bytes = read(model)?;
    let hidden = activation(config)?;
    let last = config.text("out_activation").map(|a| head(a, config)).transpose()?;
    let build = || {
        let file = Tensors::open(&bytes)?;
        let layers = dense_layers(&file)?;
        file.understood(&[])?;
        check_against(config, &layers)?;
        assemble(name, layers, &hidden, last.as_ref())
    };
    let graph = build().map_err(|e: Error| e.file(model))?;
    Ok((graph, sha256(&bytes)))
}

fn assemble(
    name: &str,
    layers: Vec<(String, Dense)>,
    hidden: &Expr,
    last: Option<&Layer>,
) -> Result<Graph> {
    let inputs = layers.first().and_then(|(_, d)| d.weights.first()).map_or(0, Vec::len);
    let mut graph = Graph::new(name, "x", inputs);
    let mut x = graph.input;
    let count = layers.len();
    for (k, (title, dense)) in layers.into_iter().enumerate() {
        x = graph.push(title.as_str(), Layer::Dense(dense), &[x])?;
        if k + 1 < count && *hidden != Expr::X {
            x = graph.push(format!("{title}.activation"), Layer::Map(hidden.clone()), &[x])?;
        } else if let Some(layer) = last.filter(|_| k + 1 == count) {
            x = graph.push("output", layer.clone(), &[x])?;
        }
    }
    Ok(graph)
}

/// The hidden activation: the second word of the format, or the key `activation`.
fn activation(config: &Config) -> Result<Expr> {
    let format = config.text("format").unwrap_or_default();
    let word = format.split_whitespace().nth(1).or(config.text("activation"));
    let word = word.ok_or_else(|| {
        Error::new("the activation is not known")
            .file(&config.path)
            .at("key `format`")
            .expected("a format like \"mlp relu\", or a key `activation`")
            .found(format!("\"{format}\""))
            .help("write the hidden activation behind `mlp`: \"mlp tanh\"")
    })?;
    function(word).ok_or_else(|| unknown(word, config))
}

fn head(word: &str, config: &Config) -> Result<Layer> {
    match word.to_ascii_lowercase().as_str() {
        "softmax" => Ok(Layer::Softmax),
        "log_softmax" | "logsoftmax" => Ok(Layer::LogSoftmax),
        "argmax" => Ok(Layer::ArgMax),
        other => function(other).map(Layer::Map).ok_or_else(|| unknown(word, config)),
    }
}

pub(super) fn unknown(word: &str, config: &Config) -> Error {
    Error::new("the activation is not supported")
        .file(&config.path)
        .expected("relu, leaky_relu, elu, selu, gelu, silu, tanh, sigmoid, softplus, softsign, sin, hardsigmoid, hardswish, mish or identity")
        .found(format!("\"{word}\"")).help("export the network as ONNX if it has another activation")
}

/// An activation by the name PyTorch or scikit-learn has for it, with their default parameters.
pub(super) fn function(word: &str) -> Option<Expr> {
    let (x, c) = (|| Expr::X, Expr::Const);
    let sixth = || Expr::clamp(0.0, 1.0).of(&x().mul(c(1.0 / 6.0)).add(c(0.5)));
    Some(match word.to_ascii_lowercase().replace(['_', '-'], "").as_str() {
        "relu" => Expr::relu(),
        "relu6" => Expr::clamp(0.0, 6.0),
        "leakyrelu" => Expr::call(Function::LeakyRelu { alpha: 0.01 }),
        "elu" => Expr::call(Function::Elu { alpha: 1.0, gamma: 1.0 }),
        // Constants of Klambauer et al. 2017.
        "selu" => Expr::call(Function::Elu {
            alpha: 1.673_263_242_354_377_2,
            gamma: 1.050_700_987_355_480_5,
        }),
        "gelu" => {
            let erf = Expr::call(Function::Erf).of(&x().mul(c(std::f64::consts::FRAC_1_SQRT_2)));
            x().mul(c(0.5)).mul(erf.add(c(1.0)))
        }
        "silu" | "swish" => x().mul(Expr::call(Function::Sigmoid)),
        "mish" => x().mul(Expr::call(Function::Tanh).of(&Expr::call(Function::Softplus))),
        "tanh" => Expr::call(Function::Tanh),
        "sigmoid" | "logistic" => Expr::call(Function::Sigmoid),
        "softplus" => Expr::call(Function::Softplus),
        "softsign" => x().div(Expr::call(Function::Abs).add(c(1.0))),
        "sin" | "sine" => Expr::call(Function::Sin),
        "hardsigmoid" => sixth(),
        "hardswish" => x().mul(sixth()),
        "identity" | "linear" | "none" => x(),
        _ => return None,
    })
}

/// The layers in order, each called by what stands before `.weight`.
fn dense_layers(file: &Tensors) -> Result<Vec<(String, Dense)>> {
    let mut names = file.names();
    names.sort_by_cached_key(|name| natural(name));
    if let Some(other) = names.iter().find(|n| !n.ends_with("weight") && !n.ends_with("bias")) {
        return Err(Error::new("a tensor has no place in a plain perceptron")
            .at(format!("tensor `{other}`"))
            .expected("names that end in `weight` or `bias`")
            .found(format!("`{other}`"))
            .help("export the network as ONNX if it has other layers than dense ones"));
    }
    let mut layers: Vec<(String, Dense)> = Vec::new();
    for name in names.iter().filter(|n| n.ends_with("weight")) {
        let stem = name.strip_suffix("weight").unwrap_or(name);
        let (rows, columns) = file.shape(name)?;
        let layer = dense(file, stem, rows, columns)?;
        if let Some((before, dense)) = layers.last()
            && dense.bias.len() != columns
        {
            return Err(Error::new("the layers do not fit each other")
                .at(format!("tensor `{name}`"))
                .expected(format!("{} columns, the outputs of `{before}`", dense.bias.len()))
                .found(format!("shape [{rows}, {columns}]"))
                .help("name the layers in the order they run"));
        }
        let title = stem.trim_end_matches(['.', '_']);
        let title = if title.is_empty() { "dense" } else { title };
        layers.push((title.to_owned(), layer));
    }
    if layers.is_empty() {
        return Err(Error::new("the file holds no weights")
            .expected("tensors called `*.weight` and `*.bias`")
            .found(format!("{} tensors", names.len()))
            .help("save the whole state_dict under the names its library gives"));
    }
    Ok(layers)
}

/// The layer whose tensors begin with `stem`; without a bias if there is none.
pub(super) fn dense(file: &Tensors, stem: &str, rows: usize, columns: usize) -> Result<Dense> {
    let weights = file.matrix(&format!("{stem}weight"), rows, columns)?;
    Ok(Dense::new(weights, file.vector_or(&format!("{stem}bias"), rows, 0.0)?))
}

/// Digits as numbers, so that `layers.10` follows `layers.9`.
pub(super) fn natural(name: &str) -> Vec<(u64, String)> {
    let mut key = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let text_end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (text, tail) = rest.split_at(text_end);
        let digits_end = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
        let (digits, tail) = tail.split_at(digits_end);
        key.push((0, text.to_owned()));
        key.push((digits.parse().unwrap_or(u64::MAX), String::new()));
        rest = tail;
    }
    key
}

/// Compares the tensors with the sizes the configuration lists under `layers`, if it does.
fn check_against(config: &Config, layers: &[(String, Dense)]) -> Result<()> {
    let Some(listed) = config.get("layers").and_then(|l| l.as_array()) else {
        return Ok(());
    };
    let listed: Vec<u64> = listed.iter().filter_map(serde_json::Value::as_u64).collect();
    let inputs = layers.first().and_then(|(_, d)| d.weights.first()).map_or(0, Vec::len);
    let found: Vec<u64> = std::iter::once(inputs)
        .chain(layers.iter().map(|(_, d)| d.bias.len()))
        .map(|n| n as u64)
        .collect();
    if listed == found {
        return Ok(());
    }
    Err(Error::new("the weights do not fit the configuration")
        .at("key `layers` of config.json")
        .expected(format!("{listed:?}"))
        .found(format!("{found:?}"))
        .help("the two files belong to different models"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use safetensors::tensor::TensorView;
    use tempfile::TempDir;

    use crate::import;
    use crate::reference;

    /// A model folder with float32 tensors of one repeated value.
    fn folder(config: &str, tensors: &[(&str, &[usize], f32)]) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.json"), config).unwrap();
        let bytes: Vec<Vec<u8>> = tensors
            .iter()
            .map(|(_, shape, v)| v.to_le_bytes().repeat(shape.iter().product()))
            .collect();
        let views = tensors.iter().zip(&bytes).map(|((name, shape, _), data)| {
            (*name, TensorView::new(safetensors::Dtype::F32, shape.to_vec(), data).unwrap())
        });
        let file = safetensors::serialize(views, None).unwrap();
        let path = folder.path().join("model.safetensors");
        fs::write(&path, file).unwrap();
        (folder, path)
    }

    fn refused(config: &str, tensors: &[(&str, &[usize], f32)], parts: &[&str]) {
        let (_folder, path) = folder(config, tensors);
        let message = import::load(&path).map(|_| ()).unwrap_err().to_string();
        for part in parts {
            assert!(message.contains(part), "`{part}` is not in:\n{message}");
        }
    }

    #[test]
    fn layers_run_in_the_natural_order_of_their_names() {
        let (folder, path) = folder(
            r#"{"format": "mlp relu", "layers": [2, 3, 4, 1], "out_activation": "identity"}"#,
            &[
                ("net.10.weight", &[1, 4], 1.0),
                ("net.10.bias", &[1], -0.5),
                ("net.9.weight", &[4, 3], 0.5),
                ("net.2.weight", &[3, 2], 1.0),
                ("net.2.bias", &[3], 1.0),
            ],
        );
        let source = import::load(&path).unwrap();
        assert_eq!(source.graph.nodes[0].name, "net.2");
        // relu(2 + 1) = 3, relu(3 * 3 / 2) = 4.5, 4 * 4.5 - 0.5 = 17.5
        let y = reference::run(&source.graph, &[vec![1.0, 1.0], vec![-4.0, -4.0]]);
        assert_eq!(y, [[17.5], [-0.5]]);
        assert_eq!(import::load(folder.path()).unwrap(), source);
        assert_eq!(source.sha256.len(), 64);
    }

    #[test]
    fn a_bias_of_no_layer_and_a_key_misspelt_are_refused() {
        let weights: &[(&str, &[usize], f32)] =
            &[("fc.weight", &[1, 2], 1.0), ("cf.bias", &[1], 1.0)];
        refused(
            r#"{"format": "mlp relu"}"#,
            weights,
            &["tensor `cf.bias`", "`fc.bias`, which is not there"],
        );
        let misspelt = r#"{"format": "mlp relu", "out_activaton": "tanh"}"#;
        refused(misspelt, &weights[..1], &["`out_activaton`", "`out_activation`", "config.json"]);
    }

    #[test]
    fn the_activation_may_stand_in_its_own_key() {
        let (_folder, path) = folder(
            r#"{"format": "mlp", "activation": "tanh", "out_activation": "sigmoid"}"#,
            &[("fc1.weight", &[1, 1], 2.0), ("fc2.weight", &[1, 1], 1.0)],
        );
        let y = reference::run(&import::load(&path).unwrap().graph, &[vec![0.5]]);
        let expected = 1.0 / (1.0 + (-(1f64.tanh())).exp());
        assert!((y[0][0] - expected).abs() < 1e-12);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let relu = r#"{"format": "mlp relu"}"#;
        let two: &[(&str, &[usize], f32)] =
            &[("a1.weight", &[3, 2], 1.0), ("a2.weight", &[1, 4], 1.0)];
        refused(relu, two, &["tensor `a2.weight`", "3 columns", "[1, 4]", "model.safetensors"]);
        refused(r#"{"format": "mlp relu", "layers": [2, 5]}"#, &two[..1], &["[2, 5]", "[2, 3]"]);
        refused(r#"{"format": "mlp cubic"}"#, &two[..1], &["\"cubic\"", "relu, leaky_relu"]);
        refused(r#"{"format": "mlp"}"#, &two[..1], &["key `activation`"]);
        refused(relu, &[("a.weight", &[2, 2], f32::NAN)], &["tensor `a.weight`", "NaN"]);
        refused(relu, &[("a.weight", &[4], 1.0)], &["not a matrix", "[4]"]);
        refused(relu, &[("a.weight", &[0, 4], 1.0)], &["at least 1", "[0, 4]"]);
        refused(relu, &[("a.gain", &[4], 1.0)], &["tensor `a.gain`", "export the network as ONNX"]);
        refused(relu, &[], &["holds no weights"]);
        let bias: &[(&str, &[usize], f32)] = &[("a.weight", &[2, 2], 1.0), ("a.bias", &[3], 1.0)];
        refused(relu, bias, &["tensor `a.bias`", "shape [2]", "[3]"]);
    }

    #[test]
    fn damaged_files_are_refused() {
        let (_folder, path) = folder(r#"{"format": "mlp relu"}"#, &[("a.weight", &[2, 2], 1.0)]);
        let whole = fs::read(&path).unwrap();
        for bytes in [&whole[..whole.len() - 3], &whole[..4], b"text, and no more than that", b""] {
            fs::write(&path, bytes).unwrap();
            let message = import::load(&path).unwrap_err().to_string();
            assert!(message.contains("not a safetensors file"), "{message}");
        }
    }
}
