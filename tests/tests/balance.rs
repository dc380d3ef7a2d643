//! Closed loops with a cart-pole, a pendulum and a quadrotor: float and integer controllers side by side, and
//! what happens without one.

use std::f64::consts::{PI, TAU};

use nervecord_cli::plants::{CartPole, Pendulum, Quadrotor, RandomState};
use nervecord_codegen::Compiled;
use nervecord_codegen::graph::expr::{Expr, Function};
use nervecord_codegen::graph::{Dense, Graph, Layer, TensorId};
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::options::Weights;
use nervecord_codegen::reference::Reference;
use nervecord_tests::{bundled, network};

const SEEDS: std::ops::Range<u32> = 0..20;

/// What computes commands from observations.
type Controller<'a> = Box<dyn FnMut(&[f64]) -> Vec<f64> + 'a>;

fn float(compiled: &Compiled) -> Controller<'_> {
    let graph = &compiled.graph;
    let mut reference = Reference::new(graph);
    Box::new(move |x| reference.step(x).swap_remove(graph.output))
}

fn fixed(compiled: &Compiled) -> Controller<'_> {
    let mut interpreter = Interpreter::new(&compiled.program);
    Box::new(move |x| interpreter.step(x).0)
}

/// No controller of so many commands.
fn nothing(commands: usize) -> Controller<'static> {
    Box::new(move |_| vec![0.0; commands])
}

/// The integers with the wrong sign.
fn wrong(compiled: &Compiled) -> Controller<'_> {
    let mut good = fixed(compiled);
    Box::new(move |x| good(x).iter().map(|command| -command).collect())
}

/// The integers, reset before every step.
fn forgetful(compiled: &Compiled) -> Controller<'_> {
    let mut interpreter = Interpreter::new(&compiled.program);
    Box::new(move |x| {
        interpreter.reset();
        interpreter.step(x).0
    })
}

/// The steps of 500 in which the pole stands, and the mean size of its angle in them.
fn balance(
    seed: u32,
    observe: fn(&CartPole) -> [f64; 4],
    noise: f64,
    mut control: Controller,
) -> (usize, f64) {
    let mut cart = CartPole::seeded(seed, 0.05);
    let mut random = RandomState::new(seed + 500);
    let mut sum = 0.0;
    for step in 0..500 {
        if cart.has_failed() {
            return (step, sum / step as f64);
        }
        let seen = observe(&cart).map(|x| (x + random.uniform(-noise, noise)).clamp(-1.0, 1.0));
        cart.step(10.0 * control(&seen)[0].clamp(-1.0, 1.0));
        sum += cart.angle.abs();
    }
    (500, sum / 500.0)
}

/// Float and integers balance every seed equally well; neither nothing nor the wrong sign does.
fn check_balance(name: &str, observe: fn(&CartPole) -> [f64; 4], noise: f64) {
    let compiled = bundled(name);
    for seed in SEEDS {
        let (steps, angle) = balance(seed, observe, noise, float(&compiled));
        let (fixed_steps, fixed_angle) = balance(seed, observe, noise, fixed(&compiled));
        assert_eq!((steps, fixed_steps), (500, 500), "{name}, seed {seed}");
        assert!((angle - fixed_angle).abs() < 1e-3, "{name}, {seed}: {angle} {fixed_angle}");
        let (nothing, _) = balance(seed, observe, noise, nothing(1));
        let (wrong, _) = balance(seed, observe, noise, wrong(&compiled));
        assert!(nothing < 250 && wrong < 100, "{name}, seed {seed}: {nothing} {wrong}");
    }
}

#[test]
fn a_liquid_network_balances_a_pole_from_noisy_measurements() {
    let observe = |c: &CartPole| [c.x / 2.4, c.angle / 0.6, c.x_rate / 3.0, c.angle_rate / 3.0];
    check_balance("cfc_cartpole", observe, 0.03);
}

#[test]
fn a_kolmogorov_arnold_network_balances_a_pole() {
    let observe = |c: &CartPole| [c.x / 2.4, c.x_rate / 3.0, c.angle / 0.6, c.angle_rate / 3.0];
    check_balance("kan_cartpole", observe, 0.0);
}

/// A controller that swings a pendulum up and holds it, from cos, sin and rate / 8 to a torque.
///
/// Far from upright it pumps energy, `u = -k rate (rate^2 / 2 + 15 (cos - 1))`; near it, it damps the
/// angle; a sigmoid of the cosine blends the two.
fn swing_up() -> Graph {
    let mut graph = Graph::new("swing_up", "x", 3);
    let x = graph.input;
    let mut push = |name: &str, layer: Layer, inputs: &[TensorId]| {
        graph.push(name, layer, inputs).unwrap_or_else(|error| panic!("{error}"))
    };
    let row = |weights: Vec<f64>, bias: f64| Layer::Dense(Dense::new(vec![weights], vec![bias]));
    let torque = || Layer::Map(Expr::clamp(-2.0, 2.0));
    let rate = push("rate", Layer::Select(vec![2]), &[x]);
    let square = push("square", Layer::Map(Expr::X.mul(Expr::X)), &[rate]);
    let all = push("all", Layer::Concat, &[x, square]);
    let energy = push("energy", row(vec![15.0, 0.0, 0.0, 32.0], -15.0), &[all]);
    let power = push("power", Layer::Mul, &[energy, rate]);
    let pump = push("gain", row(vec![-2.4], 0.0), &[power]);
    let pump = push("pump", torque(), &[pump]);
    let hold = push("damping", row(vec![0.0, -12.0, -24.0], 0.0), &[x]);
    let hold = push("hold", torque(), &[hold]);
    let near = push("nearness", row(vec![40.0, 0.0, 0.0], -37.0), &[x]);
    let near = push("near", Layer::Map(Expr::call(Function::Sigmoid)), &[near]);
    let difference = push("difference", Layer::Add { factors: [1.0, -1.0] }, &[hold, pump]);
    let change = push("change", Layer::Mul, &[difference, near]);
    push("torque", Layer::Add { factors: [1.0, 1.0] }, &[pump, change]);
    graph
}

/// The cost of 300 steps, and whether the pendulum stands upright in the last 50.
fn swing(seed: u32, mut control: Controller) -> (f64, bool) {
    let mut pendulum = Pendulum::seeded(seed);
    let (mut cost, mut stands) = (0.0, true);
    for step in 0..300 {
        let (sin, cos) = pendulum.angle.sin_cos();
        cost += pendulum.step(control(&[cos, sin, pendulum.rate / 8.0])[0]);
        let wrapped = (pendulum.angle + PI).rem_euclid(TAU) - PI;
        stands &= step < 250 || wrapped.abs() < 0.1;
    }
    (cost, stands)
}

#[test]
fn a_pendulum_swings_up_in_integers_as_in_floats() {
    let mut random = RandomState::new(8);
    let mut row = || {
        let (sin, cos) = random.uniform(-PI, PI).sin_cos();
        vec![cos, sin, random.uniform(-1.0, 1.0)]
    };
    let rows: Vec<Vec<f64>> = (0..1000).map(|_| row()).collect();
    let compiled =
        network::compile(swing_up(), Weights::I16, &rows).unwrap_or_else(|error| panic!("{error}"));
    for seed in SEEDS {
        let (cost, stands) = swing(seed, float(&compiled));
        let (fixed_cost, fixed_stands) = swing(seed, fixed(&compiled));
        println!("seed {seed}: {cost:.1} {fixed_cost:.1}");
        assert!(stands && fixed_stands, "seed {seed}");
        assert!((cost - fixed_cost).abs() < 0.02 * cost, "seed {seed}: {cost} {fixed_cost}");
        let (nothing, falls) = swing(seed, nothing(1));
        let (wrong, falls_too) = swing(seed, wrong(&compiled));
        assert!(!falls && !falls_too, "seed {seed}: {nothing} {wrong}");
    }
}

/// Control steps of a flight of ten seconds, and those before its last two.
const FLIGHT: usize = 1000;
const SETTLED: usize = 800;

/// A flight from a seed's start; the quadrotor shows its pose alone, with noise.
fn fly(seed: u32, control: Controller) -> Vec<Quadrotor> {
    Quadrotor::seeded(seed).fly(seed + 500, FLIGHT, control)
}

/// The largest distance from the goal after it should have settled; infinite for a flight that failed.
fn farthest(flight: &[Quadrotor]) -> f64 {
    let late = flight.get(SETTLED..FLIGHT).unwrap_or_default();
    late.iter().map(Quadrotor::distance).reduce(f64::max).unwrap_or(f64::INFINITY)
}

#[test]
fn a_gated_network_hovers_in_integers_as_in_floats_as_long_as_it_remembers() {
    let compiled = bundled("gru_hover");
    for seed in SEEDS {
        let (flight, in_fixed) = (fly(seed, float(&compiled)), fly(seed, fixed(&compiled)));
        let (away, fixed_away) = (farthest(&flight), farthest(&in_fixed));
        assert!(away < 0.06 && fixed_away < 0.06, "seed {seed}: {away} {fixed_away}");
        let apart = flight.iter().zip(&in_fixed).map(|(a, b)| a.apart(b)).fold(0.0, f64::max);
        println!("seed {seed}: {away:.4} {fixed_away:.4}, {apart:.5} apart");
        assert!(apart < 0.002, "seed {seed}: {apart}");
        for control in [nothing(2), wrong(&compiled), forgetful(&compiled)] {
            let away = farthest(&fly(seed, control));
            assert!(away > 1.0, "seed {seed}: {away}");
        }
    }
}
