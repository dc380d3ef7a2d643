//! A network as C takes it: its header and its assembly. Stands on how they are made.

use std::path::{Path, PathBuf};

use nervecord_codegen::data::sha256;
use nervecord_codegen::emit::header::Assembly;
use nervecord_codegen::{Compiled, Error, Kind, Result};

use super::core::Core;
use super::{assembly, build};

/// A network as C takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// What its files and functions are called.
    pub name: String,
    /// The core it is for.
    pub core: Core,
    /// The text of the header.
    pub header: String,
    /// The text of the assembly.
    pub assembly: String,
}

/// Words that C or C++ keep for themselves, and headers of C's library, which one of ours would hide.
const RESERVED: &str = "alignas alignof and asm assert auto bitand bitor bool break case catch char class compl complex \
    concept const constexpr continue ctype decltype default delete do double dynamic_cast else enum errno explicit \
    export extern false fenv float for friend goto if inline int inttypes iso646 limits locale long math mutable \
    namespace new noexcept not nullptr operator or private protected public register requires restrict return setjmp \
    short signal signed sizeof static static_assert static_cast stdalign stdarg stdatomic stdbool stddef stdint stdio \
    stdlib stdnoreturn string struct switch template tgmath this thread_local threads throw time true try typedef \
    typeid typename typeof uchar union unsigned using virtual void volatile wchar wctype while xor";

/// What a network can be called in C.
///
/// # Errors
/// The name is taken.
pub fn check_name(name: &str) -> Result<()> {
    // The library puts `model_` before what is a word of Rust as well.
    let bare = name.strip_prefix("model_").unwrap_or(name);
    match [name, bare].iter().any(|name| RESERVED.split_whitespace().any(|word| word == *name)) {
        false => Ok(()),
        true => Err(Error::new("the model's name is taken in C")
            .of_kind(Kind::Options)
            .at("--name")
            .expected("a name that is no word of C or C++ and no header of their library")
            .found(bare)
            .help("give it another, such as `--name policy`")),
    }
}

impl Library {
    /// Makes the files of a compiled model for a core; `folder` is where the compiler works, and may hold what an
    /// earlier call has left there.
    ///
    /// # Errors
    /// The name is taken, no compiler is set up for the core, or a promise does not hold.
    pub fn make(compiled: &Compiled, core: Core, folder: &Path) -> Result<Self> {
        let name = compiled.program.name.clone();
        check_name(&name)?;
        let text = build::assembly(&core, &compiled.c_source(), folder)?;
        let head = compiled.c_head(core.name, &core.flags());
        let assembly = assembly::portable(&text, &name, &head)?;
        let sha256 = sha256(assembly.as_bytes());
        let header = compiled.c_header(&Assembly { core: core.name.into(), sha256 });
        Ok(Self { name, core, header, assembly })
    }

    /// The files by their names: header and assembly.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let file = |ending: &str, text: &str| {
            (PathBuf::from(format!("{}.{ending}", self.name)), text.as_bytes().to_vec())
        };
        vec![file("h", &self.header), file("s", &self.assembly)]
    }

    /// The archive `lib<name>.a` of the assembled file, by its name.
    ///
    /// # Errors
    /// It cannot be assembled.
    pub fn archive(&self, folder: &Path) -> Result<(PathBuf, Vec<u8>)> {
        let object = build::object(&self.core, &self.assembly, folder)?;
        let globals = self.assembly.lines().filter_map(|line| line.strip_prefix("\t.globl\t"));
        let bytes = archive(&format!("{}.o", self.name), &object, &globals.collect::<Vec<_>>());
        Ok((PathBuf::from(format!("lib{}.a", self.name)), bytes))
    }
}

/// An archive as GNU's linker wants it (System V, with its index): one object and the symbols that it defines.
fn archive(name: &str, object: &[u8], symbols: &[&str]) -> Vec<u8> {
    // Of a fixed size: name, time, owner, group, mode, length.
    let header = |name: &str, length: usize| {
        format!("{:<16}{:<12}{:<6}{:<6}{:<8}{length:<10}`\n", name, 0, 0, 0, 644).into_bytes()
    };
    // A longer name than 15 letters would want a table of names.
    let name = format!("{}/", &name[name.len().saturating_sub(15)..]);
    let names: usize = symbols.iter().map(|symbol| symbol.len() + 1).sum();
    let length = (4 + 4 * symbols.len() + names).next_multiple_of(2);
    let place = (8 + 60 + length) as u32;
    let mut index = (symbols.len() as u32).to_be_bytes().to_vec();
    symbols.iter().for_each(|_| index.extend(place.to_be_bytes()));
    symbols.iter().for_each(|symbol| index.extend(symbol.bytes().chain([0])));
    index.resize(length, 0);
    let mut out = b"!<arch>\n".to_vec();
    out.extend(header("/", length));
    out.extend(index);
    out.extend(header(&name, object.len()));
    out.extend(object);
    out.resize(out.len().next_multiple_of(2), b'\n');
    out
}
