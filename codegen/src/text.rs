//! Strings of a file, as a terminal, a table or a generated module may hold them.
//!
//! Names come from files that others made. What is shown of them has no line break, no escape of a terminal
//! and no mark that changes the direction of writing, and is no longer than a table's column.
//!
//! Stands on nothing.

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

/// What no module can be called: the words of Rust, and the runtime's own name.
const RESERVED: &str = "abstract as async await become box break const continue core crate do dyn else \
    enum extern false final fn for gen if impl in let loop macro match mod move mut nervecord override priv \
    pub ref return self static struct super trait true try type typeof unsafe unsized use virtual where \
    while yield";

/// A Rust identifier in snake case: words divided by one underscore, no digit first, no keyword.
pub fn snake_case(name: &str) -> String {
    let mut out = String::new();
    let mut lower_before = false;
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && lower_before {
                out.push('_');
            }
            lower_before = c.is_ascii_lowercase() || c.is_ascii_digit();
            out.push(c.to_ascii_lowercase());
        } else {
            lower_before = false;
            if !out.is_empty() && !out.ends_with('_') {
                out.push('_');
            }
        }
    }
    let out = out.trim_end_matches('_');
    match out.chars().next() {
        None => "model".to_owned(),
        Some(first) if first.is_ascii_digit() || RESERVED.split(' ').any(|word| word == out) => {
            format!("model_{out}")
        }
        _ => out.to_owned(),
    }
}

/// Whether two names differ as a slip of the pen does: in two letters, or in case and marks between words.
pub fn alike(a: &str, b: &str) -> bool {
    let bare = |name: &str| name.to_lowercase().replace(['_', '-', ' ', '.'], "");
    let (a, b) = (bare(a), bare(b));
    let slips = match a.chars().count().min(b.chars().count()) {
        0..=3 => 0,
        4..=5 => 1,
        _ => 2,
    };
    strsim::damerau_levenshtein(&a, &b) <= slips
}

/// `text` as the content of an element of HTML or SVG.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Rows in columns, those in `right` aligned to the right.
pub fn table<const N: usize>(rows: &[[String; N]], right: &[usize]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).enumerate().map(|(k, (cell, width))| {
            if right.contains(&k) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// `ident`, or that with the smallest number from 2 on, for which `free` says so.
pub fn first_free(ident: &str, free: impl Fn(&str) -> bool) -> String {
    let numbered = (2..).map(|count| format!("{ident}_{count}"));
    let mut names = std::iter::once(ident.to_owned()).chain(numbered);
    names.find(|name| free(name)).unwrap_or_default()
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

    #[test]
    fn names_become_identifiers() {
        for (name, identifier) in [
            ("tanh_policy", "tanh_policy"),
            ("Tanh-Policy v2", "tanh_policy_v2"),
            ("CartPole", "cart_pole"),
            ("2d", "model_2d"),
            ("-", "model"),
            ("Type", "model_type"),
            ("self", "model_self"),
            ("crates", "crates"),
        ] {
            assert_eq!(snake_case(name), identifier);
        }
    }
}
