//! Steps of one program that do not wait for each other, on several threads: many rows, sequences or controllers at
//! once, with the bits of one after the other. Stands on the interpreter
//! and lanes.

mod abreast;
mod reading;

use std::ops::Deref;

use nervecord::Status;

use self::abreast::Abreast;
use crate::interpret::Interpreter;
use crate::lanes::LANES;
use crate::parallel;
use crate::program::Program;

/// Multiply-accumulates that are worth a thread of their own.
const WORTH_A_THREAD: usize = 200_000;

/// What a number of steps gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Steps {
    /// The caller's integers of every step, one step after the other.
    pub outputs: Vec<i32>,
    /// The status of every step.
    pub statuses: Vec<Status>,
}

impl Steps {
    fn of(program: &Program, steps: usize) -> Self {
        let outputs = vec![0; steps * program.output.features()];
        Self { outputs, statuses: vec![Status::new(); steps] }
    }
}

/// Runs sequences of `steps` rows each, every one from the start state of a model like `model`; `inputs` holds the
/// numbers of one row after the other, `[sequences, steps, features]`. Without a number of `threads`, as many as the
/// machine has and the work is worth.
///
/// # Panics
/// `inputs` ends within a sequence.
pub fn sequences<P>(
    model: &Interpreter<P>,
    inputs: &[f64],
    steps: usize,
    threads: Option<usize>,
) -> Steps
where
    P: Deref<Target = Program> + Clone + Sync,
{
    let program = model.program();
    let [features, outputs] = [program.input.features(), program.output.features()];
    let (rows, sequence) = (inputs.len() / features, steps * features);
    assert_eq!(inputs.len(), rows / steps.max(1) * sequence, "a whole number of sequences");
    let mut all = Steps::of(program, rows);
    let share = share(program, rows, threads).next_multiple_of(steps.max(1));
    let mut jobs: Vec<_> = inputs
        .chunks(share * features)
        .zip(all.outputs.chunks_mut(share * outputs))
        .zip(all.statuses.chunks_mut(share))
        .collect();
    parallel::each(&mut jobs, |((inputs, results), statuses)| {
        if abreast::pays(program, inputs.len() / sequence) {
            return side_by_side(Abreast::new(model), inputs, steps, results, statuses);
        }
        let mut interpreter = model.clone();
        let rows = inputs.chunks(features).zip(results.chunks_mut(outputs)).zip(&mut **statuses);
        for (number, ((input, output), status)) in rows.enumerate() {
            // Without states, all that a step reads is its row.
            if number % steps == 0 && !program.start.is_empty() {
                interpreter.reset();
            }
            *status = interpreter.step_into(input, output);
        }
    });
    all
}

/// The same for sequences in lanes: those left over at the end come with company that is not looked at.
fn side_by_side(
    mut all: Abreast,
    inputs: &[f64],
    steps: usize,
    results: &mut [i32],
    statuses: &mut [Status],
) {
    let [features, outputs] = all.widths();
    let groups = inputs
        .chunks(LANES * steps * features)
        .zip(results.chunks_mut(LANES * steps * outputs))
        .zip(statuses.chunks_mut(LANES * steps));
    for ((inputs, results), statuses) in groups {
        all.reset();
        for step in 0..steps {
            let place = |row: usize| row * steps + step;
            let input = |row: usize| &inputs[place(row) * features..][..features];
            all.step(statuses.len() / steps, input, |row, output, status| {
                results[place(row) * outputs..][..outputs].copy_from_slice(output);
                statuses[place(row)] = status;
            });
        }
    }
}

/// One step of each of several controllers, whose inputs stand one after the other, or of those alone that `which` says;
/// the outputs of the others are 0.
///
/// # Panics
/// There are not as many inputs, or as many in `which`, as controllers.
pub fn step<P>(
    controllers: &mut [Interpreter<P>],
    inputs: &[f64],
    which: Option<&[bool]>,
    threads: Option<usize>,
) -> Steps
where
    P: Deref<Target = Program> + Send,
{
    let Some(first) = controllers.first() else { return Steps::default() };
    let program = first.program();
    let [features, outputs] = [program.input.features(), program.output.features()];
    assert_eq!(inputs.len(), controllers.len() * features, "an input for each controller");
    let all_of_them = vec![true; controllers.len()];
    let which = which.unwrap_or(&all_of_them);
    assert_eq!(which.len(), controllers.len(), "a choice for each controller");
    let mut all = Steps::of(program, controllers.len());
    let share = share(program, controllers.len(), threads);
    let mut jobs: Vec<_> = controllers
        .chunks_mut(share)
        .zip(which.chunks(share))
        .zip(inputs.chunks(share * features))
        .zip(all.outputs.chunks_mut(share * outputs))
        .zip(all.statuses.chunks_mut(share))
        .collect();
    parallel::each(&mut jobs, |((((controllers, which), inputs), results), statuses)| {
        let rows = inputs.chunks(features).zip(results.chunks_mut(outputs)).zip(&mut **statuses);
        let chosen = controllers.iter_mut().zip(rows).zip(*which).filter(|(_, chosen)| **chosen);
        for ((controller, ((input, output), status)), _) in chosen {
            *status = controller.step_into(input, output);
        }
    });
    all
}

/// How many rows each thread gets.
fn share(program: &Program, rows: usize, threads: Option<usize>) -> usize {
    let worth = (rows * program.macs.max(1)).div_ceil(WORTH_A_THREAD);
    let threads = threads.unwrap_or_else(|| parallel::processors().min(worth));
    rows.div_ceil(threads.max(1)).max(1)
}
