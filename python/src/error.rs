//! Errors of the library as those of the package.

use nervecord_codegen::{Error, Result};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};

/// A result as Python wants it.
pub fn of<T>(py: Python<'_>, result: Result<T>) -> PyResult<T> {
    result.map_err(|error| raised(py, &error))
}

/// `nervecord.Error` with the parts of an error.
pub fn raised(py: Python<'_>, error: &Error) -> PyErr {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let make = || {
        let class = CLASS.import(py, "nervecord._error", "Error")?;
        let details = error.details();
        let parts = PyDict::new(py);
        parts.set_item("file", &details.file)?;
        parts.set_item("place", &details.place)?;
        parts.set_item("expected", &details.expected)?;
        parts.set_item("found", &details.found)?;
        parts.set_item("help", &details.help)?;
        parts.set_item("text", error.to_string())?;
        class.call((&details.summary,), Some(&parts))
    };
    match make() {
        Ok(raised) => PyErr::from_value(raised),
        Err(other) => other,
    }
}
