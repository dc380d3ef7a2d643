//! What an image must not have, one at a time, so that a test can see it found.

use core::hint::black_box;

/// Panics, by an index that the compiler does not know.
#[cfg(feature = "seed-panic")]
pub fn violate() {
    let table = [1_u8, 2, 3];
    black_box(table[black_box(7_usize)]);
}

/// Multiplies floats.
#[cfg(feature = "seed-float")]
pub fn violate() {
    black_box(black_box(0.5_f32) * black_box(1.5_f32));
}

/// Allocates.
#[cfg(feature = "seed-heap")]
pub fn violate() {
    black_box(heap::boxed(black_box(7)));
}

#[cfg(feature = "seed-heap")]
mod heap {
    extern crate alloc;

    use alloc::boxed::Box;
    use core::alloc::{GlobalAlloc, Layout};
    use core::ptr;

    /// Has nothing to give.
    struct Empty;

    // SAFETY: what it never gives nobody can misuse.
    unsafe impl GlobalAlloc for Empty {
        unsafe fn alloc(&self, _: Layout) -> *mut u8 {
            ptr::null_mut()
        }

        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
    }

    #[global_allocator]
    static EMPTY: Empty = Empty;

    pub fn boxed(value: u32) -> Box<u32> {
        Box::new(value)
    }
}
