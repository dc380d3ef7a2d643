//! Actuators on PWM channels: servo, motor with a direction, plain duty.
//!
//! An output is taken as a fraction of full scale (see [`Number::to_unit`]): -1 to 1 for a servo or
//! a motor, 0 to 1 for a plain duty.
//!
//! Stands on `device`.

use embedded_hal::digital::OutputPin;
use embedded_hal::pwm::SetDutyCycle;

use super::device::Actuator;
use crate::number::Number;

/// Pulse widths of a servo in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// Time from one pulse to the next, 20000 for the usual 50 Hz.
    pub period: u16,
    /// Width at -1.
    pub min: u16,
    /// Width at 1; below `min` for a servo that is mounted the other way round.
    pub max: u16,
}

impl Pulse {
    /// 1 to 2 ms at 50 Hz: what every hobby servo understands.
    pub const HOBBY: Self = Self { period: 20_000, min: 1_000, max: 2_000 };

    /// Width for a fraction of full scale.
    pub fn width(&self, unit: i32) -> u16 {
        let (min, max) = (self.min as i64, self.max as i64);
        let unit = unit.clamp(-32767, 32767) as i64;
        // |(max - min) (unit + 32767)| <= 65535 * 65534
        let width = min + ((max - min) * (unit + 32767) + 32767).div_euclid(65534);
        width.clamp(0, 65535) as u16
    }

    /// The part of `scale` that a fraction of full scale takes of the period.
    pub fn part_of(&self, scale: u16, unit: i32) -> u16 {
        // 65535 * 65535 < 2^32
        let part = scale as u32 * self.width(unit) as u32 / self.period.max(1) as u32;
        part.min(scale as u32) as u16
    }
}

/// A servo on a PWM channel that runs with the pulse's period.
#[derive(Clone, Debug)]
pub struct Servo<P> {
    channel: P,
    pulse: Pulse,
}

impl<P: SetDutyCycle> Servo<P> {
    /// A servo with these pulses.
    pub fn new(channel: P, pulse: Pulse) -> Self {
        Self { channel, pulse }
    }

    /// The channel back.
    pub fn release(self) -> P {
        self.channel
    }
}

impl<P: SetDutyCycle, Y: Number> Actuator<[Y; 1]> for Servo<P> {
    type Error = P::Error;

    fn drive(&mut self, [y]: &[Y; 1]) -> Result<(), P::Error> {
        let duty = self.pulse.part_of(self.channel.max_duty_cycle(), y.to_unit());
        self.channel.set_duty_cycle(duty)
    }
}

/// A motor behind a bridge with a PWM input and two direction inputs (L298N, TB6612 and the like).
///
/// Both direction pins are low at 0: the motor coasts.
#[derive(Clone, Debug)]
pub struct Motor<P, F, B> {
    channel: P,
    forward: F,
    backward: B,
    dead_band: i32,
}

/// Why a motor was not driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MotorError<P, D> {
    /// The PWM channel refused the duty.
    Pwm(P),
    /// A direction pin could not be set.
    Pin(D),
}

impl<P, F, B> Motor<P, F, B>
where
    P: SetDutyCycle,
    F: OutputPin,
    B: OutputPin<Error = F::Error>,
{
    /// A motor that rests for outputs below `dead_band`, a fraction of full scale with 15 bits.
    pub fn new(channel: P, forward: F, backward: B, dead_band: u16) -> Self {
        Self { channel, forward, backward, dead_band: dead_band as i32 }
    }

    /// The pins back.
    pub fn release(self) -> (P, F, B) {
        (self.channel, self.forward, self.backward)
    }
}

impl<P, F, B, Y> Actuator<[Y; 1]> for Motor<P, F, B>
where
    P: SetDutyCycle,
    F: OutputPin,
    B: OutputPin<Error = F::Error>,
    Y: Number,
{
    type Error = MotorError<P::Error, F::Error>;

    fn drive(&mut self, [y]: &[Y; 1]) -> Result<(), Self::Error> {
        let unit = y.to_unit(); // -32767..=32767
        let moving = unit.abs() > self.dead_band;
        // Low before high, so that the bridge never sees both.
        let (forward, backward) = (moving && unit > 0, moving && unit < 0);
        if !forward {
            self.forward.set_low().map_err(MotorError::Pin)?;
        }
        if !backward {
            self.backward.set_low().map_err(MotorError::Pin)?;
        }
        let size = if moving { unit.unsigned_abs() } else { 0 };
        let duty = part(self.channel.max_duty_cycle(), size);
        self.channel.set_duty_cycle(duty).map_err(MotorError::Pwm)?;
        if forward {
            self.forward.set_high().map_err(MotorError::Pin)?;
        }
        if backward {
            self.backward.set_high().map_err(MotorError::Pin)?;
        }
        Ok(())
    }
}

/// A PWM channel whose duty is the output itself: a heater, a lamp, a valve, a fan.
#[derive(Clone, Debug)]
pub struct Duty<P>(pub P);

impl<P: SetDutyCycle, Y: Number> Actuator<[Y; 1]> for Duty<P> {
    type Error = P::Error;

    /// Below 0 the channel is off.
    fn drive(&mut self, [y]: &[Y; 1]) -> Result<(), P::Error> {
        let duty = part(self.0.max_duty_cycle(), y.to_unit().max(0).unsigned_abs());
        self.0.set_duty_cycle(duty)
    }
}

/// `size / 32767` of a scale, rounded to nearest.
fn part(scale: u16, size: u32) -> u16 {
    // 65535 * 32767 + 16383 < 2^31
    let part = (scale as u32 * size.min(32767) + 16383) / 32767;
    part.min(scale as u32) as u16
}

#[cfg(test)]
#[path = "actuators_tests.rs"]
mod tests;
