//! Generated modules as the source of a program that compares them with the interpreter.

use std::fmt::Write;

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
    let ty =
        module.split("\n    pub struct ").nth(1).and_then(|rest| rest.split([' ', '{']).next());
    let path = format!("{}::{}", program.name, ty.unwrap_or_default());
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
