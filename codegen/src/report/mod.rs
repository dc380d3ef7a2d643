//! What people and other programs are told: readers of a compiled model, of a graph and of a circuit. Nothing else of
//! the library names them.

pub mod circuit;
mod compiled;
mod drawing;
pub mod edges;
pub mod inspect;
mod neurons;
mod outputs;

pub use compiled::{NAMES, files, render};
pub use drawing::svg;
pub use outputs::{csv_header, json, push_csv_row};
