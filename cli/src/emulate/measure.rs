//! From a job to its figures.

use std::time::Duration;

use serde::Deserialize;

use super::board::Board;
use super::cycles;
use super::executed::{Counting, Executed};
use super::firmware::{Firmware, Function};
use super::firmware_kind::Kind;
use super::machine::{self, Recording};
use super::reach::Reach;
use nervecord_codegen::Compiled;
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::{Error, Result};

/// The step in an image.
pub const STEP: &str = "nervecord_step";

/// What to run: a generated module, and the rows it steps on.
#[derive(Debug, Clone)]
pub struct Job {
    /// What messages call it.
    pub name: String,
    /// The text of a generated module that is named `model`.
    pub module: String,
    /// Bits of a raw input, 16 or 32.
    pub input_bits: u32,
    /// Raw input rows in time order from reset.
    pub rows: Vec<Vec<i32>>,
    /// The host's raw output rows, if it was asked.
    pub expected: Option<Vec<Vec<i32>>>,
    /// Whether every row has to take the same time.
    pub constant_time: bool,
    /// When to give up on the emulator.
    pub timeout: Duration,
}

impl Job {
    /// A module without a host's word, and two minutes of time.
    pub fn new(
        name: impl Into<String>,
        module: impl Into<String>,
        input_bits: u32,
        rows: Vec<Vec<i32>>,
    ) -> Self {
        let (name, module, timeout) = (name.into(), module.into(), Duration::from_secs(120));
        Self { name, module, input_bits, rows, expected: None, constant_time: true, timeout }
    }

    /// A compiled model, whose interpreter says what to expect.
    ///
    /// # Errors
    /// It was compiled under another name than `model`, the one the firmware includes.
    pub fn of(name: impl Into<String>, compiled: &Compiled, rows: Vec<Vec<i32>>) -> Result<Self> {
        let program = &compiled.program;
        if program.name != "model" {
            return Err(Error::new("the module has a name that firmware does not know")
                .expected("a compiler told `.name(\"model\")`")
                .found(&program.name)
                .help("compile it with `.name(\"model\")`"));
        }
        let mut host = Interpreter::new(program);
        let expected = rows.iter().map(|row| host.step_raw(row).0).collect();
        let job = Self::new(name, compiled.module(), program.input.bits(), rows);
        Ok(Self { expected: Some(expected), constant_time: program.constant_time(), ..job })
    }
}

/// What came out, and what it took.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Raw output rows.
    pub outputs: Vec<Vec<i32>>,
    /// Executed instructions of each step, its call and return included.
    pub instructions: Vec<u64>,
    /// Functions that executed in a step, with the instructions executed in each over all steps.
    pub functions: Vec<(Function, u64)>,
    /// Cycles of a step by the core's published timings, on average; none where nothing is published.
    pub cycles: Option<u64>,
    /// What was executed over all steps, by rising address.
    pub executed: Vec<Executed>,
    /// Bytes of the functions that executed in a step, with the constants in them.
    pub code_bytes: u64,
    /// Bytes of the module's tables.
    pub table_bytes: u64,
    /// Bytes of the model's state and scratch.
    pub ram_bytes: u64,
    /// Bytes of stack below the caller of the step, the deepest of the first steps.
    pub stack_bytes: u64,
    /// The most bytes of stack that a step can take, by the compiler's sizes and the calls in the image; none where
    /// a call goes where a register says.
    pub stack_bound: Option<u64>,
    /// How instructions were counted.
    pub counting: Counting,
    /// The image that ran.
    pub firmware: Firmware,
}

impl Measured {
    /// The fewest instructions of a step.
    pub fn min(&self) -> u64 {
        self.instructions.iter().copied().min().unwrap_or(0)
    }

    /// The most instructions of a step.
    pub fn max(&self) -> u64 {
        self.instructions.iter().copied().max().unwrap_or(0)
    }

    /// Instructions of a step on average.
    pub fn mean(&self) -> f64 {
        self.instructions.iter().sum::<u64>() as f64 / self.instructions.len().max(1) as f64
    }

    /// Cycles of a step by the published timings of another core that executes the same instructions; none where
    /// nothing is published.
    ///
    /// # Errors
    /// The image cannot be read.
    pub fn modelled(&self, core: &str) -> Result<Option<u64>> {
        let cycles = cycles::modelled(core, &self.firmware, &self.executed)?;
        Ok(cycles.map(|cycles| a_step(cycles, &self.instructions)))
    }

    /// How many rows are those expected, bit for bit.
    pub fn equal_rows(&self, expected: &[Vec<i32>]) -> usize {
        self.outputs.iter().zip(expected).filter(|(found, expected)| found == expected).count()
    }
}

/// What only the target knows, as the firmware writes it.
#[derive(Deserialize)]
struct Summary {
    rows: usize,
    inputs: usize,
    outputs: usize,
    input_bytes: usize,
    output_bytes: usize,
    table_bytes: u64,
    ram_bytes: u64,
    stack_bytes: u64,
    stack_window: u64,
}

/// Builds a job's firmware for a board, runs it, and measures.
///
/// # Errors
/// Nothing is set up for the board, the module does not build or fit, the rows do not fit the
/// module, or the firmware fails.
pub fn emulate(board: &Board, job: &Job) -> Result<Measured> {
    let about = |error: Error| error.at(format!("{} on {}", job.name, board.name));
    let input = encode(&job.rows, job.input_bits).map_err(about)?;
    let firmware = Firmware::build(board, &job.module, Kind::Measuring).map_err(about)?;
    let run = machine::run(board, &firmware, &input, job.timeout).map_err(about)?;
    let summary: Summary = serde_json::from_slice(&run.summary).map_err(|error| {
        about(
            Error::new("the firmware's summary cannot be read")
                .expected("the sizes that this version's firmware writes")
                .found(error)
                .help("build firmware and nervecord from one checkout"),
        )
    })?;
    let stack_bound = Reach::of(&firmware)?.stack(STEP).map_err(about)?;
    let instructions = check(&summary, stack_bound, &run, job).map_err(about)?;
    let functions = functions(&firmware, &run.executed);
    let cycles = cycles::modelled(&board.core, &firmware, &run.executed).map_err(about)?;
    Ok(Measured {
        outputs: decode(&run.output, summary.output_bytes, summary.outputs),
        cycles: cycles.map(|cycles| a_step(cycles, &instructions)),
        instructions,
        code_bytes: functions.iter().map(|(f, _)| f.bytes).sum(),
        functions,
        executed: run.executed,
        counting: run.counting,
        table_bytes: summary.table_bytes,
        ram_bytes: summary.ram_bytes,
        stack_bytes: summary.stack_bytes,
        stack_bound,
        firmware,
    })
}

/// Cycles of all steps as those of one on average.
fn a_step(cycles: u64, steps: &[u64]) -> u64 {
    cycles.div_ceil(steps.len().max(1) as u64)
}

/// Raw rows as the firmware reads and writes them, so many bits a number.
///
/// # Errors
/// A number has more bits.
pub fn encode(rows: &[Vec<i32>], bits: u32) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(rows.iter().map(Vec::len).sum::<usize>() * 4);
    for (index, row) in rows.iter().enumerate() {
        for &value in row {
            match bits {
                16 => {
                    let value = i16::try_from(value).map_err(|_| {
                        Error::new("a raw input is too large")
                            .at(format!("row {index}"))
                            .expected("16 bits")
                            .found(value)
                            .help("give rows made for this module's input format")
                    })?;
                    bytes.extend(value.to_le_bytes());
                }
                32 => bytes.extend(value.to_le_bytes()),
                _ => {
                    return Err(Error::new("raw inputs cannot have this width")
                        .expected("16 or 32 bits")
                        .found(bits)
                        .help("compile the model again with this version"));
                }
            }
        }
    }
    Ok(bytes)
}

fn decode(bytes: &[u8], width: usize, columns: usize) -> Vec<Vec<i32>> {
    let value = |bytes: &[u8]| match *bytes {
        [a, b] => i16::from_le_bytes([a, b]).into(),
        [a, b, c, d] => i32::from_le_bytes([a, b, c, d]),
        _ => 0,
    };
    let rows = bytes.chunks_exact(width * columns);
    rows.map(|row| row.chunks_exact(width).map(value).collect()).collect()
}

/// Whether the run belongs to the job and is whole; the instructions of its steps.
fn check(
    summary: &Summary,
    stack_bound: Option<u64>,
    run: &Recording,
    job: &Job,
) -> Result<Vec<u64>> {
    let wrong = |what: &str, expected: String, found: String| {
        Err(Error::new(format!("the emulated firmware disagrees on {what}"))
            .expected(expected)
            .found(found)
            .help("build firmware and nervecord from one checkout"))
    };
    if summary.input_bytes * 8 != job.input_bits as usize {
        let found = format!("{} bits a raw input", job.input_bits);
        return wrong("its inputs", format!("{} bits", summary.input_bytes * 8), found);
    }
    if let Some(row) = job.rows.iter().find(|row| row.len() != summary.inputs) {
        let expected = format!("{} values a row", summary.inputs);
        return wrong("its inputs", expected, row.len().to_string());
    }
    let output_bytes = summary.rows * summary.outputs * summary.output_bytes;
    if summary.rows != job.rows.len() || run.output.len() != output_bytes {
        let found = format!("{} rows, {} bytes", summary.rows, run.output.len());
        return wrong("its rows", format!("{} rows", job.rows.len()), found);
    }
    if summary.stack_bytes >= summary.stack_window {
        let found = "the whole painted window".to_owned();
        return wrong("its stack", format!("less than {} bytes", summary.stack_window), found);
    }
    if stack_bound.is_some_and(|bound| summary.stack_bytes > bound) {
        let expected = format!("at most {} bytes", stack_bound.unwrap_or_default());
        return wrong("its stack", expected, format!("{} bytes", summary.stack_bytes));
    }
    let overhead = run.intervals.first().copied().unwrap_or(0);
    let steps = run.intervals.iter().skip(1).map(|n| n.checked_sub(overhead));
    match steps.collect::<Option<Vec<u64>>>() {
        Some(steps) if steps.len() == summary.rows => Ok(steps),
        _ => wrong(
            "its steps",
            format!("{} marked intervals", summary.rows + 1),
            run.intervals.len().to_string(),
        ),
    }
}

/// The functions that executed, without the firmware's own around the step.
fn functions(firmware: &Firmware, executed: &[Executed]) -> Vec<(Function, u64)> {
    let mut found: Vec<(Function, u64)> = Vec::new();
    for &Executed { address, count, .. } in executed {
        let Some(function) = firmware.function_at(address) else { continue };
        match found.last_mut() {
            Some((last, total)) if last == function => *total += count,
            _ if is_harness(&function.symbol) => {}
            _ => found.push((function.clone(), count)),
        }
    }
    found
}

fn is_harness(symbol: &str) -> bool {
    symbol.contains("nervecord_emulated7measure")
        || ["nervecord_begin", "nervecord_end"].contains(&symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_survive_both_widths() {
        let rows = vec![vec![1, -2, 32767], vec![-32768, 0, 5]];
        for bits in [16, 32] {
            let bytes = encode(&rows, bits).unwrap();
            assert_eq!(decode(&bytes, bits as usize / 8, 3), rows);
        }
        assert!(encode(&[vec![40_000]], 16).is_err());
        assert!(encode(&rows, 8).is_err());
    }
}
