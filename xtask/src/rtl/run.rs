//! A run of firmware on the bench, held against the host's outputs and QEMU's instructions. Stands on the image and the
//! memories.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use nervecord_cli::emulate::{Job, Measured, encode, process};
use nervecord_codegen::{Error, Result};

use super::core::Memory;
use super::image::Image;

/// A marked interval, as the bench prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Interval {
    cycles: u64,
    instructions: u64,
}

/// Runs a job's firmware by the program of a core; the fewest and the most cycles of a step.
///
/// # Errors
/// The core stops or fails, an output is not the host's, or a step has other instructions than in QEMU.
pub fn run(program: &Path, memory: Memory, job: &Job, measured: &Measured) -> Result<[u64; 2]> {
    let image = Image::of(&measured.firmware.elf)?;
    let (folder, _folder) = process::temporary_folder(&env::temp_dir())?;
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, bytes: &[u8]| {
        fs::write(path(name), bytes).map_err(|e| Error::io("write", path(name), &e))
    };
    write("input.bin", &encode(&job.rows, job.input_bits)?)?;
    write("image.bin", &image.bytes)?;
    let marks = [
        measured.firmware.address("nervecord_begin")?,
        measured.firmware.address("nervecord_end")?,
    ];
    let mut bench = Command::new(program);
    bench.arg("image.bin").current_dir(folder.path());
    bench.args([image.origin, image.entry].map(|address| format!("{address:#x}")));
    bench.args(marks.map(|address| format!("{address:#x}")));
    bench.args([memory.ports, memory.wait].map(|number| number.to_string()));
    let said = process::run("the firmware failed on the bench", &mut bench)?;
    let output =
        fs::read(path("output.bin")).map_err(|e| Error::io("read", path("output.bin"), &e))?;
    if Some(&output) != expected(job, &output)?.as_ref() {
        return Err(Error::new("the core's outputs on the bench are not the host's")
            .expected("the same bits in every row")
            .found("others"));
    }
    let steps = steps(&intervals(&String::from_utf8_lossy(&said))?, &measured.instructions)?;
    let most = steps.iter().copied().max().unwrap_or(0);
    Ok([steps.iter().copied().min().unwrap_or(0), most])
}

/// The host's outputs as wide as those that came.
fn expected(job: &Job, output: &[u8]) -> Result<Option<Vec<u8>>> {
    let Some(rows) = &job.expected else { return Ok(None) };
    let values: usize = rows.iter().map(Vec::len).sum();
    let bits = if output.len() == 4 * values { 32 } else { 16 };
    encode(rows, bits).map(Some)
}

fn intervals(said: &str) -> Result<Vec<Interval>> {
    let interval = |line: &str| {
        let (cycles, instructions) = line.split_once(' ')?;
        Some(Interval { cycles: cycles.parse().ok()?, instructions: instructions.parse().ok()? })
    };
    let read = |line| {
        interval(line).ok_or_else(|| {
            Error::new("the bench says what makes no sense")
                .expected("cycles and instructions of an interval")
                .found(line)
                .help("remove target/rtl and run it again")
        })
    };
    said.lines().map(read).collect()
}

/// Cycles of every step, without those of the marks, which the first interval has.
fn steps(intervals: &[Interval], instructions: &[u64]) -> Result<Vec<u64>> {
    let overhead = intervals.first().copied().unwrap_or(Interval { cycles: 0, instructions: 0 });
    let steps = intervals.get(1..).unwrap_or_default();
    let found: Vec<u64> =
        steps.iter().map(|step| step.instructions.saturating_sub(overhead.instructions)).collect();
    if found != instructions {
        return Err(Error::new("a step on the bench is not the one in the emulator")
            .expected(format!("{instructions:?} instructions"))
            .found(format!("{found:?}"))
            .help("run it again; if it stays so, please report it as a bug"));
    }
    Ok(steps.iter().map(|step| step.cycles.saturating_sub(overhead.cycles)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_without_the_marks_and_the_emulators() {
        let intervals = intervals("7 3\n107 53\n109 53\n").unwrap();
        assert_eq!(steps(&intervals, &[50, 50]).unwrap(), [100, 102]);
        let message = steps(&intervals, &[50, 51]).unwrap_err().to_string();
        assert!(message.contains("[50, 51]") && message.contains("[50, 50]"), "{message}");
        assert!(steps(&[], &[1]).is_err());
    }

    #[test]
    fn other_lines_are_refused_in_words() {
        for line in ["7", "a b", "1 2 3", "-1 2"] {
            let message = intervals(line).unwrap_err().to_string();
            assert!(message.contains(line) && message.contains("help"), "{message}");
        }
    }
}
