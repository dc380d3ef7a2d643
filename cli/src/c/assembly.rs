//! The compiler's assembly as one file that any GNU or LLVM assembler takes: only what a caller can reach, local but for
//! the functions of the header, without what the compiler says of the core to its own assembler.
//!
//! Stands on how assemblers spell instructions, and on the names that firmware may not have.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use nervecord_codegen::text::first_free;
use nervecord_codegen::{Error, Result};

use super::spelling::spelt;
use crate::emulate::forbidden;

/// What a caller can be asked to link: integer arithmetic of the compiler's own library, which is beside every GCC and
/// Clang, and no C library.
const LIBRARY: [&str; 20] = [
    "__aeabi_idiv",
    "__aeabi_idivmod",
    "__aeabi_lasr",
    "__aeabi_ldivmod",
    "__aeabi_llsl",
    "__aeabi_llsr",
    "__aeabi_lmul",
    "__aeabi_uidiv",
    "__aeabi_uidivmod",
    "__aeabi_uldivmod",
    "__ashldi3",
    "__ashrdi3",
    "__clzsi2",
    "__clzdi2",
    "__divdi3",
    "__divsi3",
    "__lshrdi3",
    "__muldi3",
    "__udivdi3",
    "__udivsi3",
];

/// Directives that speak to one assembler, to an unwinder or to a debugger, or say what is said here.
const LEFT_OUT: [&str; 22] = [
    ".addrsig",
    ".addrsig_sym",
    ".arch",
    ".attribute",
    ".cantunwind",
    ".code",
    ".cpu",
    ".eabi_attribute",
    ".file",
    ".fnend",
    ".fnstart",
    ".fpu",
    ".globl",
    ".hidden",
    ".ident",
    ".pad",
    ".save",
    ".setfp",
    ".syntax",
    ".thumb_func",
    ".vsave",
    ".weak",
];

/// A section with what is in it.
#[derive(Debug)]
struct Section<'a> {
    /// Its directive.
    head: &'a str,
    lines: Vec<&'a str>,
}

/// The assembly of a network whose functions start with `name` and `_`.
///
/// # Errors
/// A panic, an allocation, a float or a library can be reached.
pub fn portable(compiler: &str, name: &str, head: &str) -> Result<String> {
    let sections = sections(compiler);
    let mut homes = BTreeMap::new();
    for (i, section) in sections.iter().enumerate() {
        homes.extend(section.labels().map(|label| (label, i)));
    }
    let public = |label: &str| label.strip_prefix(name).is_some_and(|rest| rest.starts_with('_'));
    let roots = homes.iter().filter(|(label, _)| public(label)).map(|(_, home)| *home);
    let kept = reached(&sections, &homes, roots)?;
    let names = names(&sections, &kept, &public, name);
    let mut out = format!("{head}\n");
    let arm = compiler.contains(".syntax");
    if arm {
        out += "\t.syntax\tunified\n\t.thumb\n";
    }
    for section in kept.iter().filter_map(|i| sections.get(*i)) {
        section.write(&names, &public, arm, &mut out);
    }
    out += "\n\t.section\t.note.GNU-stack,\"\",%progbits\n";
    Ok(out)
}

/// The compiler's file in sections; what comes before the first says nothing but of the core.
fn sections(compiler: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section> = Vec::new();
    for line in compiler.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        let word = line.split_whitespace().next().unwrap_or_default();
        match (word, sections.last_mut()) {
            (".section" | ".text" | ".data" | ".bss", _) => {
                sections.push(Section { head: line.trim_start(), lines: Vec::new() });
            }
            (_, Some(_)) if LEFT_OUT.contains(&word) || word.starts_with(".cfi_") => {}
            // A length that the compiler has held to be zero.
            (".zero", Some(_)) if line.contains(".L") => {}
            (_, Some(section)) => section.lines.push(line),
            (_, None) => {}
        }
    }
    sections
}

/// The label that a line defines, there or as another name of one.
fn label(line: &str) -> Option<&str> {
    let name = line.strip_suffix(':').or_else(|| alias(line).map(|(name, _)| name))?;
    (!name.is_empty() && !name.contains(char::is_whitespace)).then_some(name)
}

/// A name, and the label that it is another name of.
fn alias(line: &str) -> Option<(&str, &str)> {
    line.split_once(" = ")
}

/// Whether a character may be in a symbol's name.
fn in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.$".contains(c)
}

/// The symbols that a line can name.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !in_name(c)).filter(|word| !word.is_empty())
}

/// The function that a line calls or jumps to, if it is named.
fn called(line: &str) -> Option<&str> {
    let mut parts = line.split_whitespace();
    let mnemonic = parts.next()?;
    let calls = ["bl", "blx", "b", "b.w", "call", "tail", "j", "jal"];
    let target = calls.contains(&mnemonic).then(|| parts.next_back()).flatten()?;
    let named = target.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    // `blx r3` calls through a register.
    let register = mnemonic == "blx" && target.len() <= 3;
    (named && !register).then_some(target)
}

/// The sections that can be reached, in the file's order.
fn reached(
    sections: &[Section],
    homes: &BTreeMap<&str, usize>,
    roots: impl Iterator<Item = usize>,
) -> Result<BTreeSet<usize>> {
    let mut kept: BTreeSet<usize> = roots.collect();
    let mut open: Vec<usize> = kept.iter().copied().collect();
    while let Some(section) = open.pop().and_then(|i| sections.get(i)) {
        for line in &section.lines {
            if let Some(name) = called(line).filter(|name| !homes.contains_key(name)) {
                allowed(name)?;
            }
            for home in words(line).filter_map(|word| homes.get(word)) {
                if kept.insert(*home) {
                    open.push(*home);
                }
            }
        }
    }
    let names = homes.iter().filter(|(_, home)| kept.contains(home)).map(|(name, _)| name);
    names.map(|name| allowed_within(name)).collect::<Result<()>>()?;
    Ok(kept)
}

/// Refuses a function that nothing here defines, unless it is in the compiler's library of integers.
fn allowed(name: &str) -> Result<()> {
    match LIBRARY.contains(&name) {
        true => Ok(()),
        false => Err(unfit(name, "a library")),
    }
}

fn allowed_within(name: &str) -> Result<()> {
    forbidden(name).map_or(Ok(()), |why| Err(unfit(name, why)))
}

fn unfit(name: &str, what: &str) -> Error {
    Error::new(format!("{what} can be reached from a step"))
        .at(readable(name))
        .expected("integer arithmetic alone")
        .found(name)
        .help("this is a fault of nervecord: please report it with the model")
}

/// A symbol as its author wrote it.
fn readable(symbol: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(symbol))
}

/// New names of what is local: what it is, behind the network's name, where the compiler's have a hash.
fn names<'a>(
    sections: &[Section<'a>],
    kept: &BTreeSet<usize>,
    public: &impl Fn(&str) -> bool,
    network: &str,
) -> BTreeMap<&'a str, String> {
    let (mut names, mut taken) = (BTreeMap::new(), BTreeSet::new());
    let kept = kept.iter().filter_map(|i| sections.get(*i));
    for label in kept.flat_map(Section::labels).filter(|label| !public(label)) {
        let local = label.strip_prefix(".L");
        let wanted = match local {
            Some(rest) if !rest.contains("_ZN") && !rest.starts_with("anon") => continue,
            Some(rest) if rest.starts_with("anon") => ".Lconstant".to_owned(),
            Some(_) => ".Lend".to_owned(),
            None => format!("{network}.{}", last_words(&readable(label))),
        };
        let name = first_free(&wanted, |name| !taken.contains(name));
        taken.insert(name.clone());
        names.insert(label, name);
    }
    names
}

/// The last two parts of a path, or one of the network's own crate, as part of a symbol.
fn last_words(path: &str) -> String {
    let parts: Vec<&str> = path.split("::").collect();
    let kept = match parts.as_slice() {
        ["network", .., name] => vec![*name],
        [.., room, name] => vec![*room, *name],
        other => other.to_vec(),
    };
    let word = kept.join("_");
    word.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

impl<'a> Section<'a> {
    fn labels(&self) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter_map(|line| label(line))
    }

    /// The section under new names, its functions and tables after a word on each.
    fn write(
        &self,
        names: &BTreeMap<&str, String>,
        public: &impl Fn(&str) -> bool,
        arm: bool,
        out: &mut String,
    ) {
        let _ = writeln!(out, "\n\t{}", renamed(self.head, names));
        let code = self.head.starts_with(".section\t.text");
        for line in &self.lines {
            let label = label(line).filter(|label| !label.starts_with(".L"));
            if let Some(label) = label {
                let said = match public(label) {
                    true => format!("\t.globl\t{label}"),
                    false => format!("/* {} */", readable(label)),
                };
                let _ = writeln!(out, "{said}");
            }
            let set = if arm { ".thumb_set" } else { ".set" };
            match (label, alias(line)) {
                (Some(_), Some((name, of))) => {
                    let line = format!("\t{set}\t{name}, {of}");
                    let _ = writeln!(out, "{}", renamed(&line, names));
                    continue;
                }
                // What the linker and `blx` ask of a function's symbol.
                (Some(_), None) if arm && code => *out += "\t.thumb_func\n",
                _ => {}
            }
            let _ = writeln!(out, "{}", spelt(&renamed(line, names)));
        }
    }
}

/// A line under new names; in a section's name the symbol stands behind a dot.
fn renamed(line: &str, names: &BTreeMap<&str, String>) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find(in_name) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c| !in_name(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        out += before;
        let behind_dot =
            word.rfind("._").and_then(|dot| Some((dot, names.get(word.get(dot + 1..)?)?)));
        match (names.get(word), behind_dot) {
            (Some(name), _) => out += name,
            (None, Some((dot, name))) => {
                let _ = write!(out, "{}.{name}", &word[..dot]);
            }
            (None, None) => out += word,
        }
        rest = after;
    }
    out + rest
}
