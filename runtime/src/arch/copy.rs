//! Copies between tensors, and of a program's inputs into one with a watch for those outside their range. Stands on
//! `memory` and `scalar`.

#[cfg(not(nervecord_assembly))]
use super::memory::{flat, flat_mut};
use super::scalar::opaque;
use crate::tensor::Quad;

/// The range of each input that a tensor holds, both ends within it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits<'a> {
    /// The smallest values.
    pub(crate) low: &'a [Quad],
    /// The largest values.
    pub(crate) high: &'a [Quad],
}

impl<'a> Limits<'a> {
    /// Those of the first quads, and the rest.
    #[inline(always)]
    pub(crate) fn split_at(self, quads: usize) -> [Self; 2] {
        let (low, low_rest) = self.low.split_at(quads.min(self.low.len()));
        let (high, high_rest) = self.high.split_at(quads.min(self.high.len()));
        [Self { low, high }, Self { low: low_rest, high: high_rest }]
    }
}

/// The highest bit of each half of a word.
const SIGNS: u32 = 0x8000_8000;

/// Copies `input` to `x`, as far as all go, and calls `see(outside)` for every two inputs, in
/// their order: bits 15 and 31 say which of them lies outside its range, other bits are 0. Quads are seen
/// whole, what follows the last input as zeros.
#[inline(always)]
pub(crate) fn copy_pairs(input: &[i16], limits: Limits, x: &mut [Quad], mut see: impl FnMut(u32)) {
    copy(input, limits, x, |outside| see(outside & SIGNS));
}

/// What [`copy_pairs`] does, with other bits beside those of `outside`.
#[inline(always)]
fn copy(input: &[i16], limits: Limits, x: &mut [Quad], mut see: impl FnMut(u32)) {
    let (chunks, rest) = input.as_chunks::<4>();
    let mut quads = x.iter_mut().zip(limits.low).zip(limits.high);
    let mut copy = |&[a, b, c, d]: &[i16; 4], ((x, low), high): ((&mut Quad, &Quad), &Quad)| {
        // Else the compiler copies all first, in a call, and loads it again.
        let pairs = [opaque(pair(a, b)), opaque(pair(c, d))];
        let [first, second] = judge(pairs, low, high);
        see(first);
        see(second);
        let [[a, b], [c, d]] = pairs.map(halves);
        x.0 = [a, b, c, d];
    };
    // The chunks come first: a zip that ends takes one more from its first iterator.
    for (chunk, quad) in chunks.iter().zip(quads.by_ref()) {
        copy(chunk, quad);
    }
    if let Some(quad) = quads.next()
        && !rest.is_empty()
    {
        let mut last = [0; 4];
        last.iter_mut().zip(rest).for_each(|(last, &input)| *last = input);
        copy(&last, quad);
    }
}

/// What is [outside](outside) of two pairs.
#[inline(always)]
fn judge(pairs: [u32; 2], low: &Quad, high: &Quad) -> [u32; 2] {
    let ([l0, l1, l2, l3], [h0, h1, h2, h3]) = (low.0, high.0);
    [outside(pairs[0], [l0, l1], [h0, h1]), outside(pairs[1], [l2, l3], [h2, h3])]
}

/// What [`copy_pairs`] says of inputs, whole quads of them, without a copy.
#[inline(always)]
pub(crate) fn watch_pairs(input: &[i16], limits: Limits, mut see: impl FnMut(u32)) {
    let ranges = limits.low.iter().zip(limits.high);
    for (&[a, b, c, d], (low, high)) in input.as_chunks().0.iter().zip(ranges) {
        let [first, second] = judge([pair(a, b), pair(c, d)], low, high);
        see(first & SIGNS);
        see(second & SIGNS);
    }
}

/// What [`copy_gathering`] returns of inputs, whole quads of them, without a copy.
#[cfg(not(nervecord_dsp))]
#[inline(always)]
pub(crate) fn gather(input: &[i16], limits: Limits) -> u32 {
    let mut seen = 0;
    watch_pairs(unrolled_by_none(input), limits, |outside| seen = outside | seen >> 1);
    seen
}

/// The DSP extension gathers, four inputs in seventeen instructions.
#[cfg(nervecord_dsp)]
#[inline(always)]
pub(crate) fn gather(input: &[i16], limits: Limits) -> u32 {
    dsp::watch_quads(input, limits, dsp::gather_in_place)
}

/// What [`copy_watching`] returns of inputs, whole quads of them, without a copy.
#[cfg(not(nervecord_dsp))]
#[inline(always)]
pub(crate) fn watch(input: &[i16], limits: Limits) -> u32 {
    let mut seen = 0;
    watch_pairs(unrolled_by_none(input), limits, |outside| seen |= outside);
    seen | seen << 16
}

/// The DSP extension watches, four inputs in fourteen instructions.
#[cfg(nervecord_dsp)]
#[inline(always)]
pub(crate) fn watch(input: &[i16], limits: Limits) -> u32 {
    let seen = dsp::watch_quads(input, limits, dsp::watch_in_place);
    seen | seen << 16
}

/// The first quads of `input`, zeros behind it.
#[inline(always)]
pub(crate) fn copied<const QUADS: usize>(input: &[i16]) -> [Quad; QUADS] {
    let chunks = input.as_chunks().0;
    core::array::from_fn(|quad| {
        let &[a, b, c, d] = chunks.get(quad).unwrap_or(&[0; 4]);
        // Else the compiler calls a function that copies bytes.
        let [[a, b], [c, d]] = [opaque(pair(a, b)), opaque(pair(c, d))].map(halves);
        Quad([a, b, c, d])
    })
}

/// Two inputs in a word.
#[inline(always)]
fn pair(low: i16, high: i16) -> u32 {
    low as u16 as u32 | (high as u16 as u32) << 16
}

/// The two inputs of a word.
#[inline(always)]
fn halves(pair: u32) -> [i16; 2] {
    [pair as i16, (pair >> 16) as i16]
}

/// Bits 15 and 31, if the number in that half is below `low` or above `high`; other bits beside.
#[cfg(not(nervecord_dsp))]
#[inline(always)]
fn outside(pair: u32, low: [i16; 2], high: [i16; 2]) -> u32 {
    // Below 0 if x is outside; |x - l|, |h - x| <= 65535. Of a comparison some cores make a branch.
    let sign =
        |x: i16, l: i16, h: i16| opaque(((x as i32 - l as i32) | (h as i32 - x as i32)) as u32);
    let [a, b] = halves(pair);
    (sign(a, low[0], high[0]) >> 16) | (sign(b, low[1], high[1]) & 0xffff_0000)
}

/// What is outside, for two inputs in three instructions; other bits beside 15 and 31.
#[cfg(nervecord_dsp)]
#[inline(always)]
fn outside(pair: u32, low: [i16; 2], high: [i16; 2]) -> u32 {
    let seen;
    // SAFETY: writes registers only.
    unsafe {
        core::arch::asm!(
            "qsub16 {below}, {pair}, {low}", // saturates, so that its sign is right
            "qsub16 {seen}, {high}, {pair}",
            "orr {seen}, {seen}, {below}",
            pair = in(reg) pair,
            low = in(reg) self::pair(low[0], low[1]),
            high = in(reg) self::pair(high[0], high[1]),
            below = out(reg) _,
            seen = lateout(reg) seen, // all that is given is read before it is written
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    seen
}

/// Copies the first features of `x` to `y`, as far as both go, wherever `y` lies.
#[cfg(not(nervecord_dsp))]
#[inline(never)]
pub(crate) fn copy_plain(x: &[Quad], y: &mut [i16]) {
    let (y, last_y) = y.as_chunks_mut::<4>();
    let last_x = x.get(y.len()).copied().unwrap_or_default();
    for (&Quad([a, b, c, d]), y) in x.iter().zip(y) {
        // Else the compiler calls a function that copies bytes.
        let [[a, b], [c, d]] = [opaque(pair(a, b)), opaque(pair(c, d))].map(halves);
        *y = [a, b, c, d];
    }
    for (x, y) in last_x.0.into_iter().zip(last_y) {
        *y = x;
    }
}

/// Copies the first features of `x` to `y`, as far as both go, wherever `y` lies.
#[cfg(nervecord_dsp)]
#[inline(always)]
pub(crate) fn copy_plain(x: &[Quad], y: &mut [i16]) {
    let count = y.len().min(4 * x.len());
    if count > 0 {
        // SAFETY: as many features are in both.
        unsafe { plain(x.as_ptr(), y.as_mut_ptr(), count) }
    }
}

/// Copies `count` features, at least one.
///
/// # Safety
/// They must be there.
#[cfg(nervecord_kernel = "helium")]
#[unsafe(naked)]
unsafe extern "C" fn plain(_: *const Quad, _: *mut i16, _: usize) {
    core::arch::naked_asm!(
        ".cpu cortex-m55", // the assembler is not told of the target's here
        "push {{r4, lr}}",
        "dlstp.16 lr, r2",
        "1:",
        "vldrh.u16 q0, [r0], #16",
        "vstrh.16 q0, [r1], #16",
        "letp lr, 1b",
        "pop {{r4, pc}}",
    )
}

/// Copies `count` features, four in five instructions.
///
/// # Safety
/// They must be there.
#[cfg(all(nervecord_dsp, not(nervecord_kernel = "helium")))]
#[unsafe(naked)]
unsafe extern "C" fn plain(_: *const Quad, _: *mut i16, _: usize) {
    core::arch::naked_asm!(
        cpu!(),
        "subs r2, r2, #4",
        "blo 2f",
        "1:",
        "ldrd r3, r12, [r0], #8",
        "str r3, [r1], #4", // aligned to 2
        "str r12, [r1], #4",
        "subs r2, r2, #4",
        "bhs 1b",
        "2:",
        "lsls r2, r2, #31", // the carry says that two are left, the sign that one is
        "itt cs",
        "ldrcs r3, [r0], #4",
        "strcs r3, [r1], #4",
        "itt mi",
        "ldrhmi r3, [r0]",
        "strhmi r3, [r1]",
        "bx lr",
    )
}

/// Copies `input` to `x`, as far as all go. The word that is returned is shifted down by one bit for every
/// two inputs, and then has bits 15 and 31 of what [`outside`] says of them.
#[cfg(not(nervecord_dsp))]
#[inline(always)]
pub(crate) fn copy_gathering(input: &[i16], limits: Limits, x: &mut [Quad]) -> u32 {
    let mut seen = 0;
    copy_pairs(unrolled_by_none(input), limits, x, |outside| seen = outside | seen >> 1);
    seen
}

/// The DSP extension gathers, four inputs in eighteen instructions.
#[cfg(nervecord_dsp)]
#[inline(always)]
pub(crate) fn copy_gathering(input: &[i16], limits: Limits, x: &mut [Quad]) -> u32 {
    dsp::quads(input, limits, x, dsp::gather)
}

/// Copies `input` to `x`, as far as all go; bit 31 says whether any input lies outside its range, other
/// bits are beside.
#[cfg(all(nervecord_assembly, not(nervecord_dsp)))]
#[inline(always)]
pub(crate) fn copy_watching(input: &[i16], limits: Limits, x: &mut [Quad]) -> u32 {
    let mut seen = 0;
    copy(unrolled_by_none(input), limits, x, |outside| seen |= outside);
    seen | seen << 16
}

/// The DSP extension watches, four inputs in fifteen instructions.
#[cfg(all(nervecord_dsp, not(nervecord_kernel = "helium")))]
#[inline(always)]
pub(crate) fn copy_watching(input: &[i16], limits: Limits, x: &mut [Quad]) -> u32 {
    let seen = dsp::quads(input, limits, x, dsp::watch);
    seen | seen << 16
}

/// `input`, of whose length the compiler knows nothing: it would unroll a loop over it to the end.
#[cfg(not(nervecord_dsp))]
#[inline(always)]
fn unrolled_by_none(input: &[i16]) -> &[i16] {
    input.get(..opaque(input.len() as u32) as usize).unwrap_or_default()
}

/// Hosts watch in a loop that the compiler makes vectors of; bit 31 says what it found.
#[cfg(not(nervecord_assembly))]
#[inline(always)]
pub(crate) fn copy_watching(input: &[i16], limits: Limits, x: &mut [Quad]) -> u32 {
    let ranges = flat(limits.low).iter().zip(flat(limits.high));
    let inputs = input.iter().zip(flat_mut(x)).zip(ranges);
    let seen = inputs.fold(false, |seen, ((&input, x), (&low, &high))| {
        *x = input;
        seen | (input < low) | (input > high)
    });
    u32::from(seen) << 31
}

/// Helium watches, sixteen inputs in twelve instructions, the loop's own among them.
#[cfg(nervecord_kernel = "helium")]
#[inline(always)]
pub(crate) fn copy_watching(input: &[i16], limits: Limits, x: &mut [Quad]) -> u32 {
    let quads = x.len().min(limits.low.len()).min(limits.high.len());
    let count = input.len().min(4 * quads);
    let (low, high) = (limits.low.as_ptr(), limits.high.as_ptr());
    if count == 0 {
        return 0;
    }
    // SAFETY: as many activations are in all four slices.
    unsafe { helium(input.as_ptr(), x.as_mut_ptr(), low, high, count) }
}

/// Copies `count` activations, at least one; bit 31 says whether one lies outside its range.
///
/// # Safety
/// They must be there, and as many behind `x`, `low` and `high`.
#[cfg(nervecord_kernel = "helium")]
#[unsafe(naked)]
unsafe extern "C" fn helium(
    input: *const i16,
    x: *mut Quad,
    low: *const Quad,
    high: *const Quad,
    count: usize,
) -> u32 {
    core::arch::naked_asm!(
        ".cpu cortex-m55", // the assembler is not told of the target's here
        "push {{r4, lr}}",
        "ldr r12, [sp, #8]",
        "lsrs r4, r12, #4",
        "wls lr, r4, 2f",
        "vctp.16 r12", // eight at least: every lane is within so far
        "1:",
        "vldrh.u16 q0, [r0], #16", // inputs are aligned to 2
        "vldrh.u16 q1, [r0], #16",
        "vldmia r2!, {{d4-d7}}",
        "vstmia r1!, {{d0-d3}}",
        "vpstt", // a lane once outside stays so
        "vcmpt.s16 ge, q0, q2",
        "vcmpt.s16 ge, q1, q3",
        "vldmia r3!, {{d4-d7}}",
        "vpstt",
        "vcmpt.s16 ge, q2, q0",
        "vcmpt.s16 ge, q3, q1",
        "le lr, 1b",
        "vpnot",
        "vmrs r4, p0",
        "2:", // 0 <= r4 < 2^16, 0 if none is outside
        "and r12, r12, #15",
        "wlstp.16 lr, r12, 4f",
        "3:",
        "vldrh.u16 q0, [r0], #16",
        "vldrh.u16 q1, [r2], #16",
        "vldrh.u16 q2, [r3], #16",
        "vstrh.16 q0, [r1], #16",
        "vmax.s16 q1, q1, q0",
        "vmin.s16 q2, q2, q0",
        "vabav.s16 r4, q0, q1", // adds how far they are outside
        "vabav.s16 r4, q0, q2",
        "letp lr, 3b",
        "4:",
        "rsbs r0, r4, #0", // r4 < 2^16 + 15 * 2 * 2^16 < 2^31
        "pop {{r4, pc}}",
    )
}

/// Cores with the DSP extension: two inputs at a time.
#[cfg(nervecord_dsp)]
mod dsp {
    use super::{Limits, Quad};

    /// Copies `count` quads, at least one, and adds what is outside to `seen`: input, x, low, high, count,
    /// seen.
    ///
    /// # Safety
    /// They must be there, and as many behind `x`, `low` and `high`.
    type Loop = unsafe extern "C" fn(
        *const [i16; 4],
        *mut Quad,
        *const Quad,
        *const Quad,
        usize,
        u32,
    ) -> u32;

    /// Copies `input` to `x`, as far as all go; what follows the last input is taken as zeros.
    #[inline(always)]
    pub(super) fn quads(input: &[i16], limits: Limits, x: &mut [Quad], copy: Loop) -> u32 {
        let (chunks, rest) = input.as_chunks::<4>();
        let fit = x.len().min(limits.low.len()).min(limits.high.len());
        let (whole, mut seen) = (chunks.len().min(fit), 0);
        let (low, high) = (limits.low.as_ptr(), limits.high.as_ptr());
        if whole > 0 {
            // SAFETY: as many quads are in all four slices.
            seen = unsafe { copy(chunks.as_ptr(), x.as_mut_ptr(), low, high, whole, seen) };
        }
        if !rest.is_empty() && whole < fit {
            let mut last = [0; 4];
            last.iter_mut().zip(rest).for_each(|(last, &input)| *last = input);
            // SAFETY: quad `whole` is in all three slices.
            seen = unsafe {
                let (x, low, high) = (x.as_mut_ptr().add(whole), low.add(whole), high.add(whole));
                copy(&raw const last, x, low, high, 1, seen)
            };
        }
        seen
    }

    /// Adds up what is outside of `count` quads, at least one, where they are: input, low, high, count.
    ///
    /// # Safety
    /// They must be there, and as many behind `low` and `high`.
    type Watch = unsafe extern "C" fn(*const [i16; 4], *const Quad, *const Quad, usize) -> u32;

    /// Watches `input`, whole quads of it, as far as all go.
    #[inline(always)]
    pub(super) fn watch_quads(input: &[i16], limits: Limits, watch: Watch) -> u32 {
        let chunks = input.as_chunks().0;
        let whole = chunks.len().min(limits.low.len()).min(limits.high.len());
        if whole == 0 {
            return 0;
        }
        // SAFETY: as many quads are in all three slices.
        unsafe { watch(chunks.as_ptr(), limits.low.as_ptr(), limits.high.as_ptr(), whole) }
    }

    /// What is outside of the inputs in r4 and r5, at bits 15 and 31 of r6 and r7, with the next limits at `$low` and
    /// `$high`. QSUB16 saturates, so that its signs are right.
    macro_rules! judge {
        ($low:literal, $high:literal) => {
            concat!(
                "ldrd r6, r7, [",
                $low,
                "], #8
                 ldrd r8, r9, [",
                $high,
                "], #8
                 qsub16 r6, r4, r6
                 qsub16 r7, r5, r7
                 qsub16 r8, r8, r4
                 qsub16 r9, r9, r5
                 orr r6, r6, r8
                 orr r7, r7, r9"
            )
        };
    }

    /// The loop of [`Watch`], with what adds r6 and r7 to r12.
    macro_rules! watch {
        ($name:ident, $($add:literal),*) => {
            #[unsafe(naked)]
            pub(super) unsafe extern "C" fn $name(
                input: *const [i16; 4],
                low: *const Quad,
                high: *const Quad,
                count: usize,
            ) -> u32 {
                core::arch::naked_asm!(
                    cpu!(),
                    "push {{r4, r5, r6, r7, r8, r9}}",
                    "movs r12, #0",
                    "1:",
                    "ldr r4, [r0], #4", // inputs are aligned to 2
                    "ldr r5, [r0], #4",
                    judge!("r1", "r2"),
                    $($add,)*
                    "subs r3, #1",
                    "bne 1b",
                    "mov r0, r12",
                    "pop {{r4, r5, r6, r7, r8, r9}}",
                    "bx lr",
                )
            }
        };
    }

    /// The loop of [`Loop`], with what adds r6 and r7 to r12.
    macro_rules! copy {
        ($name:ident, $($add:literal),*) => {
            #[unsafe(naked)]
            pub(super) unsafe extern "C" fn $name(
                input: *const [i16; 4],
                x: *mut Quad,
                low: *const Quad,
                high: *const Quad,
                count: usize,
                seen: u32,
            ) -> u32 {
                core::arch::naked_asm!(
                    cpu!(),
                    "push {{r4, r5, r6, r7, r8, r9, r10, lr}}",
                    "ldrd r10, r12, [sp, #32]",
                    "1:",
                    "ldr r4, [r0], #4", // inputs are aligned to 2
                    "ldr r5, [r0], #4",
                    "strd r4, r5, [r1], #8",
                    judge!("r2", "r3"),
                    $($add,)*
                    "subs r10, #1",
                    "bne 1b",
                    "mov r0, r12",
                    "pop {{r4, r5, r6, r7, r8, r9, r10, pc}}",
                )
            }
        };
    }

    copy!(
        gather,
        "and r6, r6, #0x80008000",
        "and r7, r7, #0x80008000",
        "orr r12, r6, r12, lsr #1",
        "orr r12, r7, r12, lsr #1"
    );
    watch!(
        gather_in_place,
        "and r6, r6, #0x80008000",
        "and r7, r7, #0x80008000",
        "orr r12, r6, r12, lsr #1",
        "orr r12, r7, r12, lsr #1"
    );
    #[cfg(not(nervecord_kernel = "helium"))]
    copy!(watch, "orr r12, r12, r6", "orr r12, r12, r7");
    watch!(watch_in_place, "orr r12, r12, r6", "orr r12, r12, r7");
}
