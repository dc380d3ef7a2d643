//! A network being quantized: lowered again and again, and compared with float on calibration rows.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::calibrate::{Calibration, Ranges, STILL};
use crate::error::Result;
use crate::graph::{Graph, TensorId};
use crate::interpret::Interpreter;
use crate::options::Options;
use crate::program::Program;
use crate::quantize::{Integers, Known, Precision, lower};

/// Rows that an error is measured on at most, where rows do not depend on one another.
const ROWS: usize = 512;

/// A network on its calibration data.
pub struct Trial<'a> {
    pub graph: Graph,
    pub ranges: Ranges,
    pub calibration: &'a Calibration,
    pub options: &'a Options,
    known: Known,
    tried: RefCell<Vec<Tried>>,
    told: Told<'a>,
}

/// Integers that were tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    pub precision: Precision,
    /// Of a step, by estimate.
    pub instructions: f64,
    /// Of tables.
    pub flash_bytes: usize,
    /// On the rows that choose.
    pub error: f64,
}

/// Who is told what is done, and how many networks were tried so far.
#[derive(Clone)]
pub struct Told<'a> {
    tell: &'a dyn Fn(&str),
    tried: Rc<Cell<usize>>,
}

impl<'a> Told<'a> {
    pub fn new(tell: &'a dyn Fn(&str)) -> Self {
        Self { tell, tried: Rc::default() }
    }

    /// Another network is run over so many rows.
    fn run(&self, rows: usize) {
        (self.tell)(&format!("running the network over {rows} rows"));
    }

    /// Integers are tried.
    fn next(&self) {
        self.tried.set(self.tried.get() + 1);
        (self.tell)(&format!("choosing weights and tables: try {}", self.tried.get()));
    }
}

impl<'a> Trial<'a> {
    /// Runs the float network over the calibration rows.
    #[cfg(test)]
    pub fn of(graph: Graph, calibration: &'a Calibration, options: &'a Options) -> Result<Self> {
        Self::telling(graph, calibration, options, Told::new(&|_| ()))
    }

    /// Runs the float network over the calibration rows, and says so.
    pub fn telling(
        graph: Graph,
        calibration: &'a Calibration,
        options: &'a Options,
        told: Told<'a>,
    ) -> Result<Self> {
        told.run(calibration.rows.len());
        let ranges = calibration.ranges(&graph)?;
        Ok(Self {
            graph,
            ranges,
            calibration,
            options,
            known: Known::default(),
            tried: RefCell::default(),
            told,
        })
    }

    /// Another network on the same data.
    pub fn other(&self, graph: Graph) -> Result<Self> {
        Self::telling(graph, self.calibration, self.options, self.told.clone())
    }

    /// The integers of this precision.
    pub fn lower(&self, precision: &Precision) -> Result<Program> {
        self.told.next();
        lower(&self.graph, &self.ranges, &self.known, self.options, precision)
    }

    /// What the integers of this precision cost and how far they are from float on the rows that choose.
    pub fn tried(&self, precision: &Precision) -> Result<Tried> {
        let known = self.tried.borrow().iter().find(|tried| tried.precision == *precision).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let program = self.lower(precision)?;
        let tried = Tried {
            precision: precision.clone(),
            instructions: program.instructions(self.options.cpu),
            flash_bytes: program.table_bytes(),
            error: self.error(&program),
        };
        self.tried.borrow_mut().push(tried.clone());
        Ok(tried)
    }

    /// All that was tried.
    pub fn all_tried(&self) -> Vec<Tried> {
        self.tried.borrow().clone()
    }

    /// How far `program` is from float on the rows that choose: on the worst stretch of them, since a
    /// recording to come is another stretch, as far as it has rows enough to speak for itself.
    pub fn error(&self, program: &Program) -> f64 {
        /// Rows of the mean of all that a stretch is seen together with.
        const TOGETHER: f64 = 32.0;
        let mean_of = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
        let squares =
            self.squares(Interpreter::new(program), self.graph.output, &self.ranges.split.choose);
        let squares: Vec<(usize, f64)> =
            squares.iter().map(|(row, of)| (*row, mean_of(of))).collect();
        let mean = squares.iter().map(|(_, square)| square).sum::<f64>() / squares.len() as f64;
        let stretches = squares.chunk_by(|a, b| b.0 - a.0 <= self.stride());
        let worst = stretches.map(|stretch| {
            let sum: f64 = stretch.iter().map(|(_, square)| square).sum();
            (sum + TOGETHER * mean) / (stretch.len() as f64 + TOGETHER)
        });
        worst.fold(0.0, f64::max).sqrt()
    }

    /// RMS difference to float on the rows that judge, in standard deviations of each output, as the root
    /// mean square over the outputs: its square is 1 - R2. The difference of an index of the largest is the share
    /// of rows on which it is another.
    pub fn judged(&self, program: &Program) -> f64 {
        self.judged_at(Interpreter::new(program), self.graph.output)
    }

    /// The same of a width whose output is the tensor `exact` of the float network.
    pub fn judged_at(&self, interpreter: Interpreter<&Program>, exact: TensorId) -> f64 {
        let squares = self.squares(interpreter, exact, &self.ranges.split.judge);
        let indices = self.graph.indices();
        let of_output = |i: usize| {
            let mean = squares.iter().map(|(_, s)| s[i]).sum::<f64>() / squares.len() as f64;
            if indices.iter().any(|(feature, _)| *feature == i) { mean.powi(2) } else { mean }
        };
        let outputs = self.graph.output_len();
        ((0..outputs).map(of_output).sum::<f64>() / outputs as f64).sqrt()
    }

    /// From now on, integers and tables are fitted to the rows that chose as well.
    pub fn fit_to_all_but_the_judges(&mut self) {
        self.ranges.split.join();
        // Integers are moved by rows that do not choose, now as before.
        self.known.keep::<Vec<Integers>>();
    }

    /// The squared relative difference to float of every output on each of some rows; of an index, 1 where it is
    /// another.
    fn squares(
        &self,
        mut interpreter: Interpreter<&Program>,
        exact: TensorId,
        rows: &[usize],
    ) -> Vec<(usize, Vec<f64>)> {
        let Self { graph, ranges, calibration, .. } = self;
        let mut sizes: Vec<Option<f64>> =
            (0..graph.output_len()).map(|i| Some(self.size(exact, i))).collect();
        graph.indices().into_iter().for_each(|(feature, _)| sizes[feature] = None);
        let square = |row: usize, output: Vec<f64>| {
            let exact = &ranges.values[exact][row];
            let of_output = |((y, exact), size): ((&f64, &f64), &Option<f64>)| match size {
                None => f64::from(u8::from(y != exact)),
                Some(size) => {
                    let square = ((y - exact) / size).powi(2);
                    // What is no number is no agreement.
                    if square.is_nan() { f64::INFINITY } else { square }
                }
            };
            (row, output.iter().zip(exact).zip(&sizes).map(of_output).collect())
        };
        if graph.states.is_empty() {
            let rows = rows.iter().step_by(self.stride());
            return rows.map(|&r| square(r, interpreter.step(&calibration.rows[r]).0)).collect();
        }
        // A recurrent network has to live through every row.
        let mut squares = vec![];
        for (row, input) in calibration.rows.iter().enumerate() {
            if calibration.starts_sequence(row) {
                interpreter.reset();
            }
            let (output, _) = interpreter.step(input);
            if rows.binary_search(&row).is_ok() {
                squares.push(square(row, output));
            }
        }
        squares
    }

    /// Of so many rows one is looked at, where rows do not depend on one another.
    fn stride(&self) -> usize {
        match self.graph.states.is_empty() {
            true => self.ranges.split.judge.len().div_ceil(ROWS).max(1),
            false => 1,
        }
    }

    /// What an error of output `i`, that of tensor `exact`, is compared with: its standard deviation, or its magnitude
    /// where it does not vary by more than a float's rounding, or the largest of all outputs' where it is 0 but for that.
    fn size(&self, exact: TensorId, i: usize) -> f64 {
        let Self { graph, ranges, .. } = self;
        let own = ranges.feature(exact, i);
        if own.moves() {
            return own.deviation;
        }
        let all = || (0..graph.output_len()).map(|j| ranges.feature(exact, j));
        let largest = all().map(|span| span.magnitude()).fold(0.0, f64::max);
        let deviation = all().map(|span| span.deviation).fold(0.0, f64::max);
        let zero = STILL * largest;
        let sizes = [own.magnitude(), deviation, largest];
        sizes.into_iter().find(|size| *size > zero).unwrap_or(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Dense, Layer};

    #[test]
    fn what_is_tried_is_told() {
        let mut graph = Graph::new("net", "x", 1);
        let dense = Dense::new(vec![vec![1.5]], vec![0.0]);
        graph.push("fc", Layer::Dense(dense), &[0]).unwrap();
        let rows = (0..20).map(|i| vec![f64::from(i) / 20.0]).collect();
        let (calibration, options) = (Calibration::of(rows), Options::default());
        let heard = std::cell::RefCell::new(vec![]);
        let tell = |what: &str| heard.borrow_mut().push(what.to_owned());
        crate::choose::quantize_telling(&graph, &calibration, &options, &tell).unwrap();
        let heard = heard.into_inner();
        assert_eq!(heard[0], "running the network over 20 rows");
        assert_eq!(heard[1], "choosing weights and tables: try 1");
        assert!(heard.last().unwrap().ends_with(&format!("try {}", heard.len() - 1)));
    }

    /// Constant outputs, one of which is zero but for what a float's rounding leaves of it.
    #[test]
    fn noise_of_floats_is_no_size() {
        let mut graph = Graph::new("net", "x", 1);
        let bias = vec![0.5, 1e-17, -0.25];
        graph.push("fc", Layer::Dense(Dense::new(vec![vec![0.0]; 3], bias)), &[0]).unwrap();
        let rows = (0..200).map(|i| vec![f64::from(i) / 200.0]).collect();
        let (calibration, options) = (Calibration::of(rows), Options::default());
        let trial = Trial::of(graph, &calibration, &options).unwrap();
        let program = trial.lower(&Precision::of(&trial.graph, crate::program::Width::I8)).unwrap();
        assert!(trial.judged(&program) < 1e-3, "{}", trial.judged(&program));
    }
}
