//! All phases in a row: the one path that the command line and `build.rs` scripts share.
//!
//! Stands on every phase but verification and reports, which stand on it.

use std::path::{Path, PathBuf};

use crate::calibrate::Calibration;
use crate::choose::quantize_telling;
use crate::emit::header::{Assembly, head, header};
use crate::emit::{Origin, c, emit};
use crate::error::{Error, Kind, Result};
use crate::graph::Graph;
use crate::import::{self, Source};
use crate::options::{Cpu, Optimize, Options, Weights};
use crate::output::write_atomic;
use crate::program::Program;
use crate::settings::{Settings, Units};
use crate::simplify::simplify;
use crate::text;

/// Compiles a trained model; the front for `build.rs`.
///
/// ```no_run
/// // build.rs
/// nervecord_codegen::Compiler::new("policy.onnx").calibration("policy.csv").compile().unwrap();
/// ```
/// The firmware then says `include!(concat!(env!("OUT_DIR"), "/policy.rs"));`.
#[derive(Debug, Clone)]
pub struct Compiler {
    model: PathBuf,
    calibration: Option<PathBuf>,
    options: Options,
    name: Option<String>,
    settings: Option<Settings>,
}

/// A compiled model: everything the phases produced.
#[derive(Debug)]
pub struct Compiled {
    /// The model as imported.
    pub source: Source,
    /// The float network after simplification, which the integers approximate.
    pub graph: Graph,
    /// The data the ranges come from.
    pub calibration: Calibration,
    /// The options used.
    pub options: Options,
    /// What its inputs and outputs are in.
    pub units: Units,
    /// What `nervecord.toml` says.
    pub settings: Settings,
    /// The integers.
    pub program: Program,
}

impl Compiler {
    /// A compiler for the model at `path`: an `.onnx` file, a folder with a `config.json`, or that.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let (calibration, options, name, settings) = (None, Options::default(), None, None);
        Self { model: path.into(), calibration, options, name, settings }
    }

    /// Representative inputs, as CSV or `.npy`. Without them, ranges come from `nervecord.toml`.
    #[must_use]
    pub fn calibration(mut self, path: impl Into<PathBuf>) -> Self {
        self.calibration = Some(path.into());
        self
    }

    /// Width of the weights.
    #[must_use]
    pub fn weights(mut self, weights: Weights) -> Self {
        self.options.weights = weights;
        self
    }

    /// Largest RMS difference to float, in standard deviations of the output.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.options.tolerance = tolerance;
        self
    }

    /// The core the module is for.
    #[must_use]
    pub fn cpu(mut self, cpu: Cpu) -> Self {
        self.options.cpu = cpu;
        self
    }

    /// What is to be small among integers that meet the tolerance.
    #[must_use]
    pub fn optimize(mut self, optimize: Optimize) -> Self {
        self.options.optimize = optimize;
        self
    }

    /// Outputs of an ONNX file that firmware reads, in this order; those that `nervecord.toml` names by default, or all.
    #[must_use]
    pub fn outputs<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.options.outputs = names.into_iter().map(Into::into).collect();
        self
    }

    /// What is said of the model; that of the `nervecord.toml` beside it by default.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// The module's name, in snake case; the model's file name by default.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Runs all phases but the writing.
    ///
    /// # Errors
    /// The model or the calibration data cannot be used.
    pub fn build(&self) -> Result<Compiled> {
        self.build_telling(&|_| ())
    }

    /// As [`build`](Self::build), telling what is done while it is: a large network takes seconds.
    ///
    /// # Errors
    /// As those of [`build`](Self::build).
    pub fn build_telling(&self, tell: &dyn Fn(&str)) -> Result<Compiled> {
        tell("reading the model");
        self.all(self.load()?, tell)
    }

    /// Reads the model alone.
    ///
    /// # Errors
    /// The model cannot be used.
    pub fn load(&self) -> Result<Source> {
        let settings = self.said()?.with_outputs(&self.options.outputs);
        import::load_with(&self.model, &settings).map_err(|e| e.of_kind(Kind::Model))
    }

    /// What is said of the model.
    fn said(&self) -> Result<Settings> {
        let given = self.settings.clone().map(Ok);
        let said = given.unwrap_or_else(|| Settings::beside(&self.model));
        said.map_err(|e| e.of_kind(Kind::Settings))
    }

    /// As [`build`](Self::build), from a model already in memory.
    ///
    /// # Errors
    /// The calibration data or an option cannot be used.
    pub fn build_from(&self, source: Source) -> Result<Compiled> {
        self.all(source, &|_| ())
    }

    fn all(&self, mut source: Source, tell: &dyn Fn(&str)) -> Result<Compiled> {
        if !(self.options.tolerance > 0.0 && self.options.tolerance <= 1.0) {
            return Err(Error::new("the tolerance is out of range")
                .of_kind(Kind::Options)
                .at("--tolerance")
                .expected("above 0, at most 1 standard deviation of the output")
                .found(self.options.tolerance)
                .help("leave it out for the default, 0.02"));
        }
        if let Some(name) = &self.name {
            source.graph.name = text::snake_case(name);
        }
        let at_model = |e: Error| e.file(&self.model);
        let settings = self.said()?;
        let graph = simplify(source.graph.clone());
        let units = settings.units(&graph)?;
        // What is kept of each row are the tensors of a step, of which a window as the file has it has far more.
        let kept = if graph.unrolled.is_some() { &graph } else { &source.graph };
        let calibration = Calibration::load(self.calibration.as_deref(), &settings, kept)
            .map_err(|e| at_model(e.of_kind(Kind::Data)))?;
        let options = Options { sparsity: settings.sparsity, ..self.options.clone() };
        let mut program = quantize_telling(&graph, &calibration, &options, tell)
            .map_err(|e| at_model(e.of_kind(Kind::Numbers)))?;
        program.guard = settings.limits(&program)?;
        Ok(Compiled { source, graph, calibration, options, units, settings, program })
    }

    /// For `build.rs`: writes `$OUT_DIR/<name>.rs` and has cargo run again when an input changes.
    ///
    /// # Errors
    /// The model or the data cannot be used, or this does not run in a build script.
    pub fn compile(&self) -> Result<()> {
        let folder = std::env::var_os("OUT_DIR").ok_or_else(|| {
            Error::new("OUT_DIR is not set")
                .expected("to run in a build script")
                .found("no OUT_DIR in the environment")
                .help("use `nervecord compile MODEL -o OUT.rs` outside of build.rs")
        })?;
        let watch = |path: &Path| println!("cargo::rerun-if-changed={}", path.display());
        // Before anything can fail, so that a repaired file is looked at again.
        watch(&self.model);
        self.calibration.iter().for_each(|path| watch(path));
        let settings = Settings::file_beside(&self.model);
        if settings.is_file() {
            watch(&settings);
        }
        let compiled = self.build()?;
        watch(&compiled.source.path);
        let path = Path::new(&folder).join(format!("{}.rs", compiled.program.name));
        write_atomic(&path, compiled.module().as_bytes())
    }
}

impl Compiled {
    /// What may bring the integers nearer to float.
    pub fn remedy(&self) -> &'static str {
        match self.options.weights {
            Weights::I4 | Weights::I8 => {
                "allow wider weights with --weights auto, or a larger --tolerance"
            }
            _ => {
                "record more calibration data, set `percentile` in nervecord.toml if a few rows make the ranges \
                 wide, or allow a larger --tolerance"
            }
        }
    }

    /// The generated module's text.
    pub fn module(&self) -> String {
        emit(&self.program, &self.origin())
    }

    /// The `lib.rs` of a crate with the functions for C, of which the assembly is made.
    pub fn c_source(&self) -> String {
        c::source(&self.program)
    }

    /// The comment at the head of that assembly, for a core and what GCC and Clang are told for it.
    pub fn c_head(&self, core: &str, flags: &str) -> String {
        head(&self.program, &self.origin(), core, flags)
    }

    /// The header of that assembly.
    pub fn c_header(&self, assembly: &Assembly) -> String {
        header(&self.program, &self.origin(), assembly)
    }

    /// What a file that is made of it says of where it comes from.
    pub fn origin(&self) -> Origin {
        let model = self.source.path.file_name().map(text::path);
        Origin {
            model: model.unwrap_or_default(),
            model_sha256: self.source.sha256.clone(),
            calibration: self.calibration.origin.clone(),
            calibration_sha256: self.calibration.sha256.clone(),
            options: self.arguments(),
        }
    }

    /// The options that decide the module, as on the command line.
    pub fn arguments(&self) -> String {
        let Options { weights, tolerance, cpu, optimize, outputs, .. } = &self.options;
        // Modules say of the default what they have always said.
        let optimize = match optimize {
            Optimize::Balanced => String::new(),
            other => format!(" --optimize {}", other.name()),
        };
        let outputs = outputs.iter().map(|name| format!(" --output {}", text::label(name)));
        let outputs: String = outputs.collect();
        format!(
            "--weights {} --tolerance {tolerance} --cpu {}{optimize}{outputs}",
            weights.name(),
            cpu.name()
        )
    }
}
