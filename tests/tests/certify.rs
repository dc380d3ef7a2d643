//! What is claimed of every input: formulas are what kernels compute, no input exceeds a bound, and a certificate that does
//! not belong to its files is refused.

use std::path::{Path, PathBuf};

use nervecord::generated::{Quad, read16, read32};
use nervecord::host::flat;
use nervecord_codegen::certify::bound::{Given, bound};
use nervecord_codegen::certify::interval::Interval;
use nervecord_codegen::certify::machine::Machine;
use nervecord_codegen::certify::module;
use nervecord_codegen::certify::net::Net;
use nervecord_codegen::certify::recurrent;
use nervecord_codegen::certify::{Certificate, Effort};
use nervecord_codegen::check::{Files, check};
use nervecord_codegen::graph::{Graph, Layer};
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::program::{PortWidth, Program};
use nervecord_codegen::reference::Reference;
use nervecord_codegen::{Compiled, Compiler, reference};
use nervecord_tests::drawn::draw;
use nervecord_tests::made;
use nervecord_tests::network;
use nervecord_tests::random::Random;
use nervecord_tests::shapes::dense;

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
    memory.resize(program.memory_quads(), Quad::default());
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

/// The gates' tables of this model end below 1: that is of no concern to a number that is far from their ends.
#[test]
fn what_is_beyond_the_end_of_a_table_counts_only_there() {
    let (_, compiled) = bundled("cfc_cartpole");
    let Compiled { program, graph, .. } = compiled;
    let machine = Machine::of(&program).unwrap();
    let net = Net::of(&graph, &machine);
    let middle = limits(&program).iter().map(|x| Interval::at(x.middle())).collect();
    let given = Given { inputs: middle, states: recurrent::start(&net) };
    let errors = bound(&net, &given).unwrap().errors();
    assert!(errors[0] < 0.01, "{errors:?}");
}

/// At a single input all that is left is what kernels cut off: the layers of a row are paired with float's, whose names
/// are told apart where the importer gave two of them one.
#[test]
fn rows_that_are_normalized_or_compared_have_bounds() {
    let mut random = Random::new(23);
    let row = |layer: Layer, random: &mut Random| {
        let mut graph = Graph::new("net", "x", 6);
        let sums = graph.push("sums", Layer::Dense(dense(random, 6, 5)), &[0]).unwrap();
        let row = graph.push("row", layer, &[sums]).unwrap();
        let scale = vec![0.5, 1.5, 1.0, -1.0, 2.0];
        graph.push("row", Layer::Affine { scale, offset: vec![0.1; 5] }, &[row]).unwrap();
        graph
    };
    for layer in [Layer::Normalize { epsilon: 1e-5 }, Layer::Softmax, Layer::LogSoftmax] {
        let rows: Vec<Vec<f64>> = (0..200).map(|_| random.row(6, 0.9)).collect();
        let graph = row(layer.clone(), &mut random);
        let compiled = network::compile(graph, Default::default(), &rows).unwrap();
        let machine = Machine::of(&compiled.program).unwrap();
        let net = Net::of(&compiled.graph, &machine);
        let inputs = rows[0].iter().map(|x| Interval::at(*x)).collect();
        let found = bound(&net, &Given { inputs, states: vec![] }).unwrap();
        let worst = found.errors().into_iter().fold(0.0, f64::max);
        assert!(worst < 0.1, "{}: {worst}", layer.kind());
        let limits = limits(&compiled.program);
        let whole = bound(&net, &Given { inputs: limits, states: vec![] }).unwrap();
        assert!(whole.errors().iter().all(|error| error.is_finite()), "{}", layer.kind());
    }
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
        let errors: Vec<f64> = found.errors();
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
                let (off, error) = ((y - exact).abs(), found.outputs[i].magnitude());
                assert!(off <= error, "seed {seed}, output {i}: {off} > {error}");
            }
        }
    }
    assert!(bounded > 50, "{bounded}");
}

/// A few boxes: what is tested is that claims hold, not how tight they are.
const LITTLE: Effort = Effort { work: 1e9, boxes: 6, tries: 2000 };

fn bundled(name: &str) -> (PathBuf, Compiled) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models").join(name);
    let onnx = folder.join("model.onnx");
    let model = if onnx.is_file() { onnx } else { folder.clone() };
    let compiled = Compiler::new(&model).calibration(folder.join("calibration.csv")).build();
    (model, compiled.unwrap())
}

/// The machine of a program and that of its module are the same, but for the names of steps.
#[test]
fn a_module_is_read_back_as_its_program() {
    for name in ["policy", "digits", "regressor", "kan_cartpole", "cfc_cartpole", "gru_hover"] {
        let (_, compiled) = bundled(name);
        let machine = Machine::of(&compiled.program).unwrap();
        let read = module::read(&compiled.module(), Path::new(name), &machine.spots).unwrap();
        assert_eq!(read.steps.len(), machine.steps.len(), "{name}");
        for (own, read) in machine.steps.iter().zip(&read.steps) {
            assert_eq!(own.meaning, read.meaning, "{name}, {}", own.name);
            assert_eq!(own.operands, read.operands, "{name}, {}", own.name);
        }
        assert_eq!(read.wide, machine.wide, "{name}");
        assert_eq!((read.input.1, read.output.1), (machine.input.1, machine.output.1), "{name}");
        assert_eq!(read.input.0.ranges, machine.input.0.ranges, "{name}");
        assert_eq!(read.start, machine.start, "{name}");
    }
}

#[test]
fn certificates_of_the_bundled_models_follow() {
    for name in ["policy", "digits", "cfc_cartpole", "gru_hover", "ncap_swimmer"] {
        let (model, compiled) = bundled(name);
        let module = compiled.module();
        // Cut deep once: each part has all that it was cut from to lean on.
        let deep = Effort { work: 1e10, boxes: 64, ..LITTLE };
        let effort = if name == "gru_hover" { deep } else { LITTLE };
        let certificate = Certificate::issue(&compiled, &module, &effort).unwrap();
        let text = certificate.text().unwrap();
        let read = Certificate::read(&text, Path::new("c.json")).unwrap();
        assert!(read == certificate, "{name}: another once it is written and read");
        let files =
            Files { certificate: Path::new("c.json"), model: &model, module: Path::new("m.rs") };
        check(&read, &module, &files, &[]).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(certificate.unbounded.is_some(), name == "ncap_swimmer", "{name}");
        for output in &certificate.outputs {
            assert!(
                output.error.is_some_and(|error| error >= output.seen),
                "{name}, {}",
                output.name
            );
        }
        assert_eq!(
            certificate.steps.is_some(),
            ["cfc_cartpole", "gru_hover"].contains(&name),
            "{name}"
        );
    }
}

#[test]
fn what_does_not_belong_to_a_certificate_is_named() {
    let (model, compiled) = bundled("policy");
    let module = compiled.module();
    let certificate = Certificate::issue(&compiled, &module, &LITTLE).unwrap();
    let refused = |certificate: &Certificate, module: &str, model: &Path| {
        let files = Files { certificate: Path::new("c.json"), model, module: Path::new("m.rs") };
        check(certificate, module, &files, &[]).unwrap_err().to_string()
    };
    let changed = |change: &dyn Fn(&mut Certificate)| {
        let mut other = certificate.clone();
        change(&mut other);
        refused(&other, &module, &model)
    };
    // A table, another model, each claim, and the boxes that it rests on.
    let table = module.replacen("[126, 19, -16,", "[126, 20, -16,", 1);
    assert!(refused(&certificate, &table, &model).contains("`FC0_WEIGHTS`"));
    let ranges = module.replacen("[-20480, 20480]", "[-20480, 20481]", 1);
    assert!(refused(&certificate, &ranges, &model).contains("`RANGES`"));
    let code = module.replacen("FC1.run(x0, y);", "FC0.run(x0, y);", 1);
    assert!(refused(&certificate, &code, &model).contains("`code`"));
    let (other, _) = bundled("digits");
    assert!(refused(&certificate, &module, &other).contains("model_sha256"));
    let halved = |x: &mut Option<f64>| *x = x.map(|x| x / 2.0);
    assert!(changed(&|c| halved(&mut c.outputs[0].error)).contains("outputs, `y0`, error"));
    assert!(changed(&|c| halved(&mut c.margin)).contains("margin"));
    assert!(changed(&|c| c.inputs[3].high *= 2.0).contains("inputs, `x3`"));
    assert!(changed(&|c| c.tensors[2].high = 0.1).contains("tensors, `tanh0`, high"));
    assert!(changed(&|c| halved(&mut c.tensors[1].error)).contains("tensors, `fc0`, error"));
    assert!(
        changed(&|c| c.integers[1].low = 0).contains("integers, `TANH0`")
            || changed(&|c| c.integers[1].low = 0).contains("integers")
    );
    assert!(changed(&|c| drop(c.proof.boxes.pop())).contains("proof, boxes"));
    assert!(changed(&|c| c.accumulators[1].bound -= 1).contains("accumulators, `fc1`"));
    assert!(changed(&|c| c.accumulators[1].bound = 1 << 31).contains("accumulators, `fc1`"));
    assert!(changed(&|c| c.accumulators[0].layer = "fc9".into()).contains("accumulators, `fc9`"));
    assert!(changed(&|c| c.accumulators[0].share = 0.001).contains("share"));
    // What the certificate says of itself, and claims that were taken out or called otherwise.
    assert!(changed(&|c| c.model = "other".into()).contains("model"));
    assert!(changed(&|c| c.calibration_sha256 = "0".repeat(64)).contains("calibration_sha256"));
    assert!(changed(&|c| drop(c.inputs.pop())).contains("inputs"));
    assert!(changed(&|c| drop(c.tensors.remove(3))).contains("tensors"));
    assert!(changed(&|c| drop(c.integers.pop())).contains("integers"));
    assert!(changed(&|c| drop(c.outputs.remove(0))).contains("outputs"));
    assert!(changed(&|c| c.outputs[0].name = "z".into()).contains("outputs"));
    assert!(changed(&|c| c.integers[1].op = "z".into()).contains("integers"));
    assert!(changed(&|c| c.unbounded = Some("why not".into())).contains("unbounded"));
    assert!(changed(&|c| c.outputs[0].error = None).contains("unbounded"));
    assert!(changed(&|c| drop(c.accumulators.remove(1))).contains("accumulators"));
    assert!(changed(&|c| c.outputs[1].seen /= 2.0).contains("outputs"));
    assert!(
        changed(&|c| {
            c.outputs[0].error = None;
            c.margin = None;
            c.unbounded = Some("an output is an index, or jumps".into());
        })
        .contains("changed after it was written")
    );
    // A hint at no memory is none.
    assert!(changed(&|c| c.proof.spots[1].lane = usize::MAX).contains("does not follow"));
    let mut machine = Machine::of(&compiled.program).unwrap();
    machine.spots[1].lane = usize::MAX;
    assert_eq!(Net::of(&compiled.graph, &machine).machine.spots[1].lane, usize::MAX);
    // A hint may be wrong: the bound is wide then, and no claim below it follows.
    assert!(changed(&|c| c.proof.spots[1].scale[0] *= 2.0).contains("does not follow"));
    let (model, compiled) = bundled("gru_hover");
    let recurrent_module = compiled.module();
    let recurrent = Certificate::issue(&compiled, &recurrent_module, &LITTLE).unwrap();
    let changed = |change: &dyn Fn(&mut Certificate)| {
        let mut other = recurrent.clone();
        change(&mut other);
        refused(&other, &recurrent_module, &model)
    };
    let lower = |errors: &mut Option<Vec<f64>>| errors.iter_mut().flatten().for_each(|e| *e /= 2.0);
    let after = |c: &mut Certificate| lower(&mut c.steps.as_mut().unwrap().after[1].errors);
    assert!(recurrent.steps.as_ref().is_some_and(|steps| steps.after[1].errors.is_some()));
    assert!(changed(&after).contains("steps, after 10"));
    assert!(changed(&|c| c.steps = None).contains("steps"));
    let text = certificate.text().unwrap();
    for (from, to, word) in [
        ("\"certificate\": 1", "\"certificate\": 2", "format 2"),
        ("\"margin\"", "\"margine\"", "margine"),
        ("{", "[", "cannot be read"),
    ] {
        let error =
            Certificate::read(&text.replacen(from, to, 1), Path::new("c.json")).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}
