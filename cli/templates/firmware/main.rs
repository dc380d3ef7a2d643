//! A control loop: `sensor` is sampled, the model stepped and `actuator` driven at a fixed rate, with a guard
//! between them. Pins, clocks and watchdog are in `board`.
#![no_std]
#![no_main]

mod actuator;
mod board;
mod model;
mod panic;
mod sensor;

use defmt_rtt as _;
use nervecord::control::{ControlLoop, Parts, Settings, State, Supervisor};

use actuator::Actuators;
use model::Model;
use sensor::Sensors;

/// Steps a second. TODO: as many as the model was trained for. The watchdog waits `board::WATCHDOG_MS`.
const RATE: u32 = 50;
{{before_main}}
#[{{entry}}]
fn main() -> ! {
    let Some((bus, clock, watchdog)) = board::take() else {
        defmt::error!("the board does not start");
        panic::halt()
    };
    let (sensor, actuator) = (Sensors::new(bus), Actuators::new());
    let devices = Parts { sensor, actuator, clock, watchdog };
    // The limits are those of `[guard]` in model/nervecord.toml; without, those of the formats.
    let settings = Settings::of::<Model>(board::TICKS_PER_SECOND / RATE);
    let mut control = ControlLoop::new(Supervisor::new(Model::new(), settings), devices);
    defmt::info!("{=u32} steps a second", RATE);

    let mut state = None;
    loop {
        let Some(step) = control.poll() else { continue };
        if state != Some(step.state) {
            state = Some(step.state);
            match step.state {
                State::Running => defmt::info!("step {=u32}: the model is in charge", step.number),
                State::Safe(fault) => {
                    defmt::warn!("step {=u32}: safe output, because of {}", step.number, fault);
                }
            }
        }
    }
}
