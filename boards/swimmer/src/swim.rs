//! The loop of the swimmer.

use core::cell::Cell;

use embedded_hal::i2c::I2c;
use nervecord::control::actuators::Pulse;
use nervecord::control::pca9685::{ADDRESS, Pca9685};
use nervecord::control::{
    Clock, ControlLoop, InputLimits, Limits, OutputLimits, Parts, Settings, State, Supervisor,
    Tolerance, Watchdog,
};
use nervecord::{Formats, RawStep};

use crate::body::{Felt, JOINTS, Joints, Muscles};
use crate::hardware::Hardware;
use crate::model::Model;

/// Periods a second; the circuit was trained for 0.03 s each.
const RATE: u32 = 33;

/// Servo pulses for -60 to 60 degrees.
const PULSE: Pulse = Pulse { period: 20_000, min: 900, max: 2_100 };

/// Angles in, as parts of the joints' limit, and torques out, as parts of the largest.
const LIMITS: Limits<JOINTS, JOINTS> = Limits::new(
    &FORMATS,
    &[InputLimits::ANY; JOINTS],
    &[OutputLimits::symmetric(1.0); JOINTS],
    Tolerance::DEFAULT,
);

const FORMATS: Formats<JOINTS, JOINTS> = <Model as RawStep<JOINTS, JOINTS>>::FORMATS;

/// Swims for ever.
pub fn run<I, K, W, J>(hardware: Hardware<I, K, W, J>) -> !
where
    I: I2c,
    K: Clock,
    W: Watchdog,
    J: Joints,
{
    let angles = Cell::new(Default::default());
    let devices = Parts {
        sensor: Felt { angles: &angles, joints: hardware.joints },
        actuator: Muscles {
            angles: &angles,
            servos: Pca9685::new(hardware.bus, ADDRESS, 0, PULSE),
        },
        clock: hardware.clock,
        watchdog: hardware.watchdog,
    };
    let period = hardware.ticks_per_second / RATE;
    let settings = Settings { deadline: period / 2, max_age: 0, ..Settings::new(LIMITS, period) };
    let mut control = ControlLoop::new(Supervisor::new(Model::new(), settings), devices);
    let mut state = None;
    loop {
        let Some(step) = control.poll() else {
            core::hint::spin_loop();
            continue;
        };
        if state != Some(step.state) {
            match step.state {
                State::Running => defmt::info!("period {=u32}: swimming", step.number),
                State::Safe(fault) => defmt::warn!("period {=u32}: safe, {}", step.number, fault),
            }
            state = Some(step.state);
        }
    }
}
