//! Compiles the model whenever it or its calibration changes, and tells the linker where memory is.

use nervecord_codegen::Compiler;
use nervecord_codegen::options::Cpu;

fn main() {
{{link}}
    let model = {{compiler}};
    if let Err(error) = model.compile() {
        panic!("{error}");
    }
}
