//! The names of a table's columns. Stands on errors.

use crate::error::{Error, Result};

/// Column names.
pub type Names = Vec<String>;

/// The error of a table without rows.
pub fn empty() -> Error {
    Error::new("the table is empty")
        .expected("a header and at least one row")
        .found("no rows")
        .help("record inputs the model will see in use")
}

/// Refuses two columns of one name: nothing says which is meant. Columns without a name are never read.
pub fn check_names(names: &[String]) -> Result<()> {
    let mut sorted: Vec<&String> = names.iter().filter(|name| !name.is_empty()).collect();
    sorted.sort();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => Err(Error::new("two columns have one name")
            .at("header")
            .expected("a name of its own for every column")
            .found(format!("`{}` twice", pair[0]))
            .help("rename or remove one of them")),
    }
}
