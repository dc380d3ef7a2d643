//! A plant under a bundled model, with noise on what it measures. Stands on the plants, and is one for a link.

use nervecord_cli::plants::{CartPole, Quadrotor, Swimmer};
use nervecord_codegen::program::StatedLimits;
use nervecord_codegen::{Compiled, Compiler, Result};

use nervecord::{InputLimits, OutputLimits};

use crate::link;
use crate::models;
use crate::random::Random;

/// Newtons of a pole's cart under a full output.
const FORCE: f64 = 10.0;

/// Half the width of the noise, in the inputs' units: an eighth of what the cart-pole's liquid network was trained
/// with, and enough for no input to stand still.
const NOISE: f64 = 0.004;

/// A bundled model that controls something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// A liquid network that balances a pole.
    Liquid,
    /// A gated network that hovers a quadrotor.
    Gated,
    /// A circuit that swims.
    Circuit,
    /// A feed-forward network of splines that balances a pole.
    Splines,
}

impl Model {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Liquid, Self::Gated, Self::Circuit, Self::Splines];

    /// Its folder in `models/`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Liquid => "cfc_cartpole",
            Self::Gated => "gru_hover",
            Self::Circuit => "ncap_swimmer",
            Self::Splines => "kan_cartpole",
        }
    }

    /// The model, compiled as the module `model`, with limits for its guard.
    ///
    /// # Errors
    /// It does not compile.
    pub fn compile(self) -> Result<Compiled> {
        let folder = models(self.name());
        let calibration = folder.join("calibration.csv");
        let mut compiled = Compiler::new(folder).calibration(calibration).name("model").build()?;
        let program = &mut compiled.program;
        let (inputs, outputs) = (program.input.features(), program.output.features());
        // In the inputs' own units, of which 1 is about the largest that is seen; a joint of the swimmer may rest at
        // its end.
        let symmetric = |max: f64| InputLimits { min: -max, max, stuck: 10 };
        let input = match self {
            Self::Circuit => InputLimits::ANY,
            Self::Gated => symmetric(1.5),
            Self::Liquid | Self::Splines => symmetric(1.1),
        };
        program.guard = Some(StatedLimits {
            inputs: vec![input; inputs],
            outputs: vec![OutputLimits::symmetric(1.0); outputs],
            ..StatedLimits::none(inputs, outputs)
        });
        Ok(compiled)
    }
}

#[derive(Debug, Clone)]
enum Plant {
    Pole(CartPole),
    Quadrotor(Quadrotor),
    Swimmer(Box<Swimmer>),
}

/// A plant at a moment of an episode.
#[derive(Debug, Clone)]
pub struct Rig {
    model: Model,
    plant: Plant,
    seed: u64,
    step: u64,
    earned: f64,
    failed: bool,
}

impl Rig {
    /// A plant at the start of the episode of a seed.
    pub fn new(model: Model, seed: u32) -> Self {
        let plant = match model {
            Model::Liquid | Model::Splines => Plant::Pole(CartPole::seeded(seed, 0.05)),
            Model::Gated => Plant::Quadrotor(Quadrotor::seeded(seed)),
            Model::Circuit => Plant::Swimmer(Box::new(Swimmer::seeded(5, seed))),
        };
        Self { model, plant, seed: seed.into(), step: 0, earned: 0.0, failed: false }
    }

    /// What the controller is shown: the same noise in the same step of every run of a seed.
    pub fn observe(&self) -> Vec<f64> {
        let mut random = Random::new(self.seed << 32 | self.step);
        let seen = match &self.plant {
            Plant::Pole(c) => {
                let [x, angle] = [c.x / 2.4, c.angle / 0.6];
                let [x_rate, angle_rate] = [c.x_rate / 3.0, c.angle_rate / 3.0];
                match self.model {
                    Model::Splines => vec![x, x_rate, angle, angle_rate],
                    _ => vec![x, angle, x_rate, angle_rate],
                }
            }
            Plant::Quadrotor(quadrotor) => quadrotor.observe().to_vec(),
            Plant::Swimmer(swimmer) => swimmer.angles(),
        };
        let end = if self.model == Model::Gated { f64::INFINITY } else { 1.0 };
        seen.into_iter().map(|x| (x + NOISE * random.unit()).clamp(-end, end)).collect()
    }

    /// One period under the controller's outputs.
    pub fn drive(&mut self, outputs: &[f64]) {
        self.step += 1;
        let output = |i: usize| outputs.get(i).copied().unwrap_or_default().clamp(-1.0, 1.0);
        // What has failed stays where it is.
        if self.failed {
            return;
        }
        match &mut self.plant {
            Plant::Pole(cart) => {
                cart.step(FORCE * output(0));
                self.failed = cart.has_failed();
                self.earned += 1.0;
            }
            Plant::Quadrotor(quadrotor) => {
                quadrotor.step([output(0), output(1)]);
                self.failed = quadrotor.has_failed();
                self.earned += 1.0;
            }
            Plant::Swimmer(swimmer) => {
                swimmer.step(outputs);
                self.earned += swimmer.reward();
            }
        }
    }

    /// All of the plant's state.
    fn state(&self) -> Vec<f64> {
        match &self.plant {
            Plant::Pole(cart) => vec![cart.x, cart.angle, cart.x_rate, cart.angle_rate],
            Plant::Quadrotor(quadrotor) => {
                [&quadrotor.pose[..], &quadrotor.rates, &quadrotor.thrusts].concat()
            }
            Plant::Swimmer(swimmer) => swimmer.position().to_vec(),
        }
    }

    /// Whether the pole has fallen or the quadrotor has tumbled or left; a swimmer does neither.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// Periods that it stood or flew, or how well it swam.
    pub fn earned(&self) -> f64 {
        self.earned
    }
}

impl link::Plant for Rig {
    fn observe(&self) -> Vec<f64> {
        self.observe()
    }

    fn drive(&mut self, outputs: &[f64]) {
        self.drive(outputs);
    }

    fn state(&self) -> Vec<f64> {
        self.state()
    }

    fn score(&self) -> f64 {
        self.earned()
    }
}
