//! Both networks over boxes of inputs, and the integers alone. Stands on the room's rules.

use super::curve::Extremes;
use super::float::Float;
use super::formulas::Table;
use super::integer::{self, Integers, Kept};
use super::line::{Line, Var};
use super::span::{ACTIVATION, Span};
use super::sweep::Sweep;
use super::tape::Tape;
use crate::certify::machine::Machine;
use crate::graph::Graph;
use crate::parallel;
use crate::program::{Port, PortWidth};

/// The float network and its integers.
#[derive(Debug)]
pub struct Engine {
    tape: Tape,
    integers: Integers,
    /// The variables of each tensor.
    tensors: Vec<Vec<Var>>,
    /// Of each output: what the integer is off, in the caller's units, and how many of these are 1.
    outputs: Vec<(Line, f64)>,
    /// Float states after a reset, and what becomes of them.
    initial: Vec<f64>,
    next: Vec<Var>,
    inputs: usize,
}

/// States before a step: those of float, and what their integers are off.
#[derive(Debug, Clone, PartialEq)]
pub struct States {
    /// One a number of a float state.
    pub float: Vec<Span>,
    /// One a number of memory that is said to stand for one.
    pub off: Vec<Span>,
}

/// The caller's integer of an activation: factor and addend.
fn caller(port: &Port, i: usize) -> (f64, f64) {
    match &port.width {
        PortWidth::WideOut(channels) => channels.get(i).map_or((1.0, 0.0), |channel| {
            (f64::powi(2.0, channel.shift.into()), channel.offset.into())
        }),
        _ => (1.0, 0.0),
    }
}

/// The errors of tables, all cores at it.
fn errors(tables: &[Table], tape: &Tape) -> Vec<Extremes> {
    parallel::map(tables, |table| {
        let ([k, c], [to_k, to_c]) = (table.read, table.written);
        let one_over = Span::at(1.0).over(Span::at(k));
        Extremes::of(|q| {
            let x = (Span::at(q.into()) + Span::at(c)) * one_over;
            let float = tape.maps[table.map].jet(x).value * to_k - Span::at(to_c);
            Span::at(table.stairs.at(q)) * table.unit - float
        })
    })
}

impl Engine {
    /// Both networks; none if they have not the same inputs and outputs.
    pub fn of(graph: &Graph, machine: &Machine) -> Option<Self> {
        let alike = machine.input.0.features() == graph.input_len()
            && machine.output.0.features() == graph.output_len();
        alike.then_some(())?;
        let mut tape = Tape::default();
        let float = Float::of(graph, &mut tape);
        let (integers, tables) = integer::read(machine, Some((graph, &float)), &mut tape)?;
        tape.tables = errors(&tables, &tape);
        let port = &machine.output.0;
        let output = |(i, (q, &f)): (usize, (&Line, &Var))| {
            let ((factor, addend), one) = (caller(port, i), port.one(i));
            let integer = q.clone().scaled(Span::at(factor)).plus(Span::at(addend));
            (integer.minus(Line::times(f, Span::at(one))), one)
        };
        let float_outputs = &float.tensors[graph.output];
        Some(Self {
            outputs: integers.outputs.iter().zip(float_outputs).enumerate().map(output).collect(),
            initial: graph.states.iter().flat_map(|state| state.initial.clone()).collect(),
            next: graph.states.iter().flat_map(|s| float.tensors[s.next].clone()).collect(),
            inputs: graph.input_len(),
            tensors: float.tensors,
            integers,
            tape,
        })
    }

    /// States after a reset.
    pub fn start(&self) -> States {
        States {
            float: self.initial.iter().map(|x| Span::at(*x)).collect(),
            off: self.integers.states.iter().map(|kept| kept.start).collect(),
        }
    }

    /// A box through both networks; `within` are the ranges of a larger one.
    pub fn run(&self, inputs: &[Span], states: &States, within: Option<&[Span]>) -> Sweep<'_> {
        debug_assert_eq!(inputs.len(), self.inputs);
        let given = [inputs, &states.float, &states.off].concat();
        Sweep::of(&self.tape, &given, within)
    }

    /// How far each output can be from float.
    pub fn errors(&self, sweep: &mut Sweep) -> Vec<f64> {
        let error = |(line, one): &(Line, f64)| {
            let off = sweep.span(line).size();
            (off / one).next_up()
        };
        self.outputs.iter().map(error).collect()
    }

    /// States after the step.
    pub fn next(&self, sweep: &mut Sweep) -> States {
        let off = |kept: &Kept| sweep.span(&kept.next);
        let off = self.integers.states.iter().map(off).collect();
        States { float: self.next.iter().map(|f| sweep.span(&Line::of(*f))).collect(), off }
    }

    /// All that each tensor can be.
    pub fn tensors(&self, sweep: &mut Sweep) -> Vec<Span> {
        let each = |own: &Vec<Var>| {
            let all = own.iter().map(|f| sweep.span(&Line::of(*f)).meet(sweep.ranges[*f as usize]));
            all.collect::<Vec<_>>().into_iter().reduce(Span::hull).unwrap_or(Span::at(0.0))
        };
        self.tensors.iter().map(each).collect()
    }

    /// How far the integers of a tensor can be from it; none where they are never in memory.
    pub fn apart(&self, tensor: usize, sweep: &mut Sweep) -> Option<f64> {
        let own = self.integers.spots.iter().filter(|(id, ..)| *id == tensor);
        let off = own.map(|(_, k, line)| (sweep.span(line).size() / k).next_up());
        off.reduce(f64::max)
    }

    /// All integers that each step writes.
    pub fn integers(&self, sweep: &mut Sweep) -> Vec<Span> {
        let each = |lanes: &Vec<Line>| {
            let all = lanes.iter().map(|q| sweep.span(q).meet(ACTIVATION));
            all.reduce(Span::hull).unwrap_or(Span::at(0.0))
        };
        self.integers.written.iter().map(each).collect()
    }
}

/// A model's integers alone.
#[derive(Debug)]
pub struct Alone {
    tape: Tape,
    outputs: Vec<Line>,
    /// What reading takes from each of the caller's integers.
    offsets: Vec<i32>,
}

/// A box of the caller's integers, gone through.
#[derive(Debug)]
pub struct Outputs<'a> {
    sweep: Sweep<'a>,
    lines: &'a [Line],
}

impl Alone {
    /// That of a machine; none where a port makes no sense.
    pub fn of(machine: &Machine) -> Option<Self> {
        let mut tape = Tape::default();
        let (integers, _) = integer::read(machine, None, &mut tape)?;
        let port = &machine.output.0;
        let output = |(i, q): (usize, Line)| {
            let (factor, addend) = caller(port, i);
            q.scaled(Span::at(factor)).plus(Span::at(addend))
        };
        let outputs = integers.outputs.into_iter().enumerate().map(output).collect();
        let offset = |i: usize| match &machine.input.0.width {
            PortWidth::WideIn(channels) => channels.get(i).map_or(0, |channel| channel.offset),
            _ => 0,
        };
        let offsets = (0..machine.input.0.features()).map(offset).collect();
        Some(Self { tape, outputs, offsets })
    }

    /// All outputs for the caller's integers `first..=last` of each input; none if there are more or less inputs, or reading
    /// one saturates.
    pub fn run(&self, cell: &[(i32, i32)]) -> Option<Outputs<'_>> {
        let fits = |((low, high), offset): (&(i32, i32), &i32)| {
            low <= high && low.checked_sub(*offset).is_some() && high.checked_sub(*offset).is_some()
        };
        let all = cell.len() == self.offsets.len();
        (all && cell.iter().zip(&self.offsets).all(fits)).then_some(())?;
        let given: Vec<Span> =
            cell.iter().map(|(low, high)| Span::new((*low).into(), (*high).into())).collect();
        Some(Outputs { sweep: Sweep::of(&self.tape, &given, None), lines: &self.outputs })
    }
}

impl Outputs<'_> {
    /// No input of the box makes the sum of the caller's output integers, each times its factor, smaller.
    pub fn least(&mut self, terms: &[(usize, f64)]) -> f64 {
        let line = |(i, factor): &(usize, f64)| {
            Some(self.lines.get(*i)?.clone().scaled(Span::at(*factor)))
        };
        match terms.iter().map(line).collect::<Option<Vec<Line>>>() {
            Some(lines) => {
                let sum = Line::sum(lines);
                // A variable's range knows of its clamps, which lines cross.
                let alone = self.sweep.roughly(&sum).low;
                self.sweep.span(&sum).low.max(alone)
            }
            None => f64::NEG_INFINITY,
        }
    }
}
