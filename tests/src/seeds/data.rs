//! Tables, settings and command lines around one small model.

use std::sync::OnceLock;

use nervecord_codegen::Compiler;
use nervecord_codegen::certify::{Certificate, Effort};
use nervecord_codegen::prove::{Asked, Limits, Proof, Prover, asked};

use super::seed::Seed;
use crate::onnx;
use crate::random::Random;

/// Rows of a table.
const ROWS: usize = 24;

pub(super) fn all() -> Vec<Seed> {
    let seed = |target: &'static str, files: Vec<(&str, Vec<u8>)>| {
        let own = files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes));
        let model = ("net.onnx".to_owned(), onnx::file(onnx::small()));
        Seed { target, files: own.chain([model]).collect(), model: "net.onnx" }
    };
    let mut all = vec![
        seed("csv", vec![("data.csv", table(&["x0", "x1"]))]),
        seed("csv", vec![("data.csv", table(&["x0", "x1", "y0", "y1"]))]),
        seed(
            "settings",
            vec![("nervecord.toml", SETTINGS.into()), ("data.csv", table(&["x0", "x1"]))],
        ),
    ];
    let data = || ("data.csv", table(&["x0", "x1"]));
    all.push(seed("property", vec![("p.vnnlib", PROPERTY.into()), data()]));
    all.push(seed("property", vec![("nervecord.toml", PROPERTIES.into()), data()]));
    let [claims, module, proof] = certified();
    all.push(seed("property", vec![("p.json", proof.clone()), ("m.rs", module.clone())]));
    all.push(seed("property", vec![("m.rs", module.clone()), ("p.json", proof)]));
    let files = vec![("c.json", claims.clone()), ("m.rs", module.clone())];
    all.push(seed("certificate", files));
    all.push(seed("certificate", vec![("m.rs", module), ("c.json", claims)]));
    for (kind, bytes) in [("<f4", 4), ("<f8", 8), ("<i2", 2)] {
        all.push(seed("npy", vec![("data.npy", array(kind, bytes))]));
    }
    for line in LINES {
        let arguments = line.replace(' ', "\n").into_bytes();
        let vectors = table(&["x0", "x1", "y0", "y1"]);
        let files = vec![
            ("arguments", arguments),
            ("data.csv", table(&["x0", "x1"])),
            ("vectors.csv", vectors),
            ("labels.csv", labels()),
        ];
        all.push(seed("cli", files));
    }
    all
}

const SETTINGS: &str = "[calibration]\npercentile = 99.9\nmargin = 1.25\n\n[inputs]\nx0 = [-3.2, 3.2]\n\
    x1 = [-10.0, 10.0]\n\n[sparsity]\nweights = true\nactivations = true\n\n[guard]\nsaturated = 2\ntables = 64\n\n\
    [guard.inputs]\nx0 = { min = -0.5, max = 0.5, stuck = 10 }\n\n\
    [guard.outputs]\ny0 = { min = -0.5, max = 0.75, slew = 0.25, safe = 0.1, safe_slew = 0.5 }\n";

const PROPERTIES: &str = "[[property]]\nname = \"range\"\ninputs = { x0 = [-0.5, 0.25] }\noutput = \"y0\"\n\
    min = -50.0\nmax = 4.5\n\n[[property]]\nname = \"above\"\nabove = [\"y0\", \"y1\"]\nby = -90\n\n\
    [[property]]\nname = \"rises\"\n\
    monotone = { output = \"y0\", input = \"x1\", direction = \"rising\", tolerance = 0.001 }\n";

const PROPERTY: &str = "; a box\n(declare-const X_0 Real)\n(assert (<= X_0 0.5))\n(assert (>= X_0 -0.5))\n\
    (assert (and (<= X_1 0.25) (>= X_1 -0.75)))\n\
    (assert (or (<= Y_0 Y_1) (and (>= Y_0 3.5) (<= (+ Y_0 (* 2 Y_1)) -1))))\n";

/// A certificate of the small network, its module, and a proof of its properties, made once.
fn certified() -> [Vec<u8>; 3] {
    static MADE: OnceLock<[Vec<u8>; 3]> = OnceLock::new();
    let make = || -> Option<[Vec<u8>; 3]> {
        let folder = tempfile::tempdir().ok()?;
        let [model, data] = ["net.onnx", "data.csv"].map(|name| folder.path().join(name));
        std::fs::write(&model, onnx::file(onnx::small())).ok()?;
        std::fs::write(&data, table(&["x0", "x1"])).ok()?;
        std::fs::write(folder.path().join("nervecord.toml"), PROPERTIES).ok()?;
        let compiled = Compiler::new(&model).calibration(&data).build().ok()?;
        let module = compiled.module();
        let little = Effort { work: 1e6, boxes: 4, tries: 100 };
        let claims = Certificate::issue(&compiled, &module, &little).ok()?.text().ok()?;
        let prover = Prover::new(&compiled).ok()?;
        let limits = Limits { time: None, threads: 1, leaves: true };
        let decide = |asked: Asked| {
            let answer = prover.decide(&asked, &limits, &|_, _| {});
            (asked, answer)
        };
        let answers: Vec<_> = asked(&compiled).ok()?.into_iter().map(decide).collect();
        let proof = Proof::of(&compiled, &module, &answers).text().ok()?;
        Some([claims.into_bytes(), module.into_bytes(), proof.into_bytes()])
    };
    MADE.get_or_init(|| make().unwrap_or_default()).clone()
}

const LINES: [&str; 13] = [
    "compile net.onnx --calibration data.csv -o out.rs --certificate c.json",
    "certify data.csv net.onnx vectors.csv",
    "prove net.onnx --calibration data.csv --property vectors.csv --timeout 1 --proof p.json",
    "compile net.onnx --calibration data.csv -o out.rs --report report",
    "compile net.onnx --calibration data.csv --weights 8 --tolerance 0.01 --cpu cortex-m4 --name net -o out.rs",
    "compile net.onnx --calibration data.csv --optimize size --cpu cortex-m0 -o out.rs",
    "compile net.onnx --calibration data.csv -o out.rs --check",
    "run net.onnx --calibration data.csv --input data.csv -o out.csv",
    "run net.onnx --calibration data.csv --weights 16 --input data.csv --raw --states -o out.csv",
    "run net.onnx --input data.csv --float -o out.csv",
    "verify net.onnx --calibration data.csv --vectors vectors.csv --json",
    "verify net.onnx --calibration data.csv --vectors vectors.csv --labels labels.csv",
    "inspect net.onnx",
];

fn numbers(columns: usize) -> Vec<Vec<f64>> {
    Random::new(columns as u64).rows(ROWS, columns)
}

fn table(columns: &[&str]) -> Vec<u8> {
    let mut text = columns.join(",") + "\n";
    for row in numbers(columns.len()) {
        let cells: Vec<String> = row.iter().map(|x| format!("{x:.4}")).collect();
        text += &(cells.join(",") + "\n");
    }
    text.into_bytes()
}

fn labels() -> Vec<u8> {
    let rows = (0..ROWS).map(|i| format!("{}\n", i % 2));
    ["label\n".to_owned()].into_iter().chain(rows).collect::<String>().into_bytes()
}

fn array(kind: &str, bytes: usize) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({ROWS}, 2), }}");
    // The data starts at a multiple of 64.
    let header = format!("{header:<117}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.bytes());
    for x in numbers(2).into_iter().flatten() {
        match (kind, bytes) {
            ("<i2", _) => file.extend(((x * 1000.0) as i16).to_le_bytes()),
            (_, 4) => file.extend((x as f32).to_le_bytes()),
            _ => file.extend(x.to_le_bytes()),
        }
    }
    file
}
