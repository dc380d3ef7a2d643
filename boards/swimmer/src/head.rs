//! The head joint, felt by an MPU-6050 that lies flat in the head.

use embedded_hal::i2c::I2c;
use nervecord::control::imu::{ADDRESS, Counts, ImuError, Mpu6050};
use nervecord::control::{InputLimits, Sample};
use nervecord::fixed::types::I1F15;

use super::body::{Angles, JOINTS, Joints};

/// Parts of an integer of I1F15 that the angle is kept in, so that no slow turn is lost.
const FINE: u32 = 12;

/// What a count of the gyroscope turns the angle in a period of 1/33 s: of the head's turning, half is its joint's and half
/// the whole body's; at 65.5 counts a degree a second and 60 degrees to the limit, `2^27 / (65.5 * 33 * 60) / 2`.
const TURN: i32 = 517;

/// A period takes the angle this part, `2^-2`, of the way to where the servo was told to be: an eighth of a second forgets a
/// gyroscope's drift.
const FORGET: u32 = 2;

/// The angle's last bits, 0.005 degrees, are the last of the gyroscope's count: its noise is in them, so that samples differ
/// at rest too, and a sensor that stands still is seen.
const MARK: i16 = 3;

/// Samples on end that may be the same: of a sound sensor, one in four is like the one before.
const STUCK: u16 = 16;

/// The head joint as a gyroscope feels it that turns with the head. The other joints are where their servos were told to be.
#[derive(Default)]
pub struct Head {
    awake: bool,
    /// The newest reading, and when it was taken.
    seen: Counts,
    taken: u32,
    /// Over the limit, with `15 + FINE` bits.
    angle: i32,
}

impl Head {
    /// A head whose sensor has yet to be woken.
    pub const fn new() -> Self {
        Self { awake: false, seen: [0; 7], taken: 0, angle: 0 }
    }

    /// The newest reading, of a device that is woken if it has to be; `None` where there is no new one.
    fn read<I: I2c>(&mut self, bus: I) -> Result<Option<Counts>, ImuError<I::Error>> {
        if self.awake {
            return Mpu6050::woken(bus, ADDRESS).new_counts();
        }
        let mut device = Mpu6050::new(bus, ADDRESS)?;
        device.mark_new()?;
        device.new_counts()
    }

    /// Takes a reading in.
    fn turn(&mut self, counts: Counts, commanded: i32) {
        let [.., rate] = counts;
        let limit = 1 << (15 + FINE);
        // |rate * TURN| < 2^25, |angle| and |commanded| <= 2^27. The sensor's z is up, and an angle that grows turns the
        // head the other way.
        let turned = self.angle - rate as i32 * TURN;
        self.angle = (turned + ((commanded - turned) >> FORGET)).clamp(-limit, limit - 1);
    }
}

impl Joints for Head {
    const LIMITS: [InputLimits; JOINTS] = {
        let [_, rest @ ..] = [InputLimits::ANY; JOINTS];
        let [a, b, c, d] = rest;
        [InputLimits { stuck: STUCK, ..InputLimits::ANY }, a, b, c, d]
    };

    fn feel<I: I2c>(&mut self, bus: I, commanded: Angles, now: u32) -> Option<Sample<Angles>> {
        let [first, rest @ ..] = commanded;
        let told = (first.to_bits() as i32) << FINE;
        let read = self.read(bus);
        if !self.awake {
            // What was felt before is of another time.
            self.angle = told;
        }
        self.awake = read.is_ok();
        if let Some(counts) = read.ok()? {
            self.taken = now;
            // The same reading twice would turn the head twice; the angle stands still, which the guard calls stuck.
            if counts != self.seen {
                self.turn(counts, told);
            }
            self.seen = counts;
        }
        let [.., rate] = self.seen;
        let felt = I1F15::from_bits((self.angle >> FINE) as i16 & !MARK | rate & MARK);
        let [a, b, c, d] = rest;
        Some(Sample::new([felt, a, b, c, d], self.taken))
    }
}
