//! An emulated core in a control loop: one exchange of bytes a period.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use nervecord::control::remote::Settings;
use tempfile::TempDir;

use super::board::Board;
use super::firmware::Firmware;
use super::{machine, process, toolchain};
use nervecord_codegen::cleanup::Promise;
use nervecord_codegen::{Error, Result};

/// A period of the loop in an image.
pub const PERIOD: &str = "nervecord_period";

/// How long a period may take the emulator, which shares its machine with others.
const PATIENCE: Duration = Duration::from_secs(60);

/// In place of a length: the number of a bit follows, which the firmware turns over in the model's memory.
const FLIP: u16 = 0xfffe;

/// A core that runs firmware of [`Kind::Linked`](super::Kind::Linked), waiting for its next period.
///
/// The emulator stands still between exchanges, so a run is the same every time.
#[derive(Debug)]
pub struct Link {
    child: Child,
    to: File,
    from: Receiver<Vec<u8>>,
    // Deleted when the core is.
    folder: TempDir,
    // Last: what they promise is done by then.
    _promises: [Promise; 2],
}

impl Link {
    /// Starts a core.
    ///
    /// # Errors
    /// The emulator is not installed or does not start.
    pub fn start(board: &Board, firmware: &Firmware, settings: &Settings) -> Result<Self> {
        if process::find(&board.qemu.command).is_none() {
            return Err(toolchain::missing_emulator(&board.qemu.command, &board.qemu.package));
        }
        let (folder, folder_promise) = process::temporary_folder(&std::env::temp_dir())?;
        let image = folder.path().join("firmware.elf");
        fs::write(&image, &firmware.elf).map_err(|e| Error::io("write", &image, &e))?;
        let [to, from] = ["to_core", "from_core"].map(|name| folder.path().join(name));
        process::run("pipes cannot be made", Command::new("mkfifo").args([&to, &from]))?;
        let mut qemu = machine::command(board);
        qemu.args(["-icount", "shift=0"]).current_dir(folder.path());
        qemu.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let (child, child_promise) = process::spawn(&mut qemu)?;
        let (to, from) = (open(&to)?, open(&from)?);
        let from = listen(from);
        let mut link = Self { child, to, from, folder, _promises: [child_promise, folder_promise] };
        let words = settings.to_words().map(u32::to_le_bytes);
        link.send(words.as_flattened())?;
        Ok(link)
    }

    /// One period: what the link has brought the core, and what the core sends.
    ///
    /// # Errors
    /// The core has stopped, or more has come than it can take.
    pub fn exchange(&mut self, received: &[u8]) -> Result<Vec<u8>> {
        let length = u16::try_from(received.len()).ok().filter(|&length| length <= 2048);
        let length = length.ok_or_else(|| {
            Error::new("the link brings more than the firmware takes in a period")
                .expected("2048 bytes")
                .found(received.len())
                .help("send less in a period, or make the period shorter")
        })?;
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend_from_slice(received);
        self.send(&bytes)?;
        // No answer: the core has stopped, and its pipe stays open on this side.
        self.from.recv_timeout(PATIENCE).map_err(|e| self.stopped(&e))
    }

    /// Turns a bit of the model's memory over.
    ///
    /// # Errors
    /// The core has stopped.
    pub fn flip(&mut self, bit: u32) -> Result<()> {
        let mut bytes = FLIP.to_le_bytes().to_vec();
        bytes.extend_from_slice(&bit.to_le_bytes());
        self.send(&bytes)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.to.write_all(bytes).and_then(|()| self.to.flush()).map_err(|e| self.stopped(&e))
    }

    fn stopped(&self, error: &dyn std::error::Error) -> Error {
        Error::new("the emulated core has stopped")
            .file(self.folder.path())
            .expected("an answer in every period")
            .found(error)
            .help("run the model by itself first: nervecord emulate")
    }
}

/// Opens a pipe for both directions, which never waits for the other end.
fn open(path: &Path) -> Result<File> {
    let file = OpenOptions::new().read(true).write(true).open(path);
    file.map_err(|e| Error::io("open", path, &e))
}

/// Answers as they come; each has its length before it.
fn listen(mut from: File) -> Receiver<Vec<u8>> {
    let (tell, heard) = mpsc::channel();
    let mut next = move || {
        let mut length = [0; 2];
        from.read_exact(&mut length).ok()?;
        let mut answer = vec![0; u16::from_le_bytes(length).into()];
        from.read_exact(&mut answer).ok()?;
        Some(answer)
    };
    thread::spawn(move || while next().is_some_and(|answer| tell.send(answer).is_ok()) {});
    heard
}

impl Drop for Link {
    /// A loss of power.
    fn drop(&mut self) {
        // Either fails only if it has just ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // With nobody to tell, the listener ends at its next answer.
        self.from = mpsc::channel().1;
        let _ = open(&self.folder.path().join("from_core")).and_then(|mut pipe| {
            pipe.write_all(&[0, 0]).map_err(|e| Error::io("write", "from_core", &e))
        });
    }
}
