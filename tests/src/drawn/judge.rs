//! Integers against the float network, on rows that calibration saw and on rows that it did not.

use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::options::Weights;
use nervecord_codegen::program::Program;
use nervecord_codegen::reference::{self, Reference};
use nervecord_codegen::report::{self, Judged};
use nervecord_codegen::{Compiled, graph::Graph};

use super::network::{Drawn, Kind};
use crate::network;
use crate::random::Random;

/// Calibration rows from which on what holds for them is held to hold for others.
const MANY: usize = 200;
/// Fewer rows than these say nothing of a deviation.
pub const FEW: usize = 20;
/// What the error on rows not seen may be of that which calibration promises.
const SLACK: f64 = 1.5;
/// An error, in standard deviations of the output, that is wrong even where it is told.
const BROKEN: f64 = 0.6;
/// Steps of the output's number format that rounding may cost whatever the output's deviation.
const STEPS: f64 = 2.0;

/// What became of a network.
#[derive(Debug)]
pub enum Verdict {
    /// It was refused, with a reason.
    Refused,
    /// It was compiled, and its integers are as near to float as promised.
    Good(Box<Compiled>),
    /// It was compiled, and its report says that the tolerance was not reached.
    Missed(Box<Compiled>),
}

/// How far the integers are from float, in standard deviations of the outputs.
///
/// An output that does not vary counts in its own size; errors within the resolution of the output's
/// format do not count. One that varies by less than `least` steps of its format counts in these.
///
/// # Errors
/// An output is no number.
pub fn relative_error(compiled: &Compiled, rows: &[Vec<f64>], least: f64) -> Result<f64, String> {
    let float = reference::run(&compiled.graph, rows);
    let mut host = Interpreter::new(&compiled.program);
    let fixed: Vec<Vec<f64>> = rows.iter().map(|row| host.step(row).0).collect();
    if let Some(bad) = fixed.iter().flatten().find(|y| !y.is_finite()) {
        return Err(format!("an output is {bad}"));
    }
    let n = rows.len() as f64;
    let mut sum = 0.0;
    for j in 0..compiled.graph.output_len() {
        let mean = float.iter().map(|y| y[j]).sum::<f64>() / n;
        let size = float.iter().map(|y| y[j].abs()).fold(0.0, f64::max);
        let deviation = (float.iter().map(|y| (y[j] - mean).powi(2)).sum::<f64>() / n).sqrt();
        let squares: f64 = fixed.iter().zip(&float).map(|(a, b)| (a[j] - b[j]).powi(2)).sum();
        let step = compiled.program.output.step(j);
        let error = ((squares / n).sqrt() - STEPS * step).max(0.0);
        let unit = if deviation > 1e-6 * size { deviation } else { size };
        if error > 0.0 {
            sum += (error / unit.max(least * step).max(1e-9)).powi(2);
        }
    }
    Ok((sum / compiled.graph.output_len() as f64).sqrt())
}

/// The lowest and highest value of every feature of every tensor.
type Ranges = Vec<Vec<[f64; 2]>>;

/// Share of a range by which a row may pass it and still be one that calibration prepared for.
const BEYOND: f64 = 0.1;

/// Those of the fresh rows on which no value inside the network leaves the range it had on the rows that
/// calibration saw, where clamping is meant; of a network with memory, those before the first that does.
pub fn prepared(graph: &Graph, seen: &[Vec<f64>], fresh: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut reference = Reference::new(graph);
    let mut ranges: Ranges = Vec::new();
    for row in seen {
        let values = reference.step(row);
        let start = || values.iter().map(|v| vec![[f64::INFINITY, f64::NEG_INFINITY]; v.len()]);
        if ranges.is_empty() {
            ranges = start().collect();
        }
        for (range, &value) in ranges.iter_mut().flatten().zip(values.iter().flatten()) {
            *range = [range[0].min(value), range[1].max(value)];
        }
    }
    let inside = |values: Vec<Vec<f64>>| {
        ranges.iter().flatten().zip(values.iter().flatten()).all(|(&[low, high], value)| {
            let room = BEYOND * (high - low);
            (low - room..=high + room).contains(value)
        })
    };
    if graph.states.is_empty() {
        let alone = |row: &&Vec<f64>| inside(Reference::new(graph).step(row));
        return fresh.iter().filter(alone).cloned().collect();
    }
    let mut reference = Reference::new(graph);
    fresh.iter().take_while(|row| inside(reference.step(row))).cloned().collect()
}

/// Holds that there is a report without a picture of what is no number.
fn reported(compiled: &Compiled) -> Result<(), String> {
    let files = report::files(&Judged::on_calibration(compiled)).map_err(|e| e.to_string())?;
    let page = &files[1].1;
    let drawn = page.split("<svg").skip(1).filter_map(|svg| svg.split_once("</svg>"));
    match drawn.map(|(svg, _)| svg).find(|svg| svg.contains("NaN") || svg.contains("inf")) {
        Some(svg) => Err(format!("a picture of what is no number: {svg}")),
        None => Ok(()),
    }
}

/// Compiles a network and holds its integers to what the compiler promises of them.
///
/// # Errors
/// What is wrong, in a line.
pub fn judge(drawn: &Drawn) -> Result<Verdict, String> {
    let compiled = match network::compile(drawn.graph.clone(), drawn.weights, &drawn.rows) {
        Ok(compiled) => compiled,
        Err(error) => {
            let text = error.to_string();
            return match text.contains("\n     help: ") {
                true => Ok(Verdict::Refused),
                false => Err(format!("a refusal without help: {text}")),
            };
        }
    };
    for layer in &compiled.program.layers {
        if layer.accumulator_bound.is_some_and(|bound| bound > i32::MAX as u64) {
            return Err(format!("layer `{}` may leave 32 bits", layer.name));
        }
    }
    reported(&compiled)?;
    extremes(&compiled, drawn.rows.len() as u64)?;
    flags(&compiled, drawn)?;
    let Some(promise) = &compiled.program.promise else { return Err("no promise".to_owned()) };
    let fresh = prepared(&compiled.graph, &drawn.rows, &drawn.fresh);
    let fresh = match fresh.len() < FEW {
        true => promise.error,
        false => relative_error(&compiled, &fresh, 0.0)?,
    };
    // The weight of a column that never changes may be far larger than the others', which share the 8 bits asked for; 4 bits promise
    // nothing before they are tried.
    let coarse = match drawn.weights {
        Weights::I4 => true,
        Weights::I8 => drawn.oddities.constant,
        Weights::I16 | Weights::Auto => false,
    };
    let (many, harsh) = (drawn.rows.len() >= MANY, coarse || drawn.oddities.is_harsh());
    // An output that hardly moves is told to be coarse: what its format cannot say is no error of the integers.
    let broken = promise.error > BROKEN && relative_error(&compiled, &drawn.rows, 0.0)? > BROKEN;
    if many && !harsh && broken {
        return Err(format!("{}, which no rounding explains", promise.describe()));
    }
    // Layers of 4 bits are rounded and fitted for what the rows have in common: a rare row may be far worse than all that judged.
    let rare = drawn.oddities.jumps || drawn.weights == Weights::I4;
    let sound = promise.is_kept() && promise.thin.is_none() && !rare;
    if many && sound && fresh > SLACK * promise.tolerance {
        return Err(format!(
            "an error of {fresh:.4} on fresh rows, where {} was promised",
            promise.describe()
        ));
    }
    match promise.is_kept() {
        true => Ok(Verdict::Good(Box::new(compiled))),
        false => Ok(Verdict::Missed(Box::new(compiled))),
    }
}

/// Runs raw inputs at and between the limits of their width; a build with overflow checks panics
/// where something leaves its numbers.
fn extremes(compiled: &Compiled, seed: u64) -> Result<(), String> {
    let mut random = Random::new(seed);
    let mut host = Interpreter::new(&compiled.program);
    for row in extreme_rows(compiled.program.input.bits(), compiled.graph.input_len(), &mut random)
    {
        let (output, _) = host.step_raw(&row);
        if output.len() != compiled.graph.output_len() {
            return Err(format!("{} outputs", output.len()));
        }
    }
    Ok(())
}

/// Raw inputs of so many bits at and between their limits.
pub fn extreme_rows(bits: u32, columns: usize, random: &mut Random) -> Vec<Vec<i32>> {
    let (low, high) = (i32::MIN >> (32 - bits), i32::MAX >> (32 - bits));
    let mut rows = vec![vec![low; columns], vec![high; columns], vec![0; columns]];
    for _ in 0..24 {
        rows.push((0..columns).map(|_| if random.once_in(2) { low } else { high }).collect());
        rows.push((0..columns).map(|_| random.bits() as i32 >> (32 - bits)).collect());
    }
    rows
}

/// No input that calibration saw is flagged, and one far beyond its range is.
fn flags(compiled: &Compiled, drawn: &Drawn) -> Result<(), String> {
    let mut host = Interpreter::new(&compiled.program);
    for row in &drawn.rows {
        if flagged(&mut host, row) && drawn.kind != Kind::Swimmer {
            return Err(format!("the calibration row {row:?} is flagged as out of range"));
        }
    }
    let far: Vec<f64> = (0..compiled.graph.input_len())
        .map(|i| 1000.0 * drawn.rows.iter().map(|row| row[i].abs()).fold(1e-3, f64::max))
        .collect();
    match flagged(&mut host, &far) {
        true => Ok(()),
        false => Err(format!("{far:?} is not flagged as out of range")),
    }
}

/// Whether a step flags an input; a state may reach the end of its range on rows in another order.
fn flagged(host: &mut Interpreter<&Program>, row: &[f64]) -> bool {
    let (_, status) = host.step(row);
    status.bits() != 0 || status.any_invalid()
}
