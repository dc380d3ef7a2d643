//! What features are called: by their number, or by the part of the file that they belong to. Stands on texts.

use crate::text;

/// Neighbouring features that the trained file has under one name.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The name, as a [`label`](text::label).
    pub name: String,
    /// How many features they are.
    pub features: usize,
}

impl Part {
    /// So many features that the file calls `name`.
    pub fn of(name: &str, features: usize) -> Self {
        Self { name: text::label(name), features }
    }
}

/// Column name of input feature `i` where nothing names it.
pub fn numbered_input(i: usize) -> String {
    format!("x{i}")
}

/// The name of feature `i` in `parts`: that of its part, and its number there.
pub(super) fn name_in(parts: &[Part], i: usize) -> Option<String> {
    let mut start = 0;
    for Part { name, features } in parts {
        if i < start + features {
            return Some(format!("{name}.{}", i - start));
        }
        start += features;
    }
    None
}
