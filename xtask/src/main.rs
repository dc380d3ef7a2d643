//! `cargo xtask`: set-up, test, emulate, bench. Everything CI runs is a command a person can run.

mod bench;
mod board;
mod book;
mod builds;
mod c;
mod checkout;
mod circles;
mod compile_time;
mod documents;
mod emulate;
mod entries;
mod faults;
mod features;
mod figures;
mod fuzz;
mod golden;
mod host;
mod limits;
mod looped;
mod new_board;
mod oldest;
mod package;
mod parts;
mod policies;
mod python;
mod rtl;
mod set_up;
mod splines;
mod stages;
mod subject;
mod supply;
mod table;
mod templates;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Set-up, test, emulate, bench")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install the Rust targets, the emulators and the browser that are missing, saying which
    Setup,
    /// Set up, then run every check and test, emulated cores included
    Test {
        /// Only the Python package with PyTorch, Keras, Stable-Baselines3, ncps, pykan and Ray, which are installed in
        /// target/python/frameworks: 4 GB
        #[arg(long)]
        frameworks: bool,
    },
    /// Build the wheel of the Python package and run its tests, in a virtual environment in target/python
    Python,
    /// Run models on emulated cores and compare every output with the host's
    Emulate {
        /// A board of boards/, or all
        #[arg(long, default_value = "all")]
        board: String,
        /// A model folder, an ONNX file, a generated module (.rs), edges-i4, edges-i8, edges-i16 or splines
        /// (layers of many sizes), features (layers that treat every feature by itself), heads (layers that
        /// compare), windows and windows-i4 (layers at many places), gates (recurrent layers); all of models/
        /// and these if none is given
        #[arg(long, num_args = 1..)]
        model: Vec<PathBuf>,
        /// Print which functions the instructions of a step were executed in
        #[arg(long)]
        profile: bool,
    },
    /// Make every bundled model for C, and test all in one program on emulated cores, by the distribution's compilers
    C {
        /// A model folder or file; all of models/ if none is given
        #[arg(long, num_args = 1.., conflicts_with = "write")]
        model: Vec<PathBuf>,
        /// Put the table into docs/c-firmware.md
        #[arg(long)]
        write: bool,
    },
    /// Write the book, docs/, to target/book
    Book,
    /// Refuse files that need each other in a circle, in any crate
    Circles {
        /// Folders of packages; all if none is given
        folders: Vec<PathBuf>,
    },
    /// Measure policies that are not here on an emulated Cortex-M4F, against their float networks
    Policies {
        /// Files or folders of models, with calibration.csv and vectors.csv beside them
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Put the table into docs/policies.md
        #[arg(long)]
        write: bool,
    },
    /// Check licences, sources, versions and the number of the crates that come from others
    Supply {
        /// Ask `cargo deny` for known faults as well, which takes a network
        #[arg(long)]
        advisories: bool,
    },
    /// Pack the crates that can be published, and build them in an empty folder
    Package,
    /// Write the generated modules in models/ again
    Golden {
        /// Write nothing; fail if a module is stale
        #[arg(long)]
        check: bool,
    },
    /// Try mutated files, tables, settings and command lines, and random networks, in every phase;
    /// `cargo xtask fuzz --help` says more
    #[command(disable_help_flag = true)]
    Fuzz {
        /// --minutes, --seconds, --target, --seed, --case, --list; --engine libfuzzer for coverage
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Hold whole random networks to their certificates on inputs that are drawn, corners or searched for, and build
    /// the modules of some; `cargo xtask whole --help` says more
    #[command(disable_help_flag = true)]
    Whole {
        /// --networks, --inputs, --steps, --seed, --modules
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run an emulated core in a control loop whose plant is on the host
    Loop {
        /// A board of boards/, or all
        #[arg(long, default_value = "all")]
        board: String,
        /// What is controlled
        #[arg(long, default_value = "swimmer")]
        plant: looped::PlantKind,
        /// Periods
        #[arg(long, default_value_t = 1000, value_parser = looped::steps)]
        steps: usize,
        /// Faults a frame on the link, each way, 0 to 1; none near the ends of a run and a reset
        #[arg(long, default_value_t = 0.0, value_parser = looped::rate, allow_negative_numbers = true)]
        faults: f64,
        /// Reset the core in this period
        #[arg(long)]
        reset: Option<usize>,
        /// Seed of the plant's start and of the faults
        #[arg(long, default_value_t = 1000)]
        seed: u32,
    },
    /// Turn bits over in controllers' memory, break sensors, clocks and the supply, in closed loop, and print what it
    /// comes to
    Faults {
        /// A board of boards/ whose memory is disturbed too, or all
        #[arg(long)]
        board: Option<String>,
        /// Bits that turn over, a model
        #[arg(long, default_value_t = 10_000)]
        flips: usize,
        /// Runs of each fault from outside
        #[arg(long, default_value_t = 200)]
        runs: usize,
        /// Seed of the flips
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Put the tables into docs/faults.md
        #[arg(long)]
        write: bool,
    },
    /// Build the firmware of every development board and print what it takes of the part
    Boards {
        /// Put the table into boards/README.md
        #[arg(long)]
        write: bool,
    },
    /// Execute a development board's images with their devices on the bus and the swimmer in its water, and hold them
    /// against the host's loop
    Board {
        /// A development board: pico
        name: String,
        /// Put the picture of the run into docs/ instead of target/
        #[arg(long)]
        write: bool,
    },
    /// Run the emulated RV32's firmware on the RTL of open cores, count cycles and compare outputs with the host's;
    /// installs Verilator, and the cores in target/rtl
    Rtl {
        /// picorv32, ibex or cv32e40p, or all
        #[arg(long, default_value = "all")]
        core: String,
        /// As for bench; networks A and B and all of models/ if none is given
        #[arg(long, num_args = 1.., conflicts_with = "write")]
        model: Vec<PathBuf>,
        /// Put the tables into docs/rtl-cycles.md
        #[arg(long)]
        write: bool,
    },
    /// Make the folder of a new development board from another's
    NewBoard {
        /// Its name: small letters, digits and hyphens
        name: String,
        /// The board it is most like
        #[arg(long)]
        like: String,
    },
    /// Make the projects of `nervecord new` in an empty folder, build them and print what they take of the part
    Templates {
        /// Projects such as host, pico or pico-embassy; all if none is given
        projects: Vec<String>,
    },
    /// Measure a step of the reference networks A to E, K and the bundled models on emulated cores
    Bench {
        /// A board of boards/, or all
        #[arg(long, default_value = "all")]
        board: String,
        /// A, B, C, D, the name of a bundled model, or the path of another; all of the named ones if
        /// none is given
        #[arg(long, num_args = 1..)]
        model: Vec<PathBuf>,
        /// Print which functions the instructions of a step were executed in
        #[arg(long)]
        profile: bool,
        /// Fail where a figure is worse than the committed one by more than 1%
        #[arg(long, conflicts_with = "save")]
        check: bool,
        /// Replace the committed figures, xtask/figures.csv, by what is measured
        #[arg(long)]
        save: bool,
        /// Write the committed figures into README.md and docs/figures.md
        #[arg(long)]
        write: bool,
        /// Measure what compiling networks takes on this machine instead
        #[arg(long, conflicts_with_all = ["board", "model", "profile", "check", "save", "host"])]
        compile: bool,
        /// Measure nanoseconds of a step on this machine instead
        #[arg(long, conflicts_with_all = ["board", "model", "profile", "check", "save", "write"])]
        host: bool,
        /// On this machine, also count instructions under valgrind; installs gungraun-runner in target/
        #[arg(long, requires = "host")]
        instructions: bool,
        /// On this machine, also run these side by side; gets them over the network into target/
        #[arg(long, requires = "host", num_args = 1..)]
        against: Vec<host::Peer>,
    },
}

fn main() -> ExitCode {
    nervecord_cli::signals::heed();
    let done = match Arguments::parse().task {
        Task::Setup => set_up::set_up().map(|()| true),
        Task::Test { frameworks: false } => Ok(stages::test()),
        Task::Test { frameworks: true } => python::python(python::Suite::Frameworks).map(|()| true),
        Task::Python => python::python(python::Suite::Own).map(|()| true),
        Task::Emulate { board, model, profile } => emulate::emulate(&board, &model, profile),
        Task::Loop { board, plant, steps, faults, reset, seed } => {
            looped::run(&board, &looped::LoopOptions { plant, steps, faults, reset, seed })
        }
        Task::Faults { board, flips, runs, seed, write } => {
            faults::faults(&faults::FaultOptions { flips, runs, seed, board, write })
        }
        Task::Boards { write } => parts::boards(write),
        Task::Board { name, write } => board::board(&name, write).map(|()| true),
        Task::Rtl { core, model, write } => rtl::rtl(&core, &model, write).map(|()| true),
        Task::NewBoard { name, like } => {
            new_board::new_board(&checkout::root().join("boards"), &name, &like).map(|()| true)
        }
        Task::Templates { projects } => templates::templates(&projects).map(|()| true),
        Task::Bench { compile: true, write, .. } => compile_time::bench(write).map(|()| true),
        Task::Bench { host: true, instructions, against, .. } => host::host(instructions, &against),
        Task::Bench { board, model, profile, check, save, write, .. } => {
            bench::bench(&bench::BenchOptions { board, models: model, profile, check, save, write })
        }
        Task::C { model, write } => c::c(&model, write).map(|()| true),
        Task::Book => book::book().map(|()| true),
        Task::Fuzz { arguments } => fuzz::fuzz(&arguments),
        Task::Whole { arguments } => fuzz::whole(&arguments),
        Task::Circles { folders } => circles::circles(&folders).map(|()| true),
        Task::Policies { paths, write } => policies::policies(&paths, write),
        Task::Supply { advisories } => supply::supply(advisories).map(|()| true),
        Task::Package => package::package().map(|()| true),
        Task::Golden { check } => golden::golden(check).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
