//! A swim of the host alone, on a bus where nothing goes wrong and nothing takes time.

use std::cell::{Cell, RefCell};

use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};

use super::firmware::body::Joints;
use super::host::{Failed, PERIOD, live};
use super::transfer::widths;
use super::water::Water;

/// The devices, as far as a clean swim needs them.
struct Ideal<'a> {
    water: &'a RefCell<Water>,
    tick: &'a Cell<u32>,
    prescale: u8,
}

impl ErrorType for Ideal<'_> {
    type Error = Failed;
}

impl I2c for Ideal<'_> {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), Failed> {
        let mut water = self.water.borrow_mut();
        water.advance(self.tick.get().into());
        match (address, operations) {
            // The sensor: who it is, and that there is a new reading, before the reading.
            (0x68, [Operation::Write([0x75]), Operation::Read([identity])]) => *identity = 0x68,
            (0x68, [Operation::Write([0x3a]), Operation::Read([new, reading @ ..])]) => {
                *new = 1;
                let measured = water.measure();
                reading.iter_mut().zip(measured).for_each(|(byte, measured)| *byte = measured);
            }
            // The servo driver: its prescaler, and its channels.
            (0x40, [Operation::Write([0xfe, prescale])]) => self.prescale = *prescale,
            (0x40, [Operation::Write([0x06, channels @ ..])]) => {
                water.drive(widths(self.prescale, channels));
            }
            (0x68 | 0x40, [Operation::Write([_, _])]) => {}
            _ => return Err(Failed(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address))),
        }
        Ok(())
    }
}

/// What such a swim of so many periods earns, and how far from the first joint's angle the loop's input was: the root mean
/// square, in degrees.
pub fn swim(joints: impl Joints, periods: u32, seed: u32) -> (f64, f64) {
    let (water, tick) = (RefCell::new(Water::new(seed)), Cell::new(0));
    let bus = RefCell::new(Ideal { water: &water, tick: &tick, prescale: 0 });
    let mut squares = 0.0;
    let goes_on = |now| {
        tick.set(now);
        now < periods * PERIOD
    };
    live(&bus, joints, goes_on, |step, _, _| {
        let water = water.borrow();
        if let (Some([felt, ..]), [angle, ..]) = (step.input, water.angles().as_slice()) {
            squares += (f64::from(felt) / 32768.0 * water.limit() - angle).to_degrees().powi(2);
        }
    });
    let water = water.borrow();
    (water.score(), (squares / f64::from(periods)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::super::firmware::body::{JOINTS, Unfelt};
    use super::super::firmware::head::Head;
    use super::*;
    use nervecord_cli::plants::Swimmer;
    use nervecord_tests::link::{Plant, SwimmerRig, direct};

    /// The commanded angle is ahead of the joint; the gyroscope tells half of that.
    #[test]
    fn servos_swim_as_well_as_muscles_and_a_gyroscope_feels_the_head() {
        let mut muscles = SwimmerRig::new(1000);
        direct(&SwimmerRig::controller().unwrap().program, &mut muscles, 1000);
        for seed in 1..6 {
            let (unfelt, blind) = swim(Unfelt, 1000, seed);
            let (felt, error) = swim(Head::new(), 1000, seed);
            assert!(unfelt > muscles.score() && felt > muscles.score(), "{unfelt} {felt}");
            assert!(error < 0.6 * blind, "{error} {blind}");
        }
    }

    /// What a servo's turn in a period was chosen by: `Muscles` in boards/swimmer/src/body.rs.
    #[test]
    fn a_full_torque_takes_ten_to_twelve_periods_to_a_joints_limit() {
        for joint in 0..JOINTS {
            let mut swimmer = Swimmer::new(JOINTS);
            let mut torques = [0.0; JOINTS];
            torques[joint] = 1.0;
            let at_limit = |swimmer: &mut Swimmer| {
                swimmer.step(&torques);
                swimmer.angles()[joint] > 0.99
            };
            let periods = (1..100).find(|_| at_limit(&mut swimmer)).unwrap();
            assert!((10..=12).contains(&periods), "{joint}: {periods}");
        }
    }
}
