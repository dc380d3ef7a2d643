//! Functions in pieces: how a table of straight lines is read, and the loop over features.

use core::marker::PhantomData;

use crate::edges::{Functions, Run};
use crate::tensor::Quad;

/// The words of a function of one variable; see [`Table`](crate::table::Table) for what they mean.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Pieces<'a> {
    /// The piece that starts at input 0: as many lie below it as from it on.
    middle: *const u32,
    /// Half the number of pieces.
    half: usize,
    words: PhantomData<&'a [u32]>,
}

// SAFETY: it is a shared slice, held by its middle.
unsafe impl Send for Pieces<'_> {}
// SAFETY: as above.
unsafe impl Sync for Pieces<'_> {}

impl<'a> Pieces<'a> {
    /// # Panics
    /// If the number of words is odd, 0 or above 4,096. In a constant, that is a build error.
    pub(crate) const fn new(words: &'a [u32]) -> Self {
        assert!(words.len() >= 2 && words.len() <= 4096 && words.len().is_multiple_of(2));
        let half = words.len() / 2;
        // SAFETY: half the length lies inside.
        let middle = unsafe { words.as_ptr().add(half) };
        Self { middle, half, words: PhantomData }
    }

    /// The function at `x`.
    #[inline(always)]
    pub(crate) fn at(self, x: i16) -> i16 {
        let t = x as i32 * self.half as i32; // |t| <= 2^15 half, half <= 2^11
        // SAFETY: -half <= t / 2^15 < half, rounded down: inside the words, by `new`.
        let word = unsafe { *self.middle.offset((t >> 15) as isize) } as i32;
        let rise = match cfg!(target_arch = "riscv32") {
            // |rise| <= 2^30
            false => word as i16 as i32 * t as i16 as i32,
            // The same: one shift a factor instead of two, and the product's high word.
            true => (((word << 16) as i64 * (t << 16) as i64) >> 32) as i32,
        };
        (word.wrapping_add(rise) >> 16) as i16
    }
}

/// Applies functions to `x`; where a tensor is too short, `y` stays as it was.
#[inline(always)]
pub(crate) fn apply(functions: &Functions, x: &[Quad], y: &mut [Quad]) {
    if x.len() * 4 >= functions.inputs && y.len() * 4 >= functions.outputs {
        // SAFETY: the tensors are long enough, by the line above, and aligned by type.
        unsafe { kernel(functions, x.as_ptr().cast(), y.as_mut_ptr().cast()) }
    }
}

/// As [`apply`], with the results in the place of the features.
#[inline(always)]
pub(crate) fn apply_in_place(functions: &Functions, x: &mut [Quad]) {
    if x.len() * 4 >= functions.inputs.max(functions.outputs) {
        let x = x.as_mut_ptr();
        // SAFETY: as for `apply`; both pointers come from the one unique borrow.
        unsafe { kernel(functions, x.cast(), x.cast()) }
    }
}

/// The functions by the fastest kernel there is.
///
/// # Safety
/// `x` and `y` hold as many features as `functions` reads and writes, and are aligned to quads.
#[inline(always)]
unsafe fn kernel(functions: &Functions, x: *const i16, y: *mut i16) {
    #[cfg(nervecord_dsp)]
    {
        let kernel = match (functions.step, functions.even) {
            (1, _) => dsp::ones,
            (8, true) => dsp::eight,
            (8, false) => dsp::eights,
            (_, true) => dsp::four,
            (_, false) => dsp::fours,
        };
        let runs = functions.runs.as_ptr_range();
        // SAFETY: all counts are multiples of the step, or equal to it, and all `from` even, by
        // `Functions::new`; the rest is the caller's contract.
        unsafe { kernel(x, y, runs.start, runs.end) }
    }
    #[cfg(not(nervecord_dsp))]
    // SAFETY: all counts are multiples of the step; the rest is the caller's contract.
    unsafe {
        match functions.step {
            1 => each::<1>(functions.runs, x, y),
            _ => each::<4>(functions.runs, x, y),
        }
    }
}

/// `STEP` features a round.
///
/// # Safety
/// Of every run `from + count` features are at `x`, and the sum of all counts at `y`; all counts are
/// multiples of `STEP`.
#[cfg(not(nervecord_dsp))]
#[inline(never)]
unsafe fn each<const STEP: usize>(runs: &[Run], x: *const i16, mut y: *mut i16) {
    for run in runs {
        // SAFETY: the features are there, by the caller's contract.
        unsafe {
            let mut x = x.add(run.from);
            let end = y.add(run.count);
            while y != end {
                for k in 0..STEP {
                    *y.add(k) = run.table.pieces.at(*x.add(k));
                }
                (x, y) = (x.add(STEP), y.add(STEP));
            }
        }
    }
}

/// Armv7E-M and the DSP extension: nine instructions for two features, and a load and a store of
/// several at once.
#[cfg(nervecord_dsp)]
mod dsp {
    use super::Run;
    use core::arch::naked_asm;

    /// The functions of the two features in `$x`, with the middle of the pieces in r4 and half their
    /// number in r5; uses r12 and lr.
    ///
    /// `SMLABB` of a word with itself as addend takes its lower half as the factor and leaves the
    /// value in the upper half, where `PKHTB` finds it.
    macro_rules! pair {
        ($x:literal) => {
            concat!(
                "smulbb r12, ",
                $x,
                ", r5\n",
                "asrs lr, r12, #15\n",
                "ldr lr, [r4, lr, lsl #2]\n",
                "smultb ",
                $x,
                ", ",
                $x,
                ", r5\n",
                "smlabb r12, lr, r12, lr\n",
                "asrs lr, ",
                $x,
                ", #15\n",
                "ldr lr, [r4, lr, lsl #2]\n",
                "smlabb ",
                $x,
                ", lr, ",
                $x,
                ", lr\n",
                "pkhtb ",
                $x,
                ", ",
                $x,
                ", r12, asr #16\n",
            )
        };
    }

    macro_rules! kernel {
        ($name:ident, $load:literal, $store:literal, [$($pair:expr),*], [$($again:expr),*]) => {
            /// # Safety
            /// As for [`kernel`](super::kernel): features, results, the first run, and where they end.
            #[unsafe(naked)]
            pub(super) unsafe extern "C" fn $name(
                _: *const i16,
                _: *mut i16,
                _: *const Run,
                _: *const Run,
            ) {
                naked_asm!(
                    #[cfg(nervecord_armv8m)]
                    ".cpu cortex-m33", // the assembler is not told of the target's here
                    "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
                    "1:",
                    "ldm r2!, {{r4, r5, r6, r7}}", // a run: middle, half, from, count
                    "add r6, r0, r6, lsl #1",
                    "2:",
                    $load,
                    $($pair,)*
                    $store,
                    $($again,)*
                    "cmp r2, r3",
                    "bne 1b",
                    "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
                )
            }
        };
    }

    /// The function of the one feature in r12.
    macro_rules! one {
        () => {
            "smulbb r12, r12, r5
             asrs lr, r12, #15
             ldr lr, [r4, lr, lsl #2]
             smlabb r12, lr, r12, lr
             lsrs r12, r12, #16
            "
        };
    }

    macro_rules! kernels {
        ($each:ident, $one:ident, $load:literal, $store:literal, $step:literal, $pairs:tt) => {
            kernel!($each, $load, $store, $pairs, [concat!("subs r7, r7, #", $step), "bne 2b"]);
            kernel!($one, $load, $store, $pairs, []);
        };
    }

    kernels!(
        eights,
        eight,
        "ldm r6!, {{r8, r9, r10, r11}}",
        "stm r1!, {{r8, r9, r10, r11}}",
        "8",
        [pair!("r8"), pair!("r9"), pair!("r10"), pair!("r11")]
    );
    kernels!(
        fours,
        four,
        "ldrd r8, r9, [r6], #8",
        "strd r8, r9, [r1], #8",
        "4",
        [pair!("r8"), pair!("r9")]
    );
    kernel!(
        ones,
        "ldrsh r12, [r6], #2",
        "strh r12, [r1], #2",
        [one!()],
        ["subs r7, r7, #1", "bne 2b"]
    );
}
