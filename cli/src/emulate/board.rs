//! Emulated machines: a folder each, with `board.toml` and `memory.x`.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use nervecord_codegen::{Error, Result};

/// An emulated machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// The name of its folder.
    #[serde(skip)]
    pub name: String,
    /// The core, as its maker spells it.
    pub core: String,
    /// The Rust target of its firmware.
    pub target: String,
    /// Compiler flags that the core wants beyond its target's.
    #[serde(default)]
    pub rustflags: Vec<String>,
    /// Features of the firmware, such as `dsp` where the target alone does not say so.
    #[serde(default)]
    pub features: Vec<String>,
    /// What a reader should know.
    #[serde(default)]
    pub notes: String,
    /// The emulator.
    pub qemu: Qemu,
    /// Bytes for code and tables.
    #[serde(skip)]
    pub flash_bytes: u64,
    /// Bytes for data and stack.
    #[serde(skip)]
    pub ram_bytes: u64,
}

/// How QEMU is called for a machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Qemu {
    /// The program.
    pub command: String,
    /// The Debian package that has it.
    pub package: String,
    /// The value of `-machine`.
    pub machine: String,
    /// The value of `-cpu`, if the machine leaves a choice.
    pub cpu: Option<String>,
    /// Further arguments.
    #[serde(default)]
    pub args: Vec<String>,
}

/// The folder of the boards: `NERVECORD_BOARDS`, else beside the sources this library was built from.
///
/// # Errors
/// There is no such folder.
pub fn boards_folder() -> Result<PathBuf> {
    let folder = std::env::var_os("NERVECORD_BOARDS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../boards")),
        PathBuf::from,
    );
    folder.canonicalize().map_err(|error| {
        Error::new("the folder of the emulated boards is not there")
            .file(&folder)
            .expected("the `boards` folder of a nervecord checkout")
            .found(error)
            .help("set NERVECORD_BOARDS to the `boards` folder of a nervecord checkout")
    })
}

impl Board {
    /// All machines, by name.
    ///
    /// # Errors
    /// The folder or a description in it cannot be used.
    pub fn all() -> Result<Vec<Self>> {
        let folder = boards_folder()?;
        let entries = fs::read_dir(&folder).map_err(|e| Error::io("read", &folder, &e))?;
        let mut boards = Vec::new();
        for entry in entries {
            let path = entry.map_err(|e| Error::io("read", &folder, &e))?.path();
            if path.join("board.toml").is_file() {
                boards.push(Self::load(&path)?);
            }
        }
        boards.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(boards)
    }

    /// The machine of a name.
    ///
    /// # Errors
    /// There is none, or its description cannot be used.
    pub fn find(name: &str) -> Result<Self> {
        let boards = Self::all()?;
        let names: Vec<&str> = boards.iter().map(|b| b.name.as_str()).collect();
        let unknown = Error::new("there is no such board")
            .expected(format!("one of {}", names.join(", ")))
            .found(name)
            .help("choose one of these, or add a folder with board.toml and memory.x to boards/");
        boards.into_iter().find(|b| b.name == name).ok_or(unknown)
    }

    fn load(folder: &Path) -> Result<Self> {
        let file = folder.join("board.toml");
        let text = fs::read_to_string(&file).map_err(|e| Error::io("read", &file, &e))?;
        let mut board: Self = toml::from_str(&text).map_err(|error| {
            Error::new("the board's description cannot be used")
                .file(&file)
                .found(error.to_string().trim())
                .help("compare it with another board's")
        })?;
        board.name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let map = folder.join("memory.x");
        let text = fs::read_to_string(&map).map_err(|e| Error::io("read", &map, &e))?;
        board.flash_bytes = region(&text, "FLASH").map_err(|e| e.file(&map))?;
        board.ram_bytes = region(&text, "RAM").map_err(|e| e.file(&map))?;
        Ok(board)
    }
}

/// The length of a region in a memory map, as in `FLASH : ORIGIN = 0x00000000, LENGTH = 256K`.
fn region(map: &str, name: &str) -> Result<u64> {
    let length = map.lines().find_map(|line| {
        let (head, rest) = line.split_once(':')?;
        (head.trim() == name).then(|| rest.rsplit_once('=').map_or("", |(_, length)| length.trim()))
    });
    let bytes = length.and_then(|text| {
        let digits = text.trim_end_matches(['K', 'M']);
        let unit = match &text[digits.len()..] {
            "" => 1,
            "K" => 1 << 10,
            "M" => 1 << 20,
            _ => return None,
        };
        digits.parse::<u64>().ok()?.checked_mul(unit)
    });
    bytes.ok_or_else(|| {
        Error::new("a memory region has no length")
            .at(name)
            .expected("a line such as `FLASH : ORIGIN = 0x00000000, LENGTH = 256K`")
            .found(length.unwrap_or("no such line"))
            .help("compare it with another board's memory.x")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_board_loads_and_is_found_by_its_folder() {
        let boards = Board::all().unwrap();
        assert!(boards.len() >= 3);
        for board in boards {
            assert!(board.flash_bytes > 0 && board.ram_bytes > 0);
            assert_eq!(Board::find(&board.name).unwrap(), board);
        }
    }

    #[test]
    fn an_unknown_board_names_the_known_ones() {
        let message = Board::find("abacus").unwrap_err().to_string();
        assert!(message.contains("abacus") && message.contains("qemu-cortex-m4"), "{message}");
    }

    #[test]
    fn lengths_are_read_in_bytes_kilobytes_and_megabytes() {
        let map = "MEMORY\n{\n  FLASH : ORIGIN = 0x0, LENGTH = 4M\n  RAM : ORIGIN = 0x2, LENGTH = 16K\n  CCM : ORIGIN = 1, LENGTH = 12\n}\n";
        assert_eq!(region(map, "FLASH"), Ok(4 << 20));
        assert_eq!(region(map, "RAM"), Ok(16 << 10));
        assert_eq!(region(map, "CCM"), Ok(12));
        assert!(region(map, "NONE").is_err());
        assert!(region("RAM : ORIGIN = 0, LENGTH = 16X", "RAM").is_err());
    }
}
