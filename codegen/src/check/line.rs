//! Sums of variables with known rounding. Stands on spans.

use super::span::Span;

/// A variable of a tape, by its place.
pub type Var = u32;

/// A multiple of a variable: the factor is within `off` of `by`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Term {
    /// Which.
    pub var: Var,
    /// The factor, as a double.
    pub by: f64,
    /// What the double may be off by.
    pub off: f64,
}

/// `sum of terms + constant`, the constant somewhere in `at`; terms in the order of their variables.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// One a variable.
    pub terms: Vec<Term>,
    /// What is added.
    pub at: Span,
}

/// A factor as a term has it.
fn factor(x: Span) -> (f64, f64) {
    let by = x.middle();
    (by, if x.low == x.high { 0.0 } else { (Span::at(x.high) - Span::at(x.low)).high })
}

impl Line {
    /// A number.
    pub fn constant(at: Span) -> Self {
        Self { terms: vec![], at }
    }

    /// A variable.
    pub fn of(var: Var) -> Self {
        Self::times(var, Span::at(1.0))
    }

    /// A multiple of a variable.
    pub fn times(var: Var, by: Span) -> Self {
        let (by, off) = factor(by);
        Self { terms: vec![Term { var, by, off }], at: Span::at(0.0) }
    }

    /// Another number added.
    #[must_use]
    pub fn plus(mut self, at: Span) -> Self {
        self.at = self.at + at;
        self
    }

    /// A multiple.
    #[must_use]
    pub fn scaled(mut self, by: Span) -> Self {
        for term in &mut self.terms {
            let all = Span::new(term.by - term.off, term.by + term.off) * by;
            // A product of doubles is the product where it fits.
            let exact = term.by * by.low;
            let whole = term.off == 0.0 && by.low == by.high && is_exact(term.by, by.low, exact);
            (term.by, term.off) = if whole { (exact, 0.0) } else { factor(all) };
        }
        let whole = self.at.low == self.at.high && by.low == by.high;
        let exact = self.at.low * by.low;
        self.at = match whole && is_exact(self.at.low, by.low, exact) {
            true => Span::at(exact),
            false => self.at * by,
        };
        self
    }

    /// The sum of lines: every variable once.
    pub fn sum(lines: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::constant(Span::at(0.0));
        for line in lines {
            all.terms.extend(line.terms);
            all.at = all.at + line.at;
        }
        all.terms.sort_by_key(|term| term.var);
        let mut terms: Vec<Term> = Vec::with_capacity(all.terms.len());
        for term in all.terms {
            match terms.last_mut().filter(|last| last.var == term.var) {
                Some(last) => {
                    let (by, lost) = two_sum(last.by, term.by);
                    let off = Span::at(last.off) + Span::at(term.off) + Span::at(lost);
                    *last = Term { var: term.var, by, off: off.high };
                }
                None => terms.push(term),
            }
        }
        terms.retain(|term| term.by != 0.0 || term.off != 0.0);
        Self { terms, ..all }
    }

    /// The same without another.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self::sum([self, other.scaled(Span::at(-1.0))])
    }
}

/// A sum of doubles, and the size of what it lost (Knuth 1969).
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let other = sum - a;
    (sum, ((a - (sum - other)) + (b - other)).abs())
}

/// Whether a product of doubles has no error.
fn is_exact(a: f64, b: f64, product: f64) -> bool {
    a.mul_add(b, -product) == 0.0
        && product.is_finite()
        && (product == 0.0 || product.abs() > 1e-200)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sums_and_multiples_hold_their_values(a in -3.0..3.0_f64, b in -3.0..3.0_f64, c in -3.0..3.0_f64, x in -3.0..3.0_f64) {
            let line = Line::sum([Line::of(1).scaled(Span::at(a)), Line::constant(Span::at(c)), Line::of(1).scaled(Span::at(b))]);
            let line = line.scaled(Span::at(c)).minus(Line::of(0));
            let value = ((a + b) * x + c) * c - 2.0;
            let own: f64 = line.terms.iter().map(|t| t.by * if t.var == 1 { x } else { 2.0 }).sum();
            prop_assert!((own + line.at.middle() - value).abs() < 1e-12);
            prop_assert!(line.terms.iter().all(|t| t.off <= 1e-13) && line.terms.is_sorted_by_key(|t| t.var));
        }
    }

    #[test]
    fn what_is_exact_stays_exact() {
        let line = Line::of(3).scaled(Span::at(127.0)).scaled(Span::at(0.25));
        assert_eq!(line.terms, [Term { var: 3, by: 31.75, off: 0.0 }]);
        assert!(Line::of(3).minus(Line::of(3)).terms.is_empty());
    }
}
