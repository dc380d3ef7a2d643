//! RV32 with multiplication: blocks of four rows, loads ahead of their use.
//!
//! A quad of inputs takes 52 instructions for its 16 multiply-accumulates: per input one load of the
//! activation, and per row a load of the weight, a multiplication and an addition. The loop does four
//! quads a round and is entered where a first, partial round begins; its loads have constant
//! offsets, so the pointers start as far before the data as the round was skipped.
//!
//! No instruction branches on data, so the time is the same for all inputs.
//!
//! Stands on `assembly` and `shape`.

use super::assembly::call;
use super::shape::DenseShape;
use crate::tensor::Quad;
use core::arch::naked_asm;
use core::mem::offset_of;

/// A dense kernel: a0 = activations, a1 = outputs, a2 = [`DenseShape`], a3 = stream.
///
/// | register | holds |
/// |---|---|
/// | t0-t3 | sums of the four rows |
/// | t4, a4-a7 | an activation, its four weights |
/// | a0, a3 | next activation, next word of the stream |
/// | a1, s1 | next output, end of the outputs of whole blocks |
/// | s0 | where the loop is entered |
/// | s2, s3 | activations at the start and the end of a row |
/// | s4, s5, s6 | largest and smallest output, their distance |
/// | s7 | from a block's biases to its weights |
/// | t5, t6 | quads of a row, rows left over |
macro_rules! kernel {
    ($name:ident, $load:literal, $bytes:literal, $quarter:ident) => {
        /// # Safety
        /// As for the caller, [`call`].
        #[unsafe(naked)]
        unsafe extern "C" fn $name(_: *mut Quad, _: *mut Quad, _: *const DenseShape, _: *const u32) {
            naked_asm!(
                ".option push",
                ".option arch, +m", // the target's, which the assembler is not told of here
                "addi sp, sp, -32",
                "sw s0, 0(sp)",
                "sw s1, 4(sp)",
                "sw s2, 8(sp)",
                "sw s3, 12(sp)",
                "sw s4, 16(sp)",
                "sw s5, 20(sp)",
                "sw s6, 24(sp)",
                "sw s7, 28(sp)",
                "lw s0, {entry}(a2)",
                "lw t5, {quads}(a2)",
                "lw s1, {block_bytes}(a2)",
                "lw t6, {rest}(a2)",
                "lbu s5, {relu}(a2)",
                ".option push",
                ".option norelax",
                "lla t0, 2f",
                ".option pop",
                "add s0, s0, t0",
                "neg t0, t5",
                "andi t0, t0, 3", // quads the first round skips
                "slli t1, t0, 3",
                "sub s2, a0, t1",
                "slli t1, t5, 3",
                "add s3, a0, t1",
                "slli t1, t0, {quad_shift}",
                "li s7, 16",
                "sub s7, s7, t1",
                "add s1, s1, a1",
                "li s4, 32767",
                "addi s5, s5, -1",
                "slli s5, s5, 15", // 0, or -32768
                "sub s6, s4, s5",
                "beq a1, s1, 4f",
                "1:", // a block of four rows
                "lw t0, 0(a3)",
                "lw t1, 4(a3)",
                "lw t2, 8(a3)",
                "lw t3, 12(a3)",
                "add a3, a3, s7",
                "mv a0, s2",
                "jr s0",
                ".option push",
                ".option norvc", // the entry counts in instructions of four bytes
                ".p2align 2",
                "2:",
                ".irp quad, 0, 1, 2, 3",
                ".irp k, 0, 1, 2, 3",
                "lh t4, 8*\\quad+2*\\k(a0)",
                concat!($load, " a4, {quad_bytes}*\\quad+{bytes}*\\k(a3)"),
                concat!($load, " a5, {quad_bytes}*\\quad+{bytes}*\\k+4*{bytes}(a3)"),
                concat!($load, " a6, {quad_bytes}*\\quad+{bytes}*\\k+8*{bytes}(a3)"),
                concat!($load, " a7, {quad_bytes}*\\quad+{bytes}*\\k+12*{bytes}(a3)"),
                "mul a4, a4, t4",
                "mul a5, a5, t4",
                "mul a6, a6, t4",
                "mul a7, a7, t4",
                "add t0, t0, a4",
                "add t1, t1, a5",
                "add t2, t2, a6",
                "add t3, t3, a7",
                ".endr",
                ".endr",
                // The entry counts on the length of a quad: no space, which a build with another refuses.
                "90:",
                ".space 4 * {quarter} - (90b - 2b)",
                ".space (90b - 2b) - 4 * {quarter}",
                "addi a0, a0, 32",
                "addi a3, a3, 4*{quad_bytes}",
                "bne a0, s3, 2b",
                ".option pop",
                "lw a4, 0(a3)",
                "lw a5, 4(a3)",
                "lw a6, 8(a3)",
                "lw a7, 12(a3)",
                "mulh t0, t0, a4",
                "mulh t1, t1, a5",
                "mulh t2, t2, a6",
                "mulh t3, t3, a7",
                // With a' = min(a - largest, 0) + distance, the output is max(a', 0) + smallest.
                ".irp acc, t0, t1, t2, t3",
                "sub \\acc, \\acc, s4",
                "srai a4, \\acc, 31",
                "and \\acc, \\acc, a4",
                "add \\acc, \\acc, s6",
                "srai a4, \\acc, 31",
                "not a4, a4",
                "and \\acc, \\acc, a4",
                "add \\acc, \\acc, s5",
                ".endr",
                "sh t0, 0(a1)",
                "sh t1, 2(a1)",
                "sh t2, 4(a1)",
                "sh t3, 6(a1)",
                "addi a3, a3, 16",
                "addi a1, a1, 8",
                "bne a1, s1, 1b",
                "4:", // rows left over, one by one
                "beqz t6, 6f",
                "slli t1, t5, 3",
                "sub s2, s3, t1", // the first activation
                "3:",
                "lw t0, 0(a3)",
                "addi a3, a3, 4",
                "mv a0, s2",
                "5:",
                concat!($load, " a4, 0(a3)"),
                concat!($load, " a5, {bytes}(a3)"),
                concat!($load, " a6, 2*{bytes}(a3)"),
                concat!($load, " a7, 3*{bytes}(a3)"),
                "lh t1, 0(a0)",
                "lh t2, 2(a0)",
                "lh t3, 4(a0)",
                "lh t4, 6(a0)",
                "mul a4, a4, t1",
                "mul a5, a5, t2",
                "mul a6, a6, t3",
                "mul a7, a7, t4",
                "addi a0, a0, 8",
                "addi a3, a3, 4*{bytes}",
                "add t0, t0, a4",
                "add t0, t0, a5",
                "add t0, t0, a6",
                "add t0, t0, a7",
                "bne a0, s3, 5b",
                "lw a4, 0(a3)",
                "addi a3, a3, 4",
                "mulh t0, t0, a4",
                "sub t0, t0, s4",
                "srai a4, t0, 31",
                "and t0, t0, a4",
                "add t0, t0, s6",
                "srai a4, t0, 31",
                "not a4, a4",
                "and t0, t0, a4",
                "add t0, t0, s5",
                "sh t0, 0(a1)",
                "addi a1, a1, 2",
                "addi t6, t6, -1",
                "bnez t6, 3b",
                "6:",
                "lw s0, 0(sp)",
                "lw s1, 4(sp)",
                "lw s2, 8(sp)",
                "lw s3, 12(sp)",
                "lw s4, 16(sp)",
                "lw s5, 20(sp)",
                "lw s6, 24(sp)",
                "lw s7, 28(sp)",
                "addi sp, sp, 32",
                "ret",
                ".option pop",
                quarter = const $quarter,
                entry = const offset_of!(DenseShape, entry),
                block_bytes = const offset_of!(DenseShape, block_bytes),
                rest = const offset_of!(DenseShape, rest),
                quads = const offset_of!(DenseShape, quads),
                relu = const offset_of!(DenseShape, relu),
                bytes = const $bytes,
                quad_bytes = const 16 * $bytes,
                quad_shift = const if $bytes == 1 { 4 } else { 5 },
            )
        }
    };
}

kernel!(rows_i8, "lb", 1, QUARTER_I8);
kernel!(rows_i16, "lh", 2, QUARTER_I16);

/// Bytes of code a quad, for [`DenseShape`]: 52 instructions.
pub(super) const QUARTER_I8: usize = 208;
/// Bytes of code a quad, for [`DenseShape`].
pub(super) const QUARTER_I16: usize = 208;

#[inline(always)]
pub(super) fn dense_i8(shape: &DenseShape, stream: &[u32], x: &mut [Quad], y: &mut [Quad]) {
    call::<i8>(rows_i8, shape, stream, x, y);
}

#[inline(always)]
pub(super) fn dense_i16(shape: &DenseShape, stream: &[u32], x: &mut [Quad], y: &mut [Quad]) {
    call::<i16>(rows_i16, shape, stream, x, y);
}
