//! Tensors as slices of integers. Stands on [`crate::tensor`] alone.

use crate::tensor::Quad;

const _: () = assert!(size_of::<Quad>() == 8 && align_of::<Quad>() == 8);

/// The activations of a tensor one by one.
#[inline(always)]
pub fn flat(x: &[Quad]) -> &[i16] {
    // SAFETY: a Quad is exactly four i16 (repr(C), size 8, no padding) at least as aligned as one,
    // so the slice covers the same bytes, and the lifetime is that of the borrow.
    unsafe { core::slice::from_raw_parts(x.as_ptr().cast(), x.len() * 4) }
}

/// The activations of a tensor one by one, to write.
#[inline(always)]
pub fn flat_mut(x: &mut [Quad]) -> &mut [i16] {
    // SAFETY: as for `flat`; the borrow is unique.
    unsafe { core::slice::from_raw_parts_mut(x.as_mut_ptr().cast(), x.len() * 4) }
}

/// A tensor's memory as `i32` accumulators, two a quad.
#[inline(always)]
pub(crate) fn words_mut(x: &mut [Quad]) -> &mut [i32] {
    // SAFETY: a Quad is eight bytes without padding, aligned to eight, and any bits are an i32; the
    // borrow is unique.
    unsafe { core::slice::from_raw_parts_mut(x.as_mut_ptr().cast(), x.len() * 2) }
}

/// Memory for activations, which holds anything at first: a core does not clear it.
#[derive(Debug)]
pub(crate) struct Room<const QUADS: usize>(core::mem::MaybeUninit<[Quad; QUADS]>);

impl<const QUADS: usize> Room<QUADS> {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self(match cfg!(nervecord_assembly) {
            true => core::mem::MaybeUninit::uninit(),
            false => core::mem::MaybeUninit::zeroed(),
        })
    }

    /// All of it.
    #[inline(always)]
    pub(crate) fn quads(&mut self) -> &mut [Quad] {
        // SAFETY: on a host they were cleared; on a core the compiler has to take them as written by these instructions,
        // which are none, and any bits are activations.
        unsafe {
            #[cfg(nervecord_assembly)]
            core::arch::asm!("/* {} */", in(reg) self.0.as_mut_ptr(), options(nostack, preserves_flags));
            self.0.assume_init_mut()
        }
    }
}
