//! The sums over features that a normalisation takes, and its products. Stands on `scalar` and the rounding rule.

#[cfg(not(nervecord_dsp))]
use super::scalar::never;
#[cfg(not(nervecord_dsp))]
use crate::rounding::{saturate16, scaler};
use crate::tensor::Quad;

/// The sum and the sum of squares of at most 2^13 features.
#[inline(always)]
pub(crate) fn moments(x: &[Quad]) -> (i32, u64) {
    #[cfg(not(nervecord_dsp))]
    {
        let (mut sum, mut squares) = (0_i32, 0_u64);
        for quad in x.iter() {
            if never() {
                break;
            }
            for x in quad.0.map(i32::from) {
                sum += x; // |sum| <= 2^13 2^15
                squares += (x * x) as u64; // <= 2^13 2^30
            }
        }
        (sum, squares)
    }
    #[cfg(nervecord_dsp)]
    {
        let mut sum = 0;
        let squares = match x.len() {
            0 => 0,
            // SAFETY: as many quads are at `x`.
            quads => unsafe { sums(x.as_ptr(), quads, &mut sum) },
        };
        (sum, squares)
    }
}

/// `z = sat16((d m / 2^16) / 2^s)` to the nearest, of `d = n x - sum` (mod 2^32), in place, for an `s` of 2 to 31.
///
/// The caller has seen to it that `|d m / 2^16| + 2^(s-1)` is below 2^31.
#[inline(always)]
pub(crate) fn divide(x: &mut [Quad], n: i32, sum: i32, m: i16, s: u32) {
    #[cfg(not(nervecord_dsp))]
    {
        let (scale, half) = (scaler(m, 0), 1 << (s - 1));
        for quad in x {
            if never() {
                return;
            }
            for x in &mut quad.0 {
                let d = (*x as i32).wrapping_mul(n).wrapping_sub(sum);
                *x = saturate16((scale(d) + half) >> s);
            }
        }
    }
    #[cfg(nervecord_dsp)]
    if !x.is_empty() {
        // SAFETY: as many quads are at `x`.
        unsafe { quotients(x.as_mut_ptr(), x.len(), n, sum, (m as i32) << 16, s) }
    }
}

/// The sum of squares of quads, at least one; writes the sum.
///
/// # Safety
/// They must be there.
#[cfg(all(nervecord_dsp, not(nervecord_kernel = "helium")))]
#[unsafe(naked)]
unsafe extern "C" fn sums(_: *const Quad, _: usize, _: &mut i32) -> u64 {
    core::arch::naked_asm!(
        cpu!(),
        "push {{r4, r5, r6, r7, lr}}",
        "mov r3, r0",
        "mov r12, r1",
        "mov r0, #0",
        "mov r1, #0",
        "mov r6, #0",
        "mov r7, #0x00010001",
        "1:",
        "ldrd r4, r5, [r3], #8",
        "smlad r6, r4, r7, r6",
        "smlad r6, r5, r7, r6",
        "smlald r0, r1, r4, r4",
        "smlald r0, r1, r5, r5",
        "subs r12, r12, #1",
        "bne 1b",
        "str r6, [r2]",
        "pop {{r4, r5, r6, r7, pc}}",
    )
}

/// The sum of squares of quads, at least one; writes the sum. Eight features take four instructions.
///
/// # Safety
/// They must be there.
#[cfg(nervecord_kernel = "helium")]
#[unsafe(naked)]
unsafe extern "C" fn sums(_: *const Quad, _: usize, _: &mut i32) -> u64 {
    core::arch::naked_asm!(
        ".cpu cortex-m55", // the assembler is not told of the target's here
        "push {{r4, lr}}",
        "mov r3, r0",
        "lsl r12, r1, #2",
        "mov r0, #0",
        "mov r1, #0",
        "mov r4, #0",
        "dlstp.16 lr, r12",
        "1:",
        "vldrh.u16 q0, [r3], #16",
        "vaddva.s16 r4, q0",
        "vmlaldava.s16 r0, r1, q0, q0",
        "letp lr, 1b",
        "str r4, [r2]",
        "pop {{r4, pc}}",
    )
}

/// [`divide`] for quads, at least one: `x`, how many, `n`, `sum`, `2^16 m`, `s`. Four features take 22 instructions.
///
/// # Safety
/// They must be there.
#[cfg(all(nervecord_dsp, not(nervecord_kernel = "helium")))]
#[unsafe(naked)]
unsafe extern "C" fn quotients(_: *mut Quad, _: usize, _: i32, _: i32, _: i32, _: u32) {
    /// Two features in `$x`; uses r8.
    macro_rules! pair {
        ($x:literal) => {
            concat!(
                concat!("smlabb r8, ", $x, ", r2, r3\n"),
                concat!("smlatb ", $x, ", ", $x, ", r2, r3\n"),
                "smlawt r8, r8, r6, r12\n", // floor(d m / 2^16) + half
                concat!("smlawt ", $x, ", ", $x, ", r6, r12\n"),
                "asr r8, r8, r7\n",
                concat!("asr ", $x, ", ", $x, ", r7\n"),
                "ssat r8, #16, r8\n",
                concat!("ssat ", $x, ", #16, ", $x, "\n"),
                concat!("pkhbt ", $x, ", r8, ", $x, ", lsl #16\n"),
            )
        };
    }
    core::arch::naked_asm!(
        cpu!(),
        "push {{r4, r5, r6, r7, r8, lr}}",
        "ldrd r6, r7, [sp, #24]",
        "rsb r3, r3, #0",
        "sub r4, r7, #1",
        "mov r12, #1",
        "lsl r12, r12, r4",
        "1:",
        "ldrd r4, r5, [r0]",
        pair!("r4"),
        pair!("r5"),
        "strd r4, r5, [r0], #8",
        "subs r1, r1, #1",
        "bne 1b",
        "pop {{r4, r5, r6, r7, r8, pc}}",
    )
}

/// [`divide`] for quads, at least one: `x`, how many, `n`, `sum`, `2^16 m`, `s`. Four features take eight instructions.
///
/// # Safety
/// They must be there.
#[cfg(nervecord_kernel = "helium")]
#[unsafe(naked)]
unsafe extern "C" fn quotients(_: *mut Quad, _: usize, _: i32, _: i32, _: i32, _: u32) {
    core::arch::naked_asm!(
        ".cpu cortex-m55", // the assembler is not told of the target's here
        "push {{r4, lr}}",
        "ldrd r4, r12, [sp, #8]",
        "rsb r12, r12, #0", // a shift to the right
        "vdup.32 q2, r4",
        "dls lr, r1",
        "1:",
        "vldrh.s32 q0, [r0]",
        "vmul.i32 q0, q0, r2",
        "vsub.i32 q0, q0, r3",
        "vmulh.s32 q0, q0, q2",
        "vrshl.s32 q0, r12",
        "vqmovnb.s32 q0, q0",
        "vstrh.32 q0, [r0], #8",
        "le lr, 1b",
        "pop {{r4, pc}}",
    )
}
