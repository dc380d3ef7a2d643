//! From files to a program.

use std::path::{Path, PathBuf};

use nervecord_codegen::options::{Cpu, Optimize, Weights};
use nervecord_codegen::settings::Settings;
use nervecord_codegen::{Compiler, Error, Kind, import};
use pyo3::prelude::*;

use crate::error;
use crate::program::Program;

/// Compiles the model at `model`; `settings` is the text that stands for its `nervecord.toml`, and `keep` what has to
/// live as long as the program does.
#[pyfunction]
#[pyo3(signature = (model, *, calibration, weights, tolerance, cpu, optimize, outputs, name, settings, keep))]
// One argument for each of the user's.
#[allow(clippy::too_many_arguments)]
pub fn compile(
    py: Python<'_>,
    model: PathBuf,
    calibration: Option<PathBuf>,
    weights: &str,
    tolerance: f64,
    cpu: &str,
    optimize: &str,
    outputs: Vec<String>,
    name: Option<String>,
    settings: Option<&str>,
    keep: Option<Py<PyAny>>,
) -> PyResult<Program> {
    let cpu: Cpu = error::of(py, cpu.parse())?;
    let weights = error::of(py, width(weights))?;
    let optimize: Optimize = error::of(py, optimize.parse())?;
    let build = || {
        let mut compiler = Compiler::new(&model)
            .weights(weights)
            .tolerance(tolerance)
            .cpu(cpu)
            .optimize(optimize)
            .outputs(outputs);
        if let Some(path) = calibration {
            compiler = compiler.calibration(path);
        }
        if let Some(name) = name {
            compiler = compiler.name(name);
        }
        if let Some(text) = settings {
            compiler = compiler.settings(Settings::parse(text, &Settings::file_beside(&model))?);
        }
        compiler.build()
    };
    let compiled = py.detach(build);
    Ok(Program::new(error::of(py, compiled)?, keep))
}

/// The files that a model is read from, and its settings if they are in one.
#[pyfunction]
pub fn files(py: Python<'_>, model: PathBuf) -> PyResult<Vec<PathBuf>> {
    let mut files = error::of(py, import::files(&model))?;
    files.extend(Some(Settings::file_beside(&model)).filter(|path| path.is_file()));
    Ok(files)
}

/// The text of a `nervecord.toml` that says what `json` does.
#[pyfunction]
pub fn settings_text(py: Python<'_>, json: &str) -> PyResult<String> {
    let wrong = |found: String| {
        Error::new("the settings cannot be read")
            .of_kind(Kind::Settings)
            .at("settings")
            .expected("a dict of what `nervecord.toml` says: numbers, strings, lists and dicts")
            .found(found)
            .help("compare it with the settings in the documentation")
    };
    let value: serde_json::Value =
        error::of(py, serde_json::from_str(json).map_err(|e| wrong(e.to_string())))?;
    let text = error::of(py, toml::to_string(&value).map_err(|e| wrong(e.to_string())))?;
    let parsed = Settings::parse(&text, Path::new(""));
    let told = parsed.map_err(|e| wrong(e.details().found.clone().unwrap_or_else(|| e.brief())));
    error::of(py, told)?;
    Ok(text)
}

fn width(name: &str) -> nervecord_codegen::Result<Weights> {
    let all = [Weights::Auto, Weights::I4, Weights::I8, Weights::I16];
    all.into_iter().find(|width| width.name() == name.trim_start_matches('i')).ok_or_else(|| {
        Error::new("the width of the weights is not known")
            .of_kind(Kind::Options)
            .at("weights")
            .expected("\"auto\", 4, 8 or 16")
            .found(name)
            .help("leave it out: it widens the layers that need it")
    })
}
