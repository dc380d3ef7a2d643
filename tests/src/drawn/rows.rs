//! Layers at many places: windows that overlap or leave gaps, grids of them, layers on each row, padding, transposing.

use nervecord_codegen::Result;
use nervecord_codegen::graph::expr::{Expr, Function};
use nervecord_codegen::graph::{Graph, Layer, Windows};

use super::layers::{dense, scaled, unit_spans};
use super::network::{Sizes, Span};
use crate::random::Random;

/// Features of a tensor at most.
const MOST: usize = 96;

/// Layers of windows with all that takes rows between them.
pub(super) fn rows(
    random: &mut Random,
    graph: &mut Graph,
    sizes: &Sizes,
    spans: &[Span],
) -> Result<()> {
    // Windows share their weights, so features are brought to one size first.
    let mut x = scaled(graph, spans)?;
    for i in 0..1 + random.below(4) {
        let windows = windows(random, graph.tensors[x].len(), sizes);
        let [count, features] = [windows.windows(), windows.dense.bias.len()];
        x = graph.push(format!("windows{i}"), Layer::Windows(windows), &[x])?;
        let all = count * features;
        let layer = match random.below(9) {
            0 => Layer::Map(Expr::relu()),
            1 => Layer::Map(Expr::call(Function::Tanh)),
            2 => Layer::Rows { count, layer: Box::new(Layer::Normalize { epsilon: 1e-3 }) },
            3 => Layer::Rows { count, layer: Box::new(Layer::Softmax) },
            4 => {
                let layer = Layer::RootMeanSquare { epsilon: 1e-3, least: 1e-2 };
                Layer::Rows { count, layer: Box::new(layer) }
            }
            5 if all + 5 * count <= MOST => {
                Layer::Pad { rows: count, before: random.below(3), after: random.below(4) }
            }
            6 => {
                let transposed =
                    (0..features).flat_map(|f| (0..count).map(move |r| r * features + f));
                Layer::Select(transposed.collect())
            }
            7 => {
                // The same factors on every row.
                let scale = random.row(features, 1.5).repeat(count);
                Layer::Affine { scale, offset: random.row(features, 0.5).repeat(count) }
            }
            _ => continue,
        };
        x = graph.push(format!("after{i}"), layer, &[x])?;
    }
    Ok(())
}

/// A dense layer at places inside `len` features, on a line or a grid.
pub(super) fn windows(random: &mut Random, len: usize, sizes: &Sizes) -> Windows {
    let width = 1 + random.below(len.min(24));
    let room = len - width;
    let outputs = 1 + random.below(8);
    let most = (MOST / outputs).max(1);
    let step = 1 + random.below(width + 2);
    let inner = 1 + random.below((room / step + 1).min(most));
    let left = room - step * (inner - 1);
    let group = 1 + random.below(len);
    let outer = 1 + random.below((left / group + 1).min(most / inner).max(1));
    let dense = dense(random, &unit_spans(width), outputs, sizes);
    Windows { dense, step: [group, step], count: [outer, inner] }
}
