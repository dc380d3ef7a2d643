//! The crates that a workspace or a package is made of. Stands on the checkout's cargo.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use nervecord_codegen::{Error, Result};

use crate::checkout::{cargo_path, output};

/// A crate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Crate {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it comes from, if not from crates.io: a folder, or what cargo calls it.
    pub source: Option<String>,
    /// Its licence, as its manifest says.
    pub licence: String,
}

/// The crates that `cargo tree` finds in the workspace of `manifest`.
///
/// # Errors
/// Cargo cannot say, for example as its lock file is not up to date.
pub fn crates(manifest: &Path, arguments: &[&str]) -> Result<BTreeSet<Crate>> {
    let mut tree = Command::new(cargo_path());
    tree.args(["tree", "--locked", "--prefix", "none", "--no-dedupe", "--target", "all"]);
    tree.args(["--format", "{p}|{l}", "--manifest-path"]).arg(manifest).args(arguments);
    let output = output(&mut tree)?;
    if !output.status.success() {
        return Err(Error::new("cargo cannot say what a workspace is made of")
            .at(format!("{tree:?}"))
            .expected("a list of crates")
            .found(String::from_utf8_lossy(&output.stderr))
            .help("run the command by itself"));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter(|line| !line.is_empty()).map(parse).collect()
}

/// `name v1.2.3 (source)|licence`; a procedural macro says that it is one in the place of a source.
fn parse(line: &str) -> Result<Crate> {
    let parts = line.rsplit_once('|').and_then(|(package, licence)| {
        let (name, rest) = package.split_once(" v")?;
        let (version, mut source) = match rest.split_once(' ') {
            Some((version, source)) => (version, source.trim()),
            None => (rest, ""),
        };
        source = source.trim_start_matches("(proc-macro)").trim();
        let source = source.strip_prefix('(').and_then(|s| s.strip_suffix(')'));
        Some(Crate {
            name: name.to_owned(),
            version: version.to_owned(),
            source: source.map(str::to_owned),
            licence: licence.to_owned(),
        })
    });
    parts.ok_or_else(|| {
        Error::new("a line of cargo's is not understood")
            .expected("name v1.2.3 (source)|licence")
            .found(line)
            .help("the program is older than this cargo: mend xtask/src/supply/tree.rs")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_cargo_are_read() {
        let read = |line| {
            let Crate { name, version, source, licence } = parse(line).unwrap();
            (name, version, source.unwrap_or_default(), licence)
        };
        let owned = |parts: [&str; 4]| {
            let [name, version, source, licence] = parts.map(str::to_owned);
            (name, version, source, licence)
        };
        for (line, parts) in [
            ("az v1.3.0|MIT/Apache-2.0", ["az", "1.3.0", "", "MIT/Apache-2.0"]),
            ("syn-x v2.0.1 (proc-macro)|MIT", ["syn-x", "2.0.1", "", "MIT"]),
            ("a v0.1.0 (/x/y)|", ["a", "0.1.0", "/x/y", ""]),
            ("a v1.0.0 (proc-macro) (https://h/r#1)|ISC", ["a", "1.0.0", "https://h/r#1", "ISC"]),
        ] {
            assert_eq!(read(line), owned(parts));
        }
        assert!(parse("nothing").is_err());
    }
}
