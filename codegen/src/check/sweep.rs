//! One box through a tape: each variable's range, and two lines over those before it, which are substituted backwards to the
//! box (CROWN, Zhang et al. 2018; DeepPoly, Singh et al. 2019). Stands on tapes.

use super::curve::{Curve, Strip, support};
use super::field::Field;
use super::line::{Line, Term, Var};
use super::relax::{around, clamp, fan};
use super::span::{ACTIVATION, EVERYTHING, Span};
use super::tape::{Change, Fields, Finish, Rule, Tape};

/// Twice what a double's operation may be off by, relative to its result.
const ROUNDING: f64 = f64::EPSILON;

/// Between what a variable is.
#[derive(Debug)]
enum Bound {
    /// The box.
    Given,
    /// The sum on the tape.
    Exact,
    /// Two lines.
    Lines([Line; 2]),
}

/// A box that went through.
#[derive(Debug)]
pub struct Sweep<'a> {
    tape: &'a Tape,
    /// Of every variable.
    pub ranges: Vec<Span>,
    bounds: Vec<Bound>,
    /// Of each variable's lower and upper line: the sizes of what is summed, and what its factors may be off in all.
    costs: Vec<[[f64; 2]; 2]>,
    /// Coefficients; zeros between two substitutions.
    buffer: Vec<f64>,
}

impl<'a> Sweep<'a> {
    /// Takes a box through; `within` are ranges that hold for a larger box.
    pub fn of(tape: &'a Tape, given: &[Span], within: Option<&[Span]>) -> Self {
        let count = tape.rules.len();
        let mut sweep = Self {
            tape,
            ranges: Vec::with_capacity(count),
            bounds: Vec::with_capacity(count),
            costs: Vec::with_capacity(count),
            buffer: vec![0.0; count],
        };
        for var in 0..count {
            sweep.add(var, given, within.map_or(EVERYTHING, |all| all[var]));
        }
        sweep
    }

    fn add(&mut self, var: usize, given: &[Span], within: Span) {
        let (range, bound) = self.relaxed(&self.tape.rules[var], given);
        let twin = self.tape.twins[var].map_or(EVERYTHING, |twin| self.range(twin));
        let range = range.meet(within).meet(twin);
        let bound = self.narrower(range, bound);
        let cost = |line: &Line| {
            let each = |term: &Term| {
                let size = self.ranges[term.var as usize].size();
                [weighed(term.by, size), weighed(term.off, size)]
            };
            let sum = |a: [f64; 2], b: [f64; 2]| [a[0] + b[0], a[1] + b[1]];
            line.terms.iter().map(each).fold([line.at.size(), 0.0], sum)
        };
        let costs = match &bound {
            Bound::Given => [[range.size(), 0.0]; 2],
            Bound::Exact => match &self.tape.rules[var] {
                Rule::Line(line) => [cost(line); 2],
                _ => [[f64::INFINITY; 2]; 2],
            },
            Bound::Lines(lines) => [cost(&lines[0]), cost(&lines[1])],
        };
        self.ranges.push(range);
        self.bounds.push(bound);
        self.costs.push(costs);
        let sums = matches!(
            self.tape.rules[var],
            Rule::Line(_)
                | Rule::Product(..)
                | Rule::Mix { .. }
                | Rule::Field { .. }
                | Rule::Fields(_)
        );
        if sums && self.tape.read[var] {
            self.ranges[var] = self.span(&Line::of(var as Var)).meet(range);
        }
    }

    /// What is known of `e = q - (k f - c)` where the integer `q` is known to be in a range: lines that have it there, if they
    /// are nearer to each other.
    fn within(
        &self,
        (range, bound): (Span, Bound),
        f: Var,
        [k, c]: [f64; 2],
        q: Span,
    ) -> (Span, Bound) {
        let range = range.meet(q - (self.range(f) * k - Span::at(c)));
        let apart = match &bound {
            Bound::Lines(lines) => self.apart_in_the_middle(lines),
            _ => 0.0,
        };
        if apart <= q.width().min(range.width()) || range.width() <= q.width() {
            return (range, bound);
        }
        let at = q + Span::at(c);
        let line = |at: f64| Line::times(f, Span::at(-k)).plus(Span::at(at));
        (range, Bound::Lines([line(at.low), line(at.high)]))
    }

    fn apart_in_the_middle(&self, [lower, upper]: &[Line; 2]) -> f64 {
        let middle = |line: &Line| {
            let terms = line.terms.iter().map(|t| weighed(t.by, self.range(t.var).middle()));
            terms.sum::<f64>()
        };
        middle(upper) + upper.at.high - middle(lower) - lower.at.low
    }

    /// Lines, unless they are further apart in the middle than the range is wide.
    fn narrower(&self, range: Span, bound: Bound) -> Bound {
        let near = match &bound {
            Bound::Lines(lines) => self.apart_in_the_middle(lines) <= range.width(),
            _ => true,
        };
        if near { bound } else { flat(range).1 }
    }

    fn range(&self, var: Var) -> Span {
        self.ranges[var as usize]
    }

    /// A sum's range by those of its variables alone.
    pub fn roughly(&self, line: &Line) -> Span {
        let (mut low, mut high, mut size, mut off) = (line.at.low, line.at.high, 0.0, 0.0);
        for term in &line.terms {
            let x = self.range(term.var);
            let (a, b) = if term.by < 0.0 { (x.high, x.low) } else { (x.low, x.high) };
            low += weighed(term.by, a);
            high += weighed(term.by, b);
            size += weighed(term.by.abs(), x.size());
            off += weighed(term.off, x.size());
        }
        let slack = (line.terms.len() + 4) as f64 * ROUNDING * (size + line.at.size()) + 2.0 * off;
        Span::new((low - slack).next_down(), (high + slack).next_up())
    }

    /// A variable's range, and what it is between.
    fn relaxed(&self, rule: &Rule, given: &[Span]) -> (Span, Bound) {
        match rule {
            Rule::Given(i) => (given.get(*i).copied().unwrap_or(EVERYTHING), Bound::Given),
            Rule::Line(line) => (self.roughly(line), Bound::Exact),
            Rule::Anything(range) => flat(*range),
            Rule::Curve(x, map) => self.curve(*x, *map),
            Rule::Stairs(x, stairs) => {
                let range = self.range(*x);
                let inside = Span::new(range.low.ceil(), range.high.floor());
                let on = range.meet(inside).meet(ACTIVATION);
                strips(*x, on, &self.tape.stairs[*stairs])
            }
            Rule::Product(a, b) => self.product(*a, *b),
            Rule::Clamp { of, to, floor } => {
                let x = self.range(*of);
                let rounded =
                    if *floor && x.high > to.low { Span::new(-1.0, 0.0) } else { Span::at(0.0) };
                let range = Span::new(x.low.clamp(to.low, to.high), x.high.clamp(to.low, to.high));
                let down = if *floor { range.low.floor() } else { range.low };
                let lines = clamp(x, *to).map(|strip| Strip { at: strip.at + rounded, ..strip });
                (Span { low: down, ..range }, straight(*of, lines))
            }
            Rule::Among(all) => {
                let ranges = all.iter().map(|var| self.range(*var));
                flat(ranges.reduce(Span::hull).unwrap_or(EVERYTHING))
            }
            Rule::Change(change) => {
                let own = self.change(change);
                match change.alone {
                    // A table's output is an activation.
                    Some((c, of)) => self.within(own, of, [change.k, c], ACTIVATION),
                    None => own,
                }
            }
            Rule::Finish(own) => {
                let [k, c] = own.scale;
                let z = self.range(own.f) * k - Span::at(c) + self.range(own.e);
                let q = Span::new(
                    z.low.clamp(own.to.low, own.to.high),
                    z.high.clamp(own.to.low, own.to.high),
                );
                let q = Span { low: if own.floor > 0.0 { q.low.floor() } else { q.low }, ..q };
                self.within(self.finish(own), own.clamped, own.scale, q)
            }
            Rule::Field { field, i, of } => self.field(*field, *i, of),
            Rule::Fields(fields) => self.fields(fields),
            Rule::Apart { pairs, k, largest } => self.apart(pairs, *k, *largest),
            Rule::Mix { share, from, to } => self.mix(*share, *from, *to),
        }
    }

    fn curve(&self, x: Var, map: usize) -> (Span, Bound) {
        let range = self.range(x);
        if let Some(to) = self.tape.maps[map].clamp() {
            let values =
                Span::new(range.low.clamp(to.low, to.high), range.high.clamp(to.low, to.high));
            return (values, straight(x, clamp(range, to)));
        }
        let values = self.tape.maps[map].jet(range).value;
        let own = |curve: &Curve| {
            let (narrow, bound) = strips(x, range, curve);
            (narrow.meet(values), bound)
        };
        match self.tape.curve(map, &self.ranges).filter(|curve| curve.holds(range)) {
            Some(curve) => own(curve),
            None => flat(values),
        }
    }

    /// `x y = ym x + xm y - xm ym`, but for the product of how far both are from their middles.
    fn product(&self, a: Var, b: Var) -> (Span, Bound) {
        let (x, y) = (self.range(a), self.range(b));
        let all = x * y;
        if !(x.is_finite() && y.is_finite()) {
            return flat(all);
        }
        let (xm, ym) = (x.middle(), y.middle());
        let (from_x, from_y) = (x - Span::at(xm), y - Span::at(ym));
        let off = from_x.size() * from_y.size();
        let at = Span::outward(-off, off) - Span::at(xm) * ym;
        let terms = [Line::times(a, Span::at(ym)), Line::times(b, Span::at(xm))];
        let line = Line::sum(terms);
        (all, Bound::Lines([at.low, at.high].map(|at| line.clone().plus(Span::at(at)))))
    }

    /// All slopes of a function on a span.
    fn slopes(&self, map: usize, on: Span) -> Span {
        let curve = self.tape.curve(map, &self.ranges);
        let whole = || self.tape.maps[map].jet(on).slope;
        curve.and_then(|curve| curve.slopes(on)).unwrap_or_else(whole)
    }

    /// All values of a function on a span.
    fn values(&self, map: usize, on: Span) -> Span {
        let values = self.tape.maps[map].jet(on).value;
        let curve = self.tape.curve(map, &self.ranges);
        curve.and_then(|curve| curve.values(on)).map_or(values, |own| own.meet(values))
    }

    /// `s e` for all slopes `s` between both numbers, and the table's error.
    fn change(&self, change: &Change) -> (Span, Bound) {
        let (f, [k, c]) = (self.range(change.f), change.read);
        let p = f * k - Span::at(c);
        // Where a sum is clamped on its way, it is what is left that a slope is taken of.
        let clamped = match &self.tape.rules[change.e as usize] {
            Rule::Finish(own)
                if own.f == change.f && own.scale == change.read && own.float == EVERYTHING =>
            {
                let z = p.hull(p + self.range(own.e));
                Some(own).filter(|own| z.low < own.to.low || z.high > own.to.high)
            }
            _ => None,
        };
        let Some(own) = clamped else {
            return self.moved(change, f, change.e, Span::at(1.0), Span::at(0.0), Span::at(0.0));
        };
        let real = |end: f64| (Span::at(end) + Span::at(c)).over(Span::at(k));
        let (low, high) = (real(own.to.low), real(own.to.high));
        let inner = Span::new(f.low.clamp(low.low, high.high), f.high.clamp(low.low, high.high));
        // phi(clamp(f)) - phi(f)
        let apart = |end: Span, beyond: Span| {
            self.values(change.curve, end) - self.values(change.curve, beyond)
        };
        let mut rest = Span::at(0.0);
        if f.high > high.low {
            rest = rest.hull(apart(high, Span::new(f.low.max(high.low), f.high)));
        }
        if f.low < low.high {
            rest = rest.hull(apart(low, Span::new(f.low, f.high.min(low.high))));
        }
        let share = share(p.hull(p + self.range(own.e)), own.to);
        let by_sum =
            self.moved(change, inner, own.e, share, Span::new(-own.floor, 0.0), rest * change.k);
        let whole = self.moved(change, f, change.e, Span::at(1.0), Span::at(0.0), Span::at(0.0)).0;
        (by_sum.0.meet(whole), by_sum.1)
    }

    /// `k' (phi(f + (share e + more) / k) - phi(f)) + rest`, and the table's error.
    fn moved(
        &self,
        change: &Change,
        f: Span,
        var: Var,
        share: Span,
        more: Span,
        rest: Span,
    ) -> (Span, Bound) {
        let ([k, c], e) = (change.read, self.range(var));
        let one_over = Span::at(1.0).over(Span::at(k));
        let off = e * share + more;
        let moved = f + off * one_over;
        let q = f * k - Span::at(c) + off;
        let table = self.tape.tables[change.table].on(q) + rest;
        let slopes = self.slopes(change.curve, f.hull(moved)) * (one_over * change.k);
        let values = self.values(change.curve, moved) - self.values(change.curve, f);
        let range = (slopes * off + table).meet(values * change.k + table);
        match slopes.is_finite() && e.is_finite() {
            true => {
                let table = table + slopes * more;
                (range, straight(var, added(fan(e, slopes * share), table)))
            }
            false => flat(range),
        }
    }

    /// `clamp(p + e) - clamp(p)`, a share of `e`; `clamp(p) - (k clamp'(f) - c)`, straight between corners; and what is
    /// rounded away.
    fn finish(&self, finish: &Finish) -> (Span, Bound) {
        let (f, e) = (self.range(finish.f), self.range(finish.e));
        let ([k, c], to, float) = (finish.scale, finish.to, finish.float);
        let p = f * k - Span::at(c);
        let z = p + e;
        let share = share(p.hull(z), to);
        let rounded = if z.high > to.low { Span::new(-finish.floor, 0.0) } else { Span::at(0.0) };
        let same =
            to.low <= p.low && p.high <= to.high && float.low <= f.low && f.high <= float.high;
        if same {
            let lines = straight(finish.e, added(fan(e, share), rounded));
            let range = share * e + rounded;
            return (range, if e.is_finite() { lines } else { flat(range).1 });
        }
        if !(f.is_finite() && e.is_finite()) {
            return flat(EVERYTHING);
        }
        let scaled = |x: f64| Span::at(x) * k - Span::at(c);
        let apart = |x: f64| {
            let p = scaled(x);
            let own = Span::new(p.low.clamp(to.low, to.high), p.high.clamp(to.low, to.high));
            own - scaled(x.clamp(float.low, float.high))
        };
        let corner = |end: f64| (Span::at(end) + Span::at(c)).over(Span::at(k)).middle();
        let corners = [float.low, float.high, corner(to.low), corner(to.high)];
        let mut places = vec![f.low, f.high];
        places.extend(corners.into_iter().filter(|x| f.low < *x && *x < f.high));
        places.sort_by(f64::total_cmp);
        let points: Vec<(f64, Span)> = places.into_iter().map(|x| (x, apart(x))).collect();
        // A corner is where it is but for its rounding, within which nothing moves by more.
        let round = Span::new(-1.0, 1.0) * (1e-12 * (1.0 + p.size() + c.abs()));
        let rest = points.iter().map(|point| point.1).reduce(Span::hull).unwrap_or(EVERYTHING);
        let range = share * e + (rest + round) + rounded;
        let [lower, upper] = added(fan(e, share), rounded + round);
        let about = |above: bool| {
            let middles: Vec<(f64, f64)> = points.iter().map(|(x, y)| (*x, y.middle())).collect();
            around(&points, support(&middles, f.middle(), above))
        };
        let line = |own: Strip, apart: Strip, at: f64| {
            let terms = [
                Line::times(finish.e, Span::at(own.slope)),
                Line::times(finish.f, Span::at(apart.slope)),
            ];
            Line::sum(terms).plus(Span::at(at))
        };
        let (below, above) = (about(false), about(true));
        let lower = line(lower, below, (lower.at + below.at).low);
        let upper = line(upper, above, (upper.at + above.at).high);
        (range, Bound::Lines([lower, upper]))
    }

    /// The extreme's difference is between the least and the largest of those that may be it.
    fn apart(&self, pairs: &[[Var; 2]], k: f64, largest: bool) -> (Span, Bound) {
        let sign = if largest { 1.0 } else { -1.0 };
        let of = |[f, e]: &[Var; 2]| {
            let p = self.range(*f) * (k * sign);
            (p, p + self.range(*e) * sign)
        };
        let least = |pick: &dyn Fn((Span, Span)) -> Span| {
            pairs.iter().map(|pair| pick(of(pair)).low).fold(f64::NEG_INFINITY, f64::max)
        };
        let (float, integer) = (least(&|both| both.0), least(&|both| both.1));
        let may_be = |pair: &&[Var; 2]| {
            let (p, q) = of(pair);
            p.high >= float || q.high >= integer
        };
        let left: Vec<&[Var; 2]> = pairs.iter().filter(may_be).collect();
        match left.as_slice() {
            [[_, e]] => {
                (self.range(*e), straight(*e, [Strip { slope: 1.0, at: Span::at(0.0) }; 2]))
            }
            all => {
                let ranges = all.iter().map(|pair| self.range(pair[1]));
                flat(ranges.reduce(Span::hull).unwrap_or(EVERYTHING))
            }
        }
    }

    /// `F(m) + sum of slopes (x - m)` around the middle.
    fn field(&self, field: Field, i: usize, of: &[Var]) -> (Span, Bound) {
        let x: Vec<Span> = of.iter().map(|var| self.range(*var)).collect();
        let (value, slopes) = field.jet(i, &x);
        if !x.iter().chain(&slopes).all(|x| x.is_finite()) {
            return flat(value);
        }
        let middles: Vec<Span> = x.iter().map(|x| Span::at(x.middle())).collect();
        let parts: Vec<Part> = of
            .iter()
            .zip(x.iter().zip(&slopes))
            .map(|(var, (x, slope))| Part { var: *var, from: x.middle(), x: *x, slope: *slope })
            .collect();
        let (range, lines) = summed(&parts, field.jet(i, &middles).0);
        (range.meet(value), Bound::Lines(lines))
    }

    /// `kernel (F(f + e / k) - F(f))`, a sum of slopes times `e`, and all that the kernel is off beside.
    fn fields(&self, own: &Fields) -> (Span, Bound) {
        let moved = |([f, e], k): &([Var; 2], f64)| {
            (self.range(*f), self.range(*f) + self.range(*e) * Span::at(1.0).over(Span::at(*k)))
        };
        let (float, both): (Vec<Span>, Vec<Span>) = own.pairs.iter().map(moved).unzip();
        let hull: Vec<Span> = float.iter().zip(&both).map(|(a, b)| a.hull(*b)).collect();
        let (value, slopes) = own.field.jet(own.i, &hull);
        let at_float = own.field.jet(own.i, &float).0;
        // z / (2 square) times what the term under the root is off.
        let square = own.field.square(&hull).low - own.term;
        let rooted =
            if own.term == 0.0 { 0.0 } else { value.size() * own.term / (2.0 * square.max(0.0)) };
        let k = Span::at(own.kernel);
        let off = own.off + own.share * (k * value).size() + 1.01 * (k * Span::at(rooted)).size();
        // What is beyond an activation saturates.
        let y = own.field.jet(own.i, &both).0 * k + Span::new(-off, off);
        let beyond =
            Span::new((ACTIVATION.high - y.high).min(0.0), (ACTIVATION.low - y.low).max(0.0));
        let rest =
            Span::outward(-off, off) + beyond + (k - Span::at(own.k)) * at_float + Span::at(own.c);
        let parts = own.pairs.iter().zip(&slopes).map(|(([_, e], k_in), slope)| {
            let slope = *slope * k.over(Span::at(*k_in));
            Part { var: *e, from: 0.0, x: self.range(*e), slope }
        });
        let parts: Vec<Part> = parts.collect();
        let direct = (own.field.jet(own.i, &both).0 - at_float) * k + rest;
        if !parts.iter().all(|part| part.x.is_finite() && part.slope.is_finite())
            || !rest.is_finite()
        {
            return flat(direct);
        }
        let (range, lines) = summed(&parts, rest);
        (range.meet(direct), Bound::Lines(lines))
    }

    fn mix(&self, share: Var, from: Var, to: Var) -> (Span, Bound) {
        let (s, a, b) = (self.range(share), self.range(from), self.range(to));
        // A share a little outside takes as little more.
        let beyond = (-s.low).max(s.high - 1.0).max(0.0);
        let range = a.hull(b) + (b - a) * Span::new(-beyond, beyond);
        if !(a.is_finite() && b.is_finite()) {
            return flat(range);
        }
        // a + s (b - a) = a + sm (b - a) + (bm - am) (s - sm) + (s - sm) ((b - a) - (bm - am))
        let (sm, d) = (s.middle(), b - a);
        let dm = d.middle();
        let off = (s - Span::at(sm)).size() * (d - Span::at(dm)).size();
        let at = Span::outward(-off, off) - Span::at(dm) * sm;
        let line = Line::sum([
            Line::times(from, Span::at(1.0) - Span::at(sm)),
            Line::times(to, Span::at(sm)),
            Line::times(share, Span::at(dm)),
        ]);
        (range, Bound::Lines([at.low, at.high].map(|at| line.clone().plus(Span::at(at)))))
    }

    /// All that a sum can be.
    pub fn span(&mut self, line: &Line) -> Span {
        let high = self.most(line, 1.0);
        Span::new(-self.most(line, -1.0), high)
    }

    /// The most that a sum, or its negative, can be.
    fn most(&mut self, line: &Line, sign: f64) -> f64 {
        let Some(top) = line.terms.iter().map(|term| term.var).max() else {
            return if sign > 0.0 { line.at.high } else { -line.at.low };
        };
        let mut sum = if sign > 0.0 { line.at.high } else { -line.at.low };
        let (mut size, mut off) = (line.at.size(), 0.0);
        for term in &line.terms {
            let reach = self.range(term.var).size();
            self.buffer[term.var as usize] += sign * term.by;
            size += weighed(term.by.abs(), reach);
            off += weighed(term.off, reach);
        }
        for var in (0..=top as usize).rev() {
            let c = std::mem::take(&mut self.buffer[var]);
            if c == 0.0 {
                continue;
            }
            let upper = c > 0.0;
            let cost = self.costs[var][usize::from(upper)];
            size += c.abs() * cost[0];
            off += weighed(c.abs(), cost[1]);
            let line = match &self.bounds[var] {
                Bound::Given => {
                    let x = self.ranges[var];
                    sum += c * if upper { x.high } else { x.low };
                    continue;
                }
                Bound::Exact => match &self.tape.rules[var] {
                    Rule::Line(line) => line,
                    _ => return self.cleared(),
                },
                Bound::Lines(lines) => &lines[usize::from(upper)],
            };
            sum += weighed(c, if upper { line.at.high } else { line.at.low });
            for term in &line.terms {
                self.buffer[term.var as usize] += c * term.by;
            }
        }
        // Each coefficient is a sum of at most as many products as there are variables (Higham 2002, 3.1).
        let rounding = (top as usize + 8 + line.terms.len()) as f64 * ROUNDING * size;
        let most = (sum + rounding + 2.0 * off).next_up();
        if most.is_nan() { f64::INFINITY } else { most }
    }

    /// Nothing is known.
    fn cleared(&mut self) -> f64 {
        self.buffer.fill(0.0);
        f64::INFINITY
    }
}

/// How much of what a number is off is left of it clamped, where both are in `both`.
fn share(both: Span, to: Span) -> Span {
    match () {
        () if to.low <= both.low && both.high <= to.high => Span::at(1.0),
        () if both.high <= to.low || both.low >= to.high => Span::at(0.0),
        () => Span::new(0.0, 1.0),
    }
}

/// A product in which 0 is 0.
fn weighed(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { 0.0 } else { a * b }
}

/// A range alone.
fn flat(range: Span) -> (Span, Bound) {
    (range, Bound::Lines([range.low, range.high].map(|end| Line::constant(Span::at(end)))))
}

/// Lines over a variable.
fn straight(x: Var, [lower, upper]: [Strip; 2]) -> Bound {
    let line = |slope: f64, at: f64| {
        let line = if slope == 0.0 {
            Line::constant(Span::at(0.0))
        } else {
            Line::times(x, Span::at(slope))
        };
        line.plus(Span::at(at))
    };
    Bound::Lines([line(lower.slope, lower.at.low), line(upper.slope, upper.at.high)])
}

fn added(lines: [Strip; 2], more: Span) -> [Strip; 2] {
    lines.map(|strip| Strip { at: strip.at + more, ..strip })
}

/// A variable of a known range, less a number, times any of its slopes.
struct Part {
    var: Var,
    from: f64,
    x: Span,
    slope: Span,
}

/// Range and lines of a sum, and of what is added.
fn summed(parts: &[Part], more: Span) -> (Span, [Line; 2]) {
    let mut range = more;
    let (mut lower, mut upper) = (vec![Line::constant(more)], vec![Line::constant(more)]);
    for part in parts {
        let x = part.x - Span::at(part.from);
        range = range + x * part.slope;
        let line = |strip: Strip, at: f64| {
            let shift = Span::at(at) - Span::at(strip.slope) * part.from;
            Line::times(part.var, Span::at(strip.slope)).plus(shift)
        };
        let [below, above] = fan(x, part.slope);
        lower.push(line(below, below.at.low));
        upper.push(line(above, above.at.high));
    }
    (range, [lower, upper].map(Line::sum))
}

/// The lines that are nearest in the middle, and all values.
fn strips(x: Var, on: Span, curve: &Curve) -> (Span, Bound) {
    let line = |above: bool| curve.strip(on, curve.support(on, above)?);
    match (line(false), line(true), curve.values(on)) {
        (Some(lower), Some(upper), Some(values)) => (values, straight(x, [lower, upper])),
        _ => flat(EVERYTHING),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::curve::Extremes;
    use crate::check::map::Map;
    use crate::graph::expr::{Expr, Function};
    use proptest::prelude::*;

    /// `k`, `c` of what is read and of what is written.
    const READ: [f64; 2] = [900.0, 50.0];
    const WRITTEN: [f64; 2] = [800.0, -70.0];

    fn table(q: i16) -> f64 {
        (800.0 * ((f64::from(q) + 50.0) / 900.0).tanh() + 70.0 + f64::from(q % 3)).floor()
    }

    /// Rules of every kind over four inputs, and the value of each at a point.
    fn all(x: &[f64]) -> (Tape, Vec<f64>) {
        let (mut tape, mut values) = (Tape::default(), Vec::new());
        let mut push = |tape: &mut Tape, rule: Rule, value: f64| {
            values.push(value);
            tape.push(rule)
        };
        let given: Vec<Var> = (0..4).map(|i| push(&mut tape, Rule::Given(i), x[i])).collect();
        let share = push(
            &mut tape,
            Rule::Line(Line::times(given[3], Span::at(0.3)).plus(Span::at(0.4))),
            0.3 * x[3] + 0.4,
        );
        let wave = tape.map(Map::Expr(Expr::call(Function::Sin)));
        let sine = push(&mut tape, Rule::Curve(given[0], wave), x[0].sin());
        let product = push(&mut tape, Rule::Product(sine, given[1]), x[0].sin() * x[1]);
        let part = 0.3 * x[3] + 0.4;
        let mixed = (1.0 - part) * x[0] + part * x[1];
        push(&mut tape, Rule::Mix { share, from: given[0], to: given[1] }, mixed);
        let z = 300.0 * x[2];
        let e = push(&mut tape, Rule::Line(Line::times(given[2], Span::at(300.0))), z);
        // q = clamp(floor(k f - c + e)), beside float's clamp.
        let (to, float) = (Span::new(-700.0, 600.0), Span::new(-0.8, f64::INFINITY));
        let q = (READ[0] * x[0] - READ[1] + z).clamp(to.low, to.high).floor();
        let off = q - (READ[0] * x[0].max(-0.8) - READ[1]);
        let clamp = tape.map(Map::Expr(Expr::X.max(Expr::Const(-0.8))));
        let clamped = push(&mut tape, Rule::Curve(given[0], clamp), x[0].max(-0.8));
        let finish = Finish { f: given[0], e, scale: READ, clamped, float, to, floor: 1.0 };
        push(&mut tape, Rule::Finish(finish.clone()), off);
        let finished = push(
            &mut tape,
            Rule::Finish(Finish { float: EVERYTHING, clamped: given[0], ..finish }),
            q - (READ[0] * x[0] - READ[1]),
        );
        let tanh = tape.map(Map::Expr(Expr::call(Function::Tanh)));
        let squashed = push(&mut tape, Rule::Curve(given[0], tanh), x[0].tanh());
        let phi = |x: f64| WRITTEN[0] * x.tanh() - WRITTEN[1];
        tape.tables.push(Extremes::of(|q| {
            Span::at(table(q) - phi((f64::from(q) + READ[1]) / READ[0])) + Span::new(-1e-6, 1e-6)
        }));
        let change = Change {
            f: given[0],
            e: finished,
            read: READ,
            curve: tanh,
            k: WRITTEN[0],
            alone: Some((WRITTEN[1], squashed)),
            table: 0,
        };
        push(&mut tape, Rule::Change(change), table(q as i16) - phi(x[0]));
        let pairs = vec![[given[0], given[2]], [given[1], given[3]]];
        let apart = (2.0 * x[0] + x[2]).max(2.0 * x[1] + x[3]) - (2.0 * x[0]).max(2.0 * x[1]);
        push(&mut tape, Rule::Apart { pairs, k: 2.0, largest: true }, apart);
        let clamped = Rule::Clamp { of: product, to: Span::new(-0.5, 0.7), floor: false };
        push(&mut tape, clamped, (x[0].sin() * x[1]).clamp(-0.5, 0.7));
        let length = x.iter().map(|x| x * x).sum::<f64>();
        let field = Field::RootMeanSquare { epsilon: 0.0, least: 0.04 };
        let divisor = (length / 4.0).max(0.04).sqrt();
        push(&mut tape, Rule::Field { field, i: 1, of: given.clone() }, x[1] / divisor);
        let (a, b) = (x[0] + x[2] / 5.0, x[1] + x[3] / 5.0);
        let softmax = |a: f64, b: f64| 1.0 / (1.0 + (b - a).exp());
        let fields = Fields {
            field: Field::Softmax,
            i: 0,
            pairs: vec![([given[0], given[2]], 5.0), ([given[1], given[3]], 5.0)],
            kernel: 100.0,
            k: 101.0,
            c: 3.0,
            off: 0.5,
            share: 0.0,
            term: 0.0,
        };
        push(
            &mut tape,
            Rule::Fields(fields),
            100.0 * softmax(a, b) + 0.4 - (101.0 * softmax(x[0], x[1]) - 3.0),
        );
        (tape, values)
    }

    proptest! {
        #[test]
        fn every_rule_is_between_its_lines(
            low in prop::collection::vec(-2.0..2.0_f64, 4), width in prop::collection::vec(0.0..1.5_f64, 4),
            at in prop::collection::vec(0.0..=1.0_f64, 4), factors in prop::collection::vec(-1.0..1.0_f64, 20),
        ) {
            let given: Vec<Span> = low.iter().zip(&width).map(|(l, w)| Span::new(*l, l + w)).collect();
            let x: Vec<f64> = given.iter().zip(&at).map(|(x, t)| (x.low + t * x.width()).clamp(x.low, x.high)).collect();
            let (tape, values) = all(&x);
            let mut sweep = Sweep::of(&tape, &given, None);
            for (var, value) in values.iter().enumerate() {
                let slack = 1e-9 * (1.0 + value.abs());
                let range = sweep.ranges[var];
                prop_assert!(range.low - slack <= *value && *value <= range.high + slack, "{:?} {} {:?}", tape.rules[var], value, range);
                if let Bound::Lines(lines) = &sweep.bounds[var] {
                    let ends = lines.each_ref().map(|line| line.terms.iter().map(|t| t.by * values[t.var as usize]).sum::<f64>());
                    let (low, high) = (ends[0] + lines[0].at.low, ends[1] + lines[1].at.high);
                    prop_assert!(low - slack <= *value && *value <= high + slack, "{:?} {} {} {}", tape.rules[var], low, value, high);
                }
                let all = sweep.span(&Line::of(var as Var));
                prop_assert!(all.low - slack <= *value && *value <= all.high + slack);
            }
            let sum = Line::sum(factors.iter().take(values.len()).enumerate().map(|(var, by)| Line::times(var as Var, Span::at(*by))));
            let value: f64 = factors.iter().zip(&values).map(|(by, value)| by * value).sum();
            let all = sweep.span(&sum);
            prop_assert!(all.low - 1e-6 <= value && value <= all.high + 1e-6, "{} {:?}", value, all);
        }
    }
}
