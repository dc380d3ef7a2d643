//! Functions of several numbers: all values, and all slopes along each. Stands on spans.

use super::span::{EVERYTHING, Span};

/// A function of several numbers, which has several values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Field {
    /// `(x_i - mean) / sqrt(variance + epsilon)`.
    Normalize {
        /// Added to the variance.
        epsilon: f64,
    },
    /// `x_i / sqrt(max(mean square + epsilon, least))`.
    RootMeanSquare {
        /// Added to the mean of the squares.
        epsilon: f64,
        /// The smallest square of a divisor.
        least: f64,
    },
    /// `exp(x_i) / sum exp(x)`.
    Softmax,
    /// Its logarithm.
    LogSoftmax,
    /// `sqrt(sum x^2)`.
    Length,
    /// `x_0 / x_1`.
    Quotient,
}

fn sum(all: impl Iterator<Item = Span>) -> Span {
    all.fold(Span::at(0.0), |a, b| a + b)
}

fn exp(x: Span) -> Span {
    let e = x.rising(f64::exp);
    Span { low: e.low.max(0.0), ..e }
}

/// What is under a root, and how far each number is from the mean.
fn variance(x: &[Span], epsilon: f64) -> (Span, Vec<Span>) {
    let count = Span::at(x.len() as f64);
    let from_mean = |j: usize| {
        let others = sum(x.iter().enumerate().filter(|(k, _)| *k != j).map(|(_, x)| *x));
        (x[j] * (x.len() as f64 - 1.0) - others).over(count)
    };
    let apart: Vec<Span> = (0..x.len()).map(from_mean).collect();
    (sum(apart.iter().map(|d| d.square())).over(count) + Span::at(epsilon), apart)
}

fn mean_square(x: &[Span], epsilon: f64) -> Span {
    sum(x.iter().map(|x| x.square())).over(Span::at(x.len() as f64)) + Span::at(epsilon)
}

impl Field {
    /// The square of what is divided by, where that is a root.
    pub fn square(&self, x: &[Span]) -> Span {
        match self {
            Self::Normalize { epsilon } => variance(x, *epsilon).0,
            Self::RootMeanSquare { epsilon, least } => {
                let square = mean_square(x, *epsilon);
                Span::new(square.low.max(*least), square.high.max(*least))
            }
            _ => Span::at(1.0),
        }
    }

    /// Value `i` on a box, and its slopes along each number.
    pub fn jet(&self, i: usize, x: &[Span]) -> (Span, Vec<Span>) {
        let count = Span::at(x.len() as f64);
        let own = x.get(i).copied().unwrap_or(EVERYTHING);
        let is = |j: usize| Span::at(if i == j { 1.0 } else { 0.0 });
        match self {
            Self::Normalize { epsilon } => {
                let (square, apart) = variance(x, *epsilon);
                let deviation = square.root();
                let n = x.len() as f64;
                let most = (n - 1.0).max(0.0).sqrt().next_up();
                let z: Vec<Span> =
                    apart.iter().map(|d| d.over(deviation).meet(Span::new(-most, most))).collect();
                let slope =
                    |j: usize| (is(j) - (Span::at(1.0) + z[i] * z[j]).over(count)).over(deviation);
                (z[i], (0..x.len()).map(slope).collect())
            }
            Self::RootMeanSquare { epsilon, least } => {
                let (square, divisor) = (mean_square(x, *epsilon), self.square(x).root());
                let most = (x.len() as f64).sqrt().next_up();
                let z = |j: usize| x[j].over(divisor).meet(Span::new(-most, most));
                // Below the smallest divisor, a number has no part in it.
                let part = match () {
                    () if square.low > *least => Span::at(1.0),
                    () if square.high < *least => Span::at(0.0),
                    () => Span::new(0.0, 1.0),
                };
                let slope = |j: usize| (is(j) - (z(i) * z(j) * part).over(count)).over(divisor);
                (z(i), (0..x.len()).map(slope).collect())
            }
            Self::Softmax | Self::LogSoftmax => {
                let over = |i: usize| {
                    sum(x.iter().enumerate().map(|(j, x_j)| match i == j {
                        true => Span::at(1.0),
                        false => exp(*x_j - x[i]),
                    }))
                };
                let share = |i: usize| Span::at(1.0).over(over(i)).meet(Span::new(0.0, 1.0));
                let shares: Vec<Span> = (0..x.len()).map(share).collect();
                if *self == Self::LogSoftmax {
                    // Of exponentials beyond all doubles too: the largest, and all as large.
                    let far = |end: &dyn Fn(&Span) -> f64| x.iter().map(end).fold(0.0, f64::max);
                    let (near, far) =
                        (far(&|x_j| x_j.low - x[i].high), far(&|x_j| x_j.high - x[i].low));
                    let most = far + (x.len() as f64).ln();
                    let largest = Span::outward(near, most * (1.0 + 1e-12));
                    let value = -over(i).rising(f64::ln).meet(largest);
                    let slopes = (0..x.len()).map(|j| is(j) - shares[j]).collect();
                    return (Span { high: value.high.min(0.0), ..value }, slopes);
                }
                let slope = |j: usize| match i == j {
                    true => Span::at(0.25) - (shares[i] - Span::at(0.5)).square(),
                    false => -(shares[i] * shares[j]),
                };
                (shares[i], (0..x.len()).map(slope).collect())
            }
            Self::Length => {
                let length = sum(x.iter().map(|x| x.square())).root();
                let slope = |x: &Span| x.over(length).meet(Span::new(-1.0, 1.0));
                (length, x.iter().map(slope).collect())
            }
            Self::Quotient => {
                let [x, y] = [own, x.get(1).copied().unwrap_or(EVERYTHING)];
                let (value, slope) = (x.over(y), Span::at(1.0).over(y));
                (value, vec![slope, -(value * slope)])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Graph, Layer, Reduction};
    use crate::reference::evaluate;
    use proptest::prelude::*;

    fn fields() -> Vec<(Field, Layer)> {
        vec![
            (Field::Normalize { epsilon: 0.1 }, Layer::Normalize { epsilon: 0.1 }),
            (
                Field::RootMeanSquare { epsilon: 0.0, least: 0.49 },
                Layer::RootMeanSquare { epsilon: 0.0, least: 0.7 },
            ),
            (Field::Softmax, Layer::Softmax),
            (Field::LogSoftmax, Layer::LogSoftmax),
            (Field::Length, Layer::Reduce { by: Reduction::Length, groups: 1 }),
        ]
    }

    proptest! {
        #[test]
        fn layers_are_in_their_jets(
            which in 0..5_usize, low in prop::collection::vec(-2.0..2.0_f64, 4), width in prop::collection::vec(0.0..1.5_f64, 4),
            at in prop::collection::vec(0.0..=1.0_f64, 4), to in prop::collection::vec(0.0..=1.0_f64, 4),
        ) {
            let (field, layer) = fields().swap_remove(which);
            let mut graph = Graph::new("net", "x", 4);
            graph.push("y", layer, &[0]).unwrap();
            let x: Vec<Span> = low.iter().zip(&width).map(|(l, w)| Span::new(*l, l + w)).collect();
            let point = |at: &[f64]| -> Vec<f64> {
                x.iter().zip(at).map(|(x, t)| (x.low + t * x.width()).clamp(x.low, x.high)).collect()
            };
            let (a, b) = (point(&at), point(&to));
            let (of_a, of_b) = (evaluate(&graph, &a).swap_remove(1), evaluate(&graph, &b).swap_remove(1));
            for i in 0..of_a.len() {
                let (value, slopes) = field.jet(i, &x);
                let slack = 1e-9;
                prop_assert!(value.low - slack <= of_a[i] && of_a[i] <= value.high + slack, "{:?} {:?}", field, value);
                let moved = slopes.iter().zip(a.iter().zip(&b)).map(|(s, (a, b))| *s * (b - a));
                let moved = moved.fold(Span::at(of_a[i]), |a, b| a + b);
                prop_assert!(moved.low - slack <= of_b[i] && of_b[i] <= moved.high + slack, "{:?} {:?} {}", field, moved, of_b[i]);
            }
        }

        #[test]
        fn quotients_are_in_their_jets(x in -3.0..3.0_f64, w in 0.0..2.0_f64, y in 0.2..3.0_f64, v in 0.0..2.0_f64, at in 0.0..=1.0_f64) {
            let spans = [Span::new(x, x + w), Span::new(y, y + v)];
            let (value, slopes) = Field::Quotient.jet(0, &spans);
            let (a, b) = ([x, y], [x + w * at, y + v * at]);
            prop_assert!(value.holds(a[0] / a[1]) && value.holds(b[0] / b[1]));
            let moved = slopes[0] * (b[0] - a[0]) + slopes[1] * (b[1] - a[1]) + Span::at(a[0] / a[1]);
            prop_assert!(moved.low - 1e-9 <= b[0] / b[1] && b[0] / b[1] <= moved.high + 1e-9);
        }
    }
}
