//! The edges of a few inputs of a spline layer: four neighbouring coefficients each, times four weights.
//!
//! Accumulators of four outputs stay in registers while the inputs go by.

use core::mem::MaybeUninit;

/// What an input contributes with: found once, used by the edges to all outputs.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Live {
    /// Its four weights, in the order the core's loads want them.
    weights: Weights,
    /// Index of its first live coefficient on the edge to output 0.
    at: usize,
}

/// Weights as pairs of half-words.
#[cfg(nervecord_dsp)]
pub type Weights = [u32; 2];
/// Weights one by one.
#[cfg(not(nervecord_dsp))]
pub type Weights = [i16; 4];

impl Live {
    /// An input whose edges start at coefficient `at`.
    #[inline(always)]
    pub fn new<C: Coefficient>(weights: [i16; 4], at: usize) -> Self {
        Self { weights: C::order(weights), at }
    }
}

/// A coefficient of a spline: i8 or i16.
pub trait Coefficient: Copy + Into<i32> + 'static {
    /// The weights as the core's loads want them: pairs 0 1 and 2 3, or 0 2 and 1 3 for bytes.
    #[inline(always)]
    fn order(weights: [i16; 4]) -> Weights {
        #[cfg(nervecord_dsp)]
        return dsp::order(weights, size_of::<Self>() == 1);
        #[cfg(not(nervecord_dsp))]
        weights
    }

    /// `acc + weights . edge[..4]`.
    ///
    /// # Safety
    /// Four coefficients can be read at `edge`.
    unsafe fn tap(acc: i32, edge: *const Self, weights: Weights) -> i32;

    /// `acc[o] + sum of weights . edges[at + o * count ..][..4]` over the inputs.
    ///
    /// # Safety
    /// Four coefficients can be read at each of these places, and there is an input.
    #[inline(always)]
    unsafe fn block(acc: [i32; 4], inputs: &[Live], edges: *const Self, count: usize) -> [i32; 4] {
        // SAFETY: the caller's contract.
        unsafe { columns(acc, inputs, edges, count) }
    }
}

impl Coefficient for i8 {
    #[inline(always)]
    unsafe fn tap(acc: i32, edge: *const Self, weights: Weights) -> i32 {
        #[cfg(nervecord_dsp)]
        use dsp::taps_i8 as tap;
        #[cfg(not(nervecord_dsp))]
        use portable as tap;
        // SAFETY: the caller's contract.
        unsafe { tap(acc, edge, weights) }
    }

    #[cfg(nervecord_dsp)]
    #[inline(always)]
    unsafe fn block(acc: [i32; 4], inputs: &[Live], edges: *const Self, count: usize) -> [i32; 4] {
        // SAFETY: the caller's contract.
        unsafe { dsp::block_i8(acc, inputs, edges, count) }
    }
}

impl Coefficient for i16 {
    #[inline(always)]
    unsafe fn tap(acc: i32, edge: *const Self, weights: Weights) -> i32 {
        #[cfg(nervecord_dsp)]
        use dsp::taps_i16 as tap;
        #[cfg(not(nervecord_dsp))]
        use portable as tap;
        // SAFETY: the caller's contract.
        unsafe { tap(acc, edge, weights) }
    }

    #[cfg(nervecord_dsp)]
    #[inline(always)]
    unsafe fn block(acc: [i32; 4], inputs: &[Live], edges: *const Self, count: usize) -> [i32; 4] {
        // SAFETY: the caller's contract.
        unsafe { dsp::block_i16(acc, inputs, edges, count) }
    }
}

/// `acc[o] += weights . edges[at + o * count ..][..4]` for every output `o`, summed over the inputs.
///
/// Nothing happens if an index would lie outside.
#[inline(never)]
pub fn accumulate<C: Coefficient>(acc: &mut [i32], inputs: &[Live], edges: &[C], count: usize) {
    // The last output's taps of every input lie inside, and so do all before.
    let last = acc.len().saturating_sub(1) * count + 4;
    let Some(room) = edges.len().checked_sub(last) else { return };
    if inputs.is_empty() || inputs.iter().any(|l| l.at > room) {
        return;
    }
    let mut edge = edges.as_ptr();
    let (blocks, rest) = acc.as_chunks_mut::<4>();
    for block in blocks {
        // SAFETY: at <= room, so four coefficients lie at `at` on the edge to every output.
        *block = unsafe { C::block(*block, inputs, edge, count) };
        edge = edge.wrapping_add(4 * count);
    }
    for acc in rest {
        // SAFETY: as above.
        [*acc] = unsafe { columns([*acc], inputs, edge, count) };
        edge = edge.wrapping_add(count);
    }
}

/// The sums of `N` neighbouring outputs.
///
/// # Safety
/// Four coefficients can be read at `at` of every input on the edge to every output.
#[inline(always)]
unsafe fn columns<C: Coefficient, const N: usize>(
    mut acc: [i32; N],
    inputs: &[Live],
    edges: *const C,
    count: usize,
) -> [i32; N] {
    for live in inputs {
        let mut edge = edges.wrapping_add(live.at);
        for acc in &mut acc {
            // SAFETY: the caller's contract.
            *acc = unsafe { C::tap(*acc, edge, live.weights) };
            edge = edge.wrapping_add(count);
        }
    }
    acc
}

/// `acc + weights . edge[..4]` in plain Rust.
///
/// # Safety
/// Four coefficients can be read at `edge`.
#[cfg(not(nervecord_dsp))]
#[inline(always)]
unsafe fn portable<C: Coefficient>(acc: i32, edge: *const C, weights: [i16; 4]) -> i32 {
    // SAFETY: the caller's contract; an array is aligned as its elements are.
    let taps = unsafe { edge.cast::<[C; 4]>().read() };
    taps.iter().zip(weights).fold(acc, |acc, (&c, w)| acc + c.into() * i32::from(w))
}

/// The dot products of cores with the DSP extension, which may load words at any address.
#[cfg(nervecord_dsp)]
mod dsp {
    use super::Live;
    use core::arch::asm;

    #[inline(always)]
    pub(super) fn order([a, b, c, d]: [i16; 4], bytes: bool) -> [u32; 2] {
        let pair = |low: i16, high: i16| u32::from(low as u16) | u32::from(high as u16) << 16;
        if bytes { [pair(a, c), pair(b, d)] } else { [pair(a, b), pair(c, d)] }
    }

    /// A loop over the inputs, with the four outputs' taps in its middle.
    ///
    /// A `Live` is two words of weights, and the index of the first coefficient: 12 bytes.
    macro_rules! inputs {
        ($acc:ident, $inputs:ident, $edges:ident, $step:expr, $scale:literal, $($row:expr),+) => {
            asm!(
                "2:",
                "ldrd {w0}, {w1}, [{live}], #12",
                "ldr {c}, [{live}, #-4]",
                concat!("add {c}, {edges}, {c}, lsl #", $scale),
                $($row,)+
                "subs {n}, {n}, #1",
                "bne 2b",
                live = inout(reg) $inputs.as_ptr() => _,
                n = inout(reg) $inputs.len() => _,
                edges = in(reg) $edges,
                step = in(reg) $step,
                a0 = inout(reg) $acc[0], a1 = inout(reg) $acc[1],
                a2 = inout(reg) $acc[2], a3 = inout(reg) $acc[3],
                w0 = out(reg) _, w1 = out(reg) _, c = out(reg) _, t = out(reg) _, u = out(reg) _,
                options(nostack, readonly)
            )
        };
    }

    /// One output's four i8 taps, at the address in c plus `$place`.
    macro_rules! row8 {
        ($acc:literal, $place:literal) => {
            concat!(
                "ldr {t}, [{c}",
                $place,
                "]\n",
                "sxtb16 {u}, {t}\n",
                "smlad {",
                $acc,
                "}, {u}, {w0}, {",
                $acc,
                "}\n",
                "sxtb16 {t}, {t}, ror #8\n",
                "smlad {",
                $acc,
                "}, {t}, {w1}, {",
                $acc,
                "}\n",
            )
        };
    }

    /// One output's four i16 taps, at the address in c, which goes on to the next output.
    macro_rules! row16 {
        ($acc:literal) => {
            concat!(
                "ldr {t}, [{c}]\n",
                "ldr {u}, [{c}, #4]\n",
                "smlad {",
                $acc,
                "}, {t}, {w0}, {",
                $acc,
                "}\n",
                "smlad {",
                $acc,
                "}, {u}, {w1}, {",
                $acc,
                "}\n",
                "add {c}, {c}, {step}\n",
            )
        };
    }

    /// `block` with i8 coefficients.
    ///
    /// # Safety
    /// As for `Coefficient::block`.
    #[inline(always)]
    pub(super) unsafe fn block_i8(
        mut acc: [i32; 4],
        inputs: &[Live],
        edges: *const i8,
        count: usize,
    ) -> [i32; 4] {
        // SAFETY: the caller's contract.
        unsafe {
            inputs!(
                acc,
                inputs,
                edges,
                count,
                "0",
                row8!("a0", ""),
                row8!("a1", ", {step}"),
                "add {c}, {c}, {step}, lsl #1",
                row8!("a2", ""),
                row8!("a3", ", {step}")
            );
        }
        acc
    }

    /// `block` with i16 coefficients.
    ///
    /// # Safety
    /// As for `Coefficient::block`.
    #[inline(always)]
    pub(super) unsafe fn block_i16(
        mut acc: [i32; 4],
        inputs: &[Live],
        edges: *const i16,
        count: usize,
    ) -> [i32; 4] {
        // SAFETY: the caller's contract.
        unsafe {
            inputs!(
                acc,
                inputs,
                edges,
                count * 2,
                "1",
                row16!("a0"),
                row16!("a1"),
                row16!("a2"),
                row16!("a3")
            );
        }
        acc
    }

    /// Four i8 coefficients: `SXTB16` widens bytes 0 and 2, rotated by 8 bytes 1 and 3.
    ///
    /// # Safety
    /// Four coefficients can be read at `edge`.
    #[inline(always)]
    pub(super) unsafe fn taps_i8(mut acc: i32, edge: *const i8, [w02, w13]: [u32; 2]) -> i32 {
        // SAFETY: the caller's contract.
        let c = unsafe { edge.cast::<u32>().read_unaligned() };
        // SAFETY: registers only.
        unsafe {
            asm!(
                "sxtb16 {t}, {c}",
                "smlad {acc}, {t}, {w02}, {acc}",
                "sxtb16 {t}, {c}, ror #8",
                "smlad {acc}, {t}, {w13}, {acc}",
                acc = inout(reg) acc, c = in(reg) c, w02 = in(reg) w02, w13 = in(reg) w13,
                t = out(reg) _,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        acc
    }

    /// Four i16 coefficients: two words.
    ///
    /// # Safety
    /// Four coefficients can be read at `edge`.
    #[inline(always)]
    pub(super) unsafe fn taps_i16(mut acc: i32, edge: *const i16, [w01, w23]: [u32; 2]) -> i32 {
        let words = edge.cast::<u32>();
        // SAFETY: the caller's contract: two words.
        let (c01, c23) = unsafe { (words.read_unaligned(), words.add(1).read_unaligned()) };
        // SAFETY: registers only.
        unsafe {
            asm!(
                "smlad {acc}, {c01}, {w01}, {acc}",
                "smlad {acc}, {c23}, {w23}, {acc}",
                acc = inout(reg) acc, c01 = in(reg) c01, c23 = in(reg) c23,
                w01 = in(reg) w01, w23 = in(reg) w23,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        acc
    }
}

/// Four weights that can be moved along, zeros moving in.
#[derive(Debug, Default)]
#[repr(align(8))]
pub(crate) struct Window([[i16; 4]; 3]);

impl Window {
    /// `weights` moved `by` places towards the end.
    ///
    /// # Safety
    /// `by` is -3 to 3.
    #[inline(always)]
    pub(crate) unsafe fn moved(&mut self, weights: [i16; 4], by: i32) -> [i16; 4] {
        debug_assert!((-3..=3).contains(&by));
        // The four places on either side stay 0.
        self.0[1] = weights;
        let first: *const i16 = self.0.as_ptr().cast();
        // SAFETY: 1 <= 4 - by <= 7, so the last of the four is at most place 10 of 12.
        unsafe { first.wrapping_offset(4 - by as isize).cast::<[i16; 4]>().read() }
    }
}

/// A few inputs in a row, without filling the places of those that are not there.
pub(crate) struct Tile {
    live: [MaybeUninit<Live>; Self::LEN],
    len: usize,
}

impl Tile {
    /// Most inputs of a tile.
    pub(crate) const LEN: usize = 16;

    pub(crate) fn new() -> Self {
        Self { live: [const { MaybeUninit::uninit() }; Self::LEN], len: 0 }
    }

    /// Replaces the inputs by those of `inputs` that fit.
    #[inline(always)]
    pub(crate) fn fill(&mut self, inputs: impl Iterator<Item = Live>) {
        let mut len = 0;
        for (place, live) in self.live.iter_mut().zip(inputs) {
            place.write(live);
            len += 1;
        }
        self.len = len;
    }

    pub(crate) fn live(&self) -> &[Live] {
        // SAFETY: `fill` has written the first `len` places, at most as many as there are.
        unsafe { core::slice::from_raw_parts(self.live.as_ptr().cast(), self.len) }
    }
}
