//! What differs from core to core: how a layer's tables lie in memory, and the sums over them.
//!
//! This is the only module with `unsafe` code. Each core-specific kernel has its portable twin in
//! [`portable`], which reads the same layout and must give the same integers; integers add in any
//! order, so all that differs is speed.
//!
//! The tables of a layer form one stream of words; see [`Layout`].
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

mod active;
mod copy;
#[cfg_attr(not(test), allow(dead_code, reason = "a build has one kernel, tests have all twins"))]
pub(crate) mod portable;

#[cfg(nervecord_branchless)]
mod branchless;
#[cfg(nervecord_kernel = "armv6m")]
#[path = "armv6m.rs"]
mod kernel;
#[cfg(nervecord_kernel = "armv7m")]
#[path = "armv7m.rs"]
mod kernel;
#[cfg(nervecord_kernel = "dsp")]
#[path = "dsp.rs"]
mod kernel;
#[cfg(nervecord_kernel = "helium")]
#[path = "helium.rs"]
mod kernel;
#[cfg(nervecord_kernel = "riscv")]
#[path = "riscv.rs"]
mod kernel;
#[cfg(nervecord_kernel = "sse2")]
#[path = "sse2.rs"]
mod kernel;
#[cfg_attr(not(test), allow(dead_code, reason = "a build has one layout, tests have all"))]
mod layout;
mod pieces;
mod spline;

use crate::tensor::Quad;
pub(crate) use active::Active;
pub(crate) use copy::{Limits, copy_gathering, copy_pairs, copy_watching};
pub(crate) use pieces::{Pieces, apply, apply_in_place};
pub use spline::Coefficient;
pub(crate) use spline::{Layer as SplineLayer, Sections as SplineSections};
pub(crate) use spline::{Native as SplineNative, pack_spline8, pack_spline16};

#[cfg(test)]
pub(crate) use layout::{Blocked, Interleaved, Lanes, LanesShort, RowMajor, Vectors};
pub(crate) use layout::{Layout, Native, pack8, pack16, words};

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

/// Width of weights in a stream.
pub trait Weight: Copy {
    /// Words of a group of four weights.
    const WORDS: usize;

    /// Computes rows from a stream in the [`Native`] layout; see [`portable::dense`] for the contract.
    /// `x` is as before afterwards.
    fn dense(shape: &Shape, stream: &[u32], x: &mut [Quad], y: &mut [Quad]);
}

/// The shape of a dense layer, with what its kernel would otherwise compute in every step.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Shape {
    /// Where a loop unrolled four times is entered, in bytes.
    entry: usize,
    /// How often it runs.
    rounds: usize,
    /// Bytes of output that whole blocks write.
    block_bytes: usize,
    /// Rows after the whole blocks.
    rest: usize,
    /// Quads of inputs.
    pub(crate) quads: usize,
    /// Outputs.
    pub(crate) rows: usize,
    /// Clamp outputs at zero from below.
    pub(crate) relu: bool,
}

impl Shape {
    /// The shape of a layer whose unrolled loop has `quarter` bytes a quad.
    pub(crate) const fn new(quads: usize, rows: usize, relu: bool, quarter: usize) -> Self {
        Self {
            entry: (4 - quads % 4) % 4 * quarter,
            rounds: quads.div_ceil(4),
            block_bytes: rows / 4 * 8,
            rest: rows % 4,
            quads,
            rows,
            relu,
        }
    }
}

impl Weight for i8 {
    const WORDS: usize = 1;

    #[inline(always)]
    fn dense(shape: &Shape, stream: &[u32], x: &mut [Quad], y: &mut [Quad]) {
        kernel::dense_i8(shape, stream, x, y);
    }
}

impl Weight for i16 {
    const WORDS: usize = 2;

    #[inline(always)]
    fn dense(shape: &Shape, stream: &[u32], x: &mut [Quad], y: &mut [Quad]) {
        kernel::dense_i16(shape, stream, x, y);
    }
}

/// The portable kernel as this core's: one copy for all layers.
#[cfg(nervecord_kernel = "portable")]
mod kernel {
    use super::{Native, Shape, portable};
    use crate::tensor::Quad;

    pub(crate) const QUARTER_I8: usize = 0;
    pub(crate) const QUARTER_I16: usize = 0;

    #[inline(never)]
    pub(super) fn dense_i8(shape: &Shape, stream: &[u32], x: &[Quad], y: &mut [Quad]) {
        portable::dense::<Native, i8>(shape, stream, x, y);
    }

    #[inline(never)]
    pub(super) fn dense_i16(shape: &Shape, stream: &[u32], x: &[Quad], y: &mut [Quad]) {
        portable::dense::<Native, i16>(shape, stream, x, y);
    }
}

/// A kernel in assembly: activations, outputs, shape, stream.
#[cfg(nervecord_assembly)]
type Assembly = unsafe extern "C" fn(*mut Quad, *mut Quad, *const Shape, *const u32);

/// Calls a kernel over weights `W` if the slices are as long as the shape says.
#[cfg(nervecord_assembly)]
#[inline(always)]
fn call<W: Weight>(
    kernel: Assembly,
    shape: &Shape,
    stream: &[u32],
    x: &mut [Quad],
    y: &mut [Quad],
) {
    let fits = x.len() >= shape.quads
        && y.len() >= shape.rows.div_ceil(4)
        && stream.len() == words::<W>(4 * shape.quads, shape.rows)
        && shape.quads > 0;
    if fits {
        // SAFETY: a kernel uses `quads` quads of x, reads the whole stream, and writes `rows`
        // activations of y, all inside by the line above; quads and words are aligned by type, and
        // `Shape` was made for this kernel's code by `Shape::new`.
        unsafe { kernel(x.as_mut_ptr(), y.as_mut_ptr(), shape, stream.as_ptr()) }
    }
}

/// Bytes of code a quad takes in this core's unrolled loop over weights `W`; 0 where there is none.
pub(crate) const fn quarter<W: Weight>() -> usize {
    if W::WORDS == 1 { kernel::QUARTER_I8 } else { kernel::QUARTER_I16 }
}

/// `x` clamped to `0..2^BITS`, for `BITS` of 15 or less and `-2^31 < x < 2^31 - 2^BITS`.
///
/// No branch on any core: where the compiler would make one, the instructions are spelled out.
#[inline(always)]
pub(crate) fn unit<const BITS: u32>(x: i32) -> i32 {
    #[cfg(nervecord_branchless)]
    return branchless::unit::<BITS>(x);
    #[cfg(not(nervecord_branchless))]
    portable::unit::<BITS>(x)
}

/// `x` clamped to 16 bits, on every core in the same time for every `x`.
#[inline(always)]
pub(crate) fn saturate16(x: i32) -> i16 {
    #[cfg(nervecord_branchless)]
    return branchless::saturate16(x);
    #[cfg(not(nervecord_branchless))]
    portable::saturate16(x)
}

/// All ones if `x` is negative, else 0; a mask that the compiler does not turn back into a branch.
#[inline(always)]
pub(crate) fn negative(x: i32) -> i32 {
    #[cfg(nervecord_branchless)]
    return branchless::negative(x);
    #[cfg(not(nervecord_branchless))]
    portable::negative(x)
}

/// `a - b`, saturating, in the same time for all values.
#[inline(always)]
pub(crate) fn saturating_sub(a: i32, b: i32) -> i32 {
    #[cfg(nervecord_dsp)]
    {
        let mut difference = a;
        // SAFETY: writes a register and flags only.
        unsafe {
            core::arch::asm!(
                "qsub {a}, {a}, {b}",
                a = inout(reg) difference,
                b = in(reg) b,
                options(pure, nomem, nostack),
            );
        }
        difference
    }
    #[cfg(not(nervecord_dsp))]
    portable::saturating_sub(a, b)
}

/// Number of zero bits above the highest one of `x`, which is not 0.
#[inline(always)]
pub(crate) fn leading_zeros(x: u32) -> u32 {
    #[cfg(nervecord_branchless)]
    return branchless::leading_zeros(x);
    #[cfg(not(nervecord_branchless))]
    x.leading_zeros()
}

/// `x` clamped to `low..=high`, in the same time for every `x` whose distance to either fits in 32 bits.
#[inline(always)]
pub(crate) fn clamp(x: i32, low: i32, high: i32) -> i32 {
    #[cfg(nervecord_branchless)]
    {
        let above = x - low;
        let over = (above & !negative(above)) + low - high;
        (over & negative(over)) + high
    }
    #[cfg(not(nervecord_branchless))]
    x.max(low).min(high)
}

/// `x`, of which the compiler knows nothing on a core.
#[inline(always)]
pub(crate) fn opaque(x: u32) -> u32 {
    #[cfg(nervecord_assembly)]
    {
        let mut x = x;
        // SAFETY: does nothing.
        unsafe {
            core::arch::asm!("/* {} */", inout(reg) x, options(pure, nomem, nostack, preserves_flags));
        }
        x
    }
    #[cfg(not(nervecord_assembly))]
    x
}

/// Always false, but the compiler does not know on a core: a loop that could end there is not unrolled
/// further than it is written, which would take more registers than there are.
#[inline(always)]
pub(crate) fn never() -> bool {
    #[cfg(nervecord_assembly)]
    {
        let mut x = 0_u32;
        // SAFETY: does nothing.
        unsafe {
            core::arch::asm!("/* {} */", inout(reg) x, options(nomem, nostack, preserves_flags));
        }
        x != 0
    }
    #[cfg(not(nervecord_assembly))]
    false
}

/// The activations of a tensor one by one.
#[inline(always)]
pub fn flat(x: &[Quad]) -> &[i16] {
    // SAFETY: a Quad is exactly four i16 (repr(C), size 8, no padding) at least as aligned as one,
    // so the slice covers the same bytes, and the lifetime is that of the borrow.
    unsafe { core::slice::from_raw_parts(x.as_ptr().cast(), x.len() * 4) }
}

/// The activations of a tensor one by one, to write.
#[inline(always)]
pub fn flat_mut(x: &mut [Quad]) -> &mut [i16] {
    // SAFETY: as for `flat`; the borrow is unique.
    unsafe { core::slice::from_raw_parts_mut(x.as_mut_ptr().cast(), x.len() * 4) }
}

/// A tensor's memory as `i32` accumulators, two a quad.
#[inline(always)]
pub fn words_mut(x: &mut [Quad]) -> &mut [i32] {
    // SAFETY: a Quad is eight bytes without padding, aligned to eight, and any bits are an i32; the
    // borrow is unique.
    unsafe { core::slice::from_raw_parts_mut(x.as_mut_ptr().cast(), x.len() * 2) }
}

/// `points[index]` for an index the caller has proved to lie inside.
///
/// # Safety
/// `index < points.len()`.
#[inline(always)]
pub(crate) unsafe fn point(points: &[i16], index: usize) -> i16 {
    debug_assert!(index < points.len());
    // SAFETY: the caller's contract.
    unsafe { *points.get_unchecked(index) }
}
