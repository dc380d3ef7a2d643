//! A quadrotor in a vertical plane, small enough for a hand, with rotors that lag behind their commands and a
//! load that it does not feel.
//!
//! Two rotors, left and right of the centre, push along the body's vertical axis; nothing else but
//! gravity acts. A rotor's thrust follows its command as a first-order lag. The policy is shown the pose
//! alone, so what it does about speed and weight has to come from memory.

use super::random_state::RandomState;

const GRAVITY: f64 = 9.81;
/// Kilograms, without a load.
const MASS: f64 = 0.5;
/// Metres from the centre to a rotor.
const ARM: f64 = 0.12;
/// Kilogram square metres about the centre.
const INERTIA: f64 = 4e-3;
/// Seconds, the time constant of a rotor.
const LAG: f64 = 0.05;
/// Newtons of each rotor that carry the quadrotor without a load.
const HOVER: f64 = MASS * GRAVITY / 2.0;
/// Seconds of a step.
pub const TIME_STEP: f64 = 0.01;
/// Total mass over that without a load: what a seed draws from.
const LOAD: [f64; 2] = [0.9, 1.2];
/// What a seed starts within: metres, metres, radians, and their rates.
const START: [f64; 6] = [2.0, 2.0, 0.5, 1.0, 1.0, 1.0];
/// What an observation of 1 stands for: metres, metres, radians.
const UNITS: [f64; 3] = [2.0, 2.0, 1.0];

/// Half the width of the measurements' noise, in units of the observation.
const NOISE: f64 = 0.01;

/// Pose relative to the goal and its rates, thrusts, load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quadrotor {
    /// To the right and up in metres, and the angle from level in radians, counterclockwise.
    pub pose: [f64; 3],
    /// Their rates, a second.
    pub rates: [f64; 3],
    /// Thrusts of the left and the right rotor over that which carries the quadrotor without a load.
    pub thrusts: [f64; 2],
    /// Total mass over that without a load.
    pub load: f64,
}

impl Quadrotor {
    /// The state and the load that a seed starts with.
    pub fn seeded(seed: u32) -> Self {
        let mut random = RandomState::new(seed);
        let [x, z, pitch, x_rate, z_rate, pitch_rate] =
            START.map(|most| random.uniform(-most, most));
        let [light, heavy] = LOAD;
        Self {
            pose: [x, z, pitch],
            rates: [x_rate, z_rate, pitch_rate],
            thrusts: [1.0, 1.0],
            load: random.uniform(light, heavy),
        }
    }

    /// The pose, scaled as the policy was trained with.
    pub fn observe(&self) -> [f64; 3] {
        std::array::from_fn(|i| self.pose[i] / UNITS[i])
    }

    /// One step by semi-implicit Euler under commands in -1..1: thrusts over that of hovering, less 1.
    pub fn step(&mut self, commands: [f64; 2]) {
        for (thrust, command) in self.thrusts.iter_mut().zip(commands) {
            *thrust += TIME_STEP / LAG * (1.0 + command.clamp(-1.0, 1.0) - *thrust);
        }
        let [left, right] = self.thrusts;
        let (sin, cos) = self.pose[2].sin_cos();
        let lift = HOVER * (left + right) / (MASS * self.load);
        let turn = HOVER * ARM / INERTIA * (right - left);
        for (i, pull) in [-lift * sin, lift * cos - GRAVITY, turn].into_iter().enumerate() {
            self.rates[i] += TIME_STEP * pull;
            self.pose[i] += TIME_STEP * self.rates[i];
        }
    }

    /// The states after each of `steps` steps under a controller that is shown noisy measurements; fewer if it fails.
    pub fn fly(
        mut self,
        noise: u32,
        steps: usize,
        mut control: impl FnMut(&[f64]) -> Vec<f64>,
    ) -> Vec<Self> {
        let mut random = RandomState::new(noise);
        let mut flight = Vec::with_capacity(steps);
        while flight.len() < steps && !self.has_failed() {
            let seen = self.observe().map(|x| x + random.uniform(-NOISE, NOISE));
            let commands = control(&seen);
            self.step([commands[0], commands[1]]);
            flight.push(self);
        }
        flight
    }

    /// Metres to the right of the goal and above it.
    pub fn position(&self) -> [f64; 2] {
        let [x, z, _] = self.pose;
        [x, z]
    }

    /// Metres from the goal.
    pub fn distance(&self) -> f64 {
        let [x, z] = self.position();
        x.hypot(z)
    }

    /// Metres from another.
    pub fn apart(&self, other: &Self) -> f64 {
        let ([x, z], [other_x, other_z]) = (self.position(), other.position());
        (x - other_x).hypot(z - other_z)
    }

    /// Whether it has tumbled or is far from where it should be.
    pub fn has_failed(&self) -> bool {
        self.distance() > 6.0 || self.pose[2].abs() > std::f64::consts::FRAC_PI_2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_hovers_on_level_thrust_and_falls_without() {
        let still = Quadrotor { pose: [0.0; 3], rates: [0.0; 3], thrusts: [1.0; 2], load: 1.0 };
        let (mut held, mut dropped, mut loaded) = (still, still, Quadrotor { load: 1.2, ..still });
        for _ in 0..100 {
            held.step([0.0; 2]);
            dropped.step([-1.0; 2]);
            loaded.step([0.2; 2]);
        }
        assert_eq!(held, still);
        // g t^2 / 2 less what the rotors still push while they run down, g (t lag - lag^2); Euler is up to a step and a
        // half ahead.
        let (fallen, ahead) = (GRAVITY * (0.5 - LAG + LAG * LAG), 1.5 * TIME_STEP * GRAVITY);
        assert!((dropped.pose[1] + fallen).abs() < ahead, "{dropped:?} {fallen}");
        assert!(loaded.rates[1].abs() < 0.1 && loaded.pose[1] < -0.01, "{loaded:?}");
    }

    #[test]
    fn more_thrust_at_the_right_turns_it_to_the_left() {
        let mut turned = Quadrotor { load: 1.0, ..Quadrotor::seeded(0) };
        (turned.pose, turned.rates) = ([0.0; 3], [0.0; 3]);
        for _ in 0..10 {
            turned.step([-0.1, 0.1]);
        }
        assert!(turned.pose[2] > 0.03 && turned.pose[0] < 0.0, "{turned:?}");
    }
}
