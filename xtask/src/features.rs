//! Layers that treat every feature by itself in one module: functions, sums, products and copies of many sizes.

use std::fmt::Write;

use nervecord::generated::{Add, FunctionRun, Functions, Mul, Place, Quad, Table};
use nervecord::host::{self, quads};
use nervecord_cli::emulate::Job;

use nervecord_tests::random::Random;

/// Activations that all layers read.
const INPUTS: usize = 24;
/// Quads of each of the two tensors that a sum or a product takes.
const HALF: usize = INPUTS / 8;
/// Quads of the inputs.
const READ: usize = INPUTS / 4;
/// Rows of inputs.
const ROWS: usize = 60;

/// A layer: its tables, what the module does with it, and what the host makes of a row.
struct Layer {
    tables: String,
    statement: String,
    /// Quads that it gets to write, one more than it needs.
    written: usize,
    expected: Vec<Vec<i16>>,
}

impl Layer {
    /// What `run` writes where there were zeros.
    fn new(
        tables: String,
        statement: String,
        features: usize,
        x: &[Vec<Quad>],
        run: impl Fn(&[Quad], &mut [Quad]),
    ) -> Self {
        let written = quads(features) + 1;
        let row = |x: &Vec<Quad>| {
            let mut y = vec![Quad([0; 4]); written];
            run(x, &mut y);
            host::flat(&y).to_vec()
        };
        Self { tables, statement, written, expected: x.iter().map(row).collect() }
    }
}

/// All layers side by side, and what the host makes of them.
pub fn job() -> Job {
    let mut random = Random::new(13);
    let mut rows: Vec<Vec<i16>> =
        (0..ROWS).map(|_| (0..INPUTS).map(|_| random.bits() as i16).collect()).collect();
    rows.extend([i16::MIN, -1, 0, i16::MAX].map(|x| vec![x; INPUTS]));
    let x: Vec<Vec<Quad>> = rows.iter().map(|row| tensor(row)).collect();
    let mut layers = Vec::new();
    // Every number of features by itself, then runs beside each other.
    for count in 1..=INPUTS {
        layers.push(functions(layers.len(), &[(INPUTS - count, count)], &x, &mut random));
    }
    for runs in 2..4 {
        for longest in [4, 7, 8, 12] {
            let mut below = |n: usize| (random.bits() % n as u64) as usize;
            let runs: Vec<_> = (0..runs)
                .map(|_| {
                    (2 * below(6), if longest % 4 == 0 { longest } else { 1 + below(longest) })
                })
                .collect();
            layers.push(functions(layers.len(), &runs, &x, &mut random));
        }
    }
    for shift in 1..=16 {
        let factors = [(); 2].map(|()| (random.bits() as i16).max(-32767));
        let add = Add { factors, shift };
        layers.push(of_two(format!("{add:?}"), |y, other| add.run(y, other), &x));
        let (half, multiplier) = (random.bits() as i32 & 0xffff, (random.bits() & 0x7fff) as i16);
        let mul = Mul { half, multiplier, shift: shift - 1 };
        layers.push(of_two(format!("{mul:?}"), |y, other| mul.run(y, other), &x));
    }
    for features in 1..=INPUTS {
        let offset = (random.bits() % 9) as usize;
        let place = Place { offset, features, factor: 1 << 14, shift: 14 };
        let statement = format!("{place:?}.run(x, y);");
        layers.push(Layer::new(String::new(), statement, offset + features, &x, |x, y| {
            place.run(x, y);
        }));
    }
    let expected = (0..rows.len())
        .map(|row| layers.iter().flat_map(|l| l.expected[row].iter().map(|&y| y.into())).collect());
    let expected: Vec<Vec<i32>> = expected.collect();
    let wide = |row: &Vec<i16>| row.iter().map(|&x| i32::from(x)).collect();
    let job = Job::new("features", module(&layers), 16, rows.iter().map(wide).collect());
    Job { expected: Some(expected), ..job }
}

/// A row as a tensor.
fn tensor(row: &[i16]) -> Vec<Quad> {
    let mut x = vec![Quad([0; 4]); quads(row.len())];
    host::flat_mut(&mut x)[..row.len()].copy_from_slice(row);
    x
}

/// Functions in random pieces over runs, first feature and number.
fn functions(k: usize, runs: &[(usize, usize)], x: &[Vec<Quad>], random: &mut Random) -> Layer {
    let pieces = |_: &(usize, usize)| {
        let count = 2 + 2 * (random.bits() % 40);
        (0..count).map(|_| random.bits() as u32).collect::<Vec<_>>()
    };
    let pieces: Vec<Vec<u32>> = runs.iter().map(pieces).collect();
    let tables = pieces.iter().map(|pieces| Table::new(pieces));
    let list: Vec<FunctionRun> = runs
        .iter()
        .zip(tables)
        .map(|(&(from, count), table)| FunctionRun { table, from, count })
        .collect();
    let layer = Functions::new(&list);
    let mut text = String::new();
    for (i, pieces) in pieces.iter().enumerate() {
        let _ = writeln!(text, "static T{k}_{i}: [u32; {}] = {pieces:?};", pieces.len());
    }
    let _ = writeln!(text, "static R{k}: [FunctionRun; {}] = [", runs.len());
    for (i, (from, count)) in runs.iter().enumerate() {
        let _ = writeln!(
            text,
            "FunctionRun {{ table: Table::new(&T{k}_{i}), from: {from}, count: {count} }},"
        );
    }
    let _ = writeln!(text, "]; static L{k}: Functions = Functions::new(&R{k});");
    let features = runs.iter().map(|run| run.1).sum();
    Layer::new(text, format!("L{k}.run(x, y);"), features, x, |x, y| layer.run(x, y))
}

/// A layer of the first and the second half of the activations, in place on a copy of the first.
fn of_two(layer: String, run: impl Fn(&mut [Quad], &[Quad]), x: &[Vec<Quad>]) -> Layer {
    let statement = format!(
        "let ((x, other), y) = (x.split_at({HALF}), &mut y[..{HALF}]);
         y.copy_from_slice(x);
         {layer}.run(y, other);"
    );
    Layer::new(String::new(), statement, 4 * HALF, x, |x, y| {
        let (x, other) = x.split_at(HALF);
        y[..HALF].copy_from_slice(x);
        run(&mut y[..HALF], other);
    })
}

/// The text of a module, all of whose layers write where there were zeros.
fn module(layers: &[Layer]) -> String {
    let (mut tables, mut steps, mut first) = (String::new(), String::new(), 0);
    for layer in layers {
        tables += &layer.tables;
        let width = 4 * layer.written;
        let _ = writeln!(
            steps,
            "let [x, y] = self.0.tensors([0..{READ}, {READ}..{}]);
             y.fill(Quad([0; 4]));
             {{ {} }}
             write16(y, &mut all[{first}..{first} + {width}]);",
            READ + layer.written,
            layer.statement,
        );
        first += width;
    }
    let memory = READ + layers.iter().map(|l| l.written).max().unwrap_or_default();
    format!(
        "pub mod model {{
use nervecord::generated::{{
    Add, FunctionRun, Functions, Mul, Place, Quad, Scratch, Table, limits16, read16, write16,
}};
pub const INPUTS: usize = {INPUTS};
pub const OUTPUTS: usize = {first};
pub type RawInput = i16;
pub type RawOutput = i16;
pub const TABLE_BYTES: usize = 0;
static LIMITS: [Quad; 2 * {READ}] = limits16(&[[-32767, 32766]; INPUTS]);
{tables}
pub struct Model(Scratch<{memory}>);
impl Model {{
    pub const fn new() -> Self {{
        Self(Scratch::new())
    }}
    pub fn step_raw_into(&mut self, input: &[RawInput; INPUTS], all: &mut [RawOutput; OUTPUTS]) {{
        read16(input, &LIMITS, self.0.tensor(0..{READ}));
        {steps}
    }}
}}
}}
"
    )
}
