//! Sums and products of two tensors, feature by feature. Stands on the rounding rule.

#[cfg(not(nervecord_dsp))]
use crate::rounding::{saturate16, scaler, shift_round};
use crate::tensor::Quad;

/// `x = sat16((a x + b other) / 2^shift)` to the nearest, as far as both go, for a `shift` of 1 to 16.
///
/// The sum of the factors' magnitudes is at most 65,534.
#[cfg_attr(nervecord_dsp, inline(always))]
#[cfg_attr(not(nervecord_dsp), inline(never))]
pub(crate) fn add(x: &mut [Quad], other: &[Quad], [a, b]: [i16; 2], shift: u8) {
    #[cfg(not(nervecord_dsp))]
    each(x, other, |x, other| {
        // |sum| <= 32768 * 65534 = 2^31 - 2^16, and the rounding half is at most 2^15.
        saturate16(shift_round(x * a as i32 + other * b as i32, shift as u32))
    });
    #[cfg(nervecord_dsp)]
    {
        let factors = a as u16 as u32 | (b as u16 as u32) << 16;
        let quads = x.len().min(other.len());
        if quads > 0 {
            // SAFETY: as many quads are in both slices.
            unsafe { kernel::add(shift)(x.as_mut_ptr(), other.as_ptr(), quads, factors, shift) }
        }
    }
}

/// `x = requantize(x other + half)`, as far as both go; see [`requantize`](crate::rounding::requantize).
///
/// `half` is at most 2^29.
#[cfg_attr(nervecord_dsp, inline(always))]
#[cfg_attr(not(nervecord_dsp), inline(never))]
pub(crate) fn multiply(x: &mut [Quad], other: &[Quad], half: i32, multiplier: i16, shift: u8) {
    #[cfg(not(nervecord_dsp))]
    {
        let scale = scaler(multiplier, shift as u32);
        // |x other| <= 2^30, half <= 2^29
        each(x, other, |x, other| saturate16(scale(x * other + half)));
    }
    #[cfg(nervecord_dsp)]
    {
        let word = (multiplier as i32) << (16 - shift);
        let quads = x.len().min(other.len());
        if quads > 0 {
            // SAFETY: as many quads are in both slices.
            unsafe { kernel::multiply(x.as_mut_ptr(), other.as_ptr(), quads, half, word) }
        }
    }
}

/// `x_i = f(x_i, other_i)`, a quad a round.
#[inline(always)]
pub(crate) fn each(x: &mut [Quad], other: &[Quad], f: impl Fn(i32, i32) -> i16) {
    for (x, other) in x.iter_mut().zip(other) {
        for (x, &other) in x.0.iter_mut().zip(&other.0) {
            *x = f(*x as i32, other as i32);
        }
    }
}

/// Two features in seven instructions, of a sum or a product.
#[cfg(all(nervecord_dsp, not(nervecord_kernel = "helium")))]
mod kernel {
    use crate::tensor::Quad;
    use core::arch::naked_asm;

    /// Quads, at least one: `x`, `other`, how many, factors, shift.
    type Add = unsafe extern "C" fn(*mut Quad, *const Quad, usize, u32, u8);

    /// The kernel for sums that are shifted by `shift`, an immediate of `SSAT`: firmware has those that it needs.
    #[inline(always)]
    pub(super) fn add(shift: u8) -> Add {
        const BY: [Add; 16] = [
            add1, add2, add3, add4, add5, add6, add7, add8, add9, add10, add11, add12, add13,
            add14, add15, add16,
        ];
        BY[(shift as usize).wrapping_sub(1) & 15]
    }

    /// Two features: of `x` in `$x`, of the other in `$other`; uses r8.
    macro_rules! sums {
        ($x:literal, $other:literal) => {
            concat!(
                "pkhbt r8, ",
                $x,
                ", ",
                $other,
                ", lsl #16\n",
                "pkhtb ",
                $x,
                ", ",
                $other,
                ", ",
                $x,
                ", asr #16\n",
                "smlad r8, r8, r3, r12\n",
                "smlad ",
                $x,
                ", ",
                $x,
                ", r3, r12\n",
                "ssat r8, #16, r8, asr #{shift}\n",
                "ssat ",
                $x,
                ", #16, ",
                $x,
                ", asr #{shift}\n",
                "pkhbt ",
                $x,
                ", r8, ",
                $x,
                ", lsl #16\n",
            )
        };
    }
    macro_rules! products {
        ($x:literal, $other:literal) => {
            concat!(
                "smlabb r8, ",
                $x,
                ", ",
                $other,
                ", r3\n",
                "smlatt ",
                $x,
                ", ",
                $x,
                ", ",
                $other,
                ", r3\n",
                "smmul r8, r8, r12\n",
                "smmul ",
                $x,
                ", ",
                $x,
                ", r12\n",
                "ssat r8, #16, r8\n",
                "ssat ",
                $x,
                ", #16, ",
                $x,
                "\n",
                "pkhbt ",
                $x,
                ", r8, ",
                $x,
                ", lsl #16\n",
            )
        };
    }

    macro_rules! add {
        ($($name:ident: $shift:literal),*) => {
            $(
                /// # Safety
                /// As many quads must be there.
                #[unsafe(naked)]
                unsafe extern "C" fn $name(_: *mut Quad, _: *const Quad, _: usize, _: u32, _: u8) {
                    naked_asm!(
                        cpu!(),
                        "push {{r4, r5, r6, r7, r8, lr}}",
                        "movw r12, #{half}",
                        "1:",
                        "ldrd r4, r5, [r0]",
                        "ldrd r6, r7, [r1], #8",
                        sums!("r4", "r6"),
                        sums!("r5", "r7"),
                        "strd r4, r5, [r0], #8",
                        "subs r2, r2, #1",
                        "bne 1b",
                        "pop {{r4, r5, r6, r7, r8, pc}}",
                        half = const 1 << ($shift - 1),
                        shift = const $shift,
                    )
                }
            )*
        };
    }

    add!(
        add1: 1, add2: 2, add3: 3, add4: 4, add5: 5, add6: 6, add7: 7, add8: 8, add9: 9, add10: 10,
        add11: 11, add12: 12, add13: 13, add14: 14, add15: 15, add16: 16
    );

    /// Quads, at least one: `x`, `other`, how many, half, what requantizes.
    ///
    /// # Safety
    /// As many quads must be there.
    #[unsafe(naked)]
    pub(super) unsafe extern "C" fn multiply(
        _: *mut Quad,
        _: *const Quad,
        _: usize,
        _: i32,
        _: i32,
    ) {
        naked_asm!(
            cpu!(),
            "push {{r4, r5, r6, r7, r8, lr}}",
            "ldr r12, [sp, #24]",
            "1:",
            "ldrd r4, r5, [r0]",
            "ldrd r6, r7, [r1], #8",
            products!("r4", "r6"),
            products!("r5", "r7"),
            "strd r4, r5, [r0], #8",
            "subs r2, r2, #1",
            "bne 1b",
            "pop {{r4, r5, r6, r7, r8, pc}}",
        )
    }
}

/// Four features in eight instructions, the loop's own among them.
#[cfg(nervecord_kernel = "helium")]
mod kernel {
    use crate::tensor::Quad;
    use core::arch::naked_asm;

    /// Quads, at least one: `x`, `other`, how many, factors, shift.
    type Add = unsafe extern "C" fn(*mut Quad, *const Quad, usize, u32, u8);

    /// The kernel for sums that are shifted by any number of bits.
    #[inline(always)]
    pub(super) fn add(_: u8) -> Add {
        any_shift
    }

    /// # Safety
    /// As many quads must be there.
    #[unsafe(naked)]
    unsafe extern "C" fn any_shift(_: *mut Quad, _: *const Quad, _: usize, _: u32, _: u8) {
        naked_asm!(
            ".cpu cortex-m55", // the assembler is not told of the target's here
            "push {{r4, lr}}",
            "ldrb r12, [sp, #8]",
            "rsb r12, r12, #0",
            "asr r4, r3, #16",
            "sxth r3, r3",
            "dls lr, r2",
            "1:",
            "vldrh.s32 q0, [r0]",
            "vldrh.s32 q1, [r1], #8",
            "vmul.i32 q0, q0, r3",
            "vmla.i32 q0, q1, r4",
            "vrshl.s32 q0, r12",
            "vqmovnb.s32 q0, q0",
            "vstrh.32 q0, [r0], #8",
            "le lr, 1b",
            "pop {{r4, pc}}",
        )
    }

    /// Quads, at least one: `x`, `other`, how many, half, what requantizes.
    ///
    /// # Safety
    /// As many quads must be there.
    #[unsafe(naked)]
    pub(super) unsafe extern "C" fn multiply(
        _: *mut Quad,
        _: *const Quad,
        _: usize,
        _: i32,
        _: i32,
    ) {
        naked_asm!(
            ".cpu cortex-m55", // the assembler is not told of the target's here
            "push {{r4, lr}}",
            "ldr r12, [sp, #8]",
            "vdup.32 q2, r12",
            "dls lr, r2",
            "1:",
            "vldrh.s32 q0, [r0]",
            "vldrh.s32 q1, [r1], #8",
            "vmul.i32 q0, q0, q1",
            "vadd.i32 q0, q0, r3",
            "vmulh.s32 q0, q0, q2",
            "vqmovnb.s32 q0, q0",
            "vstrh.32 q0, [r0], #8",
            "le lr, 1b",
            "pop {{r4, pc}}",
        )
    }
}
