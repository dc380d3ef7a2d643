//! Numbers as nodes of a computation, each bounded by lines over earlier ones: what one can be is found by going back to the
//! inputs, so that what cancels on the way does (CROWN: Zhang et al. 2018; DeepPoly: Singh et al. 2019).
//!
//! A node is any number of an interval, a sum of others, or between two lines over another. Of `sum_k c_k x_k` the last
//! node is replaced by what it is at least (at most), which for a negative factor is its upper (lower) line, until only
//! intervals are left.
//!
//! Arithmetic is that of doubles. Of a sum of n products each rounding is at most `2^-53` of a partial sum, all together at
//! most `n 2^-52` of the sum of magnitudes (Higham 2002, chapter 3, with a factor of two to spare), which is kept beside.
//!
//! Stands on intervals.

use std::cell::RefCell;

use super::interval::Interval;

/// Rounding of one operation, with a factor of two to spare.
pub const UNIT: f64 = f64::EPSILON;

/// No node.
const NONE: u32 = u32::MAX;

/// Terms that take as long as a function's lines do.
const FUNCTION: u64 = 6000;

/// Terms of a sum that becomes part of another that reads it.
const SHORT: usize = 3;

/// `slope x + at_zero`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Of the line.
    pub slope: f64,
    /// Its value at 0.
    pub at_zero: f64,
}

impl Line {
    /// Its value at `x`, rounded.
    pub fn at(&self, x: f64) -> f64 {
        self.slope * x + self.at_zero
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Any number of its interval.
    Any,
    /// An input of the network: any number of its interval.
    Input(u32),
    /// A number of an interval and the terms from one place to another.
    Sum { addend: Interval, terms: (u32, u32) },
    /// Between two lines over an earlier node.
    Lines { of: u32, lower: Line, upper: Line },
}

#[derive(Debug, Clone, Copy)]
struct Node {
    kind: Kind,
    /// Where it surely is, by interval arithmetic and by what was said of it.
    limits: Interval,
    /// The sum of the magnitudes that it is made of: what rounding is measured by.
    size: f64,
    /// Whose ranges make it loose.
    causes: [u32; 2],
    /// Whether `limits` are all that can be found.
    is_known: bool,
    /// The place of its slopes by the inputs, once it is known.
    slopes: u32,
}

#[derive(Debug, Default)]
struct Nodes {
    nodes: Vec<Node>,
    terms: Vec<(f64, u32)>,
    inputs: usize,
    /// Slopes by the inputs, as many a node as there are inputs.
    slopes: Vec<f64>,
    /// Factors on the way back for the lower and the upper end; all 0 in between.
    factors: Vec<[f64; 2]>,
    /// Terms that were gone back over.
    work: u64,
}

/// The nodes of a computation, in their order.
#[derive(Debug, Default)]
pub struct Tape(RefCell<Nodes>);

/// A number of a computation.
#[derive(Debug, Clone, Copy)]
pub struct Form<'t> {
    tape: &'t Tape,
    node: u32,
}

impl Tape {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What it has taken until now, in terms that were gone back over: 2 to 3 nanoseconds each.
    pub fn work(&self) -> u64 {
        let own = self.0.borrow();
        let lines = own.nodes.iter().filter(|node| matches!(node.kind, Kind::Lines { .. }));
        own.work + FUNCTION * lines.count() as u64
    }

    fn push(&self, node: Node) -> Form<'_> {
        let nodes = &mut self.0.borrow_mut().nodes;
        nodes.push(node);
        Form { tape: self, node: nodes.len() as u32 - 1 }
    }

    /// An input, or what a state is when a step begins.
    pub fn input(&self, x: Interval) -> Form<'_> {
        let mut own = self.0.borrow_mut();
        let place = own.inputs as u32;
        own.inputs += 1;
        drop(own);
        self.leaf(Kind::Input(place), x, [NONE; 2])
    }

    /// Any number of an interval.
    pub fn any(&self, x: Interval) -> Form<'_> {
        self.leaf(Kind::Any, x, [NONE; 2])
    }

    /// The same, of an interval that is wide because others are.
    pub fn any_since<'t>(&'t self, x: Interval, [a, b]: [&Form<'t>; 2]) -> Form<'t> {
        self.leaf(Kind::Any, x, [a.node, b.node])
    }

    fn leaf(&self, kind: Kind, x: Interval, causes: [u32; 2]) -> Form<'_> {
        let size = x.magnitude();
        self.push(Node { kind, limits: x, size, causes, is_known: false, slopes: NONE })
    }

    /// A number that is known.
    pub fn constant(&self, x: f64) -> Form<'_> {
        self.sum_with([], Interval::at(x))
    }

    /// `constant + sum of factor form`; factors and constant may be rounded a few times.
    pub fn sum<'t, 'f>(
        &'t self,
        parts: impl IntoIterator<Item = (f64, &'f Form<'t>)>,
        constant: f64,
    ) -> Form<'t>
    where
        't: 'f,
    {
        self.sum_with(parts, Interval::at(constant))
    }

    /// The same, with any number of an interval added.
    pub fn sum_with<'t, 'f>(
        &'t self,
        parts: impl IntoIterator<Item = (f64, &'f Form<'t>)>,
        addend: Interval,
    ) -> Form<'t>
    where
        't: 'f,
    {
        let mut own = self.0.borrow_mut();
        let Nodes { nodes, terms, .. } = &mut *own;
        let from = terms.len();
        let (mut addend, mut size, mut count) = (addend, addend.magnitude(), 0.0);
        for (factor, form) in parts.into_iter().filter(|(factor, _)| *factor != 0.0) {
            let node = &nodes[form.node as usize];
            size += factor.abs() * node.size;
            count += 1.0;
            match node.kind {
                // Short sums become part of this one.
                Kind::Sum { addend: its, terms: (first, last) }
                    if (last - first) as usize <= SHORT =>
                {
                    addend = addend.plus(&its.scaled(factor));
                    for place in first..last {
                        let (w, of) = terms[place as usize];
                        terms.push((factor * w, of));
                    }
                }
                _ => terms.push((factor, form.node)),
            }
        }
        if count > 0.0 {
            addend = addend.plus(&Interval::around(0.0, (count + 4.0) * UNIT * size));
        }
        let place = (from as u32, terms.len() as u32);
        let (mut low, mut high, mut all) = (addend.low, addend.high, addend.magnitude());
        for (w, of) in &terms[from..] {
            let x = nodes[*of as usize].limits;
            let (a, b) = (w * x.low, w * x.high);
            (low, high, all) = (low + a.min(b), high + a.max(b), all + a.abs().max(b.abs()));
        }
        let off = (terms.len() - from + 4) as f64 * UNIT * all;
        let limits = match terms.len() > from {
            true => Interval::new((low - off).next_down(), (high + off).next_up()),
            false => addend,
        };
        let size = all * (1.0 + (count + 8.0) * UNIT);
        let kind = Kind::Sum { addend, terms: place };
        let is_known = place.0 == place.1;
        nodes.push(Node { kind, limits, size, causes: [NONE; 2], is_known, slopes: NONE });
        let node = nodes.len() as u32 - 1;
        Form { tape: self, node }
    }
}

impl<'t> Form<'t> {
    /// Where it is kept.
    pub fn tape(&self) -> &'t Tape {
        self.tape
    }

    /// What is between two lines over it, and within `limits`; loose since `cause` is wide.
    pub fn between(&self, lower: Line, upper: Line, limits: Interval, cause: &Self) -> Self {
        let magnitude = self.limits().magnitude();
        let size = |line: &Line| line.slope.abs() * magnitude + line.at_zero.abs();
        let size = size(&lower).max(size(&upper)) * (1.0 + 8.0 * UNIT);
        let kind = Kind::Lines { of: self.node, lower, upper };
        let causes = [cause.node, NONE];
        self.tape.push(Node { kind, limits, size, causes, is_known: false, slopes: NONE })
    }

    /// One that is known to lie within limits, whatever it is made of.
    #[must_use]
    pub fn within(self, limits: Interval) -> Self {
        if let Some(node) = self.tape.0.borrow_mut().nodes.get_mut(self.node as usize) {
            node.limits = node.limits.meet(&limits);
        }
        self
    }

    /// Where it surely is, by interval arithmetic alone: nothing is gone back for.
    pub fn limits(&self) -> Interval {
        self.tape.0.borrow().nodes[self.node as usize].limits
    }

    /// Whether both are the same number.
    pub fn is_same(&self, other: &Self) -> bool {
        self.node == other.node
    }

    /// All that it can be.
    pub fn range(&self) -> Interval {
        let mut own = self.tape.0.borrow_mut();
        let own = &mut *own;
        if !own.nodes[self.node as usize].is_known {
            let found = own.back(self.node, None);
            let node = &mut own.nodes[self.node as usize];
            node.limits = node.limits.meet(&found.ends);
            node.is_known = true;
            node.slopes = own.slopes.len() as u32;
            own.slopes.extend(found.slopes);
        }
        own.nodes[self.node as usize].limits
    }

    /// How much input `i` moves it, and in which direction.
    pub fn of_input(&self, i: usize) -> f64 {
        self.range();
        let own = self.tape.0.borrow();
        own.slopes_of(self.node).get(i).copied().unwrap_or(0.0)
    }

    /// How much each input moves the numbers by whose ranges its own is loose: of each such number their shares in it.
    pub fn blame(&self) -> Vec<f64> {
        let mut own = self.tape.0.borrow_mut();
        let mut causes = Vec::new();
        own.back(self.node, Some(&mut causes));
        let widths: Vec<f64> = own.input_widths();
        let mut all = vec![0.0; own.inputs];
        for cause in causes {
            let moves = || own.slopes_of(cause).iter().zip(&widths).map(|(s, w)| s.abs() * w);
            let sum = moves().sum::<f64>().max(1e-300);
            all.iter_mut().zip(moves()).for_each(|(all, moves)| *all += moves / sum);
        }
        all
    }
}

/// What going back to the inputs gives.
struct Found {
    ends: Interval,
    slopes: Vec<f64>,
}

impl Nodes {
    fn slopes_of(&self, node: u32) -> &[f64] {
        let from = self.nodes.get(node as usize).map_or(NONE, |node| node.slopes);
        self.slopes.get(from as usize..).and_then(|all| all.get(..self.inputs)).unwrap_or_default()
    }

    fn input_widths(&self) -> Vec<f64> {
        let inputs = self.nodes.iter().filter(|node| matches!(node.kind, Kind::Input(_)));
        inputs.map(|node| node.limits.high - node.limits.low).collect()
    }

    /// Goes back from a node to the inputs; `causes` gets those of each node on the way.
    fn back(&mut self, from: u32, mut causes: Option<&mut Vec<u32>>) -> Found {
        self.factors.resize(self.nodes.len(), [0.0; 2]);
        let mut slopes = vec![0.0; self.inputs];
        let (mut low, mut high, mut size, mut count) = (0.0, 0.0, 0.0, 4.0);
        let mut work = u64::from(from) / 2;
        self.factors[from as usize] = [1.0; 2];
        for place in (0..=from as usize).rev() {
            let [a, b] = self.factors[place];
            if a == 0.0 && b == 0.0 {
                continue;
            }
            self.factors[place] = [0.0; 2];
            count += 1.0;
            let node = &self.nodes[place];
            let most = a.abs().max(b.abs());
            size += most * node.size;
            if let Some(causes) = &mut causes {
                causes.extend(node.causes.iter().filter(|cause| **cause != NONE));
            }
            let mut add = |x: &Interval| {
                // 0 times infinity is 0 here.
                if a != 0.0 {
                    low += a * if a > 0.0 { x.low } else { x.high };
                }
                if b != 0.0 {
                    high += b * if b > 0.0 { x.high } else { x.low };
                }
            };
            match &node.kind {
                Kind::Any => add(&node.limits),
                Kind::Input(input) => {
                    add(&node.limits);
                    slopes[*input as usize] = (a + b) / 2.0;
                }
                Kind::Sum { addend, terms: (first, last) } => {
                    add(addend);
                    work += u64::from(last - first);
                    for (w, of) in &self.terms[*first as usize..*last as usize] {
                        let factors = &mut self.factors[*of as usize];
                        factors[0] += a * w;
                        factors[1] += b * w;
                    }
                }
                Kind::Lines { of, lower, upper } => {
                    let down = if a > 0.0 { lower } else { upper };
                    let up = if b > 0.0 { upper } else { lower };
                    low += a * down.at_zero;
                    high += b * up.at_zero;
                    let factors = &mut self.factors[*of as usize];
                    factors[0] += a * down.slope;
                    factors[1] += b * up.slope;
                }
            }
        }
        self.work += work;
        let off = count * 2.0 * UNIT * size;
        Found { ends: Interval::new((low - off).next_down(), (high + off).next_up()), slopes }
    }
}
