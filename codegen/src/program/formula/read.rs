//! The formulas of each kind of kernel, read from its data. Stands on fields and blocks.

use nervecord::generated::{Axis, Grid};
use nervecord::host::quads;

use super::block::Block;
use super::fields::Fields;
use super::meaning::{Edge, Finish, Formula, Lane, Meaning, Sum};
use crate::error::{Error, Result};
use crate::program::kernel::{Data, Operand};

/// The most features that a kernel writes or reads.
const MOST: usize = 1 << 20;

/// Refuses more features than there can be.
fn few(factors: &[usize]) -> Result<()> {
    let all =
        factors.iter().try_fold(1_usize, |all, n| all.checked_mul(*n)).filter(|all| *all <= MOST);
    all.map(drop).ok_or_else(missing)
}

/// `2^shift`, or 0 where there is none.
fn power(shift: i64) -> i64 {
    u32::try_from(shift).ok().filter(|shift| *shift < 62).map_or(0, |shift| 1 << shift)
}

/// A feature of an operand.
fn lane(operand: usize, feature: usize) -> Lane {
    Lane { operand: operand as u32, feature: feature as u32 }
}

impl Meaning {
    /// The meaning of a kernel.
    ///
    /// # Errors
    /// The data is not that of a kernel that is known.
    pub fn of(data: &Data) -> Result<Self> {
        let fields = Fields::of(data);
        // The storage written is an operand as well, behind all that are read.
        let reads = data.operands.iter().filter(|o| matches!(o, Operand::Read(_))).count();
        match fields.kind() {
            "Dense4" | "Dense8" | "Dense16" => dense(&fields, &[0]),
            "Windows4" | "Windows8" | "Windows16" => {
                let ([outer, inner], [steps, step]) =
                    (fields.counts("count")?, fields.counts("step")?);
                few(&[outer, inner])?;
                let starts = (0..outer).flat_map(|o| (0..inner).map(move |i| o * steps + i * step));
                dense(&fields.record("dense")?, &starts.collect::<Vec<_>>())
            }
            "Pruned8" => pruned(&fields, |link| vec![link & 0xff, i64::from((link as i16) >> 8)]),
            "Pruned16" => pruned(&fields, |word| vec![word]),
            "Lazy8" | "Lazy16" => lazy(&fields),
            "Functions" => functions(&fields, data.method == "run_in_place"),
            "Affine" | "AffineRows" => affine(&fields),
            "Place" => place(&fields),
            "Add" | "Mul" | "GatedMul" | "Extreme" => of_two(&fields, data, reads),
            "Select" => Ok(copies(0, fields.list_of("indices")?.into_iter().map(|i| i as usize))),
            "Strided" => strided(&fields),
            "Pad" => pad(&fields),
            "DelayLine" => {
                let (kept, row) = (fields.count("kept")?, fields.count("row")?);
                let stays = (0..kept).map(|i| lane(1, i + row));
                Ok(Self::copying(stays.chain((0..row).map(|i| lane(0, i)))))
            }
            "GroupExtreme" => {
                let (groups, members) = (fields.count("groups")?, fields.count("members")?);
                few(&[groups, members])?;
                let largest = fields.switch("largest")?;
                let group = |g: usize| (0..members).map(|i| lane(0, g * members + i)).collect();
                let extreme = |g| (g as u32, Formula::Extreme { largest, of: group(g) });
                Ok(Self { features: (0..groups).map(extreme).collect(), ..Self::default() })
            }
            "Spline8" | "Spline16" => full_spline(&fields),
            "SparseSpline8" | "SparseSpline16" => sparse_spline(&fields),
            _ => blocks(&fields, reads),
        }
    }

    /// Features that are copies of others.
    fn copying(lanes: impl Iterator<Item = Lane>) -> Self {
        let features = lanes.enumerate().map(|(i, lane)| (i as u32, Formula::Copy(lane)));
        Self { features: features.collect(), ..Self::default() }
    }

    /// Sums, the first of which becomes feature `from`.
    fn summing(sums: impl Iterator<Item = Sum>) -> Self {
        let features = sums.enumerate().map(|(i, sum)| (i as u32, Formula::Sum(sum)));
        Self { features: features.collect(), ..Self::default() }
    }
}

fn copies(operand: usize, features: impl Iterator<Item = usize>) -> Meaning {
    Meaning::copying(features.map(|i| lane(operand, i)))
}

/// A dense layer at each of some places of its input.
fn dense(fields: &Fields, starts: &[usize]) -> Result<Meaning> {
    let (weights, bias) = (fields.list("WEIGHTS")?, fields.list("BIAS")?);
    let (multiplier, shift) = (fields.list("MULTIPLIER")?, fields.packed("PACKED", 3)?);
    let (inputs, relu) = (fields.count("inputs")?.max(1), fields.switch("relu")?);
    let rows = || weights.chunks(inputs).zip(&bias).zip(&multiplier);
    let at = |start: usize| {
        rows().map(move |((row, &bias), &multiplier)| {
            let terms = row.iter().enumerate().filter(|(_, w)| **w != 0);
            let terms = terms.map(|(i, &w)| (lane(0, start + i), w)).collect();
            Sum::of(terms, bias, Finish::requantize(multiplier, shift, relu))
        })
    };
    Ok(Meaning::summing(starts.iter().flat_map(|&start| at(start))))
}

/// What finishes the sums of a sparse layer: addends, and a finish an output.
fn finishes(fields: &Fields) -> Result<Vec<(i64, Finish)>> {
    let finish = fields.record("finish")?;
    let (bias, multiplier) = (finish.list_of("bias")?, finish.list_of("multiplier")?);
    let (shift, relu) = (finish.number("shift")?, finish.switch("relu")?);
    let of = |m: i64| Finish::requantize(m, shift, relu);
    Ok(bias.into_iter().zip(multiplier.into_iter().map(of)).collect())
}

/// Links of a distance and a weight, two numbers each once `split`.
fn pruned(fields: &Fields, split: impl Fn(i64) -> Vec<i64>) -> Result<Meaning> {
    let words: Vec<i64> = fields.list("LINKS")?.into_iter().flat_map(split).collect();
    let mut links = words.chunks_exact(2);
    let counts = fields.list("COUNTS")?;
    let rows = counts.into_iter().zip(finishes(fields)?);
    let sums: Vec<Sum> = rows
        .map(|(count, (bias, finish))| {
            let mut column = 0;
            let link = |link: &[i64]| {
                column += link[0] as usize;
                (lane(0, column), i64::from(link[1] as i16))
            };
            let terms = links.by_ref().take(count as usize).map(link);
            Sum::of(terms.filter(|(_, w)| *w != 0).collect(), bias, finish)
        })
        .collect();
    Ok(Meaning::summing(sums.into_iter()))
}

/// Weights in columns of four outputs.
fn lazy(fields: &Fields) -> Result<Meaning> {
    let (inputs, weights) = (fields.count("inputs")?, fields.list("WEIGHTS")?);
    let sum = |(o, (bias, finish)): (usize, (i64, Finish))| {
        let weight = |i: usize| weights.get((o / 4 * inputs + i) * 4 + o % 4).copied();
        let terms = (0..inputs).filter_map(|i| Some((lane(0, i), weight(i)?)));
        Sum::of(terms.filter(|(_, w)| *w != 0).collect(), bias, finish)
    };
    Ok(Meaning::summing(finishes(fields)?.into_iter().enumerate().map(sum)))
}

fn functions(fields: &Fields, in_place: bool) -> Result<Meaning> {
    let mut meaning = Meaning::default();
    for run in fields.records("runs")? {
        let table = meaning.tables.len();
        meaning.tables.push(run.pieces("table")?);
        let (from, count) = (run.count("from")?, run.count("count")?);
        for i in from..from + count {
            let to = if in_place { i } else { meaning.features.len() };
            meaning.features.push((to as u32, Formula::Table(lane(0, i), table)));
        }
    }
    Ok(meaning)
}

fn affine(fields: &Fields) -> Result<Meaning> {
    let lines = fields.records("lines")?;
    let rows = if fields.kind() == "Affine" { 1 } else { fields.count("rows")? };
    few(&[rows, lines.len()])?;
    let mut sums = Vec::new();
    for i in 0..rows * lines.len() {
        let line = &lines[i % lines.len()];
        let finish = Finish::shift(line.number("shift")? & 15);
        sums.push(Sum::of(
            vec![(lane(0, i), line.number("weight")?)],
            line.number("bias")?,
            finish,
        ));
    }
    Ok(Meaning::summing(sums.into_iter()))
}

fn place(fields: &Fields) -> Result<Meaning> {
    let (offset, features) = (fields.count("offset")?, fields.count("features")?);
    let (factor, shift) = (fields.number("factor")?, fields.number("shift")?);
    let one = |i: usize| match factor == power(shift) {
        true => Formula::Copy(lane(0, i)),
        false => {
            let half = power(shift - 1);
            Formula::Sum(Sum::of(vec![(lane(0, i), factor)], half, Finish::shift(shift)))
        }
    };
    let features = (0..features).map(|i| ((offset + i) as u32, one(i)));
    Ok(Meaning { features: features.collect(), ..Meaning::default() })
}

/// Kernels of two tensors, the first in place: behind whole quads nothing is read.
fn of_two(fields: &Fields, data: &Data, own: usize) -> Result<Meaning> {
    let pair = |i: usize| [lane(own, i), lane(0, i)];
    let of = |finish: Finish, constant: i64| Sum::of(vec![], constant, finish);
    let scaled = || -> Result<Sum> {
        let finish =
            Finish::requantize(fields.number("multiplier")?, fields.number("shift")?, false);
        Ok(of(finish, fields.number("half")?))
    };
    let formula: Box<dyn Fn(usize) -> Formula> = match fields.kind() {
        "Add" => {
            let (factors, shift) = (fields.numbers("factors")?, fields.number("shift")?);
            let sum = of(Finish::shift(shift), power(shift - 1));
            Box::new(move |i| {
                let terms = pair(i).into_iter().zip(factors.iter().copied()).collect();
                Formula::Sum(Sum { terms, ..sum.clone() })
            })
        }
        "Mul" => {
            let sum = scaled()?;
            Box::new(move |i| Formula::Sum(Sum { products: vec![(pair(i), 1)], ..sum.clone() }))
        }
        "GatedMul" => {
            let sum = scaled()?;
            // (q + 32767) x
            Box::new(move |i| {
                let (terms, products) = (vec![(pair(i)[0], 32767)], vec![(pair(i), 1)]);
                Formula::Sum(Sum { terms, products, ..sum.clone() })
            })
        }
        _ => {
            let largest = fields.switch("largest")?;
            Box::new(move |i| Formula::Extreme { largest, of: pair(i).to_vec() })
        }
    };
    let features = 0..4 * data.quads.unwrap_or(0);
    Ok(Meaning {
        features: features.map(|i| (i as u32, formula(i))).collect(),
        ..Meaning::default()
    })
}

fn strided(fields: &Fields) -> Result<Meaning> {
    let (first, step) = (fields.count("first")?, fields.counts::<4>("step")?);
    let [a, b, c, d] = fields.counts("count")?;
    few(&[a, b, c, d])?;
    let mut features = Vec::new();
    for i in 0..a * b * c * d {
        let places = [i / (b * c * d), i / (c * d) % b, i / d % c, i % d];
        features
            .push(first + places.iter().zip(step).map(|(place, step)| place * step).sum::<usize>());
    }
    Ok(copies(0, features.into_iter()))
}

fn pad(fields: &Fields) -> Result<Meaning> {
    let [rows, before, own, after] =
        ["rows", "before", "features", "after"].map(|f| fields.count(f));
    let (rows, before, own, after) = (rows?, before?, own?, after?);
    let padded = before + own + after;
    few(&[rows, padded])?;
    if padded == 0 {
        return Err(missing());
    }
    let one = |i: usize| match (i % padded).checked_sub(before).filter(|k| *k < own) {
        Some(k) => Formula::Copy(lane(0, i / padded * own + k)),
        None => Formula::Constant(0),
    };
    let features = (0..rows * padded).map(|i| (i as u32, one(i))).collect();
    Ok(Meaning { features, ..Meaning::default() })
}

/// What all spline layers have: grids of their inputs, and the sums of their outputs before any edge.
struct Splines {
    axis: Axis,
    grids: Vec<Grid>,
    count: usize,
    base: bool,
    base_shift: u32,
    sums: Vec<Sum>,
}

fn splines(fields: &Fields, tables: &Fields) -> Result<Splines> {
    let shape = fields.record("shape")?;
    let (inputs, outputs) = (shape.count("inputs")?, shape.count("outputs")?);
    let axis = shape.record("axis")?;
    let byte = |name: &str| axis.number(name).map(|n| n as u8);
    let axis =
        Axis { intervals: byte("intervals")?, shift: byte("shift")?, tails: axis.switch("tails")? };
    let records = fields.records("grids")?;
    let mut grids = Vec::new();
    for k in 0..inputs {
        let grid = records.get(if records.len() == 1 { 0 } else { k }).ok_or_else(missing)?;
        let first = grid.number("input")? as u16;
        grids.push(Grid {
            input: if records.len() == 1 { first + k as u16 } else { first },
            factor: grid.number("factor")? as i16,
            offset: grid.number("offset")? as i32,
        });
    }
    let (bias, multiplier) = (tables.list("BIAS")?, tables.list("MULTIPLIER")?);
    let shift = shape.number("shift")?;
    let sum =
        |(bias, m): (&i64, &i64)| Sum::of(vec![], *bias, Finish::requantize(*m, shift, false));
    let sums = bias.iter().zip(&multiplier).take(outputs).map(sum).collect();
    Ok(Splines {
        axis,
        grids,
        count: usize::from(axis.intervals) + 3,
        base: shape.switch("base")?,
        base_shift: shape.number("base_shift")? as u32,
        sums,
    })
}

fn missing() -> Error {
    Error::new("a kernel's tables do not belong together")
        .expected("tables of the lengths that its shape says")
        .found("one that is shorter")
        .help("write the module again with this version")
}

impl Splines {
    /// Adds the edge from live input `k` to output `o`.
    fn add(&mut self, k: usize, o: usize, coefficients: &[i64], factor: i64) -> Result<()> {
        let (axis, base, shift) = (self.axis, self.base, self.base_shift);
        let grid = *self.grids.get(k).ok_or_else(missing)?;
        let sum = self.sums.get_mut(o).ok_or_else(missing)?;
        if coefficients.iter().any(|c| *c != 0) {
            let edge = Edge { grid, axis, coefficients: coefficients.to_vec() };
            sum.edges.push((lane(0, grid.input.into()), edge));
        }
        if base && factor != 0 {
            sum.terms.push((lane(1, k), factor.saturating_mul(power(shift.into()))));
        }
        Ok(())
    }
}

fn full_spline(fields: &Fields) -> Result<Meaning> {
    let mut layer = splines(fields, fields)?;
    let coefficients = fields.list("COEFFICIENTS")?;
    let factors = if layer.base { fields.list("FACTORS")? } else { vec![] };
    let (inputs, outputs) = (layer.grids.len(), layer.sums.len());
    for k in 0..inputs {
        for o in 0..outputs {
            let from = (k * outputs + o) * layer.count;
            let own = coefficients.get(from..from + layer.count).ok_or_else(missing)?;
            let factor = factors.get(k / 4 * 4 * outputs + o * 4 + k % 4).copied().unwrap_or(0);
            layer.add(k, o, own, factor)?;
        }
    }
    Ok(Meaning::summing(layer.sums.into_iter()))
}

fn sparse_spline(fields: &Fields) -> Result<Meaning> {
    let tables = fields.record("tables")?;
    let mut layer = splines(fields, fields)?;
    let (fans, outputs) = (tables.list_of("fans")?, tables.list_of("outputs")?);
    let (coefficients, factors) = (tables.list_of("coefficients")?, tables.list_of("factors")?);
    let mut edge = 0;
    for (k, fan) in fans.into_iter().enumerate() {
        for _ in 0..fan {
            let from = edge * layer.count;
            let own = coefficients.get(from..from + layer.count).ok_or_else(missing)?;
            let output = *outputs.get(edge).ok_or_else(missing)?;
            let factor = factors.get(edge).copied().unwrap_or(0);
            layer.add(k, output as usize, own, factor)?;
            edge += 1;
        }
    }
    Ok(Meaning::summing(layer.sums.into_iter()))
}

/// Kernels whose features have no formula each.
fn blocks(fields: &Fields, own: usize) -> Result<Meaning> {
    let mut meaning = Meaning::default();
    let features = |from: usize, count: usize| (from..from + count).collect::<Vec<_>>();
    let mut add = |block: Block, reads: Vec<Lane>, writes: Vec<usize>| {
        meaning.blocks.push((block, reads, writes.into_iter().map(|i| i as u32).collect()));
    };
    match fields.kind() {
        "NormalizeRows" | "RootMeanSquareRows" | "SoftmaxRows" | "LogSoftmaxRows" => {
            let (count, rows) = (fields.count("features")?, fields.count("rows")?);
            let block = row_block(&fields.record("kernel")?)?;
            for row in 0..rows {
                let own: Vec<usize> = features(row * count, count);
                add(block.clone(), own.iter().map(|&i| lane(0, i)).collect(), own);
            }
        }
        "Normalize" | "RootMeanSquare" | "Softmax" | "LogSoftmax" => {
            let own = features(0, fields.count("features")?);
            add(row_block(fields)?, own.iter().map(|&i| lane(0, i)).collect(), own);
        }
        "GruUpdate" | "LstmUpdate" => {
            let (units, factor) = (fields.count("units")?, fields.number("factor")? as i16);
            for unit in 0..units {
                let low = 4 * quads(units) + unit;
                let reads = (0..own).map(|k| lane(k, unit));
                let reads = reads.chain([lane(own, unit), lane(own, low)]).collect();
                let block = match own {
                    2 => Block::Gru { factor },
                    _ => Block::Lstm { factor },
                };
                add(block, reads, vec![unit, low]);
            }
        }
        "Quotient" => {
            let shared = fields.switch("shared")?;
            for (i, ratio) in fields.records("factors")?.iter().enumerate() {
                let (multiplier, shift) =
                    (ratio.number("multiplier")? as i16, ratio.number("shift")? as u8);
                let divisor = lane(0, if shared { 0 } else { i });
                let block = Block::Quotient { multiplier, shift };
                add(block, vec![lane(own, i), divisor], vec![i]);
            }
        }
        "GroupLength" => {
            let (groups, members) = (fields.count("groups")?, fields.count("members")?);
            let (multiplier, shift) =
                (fields.number("multiplier")? as i16, fields.number("shift")? as u8);
            for g in 0..groups {
                let reads = features(g * members, members).into_iter().map(|i| lane(0, i));
                add(Block::Length { multiplier, shift }, reads.collect(), vec![g]);
            }
        }
        "ArgMax" => {
            let reads = features(0, fields.count("features")?).into_iter().map(|i| lane(0, i));
            add(Block::ArgMax, reads.collect(), vec![0]);
        }
        "Pick" => {
            let (count, picks) = (fields.count("features")?, fields.count("picks")?);
            for i in 0..picks {
                let reads = features(0, count).into_iter().map(|k| lane(0, k));
                add(Block::Pick, reads.chain([lane(1, i)]).collect(), vec![i]);
            }
        }
        "Clock" => {
            for (i, period) in fields.list_of("periods")?.into_iter().enumerate() {
                add(Block::Clock { period: period as i16 }, vec![lane(own, i)], vec![i]);
            }
        }
        kind => {
            return Err(Error::new("a kernel's formulas are not known")
                .at(kind)
                .expected("a kernel that has formulas")
                .found("a circuit of neurons")
                .help("nothing is claimed of what it computes"));
        }
    }
    Ok(meaning)
}

/// A kernel on one row.
fn row_block(fields: &Fields) -> Result<Block> {
    let wide = |name: &str| fields.number(name).map(|n| n as u64);
    Ok(match fields.kind() {
        "Normalize" => {
            Block::Normalize { epsilon: wide("epsilon")?, frac: fields.number("frac")? as u8 }
        }
        "RootMeanSquare" => Block::RootMeanSquare {
            epsilon: wide("epsilon")?,
            least: wide("least")?,
            frac: fields.number("frac")? as u8,
        },
        "Softmax" => Block::Softmax { exp: fields.pieces("exp")? },
        _ => Block::LogSoftmax {
            exp: fields.pieces("exp")?,
            log: fields.pieces("log")?,
            ln2: fields.number("ln2")? as i16,
            log_frac: fields.number("log_frac")? as u8,
            multiplier: fields.number("multiplier")? as i16,
            shift: fields.number("shift")? as u8,
            half: fields.number("half")? as i32,
        },
    })
}
