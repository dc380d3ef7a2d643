//! Networks whose width the caller chooses at each step: the interpreter's integers at every width, as near to the float
//! network's output of that width, and what is not needed left out.

use nervecord::{Controller, RawStep};
use nervecord_codegen::graph::Layer;
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::reference::Reference;
use nervecord_tests::random::Random;
use nervecord_tests::widths;

mod made {
    include!(concat!(env!("OUT_DIR"), "/slim.rs"));
}

use made::slim::{INPUTS, RawInput, Slim, Width};

#[test]
fn a_module_steps_at_every_width_as_the_interpreter_does() {
    let compiled = widths::compile().unwrap();
    let rows = Random::new(10).rows(200, INPUTS);
    let mut model = Slim::new();
    for (row, x) in rows.iter().enumerate() {
        let raw = compiled.program.input.to_raws(x);
        let input: [RawInput; INPUTS] = std::array::from_fn(|i| raw[i] as RawInput);
        // Another width at each step: nothing is left from the one before.
        let order = [Width::W7, Width::W16, Width::W4];
        let width = order[row % 3];
        let want = Interpreter::of_width(&compiled.program, width as usize).step_raw(&raw).0;
        assert_eq!(model.step_raw_at(&input, width).map(i32::from)[..], want[..], "row {row}");
    }
}

#[test]
fn every_width_is_as_near_to_float_as_it_says_and_cheaper_than_the_next() {
    let compiled = widths::compile().unwrap();
    let widths = &compiled.program.widths;
    assert!(widths.windows(2).all(|pair| pair[0].macs < pair[1].macs), "{widths:?}");
    assert!(widths.iter().all(|width| width.error.is_some_and(|e| e > 0.0 && e < 0.005)));
    for (k, (name, exact)) in compiled.graph.widths().into_iter().enumerate() {
        assert_eq!(name, widths[k].name);
        let mut host = Interpreter::of_width(&compiled.program, k);
        let mut float = Reference::new(&compiled.graph);
        for x in Random::new(11).rows(100, INPUTS) {
            let want = float.step(&x)[exact].clone();
            for (y, want) in host.step(&x).0.iter().zip(want) {
                assert!((y - want).abs() < 0.005, "{name}: {y} {want}");
            }
        }
    }
}

#[test]
fn weights_are_stored_once() {
    let compiled = widths::compile().unwrap();
    let macs: usize = compiled.graph.nodes.iter().map(|node| node.layer.macs()).sum();
    assert_eq!(macs, 5 * 16 + 3 * (4 + 7 + 16));
    let cut = compiled.graph.nodes.iter().filter(|n| matches!(n.layer, Layer::Dense(_)));
    assert_eq!(cut.count(), 3 + 3);
}

#[test]
fn a_step_without_a_width_is_that_of_the_whole() {
    let (mut one, mut two) = (Slim::new(), Slim::new());
    for i in 0..20_i16 {
        let input = [1000 * i, -700 * i, 311 * i, 5, -i];
        let raw = RawStep::step_raw(&mut one, &input);
        assert_eq!(raw, two.step_raw_at(&input, Width::W16));
        let typed = input.map(nervecord::fixed::FixedI16::from_bits);
        assert_eq!(one.step(&typed), two.step_at(&typed, Width::W16));
        assert_ne!(two.step_raw_at(&input, Width::W4), raw);
    }
}
