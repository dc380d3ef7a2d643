//! Dense layers that leave out zeros, where the user allows it and it pays.

use nervecord::generated::{Finish, Lazy8, Lazy16, Pruned8, Pruned16, Quad};
use nervecord::host::{lazy_memory, quads};

use super::kernel::DenseKernel;
use crate::options::{Cpu, Sparsity};
use crate::program::kernel::Data;
use crate::program::table::{Array, Record, Table, Value};
use crate::program::{Kernel, Weights, Width};

/// How the zeros of a layer are left out, and its weights without them.
#[derive(Debug)]
enum Form {
    /// Links of each row, and their words, as [`nervecord::generated::Pruned8`] wants them.
    Pruned { counts: Vec<u16>, links: Vec<u16> },
    /// Columns of four rows each, as [`nervecord::generated::Lazy8`] wants them.
    Lazy { columns: Weights },
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

/// Executed instructions of a core's kernels: differences between emulated layers of 32 to 128 inputs
/// and 8 to 32 outputs, with and without zeros. Only their ratios matter, and only roughly.
struct Cost {
    /// Of a dense layer: a product, and an output beside.
    dense: [f64; 2],
    /// Of a pruned one: a link, and an output beside.
    pruned: [f64; 2],
    /// Of a lazy one: a product, an input, and an output beside.
    lazy: [f64; 3],
}

impl Cost {
    fn of(cpu: Cpu) -> Self {
        match cpu {
            Cpu::CortexM0 | Cpu::CortexM0Plus => {
                Self { dense: [3.4, 20.0], pruned: [9.4, 81.0], lazy: [7.8, 0.0, 82.0] }
            }
            Cpu::CortexM3 => {
                Self { dense: [2.2, 8.0], pruned: [6.2, 48.0], lazy: [2.6, 1.0, 41.0] }
            }
            Cpu::CortexM55 => {
                Self { dense: [0.36, 9.0], pruned: [7.0, 33.0], lazy: [1.8, 2.0, 45.0] }
            }
            Cpu::Riscv32 => {
                Self { dense: [3.4, 8.0], pruned: [12.0, 38.0], lazy: [4.8, 2.0, 57.0] }
            }
            // Of the other cores, those with DSP instructions gain least from leaving out products.
            Cpu::Any | Cpu::CortexM4 | Cpu::CortexM7 | Cpu::CortexM33 | Cpu::Host => {
                Self { dense: [1.2, 6.0], pruned: [5.1, 57.0], lazy: [2.6, 3.0, 39.0] }
            }
        }
    }
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

/// The kernel that takes the fewest instructions of those allowed, by estimate, where `active()` is the mean
/// number of inputs that are not zero on the calibration set.
pub fn choose(
    dense: DenseKernel,
    active: impl FnOnce() -> f64,
    allowed: Sparsity,
    cpu: Cpu,
) -> Choice {
    let cost = Cost::of(cpu);
    let (inputs, outputs) = (dense.inputs as f64, dense.bias.len());
    let rows = outputs as f64;
    let whole = cost.dense[0] * inputs * rows + cost.dense[1] * rows;
    let (mut best, mut choice) = (whole, None);
    if allowed.weights {
        let links = links(&dense);
        let pruned = cost.pruned[0] * count(&links) as f64 + cost.pruned[1] * rows;
        if pruned < best {
            let zeros = dense.weights.iter().filter(|w| *w == 0).count() as f64;
            let share = 100.0 * zeros / dense.weights.len() as f64;
            let why = format!("{share:.0}% of the weights are zero");
            (best, choice) = (pruned, Some((Form::pruned(&links, width(&dense)), why)));
        }
    }
    if allowed.activations && dense.inputs <= 1 << 16 {
        let [product, input, output] = cost.lazy;
        let (active, padded) = (active(), (4 * quads(outputs)) as f64);
        let lazy = product * active * padded + input * inputs + output * rows;
        if lazy < best {
            let share = 100.0 * (1.0 - active / inputs);
            let why = format!("{share:.0}% of the inputs are zero");
            (best, choice) = (lazy, Some((Form::lazy(&dense), why)));
        }
    }
    let Some((form, why)) = choice else { return Choice::dense(dense) };
    let why = format!("{why}, about {best:.0} instructions for {whole:.0}");
    let (kind, why, memory) = match form {
        Form::Pruned { .. } => (" pruned", why, outputs),
        Form::Lazy { .. } => {
            (" lazy", why + "; its time depends on the input", lazy_memory(dense.inputs, outputs))
        }
    };
    Choice { kernel: Box::new(SparseKernel { dense, form }), memory, kind, why }
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

    fn lazy(dense: &DenseKernel) -> Self {
        let DenseKernel { inputs, weights, bias, .. } = dense;
        let weight = |output: usize, input: usize| match output < bias.len() {
            true => weights.at(output * inputs + input),
            false => 0,
        };
        let column = |block: usize, input| [0, 1, 2, 3].map(|k| weight(4 * block + k, input));
        let columns = (0..quads(bias.len()))
            .flat_map(|block| (0..*inputs).map(move |input| (block, input)))
            .flat_map(|(block, input)| column(block, input));
        Self::Lazy { columns: width(dense).narrow(columns) }
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
            (Form::Lazy { columns }, width) => (
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
            (Form::Lazy { columns: Weights::I4(columns) | Weights::I8(columns) }, _) => {
                Lazy8::new(inputs, columns.as_chunks().0, finish).run(x, y);
            }
            (Form::Lazy { columns: Weights::I16(columns) }, _) => {
                Lazy16::new(inputs, columns.as_chunks().0, finish).run(x, y);
            }
        }
    }

    fn constant_time(&self) -> bool {
        matches!(self.form, Form::Pruned { .. })
    }
}
