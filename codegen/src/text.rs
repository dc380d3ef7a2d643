//! Strings of a file, as a terminal, a table or a generated module may hold them.
//!
//! Names come from files that others made. What is shown of them has no line break, no escape of a terminal
//! and no mark that changes the direction of writing, and is no longer than a table's column.

use std::ffi::OsStr;

/// Most characters of a [`label`].
pub const LONGEST: usize = 64;

/// `text` on one line: what has no shape of its own is written as an escape of Rust.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => out.push(c),
            c => out.extend(c.escape_debug()),
        }
    }
    out
}

/// A path on one line.
pub fn path(path: impl AsRef<OsStr>) -> String {
    plain(&path.as_ref().to_string_lossy())
}

/// `text` on one line and in at most [`LONGEST`] characters: the middle of a longer one is left out.
pub fn label(text: &str) -> String {
    shortened(&plain(text), LONGEST)
}

/// The start and the end of `text`, in at most `most` characters.
pub fn shortened(text: &str, most: usize) -> String {
    const GAP: &str = "...";
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(GAP.len());
    let (start, end) = (kept.div_ceil(2), kept / 2);
    text.chars().take(start).chain(GAP.chars()).chain(text.chars().skip(count - end)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_spelt_out() {
        assert_eq!(plain("a\nb\u{1b}[31m\u{202e}c"), "a\\nb\\u{1b}[31m\\u{202e}c");
        assert_eq!(plain("/net.0/\"Gemm\" 'é'"), "/net.0/\"Gemm\" 'é'");
    }

    #[test]
    fn long_names_keep_both_ends() {
        let name = format!("start{}end", "x".repeat(65_536));
        let label = label(&name);
        assert_eq!(label.chars().count(), LONGEST);
        assert!(label.starts_with("start") && label.ends_with("end") && label.contains("..."));
        assert_eq!(super::label("short"), "short");
    }
}
