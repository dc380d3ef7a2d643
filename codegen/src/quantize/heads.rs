//! Layer normalisation, softmax and argmax.

use nervecord::head::{self, Softmax};
use nervecord::norm::Normalize;
use nervecord::table::Table;
use nervecord::tensor::Quad;

use super::{Format, Lowering, map, port};
use crate::emit::Items;
use crate::error::{Error, Result};
use crate::graph::Node;
use crate::program::{Kernel, TensorFormat};

impl Kernel for Normalize {
    fn run(&self, _: &[&[Quad]], y: &mut [Quad]) {
        Self::run(self, y);
    }

    fn emit(&self, name: &str, items: &mut Items) -> String {
        items.import("norm::Normalize");
        let Self { features, epsilon, frac } = self;
        let fields = format!("features: {features}, epsilon: {epsilon}, frac: {frac}");
        items.constant(&format!("const {name}: Normalize"), &format!("Normalize {{ {fields} }}"));
        format!("{name}.run(y);")
    }

    fn table_bytes(&self) -> usize {
        0
    }
}

#[derive(Debug)]
struct SoftmaxKernel {
    features: u16,
    exp: Vec<u32>,
}

impl Kernel for SoftmaxKernel {
    fn run(&self, _: &[&[Quad]], y: &mut [Quad]) {
        Softmax { features: self.features, exp: Table::new(&self.exp) }.run(y);
    }

    fn emit(&self, name: &str, items: &mut Items) -> String {
        items.import("head::Softmax");
        items.import("table::Table");
        let exp = items.pieces(&format!("{name}_EXP"), &self.exp);
        let fields = format!("features: {}, exp: Table::new(&{exp})", self.features);
        items.constant(&format!("const {name}: Softmax"), &format!("Softmax {{ {fields} }}"));
        format!("{name}.run(y);")
    }

    fn table_bytes(&self) -> usize {
        self.exp.len() * 4
    }
}

#[derive(Debug)]
struct ArgMaxKernel {
    features: usize,
}

impl Kernel for ArgMaxKernel {
    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        head::argmax_tensor(self.features, reads[0], y);
    }

    fn emit(&self, _: &str, items: &mut Items) -> String {
        items.import("head::argmax_tensor");
        format!("argmax_tensor({}, x0, y);", self.features)
    }

    fn table_bytes(&self) -> usize {
        0
    }
}

pub(super) fn lower_normalize(lowering: &mut Lowering, node: &Node, epsilon: f64) -> Result<()> {
    let (value, scale) = lowering.take_uniform_in_place(node.inputs[0]);
    let n = value.features;
    if n > 8192 {
        return Err(Error::new("a layer normalisation is too wide")
            .at(format!("node `{}`", node.name))
            .expected("at most 8192 features")
            .found(n));
    }
    let step = port::power_of_two(lowering.magnitude(node.output).max(1.0));
    let kernel = Normalize {
        features: n as u16,
        epsilon: (epsilon / (scale * scale) * (n * n) as f64).round() as u64,
        frac: (-step.log2()).clamp(0.0, 15.0) as u8,
    };
    let format = Format::uniform(f64::powi(2.0, -i32::from(kernel.frac)));
    lowering.push(&node.name, Box::new(kernel), vec![], value.storage);
    lowering.define(node.output, value.storage, format);
    lowering.report(node, "normalize".into(), String::new());
    Ok(())
}

pub(super) fn lower_softmax(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let (value, scale) = lowering.take_uniform_in_place(node.inputs[0]);
    let exact: Vec<f64> = (0..65536).map(|d| (-f64::from(d) * scale).exp() * 32767.0).collect();
    let fit = map::fit(&exact, &vec![1.0; 65536], 3.0);
    let worst = fit.worst / 32768.0;
    let kernel = SoftmaxKernel { features: value.features as u16, exp: fit.pieces };
    lowering.push(&node.name, Box::new(kernel), vec![], value.storage);
    let format = Format { low: 0, ..Format::uniform(f64::powi(2.0, -15)) };
    lowering.define(node.output, value.storage, format);
    lowering.report(node, "softmax".into(), String::new()).worst_error = Some(worst);
    Ok(())
}

pub(super) fn lower_argmax(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let (value, scale) = lowering.take_uniform(node.inputs[0]);
    let storage = lowering.new_storage(1);
    let kernel = ArgMaxKernel { features: value.features };
    if node.output == lowering.graph.output {
        let (storage, features) = (value.storage, value.features);
        lowering.scores = Some(TensorFormat { storage, features, scale });
    }
    lowering.push(&node.name, Box::new(kernel), vec![value.storage], storage);
    lowering.define(node.output, storage, Format { low: 0, ..Format::uniform(1.0) });
    lowering.report(node, "argmax".into(), String::new());
    Ok(())
}
