//! Lines of features, sums and products of two tensors, feature by feature. Stands on the rounding rule.

#[cfg(any(not(nervecord_dsp), nervecord_kernel = "helium"))]
use crate::rounding::saturate16;
#[cfg(not(nervecord_dsp))]
use crate::rounding::{requantizer, scaler, shift_round};
use crate::tensor::Quad;

/// `(weight x + bias) / 2^shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Line {
    /// With the rounding half `2^(shift - 1)`; `2^15 |weight| + |bias| < 2^31`.
    pub bias: i32,
    /// Bits dropped, 1..=15.
    pub shift: u8,
    /// The factor.
    pub weight: i16,
}

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
            unsafe { kernel::add(x.as_mut_ptr(), other.as_ptr(), quads, factors, shift) }
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

/// `x = requantize((g + 32767) x + half)`, as far as both go, of gates `g` from -32767 on.
///
/// `half` is at most 65,535.
#[cfg_attr(nervecord_dsp, inline(always))]
#[cfg_attr(not(nervecord_dsp), inline(never))]
pub(crate) fn gate(x: &mut [Quad], g: &[Quad], half: i32, multiplier: i16, shift: u8) {
    #[cfg(not(nervecord_dsp))]
    {
        let requantize = requantizer(multiplier, shift as u32);
        // 0 <= g + 32767 < 2^16: |product| <= 65534 * 32768 = 2^31 - 2^16
        each(x, g, |x, g| requantize((g + 32767) * x + half));
    }
    #[cfg(nervecord_dsp)]
    {
        let word = (multiplier as i32) << (16 - shift);
        let quads = x.len().min(g.len());
        if quads > 0 {
            // SAFETY: as many quads are in both slices.
            unsafe { kernel::gate(x.as_mut_ptr(), g.as_ptr(), quads, half, word) }
        }
    }
}

/// Each feature by its own line, as far as both go.
#[cfg_attr(all(nervecord_dsp, not(nervecord_kernel = "helium")), inline(always))]
#[cfg_attr(any(not(nervecord_dsp), nervecord_kernel = "helium"), inline(never))]
pub(crate) fn lines(x: &mut [i16], lines: &[Line]) {
    // The compiler has vectors of Helium for this loop.
    #[cfg(any(not(nervecord_dsp), nervecord_kernel = "helium"))]
    for (x, line) in x.iter_mut().zip(lines) {
        *x = saturate16((*x as i32 * line.weight as i32 + line.bias) >> (line.shift & 15));
    }
    #[cfg(all(nervecord_dsp, not(nervecord_kernel = "helium")))]
    // SAFETY: as many features and lines are in the slices.
    unsafe {
        by_lines(x.as_mut_ptr(), lines.as_ptr(), x.len().min(lines.len()));
    }
}

/// [`lines`] for so many features, two in twelve instructions, the loop's own among them.
///
/// # Safety
/// As many features and lines must be there.
#[cfg(all(nervecord_dsp, not(nervecord_kernel = "helium")))]
#[unsafe(naked)]
unsafe extern "C" fn by_lines(_: *mut i16, _: *const Line, _: usize) {
    core::arch::naked_asm!(
        cpu!(),
        "push {{r4, r5, r6, r7, lr}}",
        "subs r2, r2, #2",
        "blo 2f",
        "1:",
        "ldr r3, [r0]",                // features may lie anywhere
        "ldm r1!, {{r4, r5, r6, r7}}", // bias; shift in the lowest byte, weight on top
        "smlabt r4, r3, r5, r4",
        "smlatt r6, r3, r7, r6",
        "asr r4, r4, r5",
        "asr r6, r6, r7",
        "ssat r4, #16, r4",
        "ssat r6, #16, r6",
        "pkhbt r4, r4, r6, lsl #16",
        "str r4, [r0], #4",
        "subs r2, r2, #2",
        "bhs 1b",
        "2:",
        "adds r2, r2, #2",
        "beq 3f",
        "ldrsh r3, [r0]",
        "ldm r1, {{r4, r5}}",
        "smlabt r4, r3, r5, r4",
        "asr r4, r4, r5",
        "ssat r4, #16, r4",
        "strh r4, [r0]",
        "3:",
        "pop {{r4, r5, r6, r7, pc}}",
    )
}

#[cfg(all(nervecord_dsp, not(nervecord_kernel = "helium")))]
const _: () = {
    use core::mem::offset_of;
    assert!(size_of::<Line>() == 8 && offset_of!(Line, bias) == 0, "a kernel loads two words");
    assert!(offset_of!(Line, shift) == 4 && offset_of!(Line, weight) == 6);
};

/// `x_i = f(x_i, other_i)`, a quad a round.
#[inline(always)]
pub(crate) fn each(x: &mut [Quad], other: &[Quad], f: impl Fn(i32, i32) -> i16) {
    for (x, other) in x.iter_mut().zip(other) {
        for (x, &other) in x.0.iter_mut().zip(&other.0) {
            *x = f(*x as i32, other as i32);
        }
    }
}

/// Two features in seven instructions, of a sum or a product, and eight at once where all come in eights.
#[cfg(all(nervecord_dsp, not(nervecord_kernel = "helium")))]
mod kernel {
    use crate::tensor::Quad;
    use core::arch::naked_asm;

    /// Quads, at least one: `x`, `other`, how many, factors.
    type Add = unsafe extern "C" fn(*mut Quad, *const Quad, usize, u32);

    /// Sums that are shifted by `shift`, an immediate of `SSAT`: firmware has the kernels that it needs.
    ///
    /// # Safety
    /// As many quads must be there, at least one.
    #[inline(always)]
    pub(super) unsafe fn add(
        x: *mut Quad,
        other: *const Quad,
        quads: usize,
        factors: u32,
        shift: u8,
    ) {
        let kernel = ADD[(shift as usize).wrapping_sub(1) & 15][quads % 2];
        // SAFETY: by the caller's contract.
        unsafe { kernel(x, other, quads, factors) }
    }

    /// Two features: of `x` in `$x`, of the other in `$other`; uses lr.
    macro_rules! sums {
        ($x:literal, $other:literal) => {
            concat!(
                concat!("pkhbt lr, ", $x, ", ", $other, ", lsl #16\n"),
                concat!("pkhtb ", $x, ", ", $other, ", ", $x, ", asr #16\n"),
                "smlad lr, lr, r3, r12\n",
                concat!("smlad ", $x, ", ", $x, ", r3, r12\n"),
                "ssat lr, #16, lr, asr #{shift}\n",
                concat!("ssat ", $x, ", #16, ", $x, ", asr #{shift}\n"),
                concat!("pkhbt ", $x, ", lr, ", $x, ", lsl #16\n"),
            )
        };
    }
    /// Two features out of the products in lr and `$x`.
    macro_rules! requantized {
        ($x:literal) => {
            concat!(
                "smmul lr, lr, r12\n",
                concat!("smmul ", $x, ", ", $x, ", r12\n"),
                "ssat lr, #16, lr\n",
                concat!("ssat ", $x, ", #16, ", $x, "\n"),
                concat!("pkhbt ", $x, ", lr, ", $x, ", lsl #16\n"),
            )
        };
    }
    macro_rules! products {
        ($x:literal, $other:literal) => {
            concat!(
                concat!("smlabb lr, ", $x, ", ", $other, ", r3\n"),
                concat!("smlatt ", $x, ", ", $x, ", ", $other, ", r3\n"),
                requantized!($x),
            )
        };
    }

    /// Two features of `$x` by their gates in `$g`: `g x + half + 32767 x`, 32767 from r10; uses r11.
    macro_rules! gated {
        ($x:literal, $g:literal) => {
            concat!(
                concat!("smlabb lr, ", $x, ", ", $g, ", r3\n"),
                concat!("smlabb lr, ", $x, ", r10, lr\n"),
                concat!("smlatt r11, ", $x, ", ", $g, ", r3\n"),
                concat!("smlatb ", $x, ", ", $x, ", r10, r11\n"),
                requantized!($x),
            )
        };
    }

    macro_rules! begin {
        () => {
            "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}"
        };
    }

    /// Eight features a round.
    macro_rules! eights {
        ($pair:ident) => {
            concat!(
                "1:\n",
                "ldm r0, {{r4, r5, r6, r7}}\n",
                "ldm r1!, {{r8, r9, r10, r11}}\n",
                $pair!("r4", "r8"),
                $pair!("r5", "r9"),
                $pair!("r6", "r10"),
                $pair!("r7", "r11"),
                "stm r0!, {{r4, r5, r6, r7}}\n",
                "subs r2, r2, #2\n",
                "bne 1b\n",
                "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
            )
        };
    }

    /// Four features a round.
    macro_rules! fours {
        ($pair:ident) => {
            concat!(
                "1:\n",
                "ldrd r4, r5, [r0]\n",
                "ldrd r8, r9, [r1], #8\n",
                $pair!("r4", "r8"),
                $pair!("r5", "r9"),
                "strd r4, r5, [r0], #8\n",
                "subs r2, r2, #1\n",
                "bne 1b\n",
                "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
            )
        };
    }

    /// By shift, and whether the number of quads is odd.
    const ADD: [[Add; 2]; 16] = [
        both::<1>(),
        both::<2>(),
        both::<3>(),
        both::<4>(),
        both::<5>(),
        both::<6>(),
        both::<7>(),
        both::<8>(),
        both::<9>(),
        both::<10>(),
        both::<11>(),
        both::<12>(),
        both::<13>(),
        both::<14>(),
        both::<15>(),
        both::<16>(),
    ];

    const fn both<const SHIFT: u32>() -> [Add; 2] {
        [add_eights::<SHIFT>, add_fours::<SHIFT>]
    }

    /// # Safety
    /// As many quads must be there, an even number.
    #[unsafe(naked)]
    unsafe extern "C" fn add_eights<const SHIFT: u32>(
        _: *mut Quad,
        _: *const Quad,
        _: usize,
        _: u32,
    ) {
        naked_asm!(
            cpu!(),
            begin!(),
            "movw r12, #{half}",
            eights!(sums),
            half = const 1 << (SHIFT - 1),
            shift = const SHIFT,
        )
    }

    /// # Safety
    /// As many quads must be there.
    #[unsafe(naked)]
    unsafe extern "C" fn add_fours<const SHIFT: u32>(
        _: *mut Quad,
        _: *const Quad,
        _: usize,
        _: u32,
    ) {
        naked_asm!(
            cpu!(),
            begin!(),
            "movw r12, #{half}",
            fours!(sums),
            half = const 1 << (SHIFT - 1),
            shift = const SHIFT,
        )
    }

    /// Products, at least one quad: `x`, `other`, how many, half, what requantizes.
    ///
    /// # Safety
    /// As many quads must be there.
    #[inline(always)]
    pub(super) unsafe fn multiply(
        x: *mut Quad,
        other: *const Quad,
        quads: usize,
        half: i32,
        word: i32,
    ) {
        let kernel = if quads.is_multiple_of(2) { multiply_eights } else { multiply_fours };
        // SAFETY: by the caller's contract.
        unsafe { kernel(x, other, quads, half, word) }
    }

    /// # Safety
    /// As many quads must be there, an even number.
    #[unsafe(naked)]
    unsafe extern "C" fn multiply_eights(_: *mut Quad, _: *const Quad, _: usize, _: i32, _: i32) {
        naked_asm!(cpu!(), begin!(), "ldr r12, [sp, #36]", eights!(products))
    }

    /// # Safety
    /// As many quads must be there.
    #[unsafe(naked)]
    unsafe extern "C" fn multiply_fours(_: *mut Quad, _: *const Quad, _: usize, _: i32, _: i32) {
        naked_asm!(cpu!(), begin!(), "ldr r12, [sp, #36]", fours!(products))
    }

    /// Products with gates, at least one quad: `x`, gates, how many, half, what requantizes.
    ///
    /// # Safety
    /// As many quads must be there.
    #[unsafe(naked)]
    pub(super) unsafe extern "C" fn gate(_: *mut Quad, _: *const Quad, _: usize, _: i32, _: i32) {
        naked_asm!(cpu!(), begin!(), "ldr r12, [sp, #36]", "movw r10, #32767", fours!(gated))
    }
}

/// Four features in eight instructions, the loop's own among them.
#[cfg(nervecord_kernel = "helium")]
mod kernel {
    use crate::tensor::Quad;
    use core::arch::naked_asm;

    /// Sums, at least one quad: `x`, `other`, how many, factors, shift.
    ///
    /// # Safety
    /// As many quads must be there.
    #[unsafe(naked)]
    pub(super) unsafe extern "C" fn add(_: *mut Quad, _: *const Quad, _: usize, _: u32, _: u8) {
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

    /// Products, at least one quad: `x`, `other`, how many, half, what requantizes.
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

    /// Products with gates, at least one quad: `x`, gates, how many, half, what requantizes.
    ///
    /// # Safety
    /// As many quads must be there.
    #[unsafe(naked)]
    pub(super) unsafe extern "C" fn gate(_: *mut Quad, _: *const Quad, _: usize, _: i32, _: i32) {
        naked_asm!(
            ".cpu cortex-m55", // the assembler is not told of the target's here
            "push {{r4, lr}}",
            "ldr r12, [sp, #8]",
            "movw r4, #32767",
            "vdup.32 q2, r12",
            "dls lr, r2",
            "1:",
            "vldrh.s32 q1, [r1], #8",
            "vldrh.s32 q0, [r0]",
            "vadd.i32 q1, q1, r4",
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
