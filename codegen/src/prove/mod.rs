//! Properties of the integers themselves, decided for every input of a box.
//!
//! ```text
//! proof                             verdicts as a file that `check` holds against a module
//! answer   asked                    verdicts of a model; what is asked of it
//! decide                            branch and bound over integer boxes
//! subject                           outputs, or what they move by where an input does
//! moved   walk   pair               one box through the program; two inputs side by side
//! property   vnnlib                 boxes and linear constraints; their files
//! ```

mod answer;
mod asked;
mod decide;
mod moved;
pub mod pair;
mod proof;
mod property;
mod subject;
mod vnnlib;
mod walk;

pub use self::answer::{Answer, Prover, answers};
pub use self::asked::{Asked, asked, of_file};
pub use self::decide::{Limits, Verdict, decide, possible};
pub use self::proof::{Claim, Found, Proof};
pub use self::property::{Cell, Constraint, Inputs, Property, halve, is_unsafe};
pub use self::subject::{Bounds, Point};
pub use self::vnnlib::read;
