//! CfC, LTC, GRU, LSTM and Elman networks of random wirings and weights, against their equations written down once more:
//! the imported float network equals them, and the integers stay within a thousandth of it.

use nervecord_cli::plants::RandomState;
use nervecord_codegen::import;
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::options::Weights;
use nervecord_codegen::reference::{Reference, run_with_states};
use nervecord_tests::gated;
use nervecord_tests::liquid::{Net, STEPS, dense, ltc, mixed, sequence, wired};

/// The largest difference of an integer state to the float one over a sequence, which equals the
/// equations; none for a network that any rounding leads astray.
fn state_error(net: &Net, seed: u32, weights: Weights) -> Option<f64> {
    let mut random = RandomState::new(1000 + seed);
    let rows = sequence(&mut random, net.inputs, STEPS);
    if !net.forgets(&rows) {
        return None;
    }
    let compiled = net.compile(&mut random, weights);
    let (outputs, states) = run_with_states(&compiled.source.graph, &rows);
    let mut host = Interpreter::new(&compiled.program);
    let mut h = vec![0.0; net.units];
    let mut worst = 0.0_f64;
    for ((row, float), output) in rows.iter().zip(&states).zip(&outputs) {
        let expected = net.step(row, &mut h);
        let pairs = float.iter().zip(&h).chain(output.iter().zip(&expected));
        for (found, expected) in pairs {
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
        host.step(row);
        let errors = host.states().into_iter().zip(float).map(|(i, f)| (i - f).abs());
        worst = errors.fold(worst, f64::max);
    }
    Some(worst)
}

/// Holds that all `nets` but those that do not forget, of which there are at most `astray`, stay within
/// a thousandth of the float state.
#[track_caller]
fn check(nets: impl IntoIterator<Item = (String, Net)>, weights: Weights, astray: usize) {
    let mut left = astray;
    for (seed, (name, net)) in (0..).zip(nets) {
        let Some(error) = state_error(&net, seed, weights) else {
            left = left.checked_sub(1).expect("most networks forget how they start");
            continue;
        };
        println!("{name}: {error:.2e}");
        assert!(error < 1e-3, "{name}: {error:.2e}");
    }
}

/// A mode's networks of several sizes, with weights from those of a fresh network to twice that.
fn wired_nets(mode: &'static str) -> impl Iterator<Item = (String, Net)> {
    let nets = [
        ([4, 3, 1], 2, 0.4, 1.0),
        ([4, 3, 1], 2, 0.8, 0.5),
        ([12, 7, 1], 4, 0.6, 2.0),
        ([16, 9, 3], 6, 0.6, 1.0),
        ([20, 16, 4], 8, 0.5, 1.0),
    ];
    nets.into_iter().zip(0..).map(move |((layers, inputs, size, ts), seed)| {
        // Without a gate, states are up to twice as large.
        let size = if mode == "no_gate" { 0.75 * size } else { size };
        let name = format!("wired {mode} {layers:?}, weights {size:.2}, timespan {ts}");
        (name, wired(seed, layers, inputs, mode, ts, size))
    })
}

fn dense_nets(mode: &'static str) -> impl Iterator<Item = (String, Net)> {
    let shapes = [([8, 0], 1, 0.6), ([16, 32], 1, 0.3), ([32, 24], 4, 0.25), ([40, 64], 6, 0.2)];
    shapes.into_iter().zip(0..).map(move |((shape, inputs, size), seed)| {
        let ts = [1.0, 0.5, 2.0][seed % 3];
        let name = format!("dense {mode} {shape:?}, weights {size}, timespan {ts}");
        (name, dense(seed as u32, shape, inputs, mode, ts, size))
    })
}

#[test]
fn gated_networks_stay_within_a_thousandth() {
    check(wired_nets("default").chain(dense_nets("default")), Weights::Auto, 1);
}

#[test]
fn networks_without_a_gate_stay_within_a_thousandth() {
    check(wired_nets("no_gate").chain(dense_nets("no_gate")), Weights::Auto, 2);
}

#[test]
fn pure_networks_stay_within_a_thousandth() {
    check(wired_nets("pure").chain(dense_nets("pure")), Weights::Auto, 0);
}

#[test]
fn liquid_time_constants_stay_within_a_thousandth() {
    let nets = [
        ([8, 1], 2, 1.0, 1.0),
        ([8, 1], 2, 3.0, 0.5),
        ([16, 1], 4, 3.0, 1.0),
        ([28, 4], 6, 1.0, 2.0),
        ([28, 4], 6, 3.0, 1.0),
        ([40, 3], 8, 2.0, 0.5),
    ];
    let nets = nets.into_iter().zip(0..).map(|((shape, inputs, size, ts), seed)| {
        let name = format!("ltc {shape:?}, conductances {size}, timespan {ts}");
        (name, ltc(seed, shape, inputs, ts, size))
    });
    check(nets, Weights::Auto, 0);
}

/// Changes one tensor of a good network; the message must have all of `parts`.
#[track_caller]
fn refused(net: &Net, name: &str, change: impl Fn(&mut (Vec<usize>, Vec<f32>)), parts: &[&str]) {
    let mut file = net.file.clone();
    change(file.0.get_mut(name).unwrap());
    let folder = file.folder(&net.config);
    let message = import::load(folder.path()).map(drop).unwrap_err().to_string();
    for part in [parts, &[name, "model.safetensors"]].concat() {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
}

/// Without its last row.
fn shorter((shape, values): &mut (Vec<usize>, Vec<f32>)) {
    let row = values.len() / shape[0];
    shape[0] -= 1;
    values.truncate(values.len() - row);
}

/// Rows and columns the wrong way round.
fn turned((shape, _): &mut (Vec<usize>, Vec<f32>)) {
    shape.reverse();
}

#[test]
fn tensors_that_do_not_fit_are_refused_by_name() {
    let cfc = wired(1, [5, 3, 1], 2, "default", 1.0, 0.5);
    let (first, second) = ("rnn_cell.layer_0.sparsity_mask", "rnn_cell.layer_1.sparsity_mask");
    refused(&cfc, first, shorter, &["[5, 7]", "[4, 7]"]);
    refused(&cfc, second, turned, &["[3, 8]", "[8, 3]"]);
    refused(&cfc, "rnn_cell.layer_1.time_a.weight", shorter, &["[3, 8]", "[2, 8]"]);
    refused(&cfc, "rnn_cell.layer_0.ff2.bias", shorter, &["[5]", "[4]"]);
    refused(&cfc, "rnn_cell.layer_2.ff1.weight", |(_, v)| v[0] = f32::NAN, &["NaN"]);
    refused(&cfc, first, |(_, v)| v[3] = f32::INFINITY, &["inf"]);
    let pure = dense(1, [5, 8], 2, "pure", 1.0, 0.5);
    refused(
        &pure,
        "rnn_cell.A",
        |(shape, values)| {
            shape[1] = 4;
            values.truncate(4);
        },
        &["[5]", "[1, 4]"],
    );
    let ltc = ltc(1, [6, 1], 2, 1.0, 1.0);
    refused(&ltc, "rnn_cell.sparsity_mask", shorter, &["[6, 6]", "[5, 6]"]);
    refused(&ltc, "rnn_cell.sensory_sparsity_mask", turned, &["[2, 6]", "[6, 2]"]);
    refused(&ltc, "rnn_cell.sparsity_mask", |(_, v)| v[0] = -1.0, &["negative", "-1"]);
    refused(&ltc, "rnn_cell.erev", |(_, v)| v[0] = f32::NAN, &["NaN"]);
    refused(&ltc, "rnn_cell.gleak", shorter, &["[6]", "[5]"]);
}

#[test]
fn gated_networks_follow_their_equations() {
    // Without gates a network that forgets has smaller weights.
    for (kind, gain) in [("gru", 1.0), ("lstm", 1.0), ("rnn", 0.5)] {
        let nets = [(3, [5, 1], 1.0), (2, [9, 2], 0.7), (8, [16, 1], 0.5)];
        let net = |((inputs, sizes, size), seed)| {
            (format!("{kind} {sizes:?}"), gated::net(kind, seed, inputs, sizes, gain * size))
        };
        check(nets.into_iter().zip(1..).map(net), Weights::I16, 1);
    }
}

#[test]
fn mixed_memory_follows_its_equations() {
    let nets = [
        ("wired", wired(1, [4, 3, 1], 2, "default", 1.0, 0.5)),
        ("dense", dense(2, [6, 5], 3, "default", 1.0, 0.5)),
        ("no gate", dense(3, [5, 0], 2, "no_gate", 1.0, 0.4)),
    ];
    check(
        nets.into_iter().map(|(name, net)| (name.to_owned(), mixed(net, 7, 0.8))),
        Weights::I16,
        1,
    );
}

/// A GRU whose gates are nearly closed: a step moves the state by far less than an activation's unit. Neither does it
/// freeze on the way to rest, nor does it drift in 100,000 steps.
#[test]
fn a_slow_state_neither_freezes_nor_drifts() {
    const UNITS: usize = 6;
    let mut net = gated::net("gru", 5, 2, [UNITS, 1], 0.5);
    let (_, biases) = net.file.0.get_mut("net.bias_ih_l0").unwrap();
    // z is near 0.9975, for a time constant of 400 steps.
    biases[UNITS..2 * UNITS].fill(6.0);
    let mut random = RandomState::new(11);
    let compiled = net.compile(&mut random, Weights::I16);
    let (mut host, mut float) =
        (Interpreter::new(&compiled.program), Reference::new(&compiled.source.graph));
    for step in 0..110_000 {
        let mut noise = || [random.uniform(-1.0, 1.0), random.uniform(-1.0, 1.0)];
        let row = if step < 100_000 { noise() } else { [0.5, -0.25] };
        host.step(&row);
        float.step(&row);
        let states = host.states();
        assert!(states.iter().all(|h| h.abs() <= 1.0), "{step}: {states:?}");
        for (integer, float) in states.iter().zip(float.states()) {
            assert!((integer - float).abs() <= 2e-3, "{step}: {integer} {float}");
        }
    }
}
