//! A control loop whose plant is on the host.
//!
//! Once a period the host writes what the link has brought, 2 bytes of length before it, and reads
//! what the loop sends, likewise. The lengths are the machine's time, which no fault touches; the
//! bytes behind them are the link's, and whatever the link made of them. A length of 0xFFFF ends it; with one
//! of 0xFFFE the host has a bit of the model's memory turn over, whose number follows.

use nervecord::control;
use nervecord::control::remote::{self, Remote, Settings};
use semihosting::fs::File;
use semihosting::io::{self, Read, Write};
use semihosting::process;

use crate::step::{INPUTS, Model, OUTPUTS};

/// The most bytes that a period brings.
const LONGEST: usize = 2048;

/// Runs until the host ends it.
pub fn run() -> ! {
    match serve() {
        Ok(()) => process::exit(0),
        Err(error) => panic!("{error:?}"),
    }
}

fn serve() -> io::Result<()> {
    // Pipes in the emulator's working directory.
    let (mut source, mut sink) = (File::open(c"to_core")?, File::create(c"from_core")?);
    let mut words = [0; Settings::WORDS];
    for word in &mut words {
        let mut bytes = [0; 4];
        fill(&mut source, &mut bytes)?;
        *word = u32::from_le_bytes(bytes);
    }
    let around = control::Settings::of::<Model>(1);
    let mut remote = Remote::new(Model::new(), around, &Settings::from_words(words));
    let mut received = [0; LONGEST];
    let mut answer = [0; remote::LONGEST];
    loop {
        let mut length = [0; 2];
        fill(&mut source, &mut length)?;
        let length = u16::from_le_bytes(length) as usize;
        if length == 0xffff {
            return Ok(());
        }
        if length == 0xfffe {
            let mut bit = [0; 4];
            fill(&mut source, &mut bit)?;
            flip(remote.controller(), u32::from_le_bytes(bit) as usize);
            continue;
        }
        let received = &mut received[..length];
        fill(&mut source, received)?;
        let length = nervecord_period(&mut remote, received, &mut answer);
        sink.write_all(&(length as u16).to_le_bytes())?;
        sink.write_all(&answer[..length])?;
    }
}

type Loop = Remote<Model, INPUTS, OUTPUTS>;

/// One period under a name of its own, all that firmware around a loop would call: the length of the answer.
// SAFETY: no other symbol of the firmware has this name.
#[unsafe(no_mangle)]
#[inline(never)]
fn nervecord_period(
    remote: &mut Loop,
    received: &[u8],
    answer: &mut [u8; remote::LONGEST],
) -> usize {
    let (_, sent) = remote.period(received);
    answer.iter_mut().zip(&sent).for_each(|(place, byte)| *place = *byte);
    sent.len()
}

/// Turns a bit of a model over, whose scratch lies at its start: nothing else in it is aligned as much.
fn flip(model: &mut Model, bit: usize) {
    assert!(bit / 8 < size_of::<Model>(), "the model has no such bit");
    let byte = (&raw mut *model).cast::<u8>().wrapping_add(bit / 8);
    // SAFETY: a byte of the model; all of it are integers, which may be any.
    unsafe { *byte ^= 1 << (bit % 8) };
}

fn fill(source: &mut impl Read, mut bytes: &mut [u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let read = source.read(bytes)?;
        bytes = &mut bytes[read..];
    }
    Ok(())
}
