//! A control loop as an async task: `sensor` is awaited, the model stepped and `actuator` awaited at a fixed rate,
//! with a guard between them. Pins, clocks and watchdog are in `board`.
#![no_std]
#![no_main]

mod actuator;
mod board;
mod model;
mod panic;
mod sensor;

use defmt_rtt as _;
use embassy_executor::Spawner;
use embassy_time::{Instant, TICK_HZ};
use nervecord::control::{Clock, Parts, Settings, State, Supervisor, task};

use actuator::Actuators;
use model::Model;
use sensor::Sensors;

/// Steps a second. TODO: as many as the model was trained for. The watchdog waits `board::WATCHDOG_MS`.
const RATE: u32 = 50;

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let (bus, watchdog) = board::take();
    match control(bus, watchdog) {
        Ok(task) => spawner.spawn(task),
        Err(_) => defmt::error!("there is no room for the task"),
    }
    // Other tasks start here.
}

/// Steps the model for ever.
#[embassy_executor::task]
async fn control(bus: board::Bus, watchdog: board::Dog) -> ! {
    let (sensor, actuator) = (Sensors::new(bus), Actuators::new());
    let mut devices = Parts { sensor, actuator, clock: Ticker, watchdog };
    // The limits are those of `[guard]` in model/nervecord.toml; without, those of the formats.
    let settings = Settings::of::<Model>(TICK_HZ as u32 / RATE);
    let mut supervisor = Supervisor::new(Model::new(), settings);
    defmt::info!("{=u32} steps a second", RATE);

    let mut state = None;
    task::run(&mut supervisor, &mut devices, |step, _| {
        if state != Some(step.state) {
            state = Some(step.state);
            match step.state {
                State::Running => defmt::info!("step {=u32}: the model is in charge", step.number),
                State::Safe(fault) => {
                    defmt::warn!("step {=u32}: safe output, because of {}", step.number, fault);
                }
            }
        }
    })
    .await
}

/// The executor's time, which the loop counts in and waits for.
struct Ticker;

impl Clock for Ticker {
    fn now(&mut self) -> u32 {
        Instant::now().as_ticks() as u32
    }
}

impl task::Timer for Ticker {
    async fn wait(&mut self, ticks: u32) {
        embassy_time::Timer::after_ticks(ticks.into()).await;
    }
}
