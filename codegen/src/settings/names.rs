//! Names of inputs and outputs, as settings spell them. Stands on texts.

use crate::text;

/// Names that an error lists at most.
const LISTED: usize = 8;

/// The place of a name, or of a number such as `x0` where no name is spelt so.
pub fn place(name: &str, names: &[String], numbered: impl Fn(usize) -> String) -> Option<usize> {
    let found = names.iter().position(|own| own == name);
    found.or_else(|| (0..names.len()).find(|&i| numbered(i) == name))
}

/// The first of some names.
pub fn listed(names: &[String]) -> String {
    let first = names.iter().take(LISTED).map(|name| text::label(name)).collect::<Vec<_>>();
    let more = if names.len() > LISTED { ", .." } else { "" };
    first.join(", ") + more
}
