//! The float network on forms: what every tensor can be. And the formulas of layers that several features share,
//! on numbers of both networks at once.
//!
//! Stands on forms and the graph.

use super::edge::Curve;
use super::enclosure::Enclosure;
use super::form::{Form, Tape};
use super::interval::Interval;
use super::pair::Pair;
use crate::graph::expr::{Expr, Function};
use crate::graph::{Layer, Reduction};

/// What a gate can be.
pub const GATE: Interval = Interval { low: -1e-12, high: 1.0 + 1e-12 };

/// What a layer makes of its inputs; none where nothing is known of it.
pub fn layer<'t>(layer: &Layer, inputs: &[&[Form<'t>]], tape: &'t Tape) -> Option<Vec<Form<'t>>> {
    let x = |k: usize| inputs[k];
    let curve = |f: &Expr, x: &Form<'t>| through(&Curve::of(1.0, f), x, tape);
    Some(match layer {
        Layer::Dense(dense) => dense_at(&dense.weights, &dense.bias, x(0), tape),
        Layer::Windows(windows) => {
            let own: Vec<&[Form<'t>]> =
                windows.starts().map(|start| x(0).get(start..)).collect::<Option<_>>()?;
            let dense = &windows.dense;
            own.into_iter().flat_map(|x| dense_at(&dense.weights, &dense.bias, x, tape)).collect()
        }
        Layer::Rows { count, layer: inner } => {
            let rows = x(0).chunks_exact((x(0).len() / count).max(1));
            let rows = rows.map(|row| self::layer(inner, &[row], tape));
            rows.collect::<Option<Vec<_>>>()?.concat()
        }
        Layer::Pad { rows, before, after } => {
            let zeros = |n: usize| vec![tape.constant(0.0); n];
            let padded = |row: &[Form<'t>]| [zeros(*before), row.to_vec(), zeros(*after)].concat();
            x(0).chunks_exact((x(0).len() / rows).max(1)).flat_map(padded).collect()
        }
        Layer::Affine { scale, offset } => {
            x(0).iter().zip(scale.iter().zip(offset)).map(|(x, (s, o))| x.line(*s, *o)).collect()
        }
        Layer::Map(f) => x(0).iter().map(|x| curve(f, x)).collect::<Option<_>>()?,
        Layer::Functions { functions, picks } => {
            picks.iter().map(|&(i, k)| curve(&functions[k], &x(0)[i])).collect::<Option<_>>()?
        }
        Layer::Add { factors: [a, b] } => {
            x(0).iter().zip(x(1)).map(|(p, q)| tape.sum([(*a, p), (*b, q)], 0.0)).collect()
        }
        Layer::Mul => x(0).iter().zip(x(1)).map(|(p, q)| p.times(q)).collect(),
        Layer::Concat => inputs.concat(),
        Layer::Select(indices) => indices.iter().map(|&i| x(0)[i]).collect(),
        Layer::Anytime { .. } => inputs.last()?.to_vec(),
        Layer::DelayLine => [x(0).get(x(1).len()..).unwrap_or_default(), x(1)].concat(),
        _ => {
            // The others on pairs whose two numbers are the same.
            let pairs: Vec<Vec<Pair<'t>>> =
                inputs.iter().map(|x| x.iter().map(|x| Pair::same(*x)).collect()).collect();
            let pairs: Vec<&[Pair<'t>]> = pairs.iter().map(Vec::as_slice).collect();
            let of = together(layer, &pairs, tape)?;
            of.into_iter().map(|pair| pair.exact).collect()
        }
    })
}

/// Sums of functions of single features, and biases.
pub fn sums<'t>(
    curves: &[Vec<Curve>],
    bias: &[f64],
    x: &[Form<'t>],
    tape: &'t Tape,
) -> Option<Vec<Form<'t>>> {
    let row = |(row, bias): (&Vec<Curve>, &f64)| {
        let edges = row.iter().zip(x).filter(|(curve, _)| !curve.is_zero());
        let edges: Vec<Form<'t>> =
            edges.map(|(curve, x)| through(curve, x, tape)).collect::<Option<_>>()?;
        Some(tape.sum(edges.iter().map(|edge| (1.0, edge)), *bias))
    };
    curves.iter().zip(bias).map(row).collect()
}

fn dense_at<'t>(
    weights: &[Vec<f64>],
    bias: &[f64],
    x: &[Form<'t>],
    tape: &'t Tape,
) -> Vec<Form<'t>> {
    let row = |(row, bias): (&Vec<f64>, &f64)| tape.sum(row.iter().copied().zip(x), *bias);
    weights.iter().zip(bias).map(row).collect()
}

/// What a function makes of a form.
pub fn through<'t>(curve: &Curve, x: &Form<'t>, tape: &'t Tape) -> Option<Form<'t>> {
    if curve.is_zero() {
        return Some(tape.constant(0.0));
    }
    let enclosure = Enclosure::of(&|x| curve.jet(x), x.range())?;
    Some(x.along(&enclosure))
}

/// What a layer makes of numbers of both networks, by its formula.
pub fn together<'t>(
    layer: &Layer,
    inputs: &[&[Pair<'t>]],
    tape: &'t Tape,
) -> Option<Vec<Pair<'t>>> {
    let x = |k: usize| inputs[k];
    let call = |f: Function, x: &Pair<'t>| x.through(&|x| Expr::call(f).jet(x));
    let power = |p: f64, x: &Pair<'t>| x.through(&|x| Expr::X.pow(p).jet(x));
    // A mean of squares is at least 0, whatever its form says.
    let positive = |least: f64| Interval::new(least, f64::INFINITY);
    let mean_square = |x: &[Pair<'t>], constant: f64| {
        let squares: Vec<Pair<'t>> = x.iter().map(|x| power(2.0, x)).collect::<Option<_>>()?;
        let n = squares.len() as f64;
        Some(Pair::sum(tape, squares.iter().map(|s| (1.0 / n, s)), constant))
    };
    // What is divided by its root mean square is at most the root of its length, in both networks.
    let all = |x: &[Pair<'t>], by: &Pair<'t>| {
        let most = (x.len() as f64).sqrt() * (1.0 + 1e-9);
        x.iter().map(|x| x.times(by).inside(most, 2.1 * most)).collect::<Vec<_>>()
    };
    Some(match layer {
        Layer::Normalize { epsilon } => {
            let n = x(0).len() as f64;
            let mean = Pair::sum(tape, x(0).iter().map(|x| (1.0 / n, x)), 0.0);
            let centred: Vec<Pair<'t>> =
                x(0).iter().map(|x| Pair::sum(tape, [(1.0, x), (-1.0, &mean)], 0.0)).collect();
            let square = mean_square(&centred, *epsilon)?;
            let root = Expr::X.pow(-0.5);
            all(&centred, &square.through_within(positive(*epsilon), &|x| root.jet(x))?)
        }
        Layer::RootMeanSquare { epsilon, least } => {
            let square = mean_square(x(0), *epsilon)?;
            let floor = Expr::X.max(Expr::Const(least * least)).pow(-0.5);
            all(x(0), &square.through_within(positive(*epsilon), &|x| floor.jet(x))?)
        }
        Layer::Softmax => {
            let p = |i: usize| {
                let apart = apart(x(0), i, tape);
                let p = inverse_share(&apart, tape).and_then(|all| power(-1.0, &all));
                share(&x(0)[i], &apart, p, Share::Itself)
            };
            (0..x(0).len()).map(p).collect()
        }
        Layer::LogSoftmax => {
            let log = |i: usize| {
                let apart = apart(x(0), i, tape);
                let log = inverse_share(&apart, tape).and_then(|all| call(Function::Log, &all));
                let log = log.map(|log| Pair::sum(tape, [(-1.0, &log)], 0.0));
                share(&x(0)[i], &apart, log, Share::Logarithm)
            };
            (0..x(0).len()).map(log).collect()
        }
        Layer::Div => {
            let divisor = |i: usize| x(1).get(i).or_else(|| x(1).first());
            let quotient = |(i, x): (usize, &Pair<'t>)| Some(x.times(&power(-1.0, divisor(i)?)?));
            x(0).iter().enumerate().map(quotient).collect::<Option<_>>()?
        }
        Layer::Extreme { largest } => {
            x(0).iter().zip(x(1)).map(|(p, q)| p.extreme(q, *largest)).collect()
        }
        Layer::Reduce { by, groups } => {
            let group = |group: &[Pair<'t>]| match by {
                Reduction::Length => {
                    let n = group.len() as f64;
                    let square = mean_square(group, 0.0)?;
                    let root = Expr::call(Function::Sqrt)
                        .of(&Expr::X.mul(Expr::Const(n)).max(Expr::Const(0.0)));
                    square.through_within(positive(0.0), &|x| root.jet(x))
                }
                Reduction::Max | Reduction::Min => {
                    let largest = *by == Reduction::Max;
                    group.iter().cloned().reduce(|a, b| a.extreme(&b, largest))
                }
            };
            x(0).chunks((x(0).len() / groups).max(1)).map(group).collect::<Option<_>>()?
        }
        Layer::GruUpdate => {
            // n + z (h - n): between n and h
            let one = |((z, n), h): ((&Pair<'t>, &Pair<'t>), &Pair<'t>)| {
                let kept = z.times(&Pair::sum(tape, [(1.0, h), (-1.0, n)], 0.0));
                let next = Pair::sum(tape, [(1.0, n), (1.0, &kept)], 0.0);
                let between = n.exact.range().hull(&h.exact.range());
                match GATE.holds(&z.exact.range()) {
                    true => Pair { exact: next.exact.within(between), ..next },
                    false => next,
                }
            };
            x(0).iter().zip(x(1)).zip(x(2)).map(one).collect()
        }
        Layer::LstmUpdate => {
            let one = |(((f, c), i), g): (((&Pair<'t>, &Pair<'t>), &Pair<'t>), &Pair<'t>)| {
                Pair::sum(tape, [(1.0, &f.times(c)), (1.0, &i.times(g))], 0.0)
            };
            x(0).iter().zip(x(1)).zip(x(2)).zip(x(3)).map(one).collect()
        }
        Layer::Rows { count, layer } => {
            let rows = x(0).chunks_exact((x(0).len() / count).max(1));
            rows.map(|row| together(layer, &[row], tape)).collect::<Option<Vec<_>>>()?.concat()
        }
        Layer::Mul => x(0).iter().zip(x(1)).map(|(p, q)| p.times(q)).collect(),
        _ => return None,
    })
}

/// What is asked of a share in a sum of exponentials.
enum Share {
    Itself,
    Logarithm,
}

/// A share in a sum of exponentials, as it was `found`, or any that is possible: where an exponential is beyond all
/// doubles, nothing was. `apart` is how far the others are above `own`. It changes by no more than these do: its slopes are
/// `p_i (1 - p_i)` and `-p_i p_j`, those of its logarithm `1 - p_i` and `-p_j`.
fn share<'t>(own: &Pair<'t>, apart: &[Pair<'t>], found: Option<Pair<'t>>, of: Share) -> Pair<'t> {
    let zero = Interval::at(0.0);
    let moved = apart.iter().map(|other| zero.minus(&other.off.range()));
    let moved = moved.fold(zero, |a, b| a.hull(&b));
    let (values, moved) = match of {
        Share::Itself => {
            let most = 0.25 * (1.0 + 1e-12) * moved.magnitude();
            (Interval::new(0.0, 1.0), Interval::new(-most, most))
        }
        Share::Logarithm => {
            let most = apart.iter().map(|other| other.exact.range().high).fold(0.0, f64::max);
            let all = (1.0 + apart.len() as f64).ln() * (1.0 + 1e-12);
            (Interval::new(-most - all, 0.0), moved)
        }
    };
    match found {
        Some(Pair { exact, off }) => Pair { exact: exact.within(values), off: off.within(moved) },
        None => {
            let any = |x: Interval, of: &Form<'t>| of.tape().any_since(x, [of, of]);
            Pair { exact: any(values, &own.exact), off: any(moved, &own.off) }
        }
    }
}

/// How far all others are above number `i`.
fn apart<'t>(x: &[Pair<'t>], i: usize, tape: &'t Tape) -> Vec<Pair<'t>> {
    let others = x.iter().enumerate().filter(|(j, _)| *j != i);
    others.map(|(_, other)| Pair::sum(tape, [(1.0, other), (-1.0, &x[i])], 0.0)).collect()
}

/// `1 + sum_j exp(x_j - x_i)`: how many times all are what one is, from how far the others are `apart` from it.
fn inverse_share<'t>(apart: &[Pair<'t>], tape: &'t Tape) -> Option<Pair<'t>> {
    let exp = Expr::call(Function::Exp);
    let ratio = |other: &Pair<'t>| other.through(&|x| exp.jet(x));
    let ratios: Vec<Pair<'t>> = apart.iter().map(ratio).collect::<Option<_>>()?;
    Some(Pair::sum(tape, ratios.iter().map(|ratio| (1.0, ratio)), 1.0))
}

/// All that a layer of which nothing else is known can give: indices, what they pick, counters, a circuit's muscles.
pub fn anything<'t>(
    layer: &Layer,
    inputs: &[&[Form<'t>]],
    features: usize,
    tape: &'t Tape,
) -> Option<Vec<Form<'t>>> {
    let any = |x: Interval| (0..features).map(|_| tape.any(x)).collect();
    match layer {
        Layer::Clock { periods } => {
            let one = |period: &u16| tape.any(Interval::new(0.0, f64::from(*period)));
            Some(periods.iter().map(one).collect())
        }
        Layer::Ncap(_) => Some(any(Interval::new(-1.0, 1.0))),
        Layer::ArgMax => Some(any(Interval::new(0.0, inputs.first()?.len() as f64 - 1.0))),
        Layer::Pick => {
            let all = inputs.first()?.iter().map(Form::range).reduce(|a, b| a.hull(&b))?;
            Some(any(all))
        }
        _ => None,
    }
}
