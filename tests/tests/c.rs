//! Networks for C through the command line: the files, what is in them, and what is refused.

mod program;

use nervecord_tests::onnx;
use program::{Desk, bundled};

const TO: [&str; 3] = ["--c", "-o", "out"];

#[test]
fn a_core_and_a_name_for_c_are_asked_for_before_anything_is_written() {
    let desk = Desk::new();
    desk.on("compile", "policy", &TO).refused(&["--cpu", "cortex-m4", "riscv32", "any"]);
    let cpu = |more: &[&'static str]| [&TO[..], &["--cpu", "cortex-m4"], more].concat();
    desk.on("compile", "policy", &[&TO[..], &["--cpu", "host"]].concat()).refused(&["host"]);
    for word in ["int", "while", "class", "string", "for"] {
        desk.on("compile", "policy", &cpu(&["--name", word])).refused(&["--name", word, "C++"]);
    }
    desk.on("compile", "policy", &cpu(&["--c-package", "make"]))
        .refused(&["make", "cmake", "zephyr"]);
    desk.on("compile", "policy", &cpu(&["--certificate", "c.json"])).refused(&["--certificate"]);
    desk.on("compile", "policy", &cpu(&["--static", "--c-package", "cmake"]))
        .refused(&["--static"]);
    desk.on("compile", "policy", &["-o", "out", "--static"]).refused(&["--c"]);
    desk.file("int.onnx", std::fs::read(bundled("policy", "model.onnx")).unwrap());
    desk.nervecord(&[&["compile", "int.onnx"], &cpu(&[])[..]].concat()).refused(&["int", "--name"]);
    assert_eq!(desk.names(), ["int.onnx"]);
}

#[cfg_attr(not(feature = "emulated"), ignore = "needs a compiler for the core")]
#[test]
fn one_header_and_one_file_of_assembly_are_written_and_compared() {
    let desk = Desk::new();
    let arguments = [&TO[..], &["--cpu", "cortex-m4"]].concat();
    let said = desk.on("compile", "policy", &arguments).done().stdout;
    assert!(said.contains("wrote out/policy.h") && said.contains("wrote out/policy.s"), "{said}");
    let (header, assembly) = (desk.read("out/policy.h"), desk.read("out/policy.s"));
    let sha256 = nervecord_codegen::data::sha256(assembly.as_bytes());
    assert!(header.contains(&format!("#define POLICY_ASSEMBLY_SHA256 \"{sha256}\"")), "{header}");
    for part in [
        "uint32_t policy_step(policy_t *state, const int16_t x[POLICY_INPUTS], int16_t y[POLICY_OUTPUTS]);",
        "#define POLICY_STATE_BYTES 256",
        "#define POLICY_X(value)",
        "policy_step_f(policy_t *state, const float x[POLICY_INPUTS]",
        "int policy_selftest(void);",
        "extern \"C\"",
    ] {
        assert!(header.contains(part), "{part}: {header}");
    }
    let mut globals: Vec<&str> =
        assembly.lines().filter_map(|line| line.strip_prefix("\t.globl\t")).collect();
    globals.sort_unstable();
    assert_eq!(globals, ["policy_init", "policy_reset", "policy_selftest", "policy_step"]);
    for unwanted in [".cpu", ".eabi_attribute", "_ZN", "memcpy", "panic"] {
        assert!(!assembly.contains(unwanted), "{unwanted}");
    }
    desk.on("compile", "policy", &[&arguments[..], &["--check"]].concat()).done();
    let other =
        desk.on("compile", "policy", &[&arguments[..], &["--check", "--weights", "16"]].concat());
    assert_eq!(other.code, 1);
    assert!(other.stderr.contains("policy.s is stale"), "{}", other.stderr);
    // The same bytes again, wherever the compiler worked.
    desk.on("compile", "policy", &arguments).done();
    assert_eq!((header, assembly), (desk.read("out/policy.h"), desk.read("out/policy.s")));
    assert_eq!(desk.names(), ["out"]);
}

#[cfg_attr(not(feature = "emulated"), ignore = "needs a compiler for the core")]
#[test]
fn channels_of_their_own_formats_have_conversions_of_their_own() {
    let desk = Desk::new();
    let rows =
        (0..400).map(|k| format!("{},{}\n", (k % 7) as f64 * 0.003, (k % 11) as f64 * 200.0));
    desk.file("inputs.csv", format!("x0,x1\n{}", rows.collect::<String>()));
    desk.file("two.onnx", onnx::file(onnx::small()));
    let to = ["--c", "-o", "out", "--cpu", "riscv32", "--static"];
    let arguments = [&["compile", "two.onnx", "--calibration", "inputs.csv"], &to[..]].concat();
    desk.nervecord(&arguments).done();
    let header = desk.read("out/two.h");
    assert!(header.contains("static const float x_one[] = {"), "{header}");
    assert!(header.contains("#define TWO_X_X1_FRAC"), "{header}");
    let archive = std::fs::read(desk.path("out/libtwo.a")).unwrap();
    assert!(archive.starts_with(b"!<arch>\n"));
    assert!(String::from_utf8_lossy(&archive).contains("two_step"));
}

#[cfg_attr(not(feature = "emulated"), ignore = "needs a compiler for the core")]
#[test]
fn libraries_of_build_systems_have_their_files() {
    let desk = Desk::new();
    for (kind, files) in [
        (
            "arduino",
            &[
                "library.properties",
                "src/policy.h",
                "src/riscv32/policy.S",
                "examples/policy_step/policy_step.ino",
            ][..],
        ),
        ("zephyr", &["zephyr/module.yml", "zephyr/Kconfig", "CMakeLists.txt", "src/policy.S"]),
        ("esp-idf", &["CMakeLists.txt", "idf_component.yml", "include/policy.h", "src/policy.S"]),
        ("platformio", &["library.json", "include/policy.h", "src/policy.S"]),
        ("cmake", &["CMakeLists.txt", "include/policy.h", "src/policy.S"]),
    ] {
        let to = ["--c", "-o", kind, "--cpu", "riscv32", "--c-package", kind];
        desk.on("compile", "policy", &to).done();
        for file in files.iter().chain(&["README.md"]) {
            assert!(!desk.read(&format!("{kind}/{file}")).is_empty(), "{kind}: {file}");
        }
    }
    let manifest: serde_json::Value =
        serde_json::from_str(&desk.read("platformio/library.json")).unwrap();
    assert_eq!((&manifest["name"], &manifest["headers"]), (&"policy".into(), &"policy.h".into()));
    // A part of the wrong core is told by the preprocessor.
    assert!(desk.read("zephyr/src/policy.S").starts_with("#if !(defined(__riscv)"));
    let arm = ["--c", "-o", "arm", "--cpu", "cortex-m4", "--c-package", "esp-idf"];
    desk.on("compile", "policy", &arm).refused(&["esp-idf", "riscv32", "cortex-m4"]);
    assert!(!desk.names().contains(&"arm".to_owned()));
}
