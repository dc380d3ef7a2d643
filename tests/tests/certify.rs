//! What is claimed of every input: formulas are what kernels compute, and no input exceeds a bound.

use nervecord::generated::{Quad, read16, read32};
use nervecord::host::flat;
use nervecord_codegen::certify::bound::{Given, bound};
use nervecord_codegen::certify::interval::Interval;
use nervecord_codegen::certify::machine::Machine;
use nervecord_codegen::certify::net::Net;
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::program::{PortWidth, Program};
use nervecord_codegen::reference::Reference;
use nervecord_codegen::{Compiled, reference};
use nervecord_tests::drawn::draw;
use nervecord_tests::made;
use nervecord_tests::network;
use nervecord_tests::random::Random;

/// Networks drawn.
const SEEDS: u64 = 60;

/// A drawn network, if it can be compiled.
fn drawn(seed: u64) -> Option<(Compiled, Vec<Vec<f64>>)> {
    let drawn = draw(seed).unwrap();
    let rows = [drawn.rows.clone(), drawn.fresh].concat();
    Some((network::compile(drawn.graph, drawn.weights, &drawn.rows).ok()?, rows))
}

/// Runs rows through kernels and formulas side by side; how many ops have formulas.
fn formulas_agree(program: &Program, rows: &[Vec<f64>]) -> usize {
    let Ok(steps) = program.steps() else { return 0 };
    let mut memory = program.start.clone();
    memory.resize(program.scratch_quads, Quad::default());
    let range = |storage: usize| program.storages[storage].clone();
    for row in rows {
        let input = program.input.to_raws(row);
        let limits = program.input.limits();
        let x = &mut memory[range(program.input.storage)];
        match &program.input.width {
            PortWidth::WideIn(channels) => read32(&input, channels, &limits, x),
            _ => read16(&input.iter().map(|&x| x as i16).collect::<Vec<_>>(), &limits, x),
        };
        for (op, step) in program.ops.iter().zip(&steps) {
            let mut by_formulas = flat(&memory).to_vec();
            step.run(&mut by_formulas);
            let reads: Vec<_> = op.reads.iter().map(|&r| memory[range(r)].to_vec()).collect();
            let reads: Vec<_> = reads.iter().map(Vec::as_slice).collect();
            op.kernel.run(&reads, &mut memory[range(op.write)]);
            let (kind, lanes) = (op.kernel.data().record.kind, flat(&memory));
            let features = step.meaning.features.iter().map(|(feature, _)| *feature);
            let blocks =
                step.meaning.blocks.iter().flat_map(|(_, _, writes)| writes.iter().copied());
            for feature in features.chain(blocks) {
                let lane = step.written(feature);
                assert_eq!(
                    by_formulas[lane], lanes[lane],
                    "{kind} `{}`, feature {feature}",
                    op.name
                );
            }
        }
    }
    steps.len()
}

#[test]
fn formulas_are_what_kernels_compute() {
    let mut ops = 0;
    for seed in 0..SEEDS {
        let Some((compiled, rows)) = drawn(seed) else { continue };
        ops += formulas_agree(&compiled.program, &rows[..rows.len().min(40)]);
    }
    let mut random = Random::new(5);
    for (graph, inputs) in [(made::heads(), 6), (made::windows(), made::WINDOW_INPUTS)] {
        let rows: Vec<Vec<f64>> = (0..200).map(|_| random.row(inputs, 0.9)).collect();
        let compiled = network::compile(graph.unwrap(), Default::default(), &rows).unwrap();
        let found = formulas_agree(&compiled.program, &rows[..40]);
        assert!(found >= 10, "{found}");
        ops += found;
    }
    assert!(ops > 200, "{ops}");
}

/// The box of inputs that the status does not tell of.
fn limits(program: &Program) -> Vec<Interval> {
    let port = &program.input;
    let real = |(i, [low, high]): (usize, &[i32; 2])| {
        Interval::new(port.to_real(i, *low), port.to_real(i, *high))
    };
    port.ranges.iter().enumerate().map(real).collect()
}

#[test]
fn no_input_of_a_random_network_exceeds_its_bound() {
    let (mut bounded, mut random) = (0, Random::new(11));
    for seed in 0..SEEDS {
        let Some((compiled, rows)) = drawn(seed) else { continue };
        let Compiled { program, graph, .. } = &compiled;
        if !graph.states.is_empty() {
            continue;
        }
        let Ok(machine) = Machine::of(program) else { continue };
        let net = Net::of(graph, &machine);
        let inputs = limits(program);
        let Some(found) = bound(&net, &Given { inputs: inputs.clone(), states: vec![] }) else {
            continue;
        };
        let errors: Vec<f64> =
            found.outputs.iter().map(|pair| pair.off.range().magnitude()).collect();
        bounded += usize::from(errors.iter().all(|error| error.is_finite()));
        let mut interpreter = Interpreter::new(program);
        let mut check = |x: Vec<f64>| {
            let x: Vec<f64> = x.iter().zip(&inputs).map(|(x, l)| x.clamp(l.low, l.high)).collect();
            let (y, _) = interpreter.step(&x);
            let tensors = reference::evaluate(graph, &x);
            for (i, (y, exact)) in y.iter().zip(&tensors[graph.output]).enumerate() {
                let off = (y - exact).abs();
                assert!(
                    off <= errors[i],
                    "seed {seed}, output {i}: {off} > {} at {x:?}",
                    errors[i]
                );
            }
            for (id, (values, ranges)) in tensors.iter().zip(&found.tensors).enumerate() {
                for (value, range) in values.iter().zip(ranges) {
                    // Float's own rounding is not the network's.
                    let slack = 1e-9 * (1.0 + range.magnitude());
                    let inside = range.low - slack <= *value && *value <= range.high + slack;
                    assert!(
                        inside,
                        "seed {seed}, `{}`: {value} not in {range:?}",
                        graph.tensors[id].name
                    );
                }
            }
        };
        rows.into_iter().for_each(&mut check);
        for _ in 0..200 {
            check(inputs.iter().map(|l| if random.once_in(2) { l.low } else { l.high }).collect());
        }
    }
    assert!(bounded > 15, "{bounded}");
}

/// A recurrent network, whose bound for a step holds wherever its state and the integers' are.
#[test]
fn no_step_of_a_recurrent_network_exceeds_its_bound() {
    let mut bounded = 0;
    for seed in 0..SEEDS {
        let Some((compiled, rows)) = drawn(seed) else { continue };
        let Compiled { program, graph, .. } = &compiled;
        if graph.states.is_empty() || graph.states.iter().any(|state| !graph.is_real(state)) {
            continue;
        }
        let Ok(machine) = Machine::of(program) else { continue };
        let net = Net::of(graph, &machine);
        let inputs = limits(program);
        let mut integers = Interpreter::new(program);
        let mut float = Reference::new(graph);
        for row in rows.iter().take(60) {
            let x: Vec<f64> =
                row.iter().zip(&inputs).map(|(x, l)| x.clamp(l.low, l.high)).collect();
            let (exact, got) = (float.states(), integers.states());
            let mut pairs = exact.iter().zip(&got);
            let states = graph.states.iter().map(|state| {
                let each = state.initial.iter().zip(pairs.by_ref());
                each.map(|(_, (exact, got))| {
                    [Interval::around(*exact, 1e-9), Interval::around(got - exact, 1e-9)]
                })
                .collect()
            });
            let given = Given {
                inputs: x.iter().map(|x| Interval::at(*x)).collect(),
                states: states.collect(),
            };
            let Some(found) = bound(&net, &given) else { break };
            bounded += 1;
            let (y, _) = integers.step(&x);
            let tensors = float.step(&x);
            for (i, (y, exact)) in y.iter().zip(&tensors[graph.output]).enumerate() {
                let (off, error) = ((y - exact).abs(), found.outputs[i].off.range().magnitude());
                assert!(off <= error, "seed {seed}, output {i}: {off} > {error}");
            }
        }
    }
    assert!(bounded > 50, "{bounded}");
}
