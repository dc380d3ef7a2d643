//! Faults in a controller and around it, in closed loop with a simulated plant: what shows, for how long, and
//! whether the plant bears it.
//!
//! `rig` is a plant under a bundled model, `flips` are bits of the controller's memory that turn over, and
//! `outside` is what sensors, clock and supply do to a guarded loop.

pub mod flips;
pub mod outside;
pub mod rig;

pub use flips::{Flips, Place, flips};
pub use outside::{Disturbance, Outcome, outcome};
pub use rig::{Model, Rig};
