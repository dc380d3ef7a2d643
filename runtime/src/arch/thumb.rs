//! Armv6-M: no conditional instructions, so that a clamp the compiler writes is a branch.

use core::arch::asm;

/// `x` clamped to `0..2^BITS`, for `x` whose distance to either end fits in 32 bits.
#[inline(always)]
pub(super) fn unit<const BITS: u32>(x: i32) -> i32 {
    let mut x = x;
    // SAFETY: writes registers only.
    unsafe {
        asm!(
            "asrs {t}, {x}, #31",
            "bics {x}, {t}", // max(x, 0)
            "subs {x}, {x}, {one}",
            "asrs {t}, {x}, #31",
            "ands {x}, {t}", // min(x - ONE, 0)
            "adds {x}, {x}, {one}",
            x = inout(reg) x,
            t = out(reg) _,
            one = in(reg) (1_i32 << BITS) - 1,
            options(pure, nomem, nostack)
        );
    }
    x
}

/// All ones if `x` is negative, else 0.
#[inline(always)]
pub(super) fn negative(x: i32) -> i32 {
    let mut x = x;
    // SAFETY: writes a register only.
    unsafe {
        asm!("asrs {x}, {x}, #31", x = inout(reg) x, options(pure, nomem, nostack));
    }
    x
}
