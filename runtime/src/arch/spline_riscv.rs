//! Spline layers on RV32 with multiplication: the edges of an input.
//!
//! A block of four outputs takes 59 instructions, 14.75 an edge: a load, a multiplication and an
//! addition for each of its sixteen coefficients, loads ahead of their use, and its sums' way from
//! memory and back.

use super::taps::Walk;
use core::arch::naked_asm;

/// Four outputs' coefficients of a tap whose weight is `$w`, at t2.
macro_rules! tap {
    ($load:literal, $size:literal, $tap:literal, $w:literal) => {
        concat!(
            $load, " t6, ", $size, "*(4*", $tap, ")(t2)\n",
            $load, " a0, ", $size, "*(4*", $tap, "+1)(t2)\n",
            $load, " a1, ", $size, "*(4*", $tap, "+2)(t2)\n",
            "mul t6, t6, ", $w, "\n",
            "mul a0, a0, ", $w, "\n",
            "mul a1, a1, ", $w, "\n",
            "add a2, a2, t6\n",
            $load, " t6, ", $size, "*(4*", $tap, "+3)(t2)\n",
            "add a3, a3, a0\n",
            "add t4, t4, a1\n",
            "mul t6, t6, ", $w, "\n",
            "add t5, t5, t6\n",
        )
    };
}

/// Taps: a0 = [`Walk`], a1 = first coefficient, a2 and a3 = weights, two each.
///
/// | register | holds |
/// |---|---|
/// | a4-a7 | weights |
/// | a2, a3, t4, t5 | four sums |
/// | t0, t1, t2, t3 | next sums, their end, next coefficients, bytes of a block |
/// | t6, a0, a1 | coefficients |
macro_rules! taps {
    ($name:ident, $load:literal, $size:literal, $scale:literal) => {
        /// # Safety
        /// As for [`taps`](super::taps::taps).
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name(_: *mut Walk, _: usize, _: u64) {
            naked_asm!(
                ".option push",
                ".option arch, +m", // the target's, which the assembler is not told of here
                "addi sp, sp, -16",
                "sw a0, 0(sp)",
                "sw a1, 4(sp)",
                "slli a4, a2, 16",
                "srai a4, a4, 16",
                "srai a5, a2, 16",
                "slli a6, a3, 16",
                "srai a6, a6, 16",
                "srai a7, a3, 16",
                "lw t0, 0(a0)",
                "lw t1, 4(a0)",
                "lw t2, 8(a0)",
                "lw t3, 12(a0)",
                concat!("slli a1, a1, 2+", $scale),
                "add t2, t2, a1",
                "beq t0, t1, 2f",
                "1:",
                "lw a2, 0(t0)",
                "lw a3, 4(t0)",
                "lw t4, 8(t0)",
                "lw t5, 12(t0)",
                tap!($load, $size, "0", "a4"),
                tap!($load, $size, "1", "a5"),
                tap!($load, $size, "2", "a6"),
                tap!($load, $size, "3", "a7"),
                "sw a2, 0(t0)",
                "sw a3, 4(t0)",
                "sw t4, 8(t0)",
                "sw t5, 12(t0)",
                "addi t0, t0, 16",
                "add t2, t2, t3",
                "bne t0, t1, 1b",
                "2:",
                "lw a0, 0(sp)",
                "lw a1, 4(sp)",
                "addi sp, sp, 16",
                "lw t1, 16(a0)", // outputs left over
                concat!("slli t4, a1, 2+", $scale),
                "sub t2, t2, t4",
                "sw t2, 8(a0)",
                "beqz t1, 4f",
                "lw t2, 20(a0)",
                "lw t3, 24(a0)",
                concat!("slli a1, a1, ", $scale),
                "add t2, t2, a1",
                "3:",
                "lw a2, 0(t0)",
                concat!($load, " t4, 0(t2)"),
                concat!($load, " t5, ", $size, "(t2)"),
                concat!($load, " t6, 2*", $size, "(t2)"),
                concat!($load, " a3, 3*", $size, "(t2)"),
                "mul t4, t4, a4",
                "mul t5, t5, a5",
                "mul t6, t6, a6",
                "mul a3, a3, a7",
                "add a2, a2, t4",
                "add a2, a2, t5",
                "add a2, a2, t6",
                "add a2, a2, a3",
                "sw a2, 0(t0)",
                "addi t0, t0, 4",
                "add t2, t2, t3",
                "addi t1, t1, -1",
                "bnez t1, 3b",
                "sub t2, t2, a1",
                "sw t2, 20(a0)",
                "4:",
                "ret",
                ".option pop",
            )
        }
    };
}

taps!(taps_i8, "lb", "1", "0");
taps!(taps_i16, "lh", "2", "1");
