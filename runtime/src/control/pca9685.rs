//! The PCA9685: 16 PWM channels of 12 bits behind I2C, for a row of servos on two wires.
//!
//! Stands on `device` and the pulses of `actuators`.

use embedded_hal::i2c::I2c;

use super::actuators::Pulse;
use super::device::Actuator;
use crate::number::Number;

/// Address with all address pins low.
pub const ADDRESS: u8 = 0x40;

const MODE1: u8 = 0x00;
const PRESCALE: u8 = 0xfe;
const FIRST_CHANNEL: u8 = 0x06;
/// Registers count up by themselves.
const AUTO_INCREMENT: u8 = 0x20;
const SLEEP: u8 = 0x10;
const OSCILLATOR_HZ: u32 = 25_000_000;
const STEPS: u16 = 4096;

/// Channels of the driver.
pub const CHANNELS: usize = 16;

/// A driver with servos on its channels from a first one on.
///
/// It is set up when it is first driven, and again after every error: it may have lost its supply.
#[derive(Clone, Debug)]
pub struct Pca9685<I> {
    bus: I,
    address: u8,
    first: u8,
    pulse: Pulse,
    awake: bool,
}

impl<I: I2c> Pca9685<I> {
    /// A driver with the pulse's period; the servos' channels begin at `first`, 0 to 15.
    pub fn new(bus: I, address: u8, first: u8, pulse: Pulse) -> Self {
        Self { bus, address, first: first.min(15), pulse, awake: false }
    }

    fn wake(&mut self) -> Result<(), I::Error> {
        // The prescaler can be written in sleep only.
        self.bus.write(self.address, &[MODE1, AUTO_INCREMENT | SLEEP])?;
        self.bus.write(self.address, &[PRESCALE, prescale(self.pulse.period)])?;
        self.bus.write(self.address, &[MODE1, AUTO_INCREMENT])
    }

    /// Lets the servos go limp: no pulses on any channel.
    ///
    /// # Errors
    /// The driver does not answer.
    pub fn limp(&mut self) -> Result<(), I::Error> {
        // ALL_LED_OFF_H, bit 4: always off.
        self.bus.write(self.address, &[0xfd, 0x10])
    }

    /// The bus back.
    pub fn release(self) -> I {
        self.bus
    }
}

/// `round(25 MHz / (4096 f)) - 1`, within the register's 3..=255.
fn prescale(period_us: u16) -> u8 {
    // 65535 * 25 + 2048 < 2^21
    let steps = (period_us as u32 * (OSCILLATOR_HZ / 1_000_000) + STEPS as u32 / 2) / STEPS as u32;
    steps.saturating_sub(1).clamp(3, 255) as u8
}

impl<I: I2c, Y: Number, const O: usize> Actuator<[Y; O]> for Pca9685<I> {
    type Error = I::Error;

    /// One transfer for all servos, so that they move together; channels past the last are left out.
    fn drive(&mut self, output: &[Y; O]) -> Result<(), I::Error> {
        let mut bytes = [0; 1 + 4 * CHANNELS];
        let free = CHANNELS - self.first as usize; // first <= 15
        let channels = O.min(free);
        if let Some(register) = bytes.first_mut() {
            *register = FIRST_CHANNEL + 4 * self.first;
        }
        let slots = bytes.get_mut(1..).unwrap_or_default().as_chunks_mut::<4>().0;
        for (slot, y) in slots.iter_mut().zip(output).take(channels) {
            // On at step 0; off at a step of 12 bits.
            let [low, high] = self.pulse.part_of(STEPS, y.to_unit()).min(STEPS - 1).to_le_bytes();
            *slot = [0, 0, low, high];
        }
        let used = bytes.get(..1 + 4 * channels).unwrap_or_default();
        if !self.awake {
            self.wake()?;
        }
        let done = self.bus.write(self.address, used);
        self.awake = done.is_ok();
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
    use fixed::types::I1F15;

    extern crate std;
    use std::vec;

    #[test]
    fn five_servos_move_in_one_transfer() {
        let wake = [
            Transaction::write(ADDRESS, vec![0x00, 0x30]),
            Transaction::write(ADDRESS, vec![0xfe, 121]), // 50 Hz
            Transaction::write(ADDRESS, vec![0x00, 0x20]),
        ];
        let mut bytes = vec![0x06 + 4 * 2];
        for steps in [204_u16, 307, 409, 307, 307] {
            bytes.extend([0, 0]);
            bytes.extend(steps.to_le_bytes());
        }
        let limp = Transaction::write(ADDRESS, vec![0xfd, 0x10]);
        let io: vec::Vec<_> =
            wake.into_iter().chain([Transaction::write(ADDRESS, bytes), limp]).collect();
        let mut driver = Pca9685::new(Mock::new(&io), ADDRESS, 2, Pulse::HOBBY);
        driver.drive(&[I1F15::MIN, I1F15::ZERO, I1F15::MAX, I1F15::ZERO, I1F15::ZERO]).unwrap();
        driver.limp().unwrap();
        driver.release().done();
    }

    #[test]
    fn a_driver_that_comes_back_is_set_up_again() {
        let wake =
            || [vec![0, 0x30], vec![0xfe, 121], vec![0, 0x20]].map(|b| Transaction::write(1, b));
        let one = || Transaction::write(1, vec![0x06, 0, 0, 0x33, 1]);
        let gone = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);
        let mut io: vec::Vec<_> = wake().into_iter().chain([one().with_error(gone)]).collect();
        io.extend(wake());
        io.extend([one(), one()]);
        let mut driver = Pca9685::new(Mock::new(&io), 1, 0, Pulse::HOBBY);
        assert_eq!(driver.drive(&[I1F15::ZERO]), Err(gone));
        assert_eq!(driver.drive(&[I1F15::ZERO]), Ok(()));
        assert_eq!(driver.drive(&[I1F15::ZERO]), Ok(()));
        driver.release().done();
    }

    #[test]
    fn channels_past_the_last_are_left_out() {
        let wake =
            [vec![0, 0x30], vec![0xfe, 121], vec![0, 0x20]].map(|b| Transaction::write(1, b));
        let one = Transaction::write(1, vec![0x06 + 60, 0, 0, 0x33, 1]);
        let io: vec::Vec<_> = wake.into_iter().chain([one]).collect();
        let mut driver = Pca9685::new(Mock::new(&io), 1, 15, Pulse::HOBBY);
        driver.drive(&[I1F15::ZERO; 3]).unwrap();
        driver.release().done();
    }
}
