//! A network of three widths, of which the caller chooses one at each step.

use nervecord_codegen::graph::expr::Expr;
use nervecord_codegen::graph::{Dense, Graph, Layer};
use nervecord_codegen::options::Weights;
use nervecord_codegen::{Compiled, Result};

use crate::network;
use crate::random::Random;

/// Features that each width reads of a hidden layer.
const WIDTHS: [usize; 3] = [4, 7, 16];

/// Five inputs, 16 hidden features of which the heads `w4`, `w7` and `w16` read so many, three outputs.
///
/// # Errors
/// It cannot be compiled.
pub fn compile() -> Result<Compiled> {
    let mut random = Random::new(8);
    let mut dense = |inputs: usize, outputs: usize| {
        let mut row = || (0..inputs).map(|_| random.unit() / 2.0).collect();
        Layer::Dense(Dense::new((0..outputs).map(|_| row()).collect(), vec![0.1; outputs]))
    };
    let mut graph = Graph::new("slim", "x", 5);
    let hidden = graph.push("hidden", dense(5, 16), &[0])?;
    let hidden = graph.push("relu", Layer::Map(Expr::relu()), &[hidden])?;
    let mut heads = Vec::new();
    for width in WIDTHS {
        let first = Layer::Select((0..width).collect());
        let first = graph.push(format!("first{width}"), first, &[hidden])?;
        heads.push(graph.push(format!("head{width}"), dense(width, 3), &[first])?);
    }
    let names = WIDTHS.iter().map(|width| format!("w{width}")).collect();
    graph.push("outputs", Layer::Anytime { names }, &heads)?;
    network::compile(graph, Weights::I16, &Random::new(9).rows(300, 5))
}
