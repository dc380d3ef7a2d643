//! The worst error of a layer's integer edges, over every input integer there is.

use std::sync::Arc;
use std::thread;

use nervecord::generated::{Axis, Grid, Table};

use super::layer::Layer;
use crate::graph::expr::Expr;
use crate::graph::kan::{Kan, Live, live};
use crate::quantize::format::Format;
use crate::quantize::rows::Row;

/// Integers checked at a time.
const BLOCK: usize = 256;

/// A layer's edges as trained and as integers.
#[derive(Debug)]
pub struct Check {
    kan: Kan,
    /// The base function, inside the range its table's integers have.
    function: Expr,
    /// The inputs that have an edge.
    inputs: Vec<usize>,
    /// Format of the layer's input.
    format: Format,
    axis: Axis,
    /// One an input.
    grids: Vec<Grid>,
    /// First and last real number of each grid.
    ends: Vec<(f64, f64)>,
    /// Pieces of the base function's table and what a factor of it weighs, where it is kept apart.
    base: Option<(Vec<u32>, f64)>,
    /// `[output]`: coefficients of all inputs, then base factors.
    weights: Vec<Vec<i32>>,
    /// Real number a unit of each output's sums.
    units: Vec<f64>,
    /// `[output][input]`: what of an edge is in the bias.
    lifts: Vec<Vec<f64>>,
}

/// Factors of neighbouring outputs, the first of which is `from`.
struct Factors {
    from: usize,
    of: Vec<f64>,
}

impl Factors {
    /// Those that are not zero, and what lies between.
    fn of(all: Vec<f64>) -> Self {
        let from = all.iter().position(|f| *f != 0.0).unwrap_or(0);
        let end = all.iter().rposition(|f| *f != 0.0).map_or(from, |last| last + 1);
        Self { from, of: all[from..end].to_vec() }
    }

    /// Adds `value` times the factors to `sums`, one an output.
    fn add(&self, value: f64, sums: &mut [f64]) {
        sums[self.from..].iter_mut().zip(&self.of).for_each(|(sum, f)| *sum += value * f);
    }
}

/// What leads from one input to all outputs.
struct Fan {
    /// Index among the layer's live inputs.
    input: usize,
    /// `[interval + 3]`, and the factors of the base function: the integers.
    taps: Vec<Factors>,
    base: Factors,
    lift: Factors,
    /// Indices of knots, and `[coefficient]`: the trained splines.
    splines: Vec<(usize, Vec<Factors>)>,
    /// Indices of functions that the trained edges are sums of.
    functions: Vec<(usize, Factors)>,
}

/// The functions and knots that edges share.
#[derive(Default)]
struct Parts {
    functions: Vec<Expr>,
    /// With the degree of their splines.
    knots: Vec<(Arc<[f64]>, usize)>,
}

/// The index of `item` in `list`, at its end if it was not there.
fn index_of<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|other| *other == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}

/// Adds `factor` times `function` to `terms`, as a sum of functions without factors.
fn collect(function: &Expr, factor: f64, terms: &mut Vec<(f64, Expr)>) {
    match function {
        Expr::Add(a, b) => {
            collect(a, factor, terms);
            collect(b, factor, terms);
        }
        Expr::Mul(a, b) => match (&**a, &**b) {
            (Expr::Const(c), f) | (f, Expr::Const(c)) => collect(f, factor * c, terms),
            _ => terms.push((factor, function.clone())),
        },
        _ => terms.push((factor, function.clone())),
    }
}

/// Functions and splines at the same places, each computed once.
struct Values<'a> {
    parts: &'a Parts,
    at: Vec<f64>,
    functions: Vec<Option<Vec<f64>>>,
    splines: Vec<Option<Vec<Option<Live>>>>,
}

impl<'a> Values<'a> {
    fn new(parts: &'a Parts, at: Vec<f64>) -> Self {
        let (functions, splines) =
            (vec![None; parts.functions.len()], vec![None; parts.knots.len()]);
        Self { parts, at, functions, splines }
    }

    fn function(&mut self, index: usize) -> &[f64] {
        let Self { parts, at, functions, .. } = self;
        let function = &parts.functions[index];
        functions[index].get_or_insert_with(|| at.iter().map(|&x| function.eval(x)).collect())
    }

    fn spline(&mut self, index: usize) -> &[Option<Live>] {
        let Self { parts, at, splines, .. } = self;
        let (knots, degree) = &parts.knots[index];
        let live = |&x: &f64| live(knots, *degree, x);
        splines[index].get_or_insert_with(|| at.iter().map(live).collect())
    }
}

impl Check {
    /// The edges of `kan` and the integers `layer` has made of them, `rows`; `table` holds the pieces of the
    /// base function's table, where it is kept apart.
    pub fn of(
        layer: &Layer,
        kan: &Kan,
        format: &Format,
        table: Option<Vec<u32>>,
        rows: Vec<Row>,
    ) -> Self {
        let inside = |base: &Format| {
            let [low, high] = [-32768.0, 32767.0].map(|n| n * base.scale(0));
            Expr::clamp(low, high).of(&kan.base)
        };
        Self {
            kan: kan.clone(),
            function: layer.base.map_or_else(|| kan.base.clone(), inside),
            inputs: layer.splines.inputs.clone(),
            format: format.clone(),
            axis: layer.axis,
            grids: layer.grids.to_vec(),
            ends: layer.splines.ends(),
            base: table.map(|pieces| (pieces, layer.base_weight())),
            units: rows.iter().map(|row| row.scale).collect(),
            weights: rows.into_iter().map(|row| row.weights).collect(),
            lifts: layer.splines.lifts.clone(),
        }
    }

    /// The largest difference of an integer edge to the trained one, over all integers the input's format
    /// has, in units of the output. Beyond a grid without tails the edge as trained stops as the integers do.
    pub fn worst_error(&self) -> f64 {
        let mut parts = Parts::default();
        let fans: Vec<Fan> = (0..self.inputs.len()).map(|k| self.fan(k, &mut parts)).collect();
        let integers: Vec<i16> =
            (self.format.low..=self.format.high).map(|n| n.clamp(-32768, 32767) as i16).collect();
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let share = |first: usize| {
            let blocks = integers.chunks(BLOCK).skip(first).step_by(threads);
            blocks.map(|block| self.worst_of(block, &fans, &parts)).fold(0.0, f64::max)
        };
        let share = &share;
        thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|t| scope.spawn(move || share(t))).collect();
            running.into_iter().map(|t| t.join().unwrap_or(f64::NAN)).fold(0.0, f64::max)
        })
    }

    fn outputs(&self) -> usize {
        self.units.len()
    }

    /// The edges of live input `k`, as factors of what they are sums of.
    fn fan(&self, k: usize, parts: &mut Parts) -> Fan {
        let outputs = 0..self.outputs();
        let count = usize::from(self.axis.intervals) + 3;
        let integer = |index: usize, weight: f64| {
            let real = |o: usize| f64::from(self.weights[o][index]) * self.units[o] * weight;
            Factors::of(outputs.clone().map(real).collect())
        };
        let base = match &self.base {
            Some((_, weight)) => integer(self.inputs.len() * count + k, *weight),
            None => Factors::of(vec![]),
        };
        let mut splines: Vec<(usize, Vec<Vec<f64>>)> = vec![];
        let mut functions: Vec<(usize, Vec<f64>)> = vec![];
        let zeros = vec![0.0; self.outputs()];
        for (o, row) in self.kan.edges.iter().enumerate() {
            let edge = &row[self.inputs[k]];
            let mut terms = vec![];
            if edge.base != 0.0 {
                collect(&self.function, edge.base, &mut terms);
            }
            edge.function.iter().for_each(|f| collect(f, 1.0, &mut terms));
            for (factor, function) in terms {
                let id = index_of(&mut parts.functions, function);
                let at = functions.iter().position(|f| f.0 == id).unwrap_or_else(|| {
                    functions.push((id, zeros.clone()));
                    functions.len() - 1
                });
                functions[at].1[o] += factor;
            }
            if let Some(spline) = &edge.spline {
                let id = index_of(&mut parts.knots, (Arc::clone(&spline.knots), spline.degree()));
                let at = splines.iter().position(|s| s.0 == id).unwrap_or_else(|| {
                    splines.push((id, vec![zeros.clone(); spline.coefficients.len()]));
                    splines.len() - 1
                });
                splines[at].1.iter_mut().zip(&spline.coefficients).for_each(|(of, c)| of[o] = *c);
            }
        }
        let lists = |(id, lists): (usize, Vec<Vec<f64>>)| {
            (id, lists.into_iter().map(Factors::of).collect())
        };
        Fan {
            input: k,
            taps: (k * count..(k + 1) * count).map(|index| integer(index, 1.0)).collect(),
            base,
            lift: Factors::of(self.lifts.iter().map(|row| row[k]).collect()),
            splines: splines.into_iter().map(lists).collect(),
            functions: functions.into_iter().map(|(id, of)| (id, Factors::of(of))).collect(),
        }
    }

    /// The largest error of any edge at some integers.
    fn worst_of(&self, integers: &[i16], fans: &[Fan], parts: &Parts) -> f64 {
        let mut values = Values::new(parts, vec![]);
        let (mut worst, outputs) = (0.0_f64, self.outputs());
        let mut errors = vec![0.0; integers.len() * outputs];
        for fan in fans {
            let (i, ends) = (self.inputs[fan.input], self.ends[fan.input]);
            let real = |n: &i16| {
                let x = f64::from(*n) * self.format.scale(i) + self.format.offset(i);
                if self.axis.tails { x } else { x.clamp(ends.0, ends.1) }
            };
            let at: Vec<f64> = integers.iter().map(real).collect();
            if at != values.at {
                values = Values::new(parts, at);
            }
            errors.fill(0.0);
            self.add_integers(integers, fan, &mut errors);
            for (id, coefficients) in &fan.splines {
                for (live, errors) in values.spline(*id).iter().zip(errors.chunks_mut(outputs)) {
                    let Some((start, w)) = live else { continue };
                    let own = coefficients.iter().skip(*start);
                    own.zip(w).for_each(|(c, w)| c.add(-w, errors));
                }
            }
            for (id, factors) in &fan.functions {
                for (value, errors) in values.function(*id).iter().zip(errors.chunks_mut(outputs)) {
                    factors.add(-value, errors);
                }
            }
            // Where a function has no finite value it has no error.
            let finite = errors.iter().map(|e| e.abs()).filter(|e| e.is_finite());
            worst = finite.fold(worst, f64::max);
        }
        worst
    }

    /// Adds the integer edges at `integers` to `sums`, `[integer][output]`.
    fn add_integers(&self, integers: &[i16], fan: &Fan, sums: &mut [f64]) {
        let table = self.base.as_ref().map(|(pieces, _)| Table::new(pieces));
        for (&n, sums) in integers.iter().zip(sums.chunks_mut(self.outputs())) {
            let (start, w) = self.axis.locate(self.grids[fan.input].coordinate(n));
            fan.taps[start..].iter().zip(w).for_each(|(c, w)| c.add(f64::from(w), sums));
            fan.lift.add(1.0, sums);
            if let Some(table) = &table {
                let index = (i32::from(n) + 32768) as u16;
                fan.base.add(f64::from(table.at(index)), sums);
            }
        }
    }
}
