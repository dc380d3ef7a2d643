//! Inputs by name: what lies outside its own range, is no number or was not given is told, by modules and
//! by the host alike, and the outputs are those of the same integers.

use nervecord::fixed::types::{I2F14, I16F16};
use nervecord::{Controller, FloatStep, RawStep, Status};
use nervecord_codegen::graph::{Dense, Graph, Layer};
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::options::Weights;
use nervecord_tests::{bundled, network};

mod made {
    include!(concat!(env!("OUT_DIR"), "/mixed.rs"));
    include!(concat!(env!("OUT_DIR"), "/actor.rs"));
}

include!("../../models/policy/policy.rs");
include!("../../models/ncap_swimmer/ncap_swimmer.rs");

use made::actor;
use made::mixed::{self, input};

/// Values in the middle of their ranges.
const SOUND: [f32; 4] = [0.001, 50.0, 5000.0, 300.5];

#[test]
fn every_name_is_a_constant_of_its_own() {
    assert_eq!([input::JOINT_ANGLE, input::JOINT_ANGLE_2, input::NAMES_2], [0, 1, 2]);
    assert_eq!(input::NAMES[input::INPUT_7TH_C], "7th °C");
    assert_eq!((mixed::output::Y1, mixed::output::NAMES), (1, ["y0", "y1"]));
}

#[test]
fn several_inputs_and_outputs_have_the_files_names() {
    let mut reading = actor::Reading::new();
    reading.set(actor::input::OBS_0, 0.5_f32);
    reading.set(actor::input::OBS_1, -0.5_f32);
    reading.set(actor::input::COMMAND_0, 0.25_f32);
    let mut model = actor::Actor::new();
    let output = model.step_reading(&reading);
    assert!(!model.status().any());
    // `type` is a word of Rust's; each output has its own number format.
    let action = actor::output::model_type(&output).map(|y| y.to_num::<f64>());
    let [value] = actor::output::value(&output).map(|y| y.to_num::<f64>());
    assert!((action[0] - 0.125).abs() < 1e-3 && (action[1] - 0.3125).abs() < 1e-3, "{action:?}");
    assert!((value - 125.0).abs() < 0.1, "{value}");
    assert_eq!((actor::output::VALUE_0, actor::output::NAMES[1]), (2, "type.1"));
}

#[test]
fn one_way_to_write_inputs_serves_formats_that_differ() {
    const KELVIN: mixed::Counts = mixed::counts(input::INPUT_7TH_C, 0.01, 273.15);
    let mut reading = mixed::Reading::new();
    reading.set(input::JOINT_ANGLE, I2F14::from_num(0.005));
    reading.set(input::JOINT_ANGLE_2, 50.0_f32);
    reading.set(input::NAMES_2, I16F16::from_num(-5000));
    reading.count(&KELVIN, 2735_i16); // 300.5
    let mut model = mixed::Mixed::new();
    let [y0, _] = model.step_reading(&reading);
    assert!(!model.status().any());
    let real = 50.0 * 0.005 + 0.005 * 50.0 - 2.5e-5 * 5000.0 + 0.5 * 300.5 - 150.0;
    assert!((y0.to_num::<f64>() - real).abs() < 0.01, "{y0} for {real}");
}

#[test]
fn each_input_has_its_own_range() {
    let mut model = mixed::Mixed::new();
    model.step_reading(&mixed::input(&SOUND));
    assert!(!model.status().any());
    // Far inside the format, outside the range with its margin of 1.25 about the middle.
    for (i, beyond) in [(0, 0.0126), (1, -13.0), (1, 113.0), (2, -25_100.0), (3, 299.8), (3, 301.2)]
    {
        let mut values = SOUND;
        values[i] = beyond;
        model.step_reading(&mixed::input(&values));
        assert_eq!(model.status().bits(), 1 << i, "{beyond} in {}", input::NAMES[i]);
    }
    for (i, within) in [(0, 0.0124), (1, -12.0), (1, 112.0), (2, -24_900.0), (3, 299.9), (3, 301.1)]
    {
        let mut values = SOUND;
        values[i] = within;
        model.step_reading(&mixed::input(&values));
        assert_eq!(model.status().bits(), 0, "{within} in {}", input::NAMES[i]);
    }
}

#[test]
fn no_number_acts_as_the_middle_and_is_told() {
    let mut model = mixed::Mixed::new();
    let expected = model.step_f32(&[0.0, 50.0, 0.0, 300.5]);
    assert_eq!(model.status(), Status::new());
    assert_eq!(model.step_f32(&[f32::NAN; 4]), expected);
    assert_eq!((model.status().bits(), model.status().invalid_bits()), (0, 0b1111));
    // Nothing given is the same.
    model.step_reading(&mixed::Reading::new());
    assert_eq!((model.status().bits(), model.status().invalid_bits()), (0, 0b1111));
    model.step_f32(&[f32::INFINITY, 50.0, f32::NEG_INFINITY, 300.5]);
    assert_eq!((model.status().bits(), model.status().invalid_bits()), (0b0101, 0));
    model.step_raw(&[0; 4]);
    assert_eq!(model.status().invalid_bits(), 0);
}

#[test]
fn the_host_gives_the_status_of_the_module() {
    let compiled = bundled("policy");
    let mut host = Interpreter::new(&compiled.program);
    let mut model = policy::Policy::new();
    let values = [0.0, 0.5, 0.9, 1.0, 1.3, 1.999, 2.0, 3.0, f32::NAN, f32::INFINITY];
    for (k, &special) in values.iter().enumerate() {
        let mut row = [0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7, -0.8];
        row[k % 8] = special;
        row[(k + 3) % 8] = -special;
        let output = model.step_f32(&row);
        let (expected, status) = host.step(&row.map(f64::from));
        assert_eq!(model.status(), status, "{row:?}");
        let expected: Vec<f32> = expected.iter().map(|&y| y as f32).collect();
        assert_eq!(output.to_vec(), expected);
    }
}

#[test]
fn a_status_begins_at_the_ends_of_the_models_ranges() {
    let ranges = <policy::Policy as RawStep<8, 2>>::INPUT_RANGES;
    assert_eq!(ranges, &policy::RANGES);
    let mut model = policy::Policy::new();
    for (i, [low, high]) in policy::RANGES.into_iter().enumerate() {
        let middle = policy::RANGES.map(|[low, high]| low.midpoint(high) as i16);
        for (x, outside) in [(low - 1, true), (low, false), (high, false), (high + 1, true)] {
            let mut input = middle;
            input[i] = x as i16;
            model.step_raw(&input);
            assert_eq!(model.status().bits(), u32::from(outside) << i);
        }
    }
}

/// A sum of features of which each has its own range, some beyond the 32nd.
fn sum(ranges: &[f64]) -> nervecord_codegen::Compiled {
    let mut graph = Graph::new("sum", "x", ranges.len());
    let weights = vec![vec![1.0; ranges.len()]];
    graph.push("dense", Layer::Dense(Dense::new(weights, vec![0.0])), &[0]).unwrap();
    let row = |i: usize| {
        let at = |(j, range): (usize, &f64)| range * ((i * (1 + j % 40) % 41) as f64 / 20.0 - 1.0);
        ranges.iter().enumerate().map(at).collect()
    };
    let rows: Vec<Vec<f64>> = (0..41).map(row).collect();
    network::compile(graph, Weights::I8, &rows).unwrap()
}

#[test]
fn a_small_feature_in_a_large_format_is_watched() {
    let compiled = sum(&[124.0, 16_000.0]);
    let mut host = Interpreter::new(&compiled.program);
    assert!(!host.step(&[124.0, 16_000.0]).1.any());
    assert_eq!(host.step(&[16_000.0, 0.0]).1.bits(), 0b01);
    assert_eq!(host.step(&[0.0, 21_000.0]).1.bits(), 0b10);
    let many: Vec<f64> = (0..80).map(|i| f64::from(1 + i % 7)).collect();
    let compiled = sum(&many);
    let mut host = Interpreter::new(&compiled.program);
    for (i, &range) in many.iter().enumerate() {
        let mut row = vec![0.0; many.len()];
        row[i] = range * 1.24;
        assert_eq!(host.step(&row).1.bits(), 0);
        row[i] = range * -1.27;
        assert_eq!(host.step(&row).1.bits(), 1 << i.min(31));
    }
}

#[test]
fn a_joint_at_its_limit_is_within_a_swimmers_range() {
    let mut model = ncap_swimmer::NcapSwimmer::new();
    model.step_f32(&[1.0, -1.0, 0.5, 0.0, 1.0]);
    assert_eq!(model.status(), Status::new());
    model.step_f32(&[1.001, 0.0, 0.0, -1.001, f32::NAN]);
    assert_eq!((model.status().bits(), model.status().invalid_bits()), (0b01001, 0b10000));
    model.step_raw(&[i16::MIN, 0, 0, 0, i16::MAX]);
    assert_eq!(model.status().bits(), 1);
}
