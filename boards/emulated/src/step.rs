//! The generated module behind one symbol, and the two markers the counting plugin looks for.

use core::arch::asm;

#[allow(dead_code, clippy::all, missing_docs)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/model.rs"));
}

pub use generated::model::*;

/// One step under a name of its own; all that a control loop would call.
// SAFETY: no other symbol of the firmware has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn nervecord_step(
    model: &mut Model,
    input: &[RawInput; INPUTS],
    output: &mut [RawOutput; OUTPUTS],
) {
    model.step_raw_into(input, output);
}

/// Instructions are counted from the first one of this function on.
// SAFETY: no other symbol of the firmware has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn nervecord_begin() {
    // SAFETY: does nothing. Its text differs from the other marker's so that the two stay apart.
    unsafe { asm!("nop // begin", options(nostack, preserves_flags)) }
}

/// Instructions are counted up to the first one of this function.
// SAFETY: no other symbol of the firmware has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn nervecord_end() {
    // SAFETY: does nothing. Its text differs from the other marker's so that the two stay apart.
    unsafe { asm!("nop // end", options(nostack, preserves_flags)) }
}
