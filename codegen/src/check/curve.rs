//! A function of one variable on a grid of cells, from which straight bounds and slopes on any part of it are read in a few
//! steps. Stands on maps.

use super::map::Map;
use super::span::{EVERYTHING, Span};

/// Cells of the finest grid, about.
const CELLS: f64 = 4096.0;

/// Cells that are looked at for a span, about.
const LOOKED: f64 = 48.0;

/// Integers of a cell of a table.
const INTEGERS: usize = 16;

/// A function on part of its axis: the line between the ends of a cell, what the function is off from it, and its slopes.
#[derive(Debug, Clone, Copy)]
struct Cell {
    left: f64,
    right: f64,
    rest: Span,
    slope: Span,
}

/// Cells of equal width, whose ends are whole multiples of it and so have no error.
#[derive(Debug, Clone)]
struct Grid {
    first: f64,
    width: f64,
    cells: Vec<Cell>,
}

/// A function on a range, on grids that get coarser by 2.
#[derive(Debug, Clone)]
pub struct Curve {
    grids: Vec<Grid>,
}

/// `slope x + low..high` holds the function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Strip {
    /// The slope of both lines.
    pub slope: f64,
    /// Where they are at 0.
    pub at: Span,
}

impl Cell {
    /// What a function is on `low..=high` whose values and slopes are known.
    fn of(map: &Map, low: f64, high: f64, ends: [Span; 2]) -> Self {
        let jet = map.jet(Span::new(low, high));
        let (left, right) = (ends[0].middle(), ends[1].middle());
        let chord = (Span::at(right) - Span::at(left)).over(Span::at(high) - Span::at(low));
        // Between the ends, slopes within `slope` reach no further from the chord than a quarter of their difference.
        let (above, below) = (Span::at(jet.slope.high) - chord, chord - Span::at(jet.slope.low));
        let bend = if jet.slope.is_finite() {
            let most = above.high.max(0.0) + below.high.max(0.0);
            (Span::at(most) * ((high - low) / 4.0) * 1.000_001).high
        } else {
            f64::INFINITY
        };
        let off = (ends[0] - Span::at(left)).hull(ends[1] - Span::at(right));
        let by_slope = Span::new(-bend, bend) + off;
        let by_value = jet.value - Span::at(left).hull(Span::at(right));
        let rest = by_slope.meet(by_value);
        Self { left, right, rest, slope: jet.slope }
    }

    /// Two neighbours as one.
    fn joined(a: Self, b: Self) -> Self {
        let middle = a.left.midpoint(b.right);
        // Both lines meet at the outer ends; between, they differ most in the middle.
        let apart = |cell: Self, end: f64| {
            let bend = (Span::at(end) - Span::at(middle)).hull(Span::at(0.0));
            // `midpoint` may be off by its last bit.
            let round = Span::new(-1.0, 1.0) * (middle.abs() * f64::EPSILON + f64::MIN_POSITIVE);
            cell.rest + bend + round
        };
        // Only the line is continuous; the ends in the middle may be two.
        let rest = apart(a, a.right).hull(apart(b, b.left));
        Self { left: a.left, right: b.right, rest, slope: a.slope.hull(b.slope) }
    }

    /// Its line at `x`, in a cell that starts at `from`, but for rounding.
    fn about(&self, from: f64, width: f64, x: f64) -> f64 {
        match x {
            x if x == from => self.left,
            x if x == from + width => self.right,
            _ => self.left + (x - from) / width * (self.right - self.left),
        }
    }

    /// The same with its rounding.
    fn line(&self, from: f64, width: f64, x: f64) -> Span {
        match x {
            x if x == from => Span::at(self.left),
            x if x == from + width => Span::at(self.right),
            _ => {
                let share = (Span::at(x) - Span::at(from)).over(Span::at(width));
                Span::at(self.left) + share * (Span::at(self.right) - Span::at(self.left))
            }
        }
    }
}

impl Grid {
    /// The finest on `low..=high`, in about so many cells.
    fn of(map: &Map, low: f64, high: f64, cells: f64) -> Option<Self> {
        let wanted = ((high - low) / cells).max(low.abs().max(high.abs()) * 1e-12).max(1e-300);
        let width = wanted.log2().ceil().exp2();
        let first = (low / width).floor() * width;
        let count = ((high - first) / width).ceil().max(1.0);
        if !(count <= 4.0 * cells && width.is_finite()) {
            return None;
        }
        let at = |i: usize| first + i as f64 * width;
        let ends: Vec<Span> =
            (0..=count as usize).map(|i| map.jet(Span::at(at(i))).value).collect();
        let cell =
            |(i, ends): (usize, &[Span])| Cell::of(map, at(i), at(i + 1), [ends[0], ends[1]]);
        let cells: Vec<Cell> = ends.windows(2).enumerate().map(cell).collect();
        cells.iter().all(|c| c.left.is_finite() && c.right.is_finite()).then_some(())?;
        Some(Self { first, width, cells })
    }

    /// The one of half as many cells.
    fn coarser(&self) -> Self {
        let width = 2.0 * self.width;
        let first = (self.first / width).floor() * width;
        // A cell alone at an end is followed or led by one that goes on as it ends.
        let (mut cells, mut left) = (Vec::new(), self.cells.as_slice());
        let beside = |value: f64| Cell {
            left: value,
            right: value,
            rest: Span::at(0.0),
            slope: Span::at(0.0),
        };
        if let ([alone, others @ ..], true) = (left, first < self.first) {
            cells.push(Cell::joined(beside(alone.left), *alone));
            left = others;
        }
        for pair in left.chunks(2) {
            match pair {
                [a, b] => cells.push(Cell::joined(*a, *b)),
                [a] => cells.push(Cell::joined(*a, beside(a.right))),
                _ => {}
            }
        }
        Self { first, width, cells }
    }

    /// The cells that meet `x`, each with where it starts.
    fn over(&self, x: Span) -> impl Iterator<Item = (f64, &Cell)> {
        let from = ((x.low - self.first) / self.width).floor().max(0.0) as usize;
        let to = ((x.high - self.first) / self.width).floor().max(0.0) as usize;
        let last = self.cells.len().saturating_sub(1);
        (from.min(last)..=to.min(last))
            .map(|i| (self.first + i as f64 * self.width, &self.cells[i]))
    }
}

impl Curve {
    /// The function on `range`; none where it is not finite.
    pub fn of(map: &Map, range: Span) -> Option<Self> {
        range.is_finite().then_some(())?;
        Self::up(Grid::of(map, range.low, range.high, CELLS)?)
    }

    /// The function of an integer of 16 bits.
    pub fn of_integers(f: impl Fn(i16) -> f64) -> Option<Self> {
        let all: Vec<f64> = (i16::MIN..=i16::MAX).map(f).collect();
        let value = |i: usize| all[i.min(65535)];
        let cell = |i: usize| {
            let (from, to) = (i * INTEGERS, (i + 1) * INTEGERS);
            let line = Cell {
                left: value(from),
                right: value(to),
                rest: Span::at(0.0),
                slope: EVERYTHING,
            };
            let rest =
                |k: usize| Span::at(value(k)) - line.line(from as f64, INTEGERS as f64, k as f64);
            let rest = (from..=to).map(rest).reduce(Span::hull).unwrap_or(Span::at(0.0));
            Cell { rest, ..line }
        };
        let cells = (0..65536 / INTEGERS).map(cell).collect();
        all.iter().all(|y| y.is_finite()).then_some(())?;
        Self::up(Grid { first: -32768.0, width: INTEGERS as f64, cells })
    }

    fn up(finest: Grid) -> Option<Self> {
        let mut grids = vec![finest];
        while let Some(last) = grids.last().filter(|last| last.cells.len() as f64 > 2.0 * LOOKED) {
            grids.push(last.coarser());
        }
        Some(Self { grids })
    }

    /// The grid of which a few cells hold `x`; none where it reaches beyond.
    fn grid(&self, x: Span) -> Option<&Grid> {
        let finest = self.grids.first()?;
        let end = finest.first + finest.cells.len() as f64 * finest.width;
        (finest.first <= x.low && x.high <= end).then_some(())?;
        let fits = |grid: &&Grid| x.width() <= LOOKED * grid.width;
        self.grids.iter().find(fits).or(self.grids.last())
    }

    /// Whether it reaches over all of `x`.
    pub fn holds(&self, x: Span) -> bool {
        self.grid(x).is_some()
    }

    /// All slopes on `x`.
    pub fn slopes(&self, x: Span) -> Option<Span> {
        self.grid(x)?.over(x).map(|(_, cell)| cell.slope).reduce(Span::hull)
    }

    /// All values on `x`.
    pub fn values(&self, x: Span) -> Option<Span> {
        self.strip(x, 0.0).map(|strip| strip.at)
    }

    /// Lines of a slope around all that the function is on `x`.
    pub fn strip(&self, x: Span, slope: f64) -> Option<Strip> {
        let grid = self.grid(x)?;
        let (mut low, mut high, mut size) = (f64::INFINITY, f64::NEG_INFINITY, 0.0_f64);
        for (from, cell) in grid.over(x) {
            for end in [from.max(x.low), (from + grid.width).min(x.high)] {
                let (y, tilt) = (cell.about(from, grid.width, end), slope * end);
                low = low.min(y - tilt + cell.rest.low);
                high = high.max(y - tilt + cell.rest.high);
                size = size.max(cell.left.abs() + cell.right.abs() + tilt.abs());
            }
            size = size.max(cell.rest.size());
        }
        // A dozen operations on numbers of at most that size.
        let slack = 32.0 * f64::EPSILON * size;
        Some(Strip { slope, at: Span::outward(low - slack, high + slack) })
    }

    /// The slope of the line that is above, or below, all of the function on `x` and nearest to it in the middle.
    pub fn support(&self, x: Span, above: bool) -> Option<f64> {
        let grid = self.grid(x)?;
        let mut points = Vec::with_capacity(2 * LOOKED as usize);
        for (from, cell) in grid.over(x) {
            for end in [from.max(x.low), (from + grid.width).min(x.high)] {
                points.push((end, cell.about(from, grid.width, end)));
            }
        }
        Some(support(&points, x.middle(), above))
    }
}

/// The slope of the line above (or below) points, in the order of their places, that is nearest to them at a place: that of
/// their convex hull there (Andrew 1979).
pub fn support(points: &[(f64, f64)], at: f64, above: bool) -> f64 {
    let sign = if above { 1.0 } else { -1.0 };
    let mut hull: Vec<(f64, f64)> = Vec::with_capacity(points.len());
    for &(x, y) in points {
        let y = sign * y;
        if hull.last().is_some_and(|last| last.0 == x && last.1 >= y) {
            continue;
        }
        while let [.., a, b] = hull.as_slice()
            && (b.1 - a.1) * (x - a.0) <= (y - a.1) * (b.0 - a.0)
        {
            hull.pop();
        }
        hull.push((x, y));
    }
    let over = |pair: &&[(f64, f64)]| pair[0].0 <= at && at <= pair[1].0 && pair[0].0 < pair[1].0;
    let slope =
        hull.windows(2).find(over).map(|pair| (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0));
    slope.filter(|slope| slope.is_finite()).map_or(0.0, |slope| sign * slope)
}

/// The least and the largest number at any range of integers of 16 bits.
#[derive(Debug, Clone)]
pub struct Extremes {
    /// Of 16 integers each, then of two of those before.
    levels: Vec<Vec<Span>>,
}

impl Extremes {
    /// That of a number an integer.
    pub fn of(f: impl Fn(i16) -> Span) -> Self {
        let all: Vec<Span> = (i16::MIN..=i16::MAX).map(f).collect();
        let hull = |part: &[Span]| part.iter().copied().reduce(Span::hull).unwrap_or(EVERYTHING);
        let mut levels = vec![all.chunks(INTEGERS).map(hull).collect::<Vec<_>>()];
        while let Some(last) = levels.last().filter(|last| last.len() > 1) {
            let next = last.chunks(2).map(hull).collect();
            levels.push(next);
        }
        Self { levels }
    }

    /// Those of all integers on `x`, and of a few beside.
    pub fn on(&self, x: Span) -> Span {
        let place = |q: f64| ((q.clamp(-32768.0, 32767.0) + 32768.0) as usize) / INTEGERS;
        let (mut from, mut to) = (place(x.low.floor()), place(x.high.ceil()) + 1);
        let mut all: Option<Span> = None;
        for level in &self.levels {
            if from >= to {
                break;
            }
            let mut add = |i: usize| {
                let own = level.get(i).copied().unwrap_or(EVERYTHING);
                all = Some(all.map_or(own, |all| all.hull(own)));
            };
            if from % 2 == 1 {
                add(from);
                from += 1;
            }
            if to % 2 == 1 {
                to -= 1;
                add(to);
            }
            (from, to) = (from / 2, to / 2);
        }
        all.unwrap_or(EVERYTHING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::expr::{Expr, Function};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_function_is_in_every_strip(
            which in 0..6_usize, range in -6.0..-0.1_f64, low in 0.0..=1.0_f64, high in 0.0..=1.0_f64, slope in -2.0..2.0_f64,
        ) {
            let call = Expr::call;
            let expr = [
                call(Function::Tanh), Expr::relu(), Expr::silu(), call(Function::Step), call(Function::Sin), call(Function::Exp),
            ][which].clone();
            let all = Span::new(range, 4.3);
            let curve = Curve::of(&Map::Expr(expr.clone()), all).unwrap();
            let at = |share: f64| (all.low + all.width() * share).clamp(all.low, all.high);
            let x = Span::new(at(low.min(high)), at(low.max(high)));
            let lines = [true, false].map(|above| curve.support(x, above).unwrap());
            for slope in [slope, lines[0], lines[1]] {
                let strip = curve.strip(x, slope).unwrap();
                for k in 0..=200 {
                    let t = (x.low + x.width() * f64::from(k) / 200.0).clamp(x.low, x.high);
                    let rest = expr.eval(t) - slope * t;
                    prop_assert!(strip.at.low - 1e-12 <= rest && rest <= strip.at.high + 1e-12, "{} {:?}", rest, strip);
                }
            }
            prop_assert!(curve.slopes(x).is_some() && curve.strip(Span::new(-9.0, 0.0), 0.0).is_none());
        }

        #[test]
        fn a_table_is_in_every_strip(low: i16, high: i16, slope in -2.0..2.0_f64, seed: u16) {
            let f = |q: i16| f64::from(q.wrapping_mul(seed as i16) / 64 + q / 3);
            let curve = Curve::of_integers(f).unwrap();
            let extremes = Extremes::of(|q| Span::at(f(q)));
            let (low, high) = (low.min(high), low.max(high));
            let x = Span::new(low.into(), high.into());
            let strip = curve.strip(x, slope).unwrap();
            let all = extremes.on(x);
            for q in (low..=high).step_by(37).chain([high]) {
                prop_assert!(strip.at.holds(f(q) - slope * f64::from(q)));
                prop_assert!(all.holds(f(q)));
            }
        }
    }

    /// Strips are as narrow as the function is bent: a quarter of what its slope changes, halved by the best slope.
    #[test]
    fn strips_are_narrow() {
        let curve = Curve::of(&Map::Expr(Expr::X.mul(Expr::X)), Span::new(-3.0, 3.0)).unwrap();
        for (low, high) in [(-3.0, 3.0), (0.5, 1.0), (1.0, 1.2)] {
            let x = Span::new(low, high);
            let exact = x.width() * x.width() / 4.0;
            let ends = [false, true]
                .map(|above| curve.strip(x, curve.support(x, above).unwrap()).unwrap());
            let at = |strip: Strip, end: f64| end + strip.slope * x.middle();
            let width = at(ends[1], ends[1].at.high) - at(ends[0], ends[0].at.low);
            assert!((exact..1.1 * exact).contains(&width), "{ends:?} {exact}");
        }
    }
}
