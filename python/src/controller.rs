//! A program with its memory, a step at a time.

use nervecord::Status;
use nervecord::host::{flat, flat_mut};
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::reference::Reference;
use nervecord_codegen::{Error, batch};
use numpy::{Element, PyArray1, PyArrayMethods, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::error;
use crate::program::{Answers, FloatGraph, Program, Shared, answers, numbers};

/// A program with its memory.
#[pyclass(subclass, module = "nervecord._native")]
pub struct Controller {
    interpreter: Interpreter<Shared>,
    shared: Shared,
    width: usize,
    status: Status,
    row: Vec<f64>,
    raws: Vec<i32>,
}

#[pymethods]
impl Controller {
    /// In its start state.
    #[new]
    fn new(program: &Program) -> Self {
        let shared = program.shared();
        let width = shared.widths.len().saturating_sub(1);
        let raws = vec![0; shared.output.features()];
        let interpreter = Interpreter::new(shared.clone());
        Self { interpreter, shared, width, status: Status::new(), row: vec![], raws }
    }

    /// One step: the outputs, as numbers of the input's type.
    #[pyo3(signature = (obs, /, *, allow_nan = false))]
    fn step<'py>(
        &mut self,
        py: Python<'py>,
        obs: &Bound<'py, PyAny>,
        allow_nan: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let single = self.advance(py, obs, allow_nan)?;
        let port = &self.interpreter.program().output;
        let values = self.raws.iter().enumerate().map(|(i, &raw)| port.to_real(i, raw));
        Ok(match single {
            true => PyArray1::from_iter(py, values.map(|y| y as f32)).into_any(),
            false => PyArray1::from_iter(py, values).into_any(),
        })
    }

    /// One step: the integers behind the outputs.
    #[pyo3(signature = (obs, /, *, allow_nan = false))]
    fn step_raw<'py>(
        &mut self,
        py: Python<'py>,
        obs: &Bound<'py, PyAny>,
        allow_nan: bool,
    ) -> PyResult<Bound<'py, PyArray1<i32>>> {
        self.advance(py, obs, allow_nan)?;
        Ok(PyArray1::from_slice(py, &self.raws))
    }

    /// Sequences of `steps` rows each, from a reset: the caller's integers. Its own memory stays.
    fn run_rows<'py>(
        slf: &Bound<'py, Self>,
        py: Python<'py>,
        x: PyReadonlyArray2<'py, f64>,
        steps: usize,
        threads: Option<usize>,
    ) -> PyResult<Answers<'py>> {
        // Borrowed no longer than this: other threads may step it, or run it as well.
        let model = slf.borrow().interpreter.clone();
        let numbers = numbers(py, &x)?;
        let run = py.detach(|| batch::sequences(&model, numbers, steps, threads));
        answers(py, run, model.program().output.features())
    }

    /// Back to the start state.
    fn reset(&mut self) {
        self.interpreter.reset();
        self.status = Status::new();
    }

    /// The values of the states after the last step.
    #[getter]
    fn state<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_vec(py, self.interpreter.states())
    }

    /// Of a network that ends in argmax: the numbers whose largest was the output.
    #[getter]
    fn scores<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<f64>>> {
        self.interpreter.scores().map(|scores| PyArray1::from_vec(py, scores))
    }

    /// The words of the status: inputs outside their range, inputs that were no numbers, and whether a state was at an
    /// end of its range.
    #[getter]
    fn status_words(&self) -> (u32, u32, bool) {
        let status = self.status;
        (status.bits(), status.invalid_bits(), status.state_saturated())
    }

    /// Sets the words of the status.
    fn note(&mut self, saturated: u32, invalid: u32, state: bool) {
        self.status = Status::from_bits(saturated);
        (0..u32::BITS as usize - 1)
            .filter(|i| invalid >> i & 1 == 1)
            .for_each(|i| self.status.set_invalid(i));
        self.status.note_state(state);
    }

    /// All that a step leaves for the next, as bytes.
    #[getter]
    fn memory(&mut self) -> Vec<u8> {
        let states = flat(self.interpreter.memory_of_states());
        states.iter().flat_map(|x| x.to_le_bytes()).collect()
    }

    #[setter]
    fn set_memory(&mut self, py: Python<'_>, bytes: Vec<u8>) -> PyResult<()> {
        let states = flat_mut(self.interpreter.memory_of_states());
        let (numbers, rest) = bytes.as_chunks::<2>();
        if numbers.len() != states.len() || !rest.is_empty() {
            let wrong = Error::new("the memory is not one of this model")
                .at("memory")
                .expected(format!("{} bytes", 2 * states.len()))
                .found(bytes.len())
                .help("give it what `memory` of the same model was");
            return Err(error::raised(py, &wrong));
        }
        states.iter_mut().zip(numbers).for_each(|(x, bytes)| *x = i16::from_le_bytes(*bytes));
        Ok(())
    }

    /// The number of the width that steps have.
    #[getter]
    fn width_index(&self) -> usize {
        self.width
    }

    #[setter]
    fn set_width_index(&mut self, width: usize) {
        self.width = width;
        self.interpreter.set_width(width);
    }
}

impl Controller {
    /// One step into `raws`; whether the input was of single precision.
    fn advance(
        &mut self,
        py: Python<'_>,
        obs: &Bound<'_, PyAny>,
        allow_nan: bool,
    ) -> PyResult<bool> {
        self.row.clear();
        let features = self.interpreter.program().input.features();
        let single = if load::<f64>(obs, features, &mut self.row) {
            false
        } else if load::<f32>(obs, features, &mut self.row) {
            true
        } else {
            static READ: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
            let read = READ.import(py, "nervecord._arrays", "row")?;
            let row = read.call1((obs, features, self.shared.input_parts()))?;
            load::<f64>(&row, features, &mut self.row);
            false
        };
        if !allow_nan && let Some(i) = self.row.iter().position(|x| x.is_nan()) {
            let names = &self.interpreter.program().input_names;
            let name = names.get(i).cloned().unwrap_or_else(|| format!("x{i}"));
            let missing = Error::new("an input is not a number")
                .at(format!("input {name}"))
                .expected("a number")
                .found("NaN")
                .help(
                    "mend what gives it; or pass allow_nan=True for what firmware does: the middle of the \
                     calibrated range stands in, and the status says so",
                );
            return Err(error::raised(py, &missing));
        }
        self.status = self.interpreter.step_into(&self.row, &mut self.raws);
        Ok(single)
    }
}

/// The float network with its memory, in double precision.
#[pyclass(subclass, module = "nervecord._native")]
pub struct FloatController {
    reference: Reference<FloatGraph>,
}

#[pymethods]
impl FloatController {
    /// In its start state.
    #[new]
    fn new(program: &Program) -> Self {
        Self { reference: Reference::new(program.float()) }
    }

    /// One step of as many numbers as the model has inputs.
    fn advance<'py>(&mut self, py: Python<'py>, row: Vec<f64>) -> Bound<'py, PyArray1<f64>> {
        let output = self.reference.output();
        PyArray1::from_vec(py, self.reference.step(&row).swap_remove(output))
    }

    /// Back to the start state.
    fn reset(&mut self) {
        self.reference.reset();
    }
}

/// Takes over the numbers of an array of one axis, if it is one of that type and length.
fn load<T: Element + Copy + Into<f64>>(
    obs: &Bound<'_, PyAny>,
    features: usize,
    row: &mut Vec<f64>,
) -> bool {
    let Ok(array) = obs.cast::<PyArray1<T>>() else { return false };
    let Ok(array) = array.try_readonly() else { return false };
    let fits = array.len() == features;
    if fits {
        row.extend(array.as_array().iter().map(|&x| x.into()));
    }
    fits
}
