//! An embedded-hal 1.0 bus over the 0.2 traits, which are all that this HAL has.

use core::fmt::Debug;

use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, Operation};
use embedded_hal_02::blocking::i2c::{Read, Write, WriteRead};

/// The bus.
pub struct Modern<B>(pub B);

/// What the HAL said.
#[derive(Debug)]
pub struct Error<E>(#[allow(dead_code)] pub E);

impl<E: Debug> embedded_hal::i2c::Error for Error<E> {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

impl<B, E: Debug> ErrorType for Modern<B>
where
    B: Write<Error = E>,
{
    type Error = Error<E>;
}

impl<B, E: Debug> I2c for Modern<B>
where
    B: Write<Error = E> + Read<Error = E> + WriteRead<Error = E>,
{
    /// A write and the read behind it become one transfer; any others end with a stop each.
    fn transaction(&mut self, address: u8, steps: &mut [Operation<'_>]) -> Result<(), Error<E>> {
        let mut rest = steps;
        loop {
            rest = match rest {
                [] => return Ok(()),
                [Operation::Write(out), Operation::Read(into), rest @ ..] => {
                    self.0.write_read(address, out, into).map_err(Error)?;
                    rest
                }
                [Operation::Write(out), rest @ ..] => {
                    self.0.write(address, out).map_err(Error)?;
                    rest
                }
                [Operation::Read(into), rest @ ..] => {
                    self.0.read(address, into).map_err(Error)?;
                    rest
                }
            };
        }
    }
}
