//! What integers are to be like, beside near enough to float: which widths of weights come first, and what is compared.
//! Stands on options, prices and precisions.

use crate::graph::{Graph, Layer};
use crate::options::{Optimize, Options, Weights};
use crate::program::Width;
use crate::program::cost::Prices;
use crate::quantize::{Precision, narrowest};

/// What is to be small.
#[derive(Debug, Clone, Copy)]
pub struct Objective(Optimize);

impl Objective {
    pub fn of(options: &Options) -> Self {
        Self(options.optimize)
    }

    /// What counts, and what counts between equals.
    pub fn cost(self, instructions: f64, bytes: usize) -> [f64; 2] {
        match self.0 {
            Optimize::Speed => [instructions.round(), bytes as f64],
            Optimize::Size | Optimize::Balanced => [bytes as f64, instructions.round()],
        }
    }

    /// What the first of them is counted in, and of what it is all.
    pub fn unit(self) -> (&'static str, &'static str) {
        match self.0 {
            Optimize::Speed => ("instructions", ""),
            Optimize::Size | Optimize::Balanced => ("B", " of tables"),
        }
    }
}

/// The widths that each node's weights may have, from cheap to fine.
pub struct Ladder(Vec<Vec<Width>>);

impl Ladder {
    /// That of the options.
    pub fn of(graph: &Graph, options: &Options) -> Self {
        let widths = widths(graph, options);
        let prices = Prices::of(options.cpu);
        let price = |layer: &Layer, width: Width| match layer {
            Layer::Kan(_) => prices.edge(width),
            Layer::Dense(dense) => prices.dense(width, dense.inputs())[0],
            Layer::Windows(windows) => prices.dense(width, windows.dense.inputs())[0],
            // Whatever the width, it takes as long: the finest is to be had for less.
            _ => -f64::from(width.bits()),
        };
        let had = |layer: &Layer| -> Vec<Width> {
            widths.iter().map(|width| narrowest(layer).max(*width)).collect()
        };
        let of_node = |layer: &Layer| match options.optimize {
            Optimize::Speed => finer_for_more(&had(layer), |width| price(layer, width)),
            Optimize::Size | Optimize::Balanced => had(layer),
        };
        Self(graph.nodes.iter().map(|node| of_node(&node.layer)).collect())
    }

    /// One width for all weights, each that the options leave.
    pub fn all(graph: &Graph, options: &Options) -> Vec<Precision> {
        widths(graph, options).into_iter().map(|width| Precision::of(graph, width)).collect()
    }

    /// Its last rung.
    pub fn last(&self) -> usize {
        self.0.iter().map(|widths| widths.len() - 1).max().unwrap_or(0)
    }

    /// All weights on rung `k`, or on their last.
    pub fn rung(&self, k: usize) -> Precision {
        let widths = self.0.iter().map(|widths| widths[k.min(widths.len() - 1)]).collect();
        Precision { widths, tables: 1.0, shared: false }
    }
}

/// The widths that the options leave, narrowest first.
fn widths(graph: &Graph, options: &Options) -> Vec<Width> {
    match (options.weights, options.optimize) {
        (Weights::I4, _) => vec![Width::I4],
        (Weights::I8, _) => vec![Width::I8],
        (Weights::I16, _) => vec![Width::I16],
        // What a state loses in one step it lacks in all that follow, so recurrent networks are wide.
        (Weights::Auto, Optimize::Balanced) if graph.feeds_back() => vec![Width::I16],
        (Weights::Auto, Optimize::Balanced) => vec![Width::I8, Width::I16],
        (Weights::Auto, Optimize::Speed | Optimize::Size) => Width::ALL.to_vec(),
    }
}

/// Those of `widths` than which none that is finer costs less.
fn finer_for_more(widths: &[Width], price: impl Fn(Width) -> f64) -> Vec<Width> {
    let cheaper = |width: &Width, other: &Width| price(*other) < price(*width);
    let beaten = |width: &Width| widths.iter().any(|other| other > width && cheaper(width, other));
    widths.iter().copied().filter(|width| !beaten(width)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_that_costs_more_than_a_finer_one_is_not_tried() {
        let price = |eight: f64, sixteen: f64| {
            move |width: Width| if width == Width::I16 { sixteen } else { eight }
        };
        let both = [Width::I8, Width::I16];
        assert_eq!(finer_for_more(&both, price(1.1, 0.7)), [Width::I16]);
        assert_eq!(finer_for_more(&both, price(0.1, 0.3)), both);
        assert_eq!(finer_for_more(&both, price(3.3, 3.3)), both);
    }
}
