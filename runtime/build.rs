//! Tells the kernels what the target has, of which the compiler tells nothing on its stable channel:
//! which dense kernel it runs, the DSP extension, whose spline
//! kernel does whole layers where others, `nervecord_walk`, do the edges only, or (Armv6-M) only a
//! 32-bit product, `nervecord_short`; `nervecord_branchless` says that a select would become a branch.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    if env::var_os("CARGO_FEATURE_SOURCES").is_some() {
        list_sources()?;
    }
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
    let flags = Flags::read();
    let dsp = is("thumbv7em") || is("thumbv8m.main") && dsp(&flags);
    let short = is("thumbv6m") || is("thumbv8m.base");
    let kernel = if is("thumbv8m.main") && HELIUM.contains(&flags.cpu.as_str()) {
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
    Ok(())
}

/// Writes the list of the crate's source files, with what is in them, that the feature `sources` is.
fn list_sources() -> io::Result<()> {
    println!("cargo::rerun-if-changed=src");
    let folder = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut files = vec![folder.join("build.rs")];
    find_sources(&folder.join("src"), &mut files)?;
    files.sort();
    let mut list = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(&folder).unwrap_or(file).to_string_lossy().replace('\\', "/");
        list += &format!("    ({name:?}, include_str!({:?})),\n", file.to_string_lossy());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("sources.rs"), list + "]\n")
}

/// The source files in a folder; tests, which are of no use elsewhere, are left out.
fn find_sources(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            find_sources(&path, files)?;
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// Cores with Helium, which implies the DSP extension.
const HELIUM: [&str; 3] = ["cortex-m52", "cortex-m55", "cortex-m85"];
/// Cores that have the DSP extension unless it is taken away: the compiler uses it for them as well.
const DSP: [&str; 4] = ["cortex-m33", "cortex-m35p", "star-mc1", "star-mc3"];

/// What the compiler was told of the core, as its assembler must be.
#[derive(Default)]
struct Flags {
    cpu: String,
    /// The DSP extension, if they say whether it is there.
    dsp: Option<bool>,
}

impl Flags {
    fn read() -> Self {
        let text = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
        let mut flags = Self::default();
        for flag in text.split('\x1f') {
            let flag = flag.trim_start_matches("-C").trim_start_matches("--codegen=").trim();
            if let Some(cpu) = flag.strip_prefix("target-cpu=") {
                cpu.clone_into(&mut flags.cpu);
            }
            for feature in
                flag.strip_prefix("target-feature=").into_iter().flat_map(|f| f.split(','))
            {
                match feature {
                    "+dsp" => flags.dsp = Some(true),
                    "-dsp" => flags.dsp = Some(false),
                    _ => {}
                }
            }
        }
        flags
    }
}

/// Whether an Armv8-M mainline core has the DSP extension, as the compiler was told: its assembler refuses
/// the instructions otherwise, and they fault on a core without. The feature `dsp` holds that it has.
fn dsp(flags: &Flags) -> bool {
    let cpu = flags.cpu.as_str();
    let has = flags.dsp.unwrap_or(HELIUM.contains(&cpu) || DSP.contains(&cpu));
    if HELIUM.contains(&cpu) && !has {
        println!("cargo::error={cpu} has the DSP extension: leave out `-C target-feature=-dsp`");
    }
    if !has && env::var_os("CARGO_FEATURE_DSP").is_some() {
        println!(
            "cargo::error=the feature `dsp` wants a core with the DSP extension: build with `-C \
             target-cpu=cortex-m33`, or the core it is, in the target's rustflags"
        );
    }
    if cpu.is_empty() && flags.dsp.is_none() {
        println!(
            "cargo::warning=the compiler was not told which Armv8-M core this is: without the DSP \
             extension a step takes about twice the time; `-C target-cpu=cortex-m33` in the target's \
             rustflags says that the part has it"
        );
    }
    has
}
