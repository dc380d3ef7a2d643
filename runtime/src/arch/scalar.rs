//! Operations on one integer that take the same time for every value, on every core. Stands on nothing.

#[cfg(nervecord_branchless)]
use super::branchless;

/// `x` clamped to `0..2^BITS`, for `BITS` of 15 or less and `-2^31 < x < 2^31 - 2^BITS`.
///
/// No branch on any core: where the compiler would make one, the instructions are spelled out.
#[inline(always)]
pub(crate) fn unit<const BITS: u32>(x: i32) -> i32 {
    #[cfg(nervecord_branchless)]
    return branchless::unit::<BITS>(x);
    #[cfg(not(nervecord_branchless))]
    x.clamp(0, (1 << BITS) - 1)
}

/// `x` clamped to 16 bits, on every core in the same time for every `x`.
#[inline(always)]
pub(crate) fn saturate16(x: i32) -> i16 {
    #[cfg(nervecord_branchless)]
    return branchless::saturate16(x);
    #[cfg(not(nervecord_branchless))]
    {
        x.clamp(i16::MIN as i32, i16::MAX as i32) as i16
    }
}

/// All ones if `x` is negative, else 0; a mask that the compiler does not turn back into a branch.
#[inline(always)]
pub(crate) fn negative(x: i32) -> i32 {
    #[cfg(nervecord_branchless)]
    return branchless::negative(x);
    #[cfg(not(nervecord_branchless))]
    {
        x >> 31
    }
}

/// The larger of two activations, in the same time for all values.
#[inline(always)]
pub(crate) fn larger(a: i32, b: i32) -> i32 {
    a + ((b - a) & negative(a - b)) // |a - b| <= 65535
}

/// `a - b`, saturating, in the same time for all values.
#[inline(always)]
pub(crate) fn saturating_sub(a: i32, b: i32) -> i32 {
    #[cfg(nervecord_dsp)]
    {
        let mut difference = a;
        // SAFETY: writes a register and flags only.
        unsafe {
            core::arch::asm!(
                "qsub {a}, {a}, {b}",
                a = inout(reg) difference,
                b = in(reg) b,
                options(pure, nomem, nostack),
            );
        }
        difference
    }
    #[cfg(not(nervecord_dsp))]
    {
        let difference = a.wrapping_sub(b);
        let overflow = negative((a ^ b) & (a ^ difference));
        difference ^ ((difference ^ negative(a) ^ i32::MAX) & overflow)
    }
}

/// Number of zero bits above the highest one of `x`, which is not 0.
#[inline(always)]
pub(crate) fn leading_zeros(x: u32) -> u32 {
    #[cfg(nervecord_branchless)]
    return branchless::leading_zeros(x);
    #[cfg(not(nervecord_branchless))]
    x.leading_zeros()
}

/// `x` clamped to `low..=high`, in the same time for every `x` whose distance to either fits in 32 bits.
#[inline(always)]
pub(crate) fn clamp(x: i32, low: i32, high: i32) -> i32 {
    #[cfg(nervecord_branchless)]
    {
        let above = x - low;
        let over = (above & !negative(above)) + low - high;
        (over & negative(over)) + high
    }
    #[cfg(not(nervecord_branchless))]
    x.max(low).min(high)
}

/// `x`, of which the compiler knows nothing on a core.
#[inline(always)]
pub(crate) fn opaque(x: u32) -> u32 {
    #[cfg(nervecord_assembly)]
    {
        let mut x = x;
        // SAFETY: does nothing.
        unsafe {
            core::arch::asm!("/* {} */", inout(reg) x, options(pure, nomem, nostack, preserves_flags));
        }
        x
    }
    #[cfg(not(nervecord_assembly))]
    x
}

/// `x`, of which the compiler does not know on a core where it is, and so not what is in it: it would make a constant of each
/// number, in two instructions, instead of loading two in one.
#[inline(always)]
pub(crate) fn loaded<T>(x: &[T]) -> &[T] {
    #[cfg(nervecord_assembly)]
    {
        let mut first = x.as_ptr();
        // SAFETY: does nothing, so the pointer is that of the slice.
        unsafe {
            core::arch::asm!("/* {} */", inout(reg) first, options(pure, nomem, nostack, preserves_flags));
            core::slice::from_raw_parts(first, x.len())
        }
    }
    #[cfg(not(nervecord_assembly))]
    x
}

/// Always false, but the compiler does not know on a core: a loop that could end there is not unrolled
/// further than it is written, which would take more registers than there are.
#[cfg(not(nervecord_dsp))]
#[inline(always)]
pub(crate) fn never() -> bool {
    #[cfg(nervecord_assembly)]
    {
        let mut x = 0_u32;
        // SAFETY: does nothing.
        unsafe {
            core::arch::asm!("/* {} */", inout(reg) x, options(nomem, nostack, preserves_flags));
        }
        x != 0
    }
    #[cfg(not(nervecord_assembly))]
    false
}
