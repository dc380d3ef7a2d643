//! Charts as SVG, for pages that give them their colours: scales, curves, histograms, scatters. Stands on texts.

mod axis;
mod front;
mod histogram;
mod lines;
mod picture;
mod scatter;

pub use axis::{Axis, nice, number};
pub use front::{Point, front};
pub use histogram::Histogram;
pub use lines::{Curve, Rows, differences, functions, lines};
pub use picture::{Picture, Plot, percent, plain};
pub use scatter::scatter;
