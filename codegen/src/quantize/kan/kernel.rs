//! The integers of a spline layer, as the host runs them and as they are emitted.

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
    /// `[input][output][interval + 3]`.
    pub coefficients: Vec<i32>,
    /// `[input / 4][output][input % 4]`, or none.
    pub factors: Vec<i32>,
    /// See [`Tables::base_shift`].
    pub base_shift: u8,
    pub bias: Vec<i32>,
    pub multiplier: Vec<i16>,
    pub shift: u8,
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
}

impl Kernel for SplineKernel {
    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        let base = reads.get(1).copied().unwrap_or_default();
        if self.bits == 8 {
            let narrow = |list: &[i32]| list.iter().map(|&c| c as i8).collect::<Vec<_>>();
            let (coefficients, factors) = (narrow(&self.coefficients), narrow(&self.factors));
            let tables = self.tables(&coefficients, &factors);
            Spline::new(self.axis, &self.grids, self.inputs, tables).run(reads[0], base, y);
        } else {
            let narrow = |list: &[i32]| list.iter().map(|&c| c as i16).collect::<Vec<_>>();
            let (coefficients, factors) = (narrow(&self.coefficients), narrow(&self.factors));
            let tables = self.tables(&coefficients, &factors);
            Spline::new(self.axis, &self.grids, self.inputs, tables).run(reads[0], base, y);
        }
    }

    fn emit(&self, name: &str, items: &mut Items) -> String {
        let bits = self.bits;
        items.import(&format!("spline::{{Axis, Grid, Spline{bits}, Tables}}"));
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
        let value = format!("Spline{bits}::new({axis}, &{name}_GRIDS, {}, {tables})", self.inputs);
        items.constant(&format!("static {name}: Spline{bits}"), &value);
        let base = if self.factors.is_empty() { "&[]" } else { "x1" };
        format!("{name}.run(x0, {base}, y);")
    }

    fn table_bytes(&self) -> usize {
        let weights = (self.coefficients.len() + self.factors.len()) * self.bits as usize / 8;
        weights
            + self.bias.len() * 4
            + self.multiplier.len() * 2
            + self.grids.len() * size_of::<Grid>()
    }
}
