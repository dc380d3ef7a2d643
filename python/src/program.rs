//! A compiled model, as all that it can be asked.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nervecord::Status;
use nervecord_cli::c::{self, Core, Package};
use nervecord_codegen::batch::Steps;
use nervecord_codegen::data::{States, Vectors, sha256};
use nervecord_codegen::graph::Graph;
use nervecord_codegen::options::{Cpu, Weights};
use nervecord_codegen::output::{Folder, Output, commit, write_atomic};
use nervecord_codegen::program::Port;
use nervecord_codegen::reference::Reference;
use nervecord_codegen::report::{self, Judged};
use nervecord_codegen::verify::verify;
use nervecord_codegen::{Compiled, Error, Result, parallel};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::error;

/// A compiled model; whoever runs it shares it.
#[derive(Clone)]
pub struct Shared(Arc<Compiled>);

impl Deref for Shared {
    type Target = nervecord_codegen::program::Program;

    fn deref(&self) -> &Self::Target {
        &self.0.program
    }
}

/// The float network of a compiled model, as it was imported.
pub struct FloatGraph(Shared);

impl Deref for FloatGraph {
    type Target = Graph;

    fn deref(&self) -> &Self::Target {
        &self.0.0.source.graph
    }
}

impl Shared {
    /// The inputs of a file that has several, with their features.
    pub fn input_parts(&self) -> Vec<(String, usize)> {
        self.0.graph.inputs.iter().map(|part| (part.name.clone(), part.features)).collect()
    }
}

/// A compiled model.
#[pyclass(frozen, module = "nervecord._native")]
pub struct Program {
    shared: Shared,
    keep: Option<Py<PyAny>>,
}

/// Outputs `[rows, outputs]`, and of each row the words of its status.
pub type Answers<'py> = (
    Bound<'py, PyArray2<i32>>,
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<bool>>,
);

impl Program {
    /// A program that keeps what its files stand in.
    pub fn new(compiled: Compiled, keep: Option<Py<PyAny>>) -> Self {
        Self { shared: Shared(Arc::new(compiled)), keep }
    }

    /// What runs it.
    pub fn shared(&self) -> Shared {
        self.shared.clone()
    }

    /// Its float network.
    pub fn float(&self) -> FloatGraph {
        FloatGraph(self.shared())
    }

    fn compiled(&self) -> &Compiled {
        &self.shared.0
    }
}

/// The numbers of an array that lies in C order.
pub fn numbers<'a>(py: Python<'_>, array: &'a PyReadonlyArray2<'_, f64>) -> PyResult<&'a [f64]> {
    error::of(py, array.as_slice().map_err(|_| Error::new("the array is not contiguous")))
}

/// What steps gave, as arrays.
pub fn answers<'py>(py: Python<'py>, steps: Steps, outputs: usize) -> PyResult<Answers<'py>> {
    let words =
        |word: fn(&Status) -> u32| -> Vec<u32> { steps.statuses.iter().map(word).collect() };
    let saturated = words(|status| status.bits()).into_pyarray(py);
    let invalid = words(|status| status.invalid_bits()).into_pyarray(py);
    let state: Vec<bool> = steps.statuses.iter().map(|status| status.state_saturated()).collect();
    let shape = [steps.statuses.len(), outputs];
    let outputs = numpy::PyArrayMethods::reshape(&steps.outputs.into_pyarray(py), shape)?;
    Ok((outputs, saturated, invalid, state.into_pyarray(py)))
}

fn formats(port: &Port) -> Vec<String> {
    (0..port.features()).map(|i| port.number(i)).collect()
}

#[pymethods]
impl Program {
    /// What its files stand in, if that is temporary.
    #[getter]
    fn keep(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.keep.as_ref().map(|keep| keep.clone_ref(py))
    }

    /// The module's name.
    #[getter]
    fn name(&self) -> &str {
        &self.shared.name
    }

    /// What the inputs are called.
    #[getter]
    fn inputs(&self) -> Vec<String> {
        let graph = &self.compiled().graph;
        (0..graph.input_len()).map(|i| graph.input_name(i)).collect()
    }

    /// What the outputs are called.
    #[getter]
    fn outputs(&self) -> Vec<String> {
        let graph = &self.compiled().graph;
        (0..graph.output_len()).map(|i| graph.output_name(i)).collect()
    }

    /// The inputs of a file that has several, with their features.
    #[getter]
    fn input_parts(&self) -> Vec<(String, usize)> {
        self.shared.input_parts()
    }

    /// The outputs of a file that has several, with their features.
    #[getter]
    fn output_parts(&self) -> Vec<(String, usize)> {
        self.shared.outputs.iter().map(|part| (part.name.clone(), part.features)).collect()
    }

    /// What the states are called, as columns are.
    #[getter]
    fn states(&self) -> Vec<String> {
        self.compiled().graph.state_columns()
    }

    /// The names of a classifier's classes.
    #[getter]
    fn classes(&self) -> Option<Vec<String>> {
        self.compiled().source.graph.classes.as_ref().map(|classes| classes.names.clone())
    }

    /// Whether an output is the index of a class.
    #[getter]
    fn is_index(&self) -> bool {
        self.shared.scores.is_some()
    }

    /// Whether a step depends on those before it.
    #[getter]
    fn is_recurrent(&self) -> bool {
        !self.compiled().graph.states.is_empty()
    }

    /// The widths of which one is chosen at each step.
    #[getter]
    fn widths(&self) -> Vec<String> {
        self.shared.widths.iter().map(|width| width.name.clone()).collect()
    }

    /// The fixed-point type of each input and each output.
    #[getter]
    fn formats(&self) -> (Vec<String>, Vec<String>) {
        (formats(&self.shared.input), formats(&self.shared.output))
    }

    /// The calibrated range of each input, with its margin: all lows, all highs.
    #[getter]
    fn range(&self) -> (Vec<f64>, Vec<f64>) {
        let port = &self.shared.input;
        let ends = |end: usize| -> Vec<f64> {
            let real = |(i, ends): (usize, &[i32; 2])| port.to_real(i, ends[end]);
            port.ranges.iter().enumerate().map(real).collect()
        };
        (ends(0), ends(1))
    }

    /// The integer that stands for 1.0 in each output.
    #[getter]
    fn ones(&self) -> Vec<f64> {
        let port = &self.shared.output;
        (0..port.features()).map(|i| port.one(i)).collect()
    }

    /// Of a network that streams windows: how many numbers one has in the file, and how many rows.
    #[getter]
    fn window(&self) -> Option<(usize, usize)> {
        let unrolled = self.compiled().graph.unrolled.as_ref()?;
        Some((unrolled.places.len(), unrolled.rows))
    }

    /// Bytes of tables in flash.
    #[getter]
    fn table_bytes(&self) -> usize {
        self.shared.table_bytes()
    }

    /// Bytes of RAM.
    #[getter]
    fn ram_bytes(&self) -> usize {
        self.shared.ram_bytes()
    }

    /// Multiply-accumulates of a step.
    #[getter]
    fn macs(&self) -> usize {
        self.shared.macs
    }

    /// The rows of the table of layers, as JSON.
    #[getter]
    fn layers(&self, py: Python<'_>) -> PyResult<String> {
        error::of(py, report::json(&self.shared.layers))
    }

    /// What is promised of the error, as JSON.
    #[getter]
    fn promise(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.shared.promise.as_ref().map(|promise| error::of(py, report::json(promise))).transpose()
    }

    /// What to do about a tolerance that was not reached, with what was promised; none where it was.
    #[getter]
    fn missed(&self) -> Option<String> {
        let missed = self.shared.promise.as_ref().filter(|promise| !promise.is_kept())?;
        Some(format!("the tolerance was not reached: {}; {}", missed.describe(), self.remedy()))
    }

    fn remedy(&self) -> &'static str {
        match self.compiled().options.weights {
            Weights::I4 | Weights::I8 => {
                "allow wider weights with weights=\"auto\", or a larger tolerance"
            }
            _ => "give more calibration data, or allow a larger tolerance",
        }
    }

    /// What was decided and what it costs, and the network's layers.
    #[getter]
    fn summary(&self) -> String {
        let compiled = self.compiled();
        report::render(compiled) + "\n" + &report::inspect::render(&compiled.source)
    }

    /// The generated module.
    #[getter]
    fn module(&self) -> String {
        self.compiled().module()
    }

    /// The hash of the generated module.
    #[getter]
    fn sha256(&self) -> String {
        sha256(self.compiled().module().as_bytes())
    }

    /// The float network over sequences of `steps` rows each, in double precision.
    fn run_float<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<'py, f64>,
        steps: usize,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let graph = &self.compiled().source.graph;
        let numbers = numbers(py, &x)?;
        let sequences: Vec<&[f64]> = numbers.chunks(steps * graph.input_len()).collect();
        let run = |sequence: &&[f64]| -> Vec<f64> {
            let mut reference = Reference::new(graph);
            let rows = sequence.chunks(graph.input_len());
            rows.flat_map(|row| reference.step(row).swap_remove(graph.output)).collect()
        };
        let outputs = py.detach(|| parallel::map(&sequences, run).concat());
        let shape = [numbers.len() / graph.input_len(), graph.output_len()];
        numpy::PyArrayMethods::reshape(&outputs.into_pyarray(py), shape)
    }

    /// The rows of the steps that whole windows are, one window after the other.
    fn unroll<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<'py, f64>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let graph = &self.compiled().graph;
        let unrolled = graph.unrolled.as_ref();
        let unrolled = error::of(py, unrolled.ok_or_else(|| Error::new("there are no windows")))?;
        let windows = numbers(py, &x)?.chunks(unrolled.places.len().max(1));
        let steps: Vec<f64> = windows.flat_map(|window| unrolled.steps(window)).flatten().collect();
        let shape = [steps.len() / graph.input_len(), graph.input_len()];
        numpy::PyArrayMethods::reshape(&steps.into_pyarray(py), shape)
    }

    /// Integers judged against float on rows in sequences of `sequence`, of which the last of every `steps` are
    /// judged: the verdict as JSON and as text, and whether it passed.
    fn verify(
        &self,
        py: Python<'_>,
        x: PyReadonlyArray2<'_, f64>,
        sequence: usize,
        steps: usize,
        y: Option<PyReadonlyArray2<'_, f64>>,
        labels: Option<Vec<usize>>,
    ) -> PyResult<(String, String, bool)> {
        let rows = |array: &PyReadonlyArray2<'_, f64>| -> Vec<Vec<f64>> {
            array.as_array().rows().into_iter().map(|row| row.to_vec()).collect()
        };
        let inputs = rows(&x);
        let vectors = Vectors {
            outputs: y.as_ref().map(rows),
            states: None::<States>,
            labels,
            starts: (0..inputs.len()).step_by(sequence.max(1)).collect(),
            steps,
            ..Vectors::of(inputs)
        };
        let verdict = py.detach(|| verify(self.compiled(), &vectors));
        Ok((error::of(py, report::json(&verdict))?, verdict.render(), verdict.passed))
    }

    /// Writes the module.
    fn emit(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        error::of(py, write_atomic(&path, self.compiled().module().as_bytes()))
    }

    /// Writes the files for C; returns their paths.
    fn emit_c(
        &self,
        py: Python<'_>,
        folder: PathBuf,
        cpu: &str,
        package: Option<&str>,
        archive: bool,
    ) -> PyResult<Vec<PathBuf>> {
        let make = || {
            let core = Core::of(cpu.parse::<Cpu>()?)?;
            let package = package.map(str::parse::<Package>).transpose()?;
            write(&folder, c::files(self.compiled(), core, package, archive)?)
        };
        error::of(py, py.detach(make))
    }

    /// Writes the report; returns the paths of its files.
    fn report(&self, py: Python<'_>, folder: PathBuf) -> PyResult<Vec<PathBuf>> {
        let make = || {
            let files = report::files(&Judged::on_calibration(self.compiled()))?;
            let file = |(name, text): (&str, String)| (PathBuf::from(name), text.into_bytes());
            write(&folder, files.into_iter().map(file).collect())
        };
        error::of(py, py.detach(make))
    }
}

/// Writes files into a folder, all of them or none; returns their paths.
fn write(folder: &Path, files: Vec<(PathBuf, Vec<u8>)>) -> Result<Vec<PathBuf>> {
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| folder.join(name)).collect();
    let folders = paths.iter().filter_map(|path| path.parent());
    let _folders = folders.map(Folder::make).collect::<Result<Vec<_>>>()?;
    let outputs = paths.iter().zip(&files).map(|(path, (_, bytes))| Output::of(path, bytes));
    commit(outputs.collect::<Result<Vec<_>>>()?)?;
    Ok(paths)
}
