//! `cargo xtask boards`: every development board's firmware, and what it takes of the part.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use nervecord_cli::emulate::{self, Reach, Toolchain};
use nervecord_codegen::{Error, Result};
use object::{Object, ObjectSection, SectionFlags, SectionKind};
use serde::Deserialize;

use crate::checkout::{cargo_path, root, say};
use crate::table::{self, Place};

/// Columns of the table.
const HEAD: [&str; 9] =
    ["board", "part", "core", "firmware", "flash B", "of", "RAM B", "of", "our panics"];

/// The firmware without a feature.
const SWIMMER: &str = "swimmer";

/// A development board: a folder of `boards/` with a `part.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The folder.
    #[serde(skip)]
    pub folder: PathBuf,
    /// The board, as its maker spells it.
    name: String,
    /// The microcontroller.
    part: String,
    /// Kilobytes for code and tables.
    flash_kib: u64,
    /// Kilobytes for data and stack.
    ram_kib: u64,
    /// Features that make further firmwares.
    #[serde(default)]
    features: Vec<String>,
    /// Its cores; the first is the one its `.cargo/config.toml` builds for.
    #[serde(rename = "core")]
    cores: Vec<Core>,
}

/// A core that firmware can be built for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Core {
    /// The core.
    name: String,
    /// Its Rust target.
    pub target: String,
}

/// A firmware of a board.
#[derive(Debug, Clone, Copy)]
pub struct Firmware<'a> {
    part: &'a Part,
    core: &'a Core,
    /// What it has beyond swimming.
    feature: Option<&'a str>,
}

impl Part {
    /// All development boards, by folder.
    ///
    /// # Errors
    /// A description cannot be read.
    pub fn all() -> Result<Vec<Self>> {
        let boards = root().join("boards");
        let entries = fs::read_dir(&boards).map_err(|e| Error::io("read", &boards, &e))?;
        let mut folders: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|folder| folder.join("part.toml").is_file())
            .collect();
        folders.sort();
        folders.into_iter().map(Self::load).collect()
    }

    fn load(folder: PathBuf) -> Result<Self> {
        let file = folder.join("part.toml");
        let text = fs::read_to_string(&file).map_err(|e| Error::io("read", &file, &e))?;
        let part: Self = toml::from_str(&text).map_err(|error| {
            Error::new("the board's description cannot be used")
                .file(&file)
                .found(error.to_string().trim())
                .help("compare it with another board's")
        })?;
        Ok(Self { folder, ..part })
    }

    /// The folder's name, which is the crate's.
    pub fn id(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The Rust targets of its cores.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.cores.iter().map(|core| core.target.as_str())
    }

    /// A firmware for its first core: `swimmer`, `bench`, or one of its features.
    ///
    /// # Errors
    /// It has no such firmware.
    pub fn firmware(&self, name: &str) -> Result<Firmware<'_>> {
        self.firmwares().find(|firmware| firmware.name() == name).ok_or_else(|| {
            let names: Vec<&str> = self.firmwares().map(|f| f.feature.unwrap_or(SWIMMER)).collect();
            Error::new("the board has no such firmware")
                .at(self.id())
                .expected(names.join(", "))
                .found(name)
        })
    }

    /// All firmwares, for every core.
    pub fn firmwares(&self) -> impl Iterator<Item = Firmware<'_>> {
        let features = self.features.iter().map(|feature| Some(feature.as_str()));
        let features: Vec<_> = [None, Some("bench")].into_iter().chain(features).collect();
        let of = move |core| {
            let features = features.clone().into_iter();
            features.map(move |feature| Firmware { part: self, core, feature })
        };
        self.cores.iter().flat_map(of)
    }
}

impl Firmware<'_> {
    fn name(&self) -> &str {
        self.feature.unwrap_or(SWIMMER)
    }

    /// A cargo call on the board's crate.
    ///
    /// # Errors
    /// No compiler is set up for its target.
    pub fn cargo(&self, verb: &str) -> Result<Command> {
        let target = &self.core.target;
        let mut cargo = Command::new(cargo_path());
        cargo.args([verb, "--release", "--locked", "--target", target]);
        cargo.current_dir(&self.part.folder);
        cargo.args(self.feature.iter().flat_map(|feature| ["--features", feature]));
        cargo.env_remove("RUSTFLAGS").env_remove("CARGO_BUILD_TARGET");
        Toolchain::find(target)?.configure(&mut cargo)?;
        Ok(cargo)
    }

    /// The linked file that is flashed.
    ///
    /// # Errors
    /// It does not build, or has a heap or computes in floats.
    pub fn image(&self) -> Result<Vec<u8>> {
        let mut cargo = self.cargo("build")?;
        let output = cargo.arg("--quiet").output();
        let output = output.map_err(|e| Error::new("cargo cannot start").found(e))?;
        let id = self.part.id();
        if !output.status.success() {
            return Err(Error::new("the firmware does not build")
                .at(id)
                .found(String::from_utf8_lossy(&output.stderr).trim()));
        }
        let target = root().join("boards/target").join(&self.core.target);
        let elf = target.join("release").join(&id);
        let bytes = fs::read(&elf).map_err(|e| Error::io("read", &elf, &e))?;
        let firmware = emulate::Firmware::read(bytes)?;
        Reach::of(&firmware)?.require_integers().map_err(|e| e.file(&elf).at(id))?;
        Ok(firmware.elf)
    }
}

/// What a linked image takes, and where its own code may panic.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// Bytes that are flashed.
    pub flash: u64,
    /// Bytes of static data.
    pub ram: u64,
    /// Places in our own code, and in crates of the loop's path, where it may panic.
    pub panics: Vec<String>,
}

impl Image {
    /// What a linked image takes.
    ///
    /// # Errors
    /// It is none.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let file = object::File::parse(bytes)
            .map_err(|e| Error::new("the firmware is not an ELF file").found(e))?;
        let mut image = Self::default();
        for section in file.sections() {
            let SectionFlags::Elf { sh_flags, .. } = section.flags() else { continue };
            let name = section.name().unwrap_or_default();
            // A linker script's placeholders and the stack, which gets what is left.
            let empty = ["dummy", "stack"].iter().any(|word| name.contains(word));
            if sh_flags.0 & object::elf::SHF_ALLOC.0 == 0 || empty {
                continue;
            }
            let stored = section.kind() != SectionKind::UninitializedData;
            // Written to, or code that is copied into RAM as Espressif's script does.
            let in_ram =
                sh_flags.0 & object::elf::SHF_WRITE.0 != 0 || [".trap", ".rwtext"].contains(&name);
            image.flash += if stored { section.size() } else { 0 };
            image.ram += if in_ram { section.size() } else { 0 };
            if stored {
                image.panics.extend(places(section.data().unwrap_or_default()));
            }
        }
        Ok(image)
    }
}

/// Source files of ours, or of crates in the loop's path, that a panic's location names.
fn places(data: &[u8]) -> Vec<String> {
    const OURS: [&str; 10] = [
        "runtime/src/",
        "swimmer/src/",
        "ncap_swimmer/",
        "src/main.rs",
        "src/board",
        "src/chip.rs",
        "boards/pico/bus.rs",
        "/heapless-",
        "/fixed-",
        "/micromath-",
    ];
    let text = data.split(|byte| !(b' '..=b'~').contains(byte));
    let text = text.filter_map(|piece| std::str::from_utf8(piece).ok());
    text.filter(|piece| piece.contains(".rs") && OURS.iter().any(|ours| piece.contains(ours)))
        .map(str::to_owned)
        .collect()
}

/// Builds every board's firmwares and prints the table, and writes it into `boards/README.md` if
/// asked; whether no firmware has a panic of ours.
///
/// # Errors
/// A board's firmware does not build, or is larger than the part; the document has no place.
pub fn boards(write: bool) -> Result<bool> {
    let document = root().join("boards/README.md");
    let place = write.then(|| Place::find(&document, "sizes")).transpose()?;
    let mut rows = Vec::new();
    let mut clean = true;
    let mut most = [0.0_f64; 2];
    for part in &Part::all()? {
        for firmware in part.firmwares() {
            say(&format!("{} for {}, {}", firmware.name(), part.id(), firmware.core.name));
            let image = Image::read(&firmware.image()?).map_err(|e| e.at(part.id()))?;
            for place in &image.panics {
                println!("{}: a panic in {place}", part.id());
            }
            clean &= image.panics.is_empty();
            let (flash, ram) = (part.flash_kib << 10, part.ram_kib << 10);
            if image.flash > flash || image.ram > ram {
                return Err(Error::new("the firmware is larger than the part").at(part.id()));
            }
            for (most, (taken, of)) in most.iter_mut().zip([(image.flash, flash), (image.ram, ram)])
            {
                *most = most.max(100.0 * taken as f64 / of as f64);
            }
            let words = [part.name.as_str(), &part.part, &firmware.core.name, firmware.name()];
            let numbers = [image.flash, flash, image.ram, ram, image.panics.len() as u64];
            let row = words.into_iter().map(str::to_owned);
            rows.push(row.chain(numbers.iter().map(u64::to_string)).collect());
        }
    }
    let [flash, ram] = most;
    let most =
        format!("At most {flash:.1} % of a part's flash and {ram:.1} % of its RAM are taken.");
    let table = table::render(&HEAD, &rows);
    println!("RAM is static data; the stack has the rest. {most}\n{table}");
    if let Some(place) = place {
        place.fill(&format!("{table}\n{most}\n"))?;
    }
    Ok(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_loads_and_has_what_a_person_needs() {
        let parts = Part::all().unwrap();
        assert!(parts.len() >= 6);
        for part in parts {
            for file in ["README.md", "Cargo.lock", ".cargo/config.toml", "src/main.rs"] {
                assert!(part.folder.join(file).is_file(), "{} lacks {file}", part.id());
            }
            let config = fs::read_to_string(part.folder.join(".cargo/config.toml")).unwrap();
            let first = part.targets().next().unwrap();
            assert!(config.contains(&format!("target = \"{first}\"")), "{}", part.id());
            let readme = fs::read_to_string(part.folder.join("README.md")).unwrap();
            for word in ["cargo run --release", "--features bench", "watchdog"] {
                assert!(readme.contains(word), "{} lacks {word}", part.id());
            }
            assert!(config.contains("probe-rs run --chip"), "{}", part.id());
        }
    }

    #[test]
    fn places_in_our_code_are_found_and_others_are_not() {
        let data =
            b"\0\0/home/x/runtime/src/control/period.rs\0/r/some-hal-0.1/src/i2c.rssrc/main.rs";
        assert_eq!(places(data).len(), 2);
        assert!(places(b"/r/some-hal-0.1/src/i2c.rs").is_empty());
    }
}
