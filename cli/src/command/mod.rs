//! What the command line understands, a file a command where it takes more than a few lines. Stands on the library, and
//! on `demo` and `emulate` beside it.

mod certify;
mod compile;
mod emulate;
mod model;
mod new;
mod print;
mod progress;
mod prove;
mod run;
mod verify;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nervecord_codegen::Compiler;
use nervecord_codegen::import::Source;
use nervecord_codegen::import::circuit::Circuit;
use nervecord_codegen::output::{spare, write_atomic};
use nervecord_codegen::{Error, Result, report};

use self::model::{Model, files};
use crate::{demo, signals};
use clap::{Parser, Subcommand};

/// From a trained network to the same integers on a host and on a microcontroller.
#[derive(Parser)]
#[command(
    name = "nervecord",
    version,
    arg_required_else_help = true,
    after_help = "Results go to stdout, messages to stderr.\n\
                  Exit code: 0 done, 1 not as wanted (verify, certify, prove, emulate, --check), 2 misuse or bad input, 3 not decided (prove)."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the layers of a model, and what is not supported of it.
    Inspect {
        /// An .onnx or .tflite file, a circuit .toml, or a folder with config.json and model.safetensors.
        model: PathBuf,
        /// An output of an ONNX file that has several; may be repeated [default: all]
        #[arg(long = "output", value_name = "NAME")]
        outputs: Vec<String>,
        /// Draw a circuit's synapses, or the edges of Kolmogorov-Arnold layers, into this SVG file.
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
        /// Inputs as the model will see them in use, for the ranges of a drawing of edges.
        #[arg(long, value_name = "FILE", requires = "svg")]
        calibration: Option<PathBuf>,
    },
    /// Write the Rust module of a model.
    Compile {
        #[command(flatten)]
        model: Model,
        #[command(flatten)]
        target: compile::Target,
    },
    /// Make a project around a model: firmware for a board, or a program for this machine.
    New(new::New),
    /// Hold a certificate, or a proof of properties, against its model and its module; exit 1 if they do not belong together
    /// or a claim does not follow.
    Certify {
        /// What `compile --certificate` or `prove --proof` wrote.
        certificate: PathBuf,
        /// The trained model.
        model: PathBuf,
        /// The generated module.
        module: PathBuf,
        /// An output of an ONNX file that has several; as it was compiled.
        #[arg(long = "output", value_name = "NAME")]
        outputs: Vec<String>,
    },
    /// Decide properties on the integers, for every input of a box; exit 0 if all hold, 1 if one is violated, 3 if one was
    /// not decided in time.
    Prove {
        #[command(flatten)]
        model: Model,
        #[command(flatten)]
        question: prove::Question,
    },
    /// Run a model on the host, through the kernels that firmware runs.
    Run {
        #[command(flatten)]
        model: Model,
        #[command(flatten)]
        rows: run::Rows,
    },
    /// Compare the integers with the float network on test vectors; exit 1 if they are too far off.
    ///
    /// A classifier (one that ends in softmax or argmax, names its classes, or has labels) is judged by the classes it
    /// names, all else by its RMS error against --tolerance. docs/verify.md says how to read the verdict.
    Verify {
        #[command(flatten)]
        model: Model,
        #[command(flatten)]
        given: verify::Given,
    },
    /// Run a model's firmware on an emulated core; exit 1 if an output is not the host's.
    Emulate {
        #[command(flatten)]
        model: Model,
        #[command(flatten)]
        machine: emulate::Machine,
    },
    /// Compile and verify the bundled models, and show fixed point beside float.
    Demo,
}

/// Reads the arguments, runs the command, and says how it went.
pub fn main() -> ExitCode {
    signals::heed();
    let done = match Cli::try_parse() {
        Ok(cli) => dispatch(cli.command),
        Err(misuse) if misuse.use_stderr() => {
            print::message(misuse.render().ansi().to_string().trim_end());
            return ExitCode::from(2);
        }
        Err(help) => print::results(&help.render().ansi().to_string()).map(|()| ExitCode::SUCCESS),
    };
    // Misuse of the command line exits with 2, and so does every bad input.
    done.unwrap_or_else(|error| {
        print::message(&format!("\x1b[1;31merror\x1b[0m: {error}"));
        ExitCode::from(2)
    })
}

/// The exit code of a verdict.
fn verdict(good: bool) -> ExitCode {
    ExitCode::from(u8::from(!good))
}

/// The edges of a network's layers as an SVG.
fn draw_edges(model: &Path, source: Source, calibration: Option<PathBuf>) -> Result<String> {
    let compiler = Compiler::new(model);
    let compiler = match calibration {
        Some(path) => compiler.calibration(path),
        None => compiler,
    };
    let compiled = compiler.build_from(source)?;
    report::edges::render(&compiled.program.layers).ok_or_else(|| {
        Error::new("there is nothing to draw")
            .file(model)
            .at("--svg")
            .expected("a circuit, or a network with layers of edge functions")
            .found("a network of other layers")
            .help("leave --svg away")
    })
}

/// Prints what is in a model, and draws it if `svg` says where to.
fn inspect(
    model: &Path,
    outputs: &[String],
    svg: Option<&Path>,
    calibration: Option<PathBuf>,
) -> Result<()> {
    if let Some(file) = svg {
        spare(file, &files(model, calibration.as_deref())?)?;
    }
    let source = match Compiler::new(model).outputs(outputs).load() {
        Ok(source) => source,
        Err(error) => {
            // A file that can be read at all is listed, with a mark at what is in the way.
            if let Ok(Some(survey)) = report::inspect::survey(model) {
                print::beside(svg, &survey)?;
            }
            return Err(error);
        }
    };
    print::beside(svg, &report::inspect::render(&source))?;
    let circuit = source.circuit()?.or_else(|| Circuit::of(&source.graph));
    if let Some(circuit) = &circuit {
        print::beside(svg, &format!("\n{}", report::circuit::render(circuit)))?;
    }
    if let Some(file) = svg {
        let drawing = match &circuit {
            Some(circuit) => report::svg(circuit),
            None => draw_edges(model, source, calibration)?,
        };
        write_atomic(file, drawing.as_bytes())?;
        print::wrote(file)?;
    }
    Ok(())
}

/// Runs a command; an exit code of its own is a verdict, not a failure.
fn dispatch(command: Command) -> Result<ExitCode> {
    match command {
        Command::Inspect { model, outputs, svg, calibration } => {
            inspect(&model, &outputs, svg.as_deref(), calibration)?;
        }
        Command::Compile { model, target } => {
            return compile::compile(&model, &target).map(verdict);
        }
        Command::New(arguments) => new::new(&arguments)?,
        Command::Certify { certificate, model, module, outputs } => {
            return certify::certify(&certificate, &model, &module, &outputs).map(verdict);
        }
        Command::Prove { model, question } => return prove::prove(&model, &question),
        Command::Run { model, rows } => run::run(&model, &rows)?,
        Command::Verify { model, given } => return verify::run(&model, &given).map(verdict),
        Command::Demo => {
            let demo = progress::during("compiling the bundled models", demo::run)?;
            print::results(&demo.text)?;
            return Ok(verdict(demo.passed));
        }
        Command::Emulate { model, machine } => {
            return emulate::emulate(&model, &machine).map(verdict);
        }
    }
    Ok(ExitCode::SUCCESS)
}
