//! The loop of the host: the firmware's own source, around buses of ours.

use std::cell::{Cell, RefCell};

use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};
use nervecord::control::{Faults, State, Step};
use nervecord_codegen::{Error, Result};

use super::firmware::body::{JOINTS, Joints};
use super::firmware::control::{RATE, control};
use super::transfer::{Outcome, Transfer, told};

/// Ticks of the boards' clock, microseconds, a second.
const TICKS: u32 = 1_000_000;
/// Ticks of a period.
pub const PERIOD: u32 = TICKS / RATE;

/// A period of the host's loop.
#[derive(Debug, Clone, Copy)]
pub struct Period {
    /// What happened in it.
    pub step: Step<JOINTS, JOINTS>,
    /// Who is in charge after it.
    pub state: State,
    /// The fault counters after it.
    pub faults: Faults,
    /// How many transfers have been made by its end.
    pub transfers: usize,
}

/// A failed transfer.
#[derive(Debug)]
pub struct Failed(pub ErrorKind);

impl embedded_hal::i2c::Error for Failed {
    fn kind(&self) -> ErrorKind {
        self.0
    }
}

/// The transfers of an image once more, for whoever makes the same ones.
struct Replay<'a> {
    transfers: &'a [Transfer],
    /// How many have been made.
    made: usize,
    /// Whether one was asked for after the last.
    ended: bool,
    /// The first that was another than the image's.
    other: Option<Error>,
}

impl ErrorType for Replay<'_> {
    type Error = Failed;
}

impl I2c for Replay<'_> {
    /// Makes the next transfer: what the image wrote has to be written, and what it read is read.
    fn transaction(
        &mut self,
        address: u8,
        operations: &mut [Operation<'_>],
    ) -> std::result::Result<(), Failed> {
        let Some(transfer) = self.transfers.get(self.made) else {
            self.ended = true;
            return Err(Failed(ErrorKind::Other));
        };
        self.made += 1;
        if let Some((expected, found)) = difference(transfer, address, operations) {
            self.other.get_or_insert_with(|| {
                Error::new("the image's loop is not the host's")
                    .at(format!("transfer {}, {} us after the power-up", self.made, transfer.at))
                    .expected(format!("{expected}, as the host's loop does"))
                    .found(found)
                    .help("the loop is boards/swimmer/src/control.rs, at both ends")
            });
        }
        match transfer.outcome {
            Outcome::Done => {
                let mut read = transfer.read.iter();
                for operation in operations {
                    if let Operation::Read(bytes) = operation {
                        bytes.iter_mut().zip(&mut read).for_each(|(byte, read)| *byte = *read);
                    }
                }
                Ok(())
            }
            Outcome::Address => Err(Failed(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address))),
            Outcome::Data => Err(Failed(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Data))),
            Outcome::Held => Err(Failed(ErrorKind::Bus)),
        }
    }
}

/// What the host transfers and what the image did, if they differ.
fn difference(
    image: &Transfer,
    address: u8,
    operations: &[Operation<'_>],
) -> Option<(String, String)> {
    let (mut written, mut reads) = (Vec::new(), 0);
    for operation in operations {
        match operation {
            Operation::Write(bytes) => written.extend_from_slice(bytes),
            Operation::Read(bytes) => reads += bytes.len(),
        }
    }
    // A transfer that failed has an address, and no more than the bytes until then.
    let same = match image.outcome {
        Outcome::Done => image.written == written && image.read.len() == reads,
        Outcome::Address | Outcome::Held => true,
        Outcome::Data => written.starts_with(&image.written),
    };
    let tell = |address: u8, written: &[u8], reads: usize| {
        format!("device {address:02x}: {} written, {reads} bytes read", told(written))
    };
    (!same || image.address != address).then(|| {
        let found = tell(image.address, &image.written, image.read.len());
        (tell(address, &written, reads), found)
    })
}

/// The loop of the host on the transfers of an image.
///
/// # Errors
/// It makes other transfers than the image did.
pub fn replay(transfers: &[Transfer], joints: impl Joints) -> Result<Vec<Period>> {
    let bus = RefCell::new(Replay { transfers, made: 0, ended: false, other: None });
    let mut periods = Vec::new();
    let more = |_| bus.borrow().made < transfers.len();
    live(&bus, joints, more, |step, state, faults| {
        let bus = bus.borrow();
        // A period that the image was reset in is not whole.
        if !bus.ended {
            periods.push(Period { step, state, faults, transfers: bus.made });
        }
    });
    match bus.into_inner().other {
        Some(error) => Err(error),
        None => Ok(periods),
    }
}

/// Runs the loop on a bus, a period after the other, as long as `goes_on` says so of the tick it is.
pub fn live<I: I2c>(
    bus: &RefCell<I>,
    joints: impl Joints,
    goes_on: impl Fn(u32) -> bool,
    mut hear: impl FnMut(Step<JOINTS, JOINTS>, State, Faults),
) {
    let (angles, tick) = (Cell::new(Default::default()), Cell::new(0_u32));
    // In the host's time a period takes none.
    let mut control = control(bus, &angles, joints, (|| tick.get(), TICKS), ());
    while goes_on(tick.get()) {
        if let Some(step) = control.poll() {
            hear(step, control.supervisor.state(), *control.supervisor.faults());
        }
        tick.set(tick.get().wrapping_add(PERIOD));
    }
}
