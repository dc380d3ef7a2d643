//! No input overflows: random networks are driven to their limits in a build that would panic, and
//! inputs are made that reach the bound which the report names.
//!
//! A build with debug assertions checks every sum of a dense layer; all other arithmetic has overflow checks.

use nervecord_codegen::graph::expr::{Expr, Function};
use nervecord_codegen::graph::{Dense, Graph, Layer};
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::options::Weights;
use nervecord_tests::drawn::{extreme_rows, relative_error};
use nervecord_tests::network;
use nervecord_tests::random::Random;
use proptest::prelude::*;

/// What follows a dense layer.
#[derive(Debug, Clone, Copy)]
enum After {
    Nothing,
    Relu,
    Relu6,
    Tanh,
    Silu,
    Exp,
    Square,
    Normalize,
    Softmax,
    LogSoftmax,
    Add,
    Gate,
}

/// A network's shape and the size of its numbers.
#[derive(Debug, Clone)]
struct Plan {
    inputs: usize,
    layers: Vec<(usize, After)>,
    weight: f64,
    bias: f64,
    input: f64,
    seed: u64,
    weights: Weights,
}

impl Plan {
    /// Whether no layer makes much of a small difference, as a normalisation of two features does, nor adds
    /// so much that 16 bits are few for what varies beside it.
    fn is_gentle(&self) -> bool {
        use After::*;
        let gentle = |a: &After| matches!(a, Nothing | Relu | Relu6 | Tanh | Silu | Add | Gate);
        let moves =
            (0.1..=1.0).contains(&self.weight) && self.bias <= self.weight * self.input.min(1.0);
        moves && self.layers.iter().all(|(_, after)| gentle(after))
    }
}

fn plans() -> impl Strategy<Value = Plan> {
    use After::*;
    let after = prop::sample::select(vec![
        Nothing, Relu, Relu6, Tanh, Silu, Exp, Square, Normalize, Softmax, LogSoftmax, Add, Gate,
    ]);
    let layers = prop::collection::vec((1_usize..24, after), 1..5);
    let weights = prop::sample::select(vec![Weights::I4, Weights::I8, Weights::I16]);
    // Sizes over six decades: bounds come from integers, not from well-behaved numbers.
    (1_usize..40, layers, -3_i32..2, -3_i32..4, -3_i32..4, 1_u64.., weights).prop_map(
        |(inputs, layers, weight, bias, input, seed, weights)| Plan {
            inputs,
            layers,
            weight: 10_f64.powi(weight),
            bias: 10_f64.powi(bias),
            input: 10_f64.powi(input),
            seed,
            weights,
        },
    )
}

fn build(plan: &Plan, random: &mut Random) -> nervecord_codegen::Result<Graph> {
    let mut graph = Graph::new("net", "x", plan.inputs);
    let mut tensor = graph.input;
    for (i, &(width, after)) in plan.layers.iter().enumerate() {
        let inputs = graph.tensors[tensor].len();
        let weights = (0..width).map(|_| random.row(inputs, plan.weight)).collect();
        let dense = Dense::new(weights, random.row(width, plan.bias));
        tensor = graph.push(format!("dense{i}"), Layer::Dense(dense), &[tensor])?;
        tensor = follow(&mut graph, tensor, i, after)?;
    }
    Ok(graph)
}

fn follow(
    graph: &mut Graph,
    tensor: usize,
    i: usize,
    after: After,
) -> nervecord_codegen::Result<usize> {
    let map = Layer::Map;
    let layer = match after {
        After::Nothing => return Ok(tensor),
        After::Relu => map(Expr::relu()),
        After::Relu6 => map(Expr::clamp(0.0, 6.0)),
        After::Tanh => map(Expr::call(Function::Tanh)),
        After::Silu => map(Expr::silu()),
        // Bounded first, so that the float network stays finite.
        After::Exp => map(Expr::call(Function::Exp).of(&Expr::clamp(-10.0, 10.0))),
        After::Square => map(Expr::X.pow(2.0)),
        After::Normalize => Layer::Normalize { epsilon: 1e-5 },
        After::Softmax => Layer::Softmax,
        After::LogSoftmax => Layer::LogSoftmax,
        After::Add | After::Gate => {
            let gate = map(Expr::call(Function::Sigmoid));
            let gate = graph.push(format!("gate{i}"), gate, &[tensor])?;
            let join = match after {
                After::Add => Layer::Add { factors: [1.0, -0.5] },
                _ => Layer::Mul,
            };
            return graph.push(format!("join{i}"), join, &[tensor, gate]);
        }
    };
    graph.push(format!("after{i}"), layer, &[tensor])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    #[cfg_attr(not(debug_assertions), ignore = "looks for overflows: run without --release")]
    fn no_input_overflows_any_network(plan in plans()) {
        let mut random = Random::new(plan.seed);
        let rows: Vec<Vec<f64>> = (0..64).map(|_| random.row(plan.inputs, plan.input)).collect();
        let graph = build(&plan, &mut random).unwrap();
        let compiled = match network::compile(graph, plan.weights, &rows) {
            Ok(compiled) => compiled,
            // Sizes over six decades: some outputs are beyond 32 bits, and that is all that may be refused.
            Err(error) => {
                let message = error.to_string();
                let expected = message.contains("the output is too large for 32-bit fixed point");
                prop_assert!(expected, "{message}");
                return Ok(());
            }
        };
        for layer in &compiled.program.layers {
            prop_assert!(layer.accumulator_bound.is_none_or(|b| b <= i32::MAX as u64), "{layer:?}");
        }
        let input = &compiled.program.input;
        let mut host = Interpreter::new(&compiled.program);
        for row in extreme_rows(input.bits(), plan.inputs, &mut random) {
            host.step_raw(&row);
        }
        if plan.weights == Weights::I16 && plan.is_gentle() {
            let error = relative_error(&compiled, &rows, 100.0).unwrap();
            prop_assert!(error < 0.2, "{error} standard deviations");
        }
    }
}

/// Found by the test above: a row much finer than its neighbour has a rounding half beyond what its
/// sums left free.
#[test]
fn a_fine_row_beside_a_coarse_one_keeps_room_for_its_rounding_half() {
    const INPUTS: usize = 29;
    let mut random = Random::new(1);
    let rows = random.rows(64, INPUTS);
    let weights = vec![random.row(INPUTS, 1.0), random.row(INPUTS, 1e-3)];
    let mut graph = Graph::new("net", "x", INPUTS);
    let dense = Layer::Dense(Dense::new(weights, vec![0.0; 2]));
    // One scale for both, since a layer follows.
    let sums = graph.push("dense", dense, &[graph.input]).unwrap();
    graph.push("softmax", Layer::Softmax, &[sums]).unwrap();
    let program = network::compile(graph, Weights::I16, &rows).unwrap().program;
    let bounds: Vec<u64> = program.layers.iter().filter_map(|l| l.accumulator_bound).collect();
    assert!(
        !bounds.is_empty() && bounds.iter().all(|&bound| bound <= i32::MAX as u64),
        "{bounds:?}"
    );
}

/// Found by the test above: a square of large numbers passed the end of 32 bits.
#[test]
fn outputs_beyond_32_bits_are_refused_and_tiny_ones_are_not() {
    let squared = |size: f64| {
        let mut random = Random::new(3);
        let rows: Vec<Vec<f64>> = (0..64).map(|_| random.row(2, size)).collect();
        let mut graph = Graph::new("net", "x", 2);
        graph.push("square", Layer::Map(Expr::X.pow(2.0)), &[0]).unwrap();
        network::compile(graph, Weights::I8, &rows)
    };
    let message = squared(1e6).unwrap_err().to_string();
    for part in ["output is too large", "below 2^31", "larger unit"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(squared(1e-6).unwrap().program.output.fracs.iter().all(|&frac| frac <= 31));
}

/// The integers of a table in a generated module, a row a line.
fn integers(module: &str, table: &str) -> Vec<i64> {
    let start = module.find(&format!("static {table}: ")).expect("the table is in the module");
    let (_, body) = module[start..].split_once("= ").expect("a value");
    let body = body.split_once(';').map_or(body, |(body, _)| body);
    body.split(|c: char| !c.is_ascii_digit() && c != '-').filter_map(|n| n.parse().ok()).collect()
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "looks for overflows: run without --release")]
fn inputs_that_reach_the_reported_bound_do_not_overflow() {
    for (weights, inputs) in [(Weights::I8, 64), (Weights::I16, 3), (Weights::I16, 300)] {
        let mut random = Random::new(7);
        let rows: Vec<Vec<f64>> = (0..64).map(|_| random.row(inputs, 1.0)).collect();
        let mut graph = Graph::new("net", "x", inputs);
        let real = (0..4).map(|_| random.row(inputs, 1.0)).collect();
        let dense = Dense::new(real, random.row(4, 1.0));
        graph.push("layer", Layer::Dense(dense), &[0]).unwrap();
        let compiled = network::compile(graph, weights, &rows).unwrap();
        assert_eq!(compiled.program.input.bits(), 16);
        let module = compiled.module();
        let bias = integers(&module, "LAYER_BIAS");
        let table = integers(&module, "LAYER_WEIGHTS");
        assert_eq!((bias.len(), table.len()), (4, 4 * inputs));

        let mut host = Interpreter::new(&compiled.program);
        let mut reached = 0;
        for (row, bias) in table.chunks(inputs).zip(bias) {
            for up in [true, false] {
                // The input that pulls every product of this row to one side.
                let x: Vec<i32> =
                    row.iter().map(|&w| if (w > 0) == up { 32767 } else { -32768 }).collect();
                let sum: i64 = row.iter().zip(&x).map(|(w, x)| w * i64::from(*x)).sum();
                // In some order the bias comes last, in another first.
                reached = reached.max(sum.abs()).max((sum + bias).abs());
                host.step_raw(&x);
            }
        }
        let reported = compiled.program.layers[0].accumulator_bound.unwrap();
        assert_eq!(reached as u64, reported);
        assert!(reported <= i32::MAX as u64);
    }
}
