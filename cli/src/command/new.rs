//! `nervecord new`.

use std::path::PathBuf;

use clap::ArgGroup;
use nervecord_codegen::{Compiler, Result, text};

use super::{print, progress};
use crate::project::{Board, Project, Target};

#[derive(clap::Args)]
#[command(group = ArgGroup::new("for").required(true).args(["board", "host"]))]
pub struct New {
    /// The folder to make; its last part is the project's name.
    #[arg(value_name = "NAME")]
    folder: PathBuf,
    /// Firmware for this board: esp32c3, microbit-v2, nucleo-f446re, nucleo-h743, pico or pico2.
    #[arg(long)]
    board: Option<String>,
    /// A program for this machine, which steps the model on a CSV file.
    #[arg(long)]
    host: bool,
    /// An async task on embassy instead of a plain loop; for all boards but esp32c3.
    #[arg(long, requires = "board", conflicts_with = "host")]
    embassy: bool,
    /// The trained model, as for `compile`: a file, or a folder with its config.json. It is copied.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Inputs as the model will see them in use, CSV or .npy; without, nervecord.toml gives ranges. Copied too.
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// A checkout of nervecord to build with; needed until its crates are published.
    #[arg(long, value_name = "DIR")]
    nervecord_path: Option<PathBuf>,
}

/// Makes the project.
pub fn new(new: &New) -> Result<()> {
    let target = match &new.board {
        None => Target::Host,
        Some(id) => {
            let board = Board::find(id)?;
            Target::Board(board, board.code(new.embassy)?)
        }
    };
    let project = Project::new(&new.folder, target, new.embassy, new.nervecord_path.as_deref())?;
    let mut compiler = Compiler::new(&new.model).cpu(project.cpu());
    if let Some(path) = &new.calibration {
        compiler = compiler.calibration(path);
    }
    let make = || project.make(&compiler, &new.model, new.calibration.as_deref());
    progress::during("choosing weights and tables", make)?;
    print::results(&project.next(&text::path(&new.model)))
}
