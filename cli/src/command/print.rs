//! The one way to the terminal: results to stdout, messages to stderr.

use std::io::Write;
use std::path::Path;

use nervecord_codegen::input::descriptor;
use nervecord_codegen::output::Quiet;
use nervecord_codegen::text;
use nervecord_codegen::{Error, Result};

/// Prints results; a reader that has seen enough, as `head` has, is no fault.
pub fn results(text: &str) -> Result<()> {
    let mut stdout = Quiet(anstream::stdout());
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|e| {
        Error::new("the results cannot be printed")
            .at("standard output")
            .expected("a terminal, a pipe, or a file on a disk with room")
            .found(e)
            .help("make room, or send the output elsewhere")
    })
}

/// Prints results beside those that go to `output`: to stderr where that is stdout itself.
pub fn beside(output: Option<&Path>, text: &str) -> Result<()> {
    match output.and_then(descriptor) {
        Some(1) => message(text.trim_end()),
        _ => results(text)?,
    }
    Ok(())
}

/// Prints that a file was written.
pub fn wrote(path: &Path) -> Result<()> {
    beside(Some(path), &format!("wrote {}\n", text::path(path)))
}

/// Prints a message.
pub fn message(text: &str) {
    // There is nowhere left to say that it failed.
    let _: std::io::Result<()> = writeln!(anstream::stderr(), "{text}");
}
