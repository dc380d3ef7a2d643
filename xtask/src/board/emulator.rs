//! The emulated board: a program of Node that executes the image, and its package from npm.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nervecord_cli::emulate::{process, set_up_program};
use nervecord_codegen::cleanup::Promise;
use nervecord_codegen::{Error, Result};

use super::plan::Plan;
use super::transfer::{self, Pulses, Transfer};
use super::water::Reading;
use crate::checkout::{root, say};

/// The program's own files, by npm's description of the package.
const DESCRIPTION: [&str; 2] = ["package.json", "package-lock.json"];
/// The program.
const MAIN: &str = "main.js";
/// What it executes images with, as a sign that the package is there.
const INSTALLED: &str = "node_modules/rp2040js/package.json";
/// How long the next line may take: a period does a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// Something that happens on the board, in microseconds since its power-up.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// A transfer has ended.
    Transfer(Transfer),
    /// The servos get other pulses.
    Pulses(Pulses),
    /// The image has said something, by defmt.
    Log(Vec<u8>),
    /// The sensor measures, and waits for what.
    Measure(u64),
    /// The chip starts again, for this reason.
    Reset(u64, String),
    /// The plan is through.
    End(u64),
}

/// The running board.
pub struct Emulator {
    child: Child,
    to: ChildStdin,
    from: Receiver<String>,
    said: Option<JoinHandle<Vec<u8>>>,
    // Last: what they promise is done by then.
    _promises: [Promise; 2],
    _folder: tempfile::TempDir,
}

/// Where the program and its packages are, which npm does not keep apart.
fn folder() -> PathBuf {
    root().join("target/board")
}

/// Installs Node where it is missing, and the package in its locked version.
///
/// # Errors
/// Something cannot or may not be installed.
pub fn set_up() -> Result<()> {
    set_up_program("Node", "node", "nodejs", &say)?;
    set_up_program("npm", "npm", "npm", &say)?;
    let (from, to) = (root().join("xtask/board"), folder());
    let same = |name: &&str| fs::read(from.join(name)).ok() == fs::read(to.join(name)).ok();
    if to.join(INSTALLED).is_file() && DESCRIPTION.iter().all(same) {
        say(&format!("emulated Pico: {}", to.join("node_modules").display()));
        return Ok(());
    }
    say("emulated Pico: installing with `npm ci`");
    copy(&from, &to, |name| DESCRIPTION.contains(&name))?;
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&to);
    process::run("the emulated Pico cannot be installed", &mut npm)?;
    Ok(())
}

/// Copies the files of these names.
fn copy(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) -> Result<()> {
    fs::create_dir_all(to).map_err(|e| Error::io("create", to, &e))?;
    for entry in fs::read_dir(from).map_err(|e| Error::io("read", from, &e))? {
        let path = entry.map_err(|e| Error::io("read", from, &e))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_file() && wanted(&name) {
            let copy = to.join(&*name);
            fs::copy(&path, &copy).map_err(|e| Error::io("write", &copy, &e))?;
        }
    }
    Ok(())
}

impl Emulator {
    /// Powers a board up whose flash holds the image.
    ///
    /// # Errors
    /// Node or the package are not there, or do not run.
    pub fn start(image: &[u8], plan: &Plan) -> Result<Self> {
        let place = folder();
        if process::find("node").is_none() || !place.join(INSTALLED).is_file() {
            return Err(Error::new("the emulated Pico is not installed")
                .expected("Node on PATH, and the package rp2040js in target/board")
                .found("not both")
                .help("run `cargo xtask setup`"));
        }
        copy(&root().join("xtask/board"), &place, |name| name.ends_with(".js"))?;
        let (scratch, scratch_promise) = process::temporary_folder(&std::env::temp_dir())?;
        let file = scratch.path().join("image.elf");
        fs::write(&file, image).map_err(|e| Error::io("write", &file, &e))?;
        let mut node = Command::new("node");
        node.arg(place.join(MAIN)).arg(&file);
        node.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (mut child, promise) = process::spawn(&mut node)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(to), Some(from), Some(mut errors)) = pipes else {
            return Err(Error::new("the emulated board has no pipes"));
        };
        let said = thread::spawn(move || {
            let mut said = Vec::new();
            // What was read until an error is all there is.
            let _ = errors.read_to_end(&mut said);
            said
        });
        let from = listen(from);
        let _promises = [promise, scratch_promise];
        let mut board = Self { child, to, from, said: Some(said), _promises, _folder: scratch };
        let plan = serde_json::to_string(plan)
            .map_err(|e| Error::new("the plan of a run cannot be written").found(e))?;
        board.send(&plan)?;
        Ok(board)
    }

    /// What happens next.
    ///
    /// # Errors
    /// The board has stopped, or says what makes no sense.
    pub fn next(&mut self) -> Result<Event> {
        let line = self.from.recv_timeout(PATIENCE).map_err(|e| self.stopped(&e))?;
        event(&line)
    }

    /// Answers [`Event::Measure`].
    ///
    /// # Errors
    /// The board has stopped.
    pub fn answer(&mut self, reading: &Reading) -> Result<()> {
        self.send(&transfer::told(reading).replace(' ', ""))
    }

    fn send(&mut self, line: &str) -> Result<()> {
        let sent = self.to.write_all(format!("{line}\n").as_bytes());
        sent.and_then(|()| self.to.flush()).map_err(|e| self.stopped(&e))
    }

    fn stopped(&mut self, error: &dyn std::error::Error) -> Error {
        // It fails only if the program has just ended by itself.
        let _ = self.child.kill();
        let said = self.said.take().and_then(|said| said.join().ok()).unwrap_or_default();
        Error::new("the emulated board has stopped")
            .at("xtask/board/main.js")
            .expected("a line for everything that happens")
            .found(format!("{error}, after it said\n{}", process::tail(&said)))
            .help("`cargo xtask setup` installs what it needs")
    }
}

/// The event that a line tells of.
fn event(line: &str) -> Result<Event> {
    let words: Vec<&str> = line.split(' ').collect();
    let parsed = match words.as_slice() {
        ["bus", words @ ..] => Transfer::parse(words).map(Event::Transfer),
        ["servos", words @ ..] => Pulses::parse(words).map(Event::Pulses),
        ["log", _, bytes] => transfer::bytes(bytes).map(Event::Log),
        ["measure", at] => at.parse().ok().map(Event::Measure),
        ["reset", at, cause] => at.parse().ok().map(|at| Event::Reset(at, (*cause).to_owned())),
        ["end", at] => at.parse().ok().map(Event::End),
        _ => None,
    };
    transfer::read(line, parsed)
}

/// Lines as they come.
fn listen(from: impl Read + Send + 'static) -> Receiver<String> {
    let (tell, heard) = mpsc::channel();
    thread::spawn(move || {
        let mut lines = BufReader::new(from).lines().map_while(std::io::Result::ok);
        while lines.next().is_some_and(|line| tell.send(line).is_ok()) {}
    });
    heard
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Either fails only if it has just ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_board_are_events_and_others_are_refused_in_words() {
        assert_eq!(event("measure 12").unwrap(), Event::Measure(12));
        assert_eq!(event("log 5 0a00").unwrap(), Event::Log(vec![10, 0]));
        assert_eq!(event("reset 7 watchdog").unwrap(), Event::Reset(7, "watchdog".into()));
        for line in ["", "measure", "measure -1", "log 5 0", "bus 1 2", "servos 1 400 -", "hello"] {
            let message = event(line).unwrap_err().to_string();
            assert!(message.contains("expected") && message.contains("help"), "{message}");
        }
    }

    #[test]
    fn what_is_installed_is_locked_and_names_no_registry() {
        let folder = root().join("xtask/board");
        let lock = fs::read_to_string(folder.join("package-lock.json")).unwrap();
        assert!(!lock.contains("\"resolved\"") && lock.contains("\"integrity\""), "{lock}");
        let description = fs::read_to_string(folder.join("package.json")).unwrap();
        let exact = |line: &str| line.contains("\"rp2040js\": \"1.4.1\"");
        assert!(description.lines().any(exact), "{description}");
    }
}
