//! The compiler's assembly of a crate with functions for C: the runtime's sources, which are part of this program, and
//! the crate are put into a folder and built there. Stands on the toolchain.

use std::fs;
use std::path::Path;

use nervecord::host::SOURCES;
use nervecord_codegen::{Error, Result};

use super::core::Core;
use crate::emulate::{Toolchain, process, rust};

/// The manifest of the runtime, without the crates that it takes from others.
const RUNTIME: &str = "[package]
name = \"nervecord\"
version = \"0.0.0\"
edition = \"2024\"
build = \"build.rs\"

[lints.rust]
unexpected_cfgs = \"allow\"
";

/// The manifest of the crate.
const CRATE: &str = "[package]
name = \"network\"
version = \"0.0.0\"
edition = \"2024\"

[lib]
crate-type = [\"staticlib\"]

[dependencies]
nervecord = { path = \"nervecord\" }

[profile.release]
opt-level = 3
lto = \"fat\"
codegen-units = 1
panic = \"abort\"
strip = true

[workspace]
";

/// The manifest of the crate that is nothing but an assembly file.
const OBJECT: &str = "[package]
name = \"network\"
version = \"0.0.0\"
edition = \"2024\"

[profile.release]
codegen-units = 1
panic = \"abort\"

[workspace]
";

/// What a crate that is linked by C needs of its own; that nothing reaches it is looked at afterwards.
const PANIC: &str = "
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
";

/// The compiler's assembly of the crate `source` for a core, built in `folder`.
///
/// # Errors
/// No compiler is set up for the core, or the folder cannot be written.
pub fn assembly(core: &Core, source: &str, folder: &Path) -> Result<String> {
    write(folder, "Cargo.toml", CRATE)?;
    write(folder, "src/lib.rs", &format!("{source}\nmod memory;\n{PANIC}"))?;
    write(folder, "src/memory.rs", include_str!("memory.rs"))?;
    write(folder, "nervecord/Cargo.toml", RUNTIME)?;
    for (name, text) in SOURCES {
        write(folder, &format!("nervecord/{name}"), text)?;
    }
    let out = folder.join("network.s");
    cargo(core, folder, &format!("--emit=asm={}", out.display()))?;
    fs::read_to_string(&out).map_err(|e| Error::io("read", &out, &e))
}

/// Builds the crate in `folder` for a core, with a further flag for the compiler.
fn cargo(core: &Core, folder: &Path, flag: &str) -> Result<()> {
    let toolchain = Toolchain::find(core.target).map_err(|error| {
        error.help(format!(
            "run `rustup target add {}`; where rustup cannot download, `cargo xtask setup` in a checkout of \
             nervecord gets a compiler from Debian",
            core.target
        ))
    })?;
    let mut cargo = rust::cargo();
    cargo.args(["rustc", "--release", "--lib", "--offline", "--target", core.target]);
    cargo.arg("--target-dir").arg(folder.join("target")).current_dir(folder);
    let cpu = match core.llvm {
        "" => String::new(),
        llvm => format!("-Ctarget-cpu={llvm}"),
    };
    // The flags replace any the user set for their own programs.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_BUILD_TARGET");
    cargo.env("CARGO_ENCODED_RUSTFLAGS", cpu);
    toolchain.configure(&mut cargo)?;
    cargo.args(["--", flag]);
    process::run("the assembly cannot be made", &mut cargo).map(|_| ())
}

/// Writes a file unless it is there as it should be, so that nothing is built again without need.
fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    if fs::read(&path).ok().as_deref() == Some(text.as_bytes()) {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(|e| Error::io("create", parent, &e))?;
    fs::write(&path, text).map_err(|e| Error::io("write", &path, &e))
}

/// The object of an assembly file for a core, assembled in `folder` by the compiler's own assembler.
///
/// # Errors
/// As for [`assembly`].
pub fn object(core: &Core, text: &str, folder: &Path) -> Result<Vec<u8>> {
    let folder = &folder.join("object");
    write(folder, "Cargo.toml", OBJECT)?;
    write(folder, "src/network.s", text)?;
    write(
        folder,
        "src/lib.rs",
        "#![no_std]\ncore::arch::global_asm!(include_str!(\"network.s\"), options(raw));\n",
    )?;
    let out = folder.join("network.o");
    cargo(core, folder, &format!("--emit=obj={}", out.display()))?;
    fs::read(&out).map_err(|e| Error::io("read", &out, &e))
}
