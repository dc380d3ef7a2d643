//! The swimmer's body: the angle of each joint and the servo that holds it.

use core::cell::Cell;
use core::convert::Infallible;

use embedded_hal::i2c::I2c;
use nervecord::control::joint::{AnalogIn, AnalogJoints};
use nervecord::control::pca9685::Pca9685;
use nervecord::control::{Actuator, Sample, Sensor};
use nervecord::fixed::types::I1F15;

/// Joints, head to tail.
pub const JOINTS: usize = 5;

/// Angles over their limit.
pub type Angles = [I1F15; JOINTS];

/// The angles that the servos were told last.
pub type Commanded = Cell<Angles>;

/// What feels the joints' angles.
pub trait Joints {
    /// Why they are not felt.
    type Error;

    /// The angles now; `commanded` is where the servos were told to be.
    ///
    /// # Errors
    /// The sensors do not answer.
    fn feel(&mut self, commanded: Angles) -> Result<Angles, Self::Error>;
}

/// No sensors: a hobby servo has no feedback, so its commanded angle stands for the measured one.
pub struct Unfelt;

impl Joints for Unfelt {
    type Error = Infallible;

    fn feel(&mut self, commanded: Angles) -> Result<Angles, Infallible> {
        Ok(commanded)
    }
}

/// A potentiometer on each joint.
impl<A: AnalogIn<JOINTS>> Joints for AnalogJoints<A, JOINTS> {
    type Error = A::Error;

    fn feel(&mut self, _: Angles) -> Result<Angles, A::Error> {
        // Converted on the spot, so the tick of the call does for all.
        Ok(self.sample(0)?.value)
    }
}

/// The joints as the loop's sensor.
pub struct Felt<'a, J> {
    /// Where the servos were told to be.
    pub angles: &'a Commanded,
    /// Where the joints are.
    pub joints: J,
}

impl<J: Joints> Sensor<Angles> for Felt<'_, J> {
    type Error = J::Error;

    fn sample(&mut self, now: u32) -> Result<Sample<Angles>, J::Error> {
        Ok(Sample::new(self.joints.feel(self.angles.get())?, now))
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
            // A full torque takes 16 periods, half a second, from the middle to the limit; -1.0 is as far as 1.0,
            // one integer beyond it is outside the model's range.
            *angle = angle.saturating_add(*torque >> 4).max(-I1F15::MAX);
        }
        self.angles.set(angles);
        self.servos.drive(&angles)
    }
}
