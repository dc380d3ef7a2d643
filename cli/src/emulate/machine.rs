//! One run of QEMU on a firmware image.

use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use super::board::Board;
use super::code::Code;
use super::executed::{Counting, Executed};
use super::firmware::Firmware;
use super::trace::Trace;
use super::{firmware, process, toolchain};
use nervecord_codegen::{Error, Result};

/// What a run leaves behind.
pub struct Recording {
    /// The rows the firmware wrote.
    pub output: Vec<u8>,
    /// The sizes the firmware reported.
    pub summary: Vec<u8>,
    /// Instructions of every marked interval; the first is empty but for the markers.
    pub intervals: Vec<u64>,
    /// What was executed within the intervals, by rising address.
    pub executed: Vec<Executed>,
    /// How they were counted.
    pub counting: Counting,
}

/// How the last run counted: the plugin interface's version, or 0 for the log.
static LAST: AtomicU32 = AtomicU32::new(1);
const LOG: u32 = 0;

enum Failure {
    /// QEMU counts this way instead: another version of the plugin interface, or the log.
    Counts(u32),
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Runs an image on the rows in `input`, for `timeout` at most.
///
/// `NERVECORD_COUNTING=log` does without the plugin.
pub fn run(
    board: &Board,
    firmware: &Firmware,
    input: &[u8],
    timeout: Duration,
) -> Result<Recording> {
    if process::find(&board.qemu.command).is_none() {
        return Err(toolchain::missing_emulator(&board.qemu.command, &board.qemu.package));
    }
    let mut how = LAST.load(Relaxed);
    if env::var("NERVECORD_COUNTING").is_ok_and(|way| way == "log") {
        how = LOG;
    }
    // At most once to the version QEMU asks for, and from there to the log.
    for _ in 0..3 {
        match run_once(how, board, firmware, input, timeout) {
            Ok(run) => return Ok(run),
            Err(Failure::Other(error)) => return Err(error),
            Err(Failure::Counts(other)) => how = other,
        }
        LAST.store(how, Relaxed);
    }
    Err(Error::new("the emulator refuses the counting plugin")
        .expected("a QEMU that loads plugins")
        .found(&board.qemu.command)
        .help("set NERVECORD_COUNTING=log to count without it"))
}

fn run_once(
    how: u32,
    board: &Board,
    firmware: &Firmware,
    input: &[u8],
    timeout: Duration,
) -> std::result::Result<Recording, Failure> {
    let (folder, _folder) = process::temporary_folder(&env::temp_dir())?;
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, bytes: &[u8]| {
        fs::write(path(name), bytes).map_err(|e| Error::io("write", path(name), &e))
    };
    write("input.bin", input)?;
    write("firmware.elf", &firmware.elf)?;
    let stdout = File::create(path("stdout")).map_err(|e| Error::io("create", path(""), &e))?;

    let markers = [firmware.address("nervecord_begin")?, firmware.address("nervecord_end")?];
    let mut qemu = command(board);
    match how {
        LOG => log_instructions(&mut qemu, board)?,
        api => load_plugin(&mut qemu, &firmware::plugin(api)?, markers),
    }
    qemu.current_dir(folder.path()).stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped());
    let (mut child, _child) = process::spawn(&mut qemu)?;
    let trace = Trace::new(markers[0], markers[1]);
    let stderr = child.stderr.take();
    let listener = thread::spawn(move || listen(trace, stderr));
    let status = wait(&mut child, timeout);
    let (trace, mut said) =
        listener.join().map_err(|_| unread("the emulator's messages", "a thread that failed"))?;
    said.extend(fs::read(path("stdout")).unwrap_or_default());
    if how != LOG
        && let Some(other) = other_way(&String::from_utf8_lossy(&said))
    {
        return Err(Failure::Counts(other));
    }
    judge(status, timeout, &said)?;

    let read = |name: &str| fs::read(path(name)).map_err(|error| unread(name, error));
    let (intervals, executed) = match how {
        LOG => {
            let code = Code::of(firmware)?;
            trace.finish(|address| code.at(address).map_or(0, |i| i.bytes))
        }
        _ => {
            let sites = numbers(&read("addresses.bin")?);
            let (sites, _) = sites.as_chunks();
            let executed =
                sites.iter().map(|&[address, count, left]| Executed { address, count, left });
            (numbers(&read("intervals.bin")?), executed.collect())
        }
    };
    let counting = if how == LOG { Counting::Log } else { Counting::Plugin };
    let (output, summary) = (read("output.bin")?, read("summary.json")?);
    Ok(Recording { output, summary, intervals, executed, counting })
}

/// Runs an image of any other firmware, for `timeout` at most.
///
/// # Errors
/// The emulator is not there, or the image does not end with 0 in time; what it said is in the message.
pub fn execute(board: &Board, elf: &[u8], timeout: Duration) -> Result<()> {
    if process::find(&board.qemu.command).is_none() {
        return Err(toolchain::missing_emulator(&board.qemu.command, &board.qemu.package));
    }
    let (folder, _folder) = process::temporary_folder(&env::temp_dir())?;
    let path = |name: &str| folder.path().join(name);
    fs::write(path("firmware.elf"), elf).map_err(|e| Error::io("write", path(""), &e))?;
    let said = File::create(path("said")).map_err(|e| Error::io("create", path(""), &e))?;
    let both = said.try_clone().map_err(|e| Error::io("create", path(""), &e))?;
    let mut qemu = command(board);
    qemu.current_dir(folder.path()).stdin(Stdio::null()).stdout(said).stderr(both);
    let (mut child, _child) = process::spawn(&mut qemu)?;
    let status = wait(&mut child, timeout);
    judge(status, timeout, &fs::read(path("said")).unwrap_or_default())
}

fn unread(what: &str, found: impl std::fmt::Display) -> Error {
    Error::new("the emulator left no result")
        .at(what)
        .expected("files with the outputs and the counts")
        .found(found)
        .help("run it again; if it stays so, please report it as a bug")
}

/// QEMU for a board, with the image in `firmware.elf`.
pub fn command(board: &Board) -> Command {
    let mut qemu = Command::new(&board.qemu.command);
    qemu.args(["-machine", &board.qemu.machine]);
    if let Some(cpu) = &board.qemu.cpu {
        qemu.args(["-cpu", cpu]);
    }
    qemu.args(&board.qemu.args);
    qemu.args(["-display", "none", "-monitor", "none", "-serial", "none"]);
    qemu.args(["-semihosting-config", "enable=on,target=native", "-kernel", "firmware.elf"]);
    qemu
}

fn load_plugin(qemu: &mut Command, plugin: &Path, [begin, end]: [u64; 2]) {
    // One virtual nanosecond an instruction: nothing in the machine depends on the host's clock.
    qemu.args(["-icount", "shift=0", "-plugin"]).arg(format!(
        "file={},begin={begin:#x},end={end:#x},intervals=intervals.bin,addresses=addresses.bin",
        // A comma ends a value unless it is doubled.
        plugin.to_string_lossy().replace(',', ",,"),
    ));
}

/// Has QEMU write a line to its standard error before every instruction.
fn log_instructions(qemu: &mut Command, board: &Board) -> Result<()> {
    let version = process::run(
        "the emulator does not answer",
        Command::new(&board.qemu.command).arg("--version"),
    )?;
    // The option was renamed in 8.1.
    match version_of(&String::from_utf8_lossy(&version)) >= Some((8, 1)) {
        true => qemu.args(["-accel", "tcg,one-insn-per-tb=on"]),
        false => qemu.arg("-singlestep"),
    };
    qemu.args(["-d", "exec,nochain"]);
    Ok(())
}

fn version_of(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split_once("version ")?.1.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Reads to the end: logged instructions into the trace, the rest as what was said.
fn listen(mut trace: Trace, stderr: Option<impl Read>) -> (Trace, Vec<u8>) {
    let mut said = Vec::new();
    let Some(stderr) = stderr else { return (trace, said) };
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        if !trace.line(&String::from_utf8_lossy(&line)) {
            said.extend_from_slice(&line);
        }
        line.clear();
    }
    (trace, said)
}

/// Waits for the end; `None` when it was killed at the time limit.
fn wait(child: &mut Child, timeout: Duration) -> Option<ExitStatus> {
    let start = Instant::now();
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if start.elapsed() > timeout {
            // Either fails only if it has just ended by itself.
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn judge(status: Option<ExitStatus>, timeout: Duration, said: &[u8]) -> Result<()> {
    let quoted = process::tail(said);
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(Error::new("the firmware failed under emulation")
            .expected("an end without errors")
            .found(format!("{status}, after it said\n{quoted}"))
            .help("if it ran out of stack or memory, choose a larger board")),
        None => Err(Error::new("the firmware did not finish under emulation")
            .expected(format!("an end within {} s", timeout.as_secs()))
            .found(format!("it was still running, after it said\n{quoted}"))
            .help("give fewer rows or more time")),
    }
}

/// How to count instead, when QEMU refused the plugin.
fn other_way(said: &str) -> Option<u32> {
    if let Some((_, rest)) = said.split_once("supports only a minimum version of ") {
        return rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
    }
    let refused = said.contains("ould not load plugin") || said.contains("-plugin: invalid option");
    refused.then_some(LOG)
}

fn numbers(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_plugin_leads_to_another_version_or_to_the_log() {
        let old = "qemu-system-arm: Could not load plugin x.so: plugin requires API version 1, \
                   but this QEMU supports only a minimum version of 2\n";
        assert_eq!(other_way(old), Some(2));
        assert_eq!(other_way("qemu-system-arm: -plugin: invalid option\n"), Some(LOG));
        assert_eq!(other_way("qemu: fatal: Lockup"), None);
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(version_of("QEMU emulator version 7.2.22 (Debian 1:7.2)"), Some((7, 2)));
        assert_eq!(version_of("QEMU emulator version 10.0.1"), Some((10, 0)));
        assert_eq!(version_of("?"), None);
    }
}
