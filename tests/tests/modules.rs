//! Generated modules are the program: what they compute and occupy is what the host says.

use nervecord::{Controller, FloatStep};
use nervecord_codegen::interpret::Interpreter;
use nervecord_tests::{bundled, models, vectors};

/// The module that `build.rs` made, as firmware includes it.
mod built {
    include!(concat!(env!("OUT_DIR"), "/policy.rs"));
}

include!("../../models/policy/policy.rs");
include!("../../models/digits/digits.rs");
include!("../../models/regressor/regressor.rs");
include!("../../models/gru_hover/gru_hover.rs");

/// Tests of one committed module.
macro_rules! committed {
    ($module:ident, $model:ident) => {
        mod $module {
            use super::*;
            use crate::$module::{INPUTS, RawInput, TABLE_BYTES, $model};

            const NAME: &str = stringify!($module);

            /// Each input as integers and as `f32`, whose integers may differ in the last place.
            fn rows(vectors: &[Vec<f64>]) -> Vec<[f32; INPUTS]> {
                vectors.iter().map(|row| std::array::from_fn(|i| row[i] as f32)).collect()
            }

            #[test]
            fn equals_the_host_on_every_vector_bit_for_bit() {
                let compiled = bundled(NAME);
                let mut host = Interpreter::new(&compiled.program);
                let mut model = $model::new();
                for row in vectors(&compiled, NAME) {
                    let raw = compiled.program.input.to_raws(&row);
                    let (expected, status) = host.step_raw(&raw);
                    let input = std::array::from_fn(|i| raw[i] as RawInput);
                    let output = model.step_raw(&input).map(i32::from);
                    assert_eq!(output.to_vec(), expected);
                    assert_eq!(model.status(), status);
                }
            }

            #[test]
            fn equals_the_host_on_floats() {
                let compiled = bundled(NAME);
                let mut host = Interpreter::new(&compiled.program);
                let mut model = $model::new();
                for row in rows(&vectors(&compiled, NAME)) {
                    let (expected, _) = host.step(&row.map(f64::from));
                    let expected: Vec<f32> = expected.iter().map(|&y| y as f32).collect();
                    assert_eq!(model.step_f32(&row).to_vec(), expected);
                }
            }

            #[test]
            fn occupies_what_the_report_says() {
                let program = bundled(NAME).program;
                assert_eq!(size_of::<$model>(), program.ram_bytes());
                assert_eq!(TABLE_BYTES, program.table_bytes());
            }

            #[test]
            fn is_what_the_compiler_writes_today() {
                let path = models(&format!("{NAME}/{NAME}.rs"));
                let committed = std::fs::read_to_string(&path).unwrap();
                // No `assert_eq`: nobody wants to read two modules.
                assert!(committed == bundled(NAME).module(), "run `cargo xtask golden`");
            }
        }
    };
}

mod committed {
    use super::*;

    committed!(policy, Policy);
    committed!(digits, Digits);
    committed!(regressor, Regressor);
    committed!(gru_hover, GruHover);
}

#[test]
fn a_build_script_writes_what_the_command_line_writes() {
    let built = std::fs::read_to_string(concat!(env!("OUT_DIR"), "/policy.rs")).unwrap();
    let committed = std::fs::read_to_string(models("policy/policy.rs")).unwrap();
    assert!(built == committed, "run `cargo xtask golden`");
    let mut model = built::policy::Policy::default();
    assert_eq!(
        model.step(&[Default::default(); 8]),
        policy::Policy::new().step(&[Default::default(); 8])
    );
}

#[test]
fn reset_and_clone_give_the_start_state_and_a_twin() {
    let mut model = policy::Policy::new();
    let input = [nervecord::fixed::types::I2F14::from_num(0.5); 8];
    let first = model.step(&input);
    assert_eq!(model.clone().step(&input), first);
    model.reset();
    assert_eq!(model.step(&input), first);
}

#[test]
fn an_input_out_of_range_is_clamped_and_told() {
    let mut model = policy::Policy::new();
    let mut input = [0.0; 8];
    model.step_f32(&input);
    assert!(!model.status().any());
    input[3] = 1e9;
    let clamped = model.step_f32(&input);
    assert!(model.status().saturated(3) && !model.status().saturated(0));
    assert!(clamped.iter().all(|y| y.abs() <= 1.0));
}
