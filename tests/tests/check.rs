//! The engine that checks certificates: no input, no step and no box of integers is beyond what it shows.

use std::path::Path;

use nervecord_codegen::certify::machine::Machine;
use nervecord_codegen::check::engine::{Alone, Engine};
use nervecord_codegen::check::opinion::inputs;
use nervecord_codegen::check::span::Span;
use nervecord_codegen::check::steps::{STEPS, follow};
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::program::Program;
use nervecord_codegen::reference::Reference;
use nervecord_codegen::{Compiled, Compiler, reference};
use nervecord_tests::drawn::draw;
use nervecord_tests::random::Random;
use nervecord_tests::{made, network};

/// Networks drawn.
const SEEDS: u64 = 60;

/// A drawn network, if it can be compiled.
fn drawn(seed: u64) -> Option<(Compiled, Vec<Vec<f64>>)> {
    let drawn = draw(seed).unwrap();
    let rows = [drawn.rows.clone(), drawn.fresh].concat();
    Some((network::compile(drawn.graph, drawn.weights, &drawn.rows).ok()?, rows))
}

fn bundled(name: &str) -> (Compiled, Vec<Vec<f64>>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models").join(name);
    let onnx = folder.join("model.onnx");
    let model = if onnx.is_file() { onnx } else { folder.clone() };
    let compiled =
        Compiler::new(&model).calibration(folder.join("calibration.csv")).build().unwrap();
    (compiled, vec![])
}

/// A point of a box.
fn point(of: &[Span], random: &mut Random) -> Vec<f64> {
    let corner = random.once_in(3);
    let shares = random.row(of.len(), 1.0);
    let one = |(x, share): (&Span, f64)| {
        let share = if corner { share.signum() } else { share };
        (x.middle() + share * x.width() / 2.0).clamp(x.low, x.high)
    };
    of.iter().zip(shares).map(one).collect()
}

/// A part of a box.
fn part(of: &[Span], random: &mut Random) -> Vec<Span> {
    let (a, b) = (point(of, random), point(of, random));
    a.iter().zip(&b).map(|(a, b)| Span::new(a.min(*b), a.max(*b))).collect()
}

/// Holds points of a box to all that is shown of it; whether every output is bounded.
fn hold(
    name: &str,
    compiled: &Compiled,
    engine: &Engine,
    of: &[Span],
    points: &[Vec<f64>],
    root: &[Span],
) -> bool {
    let Compiled { program, graph, .. } = compiled;
    let within = (!root.is_empty()).then_some(root);
    let mut sweep = engine.run(of, &engine.start(), within);
    let (errors, tensors) = (engine.errors(&mut sweep), engine.tensors(&mut sweep));
    let apart: Vec<_> = (0..graph.tensors.len()).map(|id| engine.apart(id, &mut sweep)).collect();
    assert!(apart.iter().flatten().all(|x| !x.is_nan()));
    for x in points {
        let (y, _) = Interpreter::new(program).step(x);
        let values = reference::evaluate(graph, x);
        for (i, (y, exact)) in y.iter().zip(&values[graph.output]).enumerate() {
            let off = (y - exact).abs();
            assert!(off <= errors[i] + 1e-12, "{name}, output {i}: {off} > {} at {x:?}", errors[i]);
        }
        for ((values, range), tensor) in values.iter().zip(&tensors).zip(&graph.tensors) {
            // Float's own rounding is not the network's.
            let slack = 1e-9 * (1.0 + range.size());
            let inside = |value: &f64| range.low - slack <= *value && *value <= range.high + slack;
            assert!(
                values.iter().all(inside),
                "{name}, `{}`: {values:?} not in {range:?}",
                tensor.name
            );
        }
    }
    errors.iter().all(|error| error.is_finite())
}

#[test]
fn no_input_of_a_random_network_is_beyond_what_is_shown() {
    let (mut bounded, mut random) = (0, Random::new(11));
    let mut networks: Vec<(String, Compiled, Vec<Vec<f64>>)> = (0..SEEDS)
        .filter_map(|seed| {
            drawn(seed).map(|(compiled, rows)| (format!("seed {seed}"), compiled, rows))
        })
        .collect();
    for (name, graph, count) in
        [("heads", made::heads(), 6), ("windows", made::windows(), made::WINDOW_INPUTS)]
    {
        let rows: Vec<Vec<f64>> = (0..200).map(|_| random.row(count, 0.9)).collect();
        let compiled = network::compile(graph.unwrap(), Default::default(), &rows).unwrap();
        networks.push((name.into(), compiled, rows));
    }
    for (name, compiled, rows) in &networks {
        let Ok(machine) = Machine::of(&compiled.program) else { continue };
        let Some(engine) = Engine::of(&compiled.graph, &machine) else { continue };
        let whole = inputs(&machine);
        let clamped = |row: &Vec<f64>| -> Vec<f64> {
            row.iter().zip(&whole).map(|(x, l)| x.clamp(l.low, l.high)).collect()
        };
        let mut points: Vec<Vec<f64>> = rows.iter().take(100).map(clamped).collect();
        points.extend((0..100).map(|_| point(&whole, &mut random)));
        bounded += usize::from(hold(name, compiled, &engine, &whole, &points, &[]));
        let root = engine.run(&whole, &engine.start(), None).ranges;
        for _ in 0..4 {
            let own = part(&whole, &mut random);
            let points: Vec<Vec<f64>> = (0..20).map(|_| point(&own, &mut random)).collect();
            hold(name, compiled, &engine, &own, &points, &root);
        }
    }
    assert!(bounded > 30, "{bounded}");
}

#[test]
fn no_input_of_a_bundled_model_is_beyond_what_is_shown() {
    let mut random = Random::new(3);
    for name in ["policy", "digits", "regressor", "kan_cartpole", "cfc_cartpole", "gru_hover"] {
        let (compiled, _) = bundled(name);
        let machine = Machine::of(&compiled.program).unwrap();
        let engine = Engine::of(&compiled.graph, &machine).unwrap();
        let whole = inputs(&machine);
        let root = engine.run(&whole, &engine.start(), None).ranges;
        for _ in 0..20 {
            let mut own = part(&whole, &mut random);
            for _ in 0..random.below(4) {
                own = part(&own, &mut random);
            }
            let points: Vec<Vec<f64>> = (0..20).map(|_| point(&own, &mut random)).collect();
            assert!(hold(name, &compiled, &engine, &own, &points, &root), "{name}");
        }
    }
}

/// Steps after a reset, with any inputs.
#[test]
fn no_step_is_beyond_what_is_shown() {
    let (mut bounded, mut random) = (0, Random::new(5));
    let names = ["gru_hover", "cfc_cartpole"];
    let own = names.into_iter().map(|name| (name.to_owned(), bundled(name)));
    let drawn = (0..SEEDS).filter_map(|seed| Some((format!("seed {seed}"), drawn(seed)?)));
    for (name, (compiled, _)) in own.chain(drawn) {
        let Compiled { program, graph, .. } = &compiled;
        let Ok(machine) = Machine::of(program) else { continue };
        if graph.states.is_empty() {
            continue;
        }
        let Some(engine) = Engine::of(graph, &machine) else { continue };
        let whole = inputs(&machine);
        let shown = follow(&engine, &whole, 10);
        for _ in 0..20 {
            let (mut integers, mut float) = (Interpreter::new(program), Reference::new(graph));
            for step in 1..=12 {
                let x = point(&whole, &mut random);
                let (y, _) = integers.step(&x);
                let exact = float.step(&x).swap_remove(graph.output);
                let after = STEPS.iter().position(|steps| *steps == step);
                let bounds = after.and_then(|place| shown.after[place].as_ref());
                for bound in bounds.into_iter().chain(&shown.always) {
                    bounded += 1;
                    let off = y.iter().zip(&exact).map(|(y, exact)| (y - exact).abs());
                    let inside = off.zip(bound).all(|(off, bound)| off <= bound + 1e-12);
                    assert!(inside, "{name}, step {step}: {y:?} {exact:?} {bound:?}");
                }
            }
        }
    }
    assert!(bounded > 500, "{bounded}");
}

/// The outputs' integers.
fn integers(program: &Program, x: &[i32]) -> Vec<i32> {
    Interpreter::new(program).step_raw(x).0
}

#[test]
fn no_box_of_integers_has_less_than_its_least() {
    let mut random = Random::new(17);
    let networks = ["policy", "digits", "kan_cartpole", "regressor"]
        .map(|name| (name.to_owned(), bundled(name).0));
    let drawn = (0..SEEDS).filter_map(|seed| Some((format!("seed {seed}"), drawn(seed)?.0)));
    let (mut tried, mut tight) = (0, 0);
    for (name, compiled) in networks.into_iter().chain(drawn) {
        let Ok(machine) = Machine::of(&compiled.program) else { continue };
        if !compiled.graph.states.is_empty() {
            continue;
        }
        let Some(alone) = Alone::of(&machine) else { continue };
        let port = &machine.input.0;
        let whole: Vec<Span> = port
            .ranges
            .iter()
            .map(|[low, high]| Span::new((*low).into(), (*high).into()))
            .collect();
        for round in 0..12 {
            let mut own = part(&whole, &mut random);
            for _ in 0..round / 2 {
                own = part(&own, &mut random);
            }
            let cell: Vec<(i32, i32)> =
                own.iter().map(|x| (x.low.floor() as i32, x.high.floor() as i32)).collect();
            let mut outputs = alone.run(&cell).unwrap();
            let factors = random.row(machine.output.0.features(), 1.0);
            let terms: Vec<(usize, f64)> = factors.into_iter().enumerate().collect();
            let least = outputs.least(&terms);
            assert!(least.is_finite(), "{name}");
            for _ in 0..20 {
                let x: Vec<i32> =
                    point(&own, &mut random).iter().map(|x| x.floor() as i32).collect();
                let y = integers(&compiled.program, &x);
                let sum: f64 = terms.iter().map(|(i, factor)| factor * f64::from(y[*i])).sum();
                assert!(least <= sum + 1e-6, "{name}: {least} > {sum} at {x:?}");
                tried += 1;
                tight += usize::from(sum - least < 16384.0);
            }
        }
    }
    assert!(tried > 1000 && tight * 3 > tried, "{tight} of {tried}");
}
