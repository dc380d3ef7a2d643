//! Instructions of Helium that GNU's assembler wants otherwise than LLVM writes them. Stands on nothing.

/// A line as both assemblers take it.
pub fn spelt(line: &str) -> String {
    sign(line).or_else(|| narrowing_shift(line)).unwrap_or_else(|| line.to_owned())
}

/// GNU's wants a sign where LLVM, the result being the same, has none.
fn sign(line: &str) -> Option<String> {
    let start = ["\tvmla.i", "\tvmlas.i"].into_iter().find(|start| line.starts_with(start))?;
    let (before, bits) = line.split_at(start.len());
    Some(format!("{}s{bits}", before.strip_suffix('i')?))
}

/// Shifts that narrow and saturate as numbers (VQSHRN and VQSHRUN of the Armv8-M architecture, encoding T1): binutils up
/// to 2.40 at least encode others, which round, or take a sign away.
fn narrowing_shift(line: &str) -> Option<String> {
    let (mnemonic, operands) = line.trim_start().split_once('\t')?;
    let (name, ty) = mnemonic.split_once('.')?;
    let (first, second, unsigned) = match (name.trim_end_matches(['b', 't']), ty.get(..1)?) {
        ("vqshrn", sign) => (0xee80, 0x0f40, u32::from(sign == "u")),
        ("vqshrun", _) => (0xee80, 0x0fc0, 0),
        _ => return None,
    };
    let top = u32::from(name.ends_with('t'));
    let mut operands = operands.split(", ");
    let mut number = |mark: char| operands.next()?.strip_prefix(mark)?.parse::<u32>().ok();
    let (to, from, shift) = (number('q')?, number('q')?, number('#')?);
    // Bits of a result, which the shift is taken from.
    let bits = ty.get(1..)?.parse::<u32>().ok()? / 2;
    let distance = bits.checked_sub(shift)?;
    let first = first | unsigned << 12 | bits | distance;
    let second = second | top << 12 | to << 13 | from << 1;
    Some(format!("\t.inst.w\t0x{first:04x}{second:04x} /* {mnemonic} q{to}, q{from}, #{shift} */"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_have_a_sign() {
        assert_eq!(spelt("\tvmla.i32\tq3, q1, r0"), "\tvmla.s32\tq3, q1, r0");
        assert_eq!(spelt("\tvmlas.i16\tq3, q1, r0"), "\tvmlas.s16\tq3, q1, r0");
        assert_eq!(spelt("\tvmlava.s16\tr4, q0, q1"), "\tvmlava.s16\tr4, q0, q1");
    }

    #[test]
    fn narrowing_shifts_are_the_architectures_numbers() {
        for (line, number) in [
            ("vqshrnb.s16\tq1, q2, #5", "0xee8b2f44"),
            ("vqshrnb.u16\tq1, q2, #5", "0xfe8b2f44"),
            ("vqshrnb.s32\tq1, q2, #5", "0xee9b2f44"),
            ("vqshrnt.s32\tq1, q2, #5", "0xee9b3f44"),
            ("vqshrnt.u32\tq1, q2, #5", "0xfe9b3f44"),
            ("vqshrnb.s32\tq0, q2, #15", "0xee910f44"),
            ("vqshrunb.s16\tq1, q2, #5", "0xee8b2fc4"),
            ("vqshrunt.s32\tq1, q2, #5", "0xee9b3fc4"),
        ] {
            let spelt = spelt(&format!("\t{line}"));
            assert!(spelt.starts_with(&format!("\t.inst.w\t{number} ")), "{line}: {spelt}");
        }
        assert_eq!(spelt("\tvqrshrnb.s32\tq0, q2, #15"), "\tvqrshrnb.s32\tq0, q2, #15");
    }
}
