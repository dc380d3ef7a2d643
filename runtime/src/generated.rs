//! What a generated module names: the contract between the code generator and this crate.
//!
//! A module written by `nervecord compile` names paths below `nervecord::generated` and nothing else of
//! this crate, so that any other file here can be moved, split or renamed without breaking a committed
//! module. This file only re-exports; it may name every room of the crate, and none may name it.
//!
//! Firmware uses the same types through the module's own items (`Policy`, `Input`, `Reading`) and
//! through the crate's front page, not through here.
//!
//! # What may change
//! A name may be added. Whoever renames or removes one, or changes what a table means, raises
//! [`FORMAT`]: modules of another format are refused by [`require_format`] with what to do.

#[cfg(feature = "fixed")]
pub use fixed;

pub use crate::controller::{Controller, Ports, RawStep, Sealed, Status};
pub use crate::dense::{Dense4, Dense8, Dense16, pack_dense4, pack_dense8, pack_dense16};
pub use crate::dense::{Finish, Lazy8, Lazy16, Pruned8, Pruned16};
pub use crate::dense::{Windows4, Windows8, Windows16};
pub use crate::elementwise::{
    Add, Affine, AffineRows, Extreme, GatedMul, Line, Mul, Pick, Place, Select,
};
pub use crate::functions::Functions;
pub use crate::head::{ArgMax, LogSoftmax, Softmax};
pub use crate::input::{Counts, Reading, Value};
pub use crate::integrity::{Tables, Words};
pub use crate::limits::{InputLimits, Limits, OutputLimits, Tolerance};
pub use crate::membrane::{Gap, Membrane, Neuron, Synapse};
pub use crate::ncap::{Clock, Joint, Ncap, Side};
pub use crate::norm::{Normalize, RootMeanSquare};
pub use crate::number::Number;
pub use crate::port::{Channel, Inlet, limits16, limits32, read16, read32, write16, write32};
pub use crate::quotient::{Quotient, Ratio};
pub use crate::rearrange::{DelayLine, Pad, Strided};
pub use crate::recurrent::{GruUpdate, LstmUpdate, at_end};
pub use crate::reduce::{GroupExtreme, GroupLength};
pub use crate::rows::{LogSoftmaxRows, NormalizeRows, RootMeanSquareRows, SoftmaxRows};
pub use crate::spiking::Spiking;
pub use crate::spline::{Axis, Grid, SplineShape};
pub use crate::spline::{SparseSpline8, SparseSpline16, SparseSplineTables};
pub use crate::spline::{Spline8, Spline16, pack_spline8, pack_spline16};
pub use crate::table::{FunctionRun, Table};
pub use crate::tensor::{Quad, Scratch, require_disjoint};

/// Version of the contract between generated modules and this crate.
pub const FORMAT: u32 = 1;

/// Fails the build of a generated module whose format is not [`FORMAT`].
pub const fn require_format(format: u32) {
    assert!(
        format == FORMAT,
        "this module was generated for another nervecord format: run `nervecord compile` again"
    );
}
