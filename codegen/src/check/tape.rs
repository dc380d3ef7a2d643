//! Variables, each made of those before it by a rule: both networks, without a branch. Stands on lines and curves.

use std::sync::OnceLock;

use super::curve::{Curve, Extremes};
use super::field::Field;
use super::line::{Line, Var};
use super::map::Map;
use super::span::Span;

/// How a variable follows from those before it.
///
/// An integer `q` in memory stands for a float number `f` by `q = k f - c + e`: `k` and `c` are any two doubles, by which `e`
/// is defined.
#[derive(Debug, Clone)]
pub enum Rule {
    /// A number of the box.
    Given(usize),
    /// A sum.
    Line(Line),
    /// A float function.
    Curve(Var, usize),
    /// A function of an integer.
    Stairs(Var, usize),
    /// A product.
    Product(Var, Var),
    /// `floor(clamp(x))`, or without rounding.
    Clamp {
        /// Of what.
        of: Var,
        /// Both ends.
        to: Span,
        /// Whether it is rounded down.
        floor: bool,
    },
    /// Any number.
    Anything(Span),
    /// One of several.
    Among(Vec<Var>),
    /// The `e` of a table's output.
    Change(Change),
    /// The `e` of a sum's output.
    Finish(Finish),
    /// A value of a float function of several numbers.
    Field {
        /// The function.
        field: Field,
        /// Which of its values.
        i: usize,
        /// Of what.
        of: Vec<Var>,
    },
    /// The `e` of a kernel of several numbers.
    Fields(Fields),
    /// The `e` of an extreme: `ext(k f_i - c + e_i) - ext(k f_i - c)` of pairs of `f` and `e`.
    Apart {
        /// All pairs.
        pairs: Vec<[Var; 2]>,
        /// At least 0.
        k: f64,
        /// The largest; else the smallest.
        largest: bool,
    },
    /// `(1 - share) from + share to`, where the share is in [0, 1], or nearly.
    Mix {
        /// The share.
        share: Var,
        /// What is left.
        from: Var,
        /// What comes.
        to: Var,
    },
}

/// A function `g(q)` of an integer `q = k f - c + e`, beside the float function `phi(f)`: the rest of
/// `g(q) = k' phi(f) - c' + e'`.
#[derive(Debug, Clone)]
pub struct Change {
    /// The float variable read.
    pub f: Var,
    /// What the integer read is off.
    pub e: Var,
    /// `k` and `c` of what is read.
    pub read: [f64; 2],
    /// `phi`.
    pub curve: usize,
    /// `k'`.
    pub k: f64,
    /// `c'`, and the variable of `phi(f)`, if the function is an activation by itself.
    pub alone: Option<(f64, Var)>,
    /// `g(q) - (k' phi((q + c) / k) - c')` at each integer.
    pub table: usize,
}

/// `floor(clamp(z))` of `z = k f - c + e`, beside `clamp'(f)`: the rest of `q = k clamp'(f) - c + e'`.
#[derive(Debug, Clone)]
pub struct Finish {
    /// The float variable.
    pub f: Var,
    /// What the sum is off.
    pub e: Var,
    /// `k` and `c`.
    pub scale: [f64; 2],
    /// The variable of `clamp'(f)`.
    pub clamped: Var,
    /// What float is clamped to.
    pub float: Span,
    /// What the integer is clamped to.
    pub to: Span,
    /// How much rounding down takes.
    pub floor: f64,
}

/// A kernel that computes `kernel F_i(f + e / k)` of several numbers, beside the float function `F_i(f)`: the rest of
/// `q = k F_i(f) - c + e'`.
#[derive(Debug, Clone)]
pub struct Fields {
    /// `F`.
    pub field: Field,
    /// Which of its values.
    pub i: usize,
    /// `f` and `e` of each number, and its `k`.
    pub pairs: Vec<([Var; 2], f64)>,
    /// Units of the kernel's result.
    pub kernel: f64,
    /// `k` of what is written.
    pub k: f64,
    /// `c` of what is written.
    pub c: f64,
    /// What the kernel's integers cut off, in units.
    pub off: f64,
    /// The same as a share of the result.
    pub share: f64,
    /// How far the kernel's term under a root is from float's.
    pub term: f64,
}

/// All variables of a model.
#[derive(Debug, Default)]
pub struct Tape {
    /// One a variable.
    pub rules: Vec<Rule>,
    /// Whether a rule that is no sum reads it: its range is worth finding.
    pub read: Vec<bool>,
    /// Another variable that is always the same.
    pub twins: Vec<Option<Var>>,
    /// Float functions.
    pub maps: Vec<Map>,
    curves: Vec<OnceLock<Option<Curve>>>,
    /// What each is a function of.
    uses: Vec<Vec<Var>>,
    /// Functions of integers.
    pub stairs: Vec<Curve>,
    /// Errors of tables.
    pub tables: Vec<Extremes>,
}

impl Tape {
    /// A new variable.
    pub fn push(&mut self, rule: Rule) -> Var {
        let mut mark = |var: &Var| self.read[*var as usize] = true;
        match &rule {
            Rule::Given(_) | Rule::Anything(_) | Rule::Line(_) => {}
            Rule::Curve(x, _) | Rule::Stairs(x, _) | Rule::Clamp { of: x, .. } => mark(x),
            Rule::Product(a, b) => [a, b].into_iter().for_each(mark),
            Rule::Among(all) => all.iter().for_each(mark),
            Rule::Change(Change { f, e, .. }) | Rule::Finish(Finish { f, e, .. }) => {
                [f, e].into_iter().for_each(mark);
            }
            Rule::Apart { pairs, .. } => pairs.as_flattened().iter().for_each(mark),
            Rule::Field { of, .. } => of.iter().for_each(mark),
            Rule::Fields(fields) => {
                fields.pairs.iter().flat_map(|pair| &pair.0).for_each(mark);
            }
            Rule::Mix { share, from, to } => [share, from, to].into_iter().for_each(mark),
        }
        if let Rule::Curve(x, map) = &rule {
            self.uses[*map].push(*x);
        }
        self.rules.push(rule);
        self.read.push(false);
        self.twins.push(None);
        (self.rules.len() - 1) as Var
    }

    /// A new variable that is always as large as another.
    pub fn twin(&mut self, rule: Rule, of: Var) -> Var {
        let var = self.push(rule);
        self.twins[var as usize] = Some(of);
        var
    }

    /// The variable that a line is; a new one if it is none by itself.
    pub fn var(&mut self, line: Line) -> Var {
        match line.terms.as_slice() {
            [term] if term.by == 1.0 && term.off == 0.0 && line.at == Span::at(0.0) => term.var,
            _ => self.push(Rule::Line(line)),
        }
    }

    /// The sum that a variable is; itself if it is none.
    pub fn line(&self, var: Var) -> Line {
        match self.rules.get(var as usize) {
            Some(Rule::Line(line)) => line.clone(),
            _ => Line::of(var),
        }
    }

    /// A float function.
    pub fn map(&mut self, map: Map) -> usize {
        self.maps.push(map);
        self.curves.push(OnceLock::new());
        self.uses.push(vec![]);
        self.maps.len() - 1
    }

    /// The curve of a function, on more than all ranges that its variables had when it was first asked for.
    pub fn curve(&self, map: usize, ranges: &[Span]) -> Option<&Curve> {
        let make = || {
            let own = self.uses[map].iter().filter_map(|x| ranges.get(*x as usize).copied());
            let range = own.reduce(Span::hull)?;
            let beyond = range.width() / 4.0;
            let wide = Span::new(range.low - beyond, range.high + beyond);
            Curve::of(&self.maps[map], wide).or_else(|| Curve::of(&self.maps[map], range))
        };
        self.curves[map].get_or_init(make).as_ref()
    }
}
