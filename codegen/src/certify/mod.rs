//! How far a program's integers can be from its float network, for every input.
//!
//! ```text
//! certificate                       what is claimed, as a file: issued here, checked by another engine
//! module                            a generated module, read back
//! recurrent                         steps after steps
//! split   seek                      a box cut in pieces; the largest difference that a search finds
//! bound                             one box through both networks
//! ops                               formulas on the numbers of both
//! blocks                            layers whose features have one formula together
//! walk                              float's tensors, and memory
//! float                             the float network on forms
//! net                               which lanes stand for which tensors
//! machine   deviation   pair        formulas over memory; tables beside functions; numbers of both networks
//! form   enclosure   tape           numbers as nodes that lines bound; functions between lines
//! edge   interval                   values and slopes of functions
//! ```

mod blocks;
pub mod bound;
pub mod certificate;
mod deviation;
mod edge;
pub mod enclosure;
mod float;
pub mod form;
pub mod interval;
pub mod machine;
pub mod module;
pub mod net;
mod ops;
mod pair;
pub mod recurrent;
pub mod seek;
pub mod split;
mod tape;
mod walk;

pub use self::certificate::{Certificate, Effort};
