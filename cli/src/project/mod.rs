//! A project of its own around a trained model: firmware for a board, or a program for a desktop.
//!
//! ```text
//! model --trained--> files, names, ranges --.
//! templates --board--> what differs --------+--Project::files--> write
//! ```
//!
//! The templates are files of `templates/`, held in the program. What is `{{word}}` in them is filled in.
//!
//! Stands on the library alone.

mod board;
mod name;
mod trained;

use std::fs;
use std::path::{Path, PathBuf};

use nervecord_codegen::options::Cpu;
use nervecord_codegen::{Compiler, Error, Kind, Result, cleanup, text};

pub use self::board::{BOARDS, Board, Code};
use self::trained::Trained;

macro_rules! template {
    ($file:literal) => {
        include_str!(concat!("../../templates/", $file))
    };
}

/// What the bytes of a release are for: a probe finds lines by them, and none of them is flashed.
const PROFILE: &str = "
# Firmware is built with `--release`; what a probe reads of it is not flashed.
[profile.release]
debug = \"line-tables-only\"
";

/// What a project is for.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// A desktop.
    Host,
    /// A board, with a plain loop or an async task.
    Board(&'static Board, &'static Code),
}

/// A project to be made.
#[derive(Debug)]
pub struct Project {
    /// The folder to make; its last part is the project's name.
    folder: PathBuf,
    name: String,
    target: Target,
    embassy: bool,
    /// A checkout of nervecord, or none for published crates.
    checkout: Option<PathBuf>,
}

impl Project {
    /// A project in a folder that is not there yet.
    ///
    /// # Errors
    /// The name is no crate's, something is in its place, or there is no checkout where there should be one.
    pub fn new(
        folder: &Path,
        target: Target,
        embassy: bool,
        checkout: Option<&Path>,
    ) -> Result<Self> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let dependencies = match target {
            Target::Host => "",
            Target::Board(_, code) => code.dependencies,
        };
        name::check(&name, dependencies)?;
        // A link that leads nowhere is something too.
        if fs::symlink_metadata(folder).is_ok() {
            return Err(Error::new("there is something of this name")
                .of_kind(Kind::Options)
                .file(folder)
                .expected("a folder that is yet to be made")
                .found("a file or folder")
                .help("choose another name, or move it away"));
        }
        let checkout = checkout.map(checked).transpose()?;
        Ok(Self { folder: folder.to_owned(), name, target, embassy, checkout })
    }

    /// The core that the model is compiled for.
    pub fn cpu(&self) -> Cpu {
        match self.target {
            Target::Host => Cpu::Host,
            Target::Board(board, _) => board.cpu,
        }
    }

    /// Compiles the model, and makes the project around it, whole or not at all.
    ///
    /// # Errors
    /// The model cannot be compiled, or a file cannot be read or written.
    pub fn make(
        &self,
        compiler: &Compiler,
        model: &Path,
        calibration: Option<&Path>,
    ) -> Result<()> {
        let trained = Trained::load(compiler, model, calibration)?;
        let mut files = self.sources(&trained)?;
        files.extend(trained.files);
        self.write(&files)
    }

    /// All files but the model's.
    fn sources(&self, trained: &Trained) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        let words = self.words(trained);
        let mut files = vec![
            (".gitignore", template!("gitignore")),
            ("rustfmt.toml", template!("rustfmt.toml")),
            ("Cargo.toml", template!("manifest.toml")),
            ("src/model.rs", template!("model.rs")),
        ];
        match self.target {
            Target::Host => files.extend([
                ("README.md", template!("host/README.md")),
                ("build.rs", template!("host/build.rs")),
                ("src/main.rs", template!("host/main.rs")),
            ]),
            Target::Board(board, code) => {
                files.extend([
                    ("README.md", template!("firmware/README.md")),
                    (".cargo/config.toml", template!("firmware/config.toml")),
                    ("build.rs", template!("firmware/build.rs")),
                    ("src/board.rs", code.board),
                    ("src/panic.rs", template!("firmware/panic.rs")),
                ]);
                files.extend(code.bus.map(|bus| ("src/bus.rs", bus)));
                files.extend(board.memory.map(|memory| ("memory.x", memory)));
                files.extend(match self.embassy {
                    false => [
                        ("src/main.rs", template!("firmware/main.rs")),
                        ("src/sensor.rs", template!("firmware/sensor.rs")),
                        ("src/actuator.rs", template!("firmware/actuator.rs")),
                    ],
                    true => [
                        ("src/main.rs", template!("embassy/main.rs")),
                        ("src/sensor.rs", template!("embassy/sensor.rs")),
                        ("src/actuator.rs", template!("embassy/actuator.rs")),
                    ],
                });
            }
        }
        let filled = |(path, text): (&str, &str)| {
            Ok((PathBuf::from(path), filled(path, text, &words)?.into_bytes()))
        };
        files.into_iter().map(filled).collect()
    }

    /// What the templates' words stand for.
    fn words(&self, trained: &Trained) -> Vec<(&'static str, String)> {
        let name = &self.name;
        let compile = compile_line(trained, self.cpu());
        let report = format!(
            "nervecord compile {}{} -o target/{}.rs --report report",
            trained.path,
            trained.calibration.as_ref().map(|c| format!(" --calibration {c}")).unwrap_or_default(),
            trained.module
        );
        let mut words = vec![
            ("name", name.clone()),
            ("module", trained.module.clone()),
            ("type", trained.kind.clone()),
            ("model", trained.path.clone()),
            ("compiler", compile),
            ("report", report),
            ("readings", trained.readings.clone()),
            ("outputs", trained.outputs.clone()),
            ("about", self.about()),
            ("codegen", self.dependency("nervecord-codegen", "codegen", "")),
        ];
        let features = match self.target {
            Target::Host => "\"f32\"",
            Target::Board(..) => "\"control\", \"defmt\", \"f32\"",
        };
        let runtime = self.dependency("nervecord", "runtime", features);
        match self.target {
            Target::Host => words.extend([
                ("bin", String::new()),
                ("profile", String::new()),
                ("dependencies", format!("csv = \"1.4\"\n{runtime}\n")),
            ]),
            Target::Board(board, code) => {
                let link = |word| format!("    println!(\"cargo::rustc-link-arg-bins={word}\");");
                let mut lines: Vec<String> = code.link.iter().map(link).collect();
                if board.memory.is_some() {
                    lines.insert(0, MEMORY.trim_end().to_owned());
                }
                let rustflags: Vec<String> =
                    board.rustflags.split_whitespace().map(|flag| format!("{flag:?}")).collect();
                let rustflags = match rustflags.is_empty() {
                    true => String::new(),
                    false => format!("rustflags = [{}]", rustflags.join(", ")),
                };
                let mut dependencies: Vec<&str> = code.dependencies.lines().collect();
                dependencies.extend(["defmt = \"1.2\"", "defmt-rtt = \"1.3\"", &runtime]);
                dependencies.sort_unstable();
                words.extend([
                    ("bin", format!("[[bin]]\nname = {name:?}\ntest = false\nbench = false\n\n")),
                    ("profile", PROFILE.to_owned()),
                    ("dependencies", dependencies.join("\n") + "\n"),
                    ("link", lines.join("\n")),
                    ("rustflags", rustflags),
                    ("target", board.target.to_owned()),
                    ("chip", board.chip.to_owned()),
                    ("board", board.name.to_owned()),
                    ("part", board.part.to_owned()),
                    ("probe", board.probe.to_owned()),
                    ("scl", board.pins[0].to_owned()),
                    ("sda", board.pins[1].to_owned()),
                    ("before_main", code.before_main.to_owned()),
                    ("entry", code.entry.to_owned()),
                ]);
            }
        }
        words
    }

    /// A dependency on one of our crates.
    fn dependency(&self, name: &str, folder: &str, features: &str) -> String {
        let from = match &self.checkout {
            Some(checkout) => format!("path = {:?}", checkout.join(folder).to_string_lossy()),
            None => format!("version = {:?}", minor()),
        };
        match features {
            "" => format!("{name} = {{ {from} }}"),
            _ => format!("{name} = {{ {from}, features = [{features}] }}"),
        }
    }

    /// Where the crates come from.
    fn about(&self) -> String {
        match &self.checkout {
            Some(_) => format!(
                "Made by `nervecord new`. `Cargo.toml` takes nervecord from the folder that `--nervecord-path` said; once \
                 its crates are\npublished, put `version = {:?}` in the place of both paths.",
                minor()
            ),
            None => "Made by `nervecord new`. `Cargo.toml` takes nervecord from crates.io. As long as its crates are not \
                     published, put\n`path = \"..\"` to the folders `runtime` and `codegen` of a checkout in the place of \
                     both versions, or make the project with\n`--nervecord-path`."
                .to_owned(),
        }
    }

    /// Writes the folder under another name beside its place, and gives it its own when it is whole.
    fn write(&self, files: &[(PathBuf, Vec<u8>)]) -> Result<()> {
        let create = |e: &std::io::Error| Error::io("create", &self.folder, e);
        let beside = self.folder.parent().filter(|parent| !parent.as_os_str().is_empty());
        let beside = beside.unwrap_or(Path::new("."));
        let (scratch, _promise) = cleanup::promised(
            || tempfile::Builder::new().prefix(".nervecord-new").tempdir_in(beside),
            |folder| cleanup::Litter::Folder(folder.path().to_owned()),
        )
        .map_err(|e| create(&e))?;
        // One deeper: a temporary folder is for its owner alone, and the project is as open as the user's others.
        let whole = scratch.path().join(&self.name);
        for (path, bytes) in files {
            let path = whole.join(path);
            fs::create_dir_all(path.parent().unwrap_or(&whole)).map_err(|e| create(&e))?;
            fs::write(&path, bytes).map_err(|e| Error::io("write", &path, &e))?;
        }
        let _calm = cleanup::calm();
        // Where another process was faster, its folder is not empty, and this fails.
        fs::rename(&whole, &self.folder).map_err(|e| create(&e))
    }

    /// What was made and what is next, for a terminal.
    pub fn next(&self, trained: &str) -> String {
        let folder = text::path(&self.folder);
        let commands = match self.target {
            Target::Host => vec![
                (format!("cd {folder}"), String::new()),
                (
                    "cargo build --release".to_owned(),
                    "compiles the model and the program".to_owned(),
                ),
                (
                    "cargo run --release inputs.csv".to_owned(),
                    "steps it on a CSV of inputs".to_owned(),
                ),
            ],
            Target::Board(board, _) => vec![
                (format!("cd {folder}"), format!("rustup target add {}, once", board.target)),
                (
                    "cargo build --release".to_owned(),
                    "compiles the model and the firmware".to_owned(),
                ),
                (
                    "cargo run --release".to_owned(),
                    "flashes it with probe-rs and prints what it says".to_owned(),
                ),
            ],
        };
        let what = match self.target {
            Target::Host => "a program for this machine".to_owned(),
            Target::Board(board, _) if self.embassy => {
                format!("firmware with embassy for {}", board.name)
            }
            Target::Board(board, _) => format!("firmware for {}", board.name),
        };
        let mut said = format!("made {folder}: {what} around {trained}\n");
        for (command, about) in commands {
            let line = format!("  {command:<32} # {about}");
            said += line.trim_end_matches([' ', '#']);
            said.push('\n');
        }
        if let Target::Board(..) = self.target {
            said += "then look for TODO: src/sensor.rs, src/actuator.rs and the rate in src/main.rs are yours\n";
        }
        if self.checkout.is_none() {
            said += "nervecord's crates are not published yet: give --nervecord-path DIR, a checkout, or say it in Cargo.toml\n";
        }
        said
    }
}

/// How a build script has the linker find the map of memory.
const MEMORY: &str = r#"    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo::rustc-link-search={folder}");
    println!("cargo::rerun-if-changed=memory.x");
"#;

/// How a build script says what is compiled.
fn compile_line(trained: &Trained, cpu: Cpu) -> String {
    let mut calls = vec![format!("Compiler::new({:?})", trained.path)];
    calls.extend(trained.calibration.as_ref().map(|path| format!(".calibration({path:?})")));
    calls.extend([format!(".name({:?})", trained.module), format!(".cpu(Cpu::{cpu:?})")]);
    // As rustfmt has it.
    let line = calls.concat();
    if line.len() <= 83 { line } else { calls.join("\n        ") }
}

/// Our version, as far as it says what works together.
fn minor() -> &'static str {
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    VERSION.rsplit_once('.').map_or(VERSION, |(minor, _)| minor)
}

/// The absolute path of a checkout of nervecord.
fn checked(path: &Path) -> Result<PathBuf> {
    let missing = ["runtime/Cargo.toml", "codegen/Cargo.toml"];
    let missing = missing.into_iter().find(|file| !path.join(file).is_file());
    match missing {
        None => std::path::absolute(path).map_err(|e| Error::io("find", path, &e)),
        Some(file) => Err(Error::new("this is no checkout of nervecord")
            .of_kind(Kind::Options)
            .at("--nervecord-path")
            .file(path)
            .expected("a folder with runtime/ and codegen/")
            .found(format!("no {file}"))
            .help("clone the repository and give its root")),
    }
}

/// A template with its words filled in.
fn filled(path: &str, template: &str, words: &[(&str, String)]) -> Result<String> {
    let unknown = |word: &str| {
        Error::new("a template asks for what is not known")
            .file(path)
            .found(word)
            .help("report this")
    };
    let (mut text, mut rest) = (String::new(), template);
    while let Some((before, after)) = rest.split_once("{{") {
        let (word, after) = after.split_once("}}").ok_or_else(|| unknown(after))?;
        let (_, value) =
            words.iter().find(|(name, _)| *name == word).ok_or_else(|| unknown(word))?;
        text += before;
        text += value;
        // A word that stands for nothing takes its line with it.
        let alone = value.is_empty() && (text.is_empty() || text.ends_with('\n'));
        rest = after.strip_prefix('\n').filter(|_| alone).unwrap_or(after);
    }
    Ok(text + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_filled_in_and_those_that_are_empty_leave_no_line() {
        let words = [("a", "1".to_owned()), ("b", String::new())];
        assert_eq!(filled("f", "x {{a}}\n{{b}}\ny{{b}}\n", &words).unwrap(), "x 1\ny\n");
        assert!(filled("f", "{{c}}", &words).is_err());
        assert!(filled("f", "{{a", &words).is_err());
    }
}
