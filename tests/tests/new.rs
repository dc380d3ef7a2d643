//! `nervecord new`: which files a project has, and that what is refused writes nothing. `cargo xtask templates` builds
//! the projects.

mod program;

use std::path::Path;

use nervecord_cli::project::BOARDS;
use program::{Desk, Outcome, bundled};

/// Makes a project around the bundled policy.
fn make(desk: &Desk, name: &str, more: &[&str]) -> Outcome {
    let (model, calibration) =
        (bundled("policy", "model.onnx"), bundled("policy", "calibration.csv"));
    let head = ["new", name, "--model", &model, "--calibration", &calibration];
    desk.nervecord(&[&head, more].concat())
}

fn root() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/..").to_owned()
}

#[test]
fn a_project_for_a_board_has_what_its_page_says() {
    let desk = Desk::new();
    let said = make(&desk, "arm", &["--board", "pico2", "--nervecord-path", &root()]).done().stdout;
    for part in ["made arm", "cargo build --release", "cargo run --release", "TODO"] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(desk.names(), ["arm"]);
    let config = desk.read("arm/.cargo/config.toml");
    for part in
        ["probe-rs run --chip RP235x", "thumbv8m.main-none-eabihf", "cortex-m33", "DEFMT_LOG"]
    {
        assert!(config.contains(part), "{config}");
    }
    let manifest = desk.read("arm/Cargo.toml");
    let (_, runtime) = manifest.split_once("\nnervecord = { path = \"").unwrap();
    let (runtime, _) = runtime.split_once('"').unwrap();
    assert!(Path::new(runtime).join("Cargo.toml").is_file(), "{runtime}");
    assert!(desk.read("arm/build.rs").contains("Compiler::new(\"model/model.onnx\")"));
    // A model whose file is just called `model` is called like its folder, also in a folder of another name.
    assert!(desk.read("arm/src/model.rs").contains("pub type Model = generated::policy::Policy;"));
    let sensor = desk.read("arm/src/sensor.rs");
    assert!(sensor.contains("// x5, from -1.31 to 1.37\n"), "{sensor}");
    assert!(sensor.contains("reading.set(model::input::X5, 0.0293_f32);"), "{sensor}");
    assert!(desk.read("arm/src/main.rs").lines().count() <= 60);
    let copied = desk.read("arm/model/calibration.csv");
    assert_eq!(copied, std::fs::read_to_string(bundled("policy", "calibration.csv")).unwrap());
}

#[test]
fn every_board_has_the_memory_and_the_chip_of_its_own_firmware() {
    let desk = Desk::new();
    for board in &BOARDS {
        // A board may be called like the crate that the project takes for it.
        let own = format!("on-{}", board.id);
        make(&desk, &own, &["--board", board.id]).done();
        let ours = |file: &str| {
            std::fs::read_to_string(format!("{}/boards/{}/{file}", root(), board.id)).ok()
        };
        let made = |file: &str| desk.read(&format!("{own}/{file}"));
        if let Some(memory) = ours("memory.x") {
            assert_eq!(made("memory.x"), memory);
        }
        let (config, theirs) = (made(".cargo/config.toml"), ours(".cargo/config.toml").unwrap());
        for line in config.lines().filter(|line| line.starts_with(['r', 't'])) {
            assert!(theirs.contains(line), "{}: {line}", board.id);
        }
        assert!(made("README.md").contains("| SCL |"));
        // Without a checkout, published crates, and a word that they are not there yet.
        assert!(made("Cargo.toml").contains("nervecord-codegen = { version = \"0.1\" }"));
        assert!(made("README.md").contains("--nervecord-path"));
        if board.embassy.is_some() {
            let name = format!("{}-async", board.id);
            make(&desk, &name, &["--board", board.id, "--embassy"]).done();
            assert!(desk.read(&format!("{name}/src/main.rs")).contains("task::run("));
        }
    }
}

#[test]
fn a_project_for_this_machine_takes_a_folder_with_its_settings() {
    let desk = Desk::new();
    let calibration = bundled("gru_hover", "calibration.csv");
    let model = bundled("gru_hover", "");
    let host = ["--host", "--calibration", &calibration];
    desk.nervecord(&[&["new", "there/hover", "--model", &model], &host[..]].concat())
        .refused(&["there/hover"]);
    desk.nervecord(&[&["new", "hover", "--model", &model], &host[..]].concat()).done();
    assert_eq!(desk.names(), ["hover"]);
    for file in ["model.onnx", "config.json", "nervecord.toml", "calibration.csv"] {
        assert!(desk.path("hover/model").join(file).is_file(), "{file}");
    }
    assert!(desk.read("hover/build.rs").contains("Compiler::new(\"model\")"));
    assert!(!desk.path("hover/memory.x").exists() && !desk.path("hover/.cargo").exists());
}

#[test]
fn what_cannot_be_made_writes_nothing() {
    let desk = Desk::new();
    let pico = ["--board", "pico"];
    make(&desk, "a", &["--board", "z80"]).refused(&["`z80`", "esp32c3", "pico2"]);
    make(&desk, "a", &[]).refused(&["--board", "--host"]);
    make(&desk, "a", &["--board", "pico", "--host"]).refused(&["--board", "--host"]);
    make(&desk, "a", &["--host", "--embassy"]).refused(&["--embassy"]);
    make(&desk, "a", &["--board", "esp32c3", "--embassy"]).refused(&["esp32c3", "pico2"]);
    for name in ["fn", "2d", "a b", "é", "a.b", "..", "core", "nervecord", "defmt", "cortex-m"] {
        make(&desk, name, &pico).refused(&["a project cannot have this name"]);
    }
    make(&desk, "a", &["--board", "pico", "--nervecord-path", "."])
        .refused(&["no checkout", "runtime/"]);
    let model = bundled("policy", "model.onnx");
    desk.nervecord(&["new", "a", "--model", "none.onnx", "--host"]).refused(&["none.onnx"]);
    let head = ["new", "a", "--model", &model, "--host", "--calibration"];
    desk.nervecord(&[&head[..], &["none.csv"]].concat()).refused(&["none.csv"]);
    assert!(desk.names().is_empty(), "{:?}", desk.names());

    desk.file("taken/file", "mine");
    make(&desk, "taken", &pico).refused(&["taken", "something of this name"]);
    desk.file("bad.onnx", [1, 2, 3]);
    desk.nervecord(&["new", "a", "--model", "bad.onnx", "--host"]).refused(&["bad.onnx"]);
    assert_eq!(desk.names(), ["bad.onnx", "taken"]);
    assert_eq!(desk.read("taken/file"), "mine");
}
