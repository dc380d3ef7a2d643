//! `cargo xtask fuzz`: runs every target, and reports what was found.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;

use clap::Parser;

use nervecord_fuzz::supervise::{self, Tally};
use nervecord_fuzz::worker::{self, Order};
use nervecord_fuzz::{case, command, coverage, save};

#[derive(Parser)]
#[command(name = "cargo xtask fuzz")]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// Minutes in all, shared out among the targets
    #[arg(long, conflicts_with = "seconds")]
    minutes: Option<f64>,
    /// Seconds a target
    #[arg(long, default_value_t = 20.0)]
    seconds: f64,
    /// What to try; everything if none is given
    #[arg(long, num_args = 1..)]
    target: Vec<String>,
    /// Seed of all cases
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// One case, by its number
    #[arg(long, requires = "target")]
    case: Option<u64>,
    /// Changes of that case to leave out
    #[arg(long, value_delimiter = ',', requires = "case")]
    without: Vec<usize>,
    /// Print the targets
    #[arg(long)]
    list: bool,
}

#[derive(clap::Subcommand)]
enum Role {
    /// Run cases one after another
    #[command(hide = true)]
    Worker(Order),
    /// Write the seeds of a target, for an engine that has a corpus
    #[command(hide = true)]
    Corpus { target: String, folder: PathBuf },
}

fn main() -> ExitCode {
    if std::env::var_os(command::ROLE).is_some() {
        return nervecord_cli::command::main();
    }
    let arguments = Arguments::parse();
    let played = match &arguments.role {
        Some(Role::Worker(order)) => Some(worker::run(order)),
        Some(Role::Corpus { target, folder }) => Some(coverage::corpus(target, folder)),
        None => None,
    };
    if let Some(done) = played {
        return match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let known = case::targets();
    if arguments.list {
        known.iter().for_each(|target| println!("{target}"));
        return ExitCode::SUCCESS;
    }
    if let Some(unknown) = arguments.target.iter().find(|t| !known.contains(&t.as_str())) {
        eprintln!("error: there is no target `{unknown}`\n expected: one of {}", known.join(", "));
        return ExitCode::from(2);
    }
    let targets: Vec<String> = match arguments.target.is_empty() {
        true => known.iter().map(|&target| target.to_owned()).collect(),
        false => arguments.target.clone(),
    };
    let tallies = all(&arguments, targets);
    match save::report(&tallies, arguments.seed) {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Runs every target, as many at once as there are processors.
fn all(arguments: &Arguments, targets: Vec<String>) -> Vec<(String, Tally)> {
    let workers = thread::available_parallelism().map_or(1, usize::from).min(targets.len().max(1));
    let seconds = match arguments.minutes {
        Some(minutes) => 60.0 * minutes * workers as f64 / targets.len().max(1) as f64,
        None => arguments.seconds,
    };
    eprintln!("seed {}, {seconds:.0} s a target, {workers} at once", arguments.seed);
    let order = |target: &String| Order {
        target: target.clone(),
        seed: arguments.seed,
        from: arguments.case.unwrap_or(0),
        count: if arguments.case.is_some() { 1 } else { u64::MAX },
        milliseconds: (seconds * 1000.0) as u64,
        without: arguments.without.clone(),
    };
    let queue = Mutex::new(targets.iter().map(order).collect::<VecDeque<Order>>());
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().ok().and_then(|mut queue| queue.pop_front());
                    let Some(order) = next else { return };
                    let tally = supervise::run(&order);
                    eprintln!(
                        "{}: {} cases, {} findings",
                        order.target,
                        tally.cases,
                        tally.findings.len()
                    );
                    if let Ok(mut done) = done.lock() {
                        done.push((order.target, tally));
                    }
                }
            });
        }
    });
    let mut tallies = done.into_inner().unwrap_or_default();
    tallies.sort_by_key(|(target, _)| targets.iter().position(|t| t == target));
    tallies
}
