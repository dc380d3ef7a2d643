//! `cargo xtask fuzz`: builds the harness in `fuzz/` with every check on, and hands it its arguments; or, with
//! `--engine libfuzzer`, has libFuzzer look for inputs by coverage, which takes a nightly toolchain.

use std::fs;
use std::process::{Command, Stdio};

use nervecord_codegen::{Error, Result};

use crate::checkout::{cargo_path, root, say};

/// What CI runs: the first cases of the same row each time, as many as there is time for.
const IN_CI: &[&str] = &["--seconds", "20", "--seed", "1"];

/// Counters at every edge and comparison, and every check of a debug build.
const INSTRUMENTED: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Cdebug-assertions=on -Coverflow-checks=on";

/// Runs the harness; whether it found nothing.
///
/// # Errors
/// It cannot be built or started.
pub fn fuzz(arguments: &[String]) -> Result<bool> {
    let rest: Vec<String> = arguments.iter().filter(|word| !is_engine(word)).cloned().collect();
    match rest.len() == arguments.len() {
        true => run(harness().args(arguments)),
        false => libfuzzer(&rest),
    }
}

/// The harness with the cases of CI, as the tests are built, with every check on as well; it prints what it found on stdout.
pub fn in_ci() -> Command {
    let mut command = program("nervecord-fuzz", "dev");
    command.args(IN_CI).current_dir(root());
    command
}

fn is_engine(word: &str) -> bool {
    ["--engine", "libfuzzer", "--engine=libfuzzer"].contains(&word)
}

/// Runs whole networks against their certificates; whether none is beyond them.
///
/// # Errors
/// The program cannot be built or started.
pub fn whole(arguments: &[String]) -> Result<bool> {
    run(program("nervecord-whole", "fuzz").args(arguments))
}

fn harness() -> Command {
    program("nervecord-fuzz", "fuzz")
}

/// A program of `fuzz/`, with every check on.
fn program(name: &str, profile: &str) -> Command {
    let mut command = Command::new(cargo_path());
    command.args(["run", "--quiet", "--profile", profile, "--package", "nervecord-fuzz"]);
    command.args(["--bin", name, "--"]);
    command
}

/// Runs one target under libFuzzer, on the corpus it has found so far and the seeds.
fn libfuzzer(arguments: &[String]) -> Result<bool> {
    let value = |name: &str| {
        let at = arguments.iter().position(|word| word == name)?;
        arguments.get(at + 1).cloned()
    };
    let target = value("--target").ok_or_else(|| {
        Error::new("libFuzzer runs one target at a time")
            .at("--target")
            .expected("the name of a target")
            .found("none")
            .help("`cargo xtask fuzz --list` prints them")
    })?;
    let minutes: Option<f64> = value("--minutes").and_then(|text| text.parse().ok());
    let seconds = minutes.map(|m| (60.0 * m).to_string()).or(value("--seconds"));
    let whole = seconds.and_then(|text| text.parse::<f64>().ok()).unwrap_or(60.0) as u64;
    let folder = root().join("target/fuzz/libfuzzer");
    let corpus = folder.join("corpus").join(&target);
    let found = folder.join("findings");
    fs::create_dir_all(&found).map_err(|e| Error::io("create", &found, &e))?;
    run(harness().arg("corpus").arg(&target).arg(&corpus))?;
    say("building with a nightly toolchain, instrumented for libFuzzer");
    // Not the cargo that runs this one: rustup gives the other toolchain by its name.
    let mut command = Command::new("cargo");
    command.args([
        "+nightly",
        "run",
        "--quiet",
        "--release",
        "--target",
        &host()?,
        "--manifest-path",
    ]);
    command
        .arg(root().join("fuzz/libfuzzer/Cargo.toml"))
        .arg("--target-dir")
        .arg(&folder)
        .arg("--");
    command.arg(&corpus).arg(format!("-artifact_prefix={}/{target}-", found.display()));
    command.arg(format!("-max_total_time={whole}"));
    command.arg(format!("-seed={}", value("--seed").unwrap_or_else(|| "1".into())));
    command.args(["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"]);
    command.env("RUSTFLAGS", INSTRUMENTED).env("NERVECORD_FUZZ_TARGET", &target);
    for name in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(name);
    }
    run(&mut command)
}

/// The triple of this machine, so that what runs while building is not instrumented.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output();
    let text =
        output.map_err(|e| Error::new("rustc cannot be asked for its host").found(e))?.stdout;
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.unwrap_or_default().to_owned())
}

fn run(command: &mut Command) -> Result<bool> {
    match command.current_dir(root()).stdin(Stdio::null()).status() {
        Ok(status) => Ok(status.success()),
        Err(error) => {
            Err(Error::new("a command cannot start").at(format!("{command:?}")).found(error))
        }
    }
}
