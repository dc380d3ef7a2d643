//! Fully connected layers: `full` has every weight, `sparse` leaves out what is zero, `windows` applies one at
//! many places. This file only lists what they have; they stand on `arch` and the rounding rule.

#[cfg(test)]
mod case;
mod full;
mod sparse;
mod windows;

pub use full::{Dense4, Dense8, Dense16, dense_words4, dense_words8, dense_words16};
pub use full::{pack_dense4, pack_dense8, pack_dense16};
pub use sparse::{Finish, Lazy8, Lazy16, Pruned8, Pruned16, lazy_memory};
pub use windows::{Windows4, Windows8, Windows16, windows_memory};
