//! How deep a call reaches into the stack: paint what is free, call, look what was overwritten.

use core::arch::asm;
use core::ptr;

/// Bytes painted; a step that reaches further is reported as reaching all of them.
pub const WINDOW: usize = 4096;

/// The free stack below the function that painted it.
pub struct Paint {
    top: usize,
    bottom: usize,
    colour: u32,
}

unsafe extern "C" {
    /// End of the static data, from the linker script of either runtime crate.
    static __sheap: u8;
}

impl Paint {
    /// Paints from the caller's stack pointer downwards, `window` bytes at most.
    // Inlined, so that the painter has no frame of its own to paint over.
    #[inline(always)]
    pub fn new(window: usize, colour: u32) -> Self {
        let top: usize;
        #[cfg(target_arch = "arm")]
        // SAFETY: reads a register.
        unsafe {
            asm!("mov {}, sp", out(reg) top, options(nomem, nostack))
        }
        #[cfg(target_arch = "riscv32")]
        // SAFETY: reads a register.
        unsafe {
            asm!("mv {}, sp", out(reg) top, options(nomem, nostack))
        }
        // Both stack pointer and end of data are multiples of four.
        let bottom = (top - window).max(&raw const __sheap as usize);
        let mut at = bottom;
        while at < top {
            // SAFETY: above the static data and below the stack pointer there is nothing: no heap, no interrupts.
            unsafe { ptr::write_volatile(ptr::with_exposed_provenance_mut(at), colour) };
            at += 4;
        }
        Self { top, bottom, colour }
    }

    /// Bytes from the painter's stack pointer down to the lowest word that lost its colour.
    #[inline(always)]
    pub fn reached(&self) -> usize {
        let mut at = self.bottom;
        while at < self.top {
            // SAFETY: one of the words that were painted.
            let word: u32 = unsafe { ptr::read_volatile(ptr::with_exposed_provenance(at)) };
            if word != self.colour {
                break;
            }
            at += 4;
        }
        self.top - at
    }
}
