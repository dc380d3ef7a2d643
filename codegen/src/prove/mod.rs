//! Properties of the integers themselves, decided for every input of a box.
//!
//! ```text
//! decide                            branch and bound over integer boxes
//! walk                              one box through the program
//! property   vnnlib                 boxes and linear constraints; their files
//! ```

mod decide;
mod property;
mod vnnlib;
mod walk;

pub use self::decide::{Limits, Verdict, decide};
pub use self::property::{Constraint, Property};
pub use self::vnnlib::read;
