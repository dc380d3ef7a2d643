//! Helium, the vector extension of Armv8.1-M: eight multiply-accumulates an instruction.
//!
//! A group of eight inputs takes ten instructions for the 32 multiply-accumulates of four rows: one
//! load of the activations, and per row a load that widens eight weights to 16 bits and a `VMLADAVA`
//! that adds their products to a register, in a hardware loop. A quad left over is widened to 32 bits
//! instead, so that nothing behind it is read; a row left over has the loop predicate its tail.

use super::{Shape, call};
use crate::tensor::Quad;
use core::arch::naked_asm;
use core::mem::offset_of;

/// A dense kernel: r0 = activations, r1 = outputs, r2 = [`Shape`], r3 = stream.
///
/// In a block r4, r6, r8 and r10 hold the sums (`VMLADAVA` takes even registers), r0 and r1 the next
/// activation and word, lr the groups to do; r2 is the next output, r3 the end of the blocks'
/// outputs, r12 the number of quads. Stack while it runs: activations, rest, whether outputs are
/// clamped at zero.
macro_rules! kernel {
    ($name:ident, $load:literal, $bytes:literal, $narrow:literal, $half:literal) => {
        /// # Safety
        /// As for the caller, [`call`].
        #[unsafe(naked)]
        unsafe extern "C" fn $name(_: *const Quad, _: *mut Quad, _: *const Shape, _: *const u32) {
            naked_asm!(
                ".cpu cortex-m55", // the assembler is not told of the target's here
                "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
                "ldrb r6, [r2, #{relu}]",
                "ldrd r4, r5, [r2, #{block_bytes}]", // and rest
                "ldr r12, [r2, #{quads}]",
                "push {{r0, r5, r6}}",
                "mov r2, r1",
                "mov r1, r3",
                "adds r3, r2, r4",
                "cmp r2, r3",
                "beq 4f",
                "1:", // a block of four rows
                "ldm r1!, {{r4, r6, r8, r10}}",
                "ldr r0, [sp]",
                "lsrs r5, r12, #1", // the carry says that a quad is left over
                "wls lr, r5, 7f",
                "2:",
                "vldrh.u16 q0, [r0], #16",
                concat!($load, " q1, [r1], #", $bytes),
                "vmladava.s16 r4, q0, q1",
                concat!($load, " q2, [r1], #", $bytes),
                "vmladava.s16 r6, q0, q2",
                concat!($load, " q1, [r1], #", $bytes),
                "vmladava.s16 r8, q0, q1",
                concat!($load, " q2, [r1], #", $bytes),
                "vmladava.s16 r10, q0, q2",
                "le lr, 2b",
                "7:",
                "bcc 8f",
                "vldrh.s32 q0, [r0]",
                concat!($narrow, " q1, [r1], #", $half),
                "vmladava.s32 r4, q0, q1",
                concat!($narrow, " q2, [r1], #", $half),
                "vmladava.s32 r6, q0, q2",
                concat!($narrow, " q1, [r1], #", $half),
                "vmladava.s32 r8, q0, q1",
                concat!($narrow, " q2, [r1], #", $half),
                "vmladava.s32 r10, q0, q2",
                "8:",
                "ldm r1!, {{r5, r7, r9, r11}}",
                "ldr r0, [sp, #8]",
                "smmul r4, r4, r5",
                "smmul r6, r6, r7",
                "smmul r8, r8, r9",
                "smmul r10, r10, r11",
                "cbnz r0, 9f",
                "ssat r4, #16, r4",
                "ssat r6, #16, r6",
                "ssat r8, #16, r8",
                "ssat r10, #16, r10",
                "b 10f",
                "9:",
                "usat r4, #15, r4",
                "usat r6, #15, r6",
                "usat r8, #15, r8",
                "usat r10, #15, r10",
                "10:",
                "pkhbt r4, r4, r6, lsl #16",
                "pkhbt r8, r8, r10, lsl #16",
                "strd r4, r8, [r2], #8",
                "cmp r2, r3",
                "bne 1b",
                "4:", // rows left over, one by one
                "ldrd r5, r7, [sp, #4]",
                "cbz r5, 6f",
                "3:",
                "ldr r4, [r1], #4",
                "ldr r0, [sp]",
                "lsl r6, r12, #2",
                "dlstp.16 lr, r6",
                "5:",
                "vldrh.u16 q0, [r0], #16",
                concat!($load, " q1, [r1], #", $bytes),
                "vmladava.s16 r4, q0, q1",
                "letp lr, 5b",
                "lsls r6, r12, #31",
                "it ne", // an odd number of quads: half of the last load was none
                concat!("subne r1, r1, #", $half),
                "ldr r6, [r1], #4",
                "smmul r4, r4, r6",
                "ssat r4, #16, r4",
                "cmp r7, #0",
                "it ne",
                "usatne r4, #15, r4",
                "strh r4, [r2], #2",
                "subs r5, r5, #1",
                "bne 3b",
                "6:",
                "add sp, sp, #12",
                "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
                block_bytes = const offset_of!(Shape, block_bytes),
                quads = const offset_of!(Shape, quads),
                relu = const offset_of!(Shape, relu),
            )
        }
    };
}

kernel!(rows_i8, "vldrb.s16", "8", "vldrb.s32", "4");
kernel!(rows_i16, "vldrh.u16", "16", "vldrh.s32", "8");

/// There is no unrolled loop to enter.
pub(crate) const QUARTER_I8: usize = 0;
/// There is no unrolled loop to enter.
pub(crate) const QUARTER_I16: usize = 0;

#[inline(always)]
pub(super) fn dense_i8(shape: &Shape, stream: &[u32], x: &[Quad], y: &mut [Quad]) {
    call::<i8>(rows_i8, shape, stream, x, y);
}

#[inline(always)]
pub(super) fn dense_i16(shape: &Shape, stream: &[u32], x: &[Quad], y: &mut [Quad]) {
    call::<i16>(rows_i16, shape, stream, x, y);
}
