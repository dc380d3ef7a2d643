//! The swimmer on a board: its loop, and what it says.

use core::cell::{Cell, RefCell};

use embedded_hal::i2c::I2c;
use nervecord::control::{Clock, Fault, Faults, State, Watchdog};

use super::body::Joints;
use super::control::control;
use super::hardware::Hardware;

/// Swims for ever.
pub fn run<I, K, W, J>(hardware: Hardware<I, K, W, J>) -> !
where
    I: I2c,
    K: Clock,
    W: Watchdog,
    J: Joints,
{
    let (bus, angles) = (RefCell::new(hardware.bus), Cell::new(Default::default()));
    let clock = (hardware.clock, hardware.ticks_per_second);
    let mut control = control(&bus, &angles, hardware.joints, clock, hardware.watchdog);
    let mut state = None;
    loop {
        let Some(step) = control.poll() else {
            core::hint::spin_loop();
            continue;
        };
        if state != Some(step.state) {
            match step.state {
                State::Running => {
                    defmt::info!("period {=u32}: swimming", step.number);
                    say(control.supervisor.faults());
                }
                State::Safe(fault) => defmt::warn!("period {=u32}: safe, {}", step.number, fault),
            }
            state = Some(step.state);
        }
    }
}

/// Says how often each kind of fault was seen since the reset.
fn say(faults: &Faults) {
    for fault in Fault::ALL {
        let times = faults.of(fault);
        if times > 0 {
            defmt::info!("so far {=u32} times {}", times, fault);
        }
    }
}
