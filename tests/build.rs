//! A build script as a firmware project has it: the module lands in `OUT_DIR` for `include!`.

fn main() {
    let compiled = nervecord_codegen::Compiler::new("../models/policy/model.onnx")
        .calibration("../models/policy/calibration.csv")
        .compile();
    if let Err(error) = compiled {
        println!("cargo::error={}", error.to_string().replace('\n', "; "));
    }
}
