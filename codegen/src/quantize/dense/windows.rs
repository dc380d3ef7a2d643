//! Dense layers over windows: the integers of one dense layer, for every window of its input.

use nervecord::generated::{Quad, Windows4, Windows8, Windows16};
use nervecord::host::{quads, windows_memory};

use super::kernel::DenseKernel;
use super::{Fitted, fit};
use crate::error::Result;
use crate::graph;
use crate::program::cost::Work;
use crate::program::kernel::Data;
use crate::program::table::{Record, Value as Field};
use crate::program::{Kernel, Width};
use crate::quantize::format::Format;
use crate::quantize::lowering::{Lowering, Value};

/// Most windows of calibration rows from which a layer's moments are taken.
const MOST_SAMPLES: usize = 1000;

/// A dense layer at many places.
#[derive(Debug)]
struct WindowsKernel {
    dense: DenseKernel,
    step: [usize; 2],
    count: [usize; 2],
}

impl Kernel for WindowsKernel {
    fn data(&self) -> Data<'_> {
        let dense = self.dense.data();
        let numbers = |counts: [usize; 2]| Field::Numbers(counts.map(|n| n as i64).to_vec());
        let kind = match self.dense.width() {
            Width::I4 => "Windows4",
            Width::I8 => "Windows8",
            Width::I16 => "Windows16",
        };
        let fields = [
            ("inputs", self.dense.inputs.into()),
            ("dense", dense.record.into()),
            ("step", numbers(self.step)),
            ("count", numbers(self.count)),
        ];
        Data { kept: true, ..Data::new(Record::new(kind, fields), dense.tables, 1) }
    }

    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        let mut x = reads[0].to_vec();
        #[cfg(debug_assertions)]
        self.watch(&x);
        let Self { dense, step, count } = self;
        match dense.width() {
            Width::I4 => Windows4::new(dense.inputs, dense.layer4(), *step, *count).run(&mut x, y),
            Width::I8 => Windows8::new(dense.inputs, dense.layer8(), *step, *count).run(&mut x, y),
            Width::I16 => {
                Windows16::new(dense.inputs, dense.layer16(), *step, *count).run(&mut x, y);
            }
        }
    }

    fn work(&self) -> Work {
        let (width, outputs) = (self.dense.width(), self.dense.bias.len());
        let places = self.count.iter().product();
        Work::Dense { width, inputs: self.dense.inputs, outputs, places }
    }
}

impl WindowsKernel {
    #[cfg(debug_assertions)]
    fn watch(&self, x: &[Quad]) {
        let x = nervecord::host::flat(x);
        for o in 0..self.count[0] {
            for i in 0..self.count[1] {
                self.dense.watch(&x[o * self.step[0] + i * self.step[1]..]);
            }
        }
    }
}

/// Lowers a dense layer over windows, together with a clamp that is its only reader.
pub fn lower(lowering: &mut Lowering, index: usize, windows: &graph::Windows) -> Result<()> {
    let node = &lowering.graph.nodes[index];
    let (value, format) = input(lowering, node.inputs[0], windows);
    let samples = samples(lowering, node.inputs[0], windows);
    let Fitted { tail, quantized } =
        fit(lowering, index, &windows.dense, &format, &|| samples.iter().collect())?;
    let (kernel, relu) = (quantized.kernel.clone(), quantized.kernel.relu);
    let kind = format!("windows {}{}", kernel.width().name(), if relu { " relu" } else { "" });
    let outputs = kernel.bias.len();
    let memory = windows_memory(kernel.inputs, outputs, windows.step, windows.count);
    let storage = lowering.new_storage(memory);
    // Kernels read whole quads, of the last window as well.
    let read = windows.reach() - kernel.inputs + 4 * quads(kernel.inputs);
    let behind = &mut lowering.storages[value.storage];
    *behind = read.max(*behind);
    let kernel = WindowsKernel { dense: kernel, step: windows.step, count: windows.count };
    lowering.push(&node.name, Box::new(kernel), vec![value.storage], storage);
    let format = quantized.scales.clone().format(if relu { 0 } else { -32768 });
    lowering.define(tail.tensor, storage, format.repeated(outputs, windows.windows()));
    let note = format!("{} windows of {} features", windows.windows(), windows.dense.inputs());
    super::report(lowering, index, kind, note, quantized.bound);
    Ok(())
}

/// Reads `tensor`, counting one reader off, so that every window has the same format, which is returned.
fn input(
    lowering: &mut Lowering,
    tensor: graph::TensorId,
    windows: &graph::Windows,
) -> (Value, Format) {
    let value = lowering.value(tensor).clone();
    let width = windows.dense.inputs();
    let same = |i: usize, k: usize| {
        let format = &value.format;
        format.scale(i) == format.scale(k) && format.offset(i) == format.offset(k)
    };
    if windows.starts().all(|start| (0..width).all(|i| same(start + i, i))) {
        lowering.readers[tensor] -= 1;
        let format = value.format.picked(0..width);
        return (value, format);
    }
    let (value, _) = lowering.take_uniform(tensor);
    let format = value.format.clone();
    (value, format)
}

/// Windows of calibration rows, spread over both.
fn samples(
    lowering: &Lowering,
    tensor: graph::TensorId,
    windows: &graph::Windows,
) -> Vec<Vec<f64>> {
    let rows = lowering.ranges.fitted(tensor);
    let width = windows.dense.inputs();
    let step = (rows.len() * windows.windows()).div_ceil(MOST_SAMPLES).max(1);
    let all = rows.flat_map(|row| windows.starts().map(move |start| (row, start)));
    let chosen = all.enumerate().filter(|(k, (_, start))| (k + start) % step == 0);
    chosen.map(|(_, (row, start))| row[start..start + width].to_vec()).collect()
}
