//! A real browser without a window, for pages that people will look at.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// Debian's package and program.
pub const DEBIAN: &str = "chromium";
/// What it is called elsewhere.
const NAMES: [&str; 4] = [DEBIAN, "chromium-browser", "google-chrome", "google-chrome-stable"];

/// The reader's colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// The program, and a profile of its own that goes with it.
pub struct Browser {
    program: PathBuf,
    profile: TempDir,
}

/// Where a browser is on PATH.
pub fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let in_folder = |folder: PathBuf| NAMES.map(|name| folder.join(name));
    std::env::split_paths(&path).flat_map(in_folder).find(|file| file.is_file())
}

impl Browser {
    /// The browser of this machine.
    ///
    /// # Panics
    /// There is none; the message says how to get one.
    pub fn new() -> Self {
        let Some(program) = find() else {
            panic!(
                "no browser: run `sudo apt-get install -y {DEBIAN}`, or `cargo xtask setup` as root"
            )
        };
        match tempfile::tempdir() {
            Ok(profile) => Self { program, profile },
            Err(error) => panic!("{error}"),
        }
    }

    /// What a page becomes once it is shown, and what the browser's console says meanwhile.
    ///
    /// # Panics
    /// The browser does not run.
    pub fn shown(&self, page: &Path, scheme: Scheme, width: usize) -> (String, Vec<String>) {
        let logging = ["--enable-logging=stderr", "--log-level=0", "--dump-dom"];
        let output = self.run(page, scheme, width, &logging.map(str::to_owned));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let log = text(&output.stderr);
        let said = log.lines().filter(|line| line.contains("CONSOLE"));
        (text(&output.stdout), said.map(str::to_owned).collect())
    }

    /// A picture of the page's first screen, as PNG.
    ///
    /// # Panics
    /// The browser does not run.
    pub fn screenshot(&self, page: &Path, scheme: Scheme, width: usize) -> Vec<u8> {
        self.file(page, scheme, width, "screenshot", "png")
    }

    /// The page on paper, as PDF.
    ///
    /// # Panics
    /// The browser does not run.
    pub fn printed(&self, page: &Path) -> Vec<u8> {
        self.file(page, Scheme::Light, 1280, "print-to-pdf", "pdf")
    }

    fn file(&self, page: &Path, scheme: Scheme, width: usize, option: &str, kind: &str) -> Vec<u8> {
        let path = self.profile.path().join("result").with_extension(kind);
        self.run(page, scheme, width, &[format!("--{option}={}", path.display())]);
        match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) => panic!("--{option}: {error}"),
        }
    }

    fn run(&self, page: &Path, scheme: Scheme, width: usize, options: &[String]) -> Output {
        let scheme = match scheme {
            Scheme::Dark => 0,
            Scheme::Light => 1,
        };
        let mut command = Command::new(&self.program);
        // A container has no user namespaces for a sandbox; the pages are our own.
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]);
        command.arg(format!("--user-data-dir={}", self.profile.path().join("profile").display()));
        command.arg(format!("--blink-settings=preferredColorScheme={scheme}"));
        command.arg(format!("--window-size={width},4000")).args(options);
        command.arg(format!("file://{}", page.display())).stdin(Stdio::null());
        match command.output() {
            Ok(output) if output.status.success() => output,
            Ok(output) => panic!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => panic!("{command:?}: {error}"),
        }
    }
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}
