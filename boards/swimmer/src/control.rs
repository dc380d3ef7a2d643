//! The swimmer's loop, with nothing that only a board can do: `cargo xtask board` runs it on the host as well.

use core::cell::RefCell;

use embedded_hal::i2c::I2c;
use nervecord::control::actuators::Pulse;
use nervecord::control::pca9685::{ADDRESS, Pca9685};
use nervecord::control::{
    Clock, ControlLoop, Limits, OutputLimits, Parts, Settings, Supervisor, Tolerance, Watchdog,
};
use nervecord::{Formats, RawStep};

use super::body::{Commanded, Felt, JOINTS, Joints, Muscles};
use super::model::Model;
use super::shared::Shared;

/// Periods a second; the circuit was trained for 0.03 s each.
pub const RATE: u32 = 33;

/// Servo pulses for -60 to 60 degrees.
pub const PULSE: Pulse = Pulse { period: 20_000, min: 900, max: 2_100 };

const FORMATS: Formats<JOINTS, JOINTS> = <Model as RawStep<JOINTS, JOINTS>>::FORMATS;

/// What is around the circuit.
pub type Body<'a, I, J, K, W> = Parts<Felt<'a, Shared<'a, I>, J>, Muscles<'a, Shared<'a, I>>, K, W>;

/// The loop around a bus, whose first period begins now.
pub fn control<'a, I, J, K, W>(
    bus: &'a RefCell<I>,
    angles: &'a Commanded,
    joints: J,
    clock: (K, u32),
    watchdog: W,
) -> ControlLoop<Model, Body<'a, I, J, K, W>, JOINTS, JOINTS>
where
    I: I2c,
    J: Joints,
    K: Clock,
    W: Watchdog,
{
    let bus = Shared(bus);
    let (clock, ticks_per_second) = clock;
    let devices = Parts {
        sensor: Felt { angles, joints, bus },
        actuator: Muscles { angles, servos: Pca9685::new(bus, ADDRESS, 0, PULSE) },
        clock,
        watchdog,
    };
    // Angles in, as parts of the joints' limit, and torques out, as parts of the largest.
    let limits = const {
        let outputs = [OutputLimits::symmetric(1.0); JOINTS];
        Limits::new(&FORMATS, &J::LIMITS, &outputs, Tolerance::DEFAULT)
    };
    let period = ticks_per_second / RATE;
    let settings = Settings { deadline: period / 2, max_age: 0, ..Settings::new(limits, period) };
    ControlLoop::new(Supervisor::new(Model::new(), settings), devices)
}
