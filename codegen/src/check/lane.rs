//! What an integer of memory is: a sum of variables, and the float number that it stands for. Stands on tapes.

use std::sync::Arc;

use super::line::{Line, Var};
use super::span::Span;
use super::tape::{Rule, Tape};
use crate::program::formula::{Edge, table_at};

/// A float number that an integer is said to stand for: `q = k f - c`, about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Name {
    /// The float variable.
    pub f: Var,
    /// Units a float number.
    pub k: f64,
    /// What is taken off.
    pub c: f64,
}

impl Name {
    /// `k f - c`.
    pub fn line(&self) -> Line {
        Line::times(self.f, Span::at(self.k)).plus(-Span::at(self.c))
    }
}

/// An integer beside a float number: `q = k f - c + e`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The float number.
    pub name: Name,
    /// What the integer is off.
    pub e: Var,
}

impl Pair {
    /// The integer.
    pub fn line(&self) -> Line {
        Line::sum([self.name.line(), Line::of(self.e)])
    }
}

/// A number of memory.
#[derive(Debug, Clone)]
pub struct Lane {
    /// The same for copies.
    pub id: usize,
    /// The number.
    pub value: Line,
    /// What it was found to be off from a float number.
    pub pair: Option<Pair>,
    /// All float numbers that it is said to stand for.
    pub names: Vec<Name>,
    /// Of a table's output: what the table was read at.
    pub table: Option<(Arc<Lane>, Arc<Vec<u32>>)>,
}

impl Lane {
    /// A number by itself.
    pub fn new(id: usize, value: Line) -> Self {
        Self { id, value, pair: None, names: vec![], table: None }
    }

    /// A number beside a float number.
    pub fn paired(id: usize, pair: Pair) -> Self {
        Self { pair: Some(pair), ..Self::new(id, pair.line()) }
    }

    /// What it is off from a float number: as it was found, or by what it is said to stand for.
    pub fn beside(&self, f: Var, tape: &mut Tape) -> Option<Pair> {
        let found = self.pair.filter(|pair| pair.name.f == f);
        found.or_else(|| {
            let name = *self.names.iter().find(|name| name.f == f)?;
            Some(self.off(name, tape))
        })
    }

    /// What it is off from what it is said to stand for.
    pub fn off(&self, name: Name, tape: &mut Tape) -> Pair {
        match self.pair.filter(|pair| pair.name == name) {
            Some(pair) => pair,
            None => {
                let e = tape.push(Rule::Line(self.value.clone().minus(name.line())));
                Pair { name, e }
            }
        }
    }
}

/// A function of an integer of 16 bits.
#[derive(Debug, Clone)]
pub enum Stairs {
    /// A table.
    Table(Arc<Vec<u32>>),
    /// What an input adds to the sum of a layer of functions: edges, and tables with their weights.
    Input(Vec<Edge>, Vec<(Arc<Vec<u32>>, i64)>),
}

impl Stairs {
    /// The function at an integer.
    pub fn at(&self, q: i16) -> f64 {
        match self {
            Self::Table(pieces) => table_at(pieces, q).into(),
            Self::Input(edges, tables) => {
                let edges = edges.iter().map(|edge| i128::from(edge.at(q)));
                let table = |(pieces, weight): &(Arc<Vec<u32>>, i64)| {
                    i128::from(table_at(pieces, q)) * i128::from(*weight)
                };
                edges.chain(tables.iter().map(table)).sum::<i128>() as f64
            }
        }
    }
}
