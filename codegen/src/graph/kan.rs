//! Layers of univariate functions (Kolmogorov-Arnold networks, Liu et al. 2024): an edge a function.

use std::sync::Arc;

use super::expr::Expr;

/// `y_o = bias_o + sum_i f_oi(x_i)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Kan {
    /// The function all edges share, each with its own weight.
    pub base: Expr,
    /// `edges[o][i]` leads from input `i` to output `o`.
    pub edges: Vec<Vec<Edge>>,
    /// One addend an output.
    pub bias: Vec<f64>,
}

/// `f(x) = base * layer.base(x) + spline(x) + function(x)`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Edge {
    /// Weight of the layer's base function.
    pub base: f64,
    /// A spline.
    pub spline: Option<Spline>,
    /// Any other function.
    pub function: Option<Expr>,
}

/// A B-spline: zero outside its knots.
#[derive(Debug, Clone, PartialEq)]
pub struct Spline {
    /// The extended knots, increasing; as many more than coefficients as the degree, and one.
    pub knots: Arc<[f64]>,
    /// One coefficient a basis function.
    pub coefficients: Vec<f64>,
}

/// Degree of the splines that integers compute.
pub const DEGREE: usize = 3;

/// Highest degree of a trained spline.
pub const MOST_DEGREE: usize = 5;

impl Spline {
    /// Its degree: 3 of a cubic one.
    pub fn degree(&self) -> usize {
        self.knots.len().saturating_sub(self.coefficients.len() + 1)
    }

    /// Whether knots and coefficients fit: increasing knots for a degree of 1 to [`MOST_DEGREE`].
    pub fn fits(&self) -> bool {
        (1..=MOST_DEGREE).contains(&self.degree())
            && self.knots.windows(2).all(|pair| pair[0] < pair[1])
    }

    /// The spline at `x`.
    pub fn eval(&self, x: f64) -> f64 {
        let Some((start, weights)) = live(&self.knots, self.degree(), x) else { return 0.0 };
        self.coefficients.iter().skip(start).zip(weights).map(|(c, w)| c * w).sum()
    }
}

/// The first basis function that may be live, and the values of those from there: zeros behind the last live one.
pub type Live = (usize, [f64; MOST_DEGREE + 1]);

/// The live basis functions of a degree of at most [`MOST_DEGREE`] at `x`; none beyond the knots.
pub fn live(knots: &[f64], degree: usize, x: f64) -> Option<Live> {
    let start = span(knots, x)?.saturating_sub(degree);
    let at = |k: usize| if k <= degree { basis(knots, degree, start + k, x) } else { 0.0 };
    Some((start, std::array::from_fn(at)))
}

/// The interval that holds `x`: `knots[j] <= x < knots[j + 1]`.
fn span(knots: &[f64], x: f64) -> Option<usize> {
    knots.partition_point(|t| *t <= x).checked_sub(1).filter(|j| j + 1 < knots.len())
}

/// Basis function `i` of a degree of at most [`MOST_DEGREE`] at `x` by the recursion of Cox and de Boor (1972), the
/// last knot excluded.
pub fn basis(knots: &[f64], degree: usize, i: usize, x: f64) -> f64 {
    let Some(t) = knots.get(i..i + degree + 2) else { return 0.0 };
    let mut b = [0.0; MOST_DEGREE + 1];
    for (b, ends) in b.iter_mut().zip(t.windows(2)) {
        *b = f64::from(u8::from(ends[0] <= x && x < ends[1]));
    }
    for k in 1..=degree {
        for j in 0..=degree - k {
            let left = (x - t[j]) / (t[j + k] - t[j]);
            let right = (t[j + k + 1] - x) / (t[j + k + 1] - t[j + 1]);
            b[j] = left * b[j] + right * b[j + 1];
        }
    }
    b[0]
}

impl Edge {
    /// The edge at `x`, whose layer has the base function `base`.
    pub fn eval(&self, base: &Expr, x: f64) -> f64 {
        let own = if self.base == 0.0 { 0.0 } else { self.base * base.eval(x) };
        self.rest(x) + own
    }

    /// The edge at `x` without its share of the base function.
    pub fn rest(&self, x: f64) -> f64 {
        self.spline.as_ref().map_or(0.0, |s| s.eval(x))
            + self.function.as_ref().map_or(0.0, |f| f.eval(x))
    }

    /// The edge times `factor`.
    #[must_use]
    pub fn scaled(mut self, factor: f64) -> Self {
        self.base *= factor;
        if let Some(spline) = &mut self.spline {
            spline.coefficients.iter_mut().for_each(|c| *c *= factor);
        }
        self.function = self.function.map(|f| f.mul(Expr::Const(factor)));
        self
    }

    /// Drops what adds nothing.
    #[must_use]
    pub fn pruned(mut self) -> Self {
        self.spline = self.spline.filter(|s| s.coefficients.iter().any(|c| *c != 0.0));
        self.function = self.function.filter(|f| *f != Expr::Const(0.0));
        self
    }

    /// Whether the edge is zero everywhere.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

impl Kan {
    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.edges.first().map_or(0, Vec::len)
    }

    /// All edges that are not zero everywhere.
    pub fn live(&self) -> impl Iterator<Item = &Edge> {
        self.edges.iter().flatten().filter(|e| !e.is_zero())
    }

    /// The layer at `x`.
    pub fn eval(&self, x: &[f64]) -> Vec<f64> {
        let base: Vec<f64> = x.iter().map(|&x| self.base.eval(x)).collect();
        let edge = |(edge, (&x, base)): (&Edge, (&f64, &f64))| {
            let own = if edge.base == 0.0 { 0.0 } else { edge.base * base };
            own + edge.rest(x)
        };
        let row = |(row, bias): (&Vec<Edge>, &f64)| {
            bias + row.iter().zip(x.iter().zip(&base)).map(edge).sum::<f64>()
        };
        self.edges.iter().zip(&self.bias).map(row).collect()
    }

    /// Every trained number in it.
    pub fn numbers(&self) -> Vec<f64> {
        let mut numbers = self.bias.clone();
        numbers.extend(self.base.constants());
        for edge in self.edges.iter().flatten() {
            numbers.push(edge.base);
            if let Some(spline) = &edge.spline {
                numbers.extend(spline.knots.iter().chain(&spline.coefficients));
            }
            numbers.extend(edge.function.iter().flat_map(Expr::constants));
        }
        numbers
    }

    /// Trained parameters: weights of edges that are not zero, and biases.
    pub fn parameters(&self) -> usize {
        let edge = |e: &Edge| {
            usize::from(e.base != 0.0)
                + e.spline.as_ref().map_or(0, |s| s.coefficients.len())
                + e.function.as_ref().map_or(0, |f| f.constants().len())
        };
        self.live().map(edge).sum::<usize>() + self.bias.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The four weights of a uniform grid agree with the recursion, and nothing reaches past the knots.
    #[test]
    fn the_recursion_gives_the_uniform_weights() {
        let knots: Vec<f64> = (0..12).map(|j| -1.0 + 0.4 * (f64::from(j) - 3.0)).collect();
        for step in 0..1000 {
            let x = -1.0 + 2.0 * f64::from(step) / 1000.0 + 1e-7;
            let (s, u) = (((x + 1.0) / 0.4).floor(), ((x + 1.0) / 0.4).fract());
            let w = [
                (1.0 - u).powi(3) / 6.0,
                (3.0 * u.powi(3) - 6.0 * u * u + 4.0) / 6.0,
                (-3.0 * u.powi(3) + 3.0 * u * u + 3.0 * u + 1.0) / 6.0,
                u.powi(3) / 6.0,
            ];
            for (k, w) in w.iter().enumerate() {
                let b = basis(&knots, 3, s as usize + k, x);
                assert!((b - w).abs() < 1e-12, "{x}: {b} {w}");
            }
        }
        let spline = Spline { knots: knots.into(), coefficients: vec![1.0; 8] };
        for (x, y) in [(-2.3, 0.0), (2.2, 0.0), (0.0, 1.0), (1e9, 0.0), (-1.0, 1.0)] {
            assert!((spline.eval(x) - y).abs() < 1e-12, "{x}");
        }
        assert!(spline.eval(1.5) > 0.0 && spline.eval(1.5) < 1.0);
    }

    /// A straight line's coefficients are its values at the means of each function's inner knots (Greville 1964).
    #[test]
    fn every_degree_gives_a_line_back() {
        for degree in 1..=MOST_DEGREE {
            let knots: Vec<f64> =
                (0..6 + 2 * degree).map(|j| (j as f64 - degree as f64) * 0.5).collect();
            let mean = |i: usize| knots[i + 1..=i + degree].iter().sum::<f64>() / degree as f64;
            let coefficients = (0..5 + degree).map(|i| 2.0 * mean(i) - 1.0).collect();
            let spline = Spline { knots: knots.clone().into(), coefficients };
            assert!(spline.degree() == degree && spline.fits());
            for step in 0..250 {
                let x = f64::from(step) / 100.0;
                assert!((spline.eval(x) - (2.0 * x - 1.0)).abs() < 1e-12, "degree {degree} at {x}");
            }
        }
        let spline = |count| Spline {
            knots: Arc::from([0.0, 1.0, 2.0, 3.0]),
            coefficients: vec![1.0; count],
        };
        assert!(spline(2).fits() && !spline(3).fits() && !spline(4).fits());
    }
}
