//! Functions that features share: a table each, over runs of neighbouring features.

use nervecord::generated::{FunctionRun, Functions, Quad, Table};
use nervecord::host::quads;

use super::format::Format;
use super::lowering::Lowering;
use super::spread::spread;
use super::table::{self, Tables, fit, histogram, movement};
use super::{gates, scale};
use crate::error::{Error, Result};
use crate::graph::expr::Expr;
use crate::graph::{Layer, Node, TensorId};
use crate::lanes::{Lanes, Unit};
use crate::options::Optimize;
use crate::parallel;
use crate::program::Kernel;
use crate::program::cost::Work;
use crate::program::kernel::Data;
use crate::program::table::{self as program, Record, Value};

/// Tables, and the runs of features each serves.
#[derive(Debug)]
pub struct FunctionsKernel {
    pub tables: Vec<Vec<u32>>,
    runs: Vec<Stretch>,
    in_place: bool,
}

/// `count` features from `from`, through table `table`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stretch {
    table: usize,
    from: usize,
    count: usize,
}

impl FunctionsKernel {
    /// The functions of the features `picks` names, of a tensor of `inputs`.
    fn new(tables: Vec<Vec<u32>>, picks: &[(usize, usize)], inputs: usize) -> Self {
        let mut runs = stretches(picks);
        // Features behind the last of a tensor may hold anything: whole quads are faster.
        if let Some(Stretch { from, count, .. }) = runs.last_mut() {
            let padded = *count + quads(picks.len()) * 4 - picks.len();
            if *from + padded <= quads(inputs) * 4 {
                *count = padded;
            }
        }
        Self { tables, runs, in_place: false }
    }

    /// One function of all features.
    pub fn in_place(pieces: Vec<u32>, features: usize) -> Self {
        let picks: Vec<_> = (0..features).map(|i| (i, 0)).collect();
        Self { in_place: true, ..Self::new(vec![pieces], &picks, features) }
    }
}

impl Kernel for FunctionsKernel {
    fn data(&self) -> Data<'_> {
        let name = |k: usize| match self.tables.len() {
            1 => "PIECES".to_owned(),
            _ => format!("PIECES_{k}"),
        };
        let run = |&Stretch { table: index, from, count }: &Stretch| {
            let function = table::function(&name(index));
            let fields = [("table", function), ("from", from.into()), ("count", count.into())];
            Record::of("FunctionRun", fields)
        };
        let pieces = self.tables.iter().enumerate();
        let mut tables: Vec<_> = pieces.map(|(k, p)| program::Table::pieces(name(k), p)).collect();
        // A run is four words on a 32-bit core.
        tables.push(program::Table::records("RUNS", "FunctionRun", 16, self.runs.iter().map(run)));
        let record = Record::new("Functions", [("runs", Value::table("RUNS"))]);
        match self.in_place {
            true => Data { method: "run_in_place", ..Data::new(record, tables, 0) },
            false => Data::new(record, tables, 1),
        }
    }

    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        let run = |s: &Stretch| {
            let Stretch { table, from, count } = *s;
            FunctionRun { table: Table::new(&self.tables[table]), from, count }
        };
        let runs: Vec<FunctionRun> = self.runs.iter().map(run).collect();
        let functions = Functions::new(&runs);
        match self.in_place {
            true => functions.run_in_place(y),
            false => functions.run(reads[0], y),
        }
    }

    fn work(&self) -> Work {
        Work::Functions { features: self.runs.iter().map(|run| run.count).sum() }
    }

    fn has_lanes(&self) -> bool {
        true
    }

    fn run_lanes(&self, unit: Unit, reads: &[&[Lanes]], y: &mut [Lanes]) {
        let mut written = 0;
        for &Stretch { table, from, count } in &self.runs {
            match self.in_place {
                true => y.copy_within(from..from + count, written),
                false => y[written..][..count].copy_from_slice(&reads[0][from..][..count]),
            }
            unit.function(&self.tables[table], &mut y[written..][..count]);
            written += count;
        }
    }
}

/// Tables for functions of one tensor, all with one output scale.
pub struct Bank {
    pub kernel: FunctionsKernel,
    pub format: Format,
    /// Worst error of any table over all its inputs.
    pub worst: f64,
    /// Pieces of the largest table.
    pub pieces: usize,
}

/// What a bank's output should be like.
pub struct Wanted {
    /// Largest magnitude the data reaches.
    pub magnitude: f64,
    /// Standard deviation of the outputs that move.
    pub deviation: f64,
}

impl Bank {
    /// Tables for `functions` of the features of `tensor`, which has the format `input` with one scale.
    pub fn of(
        lowering: &Lowering,
        at: &str,
        (tensor, input): (TensorId, &Format),
        functions: &[Expr],
        picks: &[(usize, usize)],
        out: (TensorId, Wanted),
    ) -> Result<Self> {
        let numbers =
            input.numbers().chain([out.1.magnitude, out.1.deviation, lowering.table_tolerance]);
        let tables = lowering
            .known
            .get(at, numbers, || tables(lowering, at, (tensor, input), functions, &out))?;
        let fits = || tables.fits.iter();
        let worst = fits().map(|fit| fit.worst).fold(0.0, f64::max) * tables.scale;
        let low = fits().map(|fit| fit.reach.0).min().unwrap_or(0);
        let high = fits().map(|fit| fit.reach.1).max().unwrap_or(0);
        let pieces = fits().map(|fit| fit.pieces.len()).max().unwrap_or(0);
        let inputs = lowering.graph.tensors[tensor].len();
        let pieces_of = fits().map(|fit| fit.pieces.clone()).collect();
        let kernel = FunctionsKernel::new(pieces_of, picks, inputs);
        let format = Format { low: low.into(), high: high.into(), ..Format::uniform(tables.scale) };
        Ok(Self { kernel, format, worst, pieces })
    }
}

/// Tables for functions of a tensor with a format of one scale.
fn tables(
    lowering: &Lowering,
    at: &str,
    (tensor, input): (TensorId, &Format),
    functions: &[Expr],
    (out, wanted): &(TensorId, Wanted),
) -> Result<Tables> {
    let scale = input.scale(0);
    let real = |u: usize| (u as f64 - 32768.0) * scale;
    let (first, last) = ((input.low + 32768) as usize, (input.high + 32768) as usize);
    let span = lowering.ranges.tensor(tensor);
    let values = |function: &Expr| {
        if let Some(pole) = function.pole(span.low, span.high) {
            return Err(has_pole(at, function, pole, span.low, span.high));
        }
        // Past the data a pole may come: the range ends where the data does.
        let has_pole = function.pole(real(first), real(last)).is_some();
        let (low, high) = if has_pole { (span.low, span.high) } else { (real(first), real(last)) };
        let mut values: Vec<f64> =
            (0..65536).map(|u| function.eval(real(u).clamp(low, high))).collect();
        table::fill_gaps(&mut values).ok_or_else(|| {
            Error::new("a function has no finite value on its input's range")
                .at(format!("{at}: {function}"))
                .expected("finite values for inputs the calibration data reaches")
                .found(format!("none within {low:.3} to {high:.3}"))
                .help(table::NO_VALUE)
        })?;
        Ok(values)
    };
    let reals: Vec<Vec<f64>> =
        parallel::map(functions, values).into_iter().collect::<Result<_>>()?;
    let reached = reals.iter().flatten().fold(0.0_f64, |m, y| m.max(y.abs()));
    let out_scale =
        lowering.scale_for(*out, reached.min(wanted.magnitude * lowering.ranges.margin));
    let inputs = lowering.ranges.fitted(tensor).flatten().map(|x| x / scale);
    let weight = table::histogram(inputs);
    let rms = lowering.table_tolerance * wanted.deviation / out_scale;
    let fit = |values: &Vec<f64>| {
        let exact: Vec<f64> = values.iter().map(|y| y / out_scale).collect();
        table::fit(&exact, &weight, rms)
    };
    let fits = parallel::map(&reals, fit);
    Ok(Tables { fits, first: None, scale: out_scale, offset: 0.0 })
}

/// A function that leaves the finite numbers where data is.
pub fn has_pole(at: &str, function: &Expr, pole: f64, low: f64, high: f64) -> Error {
    Error::new("a function has a pole where the data is")
        .at(format!("{at}: {function}"))
        .expected(format!("a denominator that is not 0 from {low:.4} to {high:.4}"))
        .found(format!("0 near x = {pole:.4}"))
        .help("check which denominator convention the network was trained with, or train on with a safe one")
}

/// Neighbouring picks of one function as runs.
fn stretches(picks: &[(usize, usize)]) -> Vec<Stretch> {
    let mut runs: Vec<Stretch> = Vec::new();
    for &(from, table) in picks {
        match runs.last_mut() {
            Some(run) if run.table == table && run.from + run.count == from => run.count += 1,
            _ => runs.push(Stretch { table, from, count: 1 }),
        }
    }
    runs
}

/// Lowers shared functions to a bank of tables.
pub fn lower(
    lowering: &mut Lowering,
    node: &Node,
    functions: &[Expr],
    picks: &[(usize, usize)],
) -> Result<()> {
    let tensor = node.inputs[0];
    let (value, _) = lowering.take_uniform(tensor);
    let span = lowering.ranges.tensor(node.output);
    let deviation = table::movement(&lowering.ranges.values[node.output]);
    let wanted = Wanted { magnitude: span.magnitude().max(1e-12), deviation };
    let at = format!("node `{}`", node.name);
    let input = (tensor, &value.format);
    let bank = Bank::of(lowering, &at, input, functions, picks, (node.output, wanted))?;
    let storage = lowering.new_storage(picks.len());
    let kind = format!("tables {}", bank.pieces);
    lowering.push(&node.name, Box::new(bank.kernel), vec![value.storage], storage);
    lowering.define(node.output, storage, bank.format);
    let row = lowering.report(node, kind, format!("{} shared functions", functions.len()));
    row.worst_error = Some(bank.worst);
    Ok(())
}

/// Lowers an elementwise function to a table, in place.
pub fn lower_map(lowering: &mut Lowering, node: &Node, function: &Expr) -> Result<()> {
    let (value, scale) = lowering.take_uniform_in_place(node.inputs[0]);
    let first = twins(lowering, node).next().map_or(node, |first| first).name.clone();
    let shared = first != node.name;
    let served = twins(lowering, node).count() as f64;
    // A gate's sigmoid may be read from the table of tanh, whose integers mean half as much.
    let times = lowering.gates.times(node.inputs[0]);
    let input = Format { scale: vec![scale / times], ..value.format.clone() };
    let numbers = input.numbers().chain([lowering.table_tolerance, served]);
    let tables =
        lowering.known.get(&first, numbers, || map_table(lowering, node, function, &input))?;
    let Tables { fits, first: spread, scale, offset } = &*tables;
    let fit = &fits[0];
    let (scale, offset) = match lowering.gates.has(node.output) {
        true => (gates::GATE_SCALE, gates::GATE_OFFSET),
        false => (*scale, *offset),
    };
    let format = Format {
        scale: vec![scale],
        offset: if offset == 0.0 { vec![] } else { vec![offset; value.features] },
        low: fit.reach.0.into(),
        high: fit.reach.1.into(),
    };
    let mut push = |name: &str, pieces: &[u32]| {
        let kernel = FunctionsKernel::in_place(pieces.to_vec(), value.features);
        let bytes = kernel.data().bytes();
        lowering.push(name, Box::new(kernel), vec![], value.storage);
        bytes
    };
    let spread = spread.as_deref().map(|pieces| push(&format!("{}_spread", node.name), pieces));
    push(&node.name, &fit.pieces);
    let kind = match spread {
        Some(_) => format!("tables {}", fit.pieces.len()),
        None => format!("table {}", fit.pieces.len()),
    };
    lowering.define(node.output, value.storage, format);
    let row = lowering.report(node, kind, function.to_string());
    row.worst_error = Some(fit.worst * scale);
    row.table_bytes += spread.unwrap_or(0);
    if spread.is_some() {
        row.note += ", behind a table that spreads where it bends";
    }
    if shared {
        row.table_bytes = 0;
        row.note += &format!(", the table of {first}");
    }
    Ok(())
}

/// The nodes that the table of `node` serves, itself among them.
fn twins<'a>(lowering: &'a Lowering, node: &Node) -> impl Iterator<Item = &'a Node> {
    let written: Vec<TensorId> = lowering.gates.alike(node.output).collect();
    lowering.graph.nodes.iter().filter(move |twin| written.contains(&twin.output))
}

/// The table of a node's function for inputs of a format with one scale: that of tanh, where it serves others beside it.
fn map_table<'a>(
    lowering: &'a Lowering,
    node: &'a Node,
    function: &'a Expr,
    input: &Format,
) -> Result<Tables> {
    let times = |twin: &Node| lowering.gates.times(twin.inputs[0]);
    let plain = |twin: &'a Node| match &twin.layer {
        Layer::Map(function) if times(twin) == 1.0 => Some((twin, function)),
        _ => None,
    };
    let (node, function) = twins(lowering, node).find_map(plain).unwrap_or((node, function));
    let scale = input.scale(0);
    let real = |u: usize| (u as f64 - 32768.0) * scale;
    let (first, last) = ((input.low + 32768) as usize, (input.high + 32768) as usize);
    let calibrated = lowering.magnitude(node.output);
    // Inputs outside what can occur, or where the function has no value, repeat the nearest that can.
    let mut reals: Vec<f64> =
        (0..65536).map(|u: usize| function.eval(real(u.clamp(first, last)))).collect();
    table::fill_gaps(&mut reals).ok_or_else(|| {
        Error::new("a function has no finite value on its input's range")
            .at(format!("node `{}`: {function}", node.name))
            .expected("finite values for inputs the calibration data reaches")
            .found(format!("none within +-{:.3}", 32768.0 * scale))
            .help(table::NO_VALUE)
    })?;
    let reached = reals.iter().fold(0.0_f64, |m, y| m.max(y.abs()));
    let centre = match lowering.is_port(node.output) {
        true => scale::centre(&lowering.ranges.tensor(node.output), lowering.ranges.margin),
        false => None,
    };
    let twins = || twins(lowering, node);
    let (out_scale, offset) = if lowering.gates.has(node.output) {
        (gates::GATE_SCALE, gates::GATE_OFFSET)
    } else if twins().any(|twin| lowering.gates.has(twin.output)) {
        (2.0 * gates::GATE_SCALE, 0.0)
    } else {
        centre.unwrap_or_else(|| {
            (lowering.scale_for(node.output, reached.min(calibrated.max(1e-12))), 0.0)
        })
    };
    let exact: Vec<f64> = reals.iter().map(|y| (y - offset) / out_scale).collect();
    // In units of the table's own, of whose input a twin's is so many times the scale, and its output the inverse.
    let inputs = |twin| {
        let unit = scale * times(twin);
        lowering.ranges.fitted(twin.inputs[0]).flatten().map(move |x| x / unit)
    };
    let weight = histogram(twins().flat_map(inputs));
    let moves = twins().map(|twin| movement(&lowering.ranges.values[twin.output]) * times(twin));
    let movement = moves.fold(f64::INFINITY, f64::min);
    let rms = lowering.table_tolerance * movement / out_scale;
    let fit = fit(&exact, &weight, rms);
    // An error that is carried from step to step is kept as even as one table has it.
    // Of two tables both are read, which takes twice as long as one that is exact enough.
    let fast = lowering.optimize == Optimize::Speed && fit.error <= rms.max(table::FINEST);
    let spread = match lowering.graph.feeds_back() || fast {
        true => None,
        false => spread(&fit, &exact, &weight, rms),
    };
    let (first, fit) = spread.map_or((None, fit), |both| (Some(both.first), both.second));
    Ok(Tables { fits: vec![fit], first, scale: out_scale, offset })
}
