//! Thumb instructions (Armv7-M Architecture Reference Manual, chapter A5), integer ones only.

use super::instruction::{Instruction, Kind, field, register};

const SP: u32 = 1 << 13;
const PC: u32 = 15;

/// Whether a half-word is the first of two.
pub fn is_wide(half: u16) -> bool {
    half >> 11 >= 0b11101
}

/// An instruction of one half-word.
pub fn narrow(half: u32) -> Instruction {
    let new = |kind| Instruction::new(2, kind);
    let plain = |writes| new(Kind::Plain).writes(writes);
    let (low, high) = (register(half, 0, 3), register(half, 8, 3));
    let load = |writes: u32| new(Kind::Load { updates: false }).writes(writes);
    let store = |indexed| new(Kind::Store { updates: false, indexed });
    let multiple = |extra| new(Kind::Multiple { registers: (half & 0xff).count_ones() + extra });
    match half >> 11 {
        0..=3 => plain(low),
        5 => plain(0),
        4 | 6 | 7 => plain(high),
        8 if field(half, 10, 1) == 0 => data_processing(half),
        8 => special(half),
        9 => load(high),
        10 | 11 => {
            let indexed = match field(half, 9, 3) {
                0..=2 => store(true),
                _ => load(low),
            };
            indexed.reads(register(half, 3, 3) | register(half, 6, 3))
        }
        12 | 14 | 16 => store(false).reads(register(half, 3, 3)),
        13 | 15 | 17 => load(low).reads(register(half, 3, 3)),
        18 => store(false).reads(SP),
        19 => load(high).reads(SP),
        20 | 21 => plain(high),
        22 | 23 => miscellaneous(half),
        24 => multiple(0).reads(high),
        25 => multiple(0).reads(high).writes(half & 0xff | high),
        26 | 27 if field(half, 9, 3) == 0b111 => new(Kind::Unknown),
        26 | 27 => new(Kind::Branch { backward: field(half, 7, 1) == 1 }),
        _ => new(Kind::Jump),
    }
}

/// Two registers to one; tests and comparisons write none.
fn data_processing(half: u32) -> Instruction {
    let compares = matches!(field(half, 6, 4), 8 | 10 | 11);
    let writes = if compares { 0 } else { register(half, 0, 3) };
    Instruction::new(2, Kind::Plain).writes(writes)
}

/// Additions and moves of any registers, and jumps to a register.
fn special(half: u32) -> Instruction {
    let to = field(half, 7, 1) << 3 | field(half, 0, 3);
    let kind = match (field(half, 8, 2), to) {
        (3, _) if field(half, 7, 1) == 1 => Kind::Call,
        (3, _) | (0 | 2, PC) => Kind::Jump,
        _ => Kind::Plain,
    };
    let writes = if kind == Kind::Plain && field(half, 8, 2) != 1 { 1 << to } else { 0 };
    Instruction::new(2, kind).writes(writes)
}

fn miscellaneous(half: u32) -> Instruction {
    let new = |kind| Instruction::new(2, kind);
    let registers = (half & 0xff).count_ones() + field(half, 8, 1);
    match field(half, 8, 4) {
        0 => new(Kind::Plain).writes(SP),
        2 | 10 => new(Kind::Plain).writes(register(half, 0, 3)),
        1 | 3 | 9 | 11 => new(Kind::Branch { backward: false }),
        4 | 5 => new(Kind::Multiple { registers }).reads(SP),
        12 => new(Kind::Multiple { registers }).reads(SP).writes(half & 0xff),
        13 => new(Kind::Return { registers }).reads(SP),
        15 => new(Kind::Plain),
        6 => new(Kind::System),
        _ => new(Kind::Unknown),
    }
}

/// An instruction of two half-words.
pub fn wide(first: u32, second: u32) -> Instruction {
    let new = |kind| Instruction::new(4, kind);
    // The register that most instructions write; 15 stands for none in comparisons.
    let to = register(second, 8, 4) & !(1 << PC);
    match first >> 9 & 0x7f {
        0b111_0100 => multiple(first, second),
        0b111_0101 => new(Kind::Plain).writes(to),
        0b111_1000..=0b111_1011 if field(second, 15, 1) == 0 => new(Kind::Plain).writes(to),
        0b111_1000..=0b111_1011 => branch(first, second),
        0b111_1100 => single(first, second),
        0b111_1101 if field(first, 8, 1) == 0 => new(Kind::Plain).writes(to),
        0b111_1101 => product(first, second),
        _ => new(Kind::Unknown),
    }
}

/// Two or more registers from or to memory, and tables of branches.
fn multiple(first: u32, second: u32) -> Instruction {
    let new = |kind| Instruction::new(4, kind).reads(register(first, 0, 4));
    let loads = field(first, 4, 1) == 1;
    if field(first, 6, 1) == 0 {
        let registers = second.count_ones();
        return match loads {
            true if field(second, PC, 1) == 1 => new(Kind::Return { registers }),
            true => new(Kind::Multiple { registers }).writes(second),
            false => new(Kind::Multiple { registers }),
        };
    }
    // Neither indexed before nor written back: exclusive accesses, and tables of branches.
    if field(first, 8, 1) == 0 && field(first, 5, 1) == 0 {
        let table = first >> 4 == 0xe8d && field(second, 5, 3) == 0;
        return new(if table { Kind::LoadJump } else { Kind::Unknown });
    }
    let writes = register(second, 12, 4) | register(second, 8, 4);
    new(Kind::Multiple { registers: 2 }).writes(if loads { writes } else { 0 })
}

fn branch(first: u32, second: u32) -> Instruction {
    let kind = match (field(second, 14, 1), field(second, 12, 1)) {
        (1, 1) => Kind::Call,
        (0, 1) => Kind::Jump,
        (0, _) if field(first, 7, 3) != 0b111 => {
            Kind::Branch { backward: field(first, 10, 1) == 1 }
        }
        (0, _) => Kind::System,
        _ => Kind::Unknown,
    };
    Instruction::new(4, kind)
}

/// One register from or to memory.
fn single(first: u32, second: u32) -> Instruction {
    let (base, data) = (field(first, 0, 4), field(second, 12, 4));
    let literal = base == PC;
    let immediate = literal || field(first, 7, 1) == 1 || field(second, 11, 1) == 1;
    // An immediate of twelve bits leaves the address register alone.
    let updates = !literal && field(first, 7, 1) == 0 && immediate && field(second, 8, 1) == 1;
    let mut reads = if literal { 0 } else { 1 << base };
    if !immediate {
        reads |= register(second, 0, 4);
    }
    let updated = if updates { 1 << base } else { 0 };
    let new = |kind| Instruction::new(4, kind).reads(reads).writes(updated);
    match (field(first, 4, 1), field(first, 5, 2)) {
        (_, 3) => new(Kind::Unknown),
        (0, _) => new(Kind::Store { updates, indexed: !immediate }),
        (_, 2) if data == PC => new(Kind::LoadJump),
        // A hint to the caches.
        (_, _) if data == PC => new(Kind::Plain),
        _ => new(Kind::Load { updates }).writes(1 << data),
    }
}

/// Products and quotients, those of the DSP extension included.
fn product(first: u32, second: u32) -> Instruction {
    let new = |kind| Instruction::new(4, kind).writes(register(second, 8, 4));
    let (operation, rest) = (field(first, 4, 3), field(second, 4, 4));
    if field(first, 7, 1) == 0 {
        // MUL has no register to add; the rest are products of halves.
        return match (operation, rest, field(second, 12, 4)) {
            (0, 0, PC) => new(Kind::Plain),
            (0, 0 | 1, _) => new(Kind::MultiplyAccumulate),
            _ => new(Kind::Plain),
        };
    }
    let low = register(second, 12, 4);
    match operation {
        0 | 2 => new(Kind::MultiplyLong).writes(low),
        1 | 3 => new(Kind::Divide),
        4..=6 => new(Kind::MultiplyLongAccumulate).writes(low),
        _ => new(Kind::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodings as an assembler gives them.
    #[test]
    fn narrow_instructions_are_told_apart() {
        let load = Kind::Load { updates: false };
        let store = |indexed| Kind::Store { updates: false, indexed };
        for (half, text, kind, reads, writes) in [
            (0x10dc, "asrs r4, r3, #3", Kind::Plain, 0, 1 << 4),
            (0x4363, "muls r3, r4, r3", Kind::Plain, 0, 1 << 3),
            (0x2b07, "cmp r3, #7", Kind::Plain, 0, 0),
            (0x4299, "cmp r1, r3", Kind::Plain, 0, 0),
            (0x46c1, "mov r9, r8", Kind::Plain, 0, 1 << 9),
            (0x4487, "add pc, r0", Kind::Jump, 0, 0),
            (0x4770, "bx lr", Kind::Jump, 0, 0),
            (0x4798, "blx r3", Kind::Call, 0, 0),
            (0x4b02, "ldr r3, [pc, #8]", load, 0, 1 << 3),
            (0x5e53, "ldrsh r3, [r2, r1]", load, 0b110, 1 << 3),
            (0x5253, "strh r3, [r2, r1]", store(true), 0b110, 0),
            (0x6853, "ldr r3, [r2, #4]", load, 0b100, 1 << 3),
            (0x8053, "strh r3, [r2, #2]", store(false), 0b100, 0),
            (0x9801, "ldr r0, [sp, #4]", load, SP, 1),
            (0xb082, "sub sp, #8", Kind::Plain, 0, SP),
            (0xb223, "sxth r3, r4", Kind::Plain, 0, 1 << 3),
            (0xb5f0, "push {r4-r7, lr}", Kind::Multiple { registers: 5 }, SP, 0),
            (0xbdf0, "pop {r4-r7, pc}", Kind::Return { registers: 5 }, SP, 0),
            (0xbf08, "it eq", Kind::Plain, 0, 0),
            (0xb10b, "cbz r3, .+6", Kind::Branch { backward: false }, 0, 0),
            (0xc90c, "ldm r1!, {r2, r3}", Kind::Multiple { registers: 2 }, 2, 0b1110),
            (0xd1fb, "bne .-6", Kind::Branch { backward: true }, 0, 0),
            (0xe002, "b .+8", Kind::Jump, 0, 0),
            (0xdf00, "svc #0", Kind::Unknown, 0, 0),
        ] {
            let expected = Instruction { bytes: 2, kind, reads, writes };
            assert_eq!(narrow(half), expected, "{text}");
        }
    }

    #[test]
    fn wide_instructions_are_told_apart() {
        let load = |updates| Kind::Load { updates };
        for (halves, text, kind, reads, writes) in [
            ([0xe8b1, 0x0f00], "ldm r1!, {r8-r11}", Kind::Multiple { registers: 4 }, 2, 0xf00),
            ([0xe8bd, 0x8ff0], "pop {r4-r11, pc}", Kind::Return { registers: 9 }, SP, 0),
            ([0xe92d, 0x4ff0], "push {r4-r11, lr}", Kind::Multiple { registers: 9 }, SP, 0),
            ([0xe8f0, 0x2302], "ldrd r2, r3, [r0], #8", Kind::Multiple { registers: 2 }, 1, 12),
            ([0xe9c0, 0x2302], "strd r2, r3, [r0, #8]", Kind::Multiple { registers: 2 }, 1, 0),
            ([0xe8df, 0xf000], "tbb [pc, r0]", Kind::LoadJump, 1 << 15, 0),
            ([0xeb01, 0x0382], "add r3, r1, r2, lsl #2", Kind::Plain, 0, 8),
            ([0xf240, 0x1323], "movw r3, #0x123", Kind::Plain, 0, 8),
            ([0xf7ff, 0xfffe], "bl .", Kind::Call, 0, 0),
            ([0xf000, 0xb800], "b.w .+4", Kind::Jump, 0, 0),
            ([0xf47f, 0xaffc], "bne.w .-4", Kind::Branch { backward: true }, 0, 0),
            ([0xf3ef, 0x8310], "mrs r3, primask", Kind::System, 0, 0),
            ([0xf8d1, 0x3040], "ldr.w r3, [r1, #64]", load(false), 2, 8),
            ([0xf930, 0x2b02], "ldrsh r2, [r0], #2", load(true), 1, 5),
            ([0xf8df, 0x3010], "ldr.w r3, [pc, #16]", load(false), 0, 8),
            ([0xf851, 0x3022], "ldr r3, [r1, r2, lsl #2]", load(false), 6, 8),
            ([0xf821, 0x3012], "strh r3, [r1, r2, lsl #1]", store(true), 6, 0),
            ([0xfa2f, 0xf388], "sxtb16 r3, r8", Kind::Plain, 0, 8),
            ([0xfb03, 0x9902], "mla r9, r3, r2, r9", Kind::MultiplyAccumulate, 0, 1 << 9),
            ([0xfb03, 0xf902], "mul r9, r3, r2", Kind::Plain, 0, 1 << 9),
            ([0xfb2c, 0x4402], "smlad r4, r12, r2, r4", Kind::Plain, 0, 1 << 4),
            ([0xfb33, 0xf402], "smulwb r4, r3, r2", Kind::Plain, 0, 1 << 4),
            ([0xfb82, 0x4503], "smull r4, r5, r2, r3", Kind::MultiplyLong, 0, 0x30),
            ([0xfbc2, 0x4503], "smlal r4, r5, r2, r3", Kind::MultiplyLongAccumulate, 0, 0x30),
            ([0xfb92, 0xf4f3], "sdiv r4, r2, r3", Kind::Divide, 0, 1 << 4),
            ([0xee00, 0x0a10], "vmov s0, r0", Kind::Unknown, 0, 0),
        ] {
            let [first, second] = halves;
            assert!(is_wide(first), "{text}");
            let expected = Instruction { bytes: 4, kind, reads, writes };
            assert_eq!(wide(first.into(), second.into()), expected, "{text}");
        }
    }

    fn store(indexed: bool) -> Kind {
        Kind::Store { updates: false, indexed }
    }
}
