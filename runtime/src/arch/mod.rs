//! What differs from core to core: how tables lie in memory, and the sums over them.
//!
//! This is the only room with `unsafe` code, each piece behind a face that is safe for any arguments. A
//! core-specific kernel has a portable twin, which reads the same layout and must give the same integers;
//! integers add in any order, so all that differs is speed.
//!
//! This file lists the rooms and uses none. Who stands above names a room of it directly; what is in one
//! may use the rooms listed before it, tensors, the rounding rule and the shapes of layers.
//!
//! | room | what it has |
//! |---|---|
//! | `memory` | tensors as slices of integers |
//! | `scalar` | operations on one integer that take the same time for every value |
//! | `pieces`, `functions` | functions as tables of straight lines, and the loop over features |
//! | `copy` | a program's inputs into a tensor, with a watch on their ranges |
//! | `elementwise`, `norm` | sums and products of two tensors, and those of a normalisation |
//! | `nonzero` | sums that leave out zeros |
//! | `dense`, `spline` | the layouts and kernels of layers |
#![allow(unsafe_code)]

/// Names a core that has the DSP extension: the assembler is not told of `-C target-cpu`.
#[cfg(all(nervecord_dsp, nervecord_armv8m))]
macro_rules! cpu {
    () => {
        ".cpu cortex-m33"
    };
}
/// The target's name implies the extension.
#[cfg(all(nervecord_dsp, not(nervecord_armv8m)))]
macro_rules! cpu {
    () => {
        ""
    };
}

/// Fails the build unless the fields of a type lie one word after the other from byte `$start` on, as a
/// kernel loads them.
#[cfg(nervecord_assembly)]
macro_rules! one_after_the_other {
    ($type:ident from $start:expr; $($field:ident),+) => {
        const _: () = {
            let places = [$(core::mem::offset_of!($type, $field)),+];
            let mut k = 0;
            while k < places.len() {
                assert!(places[k] == $start + 4 * k, "a kernel loads these fields in order");
                k += 1;
            }
        };
    };
}

#[cfg(nervecord_branchless)]
mod branchless;
pub(crate) mod copy;
pub(crate) mod dense;
pub(crate) mod elementwise;
pub(crate) mod functions;
pub(crate) mod memory;
pub(crate) mod nonzero;
pub(crate) mod norm;
pub(crate) mod pieces;
pub(crate) mod scalar;
pub(crate) mod spline;

/// The kernels that this build has: `armv6m`, `armv7m`, `dsp`, `helium`, `riscv`, `sse2` or `portable`.
///
/// A Cortex-M33 says `dsp`, or `armv7m` where the compiler was not told of the core, or that it lacks the
/// DSP extension: that is the same integers in about twice the time.
pub const KERNEL: &str = if cfg!(nervecord_kernel = "armv6m") {
    "armv6m"
} else if cfg!(nervecord_kernel = "armv7m") {
    "armv7m"
} else if cfg!(nervecord_kernel = "dsp") {
    "dsp"
} else if cfg!(nervecord_kernel = "helium") {
    "helium"
} else if cfg!(nervecord_kernel = "riscv") {
    "riscv"
} else if cfg!(nervecord_kernel = "sse2") {
    "sse2"
} else {
    "portable"
};
