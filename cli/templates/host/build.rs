//! Compiles the model whenever it or its calibration changes.

use nervecord_codegen::Compiler;
use nervecord_codegen::options::Cpu;

fn main() {
    let model = {{compiler}};
    if let Err(error) = model.compile() {
        panic!("{error}");
    }
}
