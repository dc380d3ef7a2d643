//! The command line; a thin layer over the library.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use nervecord_codegen::compiler::{Compiler, Cpu};
use nervecord_codegen::data::{Data, write_atomic};
use nervecord_codegen::program::Interpreter;
use nervecord_codegen::quantize::Weights;
use nervecord_codegen::{Compiled, Error, Result, import, inspect, reference, report, verify};

/// From a trained network to the same integers on a host and on a microcontroller.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the layers of a model, and what is not supported of it.
    Inspect {
        /// An .onnx file, or a folder with config.json and model.safetensors.
        model: PathBuf,
    },
    /// Write the Rust module of a model.
    Compile {
        #[command(flatten)]
        model: Model,
        /// The module to write.
        #[arg(short, long)]
        output: PathBuf,
        /// A folder for report.html and report.json.
        #[arg(long)]
        report: Option<PathBuf>,
        /// Write nothing; fail if the module is not up to date.
        #[arg(long)]
        check: bool,
    },
    /// Run a model on the host, through the kernels that firmware runs.
    Run {
        #[command(flatten)]
        model: Model,
        /// Inputs, one a row: columns x0, x1, ...
        #[arg(long)]
        input: PathBuf,
        /// Outputs, one a row: columns y0, y1, ...
        #[arg(short, long)]
        output: PathBuf,
        /// Run the float network instead, in double precision.
        #[arg(long, conflicts_with = "raw")]
        float: bool,
        /// Write the integers behind the fixed-point outputs.
        #[arg(long)]
        raw: bool,
    },
    /// Compare the integers with the float network on test vectors; exit 1 if they are too far off.
    Verify {
        #[command(flatten)]
        model: Model,
        /// Inputs and reference outputs: columns x0.., y0..
        #[arg(long)]
        vectors: PathBuf,
        /// True classes of the vectors: a column `label`.
        #[arg(long)]
        labels: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(clap::Args)]
struct Model {
    /// An .onnx file, or a folder with config.json and model.safetensors.
    model: PathBuf,
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
    #[arg(long, default_value = "any")]
    cpu: Cpu,
    /// Name of the generated module; that of the model's file by default.
    #[arg(long)]
    name: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Width {
    /// 8 bits, and 16 where the tolerance asks for it.
    Auto,
    #[value(name = "8")]
    Eight,
    #[value(name = "16")]
    Sixteen,
}

impl Model {
    fn build(&self) -> Result<Compiled> {
        let mut compiler = Compiler::new(&self.model)
            .weights(match self.weights {
                Width::Auto => Weights::Auto,
                Width::Eight => Weights::I8,
                Width::Sixteen => Weights::I16,
            })
            .tolerance(self.tolerance)
            .cpu(self.cpu);
        if let Some(path) = &self.calibration {
            compiler = compiler.calibration(path);
        }
        if let Some(name) = &self.name {
            compiler = compiler.name(name);
        }
        compiler.build()
    }
}

fn main() -> ExitCode {
    // Misuse of the command line exits with 2, as clap does, and so does every bad input.
    match dispatch(Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            anstream::eprintln!("\x1b[1;31merror\x1b[0m: {error}");
            ExitCode::from(2)
        }
    }
}

/// Runs a command; `false` is a verdict, not a failure.
fn dispatch(command: Command) -> Result<bool> {
    match command {
        Command::Inspect { model } => {
            let source = import::load(&model).inspect_err(|_| {
                // A file that can be read at all is listed, with a mark at what is in the way.
                if let Ok(Some(survey)) = inspect::survey(&model) {
                    anstream::print!("{survey}");
                }
            })?;
            anstream::print!("{}", inspect::render(&source));
        }
        Command::Compile { model, output, report, check } => {
            let compiled = model.build()?;
            let module = compiled.module();
            if check {
                return is_current(&output, &module);
            }
            write_atomic(&output, module.as_bytes())?;
            if let Some(folder) = report {
                report::write(&compiled, &folder)?;
            }
            anstream::print!("{}", report::render(&compiled));
            anstream::println!("wrote {}", output.display());
        }
        Command::Run { model, input, output, float, raw } => {
            run(&model, &input, &output, float, raw)?;
        }
        Command::Verify { model, vectors, labels, json } => {
            let compiled = model.build()?;
            let verdict = verify::verify(&compiled, &vectors, labels.as_deref())?;
            if json {
                anstream::println!("{}", report::json(&verdict)?);
            } else {
                anstream::print!("{}", verdict.render());
            }
            return Ok(verdict.passed);
        }
    }
    Ok(true)
}

fn is_current(path: &std::path::Path, module: &str) -> Result<bool> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, &e))?;
    let current = text == module;
    if !current {
        let name = path.display();
        anstream::eprintln!("{name} is stale: run the same command without --check to write it");
    }
    Ok(current)
}

fn run(model: &Model, input: &PathBuf, output: &PathBuf, float: bool, raw: bool) -> Result<()> {
    let data = Data::read(input)?;
    let (graph, outputs) = if float {
        let graph = import::load(&model.model)?.graph;
        let rows = data.inputs(&graph, input)?;
        let outputs = reference::run(&graph, &rows);
        (graph, outputs)
    } else {
        let compiled = model.build()?;
        let rows = data.inputs(&compiled.graph, input)?;
        let mut interpreter = Interpreter::new(&compiled.program);
        let program = &compiled.program;
        let step = |row: &Vec<f64>| {
            let (output, _) = interpreter.step_raw(&program.input.to_raws(row));
            match raw {
                true => output.into_iter().map(f64::from).collect(),
                false => program.output.to_reals(&output),
            }
        };
        let outputs = rows.iter().map(step).collect();
        (compiled.source.graph, outputs)
    };
    write_atomic(output, report::csv(&outputs, graph.classes.as_ref()).as_bytes())
}
