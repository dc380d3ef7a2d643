//! Which integers a network gets: forms of its layers, widths of its weights, sizes of its tables, each tried on
//! calibration rows and compared with float.
//!
//! `trial` lowers a network and measures it, `forms` and `search` choose by that for the `objective`, and `front` says
//! among what. Stands on calibration and on
//! [`quantize`](crate::quantize), which makes the integers and knows nothing of what is tried.

mod forms;
mod front;
mod homogeneous;
mod objective;
mod search;
mod trial;

use self::trial::{Told, Trial};
use crate::calibrate::Calibration;
use crate::error::Result;
use crate::graph::Graph;
use crate::interpret::Interpreter;
use crate::options::Options;
use crate::program::{Program, Promise};

/// Quantizes a simplified graph.
///
/// # Errors
/// A tensor leaves the finite numbers on the calibration data, or a layer cannot be represented.
pub fn quantize(graph: &Graph, calibration: &Calibration, options: &Options) -> Result<Program> {
    quantize_telling(graph, calibration, options, &|_| ())
}

/// As [`quantize`], telling what is done while it is.
///
/// # Errors
/// As those of [`quantize`].
pub fn quantize_telling(
    graph: &Graph,
    calibration: &Calibration,
    options: &Options,
    tell: &dyn Fn(&str),
) -> Result<Program> {
    let trial = Trial::telling(graph.clone(), calibration, options, Told::new(tell))?;
    let forms::Formed { mut trial, mut reasons } = forms::choose(trial)?;
    let search::Chosen { precision, reasons: refined, allowed } = search::choose(&trial)?;
    reasons.extend(refined);
    let front = front::of(&trial, &precision, allowed)?;
    trial.fit_to_all_but_the_judges();
    let mut program = trial.lower(&precision)?;
    program.promise = Some(promise(&trial, &program));
    program.front = Some(front);
    for (k, (_, exact)) in trial.graph.widths().into_iter().enumerate() {
        let error = trial.judged_at(Interpreter::of_width(&program, k), exact);
        program.widths[k].error = Some(error);
    }
    for (name, reason) in reasons {
        program.layers.iter_mut().filter(|l| l.name == name).for_each(|l| l.add_choice(&reason));
    }
    // Only of the program that was chosen: it takes longer than trying one.
    let Program { ops, layers, .. } = &mut program;
    for op in ops.iter() {
        let Some(worst) = op.kernel.worst_error() else { continue };
        layers.iter_mut().filter(|l| l.name == op.name).for_each(|l| l.worst_error = Some(worst));
    }
    Ok(program)
}

/// Rows below which an error is an accident.
const FEW: usize = 100;

/// What is left of the error on the rows that have decided nothing.
fn promise(trial: &Trial, program: &Program) -> Promise {
    let (split, ranges) = (&trial.ranges.split, &trial.ranges);
    let all = trial.calibration.rows.len();
    let few = || {
        (all < FEW).then(|| format!("{all} calibration rows decide little: record a few hundred"))
    };
    // A range that a quarter of the rows widens by more than the margin will be left by others too.
    let beyond = || {
        let names = trial.graph.tensors.iter().enumerate();
        let left = names.map(|(id, tensor)| (&tensor.name, ranges.growth(id)));
        let (name, growth) = left.max_by(|a, b| a.1.total_cmp(&b.1))?;
        (split.is_held_out() && growth > ranges.margin).then(|| {
            format!(
                "a quarter of the calibration rows takes `{name}` {growth:.1} times as far as the others: \
                 record more of what the model will see"
            )
        })
    };
    Promise {
        error: trial.judged(program),
        tolerance: trial.options.tolerance,
        rows: split.judge.len(),
        held_out: split.is_held_out(),
        thin: few().or_else(beyond),
    }
}
