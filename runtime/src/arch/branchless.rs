//! Cores without conditional instructions, where the compiler turns a clamp or a mask into a branch.
//!
//! Stands on nothing.

use core::arch::asm;

/// All ones if `x` is negative, else 0.
#[inline(always)]
pub(super) fn negative(x: i32) -> i32 {
    let mut x = x;
    // SAFETY: writes a register only.
    unsafe {
        #[cfg(target_arch = "arm")]
        asm!("asrs {x}, {x}, #31", x = inout(reg) x, options(pure, nomem, nostack));
        #[cfg(target_arch = "riscv32")]
        asm!("srai {x}, {x}, 31", x = inout(reg) x, options(pure, nomem, nostack));
    }
    x
}

/// `x` clamped to `0..2^BITS`, for `x` whose distance to either end fits in 32 bits.
#[inline(always)]
pub(super) fn unit<const BITS: u32>(x: i32) -> i32 {
    let one = (1 << BITS) - 1;
    let above = (x & !negative(x)) - one;
    (above & negative(above)) + one
}

/// `x` clamped to 16 bits.
#[inline(always)]
pub(super) fn saturate16(x: i32) -> i16 {
    let sign = negative(x);
    let outside = (x >> 15) ^ sign; // 0 if x fits, else 1..=65535
    let mask = negative(-outside);
    (x ^ ((x ^ sign ^ 0x7fff) & mask)) as i16 // the limit's low half is 0x7fff or its complement
}

/// Number of zero bits above the highest one of `x`, which is not 0: by halves, since neither core has
/// an instruction for it.
#[inline(always)]
pub(super) fn leading_zeros(x: u32) -> u32 {
    let (mut x, mut zeros) = (x, 0);
    for half in [16, 8, 4, 2, 1] {
        // All ones if the upper `half` bits of what is looked at are zero.
        let empty = negative((x >> (32 - half)) as i32 - 1) as u32;
        zeros += empty & half;
        x <<= empty & half;
    }
    zeros
}
