//! Writes the book in the folder that is given.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("error: give the folder of book.toml");
        return ExitCode::FAILURE;
    };
    let done = mdbook_driver::MDBook::load(folder).and_then(|book| book.build());
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
