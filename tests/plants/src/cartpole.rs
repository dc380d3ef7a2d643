//! A pole on a cart (Barto, Sutton, Anderson 1983), with the constants of the usual benchmark.

use crate::random_state::RandomState;

const GRAVITY: f64 = 9.8;
const CART: f64 = 1.0;
const POLE: f64 = 0.1;
/// Half the pole's length.
const HALF: f64 = 0.5;
/// Seconds of a step.
pub const TIME_STEP: f64 = 0.02;

/// Position, angle from upright, and their rates.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CartPole {
    /// Position of the cart.
    pub x: f64,
    /// Angle of the pole from upright.
    pub angle: f64,
    /// Velocity of the cart.
    pub x_rate: f64,
    /// Angular velocity of the pole.
    pub angle_rate: f64,
}

impl CartPole {
    /// The state a seed starts from: anything within `spread` of rest.
    pub fn seeded(seed: u32, spread: f64) -> Self {
        let mut random = RandomState::new(seed);
        let mut next = || random.uniform(-spread, spread);
        Self { x: next(), angle: next(), x_rate: next(), angle_rate: next() }
    }

    /// One step under a force, by explicit Euler.
    pub fn step(&mut self, force: f64) {
        let total = CART + POLE;
        let (sin, cos) = self.angle.sin_cos();
        let push = (force + POLE * HALF * self.angle_rate.powi(2) * sin) / total;
        let angle_acceleration =
            (GRAVITY * sin - cos * push) / (HALF * (4.0 / 3.0 - POLE * cos * cos / total));
        let x_acceleration = push - POLE * HALF * angle_acceleration * cos / total;
        self.x += TIME_STEP * self.x_rate;
        self.angle += TIME_STEP * self.angle_rate;
        self.x_rate += TIME_STEP * x_acceleration;
        self.angle_rate += TIME_STEP * angle_acceleration;
    }

    /// Whether the pole has fallen or the cart has left its track.
    pub fn has_failed(&self) -> bool {
        self.x.abs() > 2.4 || self.angle.abs() > 12_f64.to_radians()
    }
}
