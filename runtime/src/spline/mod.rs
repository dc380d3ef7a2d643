//! Kolmogorov-Arnold layers: every edge a cubic B-spline over its input's uniform grid.
//!
//! Equation: with `p = (x - lo) / h`, `s = floor(p)` and `u = p - s`, the four live basis functions of an
//! input weigh its coefficients `c[s..s+4]` with
//! `(1-u)^3/6, (3u^3-6u^2+4)/6, (-3u^3+3u^2+3u+1)/6, u^3/6` (de Boor 1978, chapter X). They depend
//! on the input only, so they are computed once and serve the edges to all outputs.
//!
//! ```text
//! x: i16 --factor, offset--> q: i32, T fraction bits --> s, u (Q15) --> w0..w3 (Q15, sum 2^15)
//!   acc[o] += w0 c[s] + w1 c[s+1] + w2 c[s+2] + w3 c[s+3]  (+ base(x) b[o] << k)   o = every output
//! y[o] = requantize(acc[o])
//! ```
//!
//! # Exact tails
//! With tails, a coefficient index outside the table counts as zero: the weights are moved along
//! by a window instead, so tables need no padding and time does not depend on the data. Past three
//! intervals beyond the grid only the base function remains. Without tails `q` stops at the grid's ends.
//!
//! # Rooms
//! `full` has every edge, `sparse` a list of them; `shape` says what both are beside their tables. This
//! file only lists what they have; they stand on `arch` and the rounding rule.

pub(crate) mod full;
pub(crate) mod shape;
mod sparse;

pub use full::{Spline8, Spline16, pack_spline8, pack_spline16};
pub use shape::{Axis, Grid, SplineShape};
pub use sparse::{SparseSpline8, SparseSpline16, SparseSplineTables};
