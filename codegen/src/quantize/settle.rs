//! Coarse integers moved one by one to where the network's outputs are nearest to what they should be.
//!
//! Rounding a layer by itself leaves errors that other layers could make up for. With all layers rounded, coordinate
//! descent on the squared error of the network's outputs moves the integers of one dense layer after the other, by the
//! outputs' slopes (Gauss & Newton) where the rounded network is on each row. So many integers would suit a few hundred rows
//! by chance: they are moved by rows drawn around those that are fitted to, whose outputs the float network knows, and stay
//! there only if the rows that choose, of which none is drawn, are better for it.
//!
//! Stands on the float reference, its slopes and the ranges.

use super::slopes::{products, slopes};
use crate::calibrate::Ranges;
use crate::graph::{Dense, Graph, Layer};
use crate::parallel;
use crate::reference;

/// Rows below which no integer is moved.
const FEWEST_ROWS: usize = 64;
/// Rows that integers are moved by, and products that the slopes of one layer take, at most: where 4 bits are asked for,
/// and where a search tries many widths.
const ASKED: [usize; 2] = [8000, 120_000_000];
const TRIED: [usize; 2] = [400, 20_000_000];
/// Passes over all layers, and over the integers of a layer at a time, at most.
const PASSES: usize = 4;
const SWEEPS: usize = 3;
/// The error that a pass has to leave less than, as a share of what there was, for another one.
const WORTH: f64 = 0.99;
/// How much the change of a layer's output counts beside what it does to the network's, as a share of that: slopes are
/// true only near by.
const OWN: [f64; 3] = [0.01, 0.1, 1.0];
/// The share of another row in a row that is drawn around one.
const OTHER: f64 = 0.5;

/// The integers of a dense layer, and what they stand for.
#[derive(Debug, Clone, PartialEq)]
pub struct Integers {
    /// The node of the layer.
    pub node: usize,
    /// By output and input.
    pub weights: Vec<Vec<i32>>,
    /// The largest magnitude of a weight.
    pub most: i32,
    /// By output.
    pub bias: Vec<i32>,
    /// By output, what its sums are multiplied with.
    pub multiplier: Vec<i16>,
    /// Of each output, what a unit of its products stands for, and a product of 0.
    pub units: Vec<(f64, f64)>,
    /// Scale and offset of each input.
    pub inputs: Vec<(f64, f64)>,
}

impl Integers {
    /// The layer, in place of `layer`.
    pub fn stand_for(&self, layer: &Dense) -> Dense {
        let row = |(o, weights): (usize, &Vec<i32>)| {
            let unit = self.unit(o);
            let weight = |(w, (scale, _)): (&i32, &(f64, f64))| f64::from(*w) * unit / scale;
            let row: Vec<f64> = weights.iter().zip(&self.inputs).map(weight).collect();
            let offset = |(w, (_, offset)): (&f64, &(f64, f64))| w * offset;
            let zeros: f64 = row.iter().zip(&self.inputs).map(offset).sum();
            (row, f64::from(self.bias[o]) * unit + self.units[o].1 - zeros)
        };
        let rows = self.weights.iter().enumerate();
        let (weights, bias): (Vec<Vec<f64>>, Vec<f64>) = rows.map(row).unzip();
        Dense { weights: weights.into(), bias, ..layer.clone() }
    }

    /// All that distinguishes them from others of the same layer.
    pub fn numbers(&self) -> impl Iterator<Item = f64> + '_ {
        let integers = self.weights.iter().flatten().chain(&self.bias).map(|q| f64::from(*q));
        integers.chain((0..self.bias.len()).map(|o| self.unit(o)))
    }

    /// The sums of output `o`, by row.
    fn sums(&self, o: usize, met: &Met) -> Vec<f64> {
        let mut sums = vec![0.0; met.rows];
        for (weight, column) in self.weights[o].iter().zip(&met.inputs) {
            sums.iter_mut().zip(column).for_each(|(sum, x)| *sum += f64::from(*weight) * x);
        }
        sums.iter_mut().for_each(|sum| *sum += f64::from(self.bias[o]));
        sums
    }

    /// What a unit of the sums of output `o` stands for.
    fn unit(&self, o: usize) -> f64 {
        self.units[o].0 * f64::from(self.multiplier[o])
    }

    /// Moves them as long as the error on the rows `met` falls. What the change of an output counts by itself is `own` of
    /// what it does to the network's outputs.
    fn descend(&mut self, exact: &Dense, met: &Met, own: f64) {
        let mut errors = met.errors.clone();
        for _ in 0..SWEEPS {
            let mut moved = false;
            for (o, slopes) in met.slopes.iter().enumerate() {
                let Some(mut line) = Line::of(&errors, slopes, met.rows, own) else { continue };
                moved |= self.descend_along(&mut line, o, &exact.weights[o], met);
                let ends = errors.len() / met.rows;
                let rows = errors.chunks_exact_mut(ends).zip(slopes.chunks_exact(ends));
                for ((errors, slopes), gone) in rows.zip(&line.gone) {
                    errors.iter_mut().zip(slopes).for_each(|(error, slope)| *error += slope * gone);
                }
            }
            if !moved {
                break;
            }
        }
    }

    /// Moves the weights of output `o` one after the other, its bias and its multiplier to where `line` is lowest; whether a
    /// weight moved. That of an `exact` one of 0 was pruned, and stays 0.
    fn descend_along(&mut self, line: &mut Line, o: usize, exact: &[f64], met: &Met) -> bool {
        let (unit, mut moved) = (self.unit(o), false);
        let weights = self.weights[o].iter_mut().zip(exact).zip(&met.inputs);
        for ((weight, _), column) in weights.filter(|((_, exact), _)| **exact != 0.0) {
            let to = f64::from(*weight) + (line.least(column) / unit).round();
            let to = (to as i32).clamp(-self.most, self.most);
            if to != *weight {
                line.go(column, f64::from(to - *weight) * unit);
                (*weight, moved) = (to, true);
            }
        }
        let ones = vec![1.0; met.rows];
        let step = (line.least(&ones) / unit).round();
        self.bias[o] = self.bias[o].saturating_add(step as i32);
        line.go(&ones, step * unit);
        let (sums, unit) = (self.sums(o, met), self.units[o].0);
        let to = f64::from(self.multiplier[o]) + (line.least(&sums) / unit).round();
        let to = to.clamp(1.0, f64::from(i16::MAX)) as i16;
        line.go(&sums, f64::from(to - self.multiplier[o]) * unit);
        self.multiplier[o] = to;
        moved
    }
}

/// The integers of `layers` in `rounded`, the network that all integers stand for, moved to where its outputs are nearer to
/// those of the float network `graph`; with less effort where they are not `asked` for, but one try of many.
pub fn settle(
    graph: &Graph,
    mut rounded: Graph,
    ranges: &Ranges,
    mut layers: Vec<Integers>,
    asked: bool,
) -> Vec<Integers> {
    let [rows, most_products] = if asked { ASKED } else { TRIED };
    let most = rows.min(most_products / products(graph).max(1));
    let fitted = ranges.split.unchosen();
    if most < FEWEST_ROWS || layers.is_empty() || fitted.is_empty() {
        return layers;
    }
    let fit = Rows::of(graph, ranges, &fitted, most).drawn_around(graph, most);
    let choose = Rows::of(graph, ranges, &ranges.split.choose, most);
    let mut least = choose.error(&rounded);
    for _ in 0..PASSES {
        let before = least;
        for layer in &mut layers {
            let Layer::Dense(exact) = &graph.nodes[layer.node].layer else { continue };
            let met = fit.meet(&rounded, layer);
            let tried = parallel::map(&OWN, |own| {
                let mut moved = layer.clone();
                moved.descend(exact, &met, *own);
                let mut other = rounded.clone();
                other.nodes[layer.node].layer = Layer::Dense(moved.stand_for(exact));
                (choose.error(&other), moved, other)
            });
            let best = tried.into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
            if let Some((error, moved, other)) = best.filter(|(error, ..)| *error < least) {
                (least, *layer, rounded) = (error, moved, other);
            }
        }
        if least > WORTH * before {
            break;
        }
    }
    layers
}

/// Rows on which a network is compared with float.
struct Rows {
    /// The network's inputs and outputs.
    rows: Vec<(Vec<f64>, Vec<f64>)>,
    /// The least and the most of each input.
    ends: Vec<(f64, f64)>,
    /// Of each output, what its error is counted in.
    units: Vec<f64>,
}

/// What a layer meets, by row.
struct Met {
    /// Each of its inputs, in integers.
    inputs: Vec<Vec<f64>>,
    /// The errors of the network's outputs, in their units: as many on every row.
    errors: Vec<f64>,
    /// How these move with each of the layer's outputs.
    slopes: Vec<Vec<f64>>,
    rows: usize,
}

impl Rows {
    /// At most so many of the rows `which` of the calibration.
    fn of(graph: &Graph, ranges: &Ranges, which: &[usize], most: usize) -> Self {
        let value = |id: usize, row: usize| ranges.values[id][row].clone();
        let known = |&row: &usize| (value(graph.input, row), value(graph.output, row));
        let step = which.len().div_ceil(most).max(1);
        let unit = |i: usize| {
            let span = ranges.feature(graph.output, i);
            // An output that does not move does not count.
            if span.moves() { span.deviation } else { f64::INFINITY }
        };
        let ends = |i: usize| {
            let span = ranges.feature(graph.input, i);
            (span.low, span.high)
        };
        Self {
            rows: which.iter().step_by(step).map(known).collect(),
            ends: (0..graph.input_len()).map(ends).collect(),
            units: (0..graph.output_len()).map(unit).collect(),
        }
    }

    /// With others drawn around them, `most` in all: the smoothed bootstrap that keeps means and covariances (Silverman &
    /// Young 1987), each a row to which a share of another is added.
    fn drawn_around(mut self, graph: &Graph, most: usize) -> Self {
        let known = self.rows.len();
        let mut mean = vec![0.0; self.ends.len()];
        for (x, _) in &self.rows {
            mean.iter_mut().zip(x).for_each(|(mean, x)| *mean += x / known as f64);
        }
        let kept = (1.0 - OTHER * OTHER).sqrt();
        let near = |k: usize| {
            // Every row as often as any, with one that the bits of a product choose (Fibonacci hashing).
            let other = ((k as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as usize % known;
            let [(one, _), (other, _)] = [&self.rows[k % known], &self.rows[other]];
            let ends = one.iter().zip(other).zip(&mean).zip(&self.ends);
            let x = ends.map(|(((one, other), mean), (low, high))| {
                (mean + kept * (one - mean) + OTHER * (other - mean)).clamp(*low, *high)
            });
            let x: Vec<f64> = x.collect();
            let y = reference::evaluate(graph, &x).swap_remove(graph.output);
            (x, y)
        };
        let near = parallel::map(&(known..most).collect::<Vec<_>>(), |&k| near(k)).into_iter();
        // Between two rows the network may have no value.
        self.rows.extend(near.filter(|(_, y)| y.iter().all(|y| y.is_finite())));
        self
    }

    /// Of each output of the network, how far it is from float.
    fn errors(&self, exact: &[f64], output: &[f64]) -> Vec<f64> {
        let each = output.iter().zip(exact).zip(&self.units);
        each.map(|((y, exact), unit)| (y - exact) / unit).collect()
    }

    /// The squared error of `rounded`.
    fn error(&self, rounded: &Graph) -> f64 {
        let square = |(x, exact): &(Vec<f64>, Vec<f64>)| -> f64 {
            let values = reference::evaluate(rounded, x);
            self.errors(exact, &values[rounded.output]).iter().map(|e| e * e).sum()
        };
        self.rows.iter().map(square).sum()
    }

    /// What `layer` meets in `rounded`.
    fn meet(&self, rounded: &Graph, layer: &Integers) -> Met {
        let integer = |(x, (scale, offset)): (&f64, &(f64, f64))| (x - offset) / scale;
        let met = parallel::map(&self.rows, |(x, exact)| {
            let values = reference::evaluate(rounded, x);
            let inputs = rounded.nodes[layer.node].inputs.iter().flat_map(|&id| &values[id]);
            let inputs: Vec<f64> = inputs.zip(&layer.inputs).map(integer).collect();
            let errors = self.errors(exact, &values[rounded.output]);
            (inputs, errors, slopes(rounded, &values, &self.units, layer.node))
        });
        let outputs = layer.bias.len();
        let input = |i: usize| met.iter().map(|(inputs, ..)| inputs[i]).collect();
        let slope = |o: usize| {
            let of_row = met.iter().map(|(.., slopes)| slopes.iter().skip(o).step_by(outputs));
            of_row.flatten().copied().collect()
        };
        Met {
            inputs: (0..layer.inputs.len()).map(input).collect(),
            errors: met.iter().flat_map(|(_, errors, _)| errors).copied().collect(),
            slopes: (0..outputs).map(slope).collect(),
            rows: met.len(),
        }
    }
}

/// The squared error at the network's end along one output of a layer, by row.
struct Line {
    /// Half its slope.
    slopes: Vec<f64>,
    /// Half its curvature.
    curves: Vec<f64>,
    /// How far the output has been moved.
    gone: Vec<f64>,
}

impl Line {
    /// Where the network's outputs err by `errors` on so many rows and move by `slopes` with the layer's; none if they do not.
    fn of(errors: &[f64], slopes: &[f64], rows: usize, own: f64) -> Option<Self> {
        let ends = slopes.len() / rows;
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let slopes = slopes.chunks_exact(ends);
        let mut curves: Vec<f64> = slopes.clone().map(|slopes| product(slopes, slopes)).collect();
        let own = own * curves.iter().sum::<f64>() / rows as f64;
        curves.iter_mut().for_each(|curve| *curve += own);
        let slopes = errors.chunks_exact(ends).zip(slopes);
        let slopes = slopes.map(|(errors, slopes)| product(errors, slopes)).collect();
        (own > 0.0).then(|| Self { slopes, curves, gone: vec![0.0; rows] })
    }

    /// The factor of `column` that the output is best moved by.
    fn least(&self, column: &[f64]) -> f64 {
        let (mut slope, mut curve) = (0.0, 0.0);
        for ((x, own), square) in column.iter().zip(&self.slopes).zip(&self.curves) {
            slope += x * own;
            curve += x * x * square;
        }
        if curve > 0.0 { -slope / curve } else { 0.0 }
    }

    /// Moves the output by `factor` of `column`.
    fn go(&mut self, column: &[f64], factor: f64) {
        let rows = self.slopes.iter_mut().zip(&self.curves).zip(&mut self.gone).zip(column);
        for (((slope, curve), gone), x) in rows {
            *slope += factor * x * curve;
            *gone += factor * x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::Calibration;
    use crate::graph::expr::{Expr, Function};

    /// Two outputs of a layer that the next one adds up: what the one lacks, the other makes up for.
    #[test]
    fn outputs_of_a_layer_make_up_for_one_another() {
        let mut graph = Graph::new("net", "x", 2);
        let first = Dense::new(vec![vec![2.5, 0.0], vec![1.25, 1.0]], vec![0.0, 0.3]);
        let y = graph.push("first", Layer::Dense(first), &[graph.input]).unwrap();
        let y = graph.push("map", Layer::Map(Expr::call(Function::Tanh)), &[y]).unwrap();
        let second = Dense::new(vec![vec![1.0, 1.0]], vec![0.0]);
        graph.push("second", Layer::Dense(second), &[y]).unwrap();
        let row =
            |r: u32| vec![f64::from(r * 37 % 101) / 300.0 - 0.17, f64::from(r * 61 % 103) / 300.0];
        let ranges = Calibration::of((0..400).map(row).collect()).ranges(&graph).unwrap();

        let layers = vec![Integers {
            node: 0,
            weights: vec![vec![2, 0], vec![1, 1]],
            most: 7,
            bias: vec![0, 0],
            multiplier: vec![1000; 2],
            units: vec![(0.001, 0.0); 2],
            inputs: vec![(1.0, 0.0); 2],
        }];
        let rounded = |layers: &[Integers]| {
            let mut rounded = graph.clone();
            let Layer::Dense(dense) = &graph.nodes[0].layer else { unreachable!() };
            rounded.nodes[0].layer = Layer::Dense(layers[0].stand_for(dense));
            rounded
        };
        let choose = Rows::of(&graph, &ranges, &ranges.split.choose, 100);
        let before = choose.error(&rounded(&layers));
        let layers = settle(&graph, rounded(&layers), &ranges, layers, true);
        let after = choose.error(&rounded(&layers));
        assert!(after < 0.7 * before, "{before} {after}");
        assert_eq!(layers[0].weights[0][1], 0, "a pruned weight stays pruned");
        assert!(layers[0].weights.iter().flatten().sum::<i32>() > 4, "{:?}", layers[0].weights);
    }

    #[test]
    fn rows_that_are_drawn_move_as_those_they_are_drawn_around() {
        let mut graph = Graph::new("net", "x", 2);
        graph.push("y", Layer::Dense(Dense::new(vec![vec![1.0, -1.0]], vec![0.0])), &[0]).unwrap();
        let row = |r: u32| {
            // Few of them near their ends, beyond which nothing is drawn.
            let x = f64::from(r * 37 % 101) + f64::from(r * 61 % 103) + f64::from(r * 13 % 97);
            vec![x / 100.0, 3.0 - x / 100.0 + f64::from(r * 7 % 13) / 50.0]
        };
        let ranges = Calibration::of((0..400).map(row).collect()).ranges(&graph).unwrap();
        let known = Rows::of(&graph, &ranges, &ranges.split.unchosen(), 1000);
        let count = known.rows.len();
        let all = known.drawn_around(&graph, 1600);
        assert_eq!((count, all.rows.len()), (200, 1600));
        let moments = |rows: &[(Vec<f64>, Vec<f64>)]| {
            let mean = |of: &dyn Fn(&[f64]) -> f64| {
                rows.iter().map(|(x, _)| of(x)).sum::<f64>() / rows.len() as f64
            };
            let (a, b) = (mean(&|x| x[0]), mean(&|x| x[1]));
            [a, b, mean(&|x| (x[0] - a).powi(2)), mean(&|x| (x[0] - a) * (x[1] - b))]
        };
        let [own, drawn] = [&all.rows[..count], &all.rows[count..]].map(moments);
        for (own, drawn) in own.iter().zip(drawn) {
            assert!((own - drawn).abs() < 0.1 * own.abs(), "{own:?} {drawn:?}");
        }
        assert!(all.rows.iter().all(|(x, y)| (x[0] - x[1] - y[0]).abs() < 1e-12));
    }
}
