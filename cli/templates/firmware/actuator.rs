//! What the model drives. TODO: your actuators.

use core::convert::Infallible;

use nervecord::control::Actuator;

use crate::model::{self, Output};

/// Your actuators.
pub struct Actuators {
    periods: u32,
}

impl Actuators {
    pub const fn new() -> Self {
        Self { periods: 0 }
    }
}

impl Actuator<Output> for Actuators {
    /// TODO: that of your driver. An output that is not taken counts as a fault.
    type Error = Infallible;

    fn drive(&mut self, output: &Output) -> Result<(), Infallible> {
        let values = model::reals(output);
        // TODO: drive your motors with them; here they are printed once a second.
{{outputs}}
        if self.periods.is_multiple_of(crate::RATE) {
            defmt::info!("outputs: {}", values);
        }
        self.periods = self.periods.wrapping_add(1);
        Ok(())
    }
}
