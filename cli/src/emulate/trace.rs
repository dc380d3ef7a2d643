//! Counting without the plugin: QEMU logs every instruction, and its log is read as it comes.
//!
//! As exact as the plugin, some twenty times slower, and all there is where QEMU was built without
//! plugins.

use std::collections::BTreeMap;

use super::executed::Executed;

/// What the log has said so far.
#[derive(Debug)]
pub struct Trace {
    begin: u64,
    end: u64,
    /// The instruction announced last; QEMU may still take it back.
    pending: Option<u64>,
    /// Instructions since the begin marker.
    inside: Option<u64>,
    intervals: Vec<u64>,
    /// The instruction executed last in the interval.
    last: Option<u64>,
    executed: BTreeMap<u64, u64>,
    /// How often an instruction followed on another.
    pairs: BTreeMap<(u64, u64), u64>,
}

impl Trace {
    /// A trace between the first instructions of the two markers.
    pub fn new(begin: u64, end: u64) -> Self {
        Self {
            begin,
            end,
            pending: None,
            inside: None,
            intervals: Vec::new(),
            last: None,
            executed: BTreeMap::new(),
            pairs: BTreeMap::new(),
        }
    }

    /// Reads a line of QEMU's log; whether it was one.
    pub fn line(&mut self, line: &str) -> bool {
        if line.starts_with("Trace ") {
            self.commit();
            self.pending = bracketed(line).and_then(|fields| hex(fields.split('/').nth(1)?));
            return true;
        }
        if line.starts_with("Stopped execution of TB chain before ") {
            let address = bracketed(line).and_then(hex);
            self.pending = self.pending.filter(|&pending| Some(pending) != address);
            return true;
        }
        false
    }

    /// The instructions of every interval, and what was executed in them, by rising address; the
    /// first interval, which measures the markers, is left out of the latter. `bytes` is the size of
    /// the instruction at an address.
    pub fn finish(mut self, bytes: impl Fn(u64) -> u64) -> (Vec<u64>, Vec<Executed>) {
        self.commit();
        let site = |(&address, &count): (&u64, &u64)| {
            let next = self.pairs.range((address, 0)..=(address, u64::MAX));
            let left = next.filter(|((_, to), _)| *to != address + bytes(address)).map(|(_, n)| n);
            Executed { address, count, left: left.sum() }
        };
        (self.intervals, self.executed.iter().map(site).collect())
    }

    fn commit(&mut self) {
        let Some(address) = self.pending.take() else { return };
        if address == self.begin {
            self.inside = Some(0);
            self.last = None;
        } else if address == self.end {
            self.intervals.extend(self.inside.take());
        }
        if let Some(count) = &mut self.inside {
            *count += 1;
            if !self.intervals.is_empty() {
                *self.executed.entry(address).or_default() += 1;
                if let Some(last) = self.last.replace(address) {
                    *self.pairs.entry((last, address)).or_default() += 1;
                }
            }
        }
    }
}

fn bracketed(line: &str) -> Option<&str> {
    Some(line.split_once('[')?.1.split_once(']')?.0)
}

fn hex(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_counted_and_what_was_not_executed_is_taken_back() {
        let mut trace = Trace::new(0x10, 0x20);
        for address in ["10", "12", "20", "22", "10", "12", "30", "30", "20"] {
            let line = format!("Trace 0: 0x7f16 [00800408/{address}/00000110/ff020201] name");
            assert!(trace.line(&line));
            if address == "22" {
                assert!(trace.line("Stopped execution of TB chain before 0x7f [22] name"));
            }
        }
        assert!(!trace.line("panicked at src/main.rs:1:1:"));
        let (intervals, executed) = trace.finish(|_| 2);
        assert_eq!(intervals, [2, 4]);
        let executed: Vec<_> = executed.iter().map(|e| (e.address, e.count, e.left)).collect();
        // 0x12 goes on at 0x30, and 0x30 once at itself.
        assert_eq!(executed, [(0x10, 1, 0), (0x12, 1, 1), (0x30, 2, 1)]);
    }
}
