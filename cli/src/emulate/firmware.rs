//! Firmware: built from a generated module for a board, and what its ELF says.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use object::{Object, ObjectSymbol, SymbolKind};

use super::board::{Board, boards_folder};
use super::firmware_kind::Kind;
use super::toolchain::Toolchain;
use super::{process, rust};
use nervecord_codegen::{Error, Result};

/// A linked firmware image.
#[derive(Debug, Clone)]
pub struct Firmware {
    /// The ELF file.
    pub elf: Vec<u8>,
    /// Its functions in order of address.
    pub functions: Vec<Function>,
}

/// A function in a firmware image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// The symbol's name as the linker has it.
    pub symbol: String,
    /// Where its first instruction is.
    pub address: u64,
    /// Its size with the constants in it; 0 for an alias or a piece of assembly.
    pub bytes: u64,
}

impl Firmware {
    /// Builds the firmware of `kind` around the text of a generated module.
    ///
    /// # Errors
    /// No compiler is set up, the module does not compile, or the image does not fit the board.
    pub fn build(board: &Board, module: &str, kind: Kind) -> Result<Self> {
        let boards = boards_folder()?;
        let toolchain = Toolchain::find(&board.target)?;
        let place = boards.join("target/emulate").join(&board.name);
        fs::create_dir_all(&place).map_err(|e| Error::io("create", &place, &e))?;
        // Held until the image is read: all boards of a target build into one place.
        let _lock = lock(&place.with_file_name(format!("{}.lock", board.target)))?;
        let copy = place.join("model.rs");
        if fs::read(&copy).ok().as_deref() != Some(module.as_bytes()) {
            fs::write(&copy, module).map_err(|e| Error::io("write", &copy, &e))?;
        }
        let cargo = toolchain.cargo("build", board, &copy, kind)?;
        let artefacts = build(&boards, cargo).map_err(|e| explain(e, board))?;
        let elf = artefacts.join(&board.target).join("release/nervecord-emulated");
        Self::read(fs::read(&elf).map_err(|e| Error::io("read", &elf, &e))?)
    }

    /// Takes an ELF file apart.
    ///
    /// # Errors
    /// It is not one.
    pub fn read(elf: Vec<u8>) -> Result<Self> {
        let file = object::File::parse(&*elf).map_err(|error| {
            Error::new("the firmware is not an ELF file")
                .expected("what the linker of the board's target writes")
                .found(error)
                .help("remove boards/target and run it again")
        })?;
        let mut functions: Vec<Function> = file
            .symbols()
            .filter(|s| s.kind() == SymbolKind::Text)
            .filter_map(|s| {
                Some(Function {
                    symbol: s.name().ok()?.to_owned(),
                    // On ARM the lowest bit says Thumb; it is no part of the address.
                    address: s.address() & !1,
                    bytes: s.size(),
                })
            })
            .collect();
        functions.sort_by(|a, b| (a.address, &a.symbol).cmp(&(b.address, &b.symbol)));
        Ok(Self { elf, functions })
    }

    /// Where the function of a name starts.
    ///
    /// # Errors
    /// There is none.
    pub fn address(&self, symbol: &str) -> Result<u64> {
        let found = self.functions.iter().find(|f| f.symbol == symbol);
        found.map(|f| f.address).ok_or_else(|| {
            Error::new("the firmware lacks a function")
                .expected(format!("a symbol {symbol}"))
                .found("none of that name")
                .help("build firmware and nervecord from one checkout")
        })
    }

    /// The function that holds an address.
    pub fn function_at(&self, address: u64) -> Option<&Function> {
        self.functions.iter().find(|f| (f.address..f.address + f.bytes).contains(&address))
    }
}

impl Function {
    /// The name as its author wrote it, without a hash.
    pub fn name(&self) -> String {
        format!("{:#}", rustc_demangle::demangle(&self.symbol))
    }

    /// Why an inference path must not reach it, by its name.
    pub fn forbidden(&self) -> Option<&'static str> {
        forbidden(&self.symbol)
    }
}

/// Why a function may not be there: it panics, or writes messages.
pub const PANIC: &str = "a panic";
/// It allocates.
pub const HEAP: &str = "the heap";
/// It computes in floats.
pub const FLOAT: &str = "a float";

/// Why a symbol may not be in an inference path, by its name.
pub fn forbidden(symbol: &str) -> Option<&'static str> {
    // Substrings, because a mangled name holds its path in pieces.
    const PANICS: [&str; 5] =
        ["panic", "unwrap_failed", "expect_failed", "begin_unwind", "4core3fmt"];
    const ALLOCATES: [&str; 3] = ["__rust_alloc", "5alloc", "__rg_"];
    // Names of the soft-float routines: ARM's run-time ABI, then the compiler's own.
    const FLOAT_ABI: [&str; 8] = [
        "__aeabi_f",
        "__aeabi_d",
        "__aeabi_cf",
        "__aeabi_cd",
        "__aeabi_i2",
        "__aeabi_ui2",
        "__aeabi_l2",
        "__aeabi_ul2",
    ];
    const FLOAT_WORDS: [&str; 17] = [
        "add", "sub", "mul", "div", "neg", "float", "fix", "extend", "trunc", "unord", "eq", "ne",
        "lt", "le", "gt", "ge", "pow",
    ];
    let soft_float = symbol.strip_prefix("__").is_some_and(|name| {
        (name.contains("sf") || name.contains("df"))
            && FLOAT_WORDS.iter().any(|word| name.starts_with(word))
    });
    let soft_float = soft_float || FLOAT_ABI.iter().any(|name| symbol.starts_with(name));
    let holds = |paths: &[&str]| paths.iter().any(|path| symbol.contains(path));
    match () {
        () if holds(&ALLOCATES) => Some(HEAP),
        () if holds(&PANICS) => Some(PANIC),
        () if soft_float => Some(FLOAT),
        () => None,
    }
}

/// The plugin that counts, for the interface version `api` of QEMU.
pub fn plugin(api: u32) -> Result<PathBuf> {
    let boards = boards_folder()?;
    let place = boards.join("target/emulate/plugin");
    fs::create_dir_all(&place).map_err(|e| Error::io("create", &place, &e))?;
    let _lock = lock(&place.join("lock"))?;
    let mut cargo = rust::cargo();
    cargo.args(["build", "--release", "--package", "qemu-plugin"]);
    cargo.env("NERVECORD_PLUGIN_API", api.to_string());
    let library =
        format!("{}qemu_plugin{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let built = build(&boards, cargo)?.join("release").join(&library);
    // One copy a version, since another job may want another version.
    let copy = place.join(format!("{api}-{library}"));
    let bytes = fs::read(&built).map_err(|e| Error::io("read", &built, &e))?;
    if fs::read(&copy).ok().as_ref() != Some(&bytes) {
        fs::write(&copy, bytes).map_err(|e| Error::io("write", &copy, &e))?;
    }
    Ok(copy)
}

/// Runs a cargo build of the boards' workspace; the folder of its artefacts.
fn build(boards: &Path, mut cargo: Command) -> Result<PathBuf> {
    let artefacts = boards.join("target");
    cargo.current_dir(boards).arg("--target-dir").arg(&artefacts);
    // What cargo sets for a running test or task is not meant for another workspace.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    process::run("the firmware does not build", &mut cargo)?;
    Ok(artefacts)
}

/// Puts the usual causes of a failed build in a user's words.
fn explain(error: Error, board: &Board) -> Error {
    let text = error.to_string();
    let overflow = text.lines().find(|line| line.contains("will not fit in region"));
    match overflow {
        Some(line) => Error::new(format!("the firmware does not fit {}", board.name))
            .expected(format!(
                "at most {} bytes of flash and {} of RAM",
                board.flash_bytes, board.ram_bytes
            ))
            .found(line.trim())
            .help("choose a larger board, or a smaller network"),
        None => error,
    }
}

fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).map_err(|e| Error::io("create", path, &e))?;
    file.lock().map_err(|e| Error::io("lock", path, &e))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_heap_and_soft_floats_are_forbidden() {
        for symbol in [
            "_ZN4core9panicking18panic_bounds_check17h0123456789abcdefE",
            "_RNvNtCs7ldSeZOOJos_4core9panicking9panic_fmt",
            "_RNvNtCs7ldSeZOOJos_4core3fmt5write",
            "_ZN4core6option13unwrap_failed17h0123456789abcdefE",
            "__rust_alloc",
            "__aeabi_fadd",
            "__aeabi_dcmplt",
            "__aeabi_i2f",
            "__addsf3",
            "__floatunsisf",
            "__fixdfsi",
        ] {
            assert!(forbidden(symbol).is_some(), "{symbol}");
        }
    }

    #[test]
    fn integer_routines_and_our_own_functions_are_not() {
        for symbol in [
            "__aeabi_uidiv",
            "__aeabi_lmul",
            "__muldi3",
            "memcpy",
            "__aeabi_memcpy",
            "nervecord_step",
        ] {
            assert_eq!(forbidden(symbol), None, "{symbol}");
        }
    }
}
