//! Many steps at once have the bits of one after the other, on any number of threads.

use nervecord::Status;
use nervecord_codegen::batch::{sequences, step};
use nervecord_codegen::graph::Graph;
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::options::Weights;
use nervecord_codegen::program::Program;
use nervecord_codegen::{Compiled, Result};
use nervecord_tests::random::Random;
use nervecord_tests::{bundled, made, network, vectors};

const MODELS: [&str; 7] =
    ["policy", "cfc_cartpole", "gru_hover", "ncap_swimmer", "digits", "regressor", "kan_cartpole"];

/// Outputs and status of rows in a row, from a reset before every `steps`.
fn one_by_one(program: &Program, rows: &[Vec<f64>], steps: usize) -> (Vec<i32>, Vec<Status>) {
    let mut model = Interpreter::new(program);
    let (mut outputs, mut statuses) = (Vec::new(), Vec::new());
    for (number, row) in rows.iter().enumerate() {
        if number % steps == 0 {
            model.reset();
        }
        let mut output = vec![0; program.output.features()];
        let status = model.step_into(row, &mut output);
        outputs.extend(output);
        statuses.push(status);
    }
    (outputs, statuses)
}

/// The bundled models, and layers that those have not, each with rows of its own.
fn models() -> Vec<(&'static str, Compiled, Vec<Vec<f64>>)> {
    let bundled = |name| {
        let compiled = bundled(name);
        let rows = vectors(&compiled, name);
        (name, compiled, rows)
    };
    let made = |(name, graph, ranges): (_, Result<Graph>, &[f64])| {
        let mut random = Random::new(7);
        let mut row = || ranges.iter().map(|range| range * random.unit()).collect();
        let rows: Vec<Vec<f64>> = (0..200).map(|_| row()).collect();
        (name, network::compile(graph.unwrap(), Weights::Auto, &rows).unwrap(), rows)
    };
    let layers = [
        ("heads", made::heads(), &made::HEAD_RANGES[..]),
        ("windows", made::windows(), &[1.0; made::WINDOW_INPUTS]),
        ("gates", made::gates(), &[1.0; made::GATE_INPUTS]),
    ];
    MODELS.into_iter().map(bundled).chain(layers.into_iter().map(made)).collect()
}

#[test]
fn sequences_have_the_bits_of_steps() {
    for (name, compiled, rows) in models() {
        let program = &compiled.program;
        let mut rows: Vec<Vec<f64>> = rows.into_iter().take(180).collect();
        // Beyond its range, beyond its format, and no number.
        for (row, x) in [(3, 40.0), (50, 1e300), (70, f64::NEG_INFINITY), (91, f64::NAN)] {
            rows[row][0] = x;
        }
        let model = Interpreter::new(program);
        for (steps, threads) in
            [(1, Some(1)), (2, None), (4, Some(1)), (5, Some(3)), (20, Some(1)), (180, Some(2))]
        {
            let all = sequences(&model, &rows.concat(), steps, threads);
            let (outputs, statuses) = one_by_one(program, &rows, steps);
            assert_eq!(all.outputs, outputs, "{name}, {steps} steps, {threads:?} threads");
            assert_eq!(all.statuses, statuses, "{name}, {steps} steps, {threads:?} threads");
        }
    }
}

#[test]
fn controllers_step_together_as_each_alone() {
    for name in MODELS {
        let compiled = bundled(name);
        let program = &compiled.program;
        let rows = vectors(&compiled, name);
        let (features, outputs) = (program.input.features(), program.output.features());
        let mut together = vec![Interpreter::new(program); 7];
        let mut alone = together.clone();
        for round in 0..20 {
            let inputs: Vec<f64> = (0..7).flat_map(|i| rows[round + 3 * i].clone()).collect();
            // In every third round some stand still.
            let which: Vec<bool> = (0..7).map(|i| round % 3 != 0 || (round + i) % 2 == 0).collect();
            let chosen = (round % 2 == 0 || which.contains(&false)).then_some(which.as_slice());
            let all = step(&mut together, &inputs, chosen, Some(1 + round % 4));
            for (i, controller) in alone.iter_mut().enumerate().filter(|(i, _)| which[*i]) {
                let (output, status) = controller
                    .step_raw(&program.input.to_raws(&inputs[i * features..(i + 1) * features]));
                assert_eq!(all.outputs[i * outputs..(i + 1) * outputs], output, "{name} {round}");
                assert_eq!(all.statuses[i], status, "{name} {round}");
            }
            let states =
                |all: &[Interpreter<_>]| all.iter().map(Interpreter::states).collect::<Vec<_>>();
            assert_eq!(states(&together), states(&alone), "{name} {round}");
        }
    }
}
