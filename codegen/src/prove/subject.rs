//! What a property is asked of: the outputs of an input, or what they move by where one input does. Stands on walks over a
//! box, pairs of inputs and the interpreter.

use super::moved;
use super::pair;
use super::property::Cell;
use super::walk::{Outputs, walk, walk_seen};
use crate::certify::form::Tape;
use crate::certify::machine::Machine;
use crate::interpret::Interpreter;
use crate::program::Program;

/// An input, and what a model answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The caller's integers.
    pub integers: Vec<i32>,
    /// What they stand for.
    pub inputs: Vec<f64>,
    /// What the model answers.
    pub outputs: Vec<f64>,
}

/// What outputs can be over a box, or the differences of those of two inputs.
pub struct Bounds<'a> {
    machine: &'a Machine,
    /// Of pairs of inputs: the input in which they differ, and the machine that runs both.
    pair: Option<(usize, Machine)>,
}

impl<'a> Bounds<'a> {
    /// Of a machine's inputs, or of pairs that differ in one alone.
    pub fn of(machine: &'a Machine, moved: Option<usize>) -> Self {
        Self { machine, pair: moved.map(|i| (i, pair::machine(machine, i))) }
    }

    /// What outputs can be over a box; none of a box that has no pair in order.
    pub fn over<'t>(&self, cell: &Cell, tape: &'t Tape) -> Option<Outputs<'t>> {
        let Some((i, machine)) = &self.pair else { return Some(walk(self.machine, cell, tape)) };
        let cell = pair::ordered(cell, *i)?;
        let mut ranges = Vec::new();
        let both = walk_seen(machine, &cell, tape, |written| {
            ranges.push(written.iter().map(|(_, form)| form.limits()).collect());
        });
        let count = both.forms.len() / 2;
        let (first, second) = both.forms.split_at(count);
        let forms = first.iter().zip(second).map(|(first, second)| second.minus(first)).collect();
        let known = moved::outputs(self.machine, &cell, *i, &ranges);
        Some(Outputs { forms, known })
    }
}

/// The outputs of a program's inputs, or the differences of those of two.
pub struct Subject<'a> {
    /// The integers.
    pub program: &'a Program,
    moved: Option<usize>,
    bounds: Bounds<'a>,
}

impl<'a> Subject<'a> {
    /// The outputs of a program, or of pairs of inputs that differ in one alone.
    pub fn of(program: &'a Program, machine: &'a Machine, moved: Option<usize>) -> Self {
        Self { program, moved, bounds: Bounds::of(machine, moved) }
    }

    /// What outputs can be over a box; none of a box that has no pair in order.
    pub fn walk<'t>(&self, cell: &Cell, tape: &'t Tape) -> Option<Outputs<'t>> {
        self.bounds.over(cell, tape)
    }

    /// What stands for the outputs of a point; none of a pair that is not in order.
    pub fn outputs(
        &self,
        point: &[i32],
        interpreter: &mut Interpreter<&Program>,
    ) -> Option<Vec<f64>> {
        let mut of = |input: &[i32]| {
            interpreter.reset();
            self.program.output.to_reals(&interpreter.step_raw(input).0)
        };
        let Some(i) = self.moved else { return Some(of(point)) };
        let [first, second] = pair::inputs(point, i)?;
        let (first, second) = (of(&first), of(&second));
        Some(first.iter().zip(second).map(|(first, second)| second - first).collect())
    }

    /// The inputs of a point, with what the model answers.
    pub fn points(&self, point: &[i32]) -> Vec<Point> {
        let inputs = match self.moved {
            Some(i) => pair::inputs(point, i).map_or(vec![], Vec::from),
            None => vec![point.to_vec()],
        };
        let mut interpreter = Interpreter::new(self.program);
        let mut point = |integers: Vec<i32>| {
            interpreter.reset();
            let outputs = self.program.output.to_reals(&interpreter.step_raw(&integers).0);
            Point { inputs: self.program.input.to_reals(&integers), outputs, integers }
        };
        inputs.into_iter().map(&mut point).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Compiler;
    use proptest::prelude::*;

    /// What is said of outputs, and of what they move by, is so at points of the box.
    #[test]
    fn outputs_are_where_a_walk_says() {
        let compiler = Compiler::new("example/policy.onnx").calibration("example/inputs.csv");
        let compiled = compiler.build().unwrap();
        let program = &compiled.program;
        let machine = Machine::of(program).unwrap();
        let count = program.input.features();
        let sizes =
            prop::collection::vec((-20_000..20_000_i32, 0..4000_i32, 0.0..=1.0_f64), count + 1);
        let mut runner = proptest::test_runner::TestRunner::default();
        let tried = runner.run(&(sizes, any::<bool>()), |(mut sides, near)| {
            for moved in [None, Some(0), Some(count - 1)] {
                let subject = Subject::of(program, &machine, moved);
                if let Some(i) = moved.filter(|_| near) {
                    sides[count].0 = sides[i].0;
                }
                let sides = &sides[..count + usize::from(moved.is_some())];
                let cell: Cell = sides.iter().map(|(low, size, _)| (*low, low + size)).collect();
                let point: Vec<i32> = sides
                    .iter()
                    .map(|(low, size, at)| low + (f64::from(*size) * at) as i32)
                    .collect();
                let mut interpreter = Interpreter::new(program);
                let Some(outputs) = subject.outputs(&point, &mut interpreter) else { continue };
                let tape = Tape::new();
                let walked = subject.walk(&cell, &tape).expect("a box with a point in order");
                for (k, y) in outputs.iter().enumerate() {
                    let (form, known) = (walked.forms[k].range(), walked.known[k]);
                    prop_assert!(form.low <= *y && *y <= form.high, "{moved:?} {y} {form:?}");
                    prop_assert!(known.low <= *y && *y <= known.high, "{moved:?} {y} {known:?}");
                }
            }
            Ok(())
        });
        tried.unwrap();
    }
}
