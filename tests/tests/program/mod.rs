//! The command line, called as another program would.

// Every test file has its own copy and uses its own part.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nervecord_tests::models;
use tempfile::TempDir;

/// A folder to work in, which goes when the test ends.
pub struct Desk {
    folder: TempDir,
}

/// How a call went.
pub struct Outcome {
    /// The exit code.
    pub code: i32,
    /// Results.
    pub stdout: String,
    /// Messages.
    pub stderr: String,
}

impl Desk {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a file on the desk.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The names of all that lies on the desk.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// `nervecord` with the desk as its working directory, to be called.
    pub fn command<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nervecord-tested"));
        command.args(arguments).current_dir(self.folder.path());
        command
    }

    /// Calls `nervecord` with the desk as its working directory.
    pub fn nervecord<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Outcome {
        self.command(arguments).output().unwrap().into()
    }

    /// Calls a command on a bundled model with its calibration data, and `more`.
    pub fn on(&self, command: &str, model: &str, more: &[&str]) -> Outcome {
        let path = bundled(model, "model.onnx");
        let calibration = bundled(model, "calibration.csv");
        let head = [command, &path, "--calibration", &calibration];
        self.nervecord(&[&head, more].concat())
    }
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code().unwrap(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Outcome {
    /// Holds that the call did what it was asked, without a word on stderr.
    #[track_caller]
    pub fn done(self) -> Self {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "{}", self.stdout);
        self
    }

    /// Holds that the call was refused with all of `parts` in the message and a way out, and nothing else
    /// said.
    #[track_caller]
    pub fn refused(self, parts: &[&str]) -> Self {
        assert_eq!(self.code, 2, "{}{}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "", "{}", self.stderr);
        for part in parts {
            assert!(self.stderr.contains(part), "`{part}` is not in:\n{}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        let misuse = self.stderr.contains("--help");
        assert!(misuse || self.stderr.contains(" help: "), "nothing to do: {}", self.stderr);
        assert!(!self.stderr.contains('\x1b'), "colour codes in a pipe: {}", self.stderr);
        self
    }
}

/// The path of a bundled model's file, as an argument.
pub fn bundled(model: &str, file: &str) -> String {
    text(&models(model).join(file))
}

/// A path as an argument.
pub fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// An array of numpy's with the given header and numbers.
pub fn npy(header: &str, numbers: &[f32]) -> Vec<u8> {
    // Magic, version and length take ten bytes; the data starts at a multiple of 64.
    let header = format!("{header}{}\n", " ".repeat(64 - (10 + header.len() + 1) % 64));
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(numbers.iter().flat_map(|v| v.to_le_bytes()));
    bytes
}
