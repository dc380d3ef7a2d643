//! The integers of a spline layer, as the host runs them and as they are emitted.

use nervecord::arch::{self, SplineNative as Native};
use nervecord::spline::{Axis, Grid, Shape, Spline8, Spline16};
use nervecord::tensor::Quad;

use crate::emit::Items;
use crate::program::Kernel;

#[derive(Debug)]
pub(super) struct SplineKernel {
    pub shape: Shape,
    /// One for all inputs, or one an input.
    pub grids: Vec<Grid>,
    pub bits: u32,
    /// `[input][output][interval + 3]`.
    pub coefficients: Vec<i32>,
    /// `[input / 4][output][input % 4]`, or none.
    pub factors: Vec<i32>,
    pub bias: Vec<i32>,
    pub multiplier: Vec<i16>,
}

impl SplineKernel {
    fn words(&self) -> usize {
        self.shape.words(self.bits as usize)
    }
}

impl Kernel for SplineKernel {
    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        let Self { shape, grids, bias, multiplier, .. } = self;
        let base = reads.get(1).copied().unwrap_or_default();
        let mut stream = vec![0; self.words()];
        if self.bits == 8 {
            let narrow = |list: &[i32]| list.iter().map(|&c| c as i8).collect::<Vec<_>>();
            let (own, factors) = (narrow(&self.coefficients), narrow(&self.factors));
            arch::pack_spline8::<Native>(shape, &own, &factors, bias, multiplier, &mut stream);
            Spline8::new(*shape, grids, &stream).run(reads[0], base, y);
        } else {
            let narrow = |list: &[i32]| list.iter().map(|&c| c as i16).collect::<Vec<_>>();
            let (own, factors) = (narrow(&self.coefficients), narrow(&self.factors));
            arch::pack_spline16::<Native>(shape, &own, &factors, bias, multiplier, &mut stream);
            Spline16::new(*shape, grids, &stream).run(reads[0], base, y);
        }
    }

    fn emit(&self, name: &str, items: &mut Items) -> String {
        let bits = self.bits;
        items.import("spline::{Axis, Grid, Shape}");
        items.import(&format!("spline::{{Spline{bits}, pack_spline{bits}}}"));
        let grid = |g: &Grid| {
            let Grid { input, factor, offset } = g;
            format!("Grid {{ input: {input}, factor: {factor}, offset: {offset} }}")
        };
        let grids: Vec<String> = self.grids.iter().map(grid).collect();
        items.array(&format!("static {name}_GRIDS"), "Grid", &grids);
        let element = format!("i{bits}");
        items.array(&format!("static {name}_COEFFICIENTS"), &element, &self.coefficients);
        let factors = if self.factors.is_empty() {
            "&[]".to_owned()
        } else {
            items.array(&format!("static {name}_FACTORS"), &element, &self.factors);
            format!("&{name}_FACTORS")
        };
        items.array(&format!("static {name}_BIAS"), "i32", &self.bias);
        items.array(&format!("static {name}_MULTIPLIER"), "i16", &self.multiplier);
        let Shape { inputs, outputs, axis, base, base_shift, shift } = self.shape;
        let Axis { intervals, shift: fraction, tails } = axis;
        let axis = format!("Axis {{ intervals: {intervals}, shift: {fraction}, tails: {tails} }}");
        let shape = format!("inputs: {inputs}, outputs: {outputs}, axis: {axis}, base: {base}");
        items.constant(
            &format!("const {name}_SHAPE: Shape"),
            &format!("Shape {{ {shape}, base_shift: {base_shift}, shift: {shift} }}"),
        );
        items.packed(
            &format!("static {name}_PACKED: [u32; {}]", self.words()),
            &format!(
                "pack_spline{bits}(&{name}_SHAPE, &{name}_COEFFICIENTS, {factors}, &{name}_BIAS, \
                 &{name}_MULTIPLIER)"
            ),
        );
        items.constant(
            &format!("static {name}: Spline{bits}"),
            &format!("Spline{bits}::new({name}_SHAPE, &{name}_GRIDS, &{name}_PACKED)"),
        );
        let base = if self.factors.is_empty() { "&[]" } else { "x1" };
        format!("{name}.run(x0, {base}, y);")
    }

    fn table_bytes(&self) -> usize {
        self.words() * 4 + self.grids.len() * size_of::<Grid>()
    }
}
