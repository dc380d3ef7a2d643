//! Trained files in, [`Graph`]s out.
//!
//! A new family adds an arm to `by_format` and a module beside the others.
//!
//! Stands on the graph, settings and the files that are read; an importer never quantizes.

pub mod cfc;
pub mod circuit;
mod config;
mod file;
mod foreign;
pub mod kan;
pub mod ltc;
pub mod mlp;
pub mod ncap;
pub mod onnx;
mod recurrent;
pub mod rltools;
mod rnn;
mod rows;
pub mod scalars;
mod tensors;
pub mod tflite;
mod torch;

pub use config::Config;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use self::circuit::Circuit;
use crate::data::Vectors;
use crate::error::{Error, Kind, Result};
use crate::graph::{Graph, Tensor};
use crate::settings::Settings;
use crate::text::snake_case;

/// Most features of all tensors of a network together: each row of calibration data gives them all a value.
const MOST_FEATURES: usize = 1 << 22;

/// What `config.json` may say under `format`.
const FORMATS: &str = "\"onnx\", \"tflite\", \"rltools\", \"mlp relu\" (or another activation after \"mlp\"), \"ncap-swimmer/1\", \
     \"cfc_ncp\", \"cfc_dense\", \"ltc\", \"gru\", \"lstm\", \"rnn\", \"pykan\", \"efficient-kan\", \"fastkan\", \"chebykan\", \"fourierkan\", \
     \"wavkan\", \"relu-kan\", \"gr-kan\", \"mixed-kan/1\", \"stack\"";

/// A trained network and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The network.
    pub graph: Graph,
    /// The file it was read from.
    pub path: PathBuf,
    /// SHA-256 of the model file (and of the files it refers to), in hexadecimal.
    pub sha256: String,
}

/// The files a `MODEL` argument stands for.
struct Located {
    /// The trained file.
    model: PathBuf,
    /// What describes it; none beside a bare ONNX file.
    config: Option<Config>,
}

impl Located {
    fn is_onnx(&self) -> bool {
        self.is("onnx")
    }

    /// Whether the model is of a format that says all there is to know in one file of that extension.
    fn is(&self, format: &str) -> bool {
        match &self.config {
            Some(config) => config.text("format") == Some(format),
            None => has_extension(&self.model, format),
        }
    }
}

/// Reads a model: an `.onnx` or `.tflite` file, a folder with `config.json`, `model.onnx` or `model.tflite`, a
/// `config.json`, an RLtools `.tar`, or a `.safetensors` or `.pt` file with its `config.json` beside it.
///
/// # Errors
/// Nothing readable is there, or it is not a network this program can turn into integers.
pub fn load(path: &Path) -> Result<Source> {
    load_with(path, &Settings::beside(path)?)
}

/// As [`load`], for settings that are known.
///
/// # Errors
/// As for [`load`], or the settings do not fit the model.
pub fn load_with(path: &Path, settings: &Settings) -> Result<Source> {
    let located = locate(path)?;
    let name = name_of(&located.model);
    let names = [settings.outputs.as_slice(), settings.widths.as_slice()].concat();
    if !located.is_onnx() && !located.is("tflite") && !names.is_empty() {
        return Err(Error::new("outputs are chosen of a model that has one")
            .of_kind(Kind::Options)
            .file(&located.model)
            .at("--output, or `outputs` or `widths` in nervecord.toml")
            .expected("no choice: only ONNX and TensorFlow Lite files have several outputs")
            .found(names.join(", "))
            .help("leave it out; -o names the file to write"));
    }
    let (mut graph, sha256) = match &located.config {
        None if is_circuit(&located.model) => circuit::load(&located.model, &name)?,
        None if has_extension(&located.model, "tflite") => {
            tflite::load(&located.model, &name, settings)?
        }
        None if has_extension(&located.model, "tar") => rltools::load(&located.model, &name)?,
        None => onnx::load(&located.model, &name, settings)?,
        Some(config) => by_format(config, &located.model, &name, settings)?,
    };
    if !located.is_onnx() && !located.is("tflite") {
        rows::feed(&mut graph, &settings.state).map_err(|e| e.file(&located.model))?;
    }
    settings.name_inputs(&mut graph)?;
    let features: usize = graph.tensors.iter().map(Tensor::len).sum();
    if features > MOST_FEATURES {
        return Err(Error::new("the network has too many features")
            .file(&located.model)
            .expected(format!("at most {MOST_FEATURES} features in all tensors together"))
            .found(features)
            .help("nervecord is for networks that fit a microcontroller: make the layers narrower, or fewer"));
    }
    Ok(Source { graph, path: located.model, sha256 })
}

/// The files that a model is read from.
///
/// # Errors
/// Nothing readable is there.
pub fn files(path: &Path) -> Result<Vec<PathBuf>> {
    let Located { model, config } = locate(path)?;
    let mut files = match model.extension() {
        Some(extension) if extension == "onnx" => onnx::data_files(&model),
        _ => Vec::new(),
    };
    files.push(model);
    files.extend(config.map(|config| config.path));
    Ok(files)
}

/// What became of each node of an ONNX model, for one that [`load`] refuses; none for other formats.
///
/// # Errors
/// Nothing readable is there.
pub fn survey(path: &Path) -> Result<Option<Vec<onnx::Surveyed>>> {
    let located = locate(path)?;
    let settings = Settings::beside(path)?;
    located.is_onnx().then(|| onnx::survey(&located.model, &settings)).transpose()
}

/// The test vectors that a model's own file holds for its network `graph`; none if it holds none.
///
/// # Errors
/// The file cannot be read, or the vectors do not fit the network.
pub fn examples(path: &Path, graph: &Graph) -> Result<Option<Vectors>> {
    let located = locate(path)?;
    let is_rltools = match &located.config {
        Some(config) => config.text("format") == Some("rltools"),
        None => has_extension(&located.model, "tar"),
    };
    let Some(vectors) =
        is_rltools.then(|| rltools::examples(&located.model)).transpose()?.flatten()
    else {
        return Ok(None);
    };
    let [inputs, outputs] = [&vectors.inputs, vectors.outputs.as_deref().unwrap_or_default()]
        .map(|rows: &[Vec<f64>]| rows.first().map_or(0, Vec::len));
    if (inputs, outputs) == (graph.input_len(), graph.output_len()) {
        return Ok(Some(vectors));
    }
    Err(Error::new("the examples in the file do not fit its network")
        .file(&located.model)
        .expected(format!("{} inputs and {} outputs", graph.input_len(), graph.output_len()))
        .found(format!("{inputs} and {outputs}"))
        .help("the file is damaged; or give vectors of your own with --vectors"))
}

impl Source {
    /// The circuit that a `.toml` file holds, to be drawn; none of other models.
    ///
    /// # Errors
    /// The file cannot be read any more.
    pub fn circuit(&self) -> Result<Option<Circuit>> {
        let read = || circuit::read_circuit(&self.path).map(|(circuit, _)| circuit);
        is_circuit(&self.path).then(read).transpose()
    }
}

fn is_circuit(model: &Path) -> bool {
    has_extension(model, "toml")
}

fn has_extension(model: &Path, extension: &str) -> bool {
    model.extension().is_some_and(|e| e == extension)
}

fn by_format(
    config: &Config,
    model: &Path,
    name: &str,
    settings: &Settings,
) -> Result<(Graph, String)> {
    let format = config.text("format").unwrap_or_default();
    let (mut graph, sha256) = match format.split_whitespace().next().unwrap_or_default() {
        // The file says all there is to know.
        "onnx" => return onnx::load(model, name, settings),
        "tflite" => return tflite::load(model, name, settings),
        "rltools" => return rltools::load(model, name),
        "mlp" => mlp::load(config, model, name),
        "cfc_ncp" | "cfc_dense" => cfc::load(config, model, name),
        "ltc" => ltc::load(config, model, name),
        "gru" | "lstm" | "rnn" => rnn::load(config, model, name),
        family if kan::knows(family) => kan::load(family, config, model, name),
        "ncap-swimmer/1" => ncap::load(config, model, name),
        _ => Err(Error::new("the model's format is not known")
            .file(&config.path)
            .at("key `format`")
            .expected(format!("one of {FORMATS}"))
            .found(format!("\"{format}\""))
            .help("set `format` to the family the network belongs to")),
    }?;
    graph.notes.extend(config.understood()?);
    Ok((graph, sha256))
}

fn locate(path: &Path) -> Result<Located> {
    let about = fs::metadata(path).map_err(|e| Error::io("read", path, &e))?;
    if about.is_dir() {
        return locate_in(path);
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    match path.extension().and_then(|e| e.to_str()).unwrap_or_default() {
        "onnx" | "tar" | "tflite" | "toml" => Ok(Located { model: path.to_owned(), config: None }),
        "json" => configured(path.to_owned()),
        extension @ ("safetensors" | "pt" | "pth") => {
            // A program needs no configuration, but another format.
            if let Some(error) = torch::refused(path).filter(|_| extension != "safetensors") {
                return Err(error);
            }
            let config = Config::read(folder.join("config.json")).map_err(|e| {
                e.help("a state dict needs its config.json beside it, with `format` and `layers`")
            })?;
            Ok(Located { model: path.to_owned(), config: Some(config) })
        }
        other => {
            let (what, help) = match foreign::about(&other.to_lowercase()) {
                Some((what, help)) => (what.to_owned(), help),
                None => (format!("the extension `{other}`"), "name the file after its format"),
            };
            Err(Error::new("the kind of model is not known by its file name")
            .file(path)
            .expected("a .onnx, .tflite, .safetensors or .pt file, an RLtools .tar, a circuit .toml, a config.json, or a folder with one of them")
            .found(what)
            .help(help))
        }
    }
}

fn locate_in(folder: &Path) -> Result<Located> {
    let config = folder.join("config.json");
    if config.exists() {
        return configured(config);
    }
    for name in ["model.onnx", "model.tflite", "policy.tar", "circuit.toml"] {
        let model = folder.join(name);
        if model.exists() {
            return Ok(Located { model, config: None });
        }
    }
    Err(Error::new("the folder holds no model")
        .file(folder)
        .expected(
            "config.json beside model.safetensors, or model.onnx, model.tflite, policy.tar or circuit.toml",
        )
        .found("none of them")
        .help("give the model file itself, or add a config.json"))
}

/// The model file a configuration names, or the usual one of its format.
fn configured(path: PathBuf) -> Result<Located> {
    let config = Config::read(path)?;
    let usual = match config.text("format") {
        Some("onnx") => "model.onnx".into(),
        Some("rltools") => "policy.tar".into(),
        Some("tflite") => listed(&config, "tflite").unwrap_or("model.tflite").into(),
        // A circuit may be one file: its own configuration.
        Some("ncap-swimmer/1") if config.get("params").is_some_and(Json::is_object) => {
            config.path.file_name().unwrap_or_default().to_owned()
        }
        _ => "model.safetensors".into(),
    };
    let file = config.text("file").map_or(usual, std::ffi::OsString::from);
    let mut model = config.path.with_file_name(file);
    if config.text("file").is_none() && has_extension(&model, "safetensors") && !model.exists() {
        let saved = ["pt", "pth"].into_iter().map(|extension| model.with_extension(extension));
        model = saved.into_iter().find(|path| path.exists()).unwrap_or(model);
    }
    Ok(Located { model, config: Some(config) })
}

/// The first file of an extension, in the order of their names, among the keys of `files`.
fn listed<'a>(config: &'a Config, extension: &str) -> Option<&'a str> {
    let files = config.get("files")?.as_object()?.keys();
    files.map(String::as_str).filter(|file| has_extension(Path::new(file), extension)).min()
}

/// A model's name: its file's stem, or its folder's name where the file is just called `model`.
fn name_of(model: &Path) -> String {
    let text = |part: Option<&std::ffi::OsStr>| part.and_then(|s| s.to_str()).map(str::to_owned);
    let stem = text(model.file_stem()).unwrap_or_default();
    let folder = || {
        let absolute = model.canonicalize().ok()?;
        text(absolute.parent()?.file_name())
    };
    let name = if stem == "model" || stem == "circuit" { folder().unwrap_or(stem) } else { stem };
    snake_case(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_programs_are_refused_with_the_command_that_exports_them() {
        let folder = tempfile::tempdir().unwrap();
        for (file, part) in [
            ("policy.ckpt", "load_state_dict"),
            ("policy.zip", "PPO.load"),
            ("net.keras", ".export(\"model.onnx\""),
            ("NET.H5", "Keras 3"),
            ("model.joblib", "skl2onnx"),
            ("saved_model.pb", "tf2onnx"),
            ("net.bin", "after its format"),
        ] {
            let path = folder.path().join(file);
            fs::write(&path, "PK").unwrap();
            let message = load(&path).unwrap_err().to_string();
            assert!(message.contains(part) && message.contains(file), "{message}");
        }
    }

    #[test]
    fn an_unknown_format_lists_the_known_ones() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.json");
        fs::write(&config, r#"{"format": "transformer"}"#).unwrap();
        let message = load(folder.path()).unwrap_err().to_string();
        for part in ["config.json", "key `format`", "\"onnx\"", "\"transformer\""] {
            assert!(message.contains(part), "{message}");
        }
        fs::write(&config, "{").unwrap();
        assert!(load(&config).unwrap_err().to_string().contains("not JSON"));
    }

    /// To open a pipe would wait for who writes it.
    #[cfg(unix)]
    #[test]
    fn a_pipe_is_refused_as_a_model_and_as_what_a_model_refers_to() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = |name: &str| {
            let path = folder.path().join(name);
            assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
            path
        };
        for path in [pipe("a.onnx"), pipe("a.toml"), pipe("config.json")] {
            let message = load(&path).unwrap_err().to_string();
            assert!(
                message.contains("not a regular file") && message.contains("help"),
                "{message}"
            );
        }
        let message = load(&pipe("model.safetensors")).unwrap_err().to_string();
        assert!(message.contains("not a regular file"), "{message}");
    }

    #[test]
    fn headers_that_nest_or_lie_about_their_length_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.json");
        let deep = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
        fs::write(&config, deep("[", "]")).unwrap();
        assert!(load(&config).unwrap_err().to_string().contains("not JSON"));
        fs::write(&config, r#"{"format": "mlp relu"}"#).unwrap();
        let model = folder.path().join("model.safetensors");
        let nested = deep("{\"a\":", "}");
        let honest = [&(nested.len() as u64).to_le_bytes(), nested.as_bytes()].concat();
        for bytes in
            [honest, u64::MAX.to_le_bytes().to_vec(), (1u64 << 40).to_le_bytes().to_vec(), vec![]]
        {
            fs::write(&model, bytes).unwrap();
            let message = load(&model).unwrap_err().to_string();
            assert!(message.contains("not a safetensors file"), "{message}");
        }
        let circuit = folder.path().join("net.toml");
        fs::write(&circuit, format!("neurons = {}", deep("[", "]"))).unwrap();
        assert!(load(&circuit).unwrap_err().to_string().contains("cannot be read"));
    }

    #[test]
    fn what_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing.onnx");
        let message = load(&missing).unwrap_err().to_string();
        assert!(message.contains("missing.onnx") && message.contains("cannot read"), "{message}");
        let message = load(folder.path()).unwrap_err().to_string();
        assert!(message.contains("holds no model"), "{message}");
        let text = folder.path().join("notes.txt");
        fs::write(&text, "hello").unwrap();
        assert!(load(&text).unwrap_err().to_string().contains("extension `txt`"));
    }
}
