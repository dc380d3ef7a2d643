//! Plants as a loop sees them, each with the controller that belongs to it.

use nervecord_codegen::graph::expr::{Expr, Function};
use nervecord_codegen::graph::{Dense, Graph, Layer};
use nervecord_codegen::import::Source;
use nervecord_codegen::output::write_atomic;
use nervecord_codegen::{Compiled, Compiler, Error, Result};
use nervecord_plants::{CartPole, RandomState, Swimmer};

use crate::models;

/// Something to control.
pub trait Plant {
    /// The controller's inputs.
    fn observe(&self) -> Vec<f64>;
    /// One period under the controller's outputs.
    fn drive(&mut self, outputs: &[f64]);
    /// All of its state.
    fn state(&self) -> Vec<f64>;
    /// What it has earned.
    fn score(&self) -> f64;
}

/// The swimmer of six links, which earns by swimming forward.
#[derive(Debug, Clone)]
pub struct SwimmerRig {
    swimmer: Swimmer,
    score: f64,
}

impl SwimmerRig {
    /// A swimmer in the start state of a seed.
    pub fn new(seed: u32) -> Self {
        Self { swimmer: Swimmer::seeded(5, seed), score: 0.0 }
    }

    /// Its controller: the bundled circuit, as the module `model`.
    ///
    /// # Errors
    /// The model does not compile.
    pub fn controller() -> Result<Compiled> {
        let folder = models("ncap_swimmer");
        let calibration = folder.join("calibration.csv");
        Compiler::new(folder).calibration(calibration).name("model").build()
    }
}

impl Plant for SwimmerRig {
    fn observe(&self) -> Vec<f64> {
        self.swimmer.angles()
    }

    fn drive(&mut self, outputs: &[f64]) {
        self.swimmer.step(outputs);
        self.score += self.swimmer.reward();
    }

    fn state(&self) -> Vec<f64> {
        self.swimmer.position().to_vec()
    }

    fn score(&self) -> f64 {
        self.score
    }
}

/// The cart with its pole, which earns a point for every period that the pole stands.
#[derive(Debug, Clone)]
pub struct CartPoleRig {
    cart: CartPole,
    score: f64,
}

/// Newtons of a full output.
const FORCE: f64 = 10.0;

impl CartPoleRig {
    /// A cart in the start state of a seed.
    pub fn new(seed: u32) -> Self {
        Self { cart: CartPole::seeded(seed, 0.05), score: 0.0 }
    }

    /// Its controller: the feedback of a linear regulator through a tanh.
    ///
    /// # Errors
    /// The model does not compile.
    pub fn controller() -> Result<Compiled> {
        let mut graph = Graph::new("model", "x", 4);
        let weights = vec![vec![0.1, 0.17, 2.2, 0.45]];
        let dense = Layer::Dense(Dense::new(weights, vec![0.0]));
        let tensor = graph.push("feedback", dense, &[graph.input])?;
        graph.push("tanh", Layer::Map(Expr::call(Function::Tanh)), &[tensor])?;
        let mut random = RandomState::new(1);
        let mut rows = String::from("x0,x1,x2,x3\n");
        for _ in 0..200 {
            let row = [2.0, 2.0, 0.5, 2.0].map(|limit| random.uniform(-limit, limit).to_string());
            rows += &(row.join(",") + "\n");
        }
        let place = std::env::temp_dir();
        let folder = tempfile::tempdir().map_err(|e| Error::io("create", place, &e))?;
        let calibration = folder.path().join("calibration.csv");
        write_atomic(&calibration, rows.as_bytes())?;
        let source = Source { graph, path: "cartpole".into(), sha256: "made in memory".into() };
        Compiler::new("cartpole").calibration(calibration).name("model").build_from(source)
    }
}

impl Plant for CartPoleRig {
    fn observe(&self) -> Vec<f64> {
        let CartPole { x, angle, x_rate, angle_rate } = self.cart;
        vec![x, x_rate, angle, angle_rate]
    }

    fn drive(&mut self, outputs: &[f64]) {
        // A fallen pole stays where it is.
        if !self.cart.has_failed() {
            self.cart.step(FORCE * outputs[0]);
            self.score += 1.0;
        }
    }

    fn state(&self) -> Vec<f64> {
        self.observe()
    }

    fn score(&self) -> f64 {
        self.score
    }
}
