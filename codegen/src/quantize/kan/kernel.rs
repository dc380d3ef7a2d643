//! The integers of a spline layer, as the host runs them and as they are emitted.

use std::sync::OnceLock;

use nervecord::edges::{Sparse, Tables};
use nervecord::host;
use nervecord::spline::{Axis, Grid, Shape, Spline8, Spline16};
use nervecord::tensor::Quad;

use super::check::Check;
use crate::emit::Items;
use crate::program::Kernel;

#[derive(Debug)]
pub(super) struct SplineKernel {
    pub shape: Shape,
    /// One for all inputs, or one an input.
    pub grids: Vec<Grid>,
    pub bits: u32,
    /// `[input][output][interval + 3]`, or `[edge][interval + 3]` with a list of edges.
    pub coefficients: Vec<i32>,
    /// `[input / 4][output][input % 4]`, `[edge]` with a list of edges, or none.
    pub factors: Vec<i32>,
    /// The edges that are not zero, where most are.
    pub edges: Option<EdgeList>,
    pub bias: Vec<i32>,
    pub multiplier: Vec<i16>,
    /// The same edges as they were trained.
    pub check: Check,
    /// All edges as the host's kernel wants them, once it has run.
    pub packed: OnceLock<Vec<u32>>,
}

/// Which edges a sparse layer has.
#[derive(Debug)]
pub(super) struct EdgeList {
    /// How many leave each input.
    pub fans: Vec<u8>,
    /// Where each ends.
    pub outputs: Vec<u8>,
}

fn narrow8(list: &[i32]) -> Vec<i8> {
    list.iter().map(|&c| c as i8).collect()
}

fn narrow16(list: &[i32]) -> Vec<i16> {
    list.iter().map(|&c| c as i16).collect()
}

impl SplineKernel {
    fn words(&self) -> usize {
        self.shape.words(self.bits as usize)
    }

    fn pack(&self) -> Vec<u32> {
        let Self { shape, coefficients, factors, bias, multiplier, .. } = self;
        let mut stream = vec![0; self.words()];
        if self.bits == 8 {
            let (own, factors) = (narrow8(coefficients), narrow8(factors));
            host::pack_spline8(shape, &own, &factors, bias, multiplier, &mut stream);
        } else {
            let (own, factors) = (narrow16(coefficients), narrow16(factors));
            host::pack_spline16(shape, &own, &factors, bias, multiplier, &mut stream);
        }
        stream
    }

    /// Runs a layer that has all edges.
    fn run_full(&self, x: &[Quad], base: &[Quad], y: &mut [Quad]) {
        let stream = self.packed.get_or_init(|| self.pack());
        if self.bits == 8 {
            Spline8::new(self.shape, &self.grids, stream).run(x, base, y);
        } else {
            Spline16::new(self.shape, &self.grids, stream).run(x, base, y);
        }
    }

    /// Runs a layer that has only the edges of a list.
    fn run_listed(&self, list: &EdgeList, x: &[Quad], base: &[Quad], y: &mut [Quad]) {
        let Self { shape, grids, coefficients, factors, bias, multiplier, .. } = self;
        let EdgeList { fans, outputs } = list;
        if self.bits == 8 {
            let (coefficients, factors) = (&narrow8(coefficients)[..], &narrow8(factors)[..]);
            let tables = Tables { fans, outputs, coefficients, factors, bias, multiplier };
            Sparse::new(*shape, grids, tables).run(x, base, y);
        } else {
            let (coefficients, factors) = (&narrow16(coefficients)[..], &narrow16(factors)[..]);
            let tables = Tables { fans, outputs, coefficients, factors, bias, multiplier };
            Sparse::new(*shape, grids, tables).run(x, base, y);
        }
    }

    /// The layer's constructor, over the tables in `items`.
    fn emit_full(&self, name: &str, factors: &str, items: &mut Items) {
        let bits = self.bits;
        items.import(&format!("spline::{{Spline{bits}, pack_spline{bits}}}"));
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
    }

    /// As [`emit_full`](Self::emit_full), for a layer that has only the edges of a list.
    fn emit_listed(&self, name: &str, list: &EdgeList, factors: &str, items: &mut Items) {
        let bits = self.bits;
        items.import("edges::Tables");
        items.import(&format!("edges::Sparse{bits}"));
        items.array(&format!("static {name}_FANS"), "u8", &list.fans);
        items.array(&format!("static {name}_OUTPUTS"), "u8", &list.outputs);
        items.constant(
            &format!("const {name}_TABLES: Tables<i{bits}>"),
            &format!(
                "Tables {{ fans: &{name}_FANS, outputs: &{name}_OUTPUTS, coefficients: &{name}_COEFFICIENTS, \
                 factors: {factors}, bias: &{name}_BIAS, multiplier: &{name}_MULTIPLIER }}"
            ),
        );
        items.constant(
            &format!("static {name}: Sparse{bits}"),
            &format!("Sparse{bits}::new({name}_SHAPE, &{name}_GRIDS, {name}_TABLES)"),
        );
    }
}

impl Kernel for SplineKernel {
    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        let base = reads.get(1).copied().unwrap_or_default();
        match &self.edges {
            None => self.run_full(reads[0], base, y),
            Some(list) => self.run_listed(list, reads[0], base, y),
        }
    }

    fn emit(&self, name: &str, items: &mut Items) -> String {
        items.import("spline::{Axis, Grid, Shape}");
        let grid = |g: &Grid| {
            let Grid { input, factor, offset } = g;
            format!("Grid {{ input: {input}, factor: {factor}, offset: {offset} }}")
        };
        let grids: Vec<String> = self.grids.iter().map(grid).collect();
        items.array(&format!("static {name}_GRIDS"), "Grid", &grids);
        let element = format!("i{}", self.bits);
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
        match &self.edges {
            None => self.emit_full(name, &factors, items),
            Some(list) => self.emit_listed(name, list, &factors, items),
        }
        let base = if self.factors.is_empty() { "&[]" } else { "x1" };
        format!("{name}.run(x0, {base}, y);")
    }

    fn worst_error(&self) -> Option<f64> {
        Some(self.check.worst_error())
    }

    fn table_bytes(&self) -> usize {
        let tables = match &self.edges {
            None => self.words() * 4,
            Some(list) => {
                let numbers = self.coefficients.len() + self.factors.len();
                numbers * self.bits as usize / 8
                    + self.bias.len() * 4
                    + self.multiplier.len() * 2
                    + list.fans.len()
                    + list.outputs.len()
            }
        };
        tables + self.grids.len() * size_of::<Grid>()
    }
}
