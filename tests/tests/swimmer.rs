//! The swimming circuit: its integers step by step, and what it does in the water.

use std::path::{Path, PathBuf};

use nervecord_codegen::data::Data;
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::options::Weights;
use nervecord_codegen::reference::Reference;
use nervecord_codegen::{Compiled, Compiler};
use nervecord_plants::{RandomState, Swimmer};

const SEEDS: std::ops::Range<u32> = 1000..1020;
const TRAINED: [f64; 4] = [2.162439, 0.472832, 1.289354, -0.018103];
const UNTRAINED: [f64; 4] = [1.0, 1.0, 1.0, -1.0];

/// A circuit written to a file of its own, with further keys.
fn circuit(weights: [f64; 4], joints: usize, keys: &str) -> (tempfile::TempDir, PathBuf) {
    let [prop, osc, ipsi, contra] = weights;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("circuit.json");
    let text = format!(
        r#"{{"format": "ncap-swimmer/1", "n_joints": {joints}, {keys}
            "params": {{"bneuron_prop": {prop}, "bneuron_osc": {osc}, "muscle_ipsi": {ipsi}, "muscle_contra": {contra}}}}}"#
    );
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn compiled(weights: [f64; 4], joints: usize, keys: &str, width: Weights) -> Compiled {
    let (_folder, path) = circuit(weights, joints, keys);
    Compiler::new(path).weights(width).build().unwrap()
}

/// The return of an episode with the float circuit.
fn float_return(compiled: &Compiled, seed: u32) -> f64 {
    let graph = &compiled.graph;
    let mut reference = Reference::new(graph);
    let joints = graph.output_len();
    Swimmer::seeded(joints, seed).episode(|x| reference.step(x).swap_remove(graph.output))
}

/// The return of an episode with the integers.
fn fixed_return(compiled: &Compiled, seed: u32) -> f64 {
    let mut interpreter = Interpreter::new(&compiled.program);
    let joints = compiled.graph.output_len();
    Swimmer::seeded(joints, seed).episode(|x| interpreter.step(x).0)
}

fn mean(returns: &[f64]) -> f64 {
    returns.iter().sum::<f64>() / returns.len() as f64
}

/// Runs a job for each seed on both cores of a small machine.
fn for_seeds<T: Send>(job: impl Fn(u32) -> T + Sync) -> Vec<T> {
    let seeds: Vec<u32> = SEEDS.collect();
    let (first, second) = seeds.split_at(seeds.len() / 2);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| second.iter().map(|&s| job(s)).collect::<Vec<T>>());
        let mut all: Vec<T> = first.iter().map(|&s| job(s)).collect();
        all.extend(other.join().unwrap());
        all
    })
}

fn table(name: &str) -> Data {
    Data::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data/ncap").join(name)).unwrap()
}

fn column(data: &Data, name: &str) -> usize {
    data.columns.iter().position(|c| c == name).unwrap()
}

#[test]
fn integers_equal_the_golden_file_on_every_step() {
    let golden = table("golden.csv");
    for (set, weights) in [(0.0, UNTRAINED), (1.0, TRAINED)] {
        for (width, first) in [(Weights::Auto, "q15_0"), (Weights::I8, "q7_0")] {
            let compiled = compiled(weights, 5, "", width);
            let mut interpreter = Interpreter::new(&compiled.program);
            let (x, first) = (column(&golden, "x0"), column(&golden, first));
            for (step, row) in golden.rows.iter().filter(|row| row[0] == set).enumerate() {
                let raw = compiled.program.input.to_raws(&row[x..x + 5]);
                let (found, _) = interpreter.step_raw(&raw);
                let expected: Vec<i32> = row[first..first + 5].iter().map(|&u| u as i32).collect();
                assert_eq!(found, expected, "{width:?}, step {step}");
            }
        }
    }
}

/// Float and integer controllers side by side, against returns measured in MuJoCo.
#[test]
fn returns_are_those_of_the_published_plant() {
    let expected = table("returns.csv");
    for (name, weights, least) in [("default", UNTRAINED, 790.0), ("trained", TRAINED, 920.0)] {
        let wide = compiled(weights, 5, "", Weights::Auto);
        let narrow = compiled(weights, 5, "", Weights::I8);
        let returns = for_seeds(|seed| {
            [float_return(&wide, seed), fixed_return(&wide, seed), fixed_return(&narrow, seed)]
        });
        let want = column(&expected, &format!("{name}_f64"));
        for ((returns, row), seed) in returns.iter().zip(&expected.rows).zip(SEEDS) {
            let [float, wide, narrow] = *returns;
            assert!((float - row[want]).abs() <= 0.01, "{name} {seed}: {float} {}", row[want]);
            assert!((wide - float).abs() <= 0.05, "{name} {seed}: {wide} {float}");
            assert!((narrow - float).abs() <= 1.0, "{name} {seed}: {narrow} {float}");
        }
        for k in 0..3 {
            let mean = mean(&returns.iter().map(|r| r[k]).collect::<Vec<_>>());
            assert!(mean >= least, "{name}: {mean}");
        }
    }
}

#[test]
fn the_circuit_swims_with_other_numbers_of_joints() {
    let published: [(usize, f64, Option<f64>); 5] = [
        (3, 339.0, Some(658.0)),
        (7, 905.0, Some(964.0)),
        (9, 911.0, None),
        (11, 905.0, Some(969.0)),
        (13, 916.0, None),
    ];
    for (joints, untrained, trained) in published {
        for (weights, expected) in [(UNTRAINED, Some(untrained)), (TRAINED, trained)] {
            let Some(expected) = expected else { continue };
            let compiled = compiled(weights, joints, "", Weights::Auto);
            let mean = mean(&for_seeds(|seed| fixed_return(&compiled, seed)));
            println!("{joints} joints: {mean:.1}, published {expected}");
            assert!((mean / expected - 1.0).abs() <= 0.01, "{joints} joints: {mean}");
        }
    }
}

#[test]
fn what_is_no_swimmer_does_not_swim() {
    let blind = compiled(UNTRAINED, 5, r#""proprioception": false,"#, Weights::Auto);
    let still = compiled(UNTRAINED, 5, r#""head_oscillators": false,"#, Weights::Auto);
    let whole = compiled(UNTRAINED, 5, "", Weights::Auto);
    let random = |seed| {
        let mut random = RandomState::new(seed + 1);
        Swimmer::seeded(5, seed).episode(|_| (0..5).map(|_| random.uniform(-1.0, 1.0)).collect())
    };
    let wired = |change: fn(&mut Vec<f64>)| {
        let whole = &whole;
        move |seed| {
            let mut interpreter = Interpreter::new(&whole.program);
            Swimmer::seeded(5, seed).episode(|x| {
                let mut u = interpreter.step(x).0;
                change(&mut u);
                u
            })
        }
    };
    let controls: [(&str, &(dyn Fn(u32) -> f64 + Sync)); 5] = [
        ("no proprioception", &|seed| fixed_return(&blind, seed)),
        ("no oscillator", &|seed| fixed_return(&still, seed)),
        ("random torques", &random),
        ("flipped signs", &wired(|u| u.iter_mut().for_each(|u| *u = -*u))),
        ("reversed joints", &wired(|u| u.reverse())),
    ];
    for (name, control) in controls {
        let mean = mean(&for_seeds(control));
        println!("{name}: {mean:.1}");
        assert!(mean <= 250.0, "{name}: {mean}");
    }
}
