//! The extension of the Python package: the compiler and the integers, for `package/nervecord/*.py` to give a face.
//!
//! Arrays come in C order with the shapes that are said here: what users may give instead, and what they are told where
//! it does not fit, is Python's. A computation that takes time runs without the interpreter's lock.

mod batch;
mod compile;
mod controller;
mod error;
mod program;

use pyo3::prelude::*;

/// What the package stands on.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<program::Program>()?;
    module.add_class::<controller::Controller>()?;
    module.add_class::<controller::FloatController>()?;
    module.add_class::<batch::Batch>()?;
    module.add_function(wrap_pyfunction!(compile::compile, module)?)?;
    module.add_function(wrap_pyfunction!(compile::settings_text, module)?)?;
    module.add_function(wrap_pyfunction!(compile::files, module)?)
}
