//! The same bits on every core, in the same time for every input, and nothing in the firmware that
//! can panic, allocate or compute in floats.
//!
//! These run the emulators. `cargo xtask test` sets those up and runs them; plain `cargo test` lists
//! them as ignored.

use nervecord_cli::emulate::{Board, Firmware, Job, Kind, Measured, Reach, STEP, Seed, emulate};
use nervecord_cli::plants::RandomState;
use nervecord_codegen::options::Weights;
use nervecord_codegen::{Compiled, Compiler};
use nervecord_tests::faults::{Model, Rig};
use nervecord_tests::link::{self, Emulated, Plan};
use nervecord_tests::{connectome, liquid, models, vectors};
use object::{Object, ObjectSection, ObjectSymbol};

/// The digits classifier on its 200 vectors.
fn digits() -> Job {
    let compiler = Compiler::new(models("digits")).calibration(models("digits/calibration.csv"));
    let compiled = compiler.name("model").build().unwrap();
    let raw = |row: &Vec<f64>| compiled.program.input.to_raws(row);
    let rows: Vec<Vec<i32>> = vectors(&compiled, "digits").iter().map(raw).collect();
    assert_eq!(rows.len(), 200);
    Job::of("digits", &compiled, rows).unwrap()
}

/// A circuit on random inputs over all their integers.
fn circuit(name: &str, compiled: &Compiled) -> Job {
    let mut random = RandomState::new(11);
    let mut raw = || random.uniform(-32768.0, 32768.0).floor() as i32;
    let columns = compiled.program.input.features();
    let rows = (0..100).map(|_| (0..columns).map(|_| raw()).collect()).collect();
    Job::of(name, compiled, rows).unwrap()
}

/// Holds that a core has the host's bits, in the same time for every input.
fn measure(board: &Board, job: &Job) -> Measured {
    // Where nothing is set up, this fails with the command that does.
    let measured = emulate(board, job).unwrap_or_else(|error| panic!("{error}"));
    let expected = job.expected.as_ref().unwrap();
    assert_eq!(measured.equal_rows(expected), expected.len(), "{}", job.name);
    assert_eq!(measured.min(), measured.max(), "{}: the time depends on the input", job.name);
    println!("{} on {}: {} instructions", job.name, board.name, measured.max());

    Reach::of(&measured.firmware).unwrap().require(STEP).unwrap();
    let bare = Firmware::build(board, &job.module, Kind::Bare).unwrap();
    Reach::of(&bare).unwrap().require_all().unwrap();
    measured
}

#[test]
#[cfg_attr(not(feature = "emulated"), ignore = "needs emulators: run `cargo xtask test`")]
fn what_may_not_be_in_an_image_is_found_in_it() {
    let compiled = swimmer();
    for board in ["qemu-cortex-m0", "qemu-cortex-m4", "qemu-cortex-m55", "qemu-riscv32"] {
        let board = Board::find(board).unwrap();
        for (seed, why) in
            [(Seed::Panic, "a panic in"), (Seed::Float, "a float in"), (Seed::Heap, "the heap in")]
        {
            let image = Firmware::build(&board, &compiled.module(), Kind::Seeded(seed)).unwrap();
            let refused = Reach::of(&image).unwrap().require_all().unwrap_err().to_string();
            println!("{}: {refused}", board.name);
            assert!(refused.contains(why), "{refused}");
        }
    }
}

/// A bit of a table that has turned over in flash keeps the model out of charge from the first period on.
#[test]
#[cfg_attr(not(feature = "emulated"), ignore = "needs emulators: run `cargo xtask test`")]
fn a_damaged_table_in_flash_is_safe_from_the_start() {
    let mut compiled = Model::Liquid.compile().unwrap();
    compiled.program.guard.as_mut().unwrap().tables = Some(64);
    let plan = Plan::clean(50);
    for board in ["qemu-cortex-m4", "qemu-riscv32"] {
        let board = Board::find(board).unwrap();
        let image = Firmware::build(&board, &compiled.module(), Kind::Linked).unwrap();
        let safe = |image: Firmware| {
            let mut core = Emulated::of(&board, image, &plan.settings).unwrap();
            let mut rig = Rig::new(Model::Liquid, 100);
            let run = link::run(&plan, &compiled.program, &mut rig, &mut core, |_, _| {}).unwrap();
            (run.safe_answers, run.driven.iter().all(|y| y == &[0]))
        };
        assert_eq!(safe(image.clone()), (0, false), "{}", board.name);
        for (table, bit) in [("LAYER_0_FF1_PACKED", 5), ("LAYER_0_FF1_TANH_PIECES", 4099)] {
            let mut damaged = image.clone();
            let at = place(&image.elf, table);
            damaged.elf[at + bit / 8] ^= 1 << (bit % 8);
            assert_eq!(safe(damaged), (50, true), "{}: {table}", board.name);
        }
    }
}

/// Where a static's first byte is in an ELF file.
fn place(elf: &[u8], name: &str) -> usize {
    let file = object::File::parse(elf).unwrap();
    let mut statics = file.symbols().filter(|s| s.kind() == object::SymbolKind::Data);
    let symbol = statics.find(|s| s.name().unwrap().contains(name)).unwrap();
    let section = file.section_by_index(symbol.section_index().unwrap()).unwrap();
    let (start, _) = section.file_range().unwrap();
    (start + symbol.address() - section.address()) as usize
}

#[test]
#[cfg_attr(not(feature = "emulated"), ignore = "needs emulators: run `cargo xtask test`")]
fn stack_by_the_instructions_is_stack_by_the_compiler() {
    let compiled = digits();
    for board in Board::all().unwrap() {
        let image = Firmware::build(&board, &compiled.module, Kind::Measuring).unwrap();
        let reach = Reach::of(&image).unwrap();
        let sizes = reach.sizes();
        assert!(sizes.len() > 10, "{}: {} functions", board.name, sizes.len());
        for (function, compiled, decoded) in sizes {
            let name = function.name();
            assert!(decoded >= compiled, "{}, {name}: {decoded} of {compiled}", board.name);
        }
    }
}

/// A swimmer of five joints with any weights and controls.
fn swimmer() -> Compiled {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.json");
    let text = r#"{"format": "ncap-swimmer/1", "n_joints": 5, "params": {
        "bneuron_prop": [0, 1.1, 0.9, 1.2, 0.8], "bneuron_osc": 1.5, "bneuron_speed": -0.7, "bneuron_turn": 0.4,
        "muscle_d_d": 1.25, "muscle_v_v": [1.0, 1.1, 1.2, 1.3, 1.4], "muscle_contra": -0.5}}"#;
    std::fs::write(&path, text).unwrap();
    Compiler::new(path).name("model").build().unwrap_or_else(|error| panic!("{error}"))
}

/// The instructions that a step of each circuit may take on a core.
struct Most {
    swimmer: u64,
    cfc: u64,
    ltc: u64,
    connectome: u64,
}

fn check_circuits(board: &str, most: &Most) {
    let board = Board::find(board).unwrap();
    let cfc = liquid::wired(28, [16, 11, 1], 4, "default", 1.0, 0.4);
    let ltc = liquid::ltc(16, [16, 1], 4, 1.0, 1.0);
    for (name, compiled, most) in [
        ("swimmer", &swimmer(), most.swimmer),
        ("wired CfC, 28 neurons", &cfc.compile(&mut RandomState::new(1), Weights::Auto), most.cfc),
        ("wired LTC, 16 neurons", &ltc.compile(&mut RandomState::new(2), Weights::Auto), most.ltc),
    ] {
        let measured = measure(&board, &circuit(name, compiled));
        assert!(measured.max() <= most, "{name}: {} instructions", measured.max());
    }
    let measured = measure(&board, &circuit("connectome", &connectome::compile()));
    assert!(measured.max() <= most.connectome, "connectome: {} instructions", measured.max());
    assert!(measured.code_bytes + measured.table_bytes <= 16 * 1024, "{}", measured.code_bytes);
    assert!(measured.ram_bytes <= 1024, "{}", measured.ram_bytes);
}

fn check(board: &str) {
    measure(&Board::find(board).unwrap(), &digits());
}

/// A test a board.
macro_rules! boards {
    ($($name:ident: $board:literal,)*) => {$(
        #[test]
        #[cfg_attr(not(feature = "emulated"), ignore = "needs emulators: run `cargo xtask test`")]
        fn $name() {
            check($board);
        }
    )*};
}

boards! {
    cortex_m4f_is_the_host: "qemu-cortex-m4",
    cortex_m0_is_the_host: "qemu-cortex-m0",
    rv32imac_is_the_host: "qemu-riscv32",
}

#[test]
#[cfg_attr(not(feature = "emulated"), ignore = "needs emulators: run `cargo xtask test`")]
fn circuits_are_fast_on_cortex_m4f() {
    let most = Most { swimmer: 450, cfc: 25_000, ltc: 22_000, connectome: 170_000 };
    check_circuits("qemu-cortex-m4", &most);
}

#[test]
#[cfg_attr(not(feature = "emulated"), ignore = "needs emulators: run `cargo xtask test`")]
fn circuits_are_fast_on_cortex_m0() {
    let most = Most { swimmer: 900, cfc: 25_000, ltc: 80_000, connectome: 270_000 };
    check_circuits("qemu-cortex-m0", &most);
}
