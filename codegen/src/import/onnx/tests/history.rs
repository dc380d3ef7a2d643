//! Windows that are fed a row a step: their shapes, their layouts, and what is refused.

use super::*;
use crate::calibrate::Calibration;
use crate::data::Vectors;
use crate::settings::{Features, History, Initial, StateSettings, Window};

const ROWS: usize = 6;
const FEATURES: usize = 2;

fn noise(i: usize) -> f64 {
    f64::from(((i as f64 * 0.754_877_666_246_693).fract() * 2.0 - 1.0) as f32)
}

fn tensor(name: &str, dims: &[i64], from: usize) -> TensorProto {
    let count = dims.iter().product::<i64>() as usize;
    let data: Vec<f32> = (0..count).map(|i| noise(from + i) as f32).collect();
    floats(name, dims, &data)
}

/// A model whose input has the shape `dims`.
fn shaped(dims: &[i64], nodes: Vec<NodeProto>, constants: Vec<TensorProto>) -> ModelProto {
    let mut model = model(1, nodes, constants);
    if let Some(graph) = &mut model.graph {
        graph.input = vec![port("x", dims)];
    }
    model
}

fn history() -> StateSettings {
    StateSettings { window: Some(Window::Only(History::History)), ..StateSettings::default() }
}

fn rows_of(features: usize) -> StateSettings {
    StateSettings { features: Some(Features::All(features)), ..history() }
}

/// A causal convolution of `[1, features, rows]`, of which the last row is read.
fn convolution() -> ModelProto {
    let nodes = vec![
        node("Pad", &["x", "pads"], &["p"]),
        node("Conv", &["p", "w", "b"], &["c"]).ints("dilations", &[2]),
        node("Relu", &["c"], &["r"]),
        node("Gather", &["r", "last"], &["y"]).int("axis", 2),
    ];
    let mut last = ints("last", &[ROWS as i64 - 1]);
    last.dims.clear();
    let (w, b) = (tensor("w", &[3, 2, 2], 0), tensor("b", &[3], 50));
    shaped(&[1, 2, 6], nodes, vec![w, b, ints("pads", &[0, 0, 2, 0, 0, 0]), last])
}

/// Layers on every row of `[1, rows, features]`, and one on all of them.
fn encoder() -> ModelProto {
    let nodes = vec![
        node("MatMul", &["x", "w"], &["h"]),
        node("Tanh", &["h"], &["t"]),
        node("Flatten", &["t"], &["f"]),
        node("Gemm", &["f", "v"], &["y"]),
    ];
    shaped(&[0, 6, 2], nodes, vec![tensor("w", &[2, 3], 0), tensor("v", &[18, 2], 9)])
}

fn flat() -> ModelProto {
    model(12, vec![node("Gemm", &["x", "v"], &["y"])], vec![tensor("v", &[12, 2], 9)])
}

/// The window of a step in the file's order: `past` is what each feature was before the first step.
fn window(stream: &[Vec<f64>], step: usize, past: [f64; FEATURES], rows_first: bool) -> Vec<f64> {
    let row = |r: usize| match (step + r).checked_sub(ROWS - 1) {
        Some(step) => stream[step].clone(),
        None => past.to_vec(),
    };
    let rows: Vec<Vec<f64>> = (0..ROWS).map(row).collect();
    match rows_first {
        true => rows.concat(),
        false => (0..FEATURES).flat_map(|c| rows.iter().map(move |row| row[c])).collect(),
    }
}

/// Checks that a model fed a row a step gives what its file gives for the window of the last rows.
fn streams(model: &ModelProto, settings: StateSettings, past: [f64; FEATURES], rows_first: bool) {
    let graph = import_with(model, settings).unwrap();
    assert_eq!((graph.input_len(), graph.state_columns().len()), (FEATURES, 0));
    let about = "streams `x`: one row of 2 features a step; the 5 rows before it are kept";
    assert!(graph.notes.iter().any(|note| note.contains(about)), "{:?}", graph.notes);
    let stream: Vec<Vec<f64>> = (0..15).map(|i| vec![noise(7 * i), noise(400 + 5 * i)]).collect();
    let window = |step| window(&stream, step, past, rows_first);
    let of_file = import(model);
    let simple = simplify(graph.clone());
    assert!(simple.macs() <= simplify(of_file.clone()).macs());
    for form in [graph, simple] {
        for (step, found) in reference::run(&form, &stream).iter().enumerate() {
            let expected = reference::run(&of_file, &[window(step)]).remove(0);
            for (a, b) in found.iter().zip(&expected) {
                assert!((a - b).abs() < 1e-12, "step {step}: {found:?} for {expected:?}");
            }
        }
    }
}

#[test]
fn a_window_is_read_along_the_axis_that_its_nodes_go_through() {
    streams(&convolution(), history(), [0.0; 2], false);
    streams(&encoder(), history(), [0.0; 2], true);
    streams(&encoder(), rows_of(2), [0.0; 2], true);
    streams(&flat(), rows_of(2), [0.0; 2], true);
}

#[test]
fn the_past_may_start_as_other_numbers_than_zeros() {
    for (initial, past) in
        [(Initial::All(0.5), [0.5; 2]), (Initial::Each(vec![1.0, -2.0]), [1.0, -2.0])]
    {
        for (model, rows_first) in [(convolution(), false), (encoder(), true)] {
            let initial = [("x".to_owned(), initial.clone())].into();
            streams(&model, StateSettings { initial, ..history() }, past, rows_first);
        }
    }
    let initial = [("x".to_owned(), Initial::Each(vec![0.0; 12]))].into();
    let message = import_with(&flat(), StateSettings { initial, ..rows_of(2) }).unwrap_err();
    assert!(message.to_string().contains("2 numbers"), "{message}");
}

#[test]
fn a_convolution_that_one_row_is_read_of_is_computed_once_a_step() {
    let simple = simplify(import_with(&convolution(), history()).unwrap());
    assert_eq!(simple.macs(), 2 * 2 * 3);
    let kept: usize = simple.states.iter().map(|state| state.initial.len()).sum();
    assert_eq!(kept, 3 * FEATURES, "the newest row and two before it");
}

/// A window beside a command that has no past.
fn commanded() -> ModelProto {
    let nodes = vec![
        node("Flatten", &["obs"], &["f"]),
        node("Concat", &["command", "f"], &["all"]).int("axis", 1),
        node("Gemm", &["all", "v"], &["y"]),
    ];
    let mut model = model(1, nodes, vec![tensor("v", &[13, 2], 9)]);
    if let Some(graph) = &mut model.graph {
        graph.input = vec![port("command", &[1, 1]), port("obs", &[1, 6, 2])];
    }
    model
}

#[test]
fn of_several_inputs_the_named_ones_are_windows() {
    let named = |name: &str| {
        let windows = [(name.to_owned(), History::History)].into();
        StateSettings { window: Some(Window::Named(windows)), ..rows_of(2) }
    };
    let graph = import_with(&commanded(), named("obs")).unwrap();
    let names: Vec<String> = (0..graph.input_len()).map(|i| graph.input_name(i)).collect();
    assert_eq!(names, ["command.0", "obs.0", "obs.1"]);
    let stream: Vec<Vec<f64>> =
        (0..9).map(|i| vec![noise(i), noise(50 + i), noise(90 + i)]).collect();
    let rows: Vec<Vec<f64>> = stream.iter().map(|row| row[1..].to_vec()).collect();
    let of_file = import(&commanded());
    for (step, found) in reference::run(&simplify(graph), &stream).iter().enumerate() {
        let all = [vec![stream[step][0]], window(&rows, step, [0.0; 2], true)].concat();
        assert_close(found, &reference::run(&of_file, &[all]).remove(0));
    }
    for (settings, parts) in [
        (history(), ["which input is a window", "command [1, 1], obs [1, 6, 2]"]),
        (named("other"), ["no such input", "`other`"]),
    ] {
        let message = import_with(&commanded(), settings).unwrap_err().to_string();
        parts.iter().for_each(|part| assert!(message.contains(part), "{message}"));
    }
}

#[test]
fn a_window_whose_time_cannot_be_told_is_refused() {
    let square = || {
        let nodes = vec![node("Flatten", &["x"], &["f"]), node("Gemm", &["f", "v"], &["y"])];
        shaped(&[1, 2, 2], nodes, vec![tensor("v", &[4, 1], 0)])
    };
    for (model, settings, parts) in [
        (flat(), history(), ["not clear which axis", "[state] features", "x [?, 12]"]),
        (flat(), rows_of(5), ["rows of as many", "rows of 5 features", "x [?, 12]"]),
        (flat(), rows_of(12), ["rows of as many", "two or more", "x [?, 12]"]),
        (flat(), rows_of(0), ["rows of as many", "rows of 0 features", "x [?, 12]"]),
        (encoder(), rows_of(3), ["rows of as many", "rows of 3 features", "x [?, 6, 2]"]),
        (square(), history(), ["not clear which axis", "[state] features", "x [1, 2, 2]"]),
        (square(), rows_of(2), ["not clear which axis", "2 features", "x [1, 2, 2]"]),
    ] {
        let message = import_with(&model, settings).unwrap_err().to_string();
        parts.iter().for_each(|part| assert!(message.contains(part), "{message}"));
    }
}

/// A table of a step's inputs in a row, and one of whole windows.
fn tables(folder: &Path, steps: &[&str], windows: &[&str]) -> [PathBuf; 2] {
    let save = |name: &str, lines: &[&str]| {
        let path = folder.join(name);
        fs::write(&path, lines.join("\n") + "\n").unwrap();
        path
    };
    [save("steps.csv", steps), save("windows.csv", windows)]
}

#[test]
fn tables_have_a_row_a_step_or_whole_windows() {
    let graph = import_with(&convolution(), history()).unwrap();
    let saved = save(b"");
    let header = (0..12).map(|i| format!("x{i}")).collect::<Vec<_>>().join(",") + ",y0,y1,y2";
    // Of each feature the rows, as the file has them.
    let [steps, windows] = tables(
        saved.folder.path(),
        &["x0,x1,y0,y1,y2", "1,10,0,0,1", "2,20,0,0,2"],
        &[&header, "1,2,3,4,5,6,10,20,30,40,50,60,0,0,1", "1,1,1,1,1,7,0,0,0,0,0,8,0,0,2"],
    );
    let read = Vectors::read(&graph, &steps, None).unwrap();
    assert_eq!((read.inputs, read.steps), (vec![vec![1.0, 10.0], vec![2.0, 20.0]], 1));
    let read = Vectors::read(&graph, &windows, None).unwrap();
    assert_eq!((read.inputs.len(), read.steps, read.rows()), (12, 6, 2));
    assert_eq!(read.inputs[..2], [[1.0, 10.0], [2.0, 20.0]]);
    assert_eq!(read.inputs[11], [7.0, 8.0]);
    let [first, last] = [5, 11].map(|i| read.ends()[i]);
    assert!(first && last && read.ends().iter().filter(|end| **end).count() == 2);
    let kept = read.filtered(&[false, true]);
    assert_eq!(
        (kept.inputs, kept.outputs),
        (vec![vec![7.0, 8.0]], Some(vec![vec![0.0, 0.0, 2.0]]))
    );
    // Behind its last row, the network gives what the file gives for the window.
    let outputs = reference::run(&graph, &read.inputs);
    let file = import(&convolution());
    let window: Vec<f64> = [[1.0; 5].as_slice(), &[7.0], &[0.0; 5], &[8.0]].concat();
    assert_close(&outputs[11], &reference::run(&file, &[window]).remove(0));
    let settings = Settings::default();
    let calibration = Calibration::load(Some(&windows), &settings, &graph).unwrap();
    assert_eq!((calibration.rows, calibration.sequence), (read.inputs, Some(6)));
    let stray = [&header.replace("x11", "x12"), "1,2,3,4,5,6,10,20,30,40,50,60,0,0,1"];
    let [_, stray] = tables(saved.folder.path(), &[], &stray);
    let message = Vectors::read(&graph, &stray, None).unwrap_err().to_string();
    assert!(message.contains("2 input columns") && message.contains("x2"), "{message}");
}

#[test]
fn of_several_inputs_a_table_has_those_without_a_past_once() {
    let windows = [("obs".to_owned(), History::History)].into();
    let settings = StateSettings { window: Some(Window::Named(windows)), ..rows_of(2) };
    let graph = import_with(&commanded(), settings).unwrap();
    let saved = save(b"");
    let names = (0..12).map(|i| format!("obs.{i}")).collect::<Vec<_>>().join(",");
    let [steps, windows] = tables(
        saved.folder.path(),
        &["obs.0,obs.1,command.0", "1,2,3"],
        &[&format!("{names},command.0"), "1,2,3,4,5,6,7,8,9,10,11,12,-1"],
    );
    assert_eq!(Vectors::read(&graph, &steps, None).unwrap().inputs, [[3.0, 1.0, 2.0]]);
    let read = Vectors::read(&graph, &windows, None).unwrap();
    assert_eq!(
        (read.inputs.len(), &read.inputs[0], &read.inputs[5]),
        (6, &vec![-1.0, 1.0, 2.0], &vec![-1.0, 11.0, 12.0])
    );
}
