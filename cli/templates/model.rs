//! The model, which `build.rs` compiles from `model/`.

mod generated {
    include!(concat!(env!("OUT_DIR"), "/{{module}}.rs"));
}

pub use generated::{{module}}::*;
use nervecord::{Ports, RawStep};

/// The model, with its memory if it has any.
pub type Model = generated::{{module}}::{{type}};

/// An output as numbers in its units: `reals(&output)[output::NAME]`.
pub fn reals(output: &Output) -> [f32; OUTPUTS] {
    let mut reals = Model::output_to_raw(output).map(|raw| raw as f32);
    for (real, format) in reals.iter_mut().zip(Model::FORMATS.outputs) {
        let one = 1_u64.wrapping_shl(format.frac.into()) - u64::from(format.full_scale);
        *real /= one as f32;
    }
    reals
}
