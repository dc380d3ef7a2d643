//! `nervecord demo`: the bundled models compiled and verified, and what integers cost, seen.
//!
//! Needs the checkout (its `models/`), no emulator and no network; takes a second or two. A new
//! show is a file here and a line in [`run`].
//!
//! Stands on the library and the plants.

mod hover;
mod plot;
mod reach;
mod swim;

use std::fs;
use std::path::{Path, PathBuf};

use nervecord_codegen::compiler::{Compiled, Compiler};
use nervecord_codegen::data::Vectors;
use nervecord_codegen::graph::{Graph, Layer};
use nervecord_codegen::output::write_atomic;
use nervecord_codegen::text::table;
use nervecord_codegen::verify::{Verification, verify};
use nervecord_codegen::{Error, Result};

/// What the demo has to say, and whether every model is within its tolerance.
#[derive(Debug)]
pub struct Demo {
    /// For the terminal.
    pub text: String,
    /// Whether all models passed.
    pub passed: bool,
}

/// A bundled model after compiling and verifying.
struct Shown {
    compiled: Compiled,
    verdict: Verification,
}

/// Compiles and verifies the bundled models, and draws the policy at work into a file.
///
/// # Errors
/// The checkout is gone, a model cannot be used, or the drawing cannot be written.
pub fn run() -> Result<Demo> {
    let checkout = checkout()?;
    let mut shown = Vec::new();
    for folder in folders(&checkout.join("models"))? {
        shown.push(show(&folder)?);
    }
    let passed = shown.iter().all(|s| s.verdict.passed);
    let mut text = String::from(
        "Trained networks as integers, run through the kernels that firmware runs:\n\n",
    );
    text += &indent(&summary(&shown));
    for fault in shown.iter().flat_map(|s| &s.verdict.faults) {
        text += &format!("  not within tolerance: {fault}\n");
    }
    let named = |name: &str| shown.iter().find(|s| s.compiled.program.name == name);
    if let Some(policy) = named("policy") {
        let reach = reach::Reach::drive(&policy.compiled);
        let picture = draw(&checkout, "policy.svg", &reach.svg())?;
        text += &format!("\n{}\n  drawn in {picture}\n", indent(&reach.terminal()));
    }
    if let Some(policy) = named("gru_hover") {
        let hover = hover::Hover::drive(&policy.compiled);
        let picture = draw(&checkout, "hover.svg", &hover.svg())?;
        text += &format!("\n{}\n  it flies in {picture}\n", indent(&hover.terminal()));
    }
    if let Some(circuit) = named("ncap_swimmer") {
        let swim = swim::Swim::drive(&circuit.compiled);
        let picture = draw(&checkout, "swim.svg", &swim.svg())?;
        text += &format!("\n{}\n  it moves in {picture}\n", indent(&swim.terminal()));
    }
    text += NEXT;
    Ok(Demo { text, passed })
}

/// Writes a picture beside the build and says where.
fn draw(checkout: &Path, name: &str, svg: &str) -> Result<String> {
    let folder = checkout.join("target/nervecord-demo");
    fs::create_dir_all(&folder).map_err(|e| Error::io("create", &folder, &e))?;
    let picture = folder.join(name);
    write_atomic(&picture, svg.as_bytes())?;
    Ok(short(&picture))
}

const NEXT: &str = "
What to try next:

  the module that firmware includes
    nervecord compile models/policy/model.onnx --calibration models/policy/calibration.csv -o policy.rs
  how near the integers are to float, on test data
    nervecord verify models/digits/model.onnx --calibration models/digits/calibration.csv \\
        --vectors models/digits/vectors.csv --labels models/digits/labels.csv
  the same bits on an emulated Cortex-M4F (`cargo xtask setup` gets the emulator)
    nervecord emulate models/policy/model.onnx --calibration models/policy/calibration.csv --board qemu-cortex-m4

  Without an installed `nervecord`, say `cargo run --release --` instead.
";

/// The checkout this program was built from, which holds the models.
fn checkout() -> Result<PathBuf> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let found = built.canonicalize().ok().filter(|folder| folder.join("models").is_dir());
    found.ok_or_else(|| {
        Error::new("the demo needs a checkout of nervecord, and this program was not built in one")
            .file(built.join("models"))
            .expected("the checkout of nervecord, with its `models` folder")
            .found("no such folder")
            .help("run `cargo run --release -- demo` in a checkout; all else works without")
    })
}

/// The folders of models with test vectors, by name.
fn folders(models: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(models).map_err(|e| Error::io("read", models, &e))?;
    let mut folders: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|folder| folder.join("vectors.csv").is_file())
        .collect();
    folders.sort();
    Ok(folders)
}

fn show(folder: &Path) -> Result<Shown> {
    let file = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
    let mut compiler = Compiler::new(folder);
    if let Some(path) = file("calibration.csv") {
        compiler = compiler.calibration(path);
    }
    let compiled = compiler.build()?;
    let labels = file("labels.csv");
    let vectors = Vectors::read(&compiled.graph, &folder.join("vectors.csv"), labels.as_deref())?;
    let verdict = verify(&compiled, &vectors);
    Ok(Shown { compiled, verdict })
}

const COLUMNS: [&str; 8] =
    ["model", "network", "weights", "fixed against float", "tables B", "RAM B", "MACs", "verdict"];

/// A row a model.
fn summary(shown: &[Shown]) -> String {
    let mut rows = vec![COLUMNS.map(str::to_owned)];
    rows.extend(shown.iter().map(|Shown { compiled, verdict }| {
        let fit = match (verdict.accuracy, verdict.float_accuracy) {
            (Some(fixed), Some(float)) => {
                format!("{:.1}% of classes, float {:.1}%", fixed * 100.0, float * 100.0)
            }
            _ => format!("{:.4} deviations RMS", verdict.relative_error),
        };
        [
            verdict.model.clone(),
            shape(&compiled.graph),
            widths(compiled),
            fit,
            verdict.flash_bytes.to_string(),
            verdict.ram_bytes.to_string(),
            verdict.macs.to_string(),
            if verdict.passed { "passed" } else { "FAILED" }.to_owned(),
        ]
    }));
    table(&rows, &[4, 5, 6])
}

/// `8-64-64-2` for a plain stack of dense layers, else the number of layers between the ends.
fn shape(graph: &Graph) -> String {
    let is_dense = |layer: &Layer| matches!(layer, Layer::Dense(_));
    let plain = graph.nodes.iter().all(|n| is_dense(&n.layer) || matches!(n.layer, Layer::Map(_)));
    let (first, last) = (graph.input_len(), graph.output_len());
    if !plain {
        return format!("{first} to {last} in {} layers", graph.nodes.len());
    }
    let dense = graph.nodes.iter().filter(|n| is_dense(&n.layer));
    let widths = dense.map(|n| graph.tensors[n.output].len().to_string());
    [first.to_string()].into_iter().chain(widths).collect::<Vec<_>>().join("-")
}

/// The widths of weights that the compiler chose.
fn widths(compiled: &Compiled) -> String {
    let layers = &compiled.program.layers;
    let has = |width: &&str| layers.iter().any(|layer| layer.has_width(width));
    let words: Vec<&str> = ["i4", "i8", "i16"].into_iter().filter(has).collect();
    if words.is_empty() { "-".into() } else { words.join(", ") }
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}").trim_end().to_owned() + "\n").collect()
}

/// A path as seen from where the user is, if it lies below.
fn short(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_passes_and_leaves_its_drawing() {
        let demo = run().unwrap();
        assert!(demo.passed, "{}", demo.text);
        for part in [
            "policy",
            "8-64-64-2",
            "digits",
            "regressor",
            "passed",
            "policy.svg",
            "hover.svg",
            "swim.svg",
        ] {
            assert!(demo.text.contains(part), "{part} is not in\n{}", demo.text);
        }
        let widest = demo.text.lines().map(|l| l.chars().count()).max();
        assert!(widest <= Some(120), "{widest:?}");
    }
}
