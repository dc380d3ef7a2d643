//! Compiles the model whenever it or its inputs change.

fn main() {
    let policy = nervecord_codegen::Compiler::new("policy.onnx").calibration("inputs.csv");
    if let Err(error) = policy.compile() {
        panic!("{error}");
    }
}
