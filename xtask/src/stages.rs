//! `cargo xtask test`: every check in turn, none skipped; what failed is said again at the end.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use nervecord_cli::emulate::{Board, Kind, Toolchain};
use nervecord_codegen::options::Weights;
use nervecord_codegen::output::write_atomic;
use nervecord_codegen::{Error, Result};
use nervecord_tests::random::Random;
use nervecord_tests::shapes::SHAPES;

use crate::checkout::{cargo_path, root, say};
use crate::figures::Figures;
use crate::parts::{self, Part};
use crate::set_up::set_up;
use crate::{
    board, book, builds, c, circles, documents, emulate, faults, fuzz, golden, looped, oldest,
    package, python, subject, supply, templates,
};

/// The most lines one test program's failures take at the end, where a log may be cut.
const SAID_AGAIN: usize = 30;

/// What passed and failed so far; a stage counts as one, `cargo test` as all its tests.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    /// What failed and why, to be read where the log ends.
    failures: Vec<String>,
}

/// Runs every stage, also after a failed one; whether all passed.
pub fn test() -> bool {
    let mut tally = Tally::default();
    tally.stage("set-up", set_up);
    tally.stage("format", || {
        cargo(root(), &["fmt", "--all", "--check"])?;
        // By name: with `--all`, rustfmt would follow the path dependency out of this workspace.
        let firmware = ["fmt", "--check", "-p", "nervecord-emulated", "-p", "qemu-plugin"];
        cargo(&root().join("boards"), &firmware)?;
        parts_format()
    });
    tally.stage("clippy", || {
        cargo(root(), &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
    });
    tally.stage("what comes from others", || supply::supply(false));
    tally.stage("circles between files", || circles::circles(&[]));
    tally.stage("documentation", || {
        let mut doc = Command::new(cargo_path());
        doc.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-Dwarnings");
        run(doc.current_dir(root()))
    });
    tally.stage("the book", book::book);
    tally.stage("generated modules", || golden::golden(true));
    tally.stage("figures in the documents", || documents::check(&Figures::committed()?));
    tally.tests();
    tally.stage("mutated files and random networks", || {
        let mut said = Vec::new();
        match run_through(&mut fuzz::in_ci(), |line| said.push(line.to_owned())) {
            true => Ok(()),
            false => Err(Error::new("fuzzing found something")
                .found(said.join("\n"))
                .help("run the command after `repeat:`, of each finding")),
        }
    });
    tally.stage("the Python package", || python::python(python::Suite::Own));
    tally.stage("packages", package::package);
    tally.stage("builds of the runtime", builds::builds);
    tally.stage("the runtime on its oldest compiler", oldest::oldest);
    tally.stage("clippy of the firmware", firmware_clippy);
    tally.stage("clippy of the development boards", parts_clippy);
    tally.stage("development boards", || match parts::boards(false)? {
        true => Ok(()),
        false => Err(Error::new("the firmware of a board can panic in our code")),
    });
    tally.stage("projects of their own", || {
        templates::templates(&templates::IN_CI.map(str::to_owned))
    });
    tally.emulated();
    tally.stage("C on emulated cores", || c::c(&[], false));
    for (name, faults, reset) in [("clean", 0.0, None), ("bad", 0.2, Some(500))] {
        let plant = looped::PlantKind::Swimmer;
        let options = looped::LoopOptions { plant, steps: 1000, faults, reset, seed: 1000 };
        tally.stage(&format!("a swim over a {name} link"), || {
            match looped::run("all", &options)? {
                true => Ok(()),
                false => Err(Error::new("a core in the loop does not swim as the host does")),
            }
        });
    }
    tally.stage("a Pico with its devices", || board::board("pico", false));
    tally.stage("faults in closed loop", faults::check);
    for failure in &tally.failures {
        println!("FAILED: {failure}");
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    tally.failed == 0
}

impl Tally {
    fn stage(&mut self, name: &str, check: impl FnOnce() -> Result<()>) {
        say(&format!("== {name}"));
        match check() {
            Ok(()) => self.passed += 1,
            Err(error) => {
                self.failed += 1;
                println!("{name}: FAILED\n{error}");
                self.failures.push(format!("{name}\n{error}"));
                return;
            }
        }
        println!("{name}: passed");
    }

    /// The tests of the workspace, each counted.
    fn tests(&mut self) {
        say("== tests");
        let (mut passed, mut failed) = (0, 0);
        let mut command = Command::new(cargo_path());
        command.args(["test", "--workspace", "--no-fail-fast"]).current_dir(root());
        command.args(["--features", "nervecord-tests/emulated"]);
        let mut said = Said::default();
        let done = run_through(&mut command, |line| {
            if let Some(counts) = tallied(line) {
                passed += counts[0];
                // A test that was left out did not pass.
                failed += counts[1] + counts[2];
            }
            self.failures.extend(said.hear(line));
        });
        // A build that fails has no tests to count.
        if !done && failed == 0 {
            failed = 1;
            let why = "tests\nthey do not build, or one ended its program: the words are above";
            self.failures.push(why.to_owned());
        }
        self.passed += passed;
        self.failed += failed;
        let verdict = if failed == 0 { "passed" } else { "FAILED" };
        println!("tests: {verdict} ({passed} passed, {failed} failed)");
    }

    /// Every bundled model, networks A and B and the kernels' edges on every board, each counted; where
    /// figures are committed, they may not be worse.
    fn emulated(&mut self) {
        let (boards, models, figures) = match (Board::all(), subject::all(), Figures::committed()) {
            (Ok(boards), Ok(models), Ok(figures)) => (boards, models, figures),
            (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
                return self.stage("emulated cores", || Err(error));
            }
        };
        let networks = SHAPES.iter().take(2).map(|shape| shape.letter.into());
        for path in models.into_iter().chain(networks) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let job = match subject::load(&path) {
                Ok(job) => job,
                Err(error) => {
                    self.stage(&format!("{name} compiled"), || Err(error));
                    continue;
                }
            };
            for board in &boards {
                self.stage(&format!("{name} on {}", board.name), || {
                    let measured = emulate::check(board, &job)?;
                    match subject::is_made(&path) {
                        true => Ok(()),
                        false => figures.check(&job.name, &board.name, &measured),
                    }
                });
            }
        }
    }
}

/// The firmware and the plugin are not in the workspace, and need a board and a module to build.
fn firmware_clippy() -> Result<()> {
    let boards = root().join("boards");
    cargo(&boards, &["clippy", "--release", "--package", "qemu-plugin", "--", "-D", "warnings"])?;
    let shape = &SHAPES[0];
    let rows = Random::new(7).rows(64, shape.widths[0]);
    let job = subject::from_graph(shape.graph()?, &rows, Weights::I8)?;
    let folder = tempfile::tempdir().map_err(|e| Error::io("create", std::env::temp_dir(), &e))?;
    let module = folder.path().join("model.rs");
    write_atomic(&module, job.module.as_bytes())?;
    for board in Board::all()? {
        for kind in [Kind::Measuring, Kind::Bare, Kind::Linked] {
            let mut clippy =
                Toolchain::find(&board.target)?.cargo("clippy", &board, &module, kind)?;
            run(clippy.args(["--", "-D", "warnings"]).current_dir(&boards))?;
        }
    }
    Ok(())
}

/// The boards are workspaces of their own, which `cargo fmt` would leave to follow dependencies.
fn parts_format() -> Result<()> {
    let boards = root().join("boards");
    let mut files = vec![boards.join("swimmer/src/lib.rs"), boards.join("link.rs")];
    files.extend(Part::all()?.into_iter().map(|part| part.folder.join("src/main.rs")));
    run(Command::new("rustfmt").args(["--check", "--edition", "2024"]).args(files))
}

fn parts_clippy() -> Result<()> {
    for part in Part::all()? {
        for firmware in part.firmwares() {
            run(firmware.cargo("clippy")?.args(["--quiet", "--", "-D", "warnings"]))?;
        }
    }
    Ok(())
}

fn cargo(folder: &Path, arguments: &[&str]) -> Result<()> {
    run(Command::new(cargo_path()).args(arguments).current_dir(folder))
}

/// Runs with the terminal as it is, and wants success.
fn run(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Error::new("a command failed").at(format!("{command:?}")).found(status)),
        Err(error) => Err(Error::new("a command cannot start").found(error)),
    }
}

/// Runs, passing every line on and to `hear`; whether it succeeded.
fn run_through(command: &mut Command, mut hear: impl FnMut(&str)) -> bool {
    let Ok(mut child) = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn() else {
        return false;
    };
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines().map_while(std::io::Result::ok) {
            println!("{line}");
            hear(&line);
        }
    }
    child.wait().is_ok_and(|status| status.success())
}

/// What a program of tests says of its failures, from its heading to its closing line.
#[derive(Default)]
struct Said(Option<Vec<String>>);

impl Said {
    /// Takes a line in; all that was said, where it is the last.
    fn hear(&mut self, line: &str) -> Option<String> {
        if tallied(line).is_some() {
            return self.0.take().map(|lines| lines.join("\n"));
        }
        match &mut self.0 {
            Some(lines) if lines.len() < SAID_AGAIN && !line.is_empty() => {
                lines.push(line.to_owned());
            }
            None if line == "failures:" => self.0 = Some(vec!["tests".to_owned()]),
            _ => {}
        }
        None
    }
}

/// Passed, failed and ignored in a closing line of the test harness.
fn tallied(line: &str) -> Option<[usize; 3]> {
    let rest = line.strip_prefix("test result: ")?;
    let before = |word: &str| {
        let head = rest.split_once(word)?.0;
        head.rsplit([' ', ';', '.']).find(|w| !w.is_empty())?.parse().ok()
    };
    Some([before(" passed")?, before(" failed")?, before(" ignored")?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_of_the_harness_are_read() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; finished";
        assert_eq!(tallied(line), Some([12, 3, 1]));
        assert_eq!(tallied("test a ... ok"), None);
    }

    #[test]
    fn failures_of_tests_are_said_again_by_program() {
        let mut said = Said::default();
        let good = ["test a ... ok", "", "test result: ok. 1 passed; 0 failed; 0 ignored"];
        let bad =
            ["failures:", "", "---- b stdout ----", "b panicked", "", "failures:", "    b", ""];
        let end = "test result: FAILED. 0 passed; 1 failed; 0 ignored";
        assert!(good.iter().chain(&bad).all(|line| said.hear(line).is_none()));
        let all = "tests\n---- b stdout ----\nb panicked\nfailures:\n    b";
        assert_eq!(said.hear(end).as_deref(), Some(all));
        assert_eq!(said.hear(end), None);
    }
}
