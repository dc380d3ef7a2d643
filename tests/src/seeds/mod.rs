//! A small valid model of everything that is read, for whoever wants to break it.

mod circuits;
mod data;
mod kan;
mod onnx;
mod seed;
mod tflite;

pub use seed::{File, Seed};

use self::seed::{folder, noise};
use crate::gated;
use crate::liquid::{self, Net};
use crate::rltools;

/// All seeds, in the order of their targets.
pub fn all() -> Vec<Seed> {
    let mut all = onnx::all();
    all.extend(tflite::all());
    all.push(mlp());
    all.push(saved());
    all.push(rltools());
    all.extend(kan::all());
    all.extend(liquid());
    all.extend(circuits::all());
    all.extend(data::all());
    all
}

fn mlp() -> Seed {
    let shapes: &[(&str, &[usize])] =
        &[("0.weight", &[4, 3]), ("0.bias", &[4]), ("2.weight", &[2, 4]), ("2.bias", &[2])];
    let config = r#"{"format": "mlp relu", "layers": [3, 4, 2], "out_activation": "tanh"}"#;
    folder("mlp", config, &noise(1, shapes))
}

/// The same as PyTorch saves it.
fn saved() -> Seed {
    let tensors = noise(1, &[("0.weight", &[4, 3]), ("0.bias", &[4]), ("2.weight", &[2, 4])]);
    let files = vec![
        ("model.pt".to_owned(), tensors.saved()),
        ("config.json".to_owned(), br#"{"format": "mlp relu", "layers": [3, 4, 2]}"#.to_vec()),
    ];
    Seed { target: "torch", files, model: "model.pt" }
}

fn rltools() -> Seed {
    let archive = rltools::archive(&rltools::LAYERS, &noise(2, &rltools::SHAPES));
    Seed { target: "rltools", files: vec![("policy.tar".to_owned(), archive)], model: "policy.tar" }
}

fn liquid() -> Vec<Seed> {
    let seed = |target: &'static str, net: Net| folder(target, &net.config, &net.file);
    vec![
        seed("cfc_ncp", liquid::wired(1, [3, 2, 1], 2, "default", 1.0, 0.8)),
        seed("cfc_ncp", liquid::wired(2, [2, 2, 1], 1, "no_gate", 0.5, 0.8)),
        seed(
            "cfc_ncp",
            liquid::mixed(liquid::wired(9, [3, 2, 1], 2, "default", 1.0, 0.8), 10, 0.8),
        ),
        seed("cfc_dense", liquid::dense(3, [3, 4], 2, "default", 1.0, 0.8)),
        seed("cfc_dense", liquid::dense(4, [3, 0], 2, "pure", 1.0, 0.8)),
        seed("ltc", liquid::ltc(5, [4, 1], 2, 1.0, 1.0)),
        seed("gru", gated::net("gru", 6, 2, [3, 1], 0.8)),
        seed("lstm", gated::net("lstm", 7, 2, [2, 2], 0.8)),
        seed("rnn", gated::net("rnn", 8, 2, [3, 1], 0.8)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_read_without_complaint() {
        for seed in all() {
            let folder = tempfile::tempdir().unwrap();
            seed.write(folder.path()).unwrap();
            let source = nervecord_codegen::import::load(&folder.path().join(seed.model));
            source.unwrap_or_else(|error| panic!("{}: {error}", seed.target));
        }
    }
}
