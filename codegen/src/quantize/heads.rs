//! Normalisations, softmax and its logarithm, argmax.

use nervecord::generated::{ArgMax, LogSoftmax, Normalize, Quad, RootMeanSquare, Softmax, Table};
use nervecord::host::{flat, flat_mut, quads, rows_memory};

use super::format::{Format, multiplier};
use super::lowering::{Lowering, Value};
use super::{scale, table};
use crate::error::{Error, Result};
use crate::graph::{Layer, Node};
use crate::program::kernel::Data;
use crate::program::table::{Record, Table as Tables};
use crate::program::{Kernel, TensorFormat};

impl Kernel for Normalize {
    fn data(&self) -> Data<'_> {
        let &Self { features, epsilon, frac } = self;
        let fields =
            [("features", features.into()), ("epsilon", epsilon.into()), ("frac", frac.into())];
        Data::new(Record::of("Normalize", fields), vec![], 0)
    }

    fn run(&self, _: &[&[Quad]], y: &mut [Quad]) {
        Self::run(self, y);
    }
}

impl Kernel for RootMeanSquare {
    fn data(&self) -> Data<'_> {
        let &Self { features, epsilon, least, frac } = self;
        let fields = [
            ("features", features.into()),
            ("epsilon", epsilon.into()),
            ("least", least.into()),
            ("frac", frac.into()),
        ];
        Data::new(Record::of("RootMeanSquare", fields), vec![], 0)
    }

    fn run(&self, _: &[&[Quad]], y: &mut [Quad]) {
        Self::run(self, y);
    }
}

#[derive(Debug)]
struct SoftmaxKernel {
    features: u16,
    exp: Vec<u32>,
}

impl Kernel for SoftmaxKernel {
    fn data(&self) -> Data<'_> {
        let fields = [("features", self.features.into()), ("exp", table::function("EXP"))];
        Data::new(Record::of("Softmax", fields), vec![Tables::pieces("EXP", &self.exp)], 0)
    }

    fn run(&self, _: &[&[Quad]], y: &mut [Quad]) {
        Softmax { features: self.features, exp: Table::new(&self.exp) }.run(y);
    }
}

#[derive(Debug)]
struct LogSoftmaxKernel {
    features: u16,
    exp: Vec<u32>,
    log: Vec<u32>,
    ln2: i16,
    log_frac: u8,
    multiplier: i16,
    shift: u8,
    half: i32,
}

impl Kernel for LogSoftmaxKernel {
    fn data(&self) -> Data<'_> {
        let &Self { features, ln2, log_frac, multiplier, shift, half, .. } = self;
        let fields = [
            ("features", features.into()),
            ("exp", table::function("EXP")),
            ("log", table::function("LOG")),
            ("ln2", ln2.into()),
            ("log_frac", log_frac.into()),
            ("multiplier", multiplier.into()),
            ("shift", shift.into()),
            ("half", half.into()),
        ];
        let tables = vec![Tables::pieces("EXP", &self.exp), Tables::pieces("LOG", &self.log)];
        Data::new(Record::of("LogSoftmax", fields), tables, 0)
    }

    fn run(&self, _: &[&[Quad]], y: &mut [Quad]) {
        let &Self { features, ln2, log_frac, multiplier, shift, half, .. } = self;
        let (exp, log) = (Table::new(&self.exp), Table::new(&self.log));
        LogSoftmax { features, exp, log, ln2, log_frac, multiplier, shift, half }.run(y);
    }
}

impl Kernel for ArgMax {
    fn data(&self) -> Data<'_> {
        Data::new(Record::of("ArgMax", [("features", self.features.into())]), vec![], 1)
    }

    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        Self::run(self, reads[0], y);
    }
}

/// A kernel on each of several rows, by the runtime's `kind`.
#[derive(Debug)]
struct RowsKernel<K> {
    kernel: K,
    kind: &'static str,
    features: usize,
    rows: usize,
}

impl<K: Kernel> Kernel for RowsKernel<K> {
    fn data(&self) -> Data<'_> {
        let &Self { ref kernel, kind, features, rows } = self;
        let Data { record, tables, .. } = kernel.data();
        let fields =
            [("kernel", record.into()), ("features", features.into()), ("rows", rows.into())];
        Data::new(Record::of(kind, fields), tables, 0)
    }

    fn run(&self, _: &[&[Quad]], y: &mut [Quad]) {
        for row in flat_mut(y).chunks_exact_mut(self.features).take(self.rows) {
            let mut alone = vec![Quad::default(); quads(self.features)];
            flat_mut(&mut alone)[..self.features].copy_from_slice(row);
            self.kernel.run(&[], &mut alone);
            row.copy_from_slice(&flat(&alone)[..self.features]);
        }
    }
}

/// Appends a kernel that works in place, on the whole tensor or, where there are several, on each of its `rows`.
fn push(
    lowering: &mut Lowering,
    node: &Node,
    kernel: impl Kernel + 'static,
    (kind, rows): (&'static str, usize),
    value: &Value,
) {
    if rows == 1 {
        return lowering.push(&node.name, Box::new(kernel), vec![], value.storage);
    }
    let features = value.features / rows;
    let storage = &mut lowering.storages[value.storage];
    *storage = rows_memory(features, rows).max(*storage);
    let kernel = RowsKernel { kernel, kind, features, rows };
    lowering.push(&node.name, Box::new(kernel), vec![], value.storage);
}

/// Lowers a layer on each of `rows` rows.
pub fn lower_rows(lowering: &mut Lowering, node: &Node, rows: usize, layer: &Layer) -> Result<()> {
    match layer {
        Layer::Normalize { epsilon } => lower_normalize(lowering, node, *epsilon, rows),
        Layer::RootMeanSquare { epsilon, least } => {
            lower_root_mean_square(lowering, node, *epsilon, *least, rows)
        }
        Layer::Softmax => lower_softmax(lowering, node, rows),
        Layer::LogSoftmax => lower_log_softmax(lowering, node, rows),
        other => Err(Error::new("no kernel does this on each row")
            .at(format!("node `{}`", node.name))
            .expected("a normalisation, softmax or its logarithm")
            .found(other.kind())
            .help("apply it to the whole tensor, or to each row by itself")),
    }
}

pub fn lower_normalize(
    lowering: &mut Lowering,
    node: &Node,
    epsilon: f64,
    rows: usize,
) -> Result<()> {
    lower_normal(lowering, node, rows, ("NormalizeRows", "normalize"), |features, frac, squared| {
        Normalize { features, epsilon: squared(epsilon).round() as u64, frac }
    })
}

pub fn lower_root_mean_square(
    lowering: &mut Lowering,
    node: &Node,
    epsilon: f64,
    least: f64,
    rows: usize,
) -> Result<()> {
    let kinds = ("RootMeanSquareRows", "rms");
    lower_normal(lowering, node, rows, kinds, |features, frac, squared| {
        let bounded = |mean: f64| squared(mean).round().min(f64::powi(2.0, 62)) as u64;
        let (epsilon, least) = (bounded(epsilon), bounded(least * least));
        RootMeanSquare { features, epsilon, least, frac }
    })
}

/// Lowers a normalisation of each of `rows` rows, whose kernel is made from the features of a row, the fractional bits
/// of what it writes, and from what makes a mean square n^2 times itself in squared units of the input. `kind` is the
/// runtime's for several rows, `word` the report's.
fn lower_normal<K: Kernel + 'static>(
    lowering: &mut Lowering,
    node: &Node,
    rows: usize,
    (kind, word): (&'static str, &str),
    kernel: impl FnOnce(u16, u8, &dyn Fn(f64) -> f64) -> K,
) -> Result<()> {
    let (value, scale) = lowering.take_uniform_in_place(node.inputs[0]);
    let features = value.features / rows;
    check_width(node, features)?;
    let n = features as f64;
    let step = scale::power_of_two(lowering.magnitude(node.output).max(1.0));
    let frac = (-step.log2()).clamp(0.0, 15.0) as u8;
    let squared = |mean: f64| mean / (scale * scale) * n * n;
    push(lowering, node, kernel(features as u16, frac, &squared), (kind, rows), &value);
    let format = Format::uniform(f64::powi(2.0, -i32::from(frac)));
    lowering.define(node.output, value.storage, format);
    lowering.report(node, word.into(), String::new());
    Ok(())
}

/// Refuses more features than a normalisation can sum.
fn check_width(node: &Node, features: usize) -> Result<()> {
    if features <= 8192 {
        return Ok(());
    }
    Err(Error::new("a normalisation is too wide")
        .at(format!("node `{}`", node.name))
        .expected("at most 8192 features")
        .found(features)
        .help("normalise fewer features, or leave the layer out before training"))
}

pub fn lower_softmax(lowering: &mut Lowering, node: &Node, rows: usize) -> Result<()> {
    let (value, scale) = lowering.take_uniform_in_place(node.inputs[0]);
    let features = value.features / rows;
    check_classes(node, features)?;
    let fit = exponentials(scale, 3.0);
    let worst = fit.worst / 32768.0;
    let kernel = SoftmaxKernel { features: features as u16, exp: fit.pieces };
    push(lowering, node, kernel, ("SoftmaxRows", rows), &value);
    let format = Format { low: 0, ..Format::uniform(f64::powi(2.0, -15)) };
    lowering.define(node.output, value.storage, format);
    lowering.report(node, "softmax".into(), String::new()).worst_error = Some(worst);
    Ok(())
}

/// `exp(-d scale)` with 15 fractional bits at every distance `d`, with an RMS error of `rms`.
fn exponentials(scale: f64, rms: f64) -> table::Fit {
    let exact: Vec<f64> = (0..65536).map(|d| (-f64::from(d) * scale).exp() * 32767.0).collect();
    table::fit(&exact, &vec![1.0; 65536], rms)
}

pub fn lower_log_softmax(lowering: &mut Lowering, node: &Node, rows: usize) -> Result<()> {
    use std::f64::consts::LN_2;
    let (value, scale) = lowering.take_uniform_in_place(node.inputs[0]);
    let features = value.features / rows;
    check_classes(node, features)?;
    let classes = features as f64;
    // The smallest of n logarithms is at most -ln n. No output step is below 2^-12 inputs, so that a factor
    // between them fits in the multiplier.
    let magnitude = lowering.magnitude(node.output).max(classes.ln()).max(LN_2).max(8.0 * scale);
    let step = lowering.scale_for(node.output, magnitude);
    let exp = exponentials(scale, 1.0);
    let log_frac = (32767.0 * step / LN_2).log2().floor().clamp(0.0, 15.0);
    let unit = f64::powf(2.0, log_frac) / step;
    // The table's exponentials are 1.0 at 32767, the kernel's sum at 2^15.
    let full = (32768.0_f64 / 32767.0).ln();
    let logarithm = |u: i32| ((1.0 + f64::from(u) / 65536.0).ln() + full) * unit;
    let exact: Vec<f64> = (0..65536).map(logarithm).collect();
    let log = table::fit(&exact, &vec![1.0; 65536], 1.0);
    let (multiplier, shift) = multiplier(scale / step / 16384.0);
    let worst = exp.worst / 32768.0 + log.worst / unit + step;
    let kernel = LogSoftmaxKernel {
        features: features as u16,
        exp: exp.pieces,
        log: log.pieces,
        ln2: (LN_2 * unit).round() as i16,
        log_frac: log_frac as u8,
        multiplier,
        shift,
        half: ((1_i32 << (15 + u32::from(shift))) / i32::from(multiplier).max(1)).min(1 << 30),
    };
    push(lowering, node, kernel, ("LogSoftmaxRows", rows), &value);
    let format = Format { high: 0, ..Format::uniform(step) };
    lowering.define(node.output, value.storage, format);
    lowering.report(node, "logsoftmax".into(), String::new()).worst_error = Some(worst);
    Ok(())
}

/// Refuses more classes than a kernel can sum or number.
fn check_classes(node: &Node, classes: usize) -> Result<()> {
    const MOST: usize = 32767;
    if classes <= MOST {
        return Ok(());
    }
    Err(Error::new("a head has too many classes")
        .at(format!("node `{}` ({})", node.name, node.layer.kind()))
        .expected(format!("at most {MOST} classes"))
        .found(classes)
        .help("give the scores themselves as the output, and compare them where they are used"))
}

pub fn lower_argmax(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let (value, scale) = lowering.take_uniform(node.inputs[0]);
    check_classes(node, value.features)?;
    let storage = lowering.new_storage(1);
    let kernel = ArgMax { features: value.features };
    if node.output == lowering.graph.output {
        let shape = lowering.graph.tensors[node.inputs[0]].shape;
        lowering.scores = Some(TensorFormat { storage: value.storage, shape, scale });
    }
    lowering.push(&node.name, Box::new(kernel), vec![value.storage], storage);
    lowering.define(node.output, storage, Format { low: 0, ..Format::uniform(1.0) });
    lowering.report(node, "argmax".into(), String::new());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::calibrate::Calibration;
    use crate::choose::quantize;
    use crate::graph::{Graph, Layer};
    use crate::interpret::Interpreter;
    use crate::options::{Options, Weights};
    use crate::reference;

    /// Logits whose largest may lead by far, as a trained classifier's do: no table of logarithms of
    /// probabilities reaches below their last bit.
    #[test]
    fn logarithms_of_probabilities_reach_as_far_as_the_logits() {
        for (reach, classes) in [(0.01, 2), (1.0, 5), (40.0, 10), (2000.0, 10)] {
            let mut graph = Graph::new("net", "x", classes);
            graph.push("head", Layer::LogSoftmax, &[0]).unwrap();
            let value =
                |k: usize, i: usize| ((k * (2 * i + 3) * 37 % 401) as f64 / 200.0 - 1.0) * reach;
            let rows: Vec<Vec<f64>> =
                (0..400).map(|k| (0..classes).map(|i| value(k, i)).collect()).collect();
            let calibration = Calibration::of(rows.clone());
            let options = Options { weights: Weights::I16, ..Options::default() };
            let program = quantize(&graph, &calibration, &options).unwrap();
            let exact = reference::run(&graph, &rows);
            let mut interpreter = Interpreter::new(&program);
            // Two units of the output and of the input, and what 15 bits of an exponential leave.
            let unit = program.output.to_real(0, 1) + program.input.to_real(0, 1);
            let allowed = 2.0 * unit + 1e-4;
            for (row, exact) in rows.iter().zip(&exact) {
                for (y, exact) in interpreter.step(row).0.iter().zip(exact) {
                    assert!((y - exact).abs() < allowed && *y <= 0.0, "{reach}: {y} for {exact}");
                }
            }
        }
    }
}
