//! The control loop: a sensor is sampled, a [`Controller`](crate::Controller) stepped and an
//! actuator driven at a fixed period, with a guard between them.
//!
//! ```text
//! Clock --due--> Sensor --sample--> Guard --> Controller --> Guard --> Actuator
//!                                   range       saturated    clamp     safe output
//!                                   stuck, age  steps        slew      on a fault
//! ```
//!
//! [`ControlLoop::poll`] does one period when it is due and nothing otherwise, so it may sit in a
//! main loop or a timer interrupt; an async task runs [`task::run`]. Both stand on a [`Supervisor`], which
//! decides and touches no device. What may happen in a period is one of [`Fault`]'s kinds:
//! each is counted, and any of them sends the actuator to the safe output, in the same period, until the
//! input has been sound for a stated number of periods (see [`Recovery`]). An input that is no number or
//! old is a fault at once, one outside its calibrated range in the fourth period on end, unless a
//! [`Tolerance`] says otherwise.
//!
//! Everything here is generic over the embedded-hal 1.0 traits, works on the integers behind the
//! fixed-point numbers, allocates nothing and has no panic path. Floats appear in one place, the
//! attitude filter of [`imu`], which is on the sensor's side.
//!
//! | module | what it has |
//! |---|---|
//! | [`device`] | what a clock, a sensor, an actuator and a watchdog are |
//! | [`fault`] | what can go wrong in a period |
//! | [`guard`] | what inputs and outputs are checked against, and how long what is wrong with an input is borne; [`limits`](crate::limits) states it in the model's units |
//! | [`supervisor`] | what decides in a period, as a value without devices |
//! | [`period`], [`task`] | the loop around it, polled or awaited |
//! | [`actuators`], [`pca9685`] | PWM servo, motor and plain duty; the I2C driver of up to 16 servos |
//! | [`joint`], [`imu`] | analog and quadrature joint angles; an MPU-6050 with its filter |
//! | [`frame`] | frames on a serial link, found again after garbage |
//! | [`telemetry`] | the last steps, as frames |
//! | [`remote`] | a whole loop whose sensor and actuator are at the other end of a link |
//!
//! This file lists the rooms and uses none; they stand on each other in about the order of the table, and on
//! the crate's controllers.

#[macro_use]
mod log;

pub mod actuators;
pub mod device;
pub mod fault;
pub mod frame;
pub mod guard;
pub mod imu;
pub mod joint;
pub mod pca9685;
pub mod period;
pub mod remote;
pub mod supervisor;
pub mod task;
pub mod telemetry;

#[cfg(test)]
mod device_tests;

pub use crate::controller::Ports;
pub use crate::limits::{InputLimits, Limits, OutputLimits, Tolerance};
pub use crate::number::Number;
pub use device::{Actuator, Clock, Devices, Each, Parts, Sample, Sensor, Watchdog};
pub use fault::{Fault, Faults};
pub use guard::Guard;
pub use period::ControlLoop;
pub use supervisor::{Recovery, Settings, State, Step, Supervisor};
