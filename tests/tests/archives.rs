//! Networks in archives: PyTorch's state dicts, and RLtools' policies with their examples.

use std::path::Path;

use nervecord_codegen::Result;
use nervecord_codegen::import::{self, Source};
use nervecord_codegen::reference::Reference;
use nervecord_tests::random::Random;
use nervecord_tests::rltools::{self, LAYERS, SHAPES};
use nervecord_tests::state_dict::{self, StateDict};

fn noise(shapes: &[(&str, &[usize])]) -> StateDict {
    let (mut dict, mut random) = (StateDict::default(), Random::new(9));
    for (name, shape) in shapes {
        let values = random.row(shape.iter().product(), 1.0);
        dict.put(name, shape, values.into_iter().map(|x| x as f32));
    }
    dict
}

/// What is read of one file beside others.
fn load(name: &str, bytes: &[u8], others: &[(&str, &str)]) -> Result<Source> {
    let folder = tempfile::tempdir().unwrap();
    for (other, text) in others {
        std::fs::write(folder.path().join(other), text).unwrap();
    }
    std::fs::write(folder.path().join(name), bytes).unwrap();
    import::load(&folder.path().join(name))
}

const MLP: &[(&str, &str)] = &[("config.json", r#"{"format": "mlp tanh", "layers": [3, 4, 2]}"#)];

#[test]
fn a_state_dict_of_pytorch_is_the_network_of_its_safetensors() {
    let dict = noise(&[("0.weight", &[4, 3]), ("0.bias", &[4]), ("2.weight", &[2, 4])]);
    let read = load("model.safetensors", &dict.bytes(), MLP).unwrap().graph.nodes;
    for name in ["model.pt", "model.pth"] {
        assert_eq!(load(name, &dict.saved(), MLP).unwrap().graph.nodes, read);
    }
    // Found beside its configuration, where no file is named.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.json"), MLP[0].1).unwrap();
    std::fs::write(folder.path().join("model.pt"), dict.saved()).unwrap();
    assert_eq!(import::load(folder.path()).unwrap().graph.nodes, read);
    // As DataParallel names the tensors.
    let wrapped: Vec<(String, _)> =
        dict.0.iter().map(|(name, tensor)| (format!("module.{name}"), tensor.clone())).collect();
    let wrapped = StateDict(wrapped.into_iter().collect());
    assert_eq!(load("model.pt", &wrapped.saved(), MLP).unwrap().graph.nodes, read);
}

#[test]
fn what_is_no_state_dict_is_told_with_what_to_do() {
    let file = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
    let script = state_dict::archive(&[
        file("net/data.pkl", b"."),
        file("net/code/__torch__.py", b"class Net"),
    ]);
    let whole = state_dict::archive(&[file("net/data.pkl", b"\x80\x02c__main__\nNet\n)\x81.")]);
    let outside = {
        let mut dict = noise(&[("w", &[2, 2])]).saved();
        let at = dict.windows(4).position(|w| w == b"tQK\0").unwrap() + 3;
        dict[at] = 9; // the offset
        dict
    };
    for (bytes, parts) in [
        (script, ["TorchScript", "torch.onnx.export("]),
        (whole, ["`__main__.Net`", "model.state_dict()"]),
        (state_dict::archive(&[file("a.txt", b"")]), ["`data.pkl`", "torch.save("]),
        (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9".to_vec(), ["before 1.6", "save it again"]),
        (outside, ["model.pt", "torch.save("]),
        (b"PK\x03\x04 and no more".to_vec(), ["model.pt", "damaged"]),
    ] {
        let message = load("model.pt", &bytes, MLP).unwrap_err().to_string();
        for part in parts {
            assert!(message.contains(part), "`{part}` is not in:\n{message}");
        }
    }
    let script = state_dict::archive(&[file("net/data.pkl", b"."), file("net/code/a.py", b"")]);
    let message = load("model.pt", &script, &[]).unwrap_err().to_string();
    assert!(message.contains("TorchScript"), "{message}");
}

/// The policy's equations, a step at a time, from its tensors.
fn policy(dict: &StateDict, h: &mut [f64; 2], x: &[f64]) -> f64 {
    let at = |path: &str, k: usize| dict.at(&format!("actor/layers/{path}/parameters"), k);
    let affine = |weights: &str, bias: &str, r: usize, x: &[f64]| -> f64 {
        let terms = x.iter().enumerate().map(|(k, v)| at(weights, r * x.len() + k) * v);
        terms.sum::<f64>() + at(bias, r)
    };
    let s = |x: f64| 1.0 / (1.0 + (-x).exp());
    let a: Vec<f64> = (0..4).map(|r| affine("0/weights", "0/biases", r, x).max(0.0)).collect();
    let input = |r: usize| affine("1/weights_input", "1/biases_input", r, &a);
    let before = *h;
    let hidden = |r: usize| affine("1/weights_hidden", "1/biases_hidden", r, &before);
    for u in 0..2 {
        let (r, z) = (s(input(u) + hidden(u)), s(input(2 + u) + hidden(2 + u)));
        let n = (input(4 + u) + r * hidden(4 + u)).tanh();
        h[u] = (1.0 - z) * n + z * before[u];
    }
    affine("2/weights", "2/biases", 0, h.as_slice()).tanh()
}

#[test]
fn a_policy_of_rltools_keeps_its_state_from_its_initial_one() {
    let dict = noise(&SHAPES);
    let archive = rltools::archive(&LAYERS, &dict);
    let graph = load("policy.tar", &archive, &[]).unwrap().graph;
    let initial = [0, 1].map(|k| dict.at("actor/layers/1/initial_hidden_state/parameters", k));
    assert_eq!(graph.states[0].initial, initial);
    let mut reference = Reference::new(&graph);
    for _ in 0..2 {
        let (mut h, mut random) = (initial, Random::new(4));
        reference.reset();
        for _ in 0..20 {
            let x = random.row(3, 1.0);
            let y = reference.step(&x).swap_remove(graph.output)[0];
            let expected = policy(&dict, &mut h, &x);
            assert!((y - expected).abs() < 1e-12, "{y} {expected}");
        }
    }
}

#[test]
fn the_example_of_an_archive_is_its_test_vectors() {
    let mut dict = noise(&SHAPES);
    let x = noise(&[("x", &[5, 2, 3])]);
    let mut y = vec![0.0; 10];
    for sequence in 0..2 {
        let mut h = [0, 1].map(|k| dict.at("actor/layers/1/initial_hidden_state/parameters", k));
        for step in 0..5 {
            let row = step * 2 + sequence;
            let input: Vec<f64> = (0..3).map(|k| x.at("x", row * 3 + k)).collect();
            y[row] = policy(&dict, &mut h, &input) as f32;
        }
    }
    dict.put("example/input", &[5, 2, 3], x.0["x"].1.clone());
    dict.put("example/output", &[5, 2, 1], y.clone());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.tar");
    std::fs::write(&path, rltools::archive(&LAYERS, &dict)).unwrap();
    let graph = import::load(&path).unwrap().graph;
    let vectors = import::examples(&path, &graph).unwrap().unwrap();
    assert_eq!(vectors.starts, [0, 5]);
    let given = vectors.outputs.unwrap();
    let mut reference = Reference::new(&graph);
    for (k, row) in vectors.inputs.iter().enumerate() {
        if vectors.starts.contains(&k) {
            reference.reset();
        }
        let found = reference.step(row).swap_remove(graph.output)[0];
        assert!((found - given[k][0]).abs() < 1e-6, "row {k}");
    }
    assert_eq!(import::examples(Path::new("../models/policy"), &graph).unwrap(), None);
}

#[test]
fn a_policy_of_other_layers_or_damaged_is_refused() {
    let dict = noise(&SHAPES);
    let without = |path: &str| {
        let mut less = dict.clone();
        less.0.remove(path);
        rltools::archive(&LAYERS, &less)
    };
    let mut layers = LAYERS;
    layers[2].1 = "type: lstm";
    let lstm = rltools::archive(&layers, &dict);
    layers[2].1 = LAYERS[2].1;
    layers[1].1 = "activation_function: FANCY\ntype: dense";
    let fancy = rltools::archive(&layers, &dict);
    let mut short = dict.clone();
    short.put("actor/layers/1/biases_input/parameters", &[5], [0.0; 5]);
    for (bytes, parts) in [
        (lstm, ["layer `actor/layers/1`", "`lstm`"]),
        (fancy, ["layer `actor/layers/0`", "FANCY"]),
        (without("actor/layers/2/biases/parameters"), ["actor/layers/2/biases", "`dtype`"]),
        (rltools::archive(&LAYERS, &short), ["actor/layers/1/weights_input", "three gates"]),
        (rltools::archive(&[], &StateDict::default()), ["policy.tar", "actor/layers/0"]),
        (b"no archive".to_vec(), ["policy.tar", "RLtools"]),
    ] {
        let message = load("policy.tar", &bytes, &[]).unwrap_err().to_string();
        for part in parts.into_iter().chain(["help: "]) {
            assert!(message.contains(part), "`{part}` is not in:\n{message}");
        }
    }
}
