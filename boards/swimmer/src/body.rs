//! The swimmer's body: the angle of each joint and the servo that holds it.

use core::cell::Cell;

use embedded_hal::i2c::I2c;
use nervecord::control::joint::{AnalogIn, AnalogJoints};
use nervecord::control::pca9685::Pca9685;
use nervecord::control::{Actuator, InputLimits, Sample, Sensor};
use nervecord::fixed::types::I1F15;

/// Joints, head to tail.
pub const JOINTS: usize = 5;

/// Angles over their limit.
pub type Angles = [I1F15; JOINTS];

/// The angles that the servos were told last.
pub type Commanded = Cell<Angles>;

/// What feels the joints' angles.
pub trait Joints {
    /// What is held against the angles, beyond the model's own limits.
    const LIMITS: [InputLimits; JOINTS] = [InputLimits::ANY; JOINTS];

    /// The angles as of `now`, or older ones with their tick; `commanded` is where the servos were told to be, `bus` the
    /// one that the servos are on. `None` where the sensors do not answer.
    fn feel<I: I2c>(&mut self, bus: I, commanded: Angles, now: u32) -> Option<Sample<Angles>>;
}

/// No sensors: a hobby servo has no feedback, so its commanded angle stands for the measured one.
pub struct Unfelt;

impl Joints for Unfelt {
    fn feel<I: I2c>(&mut self, _: I, commanded: Angles, now: u32) -> Option<Sample<Angles>> {
        Some(Sample::new(commanded, now))
    }
}

/// A potentiometer on each joint.
impl<A: AnalogIn<JOINTS>> Joints for AnalogJoints<A, JOINTS> {
    fn feel<I: I2c>(&mut self, _: I, _: Angles, now: u32) -> Option<Sample<Angles>> {
        self.sample(now).ok()
    }
}

/// The joints as the loop's sensor.
pub struct Felt<'a, B, J> {
    /// Where the servos were told to be.
    pub angles: &'a Commanded,
    /// Where the joints are.
    pub joints: J,
    /// The bus of sensors and servos.
    pub bus: B,
}

/// There is no sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotFelt;

impl<B: I2c, J: Joints> Sensor<Angles> for Felt<'_, B, J> {
    type Error = NotFelt;

    fn sample(&mut self, now: u32) -> Result<Sample<Angles>, NotFelt> {
        self.joints.feel(&mut self.bus, self.angles.get(), now).ok_or(NotFelt)
    }
}

/// Muscles: a torque turns its joint, the servo goes where the joint is.
pub struct Muscles<'a, I> {
    /// Where the joints are.
    pub angles: &'a Commanded,
    /// The servos.
    pub servos: Pca9685<I>,
}

impl<I: I2c> Actuator<Angles> for Muscles<'_, I> {
    type Error = I::Error;

    fn drive(&mut self, torques: &Angles) -> Result<(), I::Error> {
        let mut angles = self.angles.get();
        for (angle, torque) in angles.iter_mut().zip(torques) {
            // A full torque takes 8 periods, a quarter of a second, from the middle to the limit: the muscles of the
            // body that the circuit was trained with take 10 to 12, and at 16 its wave does not build up. -1.0 is as
            // far as 1.0, one integer beyond it is outside the model's range.
            *angle = angle.saturating_add(*torque >> 3).max(-I1F15::MAX);
        }
        self.angles.set(angles);
        self.servos.drive(&angles)
    }
}
