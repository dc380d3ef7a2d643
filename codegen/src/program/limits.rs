//! What a guard in a control loop holds a model's inputs and outputs to, in the model's units. Stands on the
//! runtime's limits and on ports.

use nervecord::limits::LimitError;
use nervecord::{Formats, InputLimits, Limits, OutputLimits, Tolerance};

use super::port::Port;

/// Limits of every input and output.
#[derive(Debug, Clone, PartialEq)]
pub struct StatedLimits {
    /// Of each input.
    pub inputs: Vec<InputLimits>,
    /// Of each output.
    pub outputs: Vec<OutputLimits>,
    /// How long what is wrong with an input is borne.
    pub tolerance: Tolerance,
    /// Bytes of the tables in flash that are checked in a period, if they are.
    pub tables: Option<u32>,
}

impl StatedLimits {
    /// None for any of so many inputs and outputs.
    pub fn none(inputs: usize, outputs: usize) -> Self {
        let (inputs, outputs) = (vec![InputLimits::ANY; inputs], vec![OutputLimits::ANY; outputs]);
        Self { inputs, outputs, tolerance: Tolerance::DEFAULT, tables: None }
    }

    /// All of them in the integers of two ports.
    ///
    /// # Errors
    /// They are not `I` and `O`, or a format cannot hold them.
    pub fn convert<const I: usize, const O: usize>(
        self,
        input: &Port,
        output: &Port,
    ) -> Result<Limits<I, O>, LimitError> {
        let inputs = self.inputs.try_into().map_err(|_| LimitError::Nothing)?;
        let outputs = self.outputs.try_into().map_err(|_| LimitError::Nothing)?;
        let formats = Formats {
            inputs: std::array::from_fn(|i| input.format(i)),
            outputs: std::array::from_fn(|o| output.format(o)),
        };
        Limits::checked(&formats, &inputs, &outputs, self.tolerance)
    }

    /// Those of one output in the integers of its port.
    ///
    /// # Errors
    /// There is no such output, or its format cannot hold it.
    pub fn of_output(&self, o: usize, output: &Port) -> Result<Limits<0, 1>, LimitError> {
        let limits = *self.outputs.get(o).ok_or(LimitError::Nothing)?;
        let formats = Formats { inputs: [], outputs: [output.format(o)] };
        Limits::checked(&formats, &[], &[limits], self.tolerance)
    }
}
