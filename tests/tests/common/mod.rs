//! The command line in a folder of its own, as a user or a CI job calls it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nervecord_codegen::import::onnx::proto::GraphProto;
use nervecord_tests::onnx;
use tempfile::TempDir;

/// Nothing here takes seconds; a file that keeps the program busy fails its test instead of stopping all.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Inputs in `[-1, 1]` that fit [`onnx::small`].
pub const INPUTS: &str = "x0,x1\n0.5,-0.25\n-1,1\n1,-1\n0.25,0.75\n-0.5,-0.75\n";

/// A folder that goes when the test ends, with an empty folder `out` in it.
pub struct Folder(TempDir);

/// How a command went.
pub struct Ran {
    /// Exit code; none if a signal or the time limit ended it.
    pub code: Option<i32>,
    /// Results.
    pub stdout: String,
    /// Messages.
    pub stderr: String,
}

impl Folder {
    /// A folder with a good model, `net.onnx`, and its calibration data, `c.csv`.
    pub fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir(folder.path("out")).unwrap();
        folder.model(onnx::small()).write("c.csv", INPUTS)
    }

    /// Where a file of the folder is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The folder with one more file, or another in its place.
    pub fn write(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        fs::write(self.path(name), bytes).unwrap();
        self
    }

    /// The folder with `graph` as `net.onnx`.
    pub fn model(self, graph: GraphProto) -> Self {
        self.write("net.onnx", onnx::file(graph))
    }

    /// Runs the program in the folder; `args` are divided at spaces.
    pub fn run(&self, args: &str) -> Ran {
        let output = assert_cmd::Command::new(env!("CARGO_BIN_EXE_nervecord-tested"))
            .args(args.split_whitespace())
            .current_dir(self.0.path())
            .timeout(TIMEOUT)
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Every file and folder below, hidden and temporary ones too, with the bytes of the files.
    pub fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        collect(self.0.path(), &mut found);
        found
    }
}

/// A little-endian float32 `.npy` file of a shape, with `data` after its header.
pub fn npy(shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16 + 1).to_le_bytes());
    file.extend(header.as_bytes());
    file.push(b'\n');
    file.extend(data);
    file
}

fn collect(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
            found.insert(path, vec![]);
        } else {
            let bytes = fs::read(&path).unwrap();
            found.insert(path, bytes);
        }
    }
}
