//! An emulated core in a control loop: one exchange of bytes a period.

use std::fs;
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use nervecord::control::remote::Settings;
use tempfile::TempDir;

use super::{Board, Firmware, machine, process, toolchain};
use crate::error::{Error, Result};

/// A core that runs firmware of [`Kind::Linked`](super::Kind::Linked), waiting for its next period.
///
/// The firmware has no clock but the exchanges, so a run is the same every time. (Instructions are not
/// tied to virtual time here: QEMU then never wakes a core that waits for its console.)
#[derive(Debug)]
pub struct Link {
    child: Child,
    to: ChildStdin,
    from: ChildStdout,
    // Deleted when the core is.
    folder: TempDir,
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
        let place = std::env::temp_dir();
        let folder = tempfile::tempdir().map_err(|e| Error::io("create", &place, &e))?;
        let image = folder.path().join("firmware.elf");
        fs::write(&image, &firmware.elf).map_err(|e| Error::io("write", &image, &e))?;
        let mut qemu = machine::command(board, ",chardev=link");
        qemu.args(["-chardev", "stdio,id=link,signal=off"]);
        qemu.current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let started = qemu.stderr(Stdio::null()).spawn();
        let mut child = started.map_err(|error| {
            Error::new("the emulator cannot be started").at(process::line(&qemu)).found(error)
        })?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::new("the emulator has no standard streams"));
        };
        let mut link = Self { child, to, from, folder };
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
        })?;
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend_from_slice(received);
        self.send(&bytes)?;
        let mut length = [0; 2];
        self.receive(&mut length)?;
        let mut answer = vec![0; u16::from_le_bytes(length).into()];
        self.receive(&mut answer)?;
        Ok(answer)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.to.write_all(bytes).and_then(|()| self.to.flush()).map_err(|e| self.stopped(&e))
    }

    fn receive(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.from.read_exact(bytes).map_err(|e| self.stopped(&e))
    }

    fn stopped(&self, error: &std::io::Error) -> Error {
        Error::new("the emulated core has stopped").file(self.folder.path()).found(error)
    }
}

impl Drop for Link {
    /// A loss of power.
    fn drop(&mut self) {
        // Either fails only if it has just ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
