//! Functions that features share: a table each, over runs of neighbouring features.

use nervecord::edges::{Run, functions};
use nervecord::table::Table;
use nervecord::tensor::Quad;

use super::{Format, Lowering, map};
use crate::emit::Items;
use crate::error::{Error, Result};
use crate::expr::Expr;
use crate::graph::{Node, TensorId};
use crate::program::Kernel;

/// Tables, and the runs of features each serves.
#[derive(Debug)]
pub(super) struct FunctionsKernel {
    tables: Vec<Vec<i16>>,
    runs: Vec<Stretch>,
}

/// `count` features from `from`, through table `table`, to those from `to`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stretch {
    table: usize,
    from: usize,
    to: usize,
    count: usize,
}

impl Kernel for FunctionsKernel {
    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        let run = |s: &Stretch| Run {
            table: Table::new(&self.tables[s.table]),
            from: s.from as u16,
            to: s.to as u16,
            count: s.count as u16,
        };
        let runs: Vec<Run> = self.runs.iter().map(run).collect();
        functions(&runs, reads[0], y);
    }

    fn emit(&self, name: &str, items: &mut Items) -> String {
        items.import("edges::{Run, functions}");
        items.import("table::Table");
        let points = |(k, points): (usize, &Vec<i16>)| {
            items.shared_array(&format!("{name}_POINTS_{k}"), points)
        };
        let points: Vec<String> = self.tables.iter().enumerate().map(points).collect();
        let cell = |s: &Stretch| {
            let Stretch { table, from, to, count } = s;
            let table = format!("Table::new(&{})", points[*table]);
            format!("Run {{ table: {table}, from: {from}, to: {to}, count: {count} }}")
        };
        let cells: Vec<String> = self.runs.iter().map(cell).collect();
        items.array(&format!("static {name}_RUNS"), "Run<'static>", &cells);
        format!("functions(&{name}_RUNS, x0, y);")
    }

    fn table_bytes(&self) -> usize {
        // A run is a slice, a shift and three indices on a 32-bit core.
        self.tables.iter().map(|t| t.len() * 2).sum::<usize>() + self.runs.len() * 20
    }
}

/// Tables for functions of one tensor, all with one output scale.
pub(super) struct Bank {
    pub kernel: FunctionsKernel,
    pub format: Format,
    /// Worst error of any table over all its inputs.
    pub worst: f64,
    /// Segments of the largest table.
    pub segments: usize,
}

/// What a bank's output should be like.
pub(super) struct Wanted {
    /// Largest magnitude the data reaches.
    pub magnitude: f64,
    /// Standard deviation of the outputs.
    pub deviation: f64,
}

impl Bank {
    /// Tables for `functions` of the features of `tensor`, which has the format `input` with one scale.
    pub(super) fn of(
        lowering: &Lowering,
        at: &str,
        (tensor, input): (TensorId, &Format),
        functions: &[Expr],
        picks: &[(usize, usize)],
        out: (TensorId, Wanted),
    ) -> Result<Self> {
        let scale = input.scale(0);
        let real = |u: usize| (u as f64 - 32768.0) * scale;
        let (first, last) = ((input.low + 32768) as usize, (input.high + 32768) as usize);
        let span = lowering.ranges.tensor(tensor);
        let mut reals = Vec::with_capacity(functions.len());
        for function in functions {
            if let Some(pole) = function.pole(span.low, span.high) {
                return Err(has_pole(at, function, pole, span.low, span.high));
            }
            // Past the data a pole may come: the range ends where the data does.
            let has_pole = function.pole(real(first), real(last)).is_some();
            let (low, high) =
                if has_pole { (span.low, span.high) } else { (real(first), real(last)) };
            let mut values: Vec<f64> =
                (0..65536).map(|u| function.eval(real(u).clamp(low, high))).collect();
            map::fill_gaps(&mut values).ok_or_else(|| {
                Error::new("a function has no finite value on its input's range")
                    .at(format!("{at}: {function}"))
                    .expected("finite values for inputs the calibration data reaches")
                    .found(format!("none within {low:.3} to {high:.3}"))
            })?;
            reals.push(values);
        }
        let (out_tensor, wanted) = out;
        let reached = reals.iter().flatten().fold(0.0_f64, |m, y| m.max(y.abs()));
        let out_scale =
            lowering.scale_for(out_tensor, reached.min(wanted.magnitude * lowering.ranges.margin));
        let weight = map::histogram(&lowering.ranges.values[tensor], scale);
        let rms = lowering.table_tolerance * wanted.deviation / out_scale;
        let (mut worst, mut tables) = (0.0_f64, Vec::new());
        for values in reals {
            let exact: Vec<f64> = values.iter().map(|y| y / out_scale).collect();
            let fit = map::fit(&exact, &weight, rms);
            worst = worst.max(fit.worst * out_scale);
            tables.push(fit.points);
        }
        let low = tables.iter().flatten().min().copied().map_or(-32768, i32::from);
        let high = tables.iter().flatten().max().copied().map_or(32767, i32::from);
        let segments = tables.iter().map(|t| t.len() - 1).max().unwrap_or(0);
        let kernel = FunctionsKernel { tables, runs: stretches(picks) };
        let format = Format { low, high, ..Format::uniform(out_scale) };
        Ok(Self { kernel, format, worst, segments })
    }
}

/// A function that leaves the finite numbers where data is.
pub(super) fn has_pole(at: &str, function: &Expr, pole: f64, low: f64, high: f64) -> Error {
    Error::new("a function has a pole where the data is")
        .at(format!("{at}: {function}"))
        .expected(format!("a denominator that is not 0 from {low:.4} to {high:.4}"))
        .found(format!("0 near x = {pole:.4}"))
        .help("check which denominator convention the network was trained with, or train on with a safe one")
}

/// Neighbouring picks of one function as runs.
fn stretches(picks: &[(usize, usize)]) -> Vec<Stretch> {
    let mut runs: Vec<Stretch> = Vec::new();
    for (to, &(from, table)) in picks.iter().enumerate() {
        match runs.last_mut() {
            Some(run) if run.table == table && run.from + run.count == from => run.count += 1,
            _ => runs.push(Stretch { table, from, to, count: 1 }),
        }
    }
    runs
}

/// Lowers shared functions to a bank of tables.
pub(super) fn lower(
    lowering: &mut Lowering,
    node: &Node,
    functions: &[Expr],
    picks: &[(usize, usize)],
) -> Result<()> {
    let tensor = node.inputs[0];
    let (value, _) = lowering.take_uniform(tensor);
    let span = lowering.ranges.tensor(node.output);
    let wanted = Wanted { magnitude: span.magnitude().max(1e-12), deviation: span.deviation };
    let at = format!("node `{}`", node.name);
    let input = (tensor, &value.format);
    let bank = Bank::of(lowering, &at, input, functions, picks, (node.output, wanted))?;
    let storage = lowering.new_storage(picks.len());
    let kind = format!("tables {}", bank.segments);
    lowering.push(&node.name, Box::new(bank.kernel), vec![value.storage], storage);
    lowering.define(node.output, storage, bank.format);
    let row = lowering.report(node, kind, format!("{} shared functions", functions.len()));
    row.worst_error = Some(bank.worst);
    Ok(())
}
