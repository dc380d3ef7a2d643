//! The end of the link that has the controller.

use nervecord::control;
use nervecord::control::remote::{Remote, Settings};
use nervecord::{Controller, Limits, Quad, Status};
use nervecord_cli::emulate::{Board, Firmware, Kind, Link, PERIOD, Reach};
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::program::Program;
use nervecord_codegen::{Error, Result};

/// A controller in its loop, one exchange of bytes a period.
pub trait Core {
    /// What the link has brought in, what is sent out.
    ///
    /// # Errors
    /// The core has stopped.
    fn period(&mut self, received: &[u8]) -> Result<Vec<u8>>;

    /// A loss of power.
    ///
    /// # Errors
    /// The core does not start again.
    fn reset(&mut self) -> Result<()>;

    /// A bit of the model's memory turns over.
    ///
    /// # Errors
    /// The core has stopped.
    fn flip(&mut self, bit: usize) -> Result<()>;
}

/// An emulated core.
#[derive(Debug)]
pub struct Emulated {
    board: Board,
    firmware: Firmware,
    settings: Settings,
    link: Link,
}

impl Emulated {
    /// A board with the firmware of a generated module.
    ///
    /// # Errors
    /// The firmware does not build, or a period in it can panic, allocate or compute in floats, or the emulator does
    /// not start.
    pub fn start(board: &Board, module: &str, settings: &Settings) -> Result<Self> {
        let firmware = Firmware::build(board, module, Kind::Linked)?;
        Self::of(board, firmware, settings)
    }

    /// A board with an image that is there.
    ///
    /// # Errors
    /// A period in it can panic, allocate or compute in floats, or the emulator does not start.
    pub fn of(board: &Board, firmware: Firmware, settings: &Settings) -> Result<Self> {
        Reach::of(&firmware)?.require(PERIOD)?;
        let link = Link::start(board, &firmware, settings)?;
        Ok(Self { board: board.clone(), firmware, settings: *settings, link })
    }
}

impl Core for Emulated {
    fn period(&mut self, received: &[u8]) -> Result<Vec<u8>> {
        self.link.exchange(received)
    }

    fn reset(&mut self) -> Result<()> {
        self.link = Link::start(&self.board, &self.firmware, &self.settings)?;
        Ok(())
    }

    fn flip(&mut self, bit: usize) -> Result<()> {
        self.link.flip(bit as u32)
    }
}

/// The same loop in this process, around the interpreter.
#[derive(Debug)]
pub struct Local<'a, const I: usize, const O: usize> {
    program: &'a Program,
    limits: Limits<I, O>,
    settings: Settings,
    remote: Remote<Host<'a, I, O>, I, O>,
    /// What it was before each reset.
    past: Vec<Remote<Host<'a, I, O>, I, O>>,
}

impl<'a, const I: usize, const O: usize> Local<'a, I, O> {
    /// A loop around a program of `I` inputs and `O` outputs.
    ///
    /// # Errors
    /// The program has others, or its formats cannot hold its limits.
    pub fn new(program: &'a Program, settings: &Settings) -> Result<Self> {
        let limits = program.limits().map_err(|e| Error::new(e.message()))?;
        let remote = boot(program, &limits, settings);
        Ok(Self { program, limits, settings: *settings, remote, past: Vec::new() })
    }

    /// The loop itself, for its counters.
    pub fn remote(&self) -> &Remote<Host<'a, I, O>, I, O> {
        &self.remote
    }

    /// The loop from each reset to the next, the present one last.
    pub fn lives(&self) -> impl Iterator<Item = &Remote<Host<'a, I, O>, I, O>> {
        self.past.iter().chain([&self.remote])
    }
}

/// Turns a bit of a memory over.
pub fn flip(memory: &mut [Quad], bit: usize) {
    if let Some(Quad(lanes)) = memory.get_mut(bit / 64)
        && let Some(lane) = lanes.get_mut(bit / 16 % 4)
    {
        *lane ^= 1 << (bit % 16);
    }
}

/// A loop at its start.
fn boot<'a, const I: usize, const O: usize>(
    program: &'a Program,
    limits: &Limits<I, O>,
    settings: &Settings,
) -> Remote<Host<'a, I, O>, I, O> {
    Remote::new(Host::new(program), control::Settings::new(*limits, 1), settings)
}

impl<const I: usize, const O: usize> Core for Local<'_, I, O> {
    fn period(&mut self, received: &[u8]) -> Result<Vec<u8>> {
        Ok(self.remote.period(received).1.to_vec())
    }

    fn reset(&mut self) -> Result<()> {
        let fresh = boot(self.program, &self.limits, &self.settings);
        self.past.push(std::mem::replace(&mut self.remote, fresh));
        Ok(())
    }

    fn flip(&mut self, bit: usize) -> Result<()> {
        flip(self.remote.controller().model.memory(), bit);
        Ok(())
    }
}

/// A program as a controller of raw integers.
#[derive(Debug, Clone)]
pub struct Host<'a, const I: usize, const O: usize> {
    program: &'a Program,
    model: Interpreter<&'a Program>,
    status: Status,
}

impl<'a, const I: usize, const O: usize> Host<'a, I, O> {
    /// A controller in its start state.
    pub fn new(program: &'a Program) -> Self {
        Self { program, model: Interpreter::new(program), status: Status::new() }
    }
}

impl<const I: usize, const O: usize> Controller for Host<'_, I, O> {
    type Input = [i32; I];
    type Output = [i32; O];

    fn reset(&mut self) {
        self.model = Interpreter::new(self.program);
    }

    fn step(&mut self, input: &[i32; I]) -> [i32; O] {
        let (output, status) = self.model.step_raw(input);
        self.status = status;
        let mut values = [0; O];
        values.iter_mut().zip(output).for_each(|(value, y)| *value = y);
        values
    }

    fn status(&self) -> Status {
        self.status
    }
}
