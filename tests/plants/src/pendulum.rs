//! A pendulum with a torque at its pivot, with the constants of the usual swing-up benchmark.

use crate::random_state::RandomState;

const GRAVITY: f64 = 10.0;
/// Seconds of a step.
pub const TIME_STEP: f64 = 0.05;
/// The largest torque.
pub const TORQUE: f64 = 2.0;
const FASTEST: f64 = 8.0;

/// Angle from upright and its rate; mass and length are 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pendulum {
    /// Angle from upright, not wrapped.
    pub angle: f64,
    /// Angular velocity.
    pub rate: f64,
}

impl Pendulum {
    /// The state a seed starts from.
    pub fn seeded(seed: u32) -> Self {
        let mut random = RandomState::new(seed);
        let angle = random.uniform(-std::f64::consts::PI, std::f64::consts::PI);
        Self { angle, rate: random.uniform(-1.0, 1.0) }
    }

    /// One step under a torque, by semi-implicit Euler; returns what it costs.
    pub fn step(&mut self, torque: f64) -> f64 {
        let torque = torque.clamp(-TORQUE, TORQUE);
        let turn = 2.0 * std::f64::consts::PI;
        let wrapped = (self.angle + turn / 2.0).rem_euclid(turn) - turn / 2.0;
        let cost = wrapped.powi(2) + 0.1 * self.rate.powi(2) + 0.001 * torque.powi(2);
        let acceleration = 1.5 * GRAVITY * self.angle.sin() + 3.0 * torque;
        self.rate = (self.rate + TIME_STEP * acceleration).clamp(-FASTEST, FASTEST);
        self.angle += TIME_STEP * self.rate;
        cost
    }
}
