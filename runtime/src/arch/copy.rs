//! Copies of a program's inputs into a tensor, with a watch for the limits of their format.

use crate::tensor::Quad;

/// Copies `input` to `x`, as far as both go, and calls `see(k, pair)` for every two inputs: 2 k in the
/// lower half, 2 k + 1 in the upper one. Quads are seen whole, what follows the last input as zeros.
#[inline(always)]
pub(crate) fn copy_pairs(input: &[i16], x: &mut [Quad], mut see: impl FnMut(usize, u32)) {
    let (chunks, rest) = input.as_chunks::<4>();
    let mut quads = x.iter_mut();
    let mut k = 0;
    let mut copy = |&[a, b, c, d]: &[i16; 4], x: &mut Quad| {
        let pair = |low: i16, high: i16| opaque(low as u16 as u32 | (high as u16 as u32) << 16);
        let pairs = [pair(a, b), pair(c, d)];
        see(k, pairs[0]);
        see(k + 1, pairs[1]);
        let [[a, b], [c, d]] = pairs.map(|pair| [pair as i16, (pair >> 16) as i16]);
        x.0 = [a, b, c, d];
        k += 2;
    };
    // The chunks come first: a zip that ends takes one more from its first iterator.
    for (chunk, x) in chunks.iter().zip(quads.by_ref()) {
        copy(chunk, x);
    }
    if let Some(x) = quads.next()
        && !rest.is_empty()
    {
        let mut last = [0; 4];
        last.iter_mut().zip(rest).for_each(|(last, &input)| *last = input);
        copy(&last, x);
    }
}

/// `pair`, of which the compiler knows nothing: else it copies first, in a call, and loads again.
#[inline(always)]
fn opaque(pair: u32) -> u32 {
    #[cfg(nervecord_assembly)]
    {
        let mut pair = pair;
        // SAFETY: does nothing.
        unsafe {
            core::arch::asm!("/* {} */", inout(reg) pair, options(pure, nomem, nostack, preserves_flags));
        }
        pair
    }
    #[cfg(not(nervecord_assembly))]
    pair
}

/// Bits 15 and 31, if the input in that half is at a limit of its format; no other bit.
#[inline(always)]
pub(crate) fn limits(pair: u32) -> u32 {
    const LIMITS: u32 = 0x8000_8000;
    const ONES: u32 = LIMITS >> 15;
    let negative = (pair >> 15) & ONES;
    // 0xffff in the half of a negative input flips it to 0..=32767; both limits become 32767.
    let folded = pair ^ ((negative << 16).wrapping_sub(negative));
    (folded + ONES) & LIMITS // each half is at most 32768
}

/// Copies `input` to `x`, as far as both go; whether any input is at a limit of its format.
#[cfg(not(nervecord_dsp))]
#[inline(always)]
pub(crate) fn copy_watching(input: &[i16], x: &mut [Quad]) -> bool {
    let mut seen = 0;
    copy_pairs(input, x, |_, pair| seen |= limits(pair));
    seen != 0
}

/// As above: two inputs in three instructions.
#[cfg(all(nervecord_dsp, not(nervecord_kernel = "helium")))]
#[inline(always)]
pub(crate) fn copy_watching(input: &[i16], x: &mut [Quad]) -> bool {
    let mut seen = 0_u32;
    copy_pairs(input, x, |_, pair| {
        // SAFETY: writes registers only.
        unsafe {
            core::arch::asm!(
                "uadd16 {pair}, {pair}, {above}", // the limits become 0 and 1
                "uqsub16 {pair}, {two}, {pair}",  // and all others 0
                "orr {seen}, {seen}, {pair}",
                pair = inout(reg) pair => _,
                above = in(reg) 0x8001_8001_u32,
                two = in(reg) 0x0002_0002_u32,
                seen = inout(reg) seen,
                options(pure, nomem, nostack),
            );
        }
    });
    seen != 0
}

/// As above: eight inputs in four instructions, the loop's own among them.
#[cfg(nervecord_kernel = "helium")]
#[inline(always)]
pub(crate) fn copy_watching(input: &[i16], x: &mut [Quad]) -> bool {
    let count = input.len().min(4 * x.len());
    // SAFETY: as many activations are in both slices.
    count > 0 && unsafe { helium(input.as_ptr(), x.as_mut_ptr(), count) } >= 32767
}

/// Copies `count` activations, at least one; their largest magnitude.
///
/// # Safety
/// They must be there, and as many behind `x`.
#[cfg(nervecord_kernel = "helium")]
#[unsafe(naked)]
unsafe extern "C" fn helium(input: *const i16, x: *mut Quad, count: usize) -> u32 {
    core::arch::naked_asm!(
        ".cpu cortex-m55", // the assembler is not told of the target's here
        "push {{r7, lr}}",
        "movs r3, #0",
        "dlstp.16 lr, r2",
        "1:",
        "vldrh.u16 q0, [r0], #16",
        "vstrh.16 q0, [r1], #16",
        "vmaxav.s16 r3, q0",
        "letp lr, 1b",
        "mov r0, r3",
        "pop {{r7, pc}}",
    )
}
