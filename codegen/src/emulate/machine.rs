//! One run of QEMU on a firmware image.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use super::{Board, Firmware, firmware, process, toolchain};
use crate::error::{Error, Result};

/// What a run leaves behind.
pub struct Run {
    /// The rows the firmware wrote.
    pub output: Vec<u8>,
    /// The sizes the firmware reported.
    pub summary: Vec<u8>,
    /// Instructions of every marked interval; the first is empty but for the markers.
    pub intervals: Vec<u64>,
    /// How often each address was executed within the intervals, by rising address.
    pub executed: Vec<(u64, u64)>,
}

/// The plugin interface that worked last; newer versions of QEMU refuse the oldest.
static PLUGIN_API: AtomicU32 = AtomicU32::new(1);

/// Runs an image on the rows in `input`, for `timeout` at most.
pub fn run(board: &Board, firmware: &Firmware, input: &[u8], timeout: Duration) -> Result<Run> {
    if process::find(&board.qemu.command).is_none() {
        return Err(toolchain::missing_emulator(&board.qemu.command, &board.qemu.package));
    }
    let api = PLUGIN_API.load(Relaxed);
    match run_with(api, board, firmware, input, timeout) {
        Err(Failure::PluginTooOld(api)) => {
            PLUGIN_API.store(api, Relaxed);
            run_with(api, board, firmware, input, timeout)
        }
        other => other,
    }
    .map_err(|failure| match failure {
        Failure::Other(error) => error,
        Failure::PluginTooOld(api) => {
            Error::new("the emulator refuses the counting plugin").expected(format!("API {api}"))
        }
    })
}

enum Failure {
    /// QEMU takes this version of the interface and later ones only.
    PluginTooOld(u32),
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

fn run_with(
    api: u32,
    board: &Board,
    firmware: &Firmware,
    input: &[u8],
    timeout: Duration,
) -> std::result::Result<Run, Failure> {
    let folder = tempfile::tempdir().map_err(|e| Error::io("create", std::env::temp_dir(), &e))?;
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, bytes: &[u8]| {
        fs::write(path(name), bytes).map_err(|e| Error::io("write", path(name), &e))
    };
    write("input.bin", input)?;
    write("firmware.elf", &firmware.elf)?;
    let log = File::create(path("log")).map_err(|e| Error::io("create", path("log"), &e))?;
    let twin = log.try_clone().map_err(|e| Error::io("open", path("log"), &e))?;

    let mut qemu = command(board, firmware, &firmware::plugin(api)?)?;
    qemu.current_dir(folder.path()).stdin(Stdio::null()).stdout(log).stderr(twin);
    let mut child = qemu.spawn().map_err(|error| {
        Error::new("the emulator cannot be started").at(process::line(&qemu)).found(error)
    })?;
    let status = wait(&mut child, timeout);
    let said = fs::read(path("log")).unwrap_or_default();
    if let Some(api) = wanted_api(&String::from_utf8_lossy(&said)) {
        return Err(Failure::PluginTooOld(api));
    }
    judge(status, timeout, &said)?;

    let read = |name: &str| {
        fs::read(path(name)).map_err(|error| {
            Error::new("the emulated firmware left no result").at(name).found(error)
        })
    };
    Ok(Run {
        output: read("output.bin")?,
        summary: read("summary.json")?,
        intervals: numbers(&read("intervals.bin")?),
        executed: numbers(&read("addresses.bin")?).chunks_exact(2).map(|p| (p[0], p[1])).collect(),
    })
}

fn command(board: &Board, firmware: &Firmware, plugin: &Path) -> Result<Command> {
    let mut qemu = Command::new(&board.qemu.command);
    qemu.args(["-machine", &board.qemu.machine]);
    if let Some(cpu) = &board.qemu.cpu {
        qemu.args(["-cpu", cpu]);
    }
    qemu.args(&board.qemu.args);
    // No window, no monitor on the terminal; one virtual nanosecond an instruction, so that
    // nothing in the machine depends on the host's clock.
    qemu.args(["-display", "none", "-monitor", "none", "-serial", "none", "-icount", "shift=0"]);
    qemu.args(["-semihosting-config", "enable=on,target=native"]);
    qemu.arg("-plugin").arg(format!(
        "file={},begin={:#x},end={:#x},intervals=intervals.bin,addresses=addresses.bin",
        // A comma ends a value unless it is doubled.
        plugin.to_string_lossy().replace(',', ",,"),
        firmware.address("nervecord_begin")?,
        firmware.address("nervecord_end")?,
    ));
    qemu.args(["-kernel", "firmware.elf"]);
    Ok(qemu)
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
            .found(format!("{status}, after it said\n{quoted}"))),
        None => Err(Error::new("the firmware did not finish under emulation")
            .expected(format!("an end within {} s", timeout.as_secs()))
            .found(format!("it was still running, after it said\n{quoted}"))
            .help("give fewer rows or more time")),
    }
}

/// The interface version that QEMU asks for when it refuses the plugin's.
fn wanted_api(said: &str) -> Option<u32> {
    let (_, rest) = said.split_once("supports only a minimum version of ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn numbers(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_plugin_says_which_version_is_wanted() {
        let said = "qemu-system-arm: Could not load plugin x.so: plugin requires API version 1, \
                    but this QEMU supports only a minimum version of 2\n";
        assert_eq!(wanted_api(said), Some(2));
        assert_eq!(wanted_api("qemu: fatal: Lockup"), None);
    }
}
