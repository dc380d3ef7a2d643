//! Recurrent networks and circuits: how near to float they stay, and what is refused.

use nervecord_codegen::data::Vectors;
use nervecord_codegen::import::circuit::Circuit;
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::reference::run_with_states;
use nervecord_codegen::verify::{Verification, verify};
use nervecord_codegen::{Compiled, Compiler, import, report};
use nervecord_tests::{connectome, models};
use std::fmt::Write;

fn refused(text: &str, parts: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("circuit.toml");
    std::fs::write(&path, text).unwrap();
    let message = import::load(&path).map(drop).unwrap_err().to_string();
    for part in parts.iter().chain(&["circuit.toml"]) {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
}

/// A circuit of `neurons` in a ring, `substeps` updates a step.
fn ring(kind: &str, neurons: usize, substeps: usize) -> String {
    let mut text = format!("substeps = {substeps}\n[[inputs]]\nname = \"in\"\n");
    for i in 0..neurons {
        let _ = writeln!(text, "[[neurons]]\nname = \"n{i}\"\nkind = \"{kind}\"");
        let (from, to) = (format!("n{i}"), format!("n{}", (i + 1) % neurons));
        let _ = writeln!(text, "[[synapses]]\nfrom = \"{from}\"\nto = \"{to}\"\nweight = 9.0");
    }
    text + "[[outputs]]\nname = \"y0\"\nplus = [\"n0\"]\n"
}

/// Neurons times substeps: time and memory grow as they do, up to a size that is told. A matrix of these neurons would be
/// 3 GB.
#[test]
fn a_large_circuit_is_read_up_to_a_size_that_is_told() {
    let circuit = Circuit::parse(&ring("threshold", 20_000, 1)).unwrap();
    assert_eq!(report::circuit::render(&circuit).lines().count(), 20_000 + 6);
    let graph = import::circuit::build(&circuit, "ring").unwrap();
    assert_eq!(graph.tensors[graph.states[0].previous].len(), 20_000);
    let parts = ["too large", "`substeps`", "302 x 303 x 255 = 23334030", "2097152", "a loop"];
    refused(&ring("clamp", 302, 255), &parts);
    assert!(Circuit::parse(&ring("clamp", 302, 22)).is_ok());
}

#[test]
fn a_name_of_any_length_is_shown_on_one_line() {
    let long = "n".repeat(65_536);
    let text = ring("clamp", 3, 1).replace("\"n1\"", &format!("\"{long}\""));
    let text = text.replace("\"n2\"", "\"\\u001b[2J\\n\"");
    let circuit = Circuit::parse(&text).unwrap();
    for shown in [report::circuit::render(&circuit), report::svg(&circuit)] {
        assert!(!shown.contains('\u{1b}') && shown.contains("nnn...nnn"), "{shown}");
        assert!(shown.lines().all(|line| line.chars().count() < 1000));
    }
}

const HEAD: &str = "[[inputs]]\nname = \"in\"\n[[neurons]]\nname = \"a\"\nkind = \"clamp\"\n\
    [[outputs]]\nname = \"y0\"\nplus = [\"a\"]\n";

fn with(more: &str) -> String {
    format!("{HEAD}{more}")
}

#[test]
fn a_circuit_that_contradicts_itself_is_refused_by_name() {
    let synapse = |text: &str| with(&format!("[[synapses]]\n{text}\n"));
    refused(&synapse("from = \"in\"\nto = \"b\"\nweight = 1.0"), &["in -> b", "`b`", "a neuron"]);
    refused(&synapse("from = \"c\"\nto = \"a\"\nweight = 1.0"), &["c -> a", "`c`"]);
    refused(
        &synapse("from = \"in\"\nto = \"a\"\nweight = 1.0\nsign = \"inhibitory\""),
        &["in -> a", "contradicts its sign", "at most 0"],
    );
    refused(&synapse("from = \"in\"\nto = \"a\"\nweight = nan"), &["in -> a", "NaN", "`weight`"]);
    refused(&synapse("from = \"in\"\nto = \"a\""), &["in -> a", "neither"]);
    refused(&synapse("from = \"in\"\nto = \"a\"\nparameter = \"p\""), &["in -> a", "`p`"]);
    refused(&with("[[neurons]]\nname = \"a\"\nkind = \"clamp\"\n"), &["`a`", "given twice"]);
    refused(
        &with("[[neurons]]\nname = \"b\"\nkind = \"sigmoid\"\n"),
        &["neuron `b`", "mixes kinds"],
    );
    for (key, value) in
        [("period", "0"), ("period", "40000"), ("duty", "1.5"), ("duty", "nan"), ("phase", "9")]
    {
        let period = if key == "period" { "" } else { "period = 9\n" };
        let oscillator = format!("[[oscillators]]\nname = \"o\"\n{period}{key} = {value}\n");
        refused(&with(&oscillator), &["oscillator `o`", key]);
    }
    refused(
        &with("[[inputs]]\nname = \"i\"\nsaturation = [1.0, 1.0]\n"),
        &["input `i`", "saturation"],
    );
    refused(&with("[[inputs]]\nname = \"i\"\nscale = nan\n"), &["input `i`", "`scale`", "NaN"]);
    refused(&with("[[inputs]]\nname = \"a\"\n"), &["`a`", "given twice"]);
    refused(&with("[[outputs]]\nname = \"y1\"\nplus = [\"z\"]\n"), &["output `y1`", "`z`"]);
    refused(
        &with("[[gap_junctions]]\nbetween = [\"a\", \"b\"]\nweight = 1.0\n"),
        &["gap junction a - b", "sigmoid"],
    );
    refused(
        &with(
            "[parameters]\nw = -1.0\n[[synapses]]\nfrom = \"in\"\nto = \"a\"\nparameter = \"w\"\nsign = \"excitatory\"\n",
        ),
        &["in -> a", "contradicts its sign", "at least 0"],
    );
    refused(
        &with("[[neurons]]\nname = \"b\"\nkind = \"clamp\"\nbias = inf\n"),
        &["neuron `b`", "inf"],
    );
    refused(
        &with("[[neurons]]\nname = \"b\"\nkind = \"clamp\"\nweigth = 1\n"),
        &["weigth", "line"],
    );
    refused("substeps = 0\n", &["at least one entry"]);
    refused("this is not toml", &["cannot be read"]);
}

/// A ring of three: everyone passes on what the one before had before the update.
#[test]
fn all_neurons_change_together_whatever_their_order() {
    let ring = |order: [usize; 3]| {
        let mut text = String::from("[[inputs]]\nname = \"in\"\n");
        for i in order {
            let _ = write!(text, "[[neurons]]\nname = \"n{i}\"\nkind = \"clamp\"\n");
            let _ = write!(
                text,
                "[[synapses]]\nfrom = \"n{i}\"\nto = \"n{}\"\nweight = 1.0\n",
                (i + 1) % 3
            );
        }
        text += "[[synapses]]\nfrom = \"in\"\nto = \"n0\"\nweight = 1.0\n\
                 [[outputs]]\nname = \"y0\"\nplus = [\"n2\"]\n";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("circuit.toml");
        std::fs::write(&path, text).unwrap();
        let compiled = Compiler::new(&path).build().unwrap();
        let mut host = Interpreter::new(&compiled.program);
        let steps = (0..7).map(|t| host.step(&[f64::from(u8::from(t == 0))]).0[0]);
        steps.map(|y| (y * 100.0).round() / 100.0).collect::<Vec<f64>>()
    };
    let expected = [0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0];
    assert_eq!(ring([0, 1, 2]), expected);
    assert_eq!(ring([2, 0, 1]), expected);
}

/// The outputs of a circuit, float and integer, for each row.
fn run(text: &str, rows: &[Vec<f64>]) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("circuit.toml");
    std::fs::write(&path, text).unwrap();
    let compiled = Compiler::new(&path).build().unwrap_or_else(|error| panic!("{error}"));
    let (float, _) = run_with_states(&compiled.source.graph, rows);
    let mut host = Interpreter::new(&compiled.program);
    (float, rows.iter().map(|row| host.step(row).0).collect())
}

/// A ring of clamp neurons with a few synapses each takes a word a synapse, not one a pair of neurons.
#[test]
fn only_live_synapses_are_stored() {
    let text = |n: usize| {
        let mut text = String::from("[[inputs]]\nname = \"in\"\n");
        for i in 0..n {
            let _ = write!(text, "[[neurons]]\nname = \"n{i}\"\nkind = \"clamp\"\nbias = 0.1\n");
            for (j, weight) in [(1, 0.5), (5, -0.25), (7, 0.25)] {
                let _ = write!(
                    text,
                    "[[synapses]]\nfrom = \"n{i}\"\nto = \"n{}\"\nweight = {weight}\n",
                    (i + j) % n
                );
            }
        }
        text + "[[synapses]]\nfrom = \"in\"\nto = \"n0\"\nweight = 1.0\n\
                [[outputs]]\nname = \"y0\"\nplus = [\"n1\"]\nminus = [\"n6\"]\n"
    };
    let bytes = |n: usize| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("circuit.toml");
        std::fs::write(&path, text(n)).unwrap();
        Compiler::new(&path).build().unwrap().program.table_bytes()
    };
    let (small, large) = (bytes(100), bytes(200));
    assert!(large < 200 * 24, "{large} bytes");
    assert!(large < small * 21 / 10, "{small} and {large} bytes");
    let rows: Vec<Vec<f64>> = (0..60).map(|t| vec![f64::from(t % 7) / 6.0]).collect();
    let (float, fixed) = run(&text(100), &rows);
    for (float, fixed) in float.iter().flatten().zip(fixed.iter().flatten()) {
        assert!((float - fixed).abs() < 1e-3, "{float} {fixed}");
    }
    assert!(float.iter().flatten().any(|y| y.abs() > 0.1));
}

/// Period, duty and phase of every oscillator, seen through neurons of each kind.
#[test]
fn oscillators_keep_their_period_duty_and_phase() {
    let waves = [(60, 0.5, 0), (7, 0.3, 5), (7, 0.3, 0), (1, 1.0, 0), (5, 0.0, 2), (9, 1.0, 8)];
    for (kind, weight) in [("clamp", "1.0"), ("threshold", "31")] {
        let mut text = String::from("[[inputs]]\nname = \"in\"\n");
        for (i, (period, duty, phase)) in waves.iter().enumerate() {
            let _ = write!(
                text,
                "[[oscillators]]\nname = \"o{i}\"\nperiod = {period}\nduty = {duty}\nphase = {phase}\n\
                 [[neurons]]\nname = \"n{i}\"\nkind = \"{kind}\"\n\
                 [[synapses]]\nfrom = \"o{i}\"\nto = \"n{i}\"\nweight = {weight}\n\
                 [[outputs]]\nname = \"y{i}\"\nplus = [\"n{i}\"]\n"
            );
        }
        let (float, fixed) = run(&text, &vec![vec![0.0]; 150]);
        for (t, (float, fixed)) in float.iter().zip(&fixed).enumerate() {
            for (i, (period, duty, phase)) in waves.iter().enumerate() {
                let on = (t + phase) % period < (*period as f64 * duty).round() as usize;
                // A threshold neuron holds what it gained until the next step.
                let expected = f64::from(u8::from(on)) * weight.parse::<f64>().unwrap();
                assert_eq!(float[i], expected, "{kind}, wave {i}, step {t}");
                assert!(
                    (fixed[i] - expected).abs() < 2e-4,
                    "{kind}, wave {i}, step {t}: {fixed:?}"
                );
            }
        }
    }
}

fn bundled(name: &str) -> (Compiled, Verification) {
    let folder = models(name);
    let calibration = folder.join("calibration.csv");
    let compiled = Compiler::new(&folder).calibration(calibration).build().unwrap();
    let vectors = Vectors::read(&compiled.graph, &folder.join("vectors.csv"), None).unwrap();
    let verdict = verify(&compiled, &vectors);
    (compiled, verdict)
}

#[test]
fn a_liquid_network_stays_within_a_thousandth_of_float() {
    let (_, verdict) = bundled("cfc_cartpole");
    assert!(verdict.passed, "{:?}", verdict.faults);
    assert!(verdict.state_max_error.unwrap() < 1e-3, "{:?}", verdict.state_max_error);
    assert!(verdict.max_error < 1e-3);
}

#[test]
fn a_circuit_of_conductances_stays_within_a_thousandth_of_its_range() {
    let (compiled, verdict) = bundled("tap_withdrawal");
    assert!(verdict.passed, "{:?}", verdict.faults);
    // Potentials span 90 mV.
    assert!(verdict.state_max_error.unwrap() < 0.09, "{:?}", verdict.state_max_error);
    assert!(compiled.program.ram_bytes() <= 256);
}

#[test]
fn a_connectome_fits_the_smallest_core_and_counts_exactly() {
    let compiled = connectome::compile();
    let program = &compiled.program;
    assert!(program.table_bytes() < 12_000, "{}", program.table_bytes());
    assert!(program.ram_bytes() <= 1024, "{}", program.ram_bytes());
    let rows: Vec<Vec<f64>> = (0..100)
        .map(|t| (0..8).map(|i| f64::from(u8::from((t / (i + 3)) % 3 == 1))).collect())
        .collect();
    let (float, _) = run_with_states(&compiled.source.graph, &rows);
    let mut host = Interpreter::new(program);
    let mut moved = false;
    for (row, float) in rows.iter().zip(&float) {
        for (fixed, float) in host.step(row).0.iter().zip(float) {
            let scale = f64::powi(2.0, -(program.output.fracs[0] as i32));
            assert!((fixed - float).abs() <= scale.max(0.5), "{fixed} {float}");
            moved |= *float != 0.0;
        }
    }
    assert!(moved, "the inputs reach the outputs");
}

/// A model of the tests with one key of its configuration changed.
fn refused_config(model: &str, change: impl Fn(&mut serde_json::Value), parts: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(models(model)).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let path = folder.path().join("config.json");
    let mut config = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut config);
    std::fs::write(&path, config.to_string()).unwrap();
    let message = import::load(folder.path()).map(drop).unwrap_err().to_string();
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    refused_config("cfc_cartpole", |c| c["mode"] = "fast".into(), &["`mode`", "no_gate"]);
    refused_config("cfc_cartpole", |c| c["timespan"] = 0.into(), &["`timespan`", "positive"]);
    refused_config("cfc_cartpole", |c| c["format"] = "cfc_dense".into(), &["rnn_cell.ff1.weight"]);
    // The flag is looked for before any tensor.
    refused_config(
        "cfc_cartpole",
        |c| c["format"] = "ltc".into(),
        &["implicit_param_constraints", "LTCCell"],
    );
    refused_config(
        "ncap_swimmer",
        |c| c["oscillator_period"] = 0.into(),
        &["oscillator_period", "32767"],
    );
    refused_config("ncap_swimmer", |c| c["params"] = "none".into(), &["`none`", "bneuron_prop"]);
}
