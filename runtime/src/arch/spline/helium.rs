//! Spline layers by Helium, a whole layer a call: the weights of inputs are [spread](super::spread) over lanes,
//! and edges are a dense layer over these.
//!
//! For eight inputs at once, intervals and weights are computed in half-words, in 37 instructions, and stored
//! where their lanes are by scatters of single coefficients' weights; i8 coefficients take them in two signed
//! bytes, `w = 2^8 high + low`. Then a group of sixteen lanes takes ten instructions for the 64
//! multiply-accumulates of four outputs, as in dense layers. So an edge of n coefficients takes 0.16 n, instead of
//! the 5.25 of the DSP extension, which is what edges of more coefficients get.
//!
//! Coordinates are clamped by saturating additions and minima, so no instruction branches on data.
//!
//! Stands on `plan` and `spread`.

use super::plan::{Kernel, Operands, Plan, Spread};
use super::spread::LANES;
use crate::spline::shape::{Grid, SplineShape};
use core::arch::naked_asm;
use core::mem::offset_of;

one_after_the_other!(Operands from 0; y, stream);

one_after_the_other!(Spread from offset_of!(Spread, factor); factor, offset, bottom, limit, place);
one_after_the_other!(Spread from offset_of!(Spread, count); count, first);
one_after_the_other!(Spread from offset_of!(Spread, start); start, chunk);
one_after_the_other!(Spread from offset_of!(Spread, inputs); inputs, edges, rest_edges);
one_after_the_other!(Spread from offset_of!(Spread, values); values, factors, rest_factors);
one_after_the_other!(Spread from offset_of!(Spread, outputs); outputs, base_shift);
one_after_the_other!(Spread from offset_of!(Spread, output_bytes); output_bytes, block_bytes, rest);
one_after_the_other!(Spread from offset_of!(Spread, multiplier); multiplier, up);
const _: () = assert!(LANES == 128, "the kernels' frame has as many");
const _: () = assert!(size_of::<Grid>() == 8 && offset_of!(Grid, offset) == 4);

/// Products with the factor, of eight activations at r0 that one grid serves, into q1 (even ones) and q0; r1 are
/// left. Adds the offset.
macro_rules! one_grid {
    () => {
        "vctp.16 r1
         vpst
         vldrht.u16 q0, [r0], #16
         vdup.16 q3, r2
         vmullb.s16 q1, q0, q3
         vmullt.s16 q0, q0, q3
         vadd.i32 q1, q1, r3
         vadd.i32 q0, q0, r3
        "
    };
}

/// The same of eight grids at r0; r2 and r3 are used. A grid that is not there is zeros.
macro_rules! own_grids {
    () => {
        "mov r2, #0
         vidup.u32 q3, r2, #4
         add r2, r1, #1
         lsrs r2, r2, #1
         vctp.32 r2
         add r3, r0, #4
         vpstt
         vldrwt.u32 q1, [r0, q3, uxtw #2]
         vldrwt.u32 q4, [r3, q3, uxtw #2]
         lsrs r2, r1, #1
         vctp.32 r2
         add r2, r0, #8
         add r3, r0, #12
         vpstt
         vldrwt.u32 q0, [r2, q3, uxtw #2]
         vldrwt.u32 q5, [r3, q3, uxtw #2]
         add r0, r0, #64
         ldr r3, [sp, #344]
         vmovlb.u16 q2, q1
         vldrh.s32 q3, [r3, q2, uxtw #1]
         vshr.s32 q1, q1, #16
         vmul.i32 q1, q1, q3
         vadd.i32 q1, q1, q4
         vmovlb.u16 q2, q0
         vldrh.s32 q3, [r3, q2, uxtw #1]
         vshr.s32 q0, q0, #16
         vmul.i32 q0, q0, q3
         vadd.i32 q0, q0, q5
        "
    };
}

/// From coordinates in q1 (of even inputs) and q0 to intervals in q0 and weights in q4, q5, q2 and q3.
///
/// Coordinates are counted from the lowest less 2^31, which has every one of 32 bits to saturate in; the place of
/// the first lane takes it out again. `u2 - 2 u` is `(1 - u)^2 - 1`, in units of 2^-15, so that with `e = 2 u - u2`
/// the cube of `1 - u` is `1 - u - e + u e`, and nothing but 1 leaves 15 bits.
macro_rules! weights {
    () => {
        "vdup.32 q3, r5
         vqadd.s32 q1, q1, r4
         vqadd.s32 q0, q0, r4
         vmin.s32 q1, q1, q3
         vmin.s32 q0, q0, q3
         vshl.s32 q1, r6
         vshl.s32 q0, r6
         vmov q2, q1
         vsli.32 q2, q0, #16
         vsri.32 q0, q1, #16
         vshr.u16 q1, q2, #1
         vqdmulh.s16 q2, q1, q1
         vqdmulh.s16 q3, q2, q1
         vadd.i16 q4, q1, q1
         vsub.i16 q5, q4, q2
         vmulh.u16 q4, q4, q5
         vsub.i16 q4, q4, q5
         vsub.i16 q4, q4, q1
         vadd.i16 q4, q4, lr
         vdup.16 q5, r7
         vrmulh.u16 q4, q4, q5
         vshr.u16 q1, q3, #1
         vrmulh.u16 q3, q3, q5
         vsub.i16 q5, q1, q2
         vsub.i16 q2, q2, q1
         vadd.i16 q5, q5, r8
         vsub.i16 q2, q2, q4
         vsub.i16 q2, q2, q3
         vadd.i16 q2, q2, r7
        "
    };
}

/// Stores the weights in `$w` at lanes q0.
macro_rules! tap8 {
    ($w:literal) => {
        concat!(
            "vstrb.16 ",
            $w,
            ", [r9, q0]\nvrshr.u16 ",
            $w,
            ", ",
            $w,
            ", #8\nvstrb.16 ",
            $w,
            ", [r10, q0]\n"
        )
    };
}
macro_rules! tap16 {
    ($w:literal) => {
        concat!("vstrh.16 ", $w, ", [r9, q0, uxtw #1]\n")
    };
}
/// The same for coefficients q1 of the edge, those that are among the q6 that it has.
macro_rules! tail8 {
    ($w:literal) => {
        concat!(
            "vpttt.u16 hi, q6, q1\nvstrbt.16 ",
            $w,
            ", [r9, q0]\nvrshrt.u16 ",
            $w,
            ", ",
            $w,
            ", #8\nvstrbt.16 ",
            $w,
            ", [r10, q0]\n"
        )
    };
}
macro_rules! tail16 {
    ($w:literal) => {
        concat!("vpt.u16 hi, q6, q1\nvstrht.16 ", $w, ", [r9, q0, uxtw #1]\n")
    };
}

/// Spreads the four weights of eight inputs, whose first lanes are in q7, which moves on.
macro_rules! without_tails {
    ($tap:ident) => {
        concat!(
            "vadd.i16 q0, q0, q7\nvadd.i16 q7, q7, r12\n",
            $tap!("q4"),
            "vadd.i16 q0, q0, r11\n",
            $tap!("q5"),
            "vadd.i16 q0, q0, r11\n",
            $tap!("q2"),
            "vadd.i16 q0, q0, r11\n",
            $tap!("q3"),
        )
    };
}
macro_rules! with_tails {
    ($tap:ident) => {
        concat!(
            "ldrd r2, r3, [sp, #288]
             vadd.i16 q1, q0, r3
             vdup.16 q6, r2
             vadd.i16 q0, q1, q7
             vadd.i16 q7, q7, r12
             ldrd r2, r3, [sp, #296]
            ",
            $tap!("q4"),
            "vadd.i16 q0, q0, r11\nvadd.i16 q1, q1, r11\n",
            $tap!("q5"),
            "vadd.i16 q0, q0, r11\nvadd.i16 q1, q1, r11\n",
            $tap!("q2"),
            "vadd.i16 q0, q0, r11\nvadd.i16 q1, q1, r11\n",
            $tap!("q3"),
        )
    };
}

/// Values of the base function at r0 into lanes: low bytes at r3, high ones at r4.
macro_rules! values8 {
    () => {
        "vldrh.u16 q0, [r0], #16
         vshr.s16 q1, q0, #8
         veor q0, q0, q2
         vstrb.16 q1, [r4], #8
         vstrb.16 q0, [r3], #8
        "
    };
}
macro_rules! values16 {
    () => {
        "vldrh.u16 q0, [r0], #16
         vstrh.16 q0, [r3], #16
        "
    };
}

/// A group of lanes, with four outputs' coefficients in q4-q7.
macro_rules! products8 {
    ($low:literal, $high:literal) => {
        concat!(
            "vmladava.s8 r0, ",
            $low,
            ", q4\n",
            "vmladava.s8 r8, ",
            $high,
            ", q4\n",
            "vmladava.s8 r2, ",
            $low,
            ", q5\n",
            "vmladava.s8 r10, ",
            $high,
            ", q5\n",
            "vmladava.s8 r4, ",
            $low,
            ", q6\n",
            "vmladava.s8 r12, ",
            $high,
            ", q6\n",
            "vmladava.s8 r6, ",
            $low,
            ", q7\n",
            "vmladava.s8 lr, ",
            $high,
            ", q7\n",
        )
    };
}
macro_rules! products16 {
    ($x:literal) => {
        concat!(
            "vmladava.s16 r0, ",
            $x,
            ", q4\n",
            "vmladava.s16 r2, ",
            $x,
            ", q5\n",
            "vmladava.s16 r4, ",
            $x,
            ", q6\n",
            "vmladava.s16 r6, ",
            $x,
            ", q7\n",
        )
    };
}

/// Two groups, one group, and r9 lanes left over.
macro_rules! two8 {
    () => {
        concat!(
            "vldmia r3!, {{d0-d3}}\nvldmia r11!, {{d4-d7}}\nvldmia r1!, {{d8-d15}}\n",
            products8!("q0", "q2"),
            "vldmia r1!, {{d8-d15}}\n",
            products8!("q1", "q3"),
        )
    };
}
macro_rules! two16 {
    () => {
        concat!(
            "vldmia r3!, {{d0-d3}}\nvldmia r1!, {{d8-d15}}\n",
            products16!("q0"),
            "vldmia r1!, {{d8-d15}}\n",
            products16!("q1"),
        )
    };
}
macro_rules! one8 {
    () => {
        concat!(
            "vldmia r3!, {{d0-d1}}\nvldmia r11!, {{d4-d5}}\nvldmia r1!, {{d8-d15}}\n",
            products8!("q0", "q2"),
        )
    };
}
macro_rules! one16 {
    () => {
        concat!("vldmia r3!, {{d0-d1}}\nvldmia r1!, {{d8-d15}}\n", products16!("q0"),)
    };
}
macro_rules! left8 {
    () => {
        concat!(
            "vctp.8 r9
             vldrb.u8 q0, [r3]
             vldrb.u8 q2, [r11]
             vpst
             vldrbt.u8 q4, [r1]
             add r1, r1, r9
             vpst
             vldrbt.u8 q5, [r1]
             add r1, r1, r9
             vpst
             vldrbt.u8 q6, [r1]
             add r1, r1, r9
             vpst
             vldrbt.u8 q7, [r1]
             add r1, r1, r9
            ",
            products8!("q0", "q2"),
        )
    };
}
macro_rules! left16 {
    () => {
        concat!(
            "vctp.16 r9
             vldrh.u16 q0, [r3]
             vpst
             vldrht.u16 q4, [r1]
             add r1, r1, r9, lsl #1
             vpst
             vldrht.u16 q5, [r1]
             add r1, r1, r9, lsl #1
             vpst
             vldrht.u16 q6, [r1]
             add r1, r1, r9, lsl #1
             vpst
             vldrht.u16 q7, [r1]
             add r1, r1, r9, lsl #1
            ",
            products16!("q0"),
        )
    };
}

/// Puts the sums of low and high bytes together.
macro_rules! join8 {
    () => {
        "add r0, r0, r8, lsl #8
         add r2, r2, r10, lsl #8
         add r4, r4, r12, lsl #8
         add r6, r6, lr, lsl #8
        "
    };
}
macro_rules! join16 {
    () => {
        ""
    };
}

/// The sum in r0 of an output left over: r6 lanes, coefficients at r8.
macro_rules! row8 {
    () => {
        "mov r2, #0
         dlstp.8 lr, r6
         81:
         vldrb.u8 q0, [r3], #16
         vldrb.u8 q1, [r11], #16
         vldrb.u8 q2, [r8], #16
         vmladava.s8 r0, q0, q2
         vmladava.s8 r2, q1, q2
         letp lr, 81b
         add r0, r0, r2, lsl #8
         add r4, r4, r6
        "
    };
}
macro_rules! row16 {
    () => {
        "dlstp.16 lr, r6
         81:
         vldrh.u16 q0, [r3], #16
         vldrh.u16 q2, [r8], #16
         vmladava.s16 r0, q0, q2
         letp lr, 81b
         add r4, r4, r6, lsl #1
        "
    };
}

/// A kernel for layers whose weights are spread: r0 = [`Plan`], r1 = [`Operands`].
///
/// Its frame, in bytes: 0 for a block's registers: lanes of low bytes (r3), 0 (r8), pairs of groups (r9), 0, lanes
/// of high bytes (r11), 0, 0; 28 the end of the blocks' sums, 32 lanes of low bytes, 160 of high ones (i16
/// coefficients have one row of half-words there), 288 coefficients of an edge, 292 the first one's place among them,
/// 296 factor, offset, 304 inputs or values to go, 308 the next, or its grid, 312 coefficients of blocks, 316 of
/// outputs left over, 320 lanes, 324 where to go on after a chunk, 328 plan, 332 operands, 336 sums, 340 outputs left
/// over, 344 activations.
macro_rules! kernel {
    (
        $name:ident, $grids:ident, $spread:ident, $tap:ident, $values:ident,
        $two:ident, $one:ident, $left:ident, $join:ident, $row:ident, $pair:literal, $next:ident
    ) => {
        /// # Safety
        /// As for the caller, [`run`](super::call::run).
        #[unsafe(naked)]
        unsafe extern "C" fn $name(_: *const Plan, _: *const Operands) {
            naked_asm!(
                ".cpu cortex-m55", // the assembler is not told of the target's here
                "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
                "vpush {{d8-d15}}",
                "sub sp, sp, #348",
                "add r0, r0, #{spread}",
                "strd r0, r1, [sp, #328]",
                "ldrd r4, r5, [r1, #{y}]", // and stream
                "add r2, r0, #{output_bytes}",
                "ldm r2, {{r6, r7, r8}}", // up to `rest`
                "ldr r2, [r1, #{x}]",
                "str r2, [sp, #344]",
                "add r6, r6, r4",
                "add r7, r7, r6",
                "strd r6, r8, [sp, #336]",
                "mov r3, #0",
                "add r2, sp, #32",
                "strd r2, r3, [sp]",
                "add r2, r2, #128",
                "strd r3, r2, [sp, #12]",
                "strd r3, r3, [sp, #20]",
                "str r7, [sp, #28]",
                "ldrd r2, r4, [r0, #{outputs}]", // and base_shift
                "add r3, r0, #{values}",
                "ldm r3, {{r7, r8, r9}}", // up to `rest_factors`
                "cmp r7, #0",
                "beq 5f",
                "vmov.i32 q0, #0", // the base function first, since its sums are shifted up
                "dlstp.32 lr, r2",
                "3:",
                "vstrw.32 q0, [r6], #16",
                "letp lr, 3b",
                "ldr r4, [r1, #{base}]",
                "strd r7, r4, [sp, #304]",
                "add r8, r8, r5",
                "add r9, r9, r5",
                "strd r8, r9, [sp, #312]",
                "adr.w r2, 4f",
                "orr r2, r2, #1", // a load into pc stays in Thumb state
                "str r2, [sp, #324]",
                "4:", // a chunk of values
                "ldrd r1, r0, [sp, #304]",
                "cbz r1, 7f",
                "mov r2, #128",
                "cmp r1, r2",
                "it lo",
                "movlo r2, r1",
                "subs r1, r1, r2",
                "ldr r3, [sp]",
                "ldr r4, [sp, #16]",
                "vmov.i8 q2, #0x80",
                "dlstp.16 lr, r2",
                "41:",
                $values!(),
                "letp lr, 41b",
                "strd r1, r0, [sp, #304]",
                "b 20f",
                "7:",
                "ldrd r0, r1, [sp, #328]",
                "ldrd r2, r4, [r0, #{outputs}]",
                "ldr r5, [r1, #{stream}]",
                "ldr r6, [sp, #336]",
                "dlstp.32 lr, r2",
                "71:",
                "vldrw.u32 q0, [r6]",
                "vldrw.u32 q1, [r5], #16",
                "vshl.s32 q0, r4",
                "vadd.i32 q0, q0, q1",
                "vstrw.32 q0, [r6], #16",
                "letp lr, 71b",
                "b 6f",
                "5:", // sums start as biases
                "dlstp.32 lr, r2",
                "51:",
                "vldrw.u32 q0, [r5], #16",
                "vstrw.32 q0, [r6], #16",
                "letp lr, 51b",
                "6:",
                "ldr r5, [r1, #{stream}]",
                "add r2, r0, #{inputs}",
                "ldm r2, {{r2, r3, r4}}", // up to `rest_edges`
                "add r3, r3, r5",
                "add r4, r4, r5",
                "strd r3, r4, [sp, #312]",
                "ldr r3, [r1, #{next}]",
                "strd r2, r3, [sp, #304]",
                "ldrd r2, r3, [r0, #{count}]", // and first
                "strd r2, r3, [sp, #288]",
                "ldrd r2, r3, [r0, #{factor}]", // and offset
                "strd r2, r3, [sp, #296]",
                "adr.w r2, 10f",
                "orr r2, r2, #1",
                "str r2, [sp, #324]",
                "10:", // a chunk of inputs
                "ldrd r2, r0, [sp, #304]",
                "cmp r2, #0",
                "beq 30f",
                "ldr r3, [sp, #328]",
                "ldrd r5, r1, [r3, #{start}]", // and chunk
                "cmp r2, r1",
                "it lo",
                "movlo r1, r2",
                "subs r2, r2, r1",
                "str r2, [sp, #304]",
                "ldr r12, [sp, #288]",
                "mul r2, r1, r12",
                "str r2, [sp, #320]",
                "add r9, sp, #32",
                "mov r4, r9",
                "vmov.i32 q0, #0",
                "vmov.i32 q1, #0",
                "vmov.i32 q2, #0",
                "vmov.i32 q3, #0",
                "vstmia r4!, {{d0-d7}}",
                "vstmia r4!, {{d0-d7}}",
                "vstmia r4!, {{d0-d7}}",
                "vstmia r4!, {{d0-d7}}",
                "mov r2, #0",
                "vidup.u16 q7, r2, #1",
                "vmul.i16 q7, q7, r12",
                "vadd.i16 q7, q7, r5",
                "lsl r12, r12, #3",
                "ldm r3, {{r2, r3, r4, r5, r6}}", // up to `place`
                "movw r7, #10923", // 1/6 in Q16, 1/3 in Q15
                "movw r8, #21845",
                "add r10, r9, #128",
                "mov r11, #1",
                "mov lr, #0x8000",
                "11:",
                $grids!(),
                weights!(),
                $spread!($tap),
                "subs r1, r1, #8",
                "bhi 11b",
                "str r0, [sp, #308]",
                "ldr r2, [sp, #320]",
                "20:", // the lanes' edges, r2 lanes
                "ldr r1, [sp, #312]",
                "ldr r5, [sp, #336]",
                "str r2, [sp, #320]",
                concat!("lsr r3, r2, #", $pair),
                "str r3, [sp, #8]",
                concat!("ubfx r7, r2, #0, #", $pair),
                "b 26f",
                "21:", // a block of four outputs
                "ldm r5, {{r0, r2, r4, r6}}",
                "ldm sp, {{r3, r8, r9, r10, r11, r12, lr}}",
                "cmp r9, #0",
                "beq 23f",
                "22:",
                $two!(),
                "subs r9, r9, #1",
                "bne 22b",
                "23:",
                concat!("lsls r9, r7, #33-", $pair), // the carry says that a group is left over, else zero that no lane is
                "bcc 24f",
                $one!(),
                "24:",
                "beq 25f",
                concat!("ubfx r9, r7, #0, #", $pair, "-1"),
                $left!(),
                "25:",
                $join!(),
                "stm r5!, {{r0, r2, r4, r6}}",
                "26:",
                "ldr r9, [sp, #28]",
                "cmp r5, r9",
                "bne 21b",
                "str r1, [sp, #312]",
                "ldr r7, [sp, #340]",
                "cbz r7, 29f",
                "ldr r4, [sp, #316]",
                "ldr r6, [sp, #320]",
                "28:", // outputs left over, one by one
                "ldr r0, [r5]",
                "ldr r3, [sp]",
                "ldr r11, [sp, #16]",
                "mov r8, r4",
                $row!(),
                "str r0, [r5], #4",
                "subs r7, r7, #1",
                "bne 28b",
                "str r4, [sp, #316]",
                "29:",
                "ldr pc, [sp, #324]",
                "30:",
                "ldrd r0, r1, [sp, #328]",
                "ldrd r3, r4, [r0, #{multiplier}]", // and up
                "ldr r2, [r0, #{outputs}]",
                "ldrd r6, r7, [r1, #{y}]", // and stream
                "ldr r5, [sp, #336]",
                "add r3, r3, r7",
                "dlstp.32 lr, r2",
                "31:",
                "vldrw.u32 q0, [r5], #16",
                "vldrh.s32 q1, [r3], #8",
                "vshl.s32 q1, r4",
                "vmulh.s32 q0, q0, q1",
                "vqmovnb.s32 q0, q0",
                "vstrh.32 q0, [r6], #8",
                "letp lr, 31b",
                "add sp, sp, #348",
                "vpop {{d8-d15}}",
                "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
                spread = const offset_of!(Plan, spread),
                output_bytes = const offset_of!(Spread, output_bytes),
                outputs = const offset_of!(Spread, outputs),
                values = const offset_of!(Spread, values),
                inputs = const offset_of!(Spread, inputs),
                count = const offset_of!(Spread, count),
                factor = const offset_of!(Spread, factor),
                start = const offset_of!(Spread, start),
                multiplier = const offset_of!(Spread, multiplier),
                stream = const offset_of!(Operands, stream),
                x = const offset_of!(Operands, x),
                base = const offset_of!(Operands, base),
                y = const offset_of!(Operands, y),
                next = const offset_of!(Operands, $next),
            )
        }
    };
}

macro_rules! kernels {
    ($($name8:ident, $name16:ident: $grids:ident from $next:ident, $spread:ident($tap8:ident, $tap16:ident);)*) => {
        $(
            kernel!(
                $name8, $grids, $spread, $tap8, values8, two8, one8, left8, join8, row8, "5", $next
            );
            kernel!(
                $name16, $grids, $spread, $tap16, values16, two16, one16, left16, join16, row16, "4", $next
            );
        )*
    };
}

kernels! {
    one_i8, one_i16: one_grid from x, without_tails(tap8, tap16);
    one_tails_i8, one_tails_i16: one_grid from x, with_tails(tail8, tail16);
    own_i8, own_i16: own_grids from grids, without_tails(tap8, tap16);
    own_tails_i8, own_tails_i16: own_grids from grids, with_tails(tail8, tail16);
}

/// The kernel of a layer whose weights are spread.
pub(super) const fn kernel(shape: &SplineShape, own_grids: bool, size: usize) -> Kernel {
    match (own_grids, shape.axis.tails, size) {
        (false, false, 1) => one_i8,
        (false, false, _) => one_i16,
        (false, true, 1) => one_tails_i8,
        (false, true, _) => one_tails_i16,
        (true, false, 1) => own_i8,
        (true, false, _) => own_i16,
        (true, true, 1) => own_tails_i8,
        (true, true, _) => own_tails_i16,
    }
}
