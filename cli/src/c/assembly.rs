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
const LEFT_OUT: [&str; 23] = [
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
    ".type",
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

/// The compiler's file in sections; what comes before the first says nothing but of the core, and other names, which
/// stand at the end, belong to what they name.
fn sections(compiler: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section> = Vec::new();
    let aliases: Vec<&str> = compiler.lines().filter(|line| alias(line).is_some()).collect();
    for line in compiler.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        let word = line.split_whitespace().next().unwrap_or_default();
        match (word, sections.last_mut()) {
            (".section" | ".text" | ".data" | ".bss", _) => {
                sections.push(Section { head: line.trim_start(), lines: Vec::new() });
            }
            (_, Some(_)) if LEFT_OUT.contains(&word) || word.starts_with(".cfi_") => {}
            (_, Some(_)) if alias(line).is_some() => {}
            // A length that the compiler has held to be zero.
            (".zero", Some(_)) if line.contains(".L") => {}
            (_, Some(section)) => section.lines.push(line),
            (_, None) => {}
        }
    }
    for line in aliases {
        let of = alias(line).map(|(_, of)| of);
        if let Some(home) = sections.iter_mut().find(|s| s.labels().any(|name| Some(name) == of)) {
            home.lines.push(line);
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
    let mut names = homes.iter().filter(|(_, home)| kept.contains(home)).map(|(name, _)| name);
    names.try_for_each(|name| allowed_within(name))?;
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
                    let line = format!("\t.type\t{name},%function\n\t{set}\t{name}, {of}");
                    let _ = writeln!(out, "{}", renamed(&line, names));
                    continue;
                }
                (Some(label), None) => {
                    let kind = if code { "function" } else { "object" };
                    let line = format!("\t.type\t{label},%{kind}");
                    let _ = writeln!(out, "{}", renamed(&line, names));
                    if arm && code {
                        // What the linker and `blx` ask of a function's symbol.
                        *out += "\t.thumb_func\n";
                    }
                }
                _ => {}
            }
            match bytes(line) {
                Some(bytes) => *out += &listed(&bytes),
                None => {
                    let _ = writeln!(out, "{}", spelt(&renamed(line, names)));
                }
            }
        }
    }
}

/// The bytes that a line has as a string.
fn bytes(line: &str) -> Option<Vec<u8>> {
    let (word, string) = line.trim_start().split_once('\t')?;
    let ended = match word {
        ".ascii" => false,
        ".asciz" | ".string" => true,
        _ => return None,
    };
    let mut rest = string.strip_prefix('"')?.strip_suffix('"')?.bytes().peekable();
    let mut out = Vec::new();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        out.push(match rest.next()? {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            digit @ b'0'..=b'7' => {
                let mut value = u32::from(digit - b'0');
                for _ in 0..2 {
                    let Some(next) = rest.next_if(|next| (b'0'..=b'7').contains(next)) else {
                        break;
                    };
                    value = 8 * value + u32::from(next - b'0'); // at most 511
                }
                value as u8
            }
            other => other,
        });
    }
    out.extend(ended.then_some(0));
    Some(out)
}

/// Bytes as directives, sixteen a line.
fn listed(bytes: &[u8]) -> String {
    let line = |bytes: &[u8]| {
        let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
        format!("\t.byte\t{}\n", numbers.join(", "))
    };
    bytes.chunks(16).map(line).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    const COMPILER: &str = "\t.syntax\tunified
\t.cpu\tcortex-m4
\t.section\t.text._ZN9nervecord5dense3run17h0123456789abcdefE,\"ax\",%progbits
\t.globl\t_ZN9nervecord5dense3run17h0123456789abcdefE
_ZN9nervecord5dense3run17h0123456789abcdefE:
\t.fnstart
\tbl\t__aeabi_lmul
\tbx\tlr
\t.section\t.text.unused,\"ax\",%progbits
unused:
\tbl\tfree
\t.section\t.text.net_step,\"ax\",%progbits
\t.globl\tnet_step
net_step:
\tb\t_ZN9nervecord5dense3run17h0123456789abcdefE
\t.section\t.rodata.other,\"a\",%progbits
net_again = net_step
";

    #[test]
    fn what_is_reached_is_kept_under_local_names() {
        let text = portable(COMPILER, "net", "/* head */").unwrap();
        for wanted in [
            "/* head */\n\t.syntax\tunified\n\t.thumb\n",
            "\t.section\t.text.net.dense_run,\"ax\",%progbits\n/* nervecord::dense::run */\n",
            "\t.type\tnet.dense_run,%function\n\t.thumb_func\nnet.dense_run:\n\tbl\t__aeabi_lmul\n",
            "\t.globl\tnet_step\n\t.type\tnet_step,%function\n\t.thumb_func\nnet_step:\n\tb\tnet.dense_run\n",
            "\t.globl\tnet_again\n\t.type\tnet_again,%function\n\t.thumb_set\tnet_again, net_step\n",
        ] {
            assert!(text.contains(wanted), "{wanted} is not in\n{text}");
        }
        for unwanted in ["unused", ".cpu", ".fnstart", "_ZN", "other"] {
            assert!(!text.contains(unwanted), "{unwanted} is in\n{text}");
        }
    }

    #[test]
    fn a_library_a_panic_and_a_float_are_refused() {
        for call in
            ["memcpy", "printf", "_ZN4core9panicking5panic17h0123456789abcdefE", "__aeabi_fadd"]
        {
            let text = COMPILER.replace("__aeabi_lmul", call);
            let message = portable(&text, "net", "").unwrap_err().to_string();
            assert!(message.contains("integer arithmetic alone"), "{message}");
        }
        let panics = COMPILER.replace("unused", "rust_begin_unwind");
        let panics = panics.replace("\tbx\tlr", "\tb\trust_begin_unwind");
        assert!(portable(&panics, "net", "").is_err());
    }

    #[test]
    fn strings_are_listed_as_bytes() {
        assert_eq!(
            bytes("\t.asciz\t\"a\\001\\377\\n\\\\\\\"\\0\""),
            Some(vec![97, 1, 255, 10, 92, 34, 0, 0])
        );
        assert_eq!(bytes("\t.long\t5"), None);
        assert_eq!(listed(&[1, 255]), "\t.byte\t1, 255\n");
    }
}
