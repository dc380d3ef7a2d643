//! What the model sees. TODO: your sensors.

use core::convert::Infallible;

use nervecord::control::{Sample, Sensor};

use crate::model::{self, Input, Reading};

/// Your sensors, on the bus whose pins are in `board`.
pub struct Sensors<B> {
    #[allow(dead_code)] // TODO: until a sensor is read
    bus: B,
}

impl<B> Sensors<B> {
    pub fn new(bus: B) -> Self {
        Self { bus }
    }
}

impl<B> Sensor<Input> for Sensors<B> {
    /// TODO: that of your driver. A sample that fails makes the loop drive the safe output.
    type Error = Infallible;

    fn sample(&mut self, now: u32) -> Result<Sample<Input>, Infallible> {
        let mut reading = Reading::new();
        // TODO: what your sensors say, in the units that the model was trained with; here the middle of each
        // calibrated range. `reading.count` takes a sensor's integers, with `model::counts` as a constant.
{{readings}}
        Ok(Sample::of(&reading, now))
    }
}
