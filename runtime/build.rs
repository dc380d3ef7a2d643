//! Tells the kernels what the target has, of which the compiler tells nothing on its stable channel:
//! which dense kernel it runs, the DSP extension, whose spline
//! kernel does whole layers where others, `nervecord_walk`, do the edges only, or (Armv6-M) only a
//! 32-bit product, `nervecord_short`; `nervecord_branchless` says that a select would become a branch.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!(
        "cargo::rustc-check-cfg=cfg(nervecord_armv8m, nervecord_assembly, nervecord_branchless)"
    );
    println!("cargo::rustc-check-cfg=cfg(nervecord_dsp, nervecord_short, nervecord_walk)");
    println!(
        "cargo::rustc-check-cfg=cfg(nervecord_kernel, values(\"armv6m\", \"armv7m\", \"dsp\", \"helium\", \"riscv\", \"sse2\", \"portable\"))"
    );
    let target = env::var("TARGET").unwrap_or_default();
    let is = |start: &str| target.starts_with(start);
    let dsp = is("thumbv7em") || is("thumbv8m.main") && env::var_os("CARGO_FEATURE_DSP").is_some();
    let short = is("thumbv6m") || is("thumbv8m.base");
    let kernel = if is("thumbv8m.main") && helium() {
        Some("helium")
    } else if dsp {
        Some("dsp")
    } else if is("thumbv7m") || is("thumbv8m.main") {
        Some("armv7m")
    } else if short {
        Some("armv6m")
    } else if is("riscv32im") {
        Some("riscv")
    } else {
        None
    };
    let features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    let sse2 = is("x86_64") && features.split(',').any(|feature| feature == "sse2");
    let host = if sse2 { "sse2" } else { "portable" };
    if is("thumbv8m.main") {
        println!("cargo::rustc-cfg=nervecord_armv8m");
    }
    if short || is("riscv32") {
        println!("cargo::rustc-cfg=nervecord_branchless");
    }
    if dsp {
        println!("cargo::rustc-cfg=nervecord_dsp");
    }
    if short {
        println!("cargo::rustc-cfg=nervecord_short");
    }
    if kernel.is_some() && !dsp {
        println!("cargo::rustc-cfg=nervecord_walk");
    }
    if kernel.is_some() {
        println!("cargo::rustc-cfg=nervecord_assembly");
    }
    println!("cargo::rustc-cfg=nervecord_kernel=\"{}\"", kernel.unwrap_or(host));
}

/// Whether the compiler was told of a core with Helium, as its assembler must be.
fn helium() -> bool {
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let cores = ["cortex-m52", "cortex-m55", "cortex-m85"];
    flags.split('\x1f').any(|flag| {
        cores
            .iter()
            .any(|core| flag.trim_start_matches("-C").ends_with(&format!("target-cpu={core}")))
    })
}
