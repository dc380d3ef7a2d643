//! Straight bounds of what is not straight. Stands on spans.

use super::curve::Strip;
use super::span::Span;

/// The lower and the upper line.
pub type Lines = [Strip; 2];

/// The lines of a slope around a function that is straight between points, of which the line's distance is bounded.
pub fn around(points: &[(f64, Span)], slope: f64) -> Strip {
    let rest = |(x, y): &(f64, Span)| *y - Span::at(*x) * slope;
    let at = points.iter().map(rest).reduce(Span::hull).unwrap_or(Span::at(0.0));
    Strip { slope, at }
}

/// `min(max(x, to.low), to.high)` on `x`: on what crosses one end, the triangle's side and the nearer of its other two.
pub fn clamp(x: Span, to: Span) -> Lines {
    let flat = |y: f64| [Strip { slope: 0.0, at: Span::at(y) }; 2];
    let value = |x: f64| (x, Span::at(x.clamp(to.low, to.high)));
    match (x.low < to.low, x.high > to.high) {
        _ if x.high <= to.low => flat(to.low),
        _ if x.low >= to.high => flat(to.high),
        (false, false) => [Strip { slope: 1.0, at: Span::at(0.0) }; 2],
        _ if !x.is_finite() => {
            let all = Span::new(x.low.max(to.low), x.high.min(to.high));
            [Strip { slope: 0.0, at: all }; 2]
        }
        (below, above) => {
            let inner = [to.low, to.high].into_iter().filter(|end| x.low < *end && *end < x.high);
            let points: Vec<_> = [x.low, x.high].into_iter().chain(inner).map(value).collect();
            let chord = (points[1].1.low - points[0].1.low) / x.width();
            let nearer = |flat: f64, rising: f64| f64::from(u8::from(rising > flat));
            let lower = match (below, above) {
                (true, false) => nearer(to.low - x.low, x.high - to.low),
                _ => chord,
            };
            let upper = match (below, above) {
                (false, true) => nearer(x.high - to.high, to.high - x.low),
                _ => chord,
            };
            [around(&points, lower), around(&points, upper)]
        }
    }
}

/// `s e` for all `s` of a span: between the chord of the largest and that of the smallest, each of which is bent one way.
pub fn fan(e: Span, s: Span) -> Lines {
    if !(e.is_finite() && s.is_finite()) {
        return [Strip { slope: 0.0, at: e * s }; 2];
    }
    let ends = [e.low, e.high].map(|end| (end, Span::at(end) * s));
    let chord = |of: &dyn Fn(Span) -> f64| {
        let slope = (of(ends[1].1) - of(ends[0].1)) / e.width();
        let slope = if slope.is_finite() { slope } else { s.middle() };
        around(&ends.map(|(x, y)| (x, Span::at(of(y)))), slope)
    };
    [chord(&|y| y.low), chord(&|y| y.high)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn between([lower, upper]: Lines, x: f64, y: f64) {
        let (low, high) = (lower.slope * x + lower.at.low, upper.slope * x + upper.at.high);
        assert!(low - 1e-12 <= y && y <= high + 1e-12, "{low} {y} {high}");
    }

    proptest! {
        #[test]
        fn clamps_and_fans_are_between_their_lines(
            low in -3.0..3.0_f64, width in 0.0..4.0_f64, at in 0.0..=1.0_f64, a in -2.0..2.0_f64, b in 0.0..3.0_f64, t in 0.0..=1.0_f64,
        ) {
            let x = Span::new(low, low + width);
            let point = (low + at * width).clamp(x.low, x.high);
            between(clamp(x, Span::new(a, a + b)), point, point.clamp(a, a + b));
            between(clamp(x, Span::new(a, f64::INFINITY)), point, point.max(a));
            between(fan(x, Span::new(a, a + b)), point, point * (a + b * t));
        }
    }
}
