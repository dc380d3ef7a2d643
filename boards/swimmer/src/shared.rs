//! One bus for several devices.

use core::cell::RefCell;

use embedded_hal::i2c::{self, ErrorKind, ErrorType, I2c, Operation};

/// A bus that others use as well, between transfers.
pub struct Shared<'a, I>(pub &'a RefCell<I>);

impl<I> Clone for Shared<'_, I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I> Copy for Shared<'_, I> {}

/// Why a transfer failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<E> {
    /// Another transfer has not ended.
    InUse,
    /// The bus failed.
    Bus(E),
}

impl<E: i2c::Error> i2c::Error for Error<E> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InUse => ErrorKind::Other,
            Self::Bus(error) => error.kind(),
        }
    }
}

impl<I: ErrorType> ErrorType for Shared<'_, I> {
    type Error = Error<I::Error>;
}

impl<I: I2c> I2c for Shared<'_, I> {
    fn transaction(
        &mut self,
        address: u8,
        operations: &mut [Operation<'_>],
    ) -> Result<(), Self::Error> {
        let mut bus = self.0.try_borrow_mut().map_err(|_| Error::InUse)?;
        bus.transaction(address, operations).map_err(Error::Bus)
    }
}
