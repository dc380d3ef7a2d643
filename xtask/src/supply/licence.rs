//! Licence expressions, as SPDX 3 writes them and as older manifests do. Stands on nothing.

use std::iter::Peekable;
use std::vec::IntoIter;

/// Whether `expression` is satisfied by licences that are all among `allowed`; nothing, and what is no expression, is not.
pub fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<String> = spaced.split_whitespace().map(str::to_owned).collect();
    let mut words = words.into_iter().peekable();
    either(&mut words, allowed) == Some(true) && words.next().is_none()
}

type Words = Peekable<IntoIter<String>>;

/// Operators are in capitals, or by SPDX 3 in small letters.
fn operator(word: &str, operator: &str) -> bool {
    word == operator || word == operator.to_lowercase()
}

/// `both OR both OR ..`
fn either(words: &mut Words, allowed: &[String]) -> Option<bool> {
    let mut found = both(words, allowed)?;
    while words.next_if(|word| operator(word, "OR")).is_some() {
        found |= both(words, allowed)?;
    }
    Some(found)
}

/// `one AND one AND ..`
fn both(words: &mut Words, allowed: &[String]) -> Option<bool> {
    let mut found = one(words, allowed)?;
    while words.next_if(|word| operator(word, "AND")).is_some() {
        found &= one(words, allowed)?;
    }
    Some(found)
}

/// A licence, with an exception to it or without, or an expression in parentheses.
fn one(words: &mut Words, allowed: &[String]) -> Option<bool> {
    let word = words.next()?;
    if word == "(" {
        let found = either(words, allowed)?;
        return words.next_if(|word| word == ")").map(|_| found);
    }
    let mut name = word;
    if words.next_if(|word| operator(word, "WITH")).is_some() {
        name = format!("{name} WITH {}", words.next()?);
    }
    Some(allowed.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_understood_and_nothing_else_passes() {
        let allowed = ["MIT", "Apache-2.0", "Unicode-3.0"].map(str::to_owned);
        for (expression, expected) in [
            ("MIT", true),
            ("MIT OR GPL-3.0-only", true),
            ("GPL-3.0-only or MIT", true),
            ("GPL-3.0-only/MIT", true),
            ("Unlicense / GPL-3.0-only", false),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("(MIT OR Apache-2.0) AND GPL-3.0-only", false),
            ("MIT AND GPL-3.0-only OR Apache-2.0", true),
            ("Apache-2.0 WITH LLVM-exception", false),
            ("Apache-2.0 WITH LLVM-exception OR MIT", true),
            ("", false),
            ("MIT OR", false),
            ("(MIT", false),
            ("MIT)", false),
            ("MIT MIT", false),
        ] {
            assert_eq!(is_allowed(expression, &allowed), expected, "{expression}");
        }
    }
}
