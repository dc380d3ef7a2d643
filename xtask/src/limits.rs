//! What a step has to do at least, and what it may take at most.

use nervecord_codegen::graph::{Graph, Layer};
use nervecord_codegen::options::Cpu;
use nervecord_codegen::program::cost::Prices;

/// The work of a network's step.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Work {
    /// Multiply-accumulates of dense layers.
    macs: usize,
    /// Outputs of dense layers.
    neurons: usize,
    /// Edges of Kolmogorov-Arnold layers that are not zero everywhere.
    edges: usize,
    /// Whether there are layers of other kinds, elementwise functions not counted.
    mixed: bool,
}

impl Work {
    /// The work of a graph.
    pub fn of(graph: &Graph) -> Self {
        let mut work = Self::default();
        for node in &graph.nodes {
            match &node.layer {
                Layer::Dense(dense) => {
                    work.macs += node.layer.macs();
                    work.neurons += dense.bias.len();
                }
                Layer::Windows(windows) => {
                    work.macs += node.layer.macs();
                    work.neurons += windows.windows() * windows.dense.bias.len();
                }
                Layer::Kan(kan) => work.edges += kan.live().count(),
                Layer::Map(_) | Layer::Affine { .. } | Layer::Select(_) => {}
                _ => work.mixed = true,
            }
        }
        work
    }

    /// Multiply-accumulates, if the step does little else.
    pub fn macs(&self) -> Option<f64> {
        let dense = self.edges == 0 && !self.mixed && self.macs > 0;
        dense.then_some(self.macs as f64)
    }

    /// Edges of a Kolmogorov-Arnold network, if it is nothing else.
    pub fn edges(&self) -> Option<f64> {
        (self.edges > 0 && self.macs == 0 && !self.mixed).then_some(self.edges as f64)
    }

    /// The fewest instructions that a core's kernel needs for i8 weights: so many a
    /// multiply-accumulate with four rows at a time and the loop's own left out, and so many an output
    /// that is requantized and stored. A kernel that multiplies several weights at once can be below it.
    pub fn limit(&self, core: &str) -> Option<f64> {
        let [a_mac, a_neuron] = Prices::of(cpu(core)?).least;
        self.macs().map(|macs| a_mac * macs + a_neuron * self.neurons as f64)
    }
}

/// A board's core as the compiler knows it.
fn cpu(core: &str) -> Option<Cpu> {
    Some(match core {
        "Cortex-M0" => Cpu::CortexM0,
        "Cortex-M3" => Cpu::CortexM3,
        "Cortex-M4F" => Cpu::CortexM4,
        "Cortex-M7" => Cpu::CortexM7,
        "Cortex-M33" => Cpu::CortexM33,
        "Cortex-M55" => Cpu::CortexM55,
        "RV32IMAC" => Cpu::Riscv32,
        _ => return None,
    })
}

/// The instructions of a step to stay below, for networks A to D on a core.
const DENSE: [(&str, [f64; 4]); 7] = [
    ("Cortex-M0", [2_900.0, 28_000.0, 1_040_000.0, 380_000.0]),
    ("Cortex-M3", [2_000.0, 18_500.0, 770_000.0, 295_000.0]),
    ("Cortex-M4F", [640.0, 8_400.0, 335_000.0, 127_000.0]),
    ("Cortex-M7", [640.0, 8_400.0, 335_000.0, 127_000.0]),
    ("Cortex-M33", [640.0, 8_400.0, 335_000.0, 127_000.0]),
    ("Cortex-M55", [700.0, 2_900.0, 58_000.0, 18_300.0]),
    ("RV32IMAC", [2_000.0, 23_000.0, 940_000.0, 355_000.0]),
];

/// Instructions an edge of network K on Cortex-M4F.
const EDGE: f64 = 11.0;

/// Instructions of the bundled swimmer's step.
const SWIMMER: [(&str, f64); 2] = [("Cortex-M0", 900.0), ("Cortex-M4F", 450.0)];

/// The instructions of a step to stay below, where there is such a bar.
pub fn bar(name: &str, core: &str, work: &Work) -> Option<f64> {
    if let Some(index) = ["A", "B", "C", "D"].iter().position(|letter| *letter == name) {
        return DENSE.iter().find(|(c, _)| *c == core).map(|(_, bars)| bars[index]);
    }
    if name == "ncap_swimmer" {
        return SWIMMER.iter().find(|(c, _)| *c == core).map(|(_, bar)| *bar);
    }
    let counts = name == "K" && core == "Cortex-M4F";
    work.edges().filter(|_| counts).map(|edges| EDGE * edges)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nervecord_codegen::options::Weights;
    use nervecord_tests::network;
    use nervecord_tests::random::Random;
    use nervecord_tests::shapes::SHAPES;

    use crate::checkout::{boards, root};
    use crate::figures::Figures;
    use crate::subject;

    #[test]
    fn limits_are_those_of_the_networks() {
        let limit = |index: usize, core: &str| {
            Work::of(&SHAPES[index].graph().unwrap()).limit(core).unwrap().round()
        };
        assert_eq!(limit(0, "Cortex-M4F"), 476.0);
        assert_eq!(limit(2, "Cortex-M4F"), 240_364.0);
        assert_eq!(limit(1, "Cortex-M0"), 23_736.0);
        assert_eq!(limit(3, "RV32IMAC"), 331_408.0);
    }

    /// What the compiler chooses by is near what was measured, on every core.
    #[test]
    fn estimates_are_near_the_committed_figures() {
        let shape = |letter: &str| {
            let shape = SHAPES.iter().find(|shape| shape.letter == letter).unwrap();
            let rows = Random::new(7).rows(32, shape.widths[0]);
            network::compile(shape.graph().unwrap(), Weights::I8, &rows).unwrap()
        };
        let bundled = |name: &str| subject::compile(&root().join("models").join(name)).unwrap();
        let dense = ["A", "B", "E"].map(|letter| (letter, shape(letter), 0.08));
        let trained = ["policy", "digits"].map(|name| (name, bundled(name), 0.08));
        let others = [("K", shape("K"), 0.08), ("kan_cartpole", bundled("kan_cartpole"), 0.3)];
        let figures = Figures::committed().unwrap();
        let mut beyond = vec![];
        for (name, compiled, within) in dense.into_iter().chain(trained).chain(others) {
            for board in boards("all").unwrap() {
                let Some([Some(measured), ..]) = figures.get(name, &board.name) else { continue };
                let estimate = compiled.program.instructions(cpu(&board.core).unwrap());
                let ratio = estimate / measured as f64;
                if (ratio - 1.0).abs() > within {
                    beyond.push(format!("{name} on {}: {ratio:.3}", board.name));
                }
            }
        }
        assert!(beyond.is_empty(), "{beyond:#?}");
    }
}
