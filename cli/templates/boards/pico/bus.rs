//! The I2C bus of the RP2040 and the RP2350, at 100 kHz.
//!
//! The HALs (0.12 and 0.4) set the peripheral up; transfers are made here, because theirs call a write done that nobody
//! acknowledged, and wait without end for a bus that is held low.

use embedded_hal::digital::PinState;
use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};
use hal::fugit::{HertzU32, RateExtU32};
use hal::gpio::bank0::{Gpio4, Gpio5};
use hal::gpio::{FunctionI2C, Pin, PullUp};
use hal::{I2C, pac};

/// Microseconds without a byte, or without a stop behind the last ones: 16 bytes take 1,500, and a device may stretch them.
const PATIENCE: u32 = 3_000;
/// Microseconds of half a clock pulse.
const HALF: u32 = 5;
/// Pulses after which a device that was left in the middle of a byte has let go.
const PULSES: u32 = 9;

/// Data and clock: GP4 and GP5, pins 6 and 7.
pub type Pins = (Pin<Gpio4, FunctionI2C, PullUp>, Pin<Gpio5, FunctionI2C, PullUp>);

/// Why a transfer failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A byte was not acknowledged.
    NoAcknowledge(NoAcknowledgeSource),
    /// The transfer was given up, for other reasons.
    Aborted,
    /// Nothing moves: a line is held low.
    Held,
    /// No byte to transfer, which the peripheral cannot do.
    Empty,
}

impl embedded_hal::i2c::Error for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoAcknowledge(source) => ErrorKind::NoAcknowledge(*source),
            Self::Aborted => ErrorKind::ArbitrationLoss,
            Self::Held => ErrorKind::Bus,
            Self::Empty => ErrorKind::Other,
        }
    }
}

/// The bus; `K` counts microseconds.
pub struct Bus<K> {
    port: Option<I2C<pac::I2C0, Pins>>,
    resets: pac::RESETS,
    rate: HertzU32,
    clock: K,
}

impl<K: FnMut() -> u32> Bus<K> {
    /// The bus of a peripheral that is not in use yet, whose clock has `rate`.
    pub fn new(i2c: pac::I2C0, pins: Pins, resets: pac::RESETS, rate: HertzU32, clock: K) -> Self {
        let mut bus = Self { port: None, resets, rate, clock };
        // A reset of this part in the middle of a byte leaves the other end in it.
        bus.begin(i2c, pins);
        bus
    }

    /// Has every device let go of the bus, and sets the peripheral up.
    fn begin(&mut self, i2c: pac::I2C0, (sda, scl): Pins) {
        let (sda, mut scl) = (sda.into_pull_up_input(), scl.into_pull_up_input());
        for _ in 0..PULSES {
            let low = scl.into_push_pull_output_in_state(PinState::Low);
            self.wait(HALF);
            scl = low.into_pull_up_input();
            self.wait(HALF);
        }
        let pins = (sda.reconfigure(), scl.reconfigure());
        let (sda, scl) = pins;
        self.port = Some(I2C::i2c0(i2c, sda, scl, 100.kHz(), &mut self.resets, self.rate));
    }

    /// Begins anew after the bus was held low.
    fn recover(&mut self) {
        if let Some(port) = self.port.take() {
            let (i2c, pins) = port.free(&mut self.resets);
            self.begin(i2c, pins);
        }
    }

    fn wait(&mut self, microseconds: u32) {
        let start = (self.clock)();
        while (self.clock)().wrapping_sub(start) <= microseconds {}
    }

    /// Waits for what the peripheral will do, as long as it does not give the transfer up.
    fn until(&mut self, done: impl Fn(&Registers) -> bool) -> Result<(), Error> {
        let (registers, start) = (registers(), (self.clock)());
        loop {
            // In this order: a transfer that is given up leaves room in the FIFO as well.
            let done = done(registers);
            if registers.ic_raw_intr_stat().read().tx_abrt().bit_is_set() {
                return Err(self.given_up());
            }
            if done {
                return Ok(());
            }
            if (self.clock)().wrapping_sub(start) > PATIENCE {
                return Err(Error::Held);
            }
        }
    }

    /// Why the peripheral gave a transfer up, once it has made its stop.
    fn given_up(&mut self) -> Error {
        let registers = registers();
        let why = registers.ic_tx_abrt_source().read();
        let error = if why.abrt_7b_addr_noack().bit_is_set() {
            Error::NoAcknowledge(NoAcknowledgeSource::Address)
        } else if why.abrt_txdata_noack().bit_is_set() {
            Error::NoAcknowledge(NoAcknowledgeSource::Data)
        } else {
            Error::Aborted
        };
        let start = (self.clock)();
        while registers.ic_raw_intr_stat().read().stop_det().bit_is_clear() {
            if (self.clock)().wrapping_sub(start) > PATIENCE {
                return Error::Held;
            }
        }
        error
    }

    fn transfer(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), Error> {
        let registers = registers();
        let last = operations.iter().rposition(|operation| length(operation) > 0);
        let last = last.ok_or(Error::Empty)?;
        registers.ic_enable().write(|w| w.enable().disabled());
        // SAFETY: an address of 7 bits, in a field of 10.
        registers.ic_tar().write(|w| unsafe { w.ic_tar().bits((address & 0x7f).into()) });
        registers.ic_enable().write(|w| w.enable().enabled());
        // What an earlier transfer left: while it is there, nothing is sent.
        registers.ic_clr_intr().read();
        let mut reading = None;
        for (index, operation) in operations.iter_mut().enumerate() {
            let (reads, length) = (matches!(operation, Operation::Read(_)), length(operation));
            let turns = length > 0 && reading.is_some_and(|was| was != reads);
            if length > 0 {
                reading = Some(reads);
            }
            let mark = |i: usize| Mark {
                restart: turns && i == 0,
                stop: index == last && i + 1 == length,
            };
            match operation {
                Operation::Write(bytes) => {
                    for (i, byte) in bytes.iter().enumerate() {
                        self.until(|registers| registers.ic_status().read().tfnf().bit_is_set())?;
                        mark(i).put(Some(*byte));
                    }
                }
                Operation::Read(bytes) => {
                    for (i, byte) in bytes.iter_mut().enumerate() {
                        mark(i).put(None);
                        self.until(|registers| registers.ic_rxflr().read().bits() > 0)?;
                        *byte = registers.ic_data_cmd().read().dat().bits();
                    }
                }
            }
        }
        self.until(|registers| registers.ic_raw_intr_stat().read().stop_det().bit_is_set())
    }
}

/// What is around a byte.
struct Mark {
    restart: bool,
    stop: bool,
}

impl Mark {
    /// Has a byte sent, or one received.
    fn put(self, byte: Option<u8>) {
        registers().ic_data_cmd().write(|w| {
            w.restart().bit(self.restart).stop().bit(self.stop).cmd().bit(byte.is_none());
            // SAFETY: any byte is data.
            unsafe { w.dat().bits(byte.unwrap_or(0)) }
        });
    }
}

type Registers = pac::i2c0::RegisterBlock;

/// The peripheral's registers.
fn registers() -> &'static Registers {
    // SAFETY: a [`Bus`] has the peripheral to itself, and calls this from one place at a time.
    unsafe { &*pac::I2C0::ptr() }
}

fn length(operation: &Operation<'_>) -> usize {
    match operation {
        Operation::Read(bytes) => bytes.len(),
        Operation::Write(bytes) => bytes.len(),
    }
}

impl<K> ErrorType for Bus<K> {
    type Error = Error;
}

impl<K: FnMut() -> u32> I2c for Bus<K> {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), Error> {
        let done = self.transfer(address, operations);
        if done == Err(Error::Held) {
            self.recover();
        }
        done
    }
}
