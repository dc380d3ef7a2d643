//! Armv7E-M and Armv8-M with the DSP extension: two multiply-accumulates an instruction.
//!
//! `SXTB16` widens bytes 0 and 2 of a word to half-words, `SXTB16 ROR #8` bytes 1 and 3; the
//! [interleaved](super::Interleaved) layout stores the four weights of a group as `w0 w2 w1 w3`,
//! so they come out as the pairs `w0 w1` and `w2 w3` that `SMLAD` multiplies with two activations.

use super::{W8, W16};
use crate::tensor::Quad;
use core::arch::asm;

/// One row of a block: four weights in `$w`, activations in x0 and x1.
macro_rules! row8 {
    ($acc:literal, $w:literal) => {
        concat!(
            "sxtb16 {t}, {",
            $w,
            "}\n",
            "smlad {",
            $acc,
            "}, {t}, {x0}, {",
            $acc,
            "}\n",
            "sxtb16 {",
            $w,
            "}, {",
            $w,
            "}, ror #8\n",
            "smlad {",
            $acc,
            "}, {",
            $w,
            "}, {x1}, {",
            $acc,
            "}\n",
        )
    };
}

#[inline(always)]
pub(super) fn dot4_i8(acc: [i32; 4], x: &[Quad], weights: &[W8]) -> [i32; 4] {
    let quads = x.len().min(weights.len() / 4);
    if quads == 0 {
        return acc;
    }
    let [mut a0, mut a1, mut a2, mut a3] = acc;
    // SAFETY: reads `quads` (> 0) quads of x and 4 * `quads` groups of weights, both in bounds by
    // the line above and word-aligned by their types; writes registers only.
    unsafe {
        asm!(
            "2:",
            "ldrd {x0}, {x1}, [{x}], #8",
            "ldrd {w0}, {w1}, [{w}], #8",
            row8!("a0", "w0"),
            row8!("a1", "w1"),
            "ldrd {w0}, {w1}, [{w}], #8",
            row8!("a2", "w0"),
            row8!("a3", "w1"),
            "subs {n}, {n}, #1",
            "bne 2b",
            x = inout(reg) x.as_ptr() => _,
            w = inout(reg) weights.as_ptr() => _,
            n = inout(reg) quads => _,
            a0 = inout(reg) a0, a1 = inout(reg) a1, a2 = inout(reg) a2, a3 = inout(reg) a3,
            x0 = out(reg) _, x1 = out(reg) _, w0 = out(reg) _, w1 = out(reg) _, t = out(reg) _,
            options(nostack, readonly)
        );
    }
    [a0, a1, a2, a3]
}

#[inline(always)]
pub(super) fn dot1_i8(mut acc: i32, x: &[Quad], weights: &[W8]) -> i32 {
    let quads = x.len().min(weights.len());
    if quads == 0 {
        return acc;
    }
    // SAFETY: reads `quads` (> 0) quads of x and `quads` groups of weights, in bounds by the line
    // above and word-aligned by their types; writes registers only.
    unsafe {
        asm!(
            "2:",
            "ldrd {x0}, {x1}, [{x}], #8",
            "ldr {w0}, [{w}], #4",
            row8!("acc", "w0"),
            "subs {n}, {n}, #1",
            "bne 2b",
            x = inout(reg) x.as_ptr() => _,
            w = inout(reg) weights.as_ptr() => _,
            n = inout(reg) quads => _,
            acc = inout(reg) acc,
            x0 = out(reg) _, x1 = out(reg) _, w0 = out(reg) _, t = out(reg) _,
            options(nostack, readonly)
        );
    }
    acc
}

#[inline(always)]
pub(super) fn dot4_i16(acc: [i32; 4], x: &[Quad], weights: &[W16]) -> [i32; 4] {
    let quads = x.len().min(weights.len() / 4);
    if quads == 0 {
        return acc;
    }
    let [mut a0, mut a1, mut a2, mut a3] = acc;
    // SAFETY: as for `dot4_i8`, with groups of eight bytes.
    unsafe {
        asm!(
            "2:",
            "ldrd {x0}, {x1}, [{x}], #8",
            "ldrd {w0}, {w1}, [{w}], #8",
            "smlad {a0}, {w0}, {x0}, {a0}",
            "smlad {a0}, {w1}, {x1}, {a0}",
            "ldrd {w0}, {w1}, [{w}], #8",
            "smlad {a1}, {w0}, {x0}, {a1}",
            "smlad {a1}, {w1}, {x1}, {a1}",
            "ldrd {w0}, {w1}, [{w}], #8",
            "smlad {a2}, {w0}, {x0}, {a2}",
            "smlad {a2}, {w1}, {x1}, {a2}",
            "ldrd {w0}, {w1}, [{w}], #8",
            "smlad {a3}, {w0}, {x0}, {a3}",
            "smlad {a3}, {w1}, {x1}, {a3}",
            "subs {n}, {n}, #1",
            "bne 2b",
            x = inout(reg) x.as_ptr() => _,
            w = inout(reg) weights.as_ptr() => _,
            n = inout(reg) quads => _,
            a0 = inout(reg) a0, a1 = inout(reg) a1, a2 = inout(reg) a2, a3 = inout(reg) a3,
            x0 = out(reg) _, x1 = out(reg) _, w0 = out(reg) _, w1 = out(reg) _,
            options(nostack, readonly)
        );
    }
    [a0, a1, a2, a3]
}

#[inline(always)]
pub(super) fn dot1_i16(mut acc: i32, x: &[Quad], weights: &[W16]) -> i32 {
    let quads = x.len().min(weights.len());
    if quads == 0 {
        return acc;
    }
    // SAFETY: as for `dot1_i8`, with groups of eight bytes.
    unsafe {
        asm!(
            "2:",
            "ldrd {x0}, {x1}, [{x}], #8",
            "ldrd {w0}, {w1}, [{w}], #8",
            "smlad {acc}, {w0}, {x0}, {acc}",
            "smlad {acc}, {w1}, {x1}, {acc}",
            "subs {n}, {n}, #1",
            "bne 2b",
            x = inout(reg) x.as_ptr() => _,
            w = inout(reg) weights.as_ptr() => _,
            n = inout(reg) quads => _,
            acc = inout(reg) acc,
            x0 = out(reg) _, x1 = out(reg) _, w0 = out(reg) _, w1 = out(reg) _,
            options(nostack, readonly)
        );
    }
    acc
}
