//! `cargo xtask bench --compile`: what it takes to compile a network on this machine.
//!
//! The networks are made here, with normally distributed weights and inputs, and compiled by the program as it is
//! released, each in a process of its own.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nervecord_codegen::{Error, Result};
use nervecord_tests::random::Random;
use nervecord_tests::state_dict::StateDict;
use tempfile::TempDir;

use crate::checkout::{released, root, say};
use crate::documents::grouped;
use crate::table::{self, Place};

const HEAD: [&str; 7] =
    ["layers", "activation", "weights", "rows", "seconds", "ns a weight and row", "bytes a weight"];

/// Times each network is compiled; the median counts.
const TIMES: usize = 3;

/// What is compiled.
struct Subject {
    /// Features of the input and of each layer.
    widths: &'static [usize],
    activation: &'static str,
    /// Rows of calibration data.
    rows: usize,
}

/// The megabytes of the last are those of the program.
const NOTHING: Subject = Subject { widths: &[2, 2], activation: "relu", rows: 16 };

const LARGE: &[usize] = &[128, 512, 1024, 448, 20];

/// The last is as large as a humanoid's policy.
const SUBJECTS: [Subject; 6] = [
    Subject { widths: &[32, 64, 96, 16], activation: "relu", rows: 1000 },
    Subject { widths: &[64, 256, 256, 96], activation: "relu", rows: 1000 },
    Subject { widths: LARGE, activation: "relu", rows: 100 },
    Subject { widths: LARGE, activation: "relu", rows: 300 },
    Subject { widths: LARGE, activation: "relu", rows: 1000 },
    Subject { widths: &[85, 512, 256, 128, 23], activation: "swish", rows: 800 },
];

/// What a process took.
struct Taken {
    time: Duration,
    /// The most memory it had at once, where the system says so.
    bytes: Option<u64>,
}

/// Measures and prints, or puts the table into docs/figures.md.
///
/// # Errors
/// The program cannot be built or fails, or the page has no place for the table.
pub fn bench(write: bool) -> Result<()> {
    say("building nervecord");
    let program = released()?;
    let least = NOTHING.measured(&program)?.bytes;
    let rows = SUBJECTS.iter().map(|subject| {
        say(&format!("{} {} on {} rows", subject.layers(), subject.activation, subject.rows));
        Ok(subject.cells(&subject.measured(&program)?, least))
    });
    let table = table::render(&HEAD, &rows.collect::<Result<Vec<_>>>()?);
    match write {
        true => Place::find(&root().join("docs/figures.md"), "compile")?.fill(&table),
        false => {
            print!("{table}");
            Ok(())
        }
    }
}

impl Subject {
    fn layers(&self) -> String {
        let widths: Vec<String> = self.widths.iter().map(ToString::to_string).collect();
        widths.join("-")
    }

    fn weights(&self) -> usize {
        self.widths.windows(2).map(|pair| pair[0] * pair[1]).sum()
    }

    /// A folder with the network and the rows.
    fn folder(&self) -> Result<TempDir> {
        let mut random = Random::new(self.weights() as u64);
        let mut tensors = StateDict::default();
        for (index, pair) in self.widths.windows(2).enumerate() {
            // Keeps the size of activations about the same from layer to layer.
            let size = (2.0 / pair[0] as f64).sqrt();
            let mut numbers = |count: usize, size: f64| -> Vec<f32> {
                (0..count).map(|_| (normal(&mut random) * size) as f32).collect()
            };
            let (weights, bias) = (numbers(pair[0] * pair[1], size), numbers(pair[1], 0.1));
            tensors.put(&format!("layer{index}.weight"), &[pair[1], pair[0]], weights);
            tensors.put(&format!("layer{index}.bias"), &[pair[1]], bias);
        }
        let ends = [self.widths[0], self.widths[self.widths.len() - 1]];
        let folder = tensors.folder(&format!(
            r#"{{"format": "mlp {}", "inputs": {}, "outputs": {}}}"#,
            self.activation, ends[0], ends[1]
        ));
        let row = |_| {
            let row = (0..ends[0]).map(|_| normal(&mut random).to_string());
            row.collect::<Vec<_>>().join(",") + "\n"
        };
        let names: Vec<String> = (0..ends[0]).map(|i| format!("x{i}")).collect();
        let rows: String =
            [names.join(",") + "\n"].into_iter().chain((0..self.rows).map(row)).collect();
        let path = folder.path().join("inputs.csv");
        fs::write(&path, rows).map_err(|e| Error::io("write", &path, &e))?;
        Ok(folder)
    }

    /// The median time and the most memory of some runs.
    fn measured(&self, program: &Path) -> Result<Taken> {
        let folder = self.folder()?;
        let runs = (0..TIMES).map(|_| compile(program, folder.path()));
        let mut runs = runs.collect::<Result<Vec<_>>>()?;
        runs.sort_by_key(|taken| taken.time);
        let bytes = runs.iter().filter_map(|taken| taken.bytes).max();
        Ok(Taken { time: runs[TIMES / 2].time, bytes })
    }

    /// A line of the table, where the program by itself takes `least` bytes.
    fn cells(&self, taken: &Taken, least: Option<u64>) -> Vec<String> {
        let (weights, seconds) = (self.weights(), taken.time.as_secs_f64());
        let pair = seconds * 1e9 / (weights * self.rows) as f64;
        let above = taken.bytes.zip(least).map(|(bytes, least)| bytes.saturating_sub(least));
        let bytes = above.map(|bytes| format!("{:.0}", bytes as f64 / weights as f64));
        vec![
            self.layers(),
            self.activation.to_owned(),
            grouped(weights as u64),
            grouped(self.rows as u64),
            format!("{seconds:.2}"),
            format!("{pair:.1}"),
            bytes.unwrap_or_else(|| "-".to_owned()),
        ]
    }
}

/// A number that is distributed normally (Box, Muller 1958).
fn normal(random: &mut Random) -> f64 {
    let radius = (-2.0 * random.within(f64::EPSILON, 1.0).ln()).sqrt();
    radius * (std::f64::consts::PI * random.unit()).cos()
}

/// Compiles the model of a folder.
fn compile(program: &Path, folder: &Path) -> Result<Taken> {
    let mut command = Command::new(program);
    command.arg("compile").arg(folder).arg("--calibration").arg(folder.join("inputs.csv"));
    command.arg("--out").arg(folder.join("model.rs")).stdout(Stdio::null()).stderr(Stdio::null());
    let failed =
        |command: &Command| Error::new("a model cannot be compiled").at(format!("{command:?}"));
    let start = Instant::now();
    let mut child = command.spawn().map_err(|e| failed(&command).found(e))?;
    let mut bytes = None;
    let status = loop {
        // The most so far: what is missed is what the last moment adds.
        bytes = most_memory(&child).or(bytes);
        match child.try_wait().map_err(|e| failed(&command).found(e))? {
            Some(status) => break status,
            None => thread::sleep(Duration::from_millis(1)),
        }
    };
    let time = start.elapsed();
    if status.success() { Ok(Taken { time, bytes }) } else { Err(failed(&command).found(status)) }
}

/// The most memory that a process had at once, as Linux says it.
fn most_memory(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nervecord_codegen::Compiler;

    #[test]
    fn a_subject_is_a_model_of_so_many_weights() {
        let subject = Subject { widths: &[3, 5, 2], activation: "swish", rows: 20 };
        let folder = subject.folder().unwrap();
        let inputs = folder.path().join("inputs.csv");
        let compiled = Compiler::new(folder.path()).calibration(inputs).build().unwrap();
        assert_eq!(compiled.graph.macs(), subject.weights());
        assert_eq!(compiled.calibration.rows.len(), 20);
        assert_eq!(subject.layers(), "3-5-2");
        let taken = Taken { time: Duration::from_millis(500), bytes: Some(1250) };
        let cells = subject.cells(&taken, Some(1000));
        assert_eq!(cells[2..], ["25", "20", "0.50", "1000000.0", "10"]);
    }

    #[test]
    fn normal_numbers_have_the_deviation_of_one() {
        let mut random = Random::new(1);
        let squares: f64 = (0..10_000).map(|_| normal(&mut random).powi(2)).sum();
        assert!((squares / 10_000.0 - 1.0).abs() < 0.05, "{squares}");
    }
}
