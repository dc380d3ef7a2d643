//! The model that swims.

#[allow(dead_code, missing_docs, clippy::all)]
mod generated {
    // The controller: another model with joint angles in and torques out takes these two lines.
    include!("../../../models/ncap_swimmer/ncap_swimmer.rs");
    pub use ncap_swimmer::NcapSwimmer as Model;
}

pub use generated::Model;
