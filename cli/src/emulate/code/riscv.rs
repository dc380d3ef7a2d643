//! RV32IMAC instructions (The RISC-V Instruction Set Manual, volume I), without atomics.

use super::instruction::{Instruction, Kind, field, register};

const SP: u32 = 1 << 2;
/// Register x0 is no register to wait for.
const ZERO: u32 = 1;

/// An instruction of 32 bits.
pub fn wide(word: u32) -> Instruction {
    let (to, a, b) = (register(word, 7, 5), register(word, 15, 5), register(word, 20, 5));
    let new = |kind| Instruction::new(4, kind);
    let found = match word & 0x7f {
        0x03 => new(Kind::Load { updates: false }).reads(a).writes(to),
        0x23 => new(Kind::Store { updates: false, indexed: false }).reads(a),
        0x13 => new(Kind::Plain).reads(a).writes(to),
        0x17 | 0x37 => new(Kind::Plain).writes(to),
        0x33 if word >> 25 == 1 && field(word, 14, 1) == 1 => {
            new(Kind::Divide).reads(a | b).writes(to)
        }
        0x33 if word >> 25 == 1 => new(product(field(word, 12, 2))).reads(a | b).writes(to),
        0x33 => new(Kind::Plain).reads(a | b).writes(to),
        0x63 => new(Kind::Branch { backward: word >> 31 == 1 }).reads(a | b),
        0x6f => new(jump(to)).writes(to),
        0x67 => new(jump(to)).reads(a).writes(to),
        _ => new(Kind::Unknown),
    };
    without_zero(found)
}

/// An instruction of 16 bits.
pub fn compressed(half: u32) -> Instruction {
    let new = |kind| Instruction::new(2, kind);
    // Registers of five bits, and of three bits for x8 to x15.
    let (to, from) = (register(half, 7, 5), register(half, 2, 5));
    let (first, second) = (register(half, 7, 3) << 8, register(half, 2, 3) << 8);
    let load = new(Kind::Load { updates: false });
    let store = new(Kind::Store { updates: false, indexed: false });
    let found = match (half & 3, half >> 13) {
        (0, 0) if half != 0 => new(Kind::Plain).reads(SP).writes(second),
        (0, 2) => load.reads(first).writes(second),
        (0, 6) => store.reads(first),
        (1, 0) => new(Kind::Plain).reads(to).writes(to),
        (1, 1) => new(Kind::Call).writes(1 << 1),
        (1, 2 | 3) => new(Kind::Plain).reads(to & SP).writes(to),
        (1, 4) => {
            let both = if field(half, 10, 2) == 3 { second } else { 0 };
            new(Kind::Plain).reads(first | both).writes(first)
        }
        (1, 5) => new(Kind::Jump),
        (1, 6 | 7) => new(Kind::Branch { backward: field(half, 12, 1) == 1 }).reads(first),
        (2, 0) => new(Kind::Plain).reads(to).writes(to),
        (2, 2) => load.reads(SP).writes(to),
        (2, 6) => store.reads(SP),
        (2, 4) => match (field(half, 12, 1), from, to) {
            (0, ZERO, _) => new(Kind::Jump).reads(to),
            (_, ZERO, ZERO) => new(Kind::Unknown),
            (_, ZERO, _) => new(Kind::Call).reads(to).writes(1 << 1),
            (0, ..) => new(Kind::Plain).reads(from).writes(to),
            _ => new(Kind::Plain).reads(from | to).writes(to),
        },
        _ => new(Kind::Unknown),
    };
    without_zero(found)
}

/// The lower half of a product, or one of three upper ones.
fn product(half: u32) -> Kind {
    if half == 0 { Kind::Multiply } else { Kind::MultiplyLong }
}

fn jump(link: u32) -> Kind {
    if link == ZERO { Kind::Jump } else { Kind::Call }
}

fn without_zero(instruction: Instruction) -> Instruction {
    let Instruction { reads, writes, .. } = instruction;
    Instruction { reads: reads & !ZERO, writes: writes & !ZERO, ..instruction }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodings as an assembler gives them.
    #[test]
    fn wide_instructions_are_told_apart() {
        let load = Kind::Load { updates: false };
        let store = Kind::Store { updates: false, indexed: false };
        for (word, text, kind, reads, writes) in [
            (0x0045_2583, "lw a1, 4(a0)", load, 1 << 10, 1 << 11),
            (0x00b5_1223, "sh a1, 4(a0)", store, 1 << 10, 0),
            (0x02c5_8533, "mul a0, a1, a2", Kind::Multiply, 0x1800, 1 << 10),
            (0x02c5_9533, "mulh a0, a1, a2", Kind::MultiplyLong, 0x1800, 1 << 10),
            (0x02c5_c533, "div a0, a1, a2", Kind::Divide, 0x1800, 1 << 10),
            (0x0000_0013, "nop", Kind::Plain, 0, 0),
            (0xfeb5_1ee3, "bne a0, a1, .-4", Kind::Branch { backward: true }, 0xc00, 0),
            (0x00b5_0463, "beq a0, a1, .+8", Kind::Branch { backward: false }, 0xc00, 0),
            (0x0080_00ef, "jal ra, .+8", Kind::Call, 0, 2),
            (0x0000_8067, "ret", Kind::Jump, 2, 0),
            (0x3000_2573, "csrr a0, mstatus", Kind::Unknown, 0, 0),
        ] {
            let expected = Instruction { bytes: 4, kind, reads, writes };
            assert_eq!(wide(word), expected, "{text}");
        }
    }

    #[test]
    fn compressed_instructions_are_told_apart() {
        let load = Kind::Load { updates: false };
        let store = Kind::Store { updates: false, indexed: false };
        for (half, text, kind, reads, writes) in [
            (0x414c, "c.lw a1, 4(a0)", load, 1 << 10, 1 << 11),
            (0xc14c, "c.sw a1, 4(a0)", store, 1 << 10, 0),
            (0x4592, "c.lwsp a1, 4(sp)", load, SP, 1 << 11),
            (0xc22e, "c.swsp a1, 4(sp)", store, SP, 0),
            (0x0505, "c.addi a0, 1", Kind::Plain, 1 << 10, 1 << 10),
            (0x1141, "c.addi sp, -16", Kind::Plain, SP, SP),
            (0x4505, "c.li a0, 1", Kind::Plain, 0, 1 << 10),
            (0x8d6d, "c.and a0, a1", Kind::Plain, 0xc00, 1 << 10),
            (0x8505, "c.srai a0, 1", Kind::Plain, 1 << 10, 1 << 10),
            (0x852e, "c.mv a0, a1", Kind::Plain, 1 << 11, 1 << 10),
            (0x952e, "c.add a0, a1", Kind::Plain, 0xc00, 1 << 10),
            (0xa021, "c.j .+8", Kind::Jump, 0, 0),
            (0xfd75, "c.bnez a0, .-4", Kind::Branch { backward: true }, 1 << 10, 0),
            (0xc501, "c.beqz a0, .+8", Kind::Branch { backward: false }, 1 << 10, 0),
            (0x8082, "ret", Kind::Jump, 2, 0),
            (0x9502, "c.jalr a0", Kind::Call, 1 << 10, 2),
            (0x9002, "c.ebreak", Kind::Unknown, 0, 0),
            (0x0000, "illegal", Kind::Unknown, 0, 0),
        ] {
            let expected = Instruction { bytes: 2, kind, reads, writes };
            assert_eq!(compressed(half), expected, "{text}");
        }
    }
}
