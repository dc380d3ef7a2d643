//! Where an instruction goes and what it does to the stack pointer, from its bits: Arm v8-M Architecture Reference
//! Manual, chapter C2, and the RISC-V manual, volume I. Stands on fields of instructions.

use super::instruction::field;

/// Where an instruction may go beside to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Nowhere, or back to the caller, or within a table of its own function.
    None,
    /// To this address.
    At(u64),
    /// To where a register says.
    Register,
}

/// What an instruction takes of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// So many bytes.
    Bytes(u64),
    /// As many as a register says.
    Register,
}

/// A number of `bits` bits in two's complement.
fn signed(value: u32, bits: u32) -> i64 {
    let shift = 32 - bits;
    i64::from(((value << shift) as i32) >> shift)
}

fn offset(from: u64, by: i64) -> Target {
    Target::At(from.wrapping_add_signed(by) & 0xffff_ffff)
}

/// Of a Thumb instruction at `address`, its halves; the second is only looked at where the first is one of two.
pub fn thumb_target(address: u64, first: u32, second: u32) -> Target {
    let from = address + 4;
    match first >> 11 {
        0b11100 => offset(from, signed(field(first, 0, 11) << 1, 12)),
        0b11010 | 0b11011 if field(first, 8, 4) < 14 => {
            offset(from, signed(field(first, 0, 8) << 1, 9))
        }
        0b01000 if first >> 7 == 0b0_1000_1111 => Target::Register,
        // BX, but of the return address.
        0b01000 if first >> 7 == 0b0_1000_1110 && field(first, 3, 4) != 14 => Target::Register,
        0b11110 if field(second, 15, 1) == 1 => long_branch(from, first, second),
        _ => Target::None,
    }
}

fn long_branch(from: u64, first: u32, second: u32) -> Target {
    let (sign, j1, j2) = (field(first, 10, 1), field(second, 13, 1), field(second, 11, 1));
    let low = field(second, 0, 11) << 1;
    match (field(second, 14, 1), field(second, 12, 1)) {
        (_, 1) => {
            let (i1, i2) = (1 ^ j1 ^ sign, 1 ^ j2 ^ sign);
            let bits = sign << 24 | i1 << 23 | i2 << 22 | field(first, 0, 10) << 12 | low;
            offset(from, signed(bits, 25))
        }
        // Conditions 14 and 15 are barriers and special registers.
        (0, 0) if field(first, 6, 4) < 14 => {
            let bits = sign << 20 | j2 << 19 | j1 << 18 | field(first, 0, 6) << 12 | low;
            offset(from, signed(bits, 21))
        }
        _ => Target::None,
    }
}

/// What a Thumb instruction takes.
pub fn thumb_taken(first: u32, second: u32) -> Taken {
    let bytes = |count: u32| Taken::Bytes(count.into());
    // SUB SP, SP, #immediate of twelve bits, spread or plain.
    let subtracts = field(second, 15, 1) == 0 && field(second, 8, 4) == 13;
    let immediate = field(first, 10, 1) << 11 | field(second, 12, 3) << 8 | field(second, 0, 8);
    match first {
        _ if first & 0xfe00 == 0xb400 => bytes(4 * field(first, 0, 9).count_ones()),
        _ if first & 0xff80 == 0xb080 => bytes(4 * field(first, 0, 7)),
        // ADD SP, register and MOV SP, register; the latter also puts it back.
        _ if first & 0xff87 == 0x4485 => Taken::Register,
        0xe92d => bytes(4 * second.count_ones()),
        0xf84d if second & 0x0f00 == 0x0d00 => bytes(field(second, 0, 8)),
        0xe96d => bytes(4 * field(second, 0, 8)),
        0xed2d | 0xed6d => bytes(4 * field(second, 0, 8)),
        0xebad if field(second, 8, 4) == 13 => Taken::Register,
        0xf1ad | 0xf5ad if subtracts => bytes(spread(immediate)),
        0xf2ad | 0xf6ad if subtracts => bytes(immediate),
        _ => Taken::Bytes(0),
    }
}

/// A modified immediate constant of Thumb.
fn spread(immediate: u32) -> u32 {
    let low = immediate & 0xff;
    match immediate >> 8 {
        0 => low,
        1 => low << 16 | low,
        2 => low << 24 | low << 8,
        3 => low * 0x0101_0101,
        _ => (0x80 | immediate & 0x7f).rotate_right(immediate >> 7),
    }
}

/// Of a RISC-V instruction at `address`; `before` is the one before it, which may have made the upper bits of its
/// target.
pub fn riscv_target(address: u64, word: u32, before: u32) -> Target {
    if word & 3 != 3 {
        return compressed_target(address, word);
    }
    match word & 0x7f {
        0x6f => {
            let bits = field(word, 31, 1) << 20
                | field(word, 12, 8) << 12
                | field(word, 20, 1) << 11
                | field(word, 21, 10) << 1;
            offset(address, signed(bits, 21))
        }
        0x63 => {
            let bits = field(word, 31, 1) << 12
                | field(word, 7, 1) << 11
                | field(word, 25, 6) << 5
                | field(word, 8, 4) << 1;
            offset(address, signed(bits, 13))
        }
        0x67 if field(word, 15, 5) == 1 && field(word, 7, 5) == 0 => Target::None,
        // AUIPC into the register that is jumped to.
        0x67 if before & 0x7f == 0x17 && field(before, 7, 5) == field(word, 15, 5) => {
            let upper = i64::from((before & 0xffff_f000) as i32);
            offset(address - 4, upper + signed(word >> 20, 12))
        }
        0x67 => Target::Register,
        _ => Target::None,
    }
}

fn compressed_target(address: u64, half: u32) -> Target {
    match (half & 3, half >> 13) {
        (1, 1 | 5) => {
            let bits = field(half, 12, 1) << 11
                | field(half, 8, 1) << 10
                | field(half, 9, 2) << 8
                | field(half, 6, 1) << 7
                | field(half, 7, 1) << 6
                | field(half, 2, 1) << 5
                | field(half, 11, 1) << 4
                | field(half, 3, 3) << 1;
            offset(address, signed(bits, 12))
        }
        // C.JR and C.JALR, but to the return address.
        (2, 4) if field(half, 2, 5) == 0 && field(half, 7, 5) != 0 => {
            let returns = field(half, 12, 1) == 0 && field(half, 7, 5) == 1;
            if returns { Target::None } else { Target::Register }
        }
        _ => Target::None,
    }
}

/// What a RISC-V instruction takes.
pub fn riscv_taken(word: u32) -> Taken {
    let change = match word {
        // ADDI SP, SP, immediate.
        _ if word & 0x000f_ffff == 0x0001_0113 => signed(word >> 20, 12),
        // ADD and SUB SP, SP, register.
        _ if word & 0x3e0f_ffff == 0x0001_0133 => return Taken::Register,
        // C.ADDI16SP, C.ADDI SP.
        _ if word & 3 != 3 && word & 0xef83 == 0x6101 => {
            let bits = field(word, 12, 1) << 9
                | field(word, 3, 2) << 7
                | field(word, 5, 1) << 6
                | field(word, 2, 1) << 5
                | field(word, 6, 1) << 4;
            signed(bits, 10)
        }
        _ if word & 3 != 3 && word & 0xef83 == 0x0101 => {
            signed(field(word, 12, 1) << 5 | field(word, 2, 5), 6)
        }
        // C.ADD SP, register.
        _ if word & 3 != 3 && word & 0xff83 == 0x9102 => return Taken::Register,
        _ => 0,
    };
    Taken::Bytes(change.min(0).unsigned_abs())
}

/// Whether a Thumb instruction computes in floats: any data-processing of the floating-point extension but a move of
/// bits.
pub fn thumb_floats(first: u32, second: u32) -> bool {
    let (operation, rest) = (field(first, 4, 4), field(second, 6, 2));
    let computes = field(first, 8, 8) & 0xef == 0xee && field(second, 4, 1) == 0;
    // VMOV of an immediate or a register only moves.
    let moves =
        operation & 0b1011 == 0b1011 && (rest & 1 == 0 || field(first, 0, 4) == 0 && rest == 1);
    computes && matches!(field(second, 8, 4), 10 | 11) && !moves
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodings as an assembler gives them, at 0x1000.
    #[test]
    fn targets_are_where_the_assembler_put_them() {
        for (halves, text, target) in [
            ([0xf000, 0xf80e], "bl 0x1020", Target::At(0x1020)),
            ([0xf7ff, 0xffee], "bl 0xfe0", Target::At(0xfe0)),
            ([0xf000, 0xb80e], "b.w 0x1020", Target::At(0x1020)),
            ([0xf43f, 0xafee], "beq.w 0xfe0", Target::At(0xfe0)),
            ([0xe00e, 0], "b 0x1020", Target::At(0x1020)),
            ([0xd0ee, 0], "beq 0xfe0", Target::At(0xfe0)),
            ([0x4770, 0], "bx lr", Target::None),
            ([0x4718, 0], "bx r3", Target::Register),
            ([0x4798, 0], "blx r3", Target::Register),
            ([0xf3bf, 0x8f4f], "dsb", Target::None),
            ([0xfb03, 0x9902], "mla r9, r3, r2, r9", Target::None),
        ] {
            assert_eq!(thumb_target(0x1000, halves[0], halves[1]), target, "{text}");
        }
        for (word, before, text, target) in [
            (0x0200_00ef, 0, "jal ra, 0x1020", Target::At(0x1020)),
            (0xfe1f_f06f, 0, "j 0xfe0", Target::At(0xfe0)),
            (0xfe05_00e3, 0, "beqz a0, 0xfe0", Target::At(0xfe0)),
            (0x0000_8067, 0, "ret", Target::None),
            (0x0007_8067, 0, "jr a5", Target::Register),
            (0x0208_80e7, 0x0000_1097, "auipc ra, 1 before jalr 32(a7)", Target::Register),
            (0x0200_80e7, 0x0000_1097, "auipc ra, 1 before jalr 32(ra)", Target::At(0x201c)),
            (0x8082, 0, "c.ret", Target::None),
            (0x8782, 0, "c.jr a5", Target::Register),
            (0x2005, 0, "c.jal 0x1020", Target::At(0x1020)),
        ] {
            assert_eq!(riscv_target(0x1000, word, before), target, "{text}");
        }
    }

    #[test]
    fn stack_is_taken_as_the_assembler_says() {
        for (halves, text, bytes) in [
            ([0xb5f0, 0], "push {r4-r7, lr}", 20),
            ([0xb082, 0], "sub sp, #8", 8),
            ([0xe92d, 0x4ff0], "push.w {r4-r11, lr}", 36),
            ([0xf84d, 0x8d04], "str r8, [sp, #-4]!", 4),
            ([0xe96d, 0x4502], "strd r4, r5, [sp, #-8]!", 8),
            ([0xed2d, 0x8b10], "vpush {d8-d15}", 64),
            ([0xf5ad, 0x7d00], "sub.w sp, sp, #512", 512),
            ([0xf2ad, 0x4d04], "subw sp, sp, #1028", 1028),
            ([0xb002, 0], "add sp, #8", 0),
            ([0xbdf0, 0], "pop {r4-r7, pc}", 0),
        ] {
            assert_eq!(thumb_taken(halves[0], halves[1]), Taken::Bytes(bytes), "{text}");
        }
        assert_eq!(thumb_taken(0x449d, 0), Taken::Register, "add sp, r3");
        for (word, text, bytes) in [
            (0xfe01_0113, "addi sp, sp, -32", 32),
            (0x0201_0113, "addi sp, sp, 32", 0),
            (0x7139, "c.addi16sp -64", 64),
            (0x1141, "c.addi sp, -16", 16),
            (0x6121, "c.addi16sp 64", 0),
        ] {
            assert_eq!(riscv_taken(word), Taken::Bytes(bytes), "{text}");
        }
        assert_eq!(riscv_taken(0x4051_0133), Taken::Register, "sub sp, sp, t0");
    }

    #[test]
    fn floats_are_told_from_moves_and_from_integers_of_helium() {
        for (halves, text, floats) in [
            ([0xee20, 0x0a81], "vmul.f32 s0, s1, s2", true),
            ([0xee30, 0x0a81], "vadd.f32 s0, s1, s2", true),
            ([0xeeb8, 0x0ac0], "vcvt.f32.s32 s0, s0", true),
            ([0xee80, 0x0b01], "vdiv.f64 d0, d0, d1", true),
            ([0xeeb0, 0x0a60], "vmov.f32 s0, s1", false),
            ([0xee00, 0x0a10], "vmov s0, r0", false),
            ([0xed2d, 0x8b10], "vpush {d8-d15}", false),
            ([0xeef1, 0xfa10], "vmrs apsr_nzcv, fpscr", false),
            ([0xeef0, 0x0e00], "an instruction of Helium", false),
        ] {
            assert_eq!(thumb_floats(halves[0], halves[1]), floats, "{text}");
        }
    }
}
