//! How far a program's integers can be from its float network, for every input.

mod blocks;
pub mod bound;
mod deviation;
mod edge;
mod float;
pub mod form;
pub mod interval;
pub mod net;
pub mod seek;
pub mod split;
