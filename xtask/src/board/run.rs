//! A run of an image on the emulated board, in the swimmer's water, as it was.

use nervecord_codegen::Result;

use super::emulator::{Emulator, Event};
use super::firmware::body::JOINTS;
use super::log::Log;
use super::plan::Plan;
use super::transfer::{Pulses, Transfer};
use super::water::Water;

/// Seed of the sensor's noise.
pub const SEED: u32 = 1;

/// A run.
#[derive(Debug, Default)]
pub struct Run {
    /// What happened from each reset to the next.
    pub lives: Vec<Record>,
    /// Where the swimmer was, whenever its servos were told something.
    pub track: Vec<Place>,
    /// The microseconds that it took on the board.
    pub time: u64,
}

/// What happened from one reset to the next.
#[derive(Debug, Default)]
pub struct Record {
    /// When the chip started, in microseconds, and why; of the first, the power-up.
    pub start: (u64, String),
    /// All transfers on the bus.
    pub transfers: Vec<Transfer>,
    /// What the servos got, and behind how many transfers.
    pub pulses: Vec<(usize, Pulses)>,
    /// What the image said.
    pub log: Vec<String>,
}

/// Where the swimmer was.
#[derive(Debug)]
pub struct Place {
    /// When, in microseconds.
    pub at: u64,
    /// Its joints, in degrees.
    pub angles: [f64; JOINTS],
    /// The ends of its links.
    pub body: Vec<[f64; 2]>,
    /// What it had earned.
    pub score: f64,
}

impl Run {
    /// When the first transfer was, in microseconds.
    pub fn begin(&self) -> u64 {
        self.lives.first().and_then(|life| life.transfers.first()).map_or(0, |first| first.at)
    }

    /// What had been earned so many microseconds after the first transfer.
    pub fn earned(&self, microseconds: u64) -> f64 {
        let then = self.begin() + microseconds;
        self.track.iter().take_while(|place| place.at <= then).last().map_or(0.0, |at| at.score)
    }
}

/// Runs an image; `progress` hears of the time, in microseconds.
///
/// # Errors
/// The board cannot start, or has stopped.
pub fn run(image: &[u8], plan: &Plan, mut progress: impl FnMut(u64)) -> Result<Run> {
    let mut log = Log::of(image)?;
    let mut water = Water::new(SEED);
    let mut emulator = Emulator::start(image, plan)?;
    let mut run = Run::default();
    let mut life = Record { start: (0, "power-up".into()), ..Record::default() };
    loop {
        match emulator.next()? {
            Event::Transfer(transfer) => life.transfers.push(transfer),
            Event::Log(bytes) => life.log.extend(log.read(&bytes)?),
            Event::Measure(at) => {
                water.advance(at);
                emulator.answer(&water.measure())?;
            }
            Event::Pulses(pulses) => {
                water.advance(pulses.at);
                water.drive(pulses.widths);
                run.track.push(place(&water, pulses.at));
                progress(pulses.at);
                life.pulses.push((life.transfers.len(), pulses));
            }
            Event::Reset(at, cause) => {
                // What it was about to say is gone with it.
                log.forget();
                let next = Record { start: (at, cause), ..Record::default() };
                run.lives.push(std::mem::replace(&mut life, next));
            }
            Event::End(at) => {
                run.lives.push(life);
                run.time = at;
                return Ok(run);
            }
        }
    }
}

fn place(water: &Water, at: u64) -> Place {
    let mut angles = [0.0; JOINTS];
    for (angle, radians) in angles.iter_mut().zip(water.angles()) {
        *angle = radians.to_degrees();
    }
    Place { at, angles, body: water.body(), score: water.score() }
}
