//! Dense layers that leave out zeros, where the user allows it and it pays.

use nervecord::generated::{Finish, Lazy8, Lazy16, Pruned8, Pruned16, Quad};
use nervecord::host::{lazy_memory, quads};

use super::kernel::DenseKernel;
use crate::options::{Cpu, Optimize, Sparsity};
use crate::program::cost::{Prices, Work};
use crate::program::kernel::Data;
use crate::program::table::{Array, Record, Table, Value};
use crate::program::{Kernel, Weights, Width};

/// How the zeros of a layer are left out, and its weights without them.
#[derive(Debug)]
enum Form {
    /// Links of each row, and their words, as [`nervecord::generated::Pruned8`] wants them.
    Pruned { counts: Vec<u16>, links: Vec<u16> },
    /// Columns of four rows each, as [`nervecord::generated::Lazy8`] wants them, and how many inputs are not zero on
    /// average.
    Lazy { columns: Weights, active: f64 },
}

/// A dense layer that leaves out zeros.
#[derive(Debug)]
struct SparseKernel {
    dense: DenseKernel,
    form: Form,
}

/// A layer's kernel, the features of memory it writes, what the report calls it, and why.
pub struct Choice {
    pub kernel: Box<dyn Kernel>,
    pub memory: usize,
    pub kind: &'static str,
    pub why: String,
}

impl Choice {
    fn dense(dense: DenseKernel) -> Self {
        let memory = dense.bias.len();
        Self { kernel: Box::new(dense), memory, kind: "", why: String::new() }
    }
}

/// A wiring's kernel: zeros are no synapses, and it is stored without them wherever that is smaller.
pub fn wired(dense: DenseKernel) -> Choice {
    let links = links(&dense);
    let live = SparseKernel { form: Form::pruned(&links, width(&dense)), dense };
    if live.data().bytes() >= live.dense.data().bytes() {
        return Choice::dense(live.dense);
    }
    let why = format!("{} live synapses", count(&links));
    Choice { memory: live.dense.bias.len(), kernel: Box::new(live), kind: " pruned", why }
}

/// The kernel of those allowed that takes the fewest instructions, by estimate, or the fewest bytes where `optimize` is
/// size; `active()` is the mean number of inputs that are not zero on the calibration set.
pub fn choose(
    dense: DenseKernel,
    active: impl FnOnce() -> f64,
    allowed: Sparsity,
    (optimize, cpu): (Optimize, Cpu),
) -> Choice {
    let prices = Prices::of(cpu);
    let (inputs, outputs) = (dense.inputs, dense.bias.len());
    let mut forms = vec![];
    if allowed.weights {
        let links = links(&dense);
        let zeros = dense.weights.iter().filter(|w| *w == 0).count() as f64;
        let share = 100.0 * zeros / dense.weights.len() as f64;
        let why = format!("{share:.0}% of the weights are zero");
        forms.push((Form::pruned(&links, width(&dense)), why));
    }
    if allowed.activations && inputs <= 1 << 16 {
        let active = active();
        let share = 100.0 * (1.0 - active / inputs as f64);
        forms.push((Form::lazy(&dense, active), format!("{share:.0}% of the inputs are zero")));
    }
    let cost = |kernel: &dyn Kernel| match optimize {
        Optimize::Size => kernel.data().bytes() as f64,
        Optimize::Speed | Optimize::Balanced => prices.of_work(kernel.work()),
    };
    let unit = if optimize == Optimize::Size { "B" } else { "instructions" };
    let whole = cost(&dense);
    let mut best = (whole, None);
    for (form, why) in forms {
        let kernel = SparseKernel { dense: dense.clone(), form };
        let cost = cost(&kernel);
        if cost < best.0 {
            best = (cost, Some((kernel, why)));
        }
    }
    let (best, Some((kernel, why))) = best else { return Choice::dense(dense) };
    let why = format!("{why}, about {best:.0} {unit} for {whole:.0}");
    let (kind, why, memory) = match kernel.form {
        Form::Pruned { .. } => (" pruned", why, outputs),
        Form::Lazy { .. } => {
            (" lazy", why + "; its time depends on the input", lazy_memory(inputs, outputs))
        }
    };
    Choice { kernel: Box::new(kernel), memory, kind, why }
}

/// The width of weights without zeros: there are no kernels of 4 bits for these.
fn width(dense: &DenseKernel) -> Width {
    dense.width().max(Width::I8)
}

/// A row's links: distance from the one before and weight, both with the layer's bits.
fn links(dense: &DenseKernel) -> Vec<Vec<(usize, i32)>> {
    let longest = (1 << width(dense).bits()) - 1;
    let row = |r: usize| {
        let (mut links, mut last) = (vec![], 0);
        let weights = (0..dense.inputs).map(|i| dense.weights.at(r * dense.inputs + i));
        for (column, weight) in weights.enumerate().filter(|(_, weight)| *weight != 0) {
            while column - last > longest {
                links.push((longest, 0));
                last += longest;
            }
            links.push((column - last, weight));
            last = column;
        }
        links
    };
    (0..dense.bias.len()).map(row).collect()
}

/// How many links all rows have.
fn count(links: &[Vec<(usize, i32)>]) -> usize {
    links.iter().map(Vec::len).sum()
}

impl Form {
    fn pruned(rows: &[Vec<(usize, i32)>], width: Width) -> Self {
        let words = |&(distance, weight): &(usize, i32)| match width {
            Width::I4 | Width::I8 => vec![distance as u16 | (weight as u16) << 8],
            Width::I16 => vec![distance as u16, weight as u16],
        };
        Self::Pruned {
            counts: rows.iter().map(|row| row.len() as u16).collect(),
            links: rows.iter().flatten().flat_map(words).collect(),
        }
    }

    fn lazy(dense: &DenseKernel, active: f64) -> Self {
        let DenseKernel { inputs, weights, bias, .. } = dense;
        let weight = |output: usize, input: usize| match output < bias.len() {
            true => weights.at(output * inputs + input),
            false => 0,
        };
        let column = |block: usize, input| [0, 1, 2, 3].map(|k| weight(4 * block + k, input));
        let columns = (0..quads(bias.len()))
            .flat_map(|block| (0..*inputs).map(move |input| (block, input)))
            .flat_map(|(block, input)| column(block, input));
        Self::Lazy { columns: width(dense).narrow(columns), active }
    }
}

impl SparseKernel {
    fn finish(&self) -> Finish<'_> {
        let DenseKernel { bias, multiplier, shift, relu, .. } = &self.dense;
        Finish { bias, multiplier, shift: *shift, relu: *relu }
    }
}

impl Kernel for SparseKernel {
    fn data(&self) -> Data<'_> {
        let DenseKernel { inputs, bias, multiplier, shift, relu, .. } = &self.dense;
        let (kind, mut tables) = match (&self.form, width(&self.dense)) {
            (Form::Pruned { counts, links }, width) => (
                match width {
                    Width::I4 | Width::I8 => "Pruned8",
                    Width::I16 => "Pruned16",
                },
                vec![
                    Table::list("COUNTS", Array::U16(counts)),
                    Table::list("LINKS", Array::U16(links)),
                ],
            ),
            (Form::Lazy { columns, .. }, width) => (
                match width {
                    Width::I4 | Width::I8 => "Lazy8",
                    Width::I16 => "Lazy16",
                },
                vec![Table::matrix("WEIGHTS", columns.array(), 4)],
            ),
        };
        let weights = tables.iter().map(|table| ("weights", Value::table(&table.name)));
        let mut fields = vec![("inputs", (*inputs).into())];
        fields.extend(weights);
        let finish = [
            ("bias", Value::table("BIAS")),
            ("multiplier", Value::table("MULTIPLIER")),
            ("shift", (*shift).into()),
            ("relu", (*relu).into()),
        ];
        fields.push(("finish", Value::table("FINISH")));
        tables.extend([
            Table::list("BIAS", Array::I32(bias)),
            Table::list("MULTIPLIER", Array::I16(multiplier)),
            Table::record("FINISH", Record::of("Finish", finish)),
        ]);
        let record = Record { kind, fields, constructed: true };
        Data { kept: true, ..Data::new(record, tables, 1) }
    }

    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        let (inputs, x, finish) = (self.dense.inputs, reads[0], self.finish());
        match (&self.form, width(&self.dense)) {
            (Form::Pruned { counts, links }, Width::I4 | Width::I8) => {
                Pruned8::new(inputs, counts, links, finish).run(x, y);
            }
            (Form::Pruned { counts, links }, Width::I16) => {
                Pruned16::new(inputs, counts, links, finish).run(x, y);
            }
            (Form::Lazy { columns: Weights::I4(columns) | Weights::I8(columns), .. }, _) => {
                Lazy8::new(inputs, columns.as_chunks().0, finish).run(x, y);
            }
            (Form::Lazy { columns: Weights::I16(columns), .. }, _) => {
                Lazy16::new(inputs, columns.as_chunks().0, finish).run(x, y);
            }
        }
    }

    fn work(&self) -> Work {
        let (inputs, outputs) = (self.dense.inputs, self.dense.bias.len());
        match &self.form {
            Form::Pruned { counts, .. } => {
                let links = counts.iter().map(|&links| usize::from(links)).sum();
                Work::Pruned { links, outputs }
            }
            Form::Lazy { active, .. } => Work::Lazy { active: *active, inputs, outputs },
        }
    }

    fn constant_time(&self) -> bool {
        matches!(self.form, Form::Pruned { .. })
    }
}
