//! The swimming circuit from every kind of file, against its equations written down once more.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::options::Weights;
use nervecord_codegen::reference::Reference;
use nervecord_codegen::{Compiled, Compiler, import};
use nervecord_plants::RandomState;
use nervecord_tests::state_dict::StateDict;
use tempfile::TempDir;

/// Weights under the names of the published networks without weight sharing.
type Own = BTreeMap<String, f64>;

/// Excitatory and inhibitory parameters, shared and for the two sides.
const NAMES: [[&str; 3]; 6] = [
    ["bneuron_prop", "bneuron_d_prop", "bneuron_v_prop"],
    ["bneuron_osc", "bneuron_d_osc", "bneuron_v_osc"],
    ["bneuron_turn", "bneuron_d_turn", "bneuron_v_turn"],
    ["muscle_ipsi", "muscle_d_d", "muscle_v_v"],
    ["bneuron_speed", "bneuron_d_speed", "bneuron_v_speed"],
    ["muscle_contra", "muscle_d_v", "muscle_v_d"],
];
const INHIBITORY: [&str; 2] = ["bneuron_speed", "muscle_contra"];

/// A swimmer: what the equations say, in reals or in the integers of a number format.
struct Circuit<'a> {
    own: &'a Own,
    joints: usize,
    turning: usize,
    period: usize,
    signed: bool,
    /// Bits of an activation and of a weight's fraction; reals without.
    format: Option<(i32, i32)>,
}

impl Circuit<'_> {
    fn one(&self) -> f64 {
        self.format.map_or(1.0, |(bits, _)| f64::powi(2.0, bits) - 1.0)
    }

    /// A weight as it acts; a name that is not there acts as 0.
    fn weight(&self, name: &str) -> f64 {
        let Some(&w) = self.own.get(name) else { return 0.0 };
        let inhibits = name.contains("_speed")
            || name.starts_with("muscle_d_v")
            || name.starts_with("muscle_v_d");
        let w = match (self.signed, inhibits) {
            (false, _) => w,
            (true, false) => w.max(0.0),
            (true, true) => w.min(0.0),
        };
        self.format.map_or(w, |(_, f)| (w * f64::powi(2.0, f) + 0.5).floor())
    }

    fn neuron(&self, sum: f64) -> f64 {
        let a = match self.format {
            None => sum,
            Some((_, f)) => ((sum + f64::powi(2.0, f - 1)) / f64::powi(2.0, f)).floor(),
        };
        a.clamp(0.0, self.one())
    }

    fn step(&self, x: &[f64], [speed, left, right]: [f64; 3], t: usize) -> Vec<f64> {
        let one = self.one();
        let clamp = |x: f64| x.clamp(0.0, one);
        let head = t % self.period < self.period / 2;
        let torque = |i: usize| {
            let b = |side: &str, felt: f64, swing: bool, turn: f64| {
                let mut sum =
                    (one - clamp(speed)) * self.weight(&format!("bneuron_{side}_speed_{i}"));
                if i > 0 {
                    sum += felt * self.weight(&format!("bneuron_{side}_prop_{i}"));
                } else if swing {
                    sum += one * self.weight(&format!("bneuron_{side}_osc_0"));
                }
                if i < self.turning {
                    sum += clamp(turn) * self.weight(&format!("bneuron_{side}_turn_{i}"));
                }
                self.neuron(sum)
            };
            let angle = if i > 0 { x[i - 1] } else { 0.0 };
            let (bd, bv) = (b("d", clamp(angle), head, right), b("v", clamp(-angle), !head, left));
            let w = |name: &str| self.weight(&format!("muscle_{name}_{i}"));
            let md = self.neuron(bd * w("d_d") + bv * w("d_v"));
            let mv = self.neuron(bv * w("v_v") + bd * w("v_d"));
            md - mv
        };
        (0..self.joints).map(torque).collect()
    }
}

/// The published weights of a swimmer, each as `value` says for its shared name, side and joint.
fn own(joints: usize, turning: usize, controls: bool, mut value: impl FnMut(&str) -> f64) -> Own {
    let mut own = Own::new();
    for [shared, sides @ ..] in NAMES {
        let range = match shared {
            "bneuron_prop" => 1..joints,
            "bneuron_osc" => 0..1,
            "bneuron_turn" if controls => 0..turning,
            "bneuron_speed" if controls => 0..joints,
            "bneuron_turn" | "bneuron_speed" => 0..0,
            _ => 0..joints,
        };
        for (i, side) in range.flat_map(|i| sides.map(|side| (i, side))) {
            own.insert(format!("{side}_{i}"), value(shared));
        }
    }
    own
}

/// A JSON file of its own.
fn json(params: &str, keys: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(r#"{{"format": "ncap-swimmer/1", {keys} "params": {{{params}}}}}"#);
    std::fs::write(folder.path().join("circuit.json"), text).unwrap();
    folder
}

fn entries<V: std::fmt::Display>(weights: impl IntoIterator<Item = (String, V)>) -> String {
    weights.into_iter().map(|(name, w)| format!("\"{name}\": {w}")).collect::<Vec<_>>().join(", ")
}

fn tensors(own: &Own, prefix: &str, config: &str) -> TempDir {
    let mut file = StateDict::default();
    own.iter().for_each(|(name, &w)| file.put(&format!("{prefix}{name}"), &[1], [w as f32]));
    file.folder(config)
}

fn build(path: &Path, weights: Weights) -> Compiled {
    Compiler::new(path).weights(weights).build().unwrap_or_else(|error| panic!("{error}"))
}

/// Runs float reference and integers of both formats against the equations for 150 random steps.
fn check(path: &Path, circuit: &Circuit, seed: u32) {
    for (width, format) in [(Weights::Auto, (15, 12)), (Weights::I8, (7, 5))] {
        let compiled = build(path, width);
        let (graph, program) = (&compiled.graph, &compiled.program);
        let inputs = graph.input_len();
        assert_eq!(graph.output_len(), circuit.joints);
        let mut reference = Reference::new(graph);
        let mut interpreter = Interpreter::new(program);
        let real = Circuit { format: None, ..*circuit };
        let integer = Circuit { format: Some(format), ..*circuit };
        let mut random = RandomState::new(seed);
        for t in 0..150 {
            let mut x: Vec<f64> = (0..circuit.joints).map(|_| random.uniform(-1.1, 1.1)).collect();
            let controls = [0; 3].map(|_| random.uniform(-0.2, 1.2));
            let controls = if inputs > circuit.joints { controls } else { [1.0, 0.0, 0.0] };
            x.extend(controls);
            x.truncate(inputs);
            let found = reference.step(&x).swap_remove(graph.output);
            for (found, expected) in found.iter().zip(real.step(&x, controls, t)) {
                assert!((found - expected).abs() < 1e-12, "step {t}: {found} {expected}");
            }
            let one = integer.one();
            let raw = |x: f64| (x * one).round().clamp(-one, one);
            let (found, _) = interpreter.step_raw(&program.input.to_raws(&x));
            let raws: Vec<f64> = x.iter().map(|&x| raw(x)).collect();
            let expected = integer.step(&raws, controls.map(raw), t);
            let (_, status) = Interpreter::new(program).step(&x);
            for (i, x) in x.iter().enumerate() {
                // 1.0, at which the speed is where nothing else is said, is within.
                assert_eq!(status.saturated(i), (x * one).round().abs() > one, "{x}");
            }
            assert_eq!(found, expected.iter().map(|&u| u as i32).collect::<Vec<_>>(), "step {t}");
        }
    }
}

#[test]
fn any_weights_swim_as_the_equations_say() {
    let mut random = RandomState::new(42);
    for (joints, turning, controls, period) in
        [(5, 1, false, 60), (5, 1, true, 60), (3, 2, true, 7), (9, 4, true, 41), (1, 1, true, 2)]
    {
        for signed in [true, false] {
            let own = own(joints, turning, controls, |_| random.uniform(-2.5, 3.5));
            if (joints, controls) == (5, false) {
                assert_eq!(own.len(), 30);
            }
            // As 32-bit floats, so that both kinds of file hold the same numbers.
            let own: Own = own.into_iter().map(|(name, w)| (name, f64::from(w as f32))).collect();
            let keys = format!(
                r#""oscillator_period": {period}, "use_weight_constraints": {signed}, "use_weight_sharing": false,"#
            );
            let circuit = Circuit { own: &own, joints, turning, period, signed, format: None };
            let folder = json(&entries(own.clone()), &keys);
            check(&folder.path().join("circuit.json"), &circuit, 7);
            let config = format!(r#"{{"format": "ncap-swimmer/1", {keys} "n_joints": {joints}}}"#);
            for prefix in ["", "params.", "actor.swimmer.params."] {
                check(tensors(&own, prefix, &config).path(), &circuit, 8);
            }
        }
    }
}

/// Shared, a joint, a side, and lists: the same circuit under every name.
#[test]
fn weights_may_be_shared_in_every_way() {
    let value = |shared: &str| match INHIBITORY.contains(&shared) {
        true => -0.75,
        false => 1.0 + shared.len() as f64 / 16.0,
    };
    let own = own(4, 4, true, value);
    let circuit =
        Circuit { own: &own, joints: 4, turning: 4, period: 60, signed: true, format: None };
    let names = |names: fn([&'static str; 3]) -> Vec<String>, list: bool| {
        let entry = |all: [&'static str; 3]| {
            let text = match list {
                true => format!("{:?}", [value(all[0]); 4]),
                false => value(all[0]).to_string(),
            };
            names(all).into_iter().map(move |name| (name, text.clone()))
        };
        entries(NAMES.into_iter().flat_map(entry))
    };
    let joints = |[shared, ..]: [&'static str; 3]| {
        let range = match shared {
            "bneuron_prop" => 1..4,
            "bneuron_osc" => 0..1,
            _ => 0..4,
        };
        range.map(|i| format!("{shared}_{i}")).collect()
    };
    for params in [
        names(|[shared, ..]| vec![shared.into()], false),
        names(|[shared, ..]| vec![shared.into()], true),
        names(|[_, d, v]| vec![d.into(), v.into()], false),
        names(|[_, d, v]| vec![d.into(), v.into()], true),
        names(joints, false),
    ] {
        let folder = json(&params, r#""n_joints": 4, "n_turn_joints": 4,"#);
        check(&folder.path().join("circuit.json"), &circuit, 3);
    }
}

#[test]
fn ablated_circuits_need_no_weights_for_what_they_lack() {
    for (lacks, key) in [("_prop", "include_proprioception"), ("_osc", "include_head_oscillators")]
    {
        let mut own =
            own(5, 1, true, |shared| if INHIBITORY.contains(&shared) { -1.0 } else { 1.5 });
        own.retain(|name, _| !name.contains(lacks));
        let config = format!(r#"{{"format": "ncap-swimmer/1", "{key}": false}}"#);
        let circuit =
            Circuit { own: &own, joints: 5, turning: 1, period: 60, signed: true, format: None };
        check(tensors(&own, "params.", &config).path(), &circuit, 5);
        let folder = tensors(&own, "params.", r#"{"format": "ncap-swimmer/1"}"#);
        refused(folder.path(), &["missing", lacks, &key["include_".len()..], "false"]);
    }
}

/// A circuit with two values for something, or with one for nothing, is not guessed at.
#[test]
fn parameters_that_cannot_be_meant_are_refused() {
    let good = own(3, 1, false, |shared| if INHIBITORY.contains(&shared) { -1.0 } else { 1.0 });
    let with = |name: &str, w: &str, keys: &str, parts: &[&str]| {
        let mut text = entries(good.clone());
        let _ = write!(text, ", \"{name}\": {w}");
        let folder = json(&text, keys);
        refused(&folder.path().join("circuit.json"), &[parts, &["circuit.json"]].concat());
    };
    with("muscle_ipsi", "1", "", &["given twice", "`muscle_d_d_0`", "`muscle_ipsi`"]);
    with("muscle_d_d", "1", "", &["given twice", "`muscle_d_d`"]);
    with("muscle_d_d_3", "1", r#""n_joints": 3,"#, &["`muscle_d_d_3`", "0..3", "joint 3"]);
    with("bneuron_d_prop_0", "1", "", &["`bneuron_d_prop_0`", "1..3"]);
    with("bneuron_v_osc_1", "1", "", &["`bneuron_v_osc_1`", "0..1"]);
    with("bneuron_d_turn_1", "1", r#""n_turn_joints": 1,"#, &["`bneuron_d_turn_1`", "0..1"]);
    with("bneuron_d_turn_0", "1", "", &["missing", "`bneuron_v_turn_0`"]);
    with("bneuron_x_prop_1", "1", "", &["does not know", "bneuron_x_prop_1", "bneuron_d_prop"]);
    with("muscle_d_d_01", "1", "", &["does not know", "muscle_d_d_01"]);
    with("bneuron_speed", "[1, 2]", "", &["`bneuron_speed`", "one number, or 3"]);
    with("bneuron_speed", "null", "", &["`bneuron_speed`", "not a number"]);
    with("bneuron_d_speed_0", "[1, 2]", "", &["`bneuron_d_speed_0`", "one number"]);
    with("bneuron_speed", "0", r#""use_weight_sharing": true,"#, &["weight_sharing", "not shared"]);

    let mut two = StateDict::default();
    for (name, &w) in &good {
        two.put(&format!("actor.params.{name}"), &[1], [w as f32]);
        two.put(&format!("target_actor.params.{name}"), &[1], [0.5 * w as f32]);
    }
    two.put("critic.weight", &[2, 2], [0.0; 4]);
    let folder = two.folder(r#"{"format": "ncap-swimmer/1"}"#);
    refused(folder.path(), &["`params`", "actor.params, target_actor.params"]);
    let folder = two.folder(r#"{"format": "ncap-swimmer/1", "params": "actor.params"}"#);
    let circuit =
        Circuit { own: &good, joints: 3, turning: 1, period: 60, signed: true, format: None };
    check(folder.path(), &circuit, 1);
    let notes = import::load(folder.path()).unwrap().graph.notes.join("\n");
    assert!(notes.contains("critic.weight") && notes.contains("target_actor"), "{notes}");
    two.put("actor.params.muscle_d_d_0", &[1], [f32::NAN]);
    let folder = two.folder(r#"{"format": "ncap-swimmer/1", "params": "actor.params"}"#);
    refused(folder.path(), &["muscle_d_d_0", "finite", "NaN"]);
}

/// Weights that leave the number format are refused, and said on which side of which joint.
#[test]
fn weights_past_the_number_format_are_refused() {
    let mut own = own(3, 1, false, |_| 1.0);
    own.insert("muscle_v_v_2".into(), 8.0);
    let folder = json(&entries(own), "");
    let path = folder.path().join("circuit.json");
    let message = Compiler::new(&path).build().map(drop).unwrap_err().to_string();
    for part in ["joint 2, ventral side", "too large", "8"] {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
    assert!(Compiler::new(path).weights(Weights::I8).build().is_ok());
}

fn refused(path: &Path, parts: &[&str]) {
    let message = import::load(path).map(drop).unwrap_err().to_string();
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
}
