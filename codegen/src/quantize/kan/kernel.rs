//! The integers of a spline layer, as the host runs them and as they are emitted.

use nervecord::arch::Coefficient;
use nervecord::edges::Sparse;
use nervecord::spline::{Axis, Grid, Spline, Tables};
use nervecord::tensor::Quad;

use crate::emit::Items;
use crate::program::Kernel;

#[derive(Debug)]
pub(super) struct SplineKernel {
    pub axis: Axis,
    /// One for all inputs, or one an input.
    pub grids: Vec<Grid>,
    pub inputs: usize,
    pub bits: u32,
    /// `[input][output][interval + 3]`, or `[edge][interval + 3]` with a list of edges.
    pub coefficients: Vec<i32>,
    /// `[input / 4][output][input % 4]`, `[edge]` with a list of edges, or none.
    pub factors: Vec<i32>,
    /// The edges that are not zero, where most are.
    pub edges: Option<EdgeList>,
    /// See [`Tables::base_shift`].
    pub base_shift: u8,
    pub bias: Vec<i32>,
    pub multiplier: Vec<i16>,
    pub shift: u8,
}

/// Which edges a sparse layer has.
#[derive(Debug)]
pub(super) struct EdgeList {
    /// How many leave each input.
    pub fans: Vec<u8>,
    /// Where each ends.
    pub outputs: Vec<u8>,
}

impl SplineKernel {
    fn tables<'a, C>(&'a self, coefficients: &'a [C], base: &'a [C]) -> Tables<'a, C> {
        Tables {
            coefficients,
            base,
            base_shift: self.base_shift,
            bias: &self.bias,
            multiplier: &self.multiplier,
            shift: self.shift,
        }
    }

    fn run_with<C: Coefficient>(&self, narrow: fn(i32) -> C, reads: &[&[Quad]], y: &mut [Quad]) {
        let base = reads.get(1).copied().unwrap_or_default();
        let all = |list: &[i32]| list.iter().map(|&c| narrow(c)).collect::<Vec<C>>();
        let (coefficients, factors) = (all(&self.coefficients), all(&self.factors));
        let tables = self.tables(&coefficients, &factors);
        match &self.edges {
            None => Spline::new(self.axis, &self.grids, self.inputs, tables).run(reads[0], base, y),
            Some(EdgeList { fans, outputs }) => {
                Sparse::new(self.axis, &self.grids, fans, outputs, tables).run(reads[0], base, y);
            }
        }
    }
}

impl Kernel for SplineKernel {
    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        match self.bits {
            8 => self.run_with(|c| c as i8, reads, y),
            _ => self.run_with(|c| c as i16, reads, y),
        }
    }

    fn emit(&self, name: &str, items: &mut Items) -> String {
        let bits = self.bits;
        let kind = match self.edges {
            None => {
                items.import(&format!("spline::{{Axis, Grid, Spline{bits}, Tables}}"));
                format!("Spline{bits}")
            }
            Some(_) => {
                items.import("spline::{Axis, Grid, Tables}");
                items.import(&format!("edges::Sparse{bits}"));
                format!("Sparse{bits}")
            }
        };
        let grid = |g: &Grid| {
            let Grid { input, factor, offset } = g;
            format!("Grid {{ input: {input}, factor: {factor}, offset: {offset} }}")
        };
        let grids: Vec<String> = self.grids.iter().map(grid).collect();
        items.array(&format!("static {name}_GRIDS"), "Grid", &grids);
        let element = format!("i{bits}");
        items.array(&format!("static {name}_COEFFICIENTS"), &element, &self.coefficients);
        let base = if self.factors.is_empty() {
            "&[]".to_owned()
        } else {
            items.array(&format!("static {name}_FACTORS"), &element, &self.factors);
            format!("&{name}_FACTORS")
        };
        items.array(&format!("static {name}_BIAS"), "i32", &self.bias);
        items.array(&format!("static {name}_MULTIPLIER"), "i16", &self.multiplier);
        let Axis { intervals, shift, tails } = self.axis;
        let tables = format!(
            "Tables {{ coefficients: &{name}_COEFFICIENTS, base: {base}, base_shift: {}, bias: &{name}_BIAS, \
             multiplier: &{name}_MULTIPLIER, shift: {} }}",
            self.base_shift, self.shift
        );
        let axis = format!("Axis {{ intervals: {intervals}, shift: {shift}, tails: {tails} }}");
        let shape = match &self.edges {
            None => self.inputs.to_string(),
            Some(EdgeList { fans, outputs }) => {
                items.array(&format!("static {name}_FANS"), "u8", fans);
                items.array(&format!("static {name}_OUTPUTS"), "u8", outputs);
                format!("&{name}_FANS, &{name}_OUTPUTS")
            }
        };
        let value = format!("{kind}::new({axis}, &{name}_GRIDS, {shape}, {tables})");
        items.constant(&format!("static {name}: {kind}"), &value);
        let base = if self.factors.is_empty() { "&[]" } else { "x1" };
        format!("{name}.run(x0, {base}, y);")
    }

    fn table_bytes(&self) -> usize {
        let weights = (self.coefficients.len() + self.factors.len()) * self.bits as usize / 8;
        weights
            + self.bias.len() * 4
            + self.multiplier.len() * 2
            + self.grids.len() * size_of::<Grid>()
            + self.edges.as_ref().map_or(0, |list| list.fans.len() + list.outputs.len())
    }
}
