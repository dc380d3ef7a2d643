//! Many controllers of one program, a step of all at a time.

use nervecord_codegen::batch;
use nervecord_codegen::interpret::Interpreter;
use numpy::{IntoPyArray, PyArray2, PyArrayMethods, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::program::{Answers, Program, Shared, answers, numbers};

/// Many controllers of one program, each with a memory of its own.
#[pyclass(subclass, module = "nervecord._native")]
pub struct Batch {
    controllers: Vec<Interpreter<Shared>>,
    shared: Shared,
}

#[pymethods]
impl Batch {
    /// `count` of them in their start state, with steps of a width by its number.
    #[new]
    fn new(program: &Program, count: usize, width: usize) -> Self {
        let shared = program.shared();
        let one = Interpreter::of_width(shared.clone(), width);
        let controllers = vec![one; count];
        Self { controllers, shared }
    }

    fn __len__(&self) -> usize {
        self.controllers.len()
    }

    /// One step of each, which finds its input in its row; or of those alone that `which` says.
    fn advance<'py>(
        &mut self,
        py: Python<'py>,
        x: PyReadonlyArray2<'py, f64>,
        which: Option<Vec<bool>>,
        threads: Option<usize>,
    ) -> PyResult<Answers<'py>> {
        let numbers = numbers(py, &x)?;
        let controllers = &mut self.controllers;
        let steps = py.detach(|| batch::step(controllers, numbers, which.as_deref(), threads));
        answers(py, steps, self.shared.output.features())
    }

    /// Those of these numbers, back to the start state.
    fn restart(&mut self, which: Vec<usize>) {
        for number in which {
            if let Some(controller) = self.controllers.get_mut(number) {
                controller.reset();
            }
        }
    }

    /// The values of the states of each.
    #[getter]
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let rows: Vec<Vec<f64>> = self.controllers.iter().map(Interpreter::states).collect();
        let shape = [rows.len(), rows.first().map_or(0, Vec::len)];
        rows.concat().into_pyarray(py).reshape(shape)
    }
}
