//! Tables of numbers: CSV with a header, and `.npy`.
//!
//! Every table is read by [`Table`], and [`Inputs`] is the one rule for which columns are the model's. Stands on the
//! files that are read, and on the graph for what a model's columns are called.

mod columns;
mod csv;
mod names;
mod npy;
mod source;
mod table;
mod vectors;

pub use columns::Inputs;
pub use source::{hex, sha256};
pub use table::{Data, Table, texts};
pub use vectors::{Judged, States, Vectors, filtered};
