//! What a project can be called. Stands on nothing.

use nervecord_codegen::{Error, Kind, Result};

/// What cargo or the compiler keeps for itself: keywords, libraries that come with the compiler, folders of a build.
const RESERVED: &str = "abstract alloc as async await become box break build const continue core crate deps do dyn else \
    enum examples extern false final fn for gen if impl in incremental let loop macro match mod move mut override priv \
    proc_macro pub ref return self static std struct super test trait true try type typeof unsafe unsized use virtual \
    where while yield";

/// What any project may need.
const OURS: [&str; 5] = ["csv", "defmt", "defmt-rtt", "nervecord", "nervecord-codegen"];

/// Refuses a name that a crate cannot have, or that one of its dependencies has.
///
/// # Errors
/// The name is no crate's, or taken.
pub fn check(name: &str, dependencies: &str) -> Result<()> {
    let refuse = |found: String| {
        Err(Error::new("a project cannot have this name")
            .of_kind(Kind::Options)
            .at("NAME")
            .expected("a letter, then letters, digits, `-` and `_`, as in `arm-controller`")
            .found(found)
            .help("give it another; of a path, the last part is the name"))
    };
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(good) {
        return refuse(format!("`{name}`"));
    }
    let word = name.to_ascii_lowercase().replace('-', "_");
    if RESERVED.split_whitespace().any(|reserved| reserved == word) {
        return refuse(format!("`{name}`, a word of Rust or of cargo"));
    }
    let of_line = |line: &str| line.split([' ', '=']).next().unwrap_or_default().replace('-', "_");
    if dependencies.lines().chain(OURS).any(|line| of_line(line) == word) {
        return refuse(format!("`{name}`, a crate that the project needs"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crate_names_are_taken_and_others_are_not() {
        for good in ["arm", "Arm-2", "a_b", "x"] {
            check(good, "some-hal = \"1\"").unwrap();
        }
        for bad in ["", "2d", "-a", "_a", "a b", "a.b", "é", "fn", "proc-macro", "Self", "std"] {
            assert!(check(bad, "").is_err(), "{bad}");
        }
        for taken in ["nervecord", "some-hal", "some_hal"] {
            assert!(check(taken, "other = \"1\"\nsome-hal = \"1\"\n").is_err(), "{taken}");
        }
    }
}
