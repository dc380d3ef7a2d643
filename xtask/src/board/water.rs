//! The swimmer of `cli/src/plants` with a servo in each joint and an MPU-6050 in the head, in time of its own.

use nervecord_cli::plants::swimmer::TIME_STEP;
use nervecord_cli::plants::{RandomState, Swimmer};

use super::firmware::body::JOINTS;
use super::firmware::control::PULSE;

/// Microseconds of a physics step.
const STEP_US: u64 = (TIME_STEP * 1e6) as u64;
/// A servo's torque for a radian that its joint is away from where it was told to be, for each radian a second, and at most;
/// in parts of the plant's muscles, 0.5 mN m. The smallest hobby servos are seventy times as strong.
const STIFFNESS: f64 = 20.0;
const DAMPING: f64 = 2.0;
const STRENGTH: f64 = 4.0;
/// Seconds of a control step that the plant's reward is of.
const REWARDED: f64 = 0.03;
/// Counts of an MPU-6050: of a g, and of a degree a second.
const G: f64 = 16_384.0;
const DEGREE_PER_SECOND: f64 = 65.5;
/// Its temperature at rest, and the most that noise adds, in counts: 0.05 degrees a second, root mean square.
const TEMPERATURE: f64 = -521.0;
const NOISE: f64 = 6.0;

/// A reading as the device puts it into its registers.
pub type Reading = [u8; 14];

/// The swimmer, its servos and its sensor.
pub struct Water {
    swimmer: Swimmer,
    /// Where the servos turn, in radians; limp servos turn nowhere.
    targets: Option<[f64; JOINTS]>,
    steps: u64,
    score: f64,
    noise: RandomState,
}

impl Water {
    /// A straight swimmer at rest, with limp servos.
    pub fn new(seed: u32) -> Self {
        Self {
            swimmer: Swimmer::new(JOINTS),
            targets: None,
            steps: 0,
            score: 0.0,
            noise: RandomState::new(seed),
        }
    }

    /// Lets the time pass until then.
    pub fn advance(&mut self, microseconds: u64) {
        while self.steps < microseconds / STEP_US {
            let torques = self.torques();
            self.swimmer.physics(&torques);
            self.score += self.swimmer.reward() * TIME_STEP / REWARDED;
            self.steps += 1;
        }
    }

    fn torques(&self) -> [f64; JOINTS] {
        let Some(targets) = self.targets else { return [0.0; JOINTS] };
        let (angles, rates) = (self.swimmer.position(), self.swimmer.velocity());
        let mut torques = [0.0; JOINTS];
        let joints = targets.iter().zip(angles.iter().skip(3)).zip(rates.iter().skip(3));
        for (torque, ((target, angle), rate)) in torques.iter_mut().zip(joints) {
            let torque_wanted = STIFFNESS * (target - angle) - DAMPING * rate;
            *torque = torque_wanted.clamp(-STRENGTH, STRENGTH);
        }
        torques
    }

    /// Pulses in microseconds for the servos, or none.
    pub fn drive(&mut self, pulses: Option<[f64; JOINTS]>) {
        let middle = f64::from(PULSE.min + PULSE.max) / 2.0;
        let span = f64::from(PULSE.max - PULSE.min) / 2.0;
        let limit = self.limit();
        self.targets = pulses.map(|pulses| pulses.map(|pulse| (pulse - middle) / span * limit));
    }

    /// What the sensor in the head measures: gravity, its temperature, and the head's turning, with noise.
    pub fn measure(&mut self) -> Reading {
        let rate = self.swimmer.velocity().get(2).copied().unwrap_or(0.0).to_degrees();
        let counts = [0.0, 0.0, G, TEMPERATURE, 0.0, 0.0, rate * DEGREE_PER_SECOND];
        let mut bytes = [0; 14];
        for (bytes, count) in bytes.as_chunks_mut::<2>().0.iter_mut().zip(counts) {
            let count = count + self.noise.uniform(-NOISE, NOISE);
            // A cast from float saturates, and so does the device.
            *bytes = (count.round() as i16).to_be_bytes();
        }
        bytes
    }

    /// What swimming forward has earned.
    pub fn score(&self) -> f64 {
        self.score
    }

    /// Where a joint meets its limit, in radians.
    pub fn limit(&self) -> f64 {
        self.swimmer.limit()
    }

    /// Where the joints are, in radians.
    pub fn angles(&self) -> Vec<f64> {
        self.swimmer.position().iter().skip(3).copied().collect()
    }

    /// The ends of all links.
    pub fn body(&self) -> Vec<[f64; 2]> {
        self.swimmer.body()
    }
}
