//! The runtime built for every kind of core that it has a kernel for, and refused where the features
//! contradict the core.

use std::process::Command;

use nervecord_cli::emulate::Toolchain;
use nervecord_codegen::{Error, Result};

use crate::checkout::{cargo_path, output, root};

/// A target, what the compiler is told of the core, whether the feature `dsp` is on, and what a refusal
/// must say; no refusal if it is empty.
type Build = (&'static str, &'static str, bool, &'static str);

const V8: &str = "thumbv8m.main-none-eabihf";
const NO_DSP: &str = "-C target-cpu=cortex-m33 -C target-feature=-dsp";
const HELIUM_NO_DSP: &str = "-C target-cpu=cortex-m55 -C target-feature=-dsp";

const BUILDS: [Build; 17] = [
    ("thumbv6m-none-eabi", "", false, ""),
    ("thumbv7m-none-eabi", "", false, ""),
    ("thumbv7em-none-eabihf", "", false, ""),
    ("thumbv7em-none-eabihf", "-C target-cpu=cortex-m4", false, ""),
    ("thumbv7em-none-eabihf", "-C target-cpu=cortex-m7", true, ""),
    (V8, "", false, ""),
    (V8, "", true, "the feature `dsp` wants a core"),
    (V8, "-C target-cpu=cortex-m33", false, ""),
    (V8, "-C target-cpu=cortex-m33", true, ""),
    (V8, NO_DSP, false, ""),
    (V8, NO_DSP, true, "the feature `dsp` wants a core"),
    (V8, "-C target-cpu=cortex-m55", false, ""),
    (V8, "-C target-cpu=cortex-m55", true, ""),
    (V8, "-C target-cpu=cortex-m85", false, ""),
    (V8, HELIUM_NO_DSP, false, "cortex-m55 has the DSP extension"),
    ("riscv32imac-unknown-none-elf", "", false, ""),
    ("riscv32imc-unknown-none-elf", "", false, ""),
];

/// Builds them all.
///
/// # Errors
/// One does not build, or is not refused as it must be.
pub fn builds() -> Result<()> {
    BUILDS.iter().try_for_each(build)
}

fn build(&(target, flags, dsp, refusal): &Build) -> Result<()> {
    let mut cargo = Command::new(cargo_path());
    cargo.args(["build", "--quiet", "--package", "nervecord", "--target", target]);
    // A place of their own, so that the flags do not throw away what else was built.
    cargo.args(["--target-dir", "target/builds"]);
    if dsp {
        cargo.args(["--features", "dsp"]);
    }
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_BUILD_TARGET");
    let flags: Vec<&str> = flags.split_whitespace().collect();
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    Toolchain::find(target)?.configure(&mut cargo)?;
    let output = output(cargo.current_dir(root()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let wanted = match refusal {
        "" => output.status.success(),
        refusal => !output.status.success() && said.contains(refusal),
    };
    match wanted {
        true => Ok(()),
        false => Err(Error::new("the runtime is not built as it should be for a core")
            .at(format!("{cargo:?}"))
            .expected(if refusal.is_empty() { "a build" } else { refusal })
            .found(said)),
    }
}
