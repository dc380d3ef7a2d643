//! What people and other programs are told: readers of a compiled model, of a graph and of a circuit. Nothing else of
//! the library names them.
//!
//! A page is made in three steps: `facts` are found and are `report.json`, a `section` draws some of them with `chart`s,
//! `page` puts all sections together.

mod certificate;
pub mod chart;
pub mod circuit;
mod document;
mod drawing;
pub mod edges;
mod facts;
pub mod inspect;
mod neurons;
mod outputs;
mod page;
mod proof;
mod section;
mod summary;
mod words;

pub use certificate::certificate;
pub use document::{NAMES, files};
pub use drawing::svg;
pub use facts::{Judged, Origin};
pub use outputs::{csv_header, json, push_csv_row};
pub use proof::proof;
pub use summary::render;
