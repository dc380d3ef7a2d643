//! The edges of one input of a spline layer: four neighbouring coefficients each, times four weights.

/// A coefficient of a spline: i8 or i16.
pub trait Coefficient: Copy + Into<i32> + 'static {
    /// `acc[o] += weights . edges[o * count + start ..][..4]` for every output, `count` coefficients each.
    ///
    /// `place` is `(start, count)`. Edges that are not there, or a `start` too near their end, add nothing.
    fn taps(acc: &mut [i32], edges: &[Self], place: (usize, usize), weights: [i16; 4]);

    /// As [`taps`](Self::taps), and `acc[o] += factors[o] * value`.
    fn taps_and_base(
        acc: &mut [i32],
        edges: &[Self],
        place: (usize, usize),
        weights: [i16; 4],
        factors: &[Self],
        value: i16,
    );
}

macro_rules! coefficient {
    ($ty:ty, $load:path) => {
        impl Coefficient for $ty {
            #[inline(always)]
            fn taps(acc: &mut [i32], edges: &[Self], place: (usize, usize), weights: [i16; 4]) {
                let Some(mut edge) = first(acc, edges, place) else { return };
                let weights = order::<$ty>(weights);
                let (blocks, rest) = acc.as_chunks_mut::<4>();
                for block in blocks {
                    for acc in block {
                        // SAFETY: `first` has checked that every edge's four coefficients are inside.
                        *acc = unsafe { $load(*acc, edge, weights) };
                        edge = edge.wrapping_add(place.1);
                    }
                }
                for acc in rest {
                    // SAFETY: as above.
                    *acc = unsafe { $load(*acc, edge, weights) };
                    edge = edge.wrapping_add(place.1);
                }
            }

            #[inline(always)]
            fn taps_and_base(
                acc: &mut [i32],
                edges: &[Self],
                place: (usize, usize),
                weights: [i16; 4],
                factors: &[Self],
                value: i16,
            ) {
                let Some(mut edge) = first(acc, edges, place) else { return };
                let weights = order::<$ty>(weights);
                let base = |factor: $ty| i32::from(factor as i16) * i32::from(value);
                let (blocks, rest) = acc.as_chunks_mut::<4>();
                let (factor_blocks, factor_rest) = factors.as_chunks::<4>();
                for (block, factors) in blocks.iter_mut().zip(factor_blocks) {
                    for (acc, factor) in block.iter_mut().zip(factors) {
                        // SAFETY: `first` has checked that every edge's four coefficients are inside.
                        *acc = unsafe { $load(*acc + base(*factor), edge, weights) };
                        edge = edge.wrapping_add(place.1);
                    }
                }
                for (acc, factor) in rest.iter_mut().zip(factor_rest) {
                    // SAFETY: as above.
                    *acc = unsafe { $load(*acc + base(*factor), edge, weights) };
                    edge = edge.wrapping_add(place.1);
                }
            }
        }
    };
}

#[cfg(not(nervecord_dsp))]
coefficient!(i8, portable);
#[cfg(not(nervecord_dsp))]
coefficient!(i16, portable);
#[cfg(nervecord_dsp)]
coefficient!(i8, dsp::taps_i8);
#[cfg(nervecord_dsp)]
coefficient!(i16, dsp::taps_i16);

/// Where the first edge's coefficients start, if those of every output are inside.
#[inline(always)]
fn first<C>(acc: &[i32], edges: &[C], (start, count): (usize, usize)) -> Option<*const C> {
    let inside = start + 4 <= count && acc.len() * count <= edges.len();
    // In bounds: start < count <= edges.len(), unless there is no output and so no access.
    inside.then(|| edges.as_ptr().wrapping_add(start))
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

/// The weights as the load of `C` wants them.
#[cfg(not(nervecord_dsp))]
#[inline(always)]
fn order<C>(weights: [i16; 4]) -> [i16; 4] {
    weights
}

/// The weights as the load of `C` wants them: pairs 0 1 and 2 3, or 0 2 and 1 3 for bytes.
#[cfg(nervecord_dsp)]
#[inline(always)]
fn order<C>([a, b, c, d]: [i16; 4]) -> [u32; 2] {
    let pair = |low: i16, high: i16| u32::from(low as u16) | u32::from(high as u16) << 16;
    if size_of::<C>() == 1 { [pair(a, c), pair(b, d)] } else { [pair(a, b), pair(c, d)] }
}

/// The dot products of cores with the DSP extension, which may load words at any address.
#[cfg(nervecord_dsp)]
mod dsp {
    use core::arch::asm;

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

/// `weights` moved `by` places towards the end, -3 to 3, zeros moving in.
#[inline(always)]
pub(crate) fn moved(weights: [i16; 4], by: i32) -> [i16; 4] {
    let [a, b, c, d] = weights;
    let wide = [0, 0, 0, a, b, c, d, 0, 0, 0];
    let start = (3 - by.clamp(-3, 3)) as usize; // 0 <= start <= 6, so start + 4 <= 10
    // SAFETY: by the line above.
    unsafe { wide.as_ptr().add(start).cast::<[i16; 4]>().read() }
}
