//! Spline layers of many sizes in one module: what the kernel's edges are tested on.

use std::fmt::Write;

use nervecord::generated::{Axis, Grid, Quad, Spline8, Spline16, SplineShape};
use nervecord::host::{self, quads};
use nervecord_cli::emulate::Job;

use nervecord_tests::random::Random;

/// Activations that all layers read, the values of their base functions among them.
const INPUTS: usize = 24;
/// Rows of inputs.
const ROWS: usize = 60;
/// Layers: every mix of what they are made of, with every number of outputs left over.
const LAYERS: usize = 64;

/// A layer's tables in their plain order.
struct SplineLayer {
    bits: usize,
    shape: SplineShape,
    grids: Vec<Grid>,
    coefficients: Vec<i16>,
    factors: Vec<i16>,
    bias: Vec<i32>,
    multiplier: Vec<i16>,
}

/// All layers side by side, and what the host makes of them.
pub fn job() -> Job {
    let mut random = Random::new(11);
    let layers: Vec<SplineLayer> = (0..LAYERS).map(|k| SplineLayer::new(k, &mut random)).collect();
    let mut rows: Vec<Vec<i16>> =
        (0..ROWS).map(|_| (0..INPUTS).map(|_| random.bits() as i16).collect()).collect();
    rows.extend([i16::MIN, -1, 0, i16::MAX].map(|x| vec![x; INPUTS]));
    let expected = rows.iter().map(|row| layers.iter().flat_map(|l| l.run(row)).collect());
    let expected: Vec<Vec<i32>> = expected.collect();
    let wide = |row: &Vec<i16>| row.iter().map(|&x| i32::from(x)).collect();
    let job = Job::new("splines", module(&layers), 16, rows.iter().map(wide).collect());
    Job { expected: Some(expected), ..job }
}

impl SplineLayer {
    /// Layer `k`; its bits say of what it is made.
    fn new(k: usize, random: &mut Random) -> Self {
        let mut below = |n: u64| (random.bits() % n) as usize;
        let [tails, base, own] = [k & 1, k & 2, k & 4].map(|bit| bit != 0);
        let bits = if k & 8 == 0 { 8 } else { 16 };
        // Each number of outputs left over, with none to three blocks before.
        let outputs = 4 * below(4) + k / 16;
        let (inputs, outputs) = (1 + below(INPUTS as u64), if outputs == 0 { 4 } else { outputs });
        // Beyond 13 intervals Helium takes another kernel.
        let axis = Axis { intervals: 1 + below(20) as u8, shift: 26, tails };
        let (base_shift, shift) = (below(4) as u8, 1 + below(6) as u8);
        let shape = SplineShape { inputs, outputs, axis, base, base_shift, shift };
        let mut grid = |_| Grid {
            input: if own { below(INPUTS as u64) as u16 } else { 0 },
            factor: 1000 + below(30_000) as i16,
            offset: (below(16) as i32 - 2) << 26,
        };
        let mut grids: Vec<Grid> = (0..if own { inputs } else { 1 }).map(&mut grid).collect();
        grids.iter_mut().for_each(|grid| grid.offset %= 1 << 30);
        // As large as the sums of so many inputs and values allow.
        let largest = if bits == 8 { 128 } else { 500 };
        let mut weight = || (below(2 * largest) as i64 - largest as i64) as i16;
        let coefficients = (0..inputs * outputs * shape.count()).map(|_| weight()).collect();
        let fours = if base { quads(inputs) } else { 0 };
        let factor = |k: usize| if k / (4 * outputs) * 4 + k % 4 < inputs { weight() } else { 0 };
        let factors = (0..fours * outputs * 4).map(factor).collect();
        let bias = (0..outputs).map(|_| below(1 << 20) as i32 - (1 << 19)).collect();
        let multiplier = (0..outputs).map(|_| below(1 << 15) as i16).collect();
        Self { bits, shape, grids, coefficients, factors, bias, multiplier }
    }

    /// The layer on the host.
    fn run(&self, x: &[i16]) -> Vec<i32> {
        let Self { shape, grids, bias, multiplier, .. } = self;
        let mut quads_of_x = vec![Quad([0; 4]); quads(INPUTS)];
        host::flat_mut(&mut quads_of_x).copy_from_slice(x);
        let x = &quads_of_x;
        let mut y = vec![Quad([0; 4]); quads(SplineShape::memory(shape.outputs))];
        let mut stream = vec![0; shape.words(self.bits)];
        if self.bits == 8 {
            let narrow = |list: &[i16]| list.iter().map(|&c| c as i8).collect::<Vec<_>>();
            let (own, factors) = (narrow(&self.coefficients), narrow(&self.factors));
            host::pack_spline8(shape, &own, &factors, bias, multiplier, &mut stream);
            Spline8::new(*shape, grids, &stream).run(x, x, &mut y);
        } else {
            let (own, factors) = (&self.coefficients, &self.factors);
            host::pack_spline16(shape, own, factors, bias, multiplier, &mut stream);
            Spline16::new(*shape, grids, &stream).run(x, x, &mut y);
        }
        host::flat(&y).iter().take(shape.outputs).map(|&y| i32::from(y)).collect()
    }

    /// Its tables in the text of a module, and the layer itself as `L{k}`.
    fn write(&self, k: usize, text: &mut String) {
        let Self { bits, shape, grids, coefficients, factors, bias, multiplier } = self;
        let SplineShape { inputs, outputs, axis, base, base_shift, shift } = shape;
        let Axis { intervals, shift: fraction, tails } = axis;
        let grids: Vec<String> = grids
            .iter()
            .map(|Grid { input, factor, offset }| {
                format!("Grid {{ input: {input}, factor: {factor}, offset: {offset} }}")
            })
            .collect();
        let _ = write!(
            text,
            "const S{k}: SplineShape = SplineShape {{ inputs: {inputs}, outputs: {outputs}, axis: Axis {{ \
             intervals: {intervals}, shift: {fraction}, tails: {tails} }}, base: {base}, \
             base_shift: {base_shift}, shift: {shift} }};
             static G{k}: [Grid; {}] = [{}];
             #[allow(long_running_const_eval)]
             static P{k}: [u32; {}] = pack_spline{bits}(&S{k}, &{coefficients:?}, &{factors:?}, \
             &{bias:?}, &{multiplier:?});
             static L{k}: Spline{bits} = Spline{bits}::new(S{k}, &G{k}, &P{k});\n",
            grids.len(),
            grids.join(", "),
            shape.words(*bits),
        );
    }
}

/// The text of a module, all of whose layers read the inputs.
fn module(layers: &[SplineLayer]) -> String {
    let outputs: usize = layers.iter().map(|l| l.shape.outputs).sum();
    let bytes: usize = layers.iter().map(|l| 4 * l.shape.words(l.bits) + 8 * l.grids.len()).sum();
    let memory =
        layers.iter().map(|l| SplineShape::memory(l.shape.outputs)).max().unwrap_or_default();
    let (x, y) = (quads(INPUTS), quads(memory));
    let (mut tables, mut steps, mut first) = (String::new(), String::new(), 0);
    for (k, layer) in layers.iter().enumerate() {
        layer.write(k, &mut tables);
        let n = layer.shape.outputs;
        let _ = writeln!(
            steps,
            "let [x, y] = self.0.tensors([0..{x}, {x}..{0}]);
             L{k}.run(x, x, y);
             write16(self.0.tensor({x}..{0}), &mut all[{first}..{first} + {n}]);",
            x + y
        );
        first += n;
    }
    format!(
        "pub mod model {{
use nervecord::generated::{{
    Axis, Grid, Quad, Scratch, Spline8, Spline16, SplineShape, limits16, pack_spline8, pack_spline16,
    read16, write16,
}};
pub const INPUTS: usize = {INPUTS};
pub const OUTPUTS: usize = {outputs};
pub type RawInput = i16;
pub type RawOutput = i16;
pub const TABLE_BYTES: usize = {bytes};
static LIMITS: [Quad; 2 * {x}] = limits16(&[[-32767, 32766]; INPUTS]);
{tables}
pub struct Model(Scratch<{}>);
impl Model {{
    pub const fn new() -> Self {{
        Self(Scratch::new())
    }}
    pub fn step_raw_into(&mut self, input: &[RawInput; INPUTS], all: &mut [RawOutput; OUTPUTS]) {{
        read16(input, &LIMITS, self.0.tensor(0..{x}));
        {steps}
    }}
}}
}}
",
        x + y
    )
}
