//! Properties that `nervecord.toml` states, decided on the integers: each verdict is what looking at every input of a box
//! says.

use std::path::Path;

use nervecord_codegen::Compiled;
use nervecord_codegen::certify::module;
use nervecord_codegen::check::proofs::follows;
use nervecord_codegen::graph::expr::Expr;
use nervecord_codegen::graph::{Dense, Graph, Layer};
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::options::Weights;
use nervecord_codegen::prove::{Asked, Found, Limits, Proof, Prover, Verdict, asked};
use nervecord_tests::drawn::{Drawn, draw};
use nervecord_tests::network;
use nervecord_tests::random::Random;

/// Networks drawn.
const SEEDS: u64 = 50;
/// Integers of each input that a box lets move.
const WIDE: i32 = 12;

/// A small box of a network's integers, as text and as its corners.
struct Small {
    keys: String,
    ends: Vec<(i32, i32)>,
}

/// A box around an input, in which two of the inputs move.
fn small(compiled: &Compiled, row: &[f64], random: &mut Random) -> Small {
    let port = &compiled.program.input;
    let moving = [0, random.below(row.len())];
    let (mut keys, mut ends) = (Vec::new(), Vec::new());
    for (i, raw) in port.to_raws(row).into_iter().enumerate() {
        let most = if port.bits() == 32 { i32::MAX } else { i16::MAX.into() };
        // A step of the activations, of which a wide input has several.
        let step = ((port.step(i) * port.one(i)).round() as i32).max(1);
        let wide = if moving.contains(&i) { WIDE } else { 0 };
        let low = raw.min(most - step * wide);
        ends.push((low, low + step * wide));
        let [low, high] = [low, low + step * wide].map(|raw| port.to_real(i, raw));
        keys.push(format!("x{i} = [{low:?}, {high:?}]"));
    }
    Small { keys: keys.join(", "), ends }
}

/// The outputs of every input of a box, the steps of the caller's integers in one of activations left out.
fn everything(compiled: &Compiled, small: &Small) -> Vec<(Vec<i32>, Vec<i32>)> {
    let port = &compiled.program.input;
    let mut interpreter = Interpreter::new(&compiled.program);
    let mut all = vec![vec![]];
    for (i, (low, high)) in small.ends.iter().enumerate() {
        let step = ((port.step(i) * port.one(i)).round() as usize).max(1);
        let next = |own: &Vec<i32>| {
            (*low..=*high)
                .step_by(step)
                .map(|x| [own.as_slice(), &[x]].concat())
                .collect::<Vec<_>>()
        };
        all = all.iter().flat_map(next).collect();
    }
    let run = |input: Vec<i32>| {
        interpreter.reset();
        let output = interpreter.step_raw(&input).0;
        (input, output)
    };
    all.into_iter().map(run).collect()
}

/// The most that output 0 falls from an input to one that differs in input 0 alone, which is larger.
fn fall(all: &[(Vec<i32>, Vec<i32>)]) -> i64 {
    let mut most = 0;
    for (a, y) in all {
        for (b, z) in all.iter().filter(|(b, _)| b[0] > a[0] && b[1..] == a[1..]) {
            assert!(b[0] > a[0]);
            most = most.max(i64::from(y[0]) - i64::from(z[0]));
        }
    }
    most
}

/// The word for what was decided, whose proof follows from the module.
fn verdict(compiled: &Compiled, asked: &Asked) -> &'static str {
    let prover = Prover::new(compiled).unwrap();
    let limits = Limits { time: None, threads: 2, leaves: true };
    let answer = prover.decide(asked, &limits, &|_, _| {});
    let module = compiled.module();
    let proof = Proof::of(compiled, &module, &[(asked.clone(), answer.clone())]);
    let read = Proof::read(&proof.text().unwrap(), Path::new("p.json")).unwrap();
    assert!(read == proof, "another once it is written and read");
    let machine = module::read(&module, Path::new("m.rs"), &[]).unwrap();
    let followed = follows(&read, &machine, Path::new("p.json"));
    followed.unwrap_or_else(|e| panic!("{}: {e}", asked.says));
    match answer.worst().unwrap() {
        Verdict::Holds { .. } => "holds",
        Verdict::Violated(points) => {
            for point in points {
                let (y, _) = Interpreter::new(&compiled.program).step_raw(&point.integers);
                assert_eq!(compiled.program.output.to_reals(&y), point.outputs);
            }
            "violated"
        }
        Verdict::Open { .. } => "open",
    }
}

#[test]
fn verdicts_are_what_every_input_says() {
    let (mut random, mut decided, mut falls) = (Random::new(3), 0, 0);
    for seed in 0..SEEDS {
        let Drawn { graph, rows, weights, .. } = draw(seed).unwrap();
        let Ok(plain) = network::compile(graph.clone(), weights, &rows) else { continue };
        if Prover::new(&plain).is_err() {
            continue;
        }
        let small = small(&plain, &rows[0], &mut random);
        let all = everything(&plain, &small);
        let port = &plain.program.output;
        let most = all.iter().map(|(_, y)| y[0]).max().unwrap();
        let least = all.iter().map(|(_, y)| y[0]).min().unwrap();
        let fallen = fall(&all);
        falls += usize::from(fallen > 0);
        let real = |raw: i64| raw as f64 / port.one(0);
        let at = |raw: i32| real(raw.into());
        let last = port.features() - 1;
        // The least that output 0 is above the last by.
        let lead = |y: &Vec<i32>| port.to_real(0, y[0]) - port.to_real(last, y[last]);
        let lead = all.iter().map(|(_, y)| lead(y)).fold(f64::INFINITY, f64::min);
        let below = lead - 1e-6 * (1.0 + lead.abs());
        let table = |name: &str, keys: &str| {
            format!("[[property]]\nname = \"{name}\"\ninputs = {{ {} }}\n{keys}\n", small.keys)
        };
        let rises = |tolerance: f64| {
            format!(
                "monotone = {{ output = \"y0\", input = \"x0\", direction = \"rising\", tolerance = {tolerance:?} }}"
            )
        };
        let mut tables = vec![
            table(
                "holds",
                &format!("output = \"y0\"\nmin = {:?}\nmax = {:?}", at(least), at(most)),
            ),
            table("violated", &format!("output = \"y0\"\nmax = {:?}", real(i64::from(most) - 1))),
            table(
                "violated 2",
                &format!("output = \"y0\"\nmin = {:?}", real(i64::from(least) + 1)),
            ),
            table("holds 2", &rises(real(fallen))),
        ];
        if fallen > 0 {
            tables.push(table("violated 3", &rises(real(fallen - 1))));
        }
        if last > 0 {
            tables
                .push(table("holds 3", &format!("above = [\"y0\", \"y{last}\"]\nby = {below:?}")));
            tables.push(table(
                "violated 4",
                &format!("above = [\"y0\", \"y{last}\"]\nby = {lead:?}"),
            ));
        }
        let compiled = network::compile_as(graph, weights, &rows, &tables.concat()).unwrap();
        for asked in asked(&compiled).unwrap() {
            let name = asked.name.split(' ').next().unwrap();
            assert_eq!(
                verdict(&compiled, &asked),
                name,
                "seed {seed}, {}: {}",
                asked.name,
                asked.says
            );
            decided += 1;
        }
    }
    assert!(decided > 100 && falls > 4, "{decided} {falls}");
}

/// `y = V max(0, W x + b)` with weights of one sign for input 0, of any for the others.
fn rising(random: &mut Random) -> Graph {
    let mut graph = Graph::new("net", "x", 3);
    let mut row = |signed: usize, inputs: usize| {
        (0..inputs)
            .map(|i| if i < signed { random.within(0.05, 0.6) } else { random.unit() })
            .collect::<Vec<f64>>()
    };
    let hidden: Vec<Vec<f64>> = (0..16).map(|_| row(1, 3)).collect();
    let output = vec![row(16, 16)];
    let push = |graph: &mut Graph, name: &str, layer, x| graph.push(name, layer, &[x]).unwrap();
    let x = graph.input;
    let x = push(&mut graph, "hidden", Layer::Dense(Dense::new(hidden, vec![0.1; 16])), x);
    let x = push(&mut graph, "relu", Layer::Map(Expr::relu()), x);
    push(&mut graph, "output", Layer::Dense(Dense::new(output, vec![0.0])), x);
    graph
}

#[test]
fn what_rises_by_its_weights_rises_on_all_of_its_box() {
    let mut random = Random::new(8);
    let graph = rising(&mut random);
    let rows: Vec<Vec<f64>> = (0..300).map(|_| random.row(3, 1.0)).collect();
    let rises = |direction: &str| {
        format!(
            "[[property]]\nname = \"{direction}\"\n\
             monotone = {{ output = \"y0\", input = \"x0\", direction = \"{direction}\", tolerance = 0 }}\n"
        )
    };
    let settings = [rises("rising"), rises("falling")].concat();
    let compiled = network::compile_as(graph, Weights::Auto, &rows, &settings).unwrap();
    let all = asked(&compiled).unwrap();
    assert!(
        all[0].says.contains("rises with x0") && all[0].says.contains("every input"),
        "{}",
        all[0].says
    );
    assert_eq!(verdict(&compiled, &all[0]), "holds");
    assert_eq!(verdict(&compiled, &all[1]), "violated");
}

/// A property of the network above that takes some boxes, and its proof.
fn proved() -> (Compiled, Proof) {
    let mut random = Random::new(8);
    let graph = rising(&mut random);
    let rows: Vec<Vec<f64>> = (0..300).map(|_| random.row(3, 1.0)).collect();
    let plain = network::compile(graph.clone(), Weights::Auto, &rows).unwrap();
    // Between what is reached and what a single box shows.
    let mut interpreter = Interpreter::new(&plain.program);
    let corners = (0..8).map(|k| {
        let end = |(i, ends): (usize, &[i32; 2])| ends[k >> i & 1];
        let corner: Vec<i32> = plain.program.input.ranges.iter().enumerate().map(end).collect();
        interpreter.step_raw(&corner).0[0]
    });
    let most = f64::from(corners.max().unwrap()) / plain.program.output.one(0);
    let table = |name: &str, max: f64| {
        format!("[[property]]\nname = \"{name}\"\noutput = \"y0\"\nmax = {max:?}\n")
    };
    let settings = [table("holds", most * 1.001), table("violated", most * 0.99)].concat();
    let compiled = network::compile_as(graph, Weights::Auto, &rows, &settings).unwrap();
    let prover = Prover::new(&compiled).unwrap();
    let limits = Limits { time: None, threads: 2, leaves: true };
    let answers: Vec<_> = asked(&compiled)
        .unwrap()
        .into_iter()
        .map(|asked| (asked.clone(), prover.decide(&asked, &limits, &|_, _| {})))
        .collect();
    let proof = Proof::of(&compiled, &compiled.module(), &answers);
    (compiled, proof)
}

#[test]
fn what_does_not_follow_is_refused_by_its_claim() {
    let (compiled, proof) = proved();
    let machine = module::read(&compiled.module(), Path::new("m.rs"), &[]).unwrap();
    let path = Path::new("p.json");
    follows(&proof, &machine, path).unwrap();
    let Found::Holds(tree) = &proof.claims[0].found else { panic!("{:?}", proof.claims[0]) };
    assert!(tree.len() > 20, "a proof of {} boxes shows nothing", tree.len());
    let refused = |part: &str, change: &dyn Fn(&mut Proof)| {
        let mut other = proof.clone();
        change(&mut other);
        let message = follows(&other, &machine, path).unwrap_err().to_string();
        assert!(message.contains(part) && message.contains("help"), "{message}");
    };
    let holds = |proof: &mut Proof, change: &dyn Fn(&mut Vec<u32>)| {
        if let Found::Holds(tree) = &mut proof.claims[0].found {
            change(tree);
        }
    };
    refused("`holds`", &|p| p.claims[0].never[0][0].most *= 0.99);
    refused("left out", &|p| holds(p, &|tree| tree.truncate(tree.len() - 1)));
    refused("left out", &|p| holds(p, &|tree| tree.clear()));
    refused("more boxes", &|p| holds(p, &|tree| tree.push(0)));
    refused("coordinate 8", &|p| holds(p, &|tree| tree[0] = 9));
    refused("does not have", &|p| p.claims[0].inputs.truncate(2));
    refused("does not have", &|p| p.claims[0].inputs[0] = (1, 0));
    refused("does not have", &|p| p.claims[0].never[0][0].terms[0].0 = 1);
    refused("does not have", &|p| p.claims[0].moved = Some(3));
    refused("do not violate", &|p| p.claims[1].found = Found::Violated(vec![0, 0, 0]));
    refused("do not violate", &|p| p.claims[1].inputs[0].1 = 0);
    refused("unsafe outputs", &|p| p.claims[1].found = Found::Holds(vec![0]));
    // Parts that are larger than the prover's are cut where they have to be.
    let mut whole = proof;
    whole.claims[0].found = Found::Holds(vec![0]);
    follows(&whole, &machine, path).unwrap();
}
