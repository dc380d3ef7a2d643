//! What `deny.toml` allows. Stands on the checkout.

use std::fs;

use nervecord_codegen::{Error, Result};

use crate::checkout::root;

/// What is taken from `deny.toml`, which has more for `cargo deny`.
pub struct Policy {
    /// Licences that a crate may have.
    pub licences: Vec<String>,
    /// Crates of the host that may be there in several versions, as `name@version`.
    pub twice: Vec<String>,
}

#[derive(serde::Deserialize)]
struct File {
    licenses: Licences,
    bans: Bans,
}

#[derive(serde::Deserialize)]
struct Licences {
    allow: Vec<String>,
}

#[derive(serde::Deserialize)]
struct Bans {
    skip: Vec<Skipped>,
}

#[derive(serde::Deserialize)]
struct Skipped {
    #[serde(rename = "crate")]
    name: String,
}

impl Policy {
    /// The committed one.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read() -> Result<Self> {
        let path = root().join("deny.toml");
        let text = fs::read_to_string(&path).map_err(|e| Error::io("read", &path, &e))?;
        let file: File = toml::from_str(&text).map_err(|e| {
            Error::new("deny.toml cannot be read")
                .file(&path)
                .expected("[licenses] allow and [bans] skip")
                .found(e.message())
                .help("compare it with the last committed one")
        })?;
        let twice = file.bans.skip.into_iter().map(|skipped| skipped.name).collect();
        Ok(Self { licences: file.licenses.allow, twice })
    }

    /// Whether a crate's version is one that may stand beside another.
    pub fn skips(&self, name: &str, version: &str) -> bool {
        let own = format!("{name}@{version}");
        self.twice.iter().any(|skipped| own == *skipped || own.starts_with(&format!("{skipped}.")))
    }
}
