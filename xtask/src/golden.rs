//! `cargo xtask golden`: the committed modules of the bundled models, made or checked.

use std::fs;

use nervecord_codegen::output::write_atomic;
use nervecord_codegen::{Compiler, Error, Result};

use crate::checkout::say;
use crate::subject;

/// Compiles every bundled model as its README says; with `check`, only compares.
///
/// # Errors
/// A model does not compile, or a file cannot be written, or, with `check`, a module is stale.
pub fn golden(check: bool) -> Result<()> {
    for folder in subject::bundled()? {
        let mut compiler = Compiler::new(&folder);
        let calibration = folder.join("calibration.csv");
        if calibration.is_file() {
            compiler = compiler.calibration(calibration);
        }
        let compiled = compiler.build()?;
        let path = folder.join(format!("{}.rs", compiled.program.name));
        let module = compiled.module();
        if fs::read(&path).is_ok_and(|bytes| bytes == module.as_bytes()) {
            say(&format!("{} is current", path.display()));
        } else if check {
            return Err(Error::new("a committed module is not what the compiler writes now")
                .file(&path)
                .help("run `cargo xtask golden` and look at the difference before committing it"));
        } else {
            write_atomic(&path, module.as_bytes())?;
            say(&format!("{} is written", path.display()));
        }
    }
    Ok(())
}
