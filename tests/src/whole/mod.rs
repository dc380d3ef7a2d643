//! Whole networks, drawn at random and compiled with their certificates: that no input, no step and no corner is
//! beyond what is claimed.

mod certified;
mod claims;
mod emitted;
mod families;

pub use self::certified::{Certified, certify};
pub use self::claims::{Held, hold, hold_long};
pub use self::emitted::program;
pub use self::families::{FAMILIES, Whole, whole};
