//! RV32 with multiplication: blocks of four rows, loads ahead of their use.
//!
//! A quad of inputs takes 52 instructions for its 16 multiply-accumulates: per input one load of the
//! activation, and per row a load of the weight, a multiplication and an addition. The loop does four
//! quads a round and is entered where a first, partial round begins; its loads have constant
//! offsets, so the pointers start as far before the data as the round was skipped.
//!
//! Additions are the only instructions of the loop that have a short form, where the core has such. A core with one
//! port for instructions and data fetches nothing while it loads, and makes up for it while short instructions run: so
//! loads and additions stand between the products, not each kind by itself. Short instructions come in pairs, here and
//! behind the loop, which keeps the long ones on whole words: on some cores those that straddle two take longer.
//!
//! No instruction branches on data, so the time is the same for all inputs.
//!
//! Stands on `assembly` and `shape`.

use super::assembly::{call, call_from};
use super::layout::I4;
use super::shape::DenseShape;
use crate::tensor::Quad;
use core::arch::naked_asm;
use core::mem::offset_of;

/// Adds a product to a sum, in two bytes where the core has short instructions and in four elsewhere, whatever the
/// assembler would choose.
#[cfg(target_feature = "c")]
macro_rules! add {
    ($sum:literal, $product:literal) => {
        concat!(".option rvc; add ", $sum, ", ", $sum, ", ", $product, "; .option norvc")
    };
}
#[cfg(not(target_feature = "c"))]
macro_rules! add {
    ($sum:literal, $product:literal) => {
        concat!("add ", $sum, ", ", $sum, ", ", $product)
    };
}

/// The same operation on two registers.
macro_rules! pair {
    ($op:literal, $a:literal, $x:literal, $b:literal, $y:literal) => {
        concat!($op, " ", $a, ", ", $a, ", ", $x, "; ", $op, " ", $b, ", ", $b, ", ", $y, ";")
    };
}

/// Clamps two requantized sums: with a' = min(a - largest, 0) + distance, the output is max(a', 0) + smallest.
macro_rules! clamp {
    ($a:literal, $b:literal) => {
        concat!(
            pair!("sub", $a, "a0", $b, "a0"),
            concat!("srai a4, ", $a, ", 31; srai a1, ", $b, ", 31;"),
            pair!("and", $a, "a4", $b, "a1"),
            pair!("add", $a, "s6", $b, "s6"),
            concat!("srai a4, ", $a, ", 31; srai a1, ", $b, ", 31;"),
            "not a4, a4; not a1, a1;",
            pair!("and", $a, "a4", $b, "a1"),
            pair!("add", $a, "s5", $b, "s5"),
        )
    };
}

/// One quad of i8 or i16 weights, its activations `\\quad` quads behind t0 and its weights behind a3.
macro_rules! quad_rows {
    ($load:literal) => {
        concat!(
            ".irp k, 0, 1, 2, 3\n",
            "lh t3, 8*\\quad+2*\\k(t0)\n",
            $load,
            " a4, {quad_bytes}*\\quad+{bytes}*\\k(a3)\n",
            $load,
            " a1, {quad_bytes}*\\quad+{bytes}*\\k+4*{bytes}(a3)\n",
            "mul a4, a4, t3\n",
            "mul a1, a1, t3\n",
            $load,
            " a7, {quad_bytes}*\\quad+{bytes}*\\k+8*{bytes}(a3)\n",
            add!("s0", "a4"),
            "\n",
            add!("s1", "a1"),
            "\n",
            $load,
            " t4, {quad_bytes}*\\quad+{bytes}*\\k+12*{bytes}(a3)\n",
            "mul a7, a7, t3\n",
            "mul t4, t4, t3\n",
            add!("a2", "a7"),
            "\n",
            add!("a5", "t4"),
            "\n",
            ".endr\n",
        )
    };
}

/// One quad of [nibbles](super::layout::Layout#nibbles): a half-word has the weights of an input in four rows, and a sum those
/// of its row and, in units of 2^4, of the rows above.
macro_rules! quad_nibbles {
    () => {
        concat!(
            ".irp k, 0, 1, 2, 3\n",
            "lh t3, 8*\\quad+2*\\k(t0)\n",
            "lhu a4, 8*\\quad+2*\\k(a3)\n",
            "srli a1, a4, 4\n",
            "srli a7, a4, 8\n",
            "srli t4, a4, 12\n",
            "mul a4, a4, t3\n",
            "mul a1, a1, t3\n",
            add!("s0", "a4"),
            "\n",
            add!("s1", "a1"),
            "\n",
            "mul a7, a7, t3\n",
            "mul t4, t4, t3\n",
            add!("a2", "a7"),
            "\n",
            add!("a5", "t4"),
            "\n",
            ".endr\n",
        )
    };
}

/// What is nothing in a kernel.
macro_rules! nothing {
    () => {
        ""
    };
}

/// What the 8 that is added to each nibble adds to every row, before the blocks: at the top of the stack.
macro_rules! begin_nibbles {
    () => {
        "li t3, 0
         70:
         lh t0, 0(a0)
         lh a4, 2(a0)
         lh a7, 4(a0)
         lh t4, 6(a0)
         add t0, t0, a4
         add a7, a7, t4
         add t3, t3, t0
         add t3, t3, a7
         addi a0, a0, 8
         bne a0, s3, 70b
         slli t3, t3, 3
         sw t3, 28(sp)
        "
    };
}

/// Takes four sums of nibbles apart.
macro_rules! apart_nibbles {
    () => {
        "slli a4, s1, 4
         slli a1, a2, 4
         slli a7, a5, 4
         lw t4, 28(sp)
         sub s0, s0, a4
         sub s1, s1, a1
         sub a2, a2, a7
         sub s0, s0, t4
         sub s1, s1, t4
         sub a2, a2, t4
         sub a5, a5, t4
        "
    };
}

/// A dense kernel: a0 = activations, a1 = outputs, a2 = [`DenseShape`], a3 = stream.
///
/// | register | holds |
/// |---|---|
/// | s0, s1, a2, a5 | sums of the four rows |
/// | t3, a4, a1, a7, t4 | an activation, its four weights |
/// | t0, a3 | next activation, next word of the stream |
/// | a6, t2 | next output, end of the outputs of whole blocks |
/// | t1 | where the loop is entered |
/// | s2, s3 | activations at the start and the end of a row |
/// | a0, s5, s6 | largest and smallest output, their distance |
/// | s7 | from a block's biases to its weights |
/// | t5, t6 | quads of a row, rows left over |
///
/// Sums and what they are compared with lie where short instructions reach them.
macro_rules! kernel {
    ($name:ident, $quad:ident($($load:literal)?), $begin:ident, $apart:ident, $quad_bytes:literal, $single:literal, $bytes:literal,
        $quarter:ident) => {
        /// # Safety
        /// As for the caller, [`call`].
        #[unsafe(naked)]
        unsafe extern "C" fn $name(_: *mut Quad, _: *mut i16, _: *const DenseShape, _: *const u32) {
            naked_asm!(
                ".option push",
                ".option arch, +m", // the target's, which the assembler is not told of here
                "addi sp, sp, -32",
                "sw s0, 0(sp)",
                "sw s1, 4(sp)",
                "sw s2, 8(sp)",
                "sw s3, 12(sp)",
                "sw s5, 16(sp)",
                "sw s6, 20(sp)",
                "sw s7, 24(sp)",
                "lw t1, {entry}(a2)",
                "lw t5, {quads}(a2)",
                "lw t2, {block_bytes}(a2)",
                "lw t6, {rest}(a2)",
                "lbu s5, {relu}(a2)",
                ".option push",
                ".option norelax",
                "lla t0, 2f",
                ".option pop",
                "add t1, t1, t0",
                "neg t0, t5",
                "andi t0, t0, 3", // quads the first round skips
                "slli a4, t0, 3",
                "sub s2, a0, a4",
                "slli a4, t5, 3",
                "add s3, a0, a4",
                "slli a4, t0, {quad_shift}",
                "li s7, 16",
                "sub s7, s7, a4",
                "mv a6, a1",
                "add t2, t2, a1",
                $begin!(),
                "li a0, 32767",
                "addi s5, s5, -1",
                "slli s5, s5, 15", // 0, or -32768
                "sub s6, a0, s5",
                "beq a6, t2, 4f",
                "1:", // a block of four rows
                "lw s0, 0(a3)",
                "lw s1, 4(a3)",
                "lw a2, 8(a3)",
                "lw a5, 12(a3)",
                "add a3, a3, s7",
                "mv t0, s2",
                "jr t1",
                ".option push",
                ".option norvc", // the entry counts on the length of every instruction
                ".p2align 2",
                "2:",
                ".irp quad, 0, 1, 2, 3",
                $quad!($($load)?),
                ".endr",
                // The entry counts on the length of a quad: no space, which a build with another refuses.
                "90:",
                ".space 4 * {quarter} - (90b - 2b)",
                ".space (90b - 2b) - 4 * {quarter}",
                "addi t0, t0, 32",
                "addi a3, a3, 4*{quad_bytes}",
                "bne t0, s3, 2b",
                ".option pop",
                $apart!(),
                "lw a4, 0(a3)",
                "lw a1, 4(a3)",
                "lw a7, 8(a3)",
                "lw t4, 12(a3)",
                "mulh s0, s0, a4",
                "mulh s1, s1, a1",
                "mulh a2, a2, a7",
                "mulh a5, a5, t4",
                clamp!("s0", "s1"),
                clamp!("a2", "a5"),
                "sh s0, 0(a6)",
                "sh s1, 2(a6)",
                "sh a2, 4(a6)",
                "sh a5, 6(a6)",
                "addi a3, a3, 16",
                "addi a6, a6, 8",
                "bne a6, t2, 1b",
                "4:", // rows left over, one by one
                "beqz t6, 6f",
                "slli a4, t5, 3",
                "sub s2, s3, a4", // the first activation
                "3:", // its bias lies before the weights, its multiplier behind them
                "lw a5, 0(a3)",
                "mv t0, s2",
                "5:",
                concat!($single, " a4, 4(a3)"),
                concat!($single, " a1, 4+{bytes}(a3)"),
                "lh s0, 0(t0)",
                "lh s1, 2(t0)",
                "mul a4, a4, s0",
                "mul a1, a1, s1",
                concat!($single, " a7, 4+2*{bytes}(a3)"),
                concat!($single, " t4, 4+3*{bytes}(a3)"),
                "add a5, a5, a4",
                "add a5, a5, a1",
                "lh a2, 4(t0)",
                "lh t3, 6(t0)",
                "addi t0, t0, 8",
                "addi a3, a3, 4*{bytes}",
                "mul a7, a7, a2",
                "mul t4, t4, t3",
                "add a5, a5, a7",
                "add a5, a5, t4",
                "bne t0, s3, 5b",
                "lw a4, 4(a3)",
                "addi t6, t6, -1",
                "mulh a5, a5, a4",
                "sub a5, a5, a0",
                "addi a3, a3, 8",
                "srai a4, a5, 31",
                "and a5, a5, a4",
                "add a5, a5, s6",
                "srai a4, a5, 31",
                "not a4, a4",
                "and a5, a5, a4",
                "add a5, a5, s5",
                "sh a5, 0(a6)",
                "addi a6, a6, 2",
                "bnez t6, 3b",
                "6:",
                "lw s0, 0(sp)",
                "lw s1, 4(sp)",
                "lw s2, 8(sp)",
                "lw s3, 12(sp)",
                "lw s5, 16(sp)",
                "lw s6, 20(sp)",
                "lw s7, 24(sp)",
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
                quad_bytes = const $quad_bytes,
                quad_shift = const usize::ilog2($quad_bytes),
            )
        }
    };
}

kernel!(rows_i4, quad_nibbles(), begin_nibbles, apart_nibbles, 8, "lb", 1, QUARTER_I4);
kernel!(rows_i8, quad_rows("lb"), nothing, nothing, 16, "lb", 1, QUARTER_I8);
kernel!(rows_i16, quad_rows("lh"), nothing, nothing, 32, "lh", 2, QUARTER_I16);

/// Bytes of code a quad, for [`DenseShape`].
pub(super) const QUARTER_I4: usize = QUARTER_I8;
/// Bytes of code a quad, for [`DenseShape`]: 36 instructions, and 16 that may be short.
pub(super) const QUARTER_I8: usize = 4 * 36 + 16 * if cfg!(target_feature = "c") { 2 } else { 4 };
/// Bytes of code a quad, for [`DenseShape`].
pub(super) const QUARTER_I16: usize = QUARTER_I8;

#[inline(always)]
pub(super) fn dense_i4(shape: &DenseShape, stream: &[u32], x: &mut [Quad], y: &mut [i16]) {
    call::<I4>(rows_i4, shape, stream, x, y);
}

#[inline(always)]
pub(super) fn dense_i4_from(shape: &DenseShape, stream: &[u32], x: &[i16], y: &mut [i16]) -> bool {
    call_from::<I4>(rows_i4, shape, stream, x, y)
}

#[inline(always)]
pub(super) fn dense_i8(shape: &DenseShape, stream: &[u32], x: &mut [Quad], y: &mut [i16]) {
    call::<i8>(rows_i8, shape, stream, x, y);
}

#[inline(always)]
pub(super) fn dense_i8_from(shape: &DenseShape, stream: &[u32], x: &[i16], y: &mut [i16]) -> bool {
    call_from::<i8>(rows_i8, shape, stream, x, y)
}

#[inline(always)]
pub(super) fn dense_i16(shape: &DenseShape, stream: &[u32], x: &mut [Quad], y: &mut [i16]) {
    call::<i16>(rows_i16, shape, stream, x, y);
}

#[inline(always)]
pub(super) fn dense_i16_from(shape: &DenseShape, stream: &[u32], x: &[i16], y: &mut [i16]) -> bool {
    call_from::<i16>(rows_i16, shape, stream, x, y)
}
