//! An MPU-6050 (or 6500, 9250) on I2C, and the filter that makes angles of what it measures.
//!
//! This is the one place of the control loop with floats, by micromath: a sensor's filter, not the
//! inference path.
//!
//! Stands on `device`.

use embedded_hal::i2c::I2c;
use micromath::F32;

use super::device::{Sample, Sensor};
use crate::number::Number;

/// Address with the AD0 pin low.
pub const ADDRESS: u8 = 0x68;

const WHO_AM_I: u8 = 0x75;
const POWER: u8 = 0x6b;
const LOW_PASS: u8 = 0x1a;
const GYRO_RANGE: u8 = 0x1b;
const SIGNALS: u8 = 0x38;
/// What has been signalled, and behind it the readings.
const SIGNALLED: u8 = 0x3a;
const FIRST_READING: u8 = 0x3b;
/// In the two registers before: there is a reading that nobody has read.
const NEW_READING: u8 = 1;

/// One g in the range of 2 g.
const G: f32 = 16384.0;
/// One rad/s in the range of 500 degrees a second: 65.5 counts a degree a second.
const RADIAN_PER_SECOND: f32 = 65.5 * 180.0 / core::f32::consts::PI;

/// Why there is no reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImuError<E> {
    /// The bus failed.
    Bus(E),
    /// Another device answered, with this identity.
    Identity(u8),
    /// All readings are zero: the device lost its supply and sleeps, or the bus is stuck.
    Asleep,
    /// An angle is no number; the filter begins anew.
    NotANumber,
}

/// A reading in the device's own numbers: acceleration along x, y, z (16384 a g), temperature, turning rate about x, y, z
/// (65.5 a degree a second).
pub type Counts = [i16; 7];

/// Acceleration in g and turning rate in rad/s along the device's axes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// Along x, y, z.
    pub acceleration: [f32; 3],
    /// About x, y, z.
    pub rate: [f32; 3],
}

/// The device.
#[derive(Clone, Debug)]
pub struct Mpu6050<I> {
    bus: I,
    address: u8,
}

impl<I: I2c> Mpu6050<I> {
    /// Wakes the device: 2 g, 500 degrees a second, 44 Hz low pass.
    ///
    /// # Errors
    /// It does not answer, or something else does.
    pub fn new(bus: I, address: u8) -> Result<Self, ImuError<I::Error>> {
        let mut device = Self { bus, address };
        let mut identity = [0];
        device.bus.write_read(address, &[WHO_AM_I], &mut identity).map_err(ImuError::Bus)?;
        let [identity] = identity;
        // 6050, 6500 and 9250.
        if !matches!(identity, 0x68 | 0x70 | 0x71) {
            return Err(ImuError::Identity(identity));
        }
        for setting in [[POWER, 1], [LOW_PASS, 3], [GYRO_RANGE, 0x08]] {
            device.bus.write(address, &setting).map_err(ImuError::Bus)?;
        }
        Ok(device)
    }

    /// A device that [`new`](Self::new) has woken, as where others use the bus between its readings.
    pub fn woken(bus: I, address: u8) -> Self {
        Self { bus, address }
    }

    /// Has the device say which of its readings are new, as [`new_counts`](Self::new_counts) asks.
    ///
    /// # Errors
    /// It does not answer.
    pub fn mark_new(&mut self) -> Result<(), ImuError<I::Error>> {
        self.bus.write(self.address, &[SIGNALS, NEW_READING]).map_err(ImuError::Bus)
    }

    /// The newest reading, in integers; `None` where it is the one that was read before: the device is on the bus
    /// but measures no more.
    ///
    /// # Errors
    /// The bus failed, or the device sleeps.
    pub fn new_counts(&mut self) -> Result<Option<Counts>, ImuError<I::Error>> {
        let mut bytes = [0; 15];
        self.bus.write_read(self.address, &[SIGNALLED], &mut bytes).map_err(ImuError::Bus)?;
        let [signalled, reading @ ..] = bytes;
        if reading == [0; 14] {
            return Err(ImuError::Asleep);
        }
        Ok((signalled & NEW_READING != 0).then(|| words(&reading)))
    }

    /// What the device measures now.
    ///
    /// # Errors
    /// The bus failed, or the device sleeps.
    pub fn read(&mut self) -> Result<Reading, ImuError<I::Error>> {
        let mut bytes = [0; 14];
        self.bus.write_read(self.address, &[FIRST_READING], &mut bytes).map_err(ImuError::Bus)?;
        if bytes == [0; 14] {
            return Err(ImuError::Asleep);
        }
        let [x, y, z, _, p, q, r] = words(&bytes);
        let acceleration = [x, y, z].map(|count| count as f32 / G);
        Ok(Reading { acceleration, rate: [p, q, r].map(|count| count as f32 / RADIAN_PER_SECOND) })
    }

    /// The bus back.
    pub fn release(self) -> I {
        self.bus
    }
}

/// Seven numbers, high byte first.
fn words(bytes: &[u8; 14]) -> Counts {
    let mut words = [0; 7];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<2>().0) {
        *word = i16::from_be_bytes(*bytes);
    }
    words
}

/// A complementary filter: the gyroscope's angle for short, the direction of gravity for long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Complementary {
    /// How much of the gyroscope's angle stays after a step, 0 to 1: `tau / (tau + dt)`.
    keep: f32,
    /// Seconds a step.
    dt: f32,
    /// Roll and pitch, in radians, once there was a first reading.
    angles: Option<[f32; 2]>,
}

impl Complementary {
    /// A filter with a time constant of `tau` seconds, for a reading every `dt` seconds.
    pub fn new(tau: f32, dt: f32) -> Self {
        Self { keep: tau / (tau + dt), dt, angles: None }
    }

    /// Takes a reading in; roll and pitch in radians.
    pub fn update(&mut self, reading: &Reading) -> [f32; 2] {
        let [x, y, z] = reading.acceleration;
        let [p, q, _] = reading.rate;
        let level = F32(y * y + z * z).sqrt();
        let gravity = [F32(y).atan2(F32(z)).0, F32(-x).atan2(level).0];
        let Some([roll, pitch]) = self.angles else {
            self.angles = Some(gravity);
            return gravity;
        };
        let turned = [roll + p * self.dt, pitch + q * self.dt];
        let blend = |turned: f32, gravity: f32| turned * self.keep + gravity * (1.0 - self.keep);
        let angles = [blend(turned[0], gravity[0]), blend(turned[1], gravity[1])];
        self.angles = Some(angles);
        angles
    }
}

/// Roll, pitch (in radians) and their rates (in rad/s) as a controller's input.
#[derive(Clone, Debug)]
pub struct Attitude<I> {
    device: Mpu6050<I>,
    filter: Complementary,
}

impl<I: I2c> Attitude<I> {
    /// The device with a filter.
    pub fn new(device: Mpu6050<I>, filter: Complementary) -> Self {
        Self { device, filter }
    }

    /// The bus back.
    pub fn release(self) -> I {
        self.device.release()
    }
}

impl<I: I2c, X: Number> Sensor<[X; 4]> for Attitude<I> {
    type Error = ImuError<I::Error>;

    fn sample(&mut self, now: u32) -> Result<Sample<[X; 4]>, Self::Error> {
        let reading = self.device.read()?;
        let [roll, pitch] = self.filter.update(&reading);
        let [p, q, _] = reading.rate;
        if roll.is_nan() || pitch.is_nan() {
            self.filter.angles = None;
            return Err(ImuError::NotANumber);
        }
        // A cast from float saturates.
        let scale = (1_u64 << X::FRAC) as f32;
        let value = [roll, pitch, p, q].map(|x| X::from_raw((x * scale) as i32));
        Ok(Sample::new(value, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
    use fixed::types::I4F12;

    extern crate std;
    use std::vec;
    use std::vec::Vec;

    fn waking(identity: u8) -> Vec<Transaction> {
        vec![Transaction::write_read(ADDRESS, vec![WHO_AM_I], vec![identity])]
    }

    fn awake() -> Vec<Transaction> {
        let mut io = waking(0x68);
        io.extend(
            [[POWER, 1], [LOW_PASS, 3], [GYRO_RANGE, 8]]
                .map(|setting| Transaction::write(ADDRESS, setting.to_vec())),
        );
        io
    }

    fn reading(counts: [i16; 7]) -> Transaction {
        let bytes = counts.iter().flat_map(|count| count.to_be_bytes()).collect();
        Transaction::write_read(ADDRESS, vec![FIRST_READING], bytes)
    }

    #[test]
    fn an_angle_is_found_from_gravity_and_followed_by_the_gyroscope() {
        let mut io = awake();
        // Level, then half a radian a second about y for one step of 0.1 s, gravity unchanged.
        io.push(reading([0, 0, 16384, 0, 0, 0, 0]));
        io.push(reading([0, 0, 16384, 0, 0, 1876, 0]));
        let device = Mpu6050::new(Mock::new(&io), ADDRESS).unwrap();
        let mut attitude = Attitude::new(device, Complementary::new(0.9, 0.1));
        let mut sample = || -> [I4F12; 4] { attitude.sample(0).unwrap().value };
        assert!(sample()[1].abs() < I4F12::from_num(0.01));
        let [roll, pitch, p, q] = sample();
        assert!(roll.abs() < I4F12::from_num(0.01) && p == 0);
        assert!((pitch - I4F12::from_num(0.045)).abs() < I4F12::from_num(0.005), "{pitch}");
        assert!((q - I4F12::from_num(0.5)).abs() < I4F12::from_num(0.001), "{q}");
        attitude.release().done();
    }

    #[test]
    fn an_angle_that_is_no_number_is_an_error() {
        let mut io = awake();
        io.extend([reading([0, 0, 16384, 0, 0, 0, 0]), reading([0, 0, 16384, 0, 0, 1, 0])]);
        let device = Mpu6050::new(Mock::new(&io), ADDRESS).unwrap();
        // No time constant and no time: 0 / 0.
        let mut attitude = Attitude::new(device, Complementary::new(0.0, 0.0));
        let mut sample = || attitude.sample(0).map(|s: Sample<[I4F12; 4]>| s.value[0]);
        assert_eq!(sample().map(|roll| roll.abs() < 0.01), Ok(true)); // gravity alone
        assert_eq!(sample(), Err(ImuError::NotANumber));
        attitude.release().done();
    }

    #[test]
    fn another_device_and_a_sleeping_one_are_refused() {
        let mut bus = Mock::new(&waking(0x12));
        assert_eq!(Mpu6050::new(bus.clone(), ADDRESS).err(), Some(ImuError::Identity(0x12)));
        bus.done();
        let mut io = awake();
        io.push(reading([0; 7]));
        let mut device = Mpu6050::new(Mock::new(&io), ADDRESS).unwrap();
        assert_eq!(device.read(), Err(ImuError::Asleep));
        device.release().done();
    }

    #[test]
    fn a_reading_that_was_read_before_is_told_from_a_new_one() {
        let counts = |signalled, counts: Counts| {
            let numbers = counts.iter().flat_map(|count| count.to_be_bytes());
            Transaction::write_read(
                ADDRESS,
                vec![SIGNALLED],
                [signalled].into_iter().chain(numbers).collect(),
            )
        };
        let reading = [0, 0, 16384, 0, 0, 0, -655];
        let io = [
            Transaction::write(ADDRESS, vec![SIGNALS, NEW_READING]),
            counts(NEW_READING, reading),
            counts(0, reading),
            counts(NEW_READING, [0; 7]),
        ];
        let mut device = Mpu6050::woken(Mock::new(&io), ADDRESS);
        device.mark_new().unwrap();
        assert_eq!(device.new_counts(), Ok(Some(reading)));
        assert_eq!(device.new_counts(), Ok(None));
        assert_eq!(device.new_counts(), Err(ImuError::Asleep));
        device.release().done();
    }

    #[test]
    fn a_tilt_is_its_angle() {
        let half = core::f32::consts::FRAC_PI_6;
        let mut filter = Complementary::new(0.5, 0.01);
        let tilted = Reading { acceleration: [-0.5, 0.0, 0.866_025_4], rate: [0.0; 3] };
        assert!((filter.update(&tilted)[1] - half).abs() < 0.01);
        let rolled = Reading { acceleration: [0.0, 0.5, 0.866_025_4], rate: [0.0; 3] };
        let mut filter = Complementary::new(0.5, 0.01);
        assert!((filter.update(&rolled)[0] - half).abs() < 0.01);
    }
}
