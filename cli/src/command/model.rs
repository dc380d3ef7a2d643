//! The arguments that name a model and how it is compiled, which most commands take. Stands on the library and the
//! sign of life alone.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use nervecord_codegen::data::Vectors;
use nervecord_codegen::graph::Graph;
use nervecord_codegen::options::{Cpu, Optimize, Weights};
use nervecord_codegen::settings::Settings;
use nervecord_codegen::{Compiled, Compiler, Error, Kind, Result, import, text};

use super::progress;

#[derive(clap::Args)]
pub struct Model {
    /// An .onnx or .tflite file, a folder (or its config.json) beside model.safetensors, or a circuit .toml.
    pub model: PathBuf,
    /// Inputs as the model will see them in use, CSV or .npy; without, nervecord.toml gives ranges.
    #[arg(long)]
    calibration: Option<PathBuf>,
    /// Width of the weights.
    #[arg(long, default_value = "auto")]
    weights: Width,
    /// Largest RMS difference to float, in standard deviations of the output.
    #[arg(long, default_value_t = 0.02)]
    tolerance: f64,
    /// The core the module is meant for.
    #[arg(long, default_value = "any", value_parser = cpus())]
    cpu: Cpu,
    /// What is to be small among integers that meet the tolerance: instructions on the core of --cpu, bytes of tables, or
    /// bytes with weights that are fast on every core.
    #[arg(long, default_value = "balanced", value_parser = optimizes())]
    optimize: Optimize,
    /// An output of an ONNX file that has several; may be repeated, and the order is yours [default: all]
    #[arg(long = "output", value_name = "NAME")]
    outputs: Vec<String>,
    /// Name of the generated module; that of the model's file by default.
    #[arg(long)]
    name: Option<String>,
}

/// The names of all cores.
fn cpus() -> impl TypedValueParser<Value = Cpu> {
    let value = |cpu: Cpu| match cpu.names() {
        [name, aliases @ ..] => PossibleValue::new(name).aliases(aliases),
        [] => PossibleValue::new(""),
    };
    PossibleValuesParser::new(Cpu::ALL.map(value)).try_map(|name| name.parse::<Cpu>())
}

/// All that can be optimized for.
fn optimizes() -> impl TypedValueParser<Value = Optimize> {
    PossibleValuesParser::new(Optimize::ALL.map(Optimize::name))
        .try_map(|name| name.parse::<Optimize>())
}

#[derive(Clone, Copy, ValueEnum)]
enum Width {
    /// 8 bits, and 16 where the tolerance asks for it.
    Auto,
    /// 4 bits in dense layers, 8 in those that have no such kernel.
    #[value(name = "4")]
    Four,
    #[value(name = "8")]
    Eight,
    #[value(name = "16")]
    Sixteen,
}

impl Model {
    /// All phases, with these options.
    pub fn compiler(&self) -> Compiler {
        let mut compiler = Compiler::new(&self.model)
            .weights(match self.weights {
                Width::Auto => Weights::Auto,
                Width::Four => Weights::I4,
                Width::Eight => Weights::I8,
                Width::Sixteen => Weights::I16,
            })
            .tolerance(self.tolerance)
            .cpu(self.cpu)
            .optimize(self.optimize)
            .outputs(&self.outputs);
        if let Some(path) = &self.calibration {
            compiler = compiler.calibration(path);
        }
        if let Some(name) = &self.name {
            compiler = compiler.name(name);
        }
        compiler
    }

    /// The core the module is meant for.
    pub fn cpu(&self) -> Cpu {
        self.cpu
    }

    /// The name that the module is to have.
    pub fn name(&self) -> String {
        let stem = || self.model.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        text::snake_case(&self.name.clone().unwrap_or_else(stem))
    }

    /// All files that are read; no result may take their place.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        files(&self.model, self.calibration.as_deref())
    }

    /// The test vectors that its own file holds for its network `graph`.
    ///
    /// # Errors
    /// It cannot be read, or holds none.
    pub fn examples(&self, graph: &Graph) -> Result<Vectors> {
        import::examples(&self.model, graph)?.ok_or_else(|| {
            Error::new("there is nothing to verify the model with")
                .of_kind(Kind::Options)
                .file(&self.model)
                .expected("--vectors, or a file that holds examples, as those of RLtools do")
                .found("neither")
                .help("give a table of inputs and, beside them, the outputs of the float network: --vectors vectors.csv")
        })
    }

    /// Compiles it, with a sign of life.
    ///
    /// # Errors
    /// A file cannot be used, or the model cannot be compiled.
    pub fn build(&self) -> Result<Compiled> {
        let build = |bar: &progress::Bar| self.compiler().build_telling(&|what| bar.tell(what));
        progress::telling("reading the model", build)
    }
}

/// The files of a model, its settings and its calibration.
pub fn files(model: &Path, calibration: Option<&Path>) -> Result<Vec<PathBuf>> {
    let mut files = import::files(model)?;
    files.push(Settings::file_beside(model));
    files.extend(calibration.map(Path::to_owned));
    Ok(files)
}
