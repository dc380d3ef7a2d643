//! The Kolmogorov-Arnold cart-pole controller in its closed loop: as many poles stay up with its integers as
//! with the float network.

use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::options::Weights;
use nervecord_codegen::reference::Reference;
use nervecord_codegen::{Compiled, Compiler};
use nervecord_plants::CartPole;

const EPISODES: u32 = 300;
const STEPS: usize = 500;
/// Radians beyond which a pole counts as fallen; the network knows no larger angle.
const LIMIT: f64 = 0.6;
/// Starts up to this far from rest in every state: some cannot be saved.
const SPREAD: f64 = 0.5;

fn compiled(weights: Weights) -> Compiled {
    let model = format!("{}/../models/kan_cartpole", env!("CARGO_MANIFEST_DIR"));
    let calibration = format!("{model}/calibration.csv");
    Compiler::new(model).calibration(calibration).weights(weights).build().unwrap()
}

/// What the network reads, as its README says.
fn observation(plant: &CartPole) -> [f64; 4] {
    let scaled = [plant.x / 2.4, plant.x_rate / 3.0, plant.angle / 0.6, plant.angle_rate / 3.0];
    scaled.map(|x| x.clamp(-1.0, 1.0))
}

/// The seeds whose pole a controller keeps up.
fn balanced(mut force: impl FnMut(&[f64]) -> f64) -> Vec<u32> {
    let stays = |seed: &u32| {
        let mut plant = CartPole::seeded(*seed, SPREAD);
        (0..STEPS).all(|_| {
            plant.step(10.0 * force(&observation(&plant)).clamp(-1.0, 1.0));
            plant.x.abs() <= 2.4 && plant.angle.abs() <= LIMIT
        })
    };
    (0..EPISODES).filter(stays).collect()
}

#[test]
fn integers_balance_as_many_poles_as_the_float_network() {
    let network = compiled(Weights::Auto);
    let mut reference = Reference::new(&network.graph);
    let float = balanced(|x| reference.step(x)[network.graph.output][0]);
    assert!(float.len() * 100 >= EPISODES as usize * 95 && float.len() < EPISODES as usize);
    println!("float: {} of {EPISODES}", float.len());
    for weights in [Weights::I8, Weights::I16] {
        let integers = compiled(weights);
        let mut interpreter = Interpreter::new(&integers.program);
        let fixed = balanced(|x| interpreter.step(x).0[0]);
        println!("{weights:?}: {} of {EPISODES}", fixed.len());
        assert_eq!(fixed.len(), float.len(), "{weights:?}");
    }
}

/// The loop needs its controller: without one, with one that pushes the wrong way, or with one that
/// does not see the pole turn, poles fall.
#[test]
fn poles_fall_without_the_controller() {
    let network = compiled(Weights::Auto);
    let mut interpreter = Interpreter::new(&network.program);
    assert_eq!(balanced(|_| 0.0).len(), 0);
    assert_eq!(balanced(|x| -interpreter.step(x).0[0]).len(), 0);
    let blind = balanced(|x| interpreter.step(&[x[0], x[1], x[2], 0.0]).0[0]);
    assert!(blind.len() * 10 < EPISODES as usize, "{} of {EPISODES}", blind.len());
}
