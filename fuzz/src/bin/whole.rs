//! `cargo xtask whole`: whole random networks held to their certificates, and the modules of some built and run.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use clap::Parser;

use nervecord_fuzz::places::target_folder;
use nervecord_tests::built;
use nervecord_tests::random::Random;
use nervecord_tests::whole::{Held, certify, hold, hold_long, program, whole};

#[derive(Parser)]
#[command(name = "cargo xtask whole")]
struct Arguments {
    /// Networks that are drawn
    #[arg(long, default_value_t = 1000)]
    networks: u64,
    /// Inputs of all of them together, beside the steps of those with memory
    #[arg(long, default_value_t = 1_000_000)]
    inputs: u64,
    /// Steps of one network with memory in eight
    #[arg(long, default_value_t = 100_000)]
    steps: usize,
    /// Seed of the first network
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Networks, from the first on, whose modules are built and run
    #[arg(long, default_value_t = 48)]
    modules: u64,
}

/// What was seen of a family.
#[derive(Debug, Clone, Copy, Default)]
struct Family {
    networks: u64,
    refused: u64,
    bounded: u64,
    always: u64,
    held: Held,
    worst: u64,
}

/// One more network of a family; what is wrong with it.
fn network(
    arguments: &Arguments,
    seed: u64,
    families: &Mutex<BTreeMap<&str, Family>>,
) -> Result<(), String> {
    let each = (arguments.inputs / arguments.networks.max(1)) as usize;
    let whole = whole(seed).map_err(|error| error.to_string())?;
    let certified = certify(&whole)?;
    let mut held = Held::default();
    let (mut bounded, mut always) = (false, false);
    if let Some(own) = &certified {
        held = hold(own, &whole.rows, seed, each)?;
        bounded = own.certificate.unbounded.is_none();
        always = own.certificate.steps.as_ref().is_some_and(|steps| steps.always.is_some());
        if Random::new(seed).once_in(8) && !own.compiled.graph.states.is_empty() {
            held = held.and(hold_long(own, seed, arguments.steps)?.0);
        }
    }
    let mut families = families.lock().map_err(|_| "another thread panicked".to_owned())?;
    let family = families.entry(whole.family).or_default();
    if held.ratio > family.held.ratio {
        family.worst = seed;
    }
    family.networks += 1;
    family.refused += u64::from(certified.is_none());
    family.bounded += u64::from(bounded);
    family.always += u64::from(always);
    family.held = family.held.and(held);
    Ok(())
}

/// Every network, on all processors; how many failed.
fn networks(arguments: &Arguments, families: &Mutex<BTreeMap<&str, Family>>) -> u64 {
    let (next, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let each = arguments.inputs / arguments.networks.max(1);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= arguments.networks {
                break;
            }
            let seed = arguments.seed + number;
            let run = || network(arguments, seed, families);
            let done = catch_unwind(AssertUnwindSafe(run));
            if let Err(wrong) = done.unwrap_or_else(|_| Err("a panic".to_owned())) {
                failed.fetch_add(1, Ordering::Relaxed);
                println!(
                    "seed {seed}: {wrong}\n  cargo xtask whole --seed {seed} --networks 1 --inputs {each} --modules 0"
                );
            }
            if number % 100 == 99 {
                println!("{} networks", number + 1);
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    failed.into_inner()
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let families = Mutex::new(BTreeMap::new());
    let failed = networks(&arguments, &families);
    println!(
        "family      networks refused bounded always      steps       claims   seen/claimed, seed"
    );
    for (name, family) in families.into_inner().unwrap_or_default() {
        let Family { networks, refused, bounded, always, held, worst } = family;
        let Held { steps, claims, ratio } = held;
        println!(
            "{name:<11} {networks:>8} {refused:>7} {bounded:>7} {always:>6} {steps:>10} {claims:>12}   {ratio:.6}, {worst}"
        );
    }
    let seeds = arguments.seed..arguments.seed + arguments.modules;
    let built = match arguments.modules {
        0 => Ok(()),
        _ => program(seeds, arguments.steps)
            .and_then(|(text, _)| built::run(&target_folder().join("whole"), &text)),
    };
    match &built {
        Ok(()) => println!("{} modules give what was certified", arguments.modules),
        Err(wrong) => println!("modules: {wrong}"),
    }
    if failed == 0 && built.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
