//! The swimmer's body: the angle of each joint and the servo that holds it.

use core::cell::Cell;
use core::convert::Infallible;

use embedded_hal::i2c::I2c;
use nervecord::control::pca9685::Pca9685;
use nervecord::control::{Actuator, Sample, Sensor};
use nervecord::fixed::types::I1F15;

/// Joints, head to tail.
pub const JOINTS: usize = 5;

/// Angles over their limit.
pub type Angles = [I1F15; JOINTS];

/// The angles that the servos were told last.
///
/// A hobby servo has no feedback, so the commanded angle stands for the measured one. With
/// potentiometers, sample `nervecord::control::joint::AnalogJoint`s instead of [`Felt`].
pub type Commanded = Cell<Angles>;

/// The joints' own sense of their angle.
pub struct Felt<'a>(pub &'a Commanded);

impl Sensor<Angles> for Felt<'_> {
    type Error = Infallible;

    fn sample(&mut self, now: u32) -> Result<Sample<Angles>, Infallible> {
        Ok(Sample { value: self.0.get(), taken: now })
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
            // A full torque takes 16 periods, half a second, from the middle to the limit.
            *angle = angle.saturating_add(*torque >> 4);
        }
        self.angles.set(angles);
        self.servos.drive(&angles)
    }
}
