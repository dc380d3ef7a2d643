//! Generated modules as the source of a program that compares them with the interpreter.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nervecord_codegen::Compiled;
use nervecord_codegen::interpret::Interpreter;

use crate::drawn::extreme_rows;
use crate::random::Random;

/// Random rows beside those given and the extreme ones.
const SEED: u64 = 5;

/// The module of a model in a module `name`, with a function `check` that panics if a step gives other
/// integers, or another status, than the interpreter gave for `rows` and for extreme inputs.
pub fn checked(name: &str, compiled: &Compiled, rows: &[Vec<f64>]) -> String {
    let program = &compiled.program;
    let raws = rows.iter().map(|row| program.input.to_raws(row));
    let extremes =
        extreme_rows(program.input.bits(), program.input.features(), &mut Random::new(SEED));
    let mut host = Interpreter::new(program);
    let module = compiled.module();
    let path = path(compiled, &module);
    let mut text = format!("mod {name} {{\n{module}\n");
    text += "    type Case<'a> = (&'a [i32], &'a [i32], u32);\n    static CASES: &[Case] = &[\n";
    for raw in raws.chain(extremes) {
        let (output, status) = host.step_raw(&raw);
        let _ = writeln!(text, "        (&{raw:?}, &{output:?}, {}),", status.bits());
    }
    let _ = writeln!(
        text,
        "    ];\n    pub(super) fn check() {{\n        let mut model = {path}::new();\n        \
         for (row, (input, output, status)) in CASES.iter().enumerate() {{\n            \
         let input = std::array::from_fn(|i| input[i] as {}::RawInput);\n            \
         assert_eq!(model.step_raw(&input).map(i32::from)[..], output[..], \"row {{row}} of {name}\");\n            \
         assert_eq!(nervecord::Controller::status(&model).bits(), *status, \"status of row {{row}} of {name}\");\n        \
         }}\n    }}\n}}",
        program.name
    );
    text
}

/// The path of the type of a model's module.
fn path(compiled: &Compiled, module: &str) -> String {
    let ty =
        module.split("\n    pub struct ").nth(1).and_then(|rest| rest.split([' ', '{']).next());
    format!("{}::{}", compiled.program.name, ty.unwrap_or_default())
}

/// What a program with [`long`] runs of modules opens with.
pub fn head() -> String {
    let own = |name: &str| {
        format!("#[path = {:?}]\nmod {name};\n", here().join("src").join(name).with_extension("rs"))
    };
    format!("#![allow(dead_code, missing_docs)]\n{}{}", own("random"), own("long"))
}

/// A function `name_long` that panics if the outputs of the module in [`checked`]`(name)` over `steps` steps of
/// [`advance`](crate::long::advance) do not fold to `outputs`.
pub fn long(name: &str, compiled: &Compiled, seed: u64, steps: usize, outputs: u64) -> String {
    let ranges = &compiled.program.input.ranges;
    let (path, own) = (path(compiled, &compiled.module()), &compiled.program.name);
    format!(
        "fn {name}_long() {{
    let (mut model, mut input) = ({name}::{path}::new(), long::start(&{ranges:?}));
    let (mut random, mut all) = (random::Random::new({seed}), 0);
    for step in 0..{steps} {{
        long::advance(&mut random, &{ranges:?}, step, &mut input);
        let raw = std::array::from_fn(|i| input[i] as {name}::{own}::RawInput);
        all = long::folded(all, &model.step_raw(&raw).map(i32::from));
    }}
    assert_eq!(all, {outputs}, \"{steps} steps of {name}\");
}}
"
    )
}

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Builds a program of modules in `folder`, optimized and with every check of a debug build, and runs it.
///
/// # Errors
/// It cannot be written, does not build, or panics: what was said of it.
pub fn run(folder: &Path, program: &str) -> Result<(), String> {
    write(folder, program).map_err(|e| format!("{} cannot be written: {e}", folder.display()))?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["run", "--quiet", "--offline", "--release"]).current_dir(folder);
    match command.stdin(Stdio::null()).env_remove("CARGO_TARGET_DIR").output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).chars().take(2000).collect()),
        Err(error) => Err(error.to_string()),
    }
}

fn write(folder: &Path, program: &str) -> std::io::Result<()> {
    fs::create_dir_all(folder.join("src"))?;
    let root = here().join("..");
    let runtime = root.join("runtime").canonicalize()?;
    let manifest = format!(
        "[package]\nname = \"modules\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         nervecord = {{ path = {runtime:?} }}\n\n[profile.release]\noverflow-checks = true\n\
         debug-assertions = true\n\n[workspace]\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest)?;
    // The versions that the workspace has.
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    fs::write(folder.join("src/main.rs"), program)
}
