//! Intervals of real numbers whose ends are rounded outward. Stands on nothing.

/// All numbers from `low` to `high`, either of which may be infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

/// Every number.
pub const EVERYTHING: Span = Span { low: f64::NEG_INFINITY, high: f64::INFINITY };

/// What an activation can be.
pub const ACTIVATION: Span = Span { low: -32768.0, high: 32767.0 };

/// What a library's function may be off by, relative to its value.
const LIBRARY: f64 = 1.0 / (1_u64 << 40) as f64;

/// A product in which an infinite end that is met by 0 is never reached.
fn times(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { 0.0 } else { a * b }
}

impl Span {
    /// One number; all of them if it is none.
    pub fn at(x: f64) -> Self {
        Self::new(x, x)
    }

    /// All numbers between two; every number if one of them is none.
    pub fn new(low: f64, high: f64) -> Self {
        if low.is_nan() || high.is_nan() { EVERYTHING } else { Self { low, high } }
    }

    /// The same, each end moved outward to the next double.
    pub fn outward(low: f64, high: f64) -> Self {
        Self::new(low.next_down(), high.next_up())
    }

    /// The values of a library's function, computed at both ends.
    pub fn library(low: f64, high: f64) -> Self {
        let off = |x: f64| x.abs() * LIBRARY + f64::MIN_POSITIVE;
        // An infinite end is off by nothing.
        let (below, above) = (low - off(low), high + off(high));
        Self::new(
            if low.is_infinite() { low } else { below },
            if high.is_infinite() { high } else { above },
        )
    }

    /// The smallest span that holds both.
    pub fn hull(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// What both hold of a number that is in both.
    pub fn meet(self, other: Self) -> Self {
        let (low, high) = (self.low.max(other.low), self.high.min(other.high));
        if low <= high { Self { low, high } } else { self }
    }

    /// The largest magnitude.
    pub fn size(self) -> f64 {
        self.low.abs().max(self.high.abs())
    }

    /// How far it reaches.
    pub fn width(self) -> f64 {
        self.high - self.low
    }

    /// A number in the middle.
    pub fn middle(self) -> f64 {
        self.low.midpoint(self.high)
    }

    /// Whether both ends are numbers.
    pub fn is_finite(self) -> bool {
        self.low.is_finite() && self.high.is_finite()
    }

    /// Whether a number is in it.
    pub fn holds(self, x: f64) -> bool {
        self.low <= x && x <= self.high
    }

    /// Squares.
    pub fn square(self) -> Self {
        let (a, b) = (self.low * self.low, self.high * self.high);
        let low = if self.holds(0.0) { 0.0 } else { a.min(b).next_down().max(0.0) };
        Self::new(low, a.max(b).next_up())
    }

    /// Quotients; every number where a divisor may be 0.
    pub fn over(self, other: Self) -> Self {
        if other.holds(0.0) {
            return EVERYTHING;
        }
        self * Self::outward(1.0 / other.high, 1.0 / other.low)
    }

    /// Values of a function that rises throughout, as a library computes it.
    pub fn rising(self, f: impl Fn(f64) -> f64) -> Self {
        Self::library(f(self.low), f(self.high))
    }

    /// Values of a function that falls throughout.
    pub fn falling(self, f: impl Fn(f64) -> f64) -> Self {
        Self::library(f(self.high), f(self.low))
    }

    /// Roots of what is not negative.
    pub fn root(self) -> Self {
        Self { low: self.low.max(0.0), ..self }.rising(f64::sqrt)
    }
}

impl std::ops::Add for Span {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        // Nothing is rounded where nothing is added.
        match (self, other) {
            (Self { low: 0.0, high: 0.0 }, x) | (x, Self { low: 0.0, high: 0.0 }) => x,
            (a, b) => Self::outward(a.low + b.low, a.high + b.high),
        }
    }
}

impl std::ops::Neg for Span {
    type Output = Self;

    fn neg(self) -> Self {
        Self { low: -self.high, high: -self.low }
    }
}

impl std::ops::Sub for Span {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl std::ops::Mul for Span {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let ends = [
            times(self.low, other.low),
            times(self.low, other.high),
            times(self.high, other.low),
            times(self.high, other.high),
        ];
        let low = ends.iter().copied().fold(f64::INFINITY, f64::min);
        let high = ends.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let out = |x: f64, moved: f64| if x == 0.0 { 0.0 } else { moved };
        Self::new(out(low, low.next_down()), out(high, high.next_up()))
    }
}

impl std::ops::Mul<f64> for Span {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        self * Self::at(factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn span() -> impl Strategy<Value = (Span, f64)> {
        (-10.0..10.0, 0.0..5.0, 0.0..=1.0).prop_map(|(low, width, at): (f64, f64, f64)| {
            let high = low + width;
            (Span::new(low, high), (low + width * at).clamp(low, high))
        })
    }

    proptest! {
        #[test]
        fn what_is_made_of_numbers_is_in_what_is_made_of_their_spans((a, x) in span(), (b, y) in span()) {
            prop_assert!((a + b).holds(x + y) && (a - b).holds(x - y) && (a * b).holds(x * y));
            prop_assert!(a.square().holds(x * x) && a.hull(b).holds(x) && a.over(b).holds(x / y));
            prop_assert!(a.rising(f64::exp).holds(x.exp()) && a.falling(|x| (-x).exp()).holds((-x).exp()));
        }
    }

    #[test]
    fn no_end_is_no_number() {
        assert_eq!(Span::at(0.0) * EVERYTHING, Span::at(0.0));
        assert_eq!(Span::at(f64::NAN), EVERYTHING);
        assert_eq!(EVERYTHING - EVERYTHING, EVERYTHING);
        assert_eq!(Span::at(1.0).over(Span::new(-1.0, 1.0)), EVERYTHING);
    }
}
