//! Numbers as people read them. Stands on the numbers of charts.

use super::chart::number;

/// A count with commas between thousands.
pub fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// So many of a thing, whose plural has an s.
pub fn counted(n: usize, thing: &str) -> String {
    format!("{} {thing}{}", count(n), if n == 1 { "" } else { "s" })
}

/// Bytes, in kilobytes of 1,000 from ten thousand on.
pub fn bytes(n: usize) -> String {
    match n {
        0..10_000 => format!("{} B", count(n)),
        _ => format!("{:.1} kB", n as f64 / 1000.0),
    }
}

/// A share in percent.
pub fn percent(share: f64) -> String {
    format!("{}%", number(100.0 * share))
}

/// A number with its unit, if it has one.
pub fn with_unit(value: f64, unit: Option<&str>) -> String {
    match unit {
        Some(unit) => format!("{} {unit}", number(value)),
        None => number(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_bytes_are_easy_to_read() {
        assert_eq!([7, 1234, 1_234_567].map(count), ["7", "1,234", "1,234,567"]);
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!([264, 12_345].map(bytes), ["264 B", "12.3 kB"]);
        assert_eq!(with_unit(-0.5, Some("rad")), "\u{2212}0.5 rad");
    }
}
