//! Functions of one variable over runs of features. Stands on `pieces` and [`crate::table`].

use crate::table::FunctionRun;
use crate::tensor::Quad;

/// Runs with what the loop over them would otherwise compute in every step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Runs<'a> {
    /// At least one.
    runs: &'a [FunctionRun<'a>],
    /// Features that must be there to read.
    pub(crate) inputs: usize,
    /// Features written.
    pub(crate) outputs: usize,
    /// 8, 4 or 1: what all counts are multiples of; runs start at even features unless it is 1.
    step: usize,
    /// Whether every run has `step` features.
    #[cfg_attr(not(nervecord_dsp), expect(dead_code))]
    even: bool,
}

impl<'a> Runs<'a> {
    /// # Panics
    /// If there is no run, or one is empty or beyond 2^16 features. In a constant, that is a build error.
    pub(crate) const fn new(runs: &'a [FunctionRun<'a>]) -> Self {
        assert!(!runs.is_empty());
        let (mut inputs, mut outputs, mut step) = (0, 0, 8);
        let mut i = 0;
        while i < runs.len() {
            let FunctionRun { from, count, .. } = runs[i];
            assert!(count > 0 && count <= 1 << 16 && from <= 1 << 16);
            inputs = if from + count > inputs { from + count } else { inputs };
            outputs += count;
            while !count.is_multiple_of(step) || (step > 1 && !from.is_multiple_of(2)) {
                step = if step == 8 { 4 } else { 1 };
            }
            i += 1;
        }
        Self { runs, inputs, outputs, step, even: outputs == step * runs.len() }
    }
}

/// Applies functions to `x`; where a tensor is too short, `y` stays as it was.
#[inline(always)]
pub(crate) fn apply(functions: &Runs, x: &[Quad], y: &mut [Quad]) {
    if x.len() * 4 >= functions.inputs && y.len() * 4 >= functions.outputs {
        // SAFETY: the tensors are long enough, by the line above, and aligned by type.
        unsafe { kernel(functions, x.as_ptr().cast(), y.as_mut_ptr().cast()) }
    }
}

/// Applies functions to `x`, with the results in the place of the features.
#[inline(always)]
pub(crate) fn apply_in_place(functions: &Runs, x: &mut [Quad]) {
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
unsafe fn kernel(functions: &Runs, x: *const i16, y: *mut i16) {
    #[cfg(nervecord_kernel = "helium")]
    if functions.outputs > 4 * functions.runs.len() {
        let runs = functions.runs.as_ptr_range();
        // SAFETY: no run is empty, by `Runs::new`; the rest is the caller's contract.
        return unsafe { helium::kernel(x, y, runs.start, runs.end) };
    }
    #[cfg(nervecord_dsp)]
    {
        let runs = functions.runs.as_ptr_range();
        if functions.runs.len() == 1 && functions.step > 1 {
            let kernel = if functions.step == 8 { dsp::run_of_eights } else { dsp::run_of_fours };
            // SAFETY: the count is a multiple of the step, and `from` even, by `Runs::new`; the rest is the
            // caller's contract.
            return unsafe { kernel(x, y, runs.start) };
        }
        let kernel = match (functions.step, functions.even) {
            (1, _) => dsp::ones,
            (8, true) => dsp::eight,
            (8, false) => dsp::eights,
            (_, true) => dsp::four,
            (_, false) => dsp::fours,
        };
        // SAFETY: all counts are multiples of the step, or equal to it, and all `from` even, by
        // `Runs::new`; the rest is the caller's contract.
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
unsafe fn each<const STEP: usize>(runs: &[FunctionRun], x: *const i16, mut y: *mut i16) {
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

/// A run is four words, which the kernels load at once.
#[cfg(nervecord_dsp)]
mod run {
    use super::FunctionRun;
    use crate::arch::pieces::Pieces;

    one_after_the_other!(Pieces from 0; middle, half);
    one_after_the_other!(FunctionRun from 0; table);
    one_after_the_other!(FunctionRun from 8; from, count);
    const _: () = assert!(size_of::<FunctionRun>() == 16);
}

/// Armv7E-M and the DSP extension: nine instructions for two features, and a load and a store of
/// several at once.
#[cfg(nervecord_dsp)]
mod dsp {
    use super::FunctionRun;
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

    /// A kernel: features, results, the first run and, where there may be others, what ends them.
    macro_rules! kernel {
        ($name:ident($($end:ty)?), $load:literal, $store:literal, [$($pair:expr),*], [$($again:expr),*]) => {
            /// # Safety
            /// As for [`kernel`](super::kernel).
            #[unsafe(naked)]
            pub(super) unsafe extern "C" fn $name(
                _: *const i16,
                _: *mut i16,
                _: *const FunctionRun,
                $(_: $end)?
            ) {
                naked_asm!(
                    cpu!(),
                    "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
                    "1:",
                    "ldm r2!, {{r4, r5, r6, r7}}", // a run: middle, half, from, count
                    "add r6, r0, r6, lsl #1",
                    "2:",
                    $load,
                    $($pair,)*
                    $store,
                    $($again,)*
                    "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
                )
            }
        };
    }

    /// The next run, if there is one.
    macro_rules! next_run {
        () => {
            "cmp r2, r3\nbne 1b"
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

    /// The kernels of several runs, of several that take one round each, and of one run.
    macro_rules! kernels {
        ($each:ident, $once:ident, $run:ident; $load:literal, $store:literal, $step:literal, $pairs:tt) => {
            kernel!(
                $each(*const FunctionRun),
                $load,
                $store,
                $pairs,
                [concat!("subs r7, r7, #", $step), "bne 2b", next_run!()]
            );
            kernel!($once(*const FunctionRun), $load, $store, $pairs, [next_run!()]);
            kernel!($run(), $load, $store, $pairs, [concat!("subs r7, r7, #", $step), "bne 2b"]);
        };
    }

    kernels!(
        eights, eight, run_of_eights;
        "ldm r6!, {{r8, r9, r10, r11}}",
        "stm r1!, {{r8, r9, r10, r11}}",
        "8",
        [pair!("r8"), pair!("r9"), pair!("r10"), pair!("r11")]
    );
    kernels!(
        fours, four, run_of_fours;
        "ldrd r8, r9, [r6], #8",
        "strd r8, r9, [r1], #8",
        "4",
        [pair!("r8"), pair!("r9")]
    );
    kernel!(
        ones(*const FunctionRun),
        "ldrsh r12, [r6], #2",
        "strh r12, [r1], #2",
        [one!()],
        ["subs r7, r7, #1", "bne 2b", next_run!()]
    );
}

/// Helium: fourteen instructions for eight features, the loop's own among them, where runs are long enough.
#[cfg(nervecord_kernel = "helium")]
mod helium {
    use super::FunctionRun;
    use core::arch::naked_asm;

    /// The functions of the eight features in q0, in place, with the middle of the pieces in r4 and half their
    /// number in q3; uses q1, q2 and q4.
    ///
    /// `VMULLB` and `VMULLT` take even and odd features; the shift puts the values of even ones, which are the
    /// upper halves of their sums, between those of odd ones.
    macro_rules! eight {
        () => {
            "vmullb.s16 q1, q0, q3
             vmullt.s16 q0, q0, q3
             vshr.s32 q2, q1, #15
             vldrw.u32 q4, [r4, q2, uxtw #2]
             vshr.s32 q2, q0, #15
             vmullb.s16 q1, q4, q1
             vadd.i32 q1, q1, q4
             vldrw.u32 q4, [r4, q2, uxtw #2]
             vmullb.s16 q0, q4, q0
             vadd.i32 q0, q0, q4
             vshrnb.i32 q0, q1, #16
            "
        };
    }

    /// # Safety
    /// As for [`kernel`](super::kernel): features, results, the first run, and where they end.
    #[unsafe(naked)]
    pub(super) unsafe extern "C" fn kernel(
        _: *const i16,
        _: *mut i16,
        _: *const FunctionRun,
        _: *const FunctionRun,
    ) {
        naked_asm!(
            ".cpu cortex-m55", // the assembler is not told of the target's here
            "push {{r4, r5, r6, r7, r8, lr}}",
            "vpush {{d8-d9}}",
            "1:",
            "ldm r2!, {{r4, r5, r6, r7}}", // a run: middle, half, from, count
            "add r6, r0, r6, lsl #1",
            "vdup.16 q3, r5",
            "lsrs r8, r7, #3",
            "wls lr, r8, 3f",
            "2:",
            "vldrh.u16 q0, [r6], #16",
            eight!(),
            "vstrh.16 q0, [r1], #16",
            "le lr, 2b",
            "3:",
            "ands r7, r7, #7",
            "beq 4f",
            "vctp.16 r7", // lanes beyond are features that are 0, whose results are not stored
            "vpst",
            "vldrht.u16 q0, [r6]",
            eight!(),
            "vpst",
            "vstrht.16 q0, [r1]",
            "add r1, r1, r7, lsl #1",
            "4:",
            "cmp r2, r3",
            "bne 1b",
            "vpop {{d8-d9}}",
            "pop {{r4, r5, r6, r7, r8, pc}}",
        )
    }
}
