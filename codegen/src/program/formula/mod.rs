//! What a kernel computes, as exact formulas over integers: the meaning of a program for those who prove something of
//! it, who need every number's own formula where the runtime needs loops over all.
//!
//! [`Meaning::run`] evaluates them, and a test holds that to the runtime's kernels bit for bit.
//!
//! Stands on kernels as data and, for blocks of features that have no formula each, the runtime.

mod block;
mod fields;
mod meaning;
mod read;
mod step;

pub use self::block::Block;
pub use self::meaning::{Edge, Finish, Formula, Lane, Meaning, Sum, table_at};
pub use self::step::Step;
