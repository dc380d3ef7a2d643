//! What a kernel that walks all edges goes through. Stands on the shapes of splines.

use core::mem::offset_of;

use crate::spline::shape::Grid;
use crate::tensor::Quad;

/// What the kernel goes through, in the order in which it loads it; lengths are in bytes.
#[repr(C)]
pub(super) struct Walk {
    /// The next activation, grid or quad of values, and their end.
    pub(super) from: *const u8,
    pub(super) end: *const u8,
    /// Of the one grid.
    pub(super) factor: i32,
    pub(super) offset: i32,
    /// From the coordinate's fraction bits to 15.
    pub(super) fraction: u32,
    /// The lowest coordinate, Q15, and what the highest lies above.
    pub(super) low: i32,
    pub(super) range: i32,
    /// The next edges to blocks of four outputs, from one input to the next, from block to block.
    pub(super) blocks: *const u8,
    pub(super) stride: usize,
    pub(super) step: usize,
    /// Sums, and the end of those in blocks.
    pub(super) acc: *mut i32,
    pub(super) acc_end: *mut i32,
    /// Outputs left over, the next edges to them, from one input to the next, from edge to edge.
    pub(super) left: usize,
    pub(super) rest: *const u8,
    pub(super) rest_stride: usize,
    pub(super) rest_step: usize,
    /// What grids of their own say where to find.
    pub(super) activations: *const Quad,
    /// Bits by which values are shifted up.
    pub(super) value_shift: u32,
    pub(super) source: Source,
    pub(super) tails: usize,
    /// Zeros, weights, zeros.
    pub(super) window: [[i16; 4]; 3],
    /// The last interval.
    pub(super) last: i32,
    /// The sum of all weights with tails, and values, where coefficients have offsets.
    pub(super) sum: i32,
}

one_after_the_other!(Walk from 0; from, end, factor, offset, fraction, low, range);
one_after_the_other!(Walk from offset_of!(Walk, blocks); blocks, stride);
one_after_the_other!(Walk from offset_of!(Walk, acc); acc, acc_end);
one_after_the_other!(Walk from offset_of!(Walk, rest); rest, rest_stride);
one_after_the_other!(Grid from 4; offset);
const _: () = assert!(offset_of!(Grid, input) == 0 && offset_of!(Grid, factor) == 2);
const _: () = assert!(size_of::<Grid>() == 8);

/// A kernel's code with the places of what it needs of a [`Walk`].
macro_rules! walking {
    ($($line:expr),* $(,)?) => {
        core::arch::naked_asm!(
            $($line,)*
            // Not every core needs all: to the assembler this is a comment.
            "/* {sum} {stride} {rest_stride} */",
            blocks = const core::mem::offset_of!(Walk, blocks),
            stride = const core::mem::offset_of!(Walk, stride),
            step = const core::mem::offset_of!(Walk, step),
            acc = const core::mem::offset_of!(Walk, acc),
            acc_end = const core::mem::offset_of!(Walk, acc_end),
            left = const core::mem::offset_of!(Walk, left),
            rest = const core::mem::offset_of!(Walk, rest),
            rest_stride = const core::mem::offset_of!(Walk, rest_stride),
            rest_step = const core::mem::offset_of!(Walk, rest_step),
            activations = const core::mem::offset_of!(Walk, activations),
            value_shift = const core::mem::offset_of!(Walk, value_shift),
            source = const core::mem::offset_of!(Walk, source),
            tails = const core::mem::offset_of!(Walk, tails),
            window = const core::mem::offset_of!(Walk, window),
            last = const core::mem::offset_of!(Walk, last),
            sum = const core::mem::offset_of!(Walk, sum),
        )
    };
}
pub(super) use walking;

/// What a kernel goes through.
#[repr(usize)]
pub(super) enum Source {
    /// Activations that share a grid.
    Activations = 0,
    /// A grid an input.
    Grids = 1,
    /// Values of the base function, which are the weights of their factors.
    Values = 2,
}
