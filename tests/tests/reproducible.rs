//! Generated code is the same every time and everywhere, and formatted as rustfmt wants it.

mod program;

use std::fs;
use std::process::Command;

use nervecord_tests::{bundled as compiled, models};
use program::{Desk, bundled};

#[test]
fn two_programs_and_the_library_write_the_same_bytes() {
    for model in ["policy", "digits", "regressor"] {
        let desk = Desk::new();
        for output in ["one.rs", "two.rs"] {
            desk.on("compile", model, &["-o", output]).done();
        }
        let one = desk.read("one.rs");
        assert!(one == desk.read("two.rs"), "{model}: two runs differ");
        assert!(one == compiled(model).module(), "{model}: the library differs");
    }
}

#[test]
fn nothing_of_the_machine_is_in_the_module() {
    let desk = Desk::new();
    let model = desk.file("somewhere/policy.onnx", fs::read(models("policy/model.onnx")).unwrap());
    let data = fs::read(models("policy/calibration.csv")).unwrap();
    let data = desk.file("elsewhere/calibration.csv", data);
    let arguments = [model.as_os_str(), "--calibration".as_ref(), data.as_os_str()];
    let compile = [
        "compile".as_ref(),
        arguments[0],
        arguments[1],
        arguments[2],
        "-o".as_ref(),
        "p.rs".as_ref(),
    ];
    desk.nervecord(&compile).done();
    let moved = desk.read("p.rs").replace("policy.onnx", "model.onnx");
    assert!(moved == compiled("policy").module(), "a path or a time is in the module");
}

/// The bytes of calibration data count; what they are called, where they are and who reads them does not.
#[test]
fn a_module_knows_nothing_of_names_folders_locales_and_time_zones() {
    let model = fs::read(models("policy/model.onnx")).unwrap();
    let data = fs::read(models("policy/calibration.csv")).unwrap();
    let places = [
        ("policy.onnx", "calibration.csv", "C", "UTC"),
        ("a/policy.onnx", "b/Iiıİ data, of 2031.csv", "tr_TR.UTF-8", "Pacific/Kiritimati"),
        ("a/b/policy.onnx", "x.csv", "de_DE.UTF-8", "America/St_Johns"),
    ];
    let modules = places.map(|(model_name, data_name, locale, zone)| {
        let desk = Desk::new();
        let (model, data) = (desk.file(model_name, &model), desk.file(data_name, &data));
        let mut compile = desk.command(&["compile", "--out", "p.rs", "--calibration"]);
        compile.arg(data).arg(model).env("TZ", zone);
        ["LC_ALL", "LANG", "LANGUAGE"].iter().for_each(|name| _ = compile.env(name, locale));
        assert!(compile.output().unwrap().status.success());
        desk.read("p.rs")
    });
    assert!(modules.iter().all(|module| *module == modules[0]));
    assert!(!modules[0].contains("calibration.csv"));
}

#[test]
fn generated_modules_are_formatted() {
    let desk = Desk::new();
    let mut files = Vec::new();
    for model in ["policy", "digits", "regressor"] {
        for weights in ["8", "16"] {
            let name = format!("{model}{weights}.rs");
            desk.on("compile", model, &["-o", &name, "--weights", weights]).done();
            files.push(desk.path(&name));
        }
        files.push(bundled(model, &format!("{model}.rs")).into());
    }
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../rustfmt.toml");
    let checked = Command::new("rustfmt")
        .args(["--check", "--edition", "2024", "--config-path", config])
        .args(&files)
        .output()
        .expect("rustfmt is there: `rustup component add rustfmt`");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}
