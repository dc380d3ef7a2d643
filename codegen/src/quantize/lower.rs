//! All layers of a graph to integers of one precision: the one place that knows every layer kind's lowering.

use super::gates::Gates;
use super::lowering::Lowering;
use super::memo::Known;
use super::precision::Precision;
use super::refit::Made;
use super::settle::{Integers, settle};
use super::{
    dense, elementwise, functions, heads, kan, membrane, ncap, plan, port, quotient, rearrange,
    recurrent, reduce, spiking, state,
};
use crate::calibrate::Ranges;
use crate::error::Result;
use crate::graph::{Graph, Layer, TensorId};
use crate::options::{Optimize, Options, Weights};
use crate::program::{Program, StepWidth, Width};

/// Share of the tolerance that one function table may use.
const TABLE_SHARE: f64 = 0.05;
/// The same where an error is carried from step to step.
const RECURRENT_TABLE_SHARE: f64 = 0.005;
/// The same where gates decide what is carried and forget it, with weights of 16 bits and of 8, whose own error is larger.
const GATED_TABLE_SHARES: [f64; 2] = [0.009, 0.02];

/// Lowers `graph` to integers of the given precision.
pub fn lower(
    graph: &Graph,
    ranges: &Ranges,
    known: &Known,
    options: &Options,
    precision: &Precision,
) -> Result<Program> {
    let (program, made) = lower_with(graph, ranges, known, options, precision, &[])?;
    let Some((rounded, layers)) = made.map(|made| made.into_rounded(graph)) else {
        return Ok(program);
    };
    let widths = precision.widths.iter().map(|width| f64::from(width.bits()));
    let numbers: Vec<f64> = layers.iter().flat_map(Integers::numbers).chain(widths).collect();
    let asked = options.weights == Weights::I4;
    let settled =
        known.get("", numbers, || Ok(settle(graph, rounded, ranges, layers.clone(), asked)))?;
    match *settled == layers {
        true => Ok(program),
        false => Ok(lower_with(graph, ranges, known, options, precision, &settled)?.0),
    }
}

/// The program, with the integers of `settled` in place of those of their nodes, and what it makes of some rows.
fn lower_with<'a>(
    graph: &'a Graph,
    ranges: &'a Ranges,
    known: &'a Known,
    options: &'a Options,
    precision: &'a Precision,
    settled: &'a [Integers],
) -> Result<(Program, Option<Made<'a>>)> {
    let mut readers = vec![0; graph.tensors.len()];
    for id in graph.nodes.iter().flat_map(|n| &n.inputs).chain([&graph.output]) {
        readers[*id] += 1;
    }
    // A state is never overwritten before the step ends, nor is what it becomes.
    for state in &graph.states {
        readers[state.previous] += 1;
        readers[state.next] += 1;
    }
    let gates = Gates::of(graph, |id| ranges.tensor(id).magnitude(), precision.shared);
    let mut lowering = Lowering {
        graph,
        ranges,
        known,
        table_tolerance: options.tolerance
            * precision.tables
            * table_share(graph, &gates, &precision.widths),
        gates,
        sparsity: options.sparsity,
        cpu: options.cpu,
        optimize: options.optimize,
        widths: &precision.widths,
        values: vec![None; graph.tensors.len()],
        readers,
        storages: vec![],
        ops: vec![],
        places: vec![],
        layers: vec![],
        fused: vec![false; graph.nodes.len()],
        needed: u32::MAX,
        scores: None,
        made: follows(graph, options, precision).then(|| Made::of(graph, ranges)),
        settled,
    };
    let input = port::input(&mut lowering)?;
    let states = state::open(&mut lowering);
    let needed_by = graph.needed_by();
    for (index, node) in graph.nodes.iter().enumerate() {
        if lowering.fused[index] {
            lowering.follow(index);
            continue;
        }
        lowering.needed = needed_by[index];
        match &node.layer {
            Layer::Dense(layer) => dense::lower(&mut lowering, index, layer),
            Layer::Windows(windows) => dense::windows::lower(&mut lowering, index, windows),
            Layer::Rows { count, layer } => heads::lower_rows(&mut lowering, node, *count, layer),
            Layer::Pad { rows, before, after } => {
                rearrange::lower_pad(&mut lowering, node, *rows, [*before, *after])
            }
            Layer::Affine { scale, offset } => {
                elementwise::lower_affine(&mut lowering, node, scale, offset)
            }
            Layer::Map(function) => functions::lower_map(&mut lowering, node, function),
            Layer::Add { factors } => elementwise::lower_add(&mut lowering, node, *factors),
            Layer::Mul => elementwise::lower_mul(&mut lowering, node),
            Layer::Div => quotient::lower(&mut lowering, node),
            Layer::Extreme { largest } => elementwise::lower_extreme(&mut lowering, node, *largest),
            Layer::Reduce { by, groups } => reduce::lower(&mut lowering, node, *by, *groups),
            Layer::Pick => elementwise::lower_pick(&mut lowering, node),
            Layer::Anytime { .. } => elementwise::lower_anytime(&mut lowering, node),
            Layer::Concat => elementwise::lower_concat(&mut lowering, node),
            Layer::Select(indices) => rearrange::lower_select(&mut lowering, node, indices),
            Layer::DelayLine => state::lower_delay_line(&mut lowering, node),
            Layer::Normalize { epsilon } => {
                heads::lower_normalize(&mut lowering, node, *epsilon, 1)
            }
            Layer::RootMeanSquare { epsilon, least } => {
                heads::lower_root_mean_square(&mut lowering, node, *epsilon, *least, 1)
            }
            Layer::Softmax => heads::lower_softmax(&mut lowering, node, 1),
            Layer::LogSoftmax => heads::lower_log_softmax(&mut lowering, node, 1),
            Layer::ArgMax => heads::lower_argmax(&mut lowering, node),
            Layer::Functions { functions, picks } => {
                functions::lower(&mut lowering, node, functions, picks)
            }
            Layer::Kan(layer) => kan::lower(&mut lowering, index, layer),
            Layer::Ncap(circuit) => ncap::lower(&mut lowering, index, circuit),
            Layer::Membrane(circuit) => membrane::lower(&mut lowering, node, circuit),
            Layer::Spiking(circuit) => spiking::lower(&mut lowering, node, circuit),
            Layer::Clock { periods } => ncap::lower_clock(&mut lowering, node, periods),
            Layer::GruUpdate => recurrent::lower_gru(&mut lowering, node),
            Layer::LstmUpdate => recurrent::lower_lstm(&mut lowering, node),
        }?;
        lowering.follow(index);
    }
    lowering.needed = u32::MAX;
    let output = port::output(&mut lowering)?;
    let start = state::close(&mut lowering, &states);
    let state_formats = state::formats(&lowering, &states);
    let sizes = std::mem::take(&mut lowering.storages);
    let callers = plan::callers(&lowering.ops, &states, &input, &output);
    let (storages, scratch_quads) =
        plan::plan(&sizes, &lowering.ops, &states, &callers, input.storage, output.storage);
    let made = lowering.made.take();
    let program = Program {
        name: graph.name.clone(),
        input,
        output,
        storages,
        scratch_quads,
        start,
        states: state_formats,
        scores: lowering.scores,
        ops: lowering.ops,
        places: lowering.places,
        rows: graph.unrolled.as_ref().map_or(1, |unrolled| unrolled.rows),
        input_names: (0..graph.input_len()).map(|i| graph.input_name(i)).collect(),
        output_names: (0..graph.output_len()).map(|i| graph.output_name(i)).collect(),
        outputs: graph.outputs.clone(),
        classes: graph.classes.clone(),
        layers: lowering.layers,
        widths: widths(graph, &needed_by),
        macs: graph.macs(),
        promise: None,
        front: None,
        guard: None,
    };
    Ok((program, made))
}

/// Whether layers are fitted to what the integers before them make: where these are coarse.
fn follows(graph: &Graph, options: &Options, precision: &Precision) -> bool {
    let coarse = options.optimize == Optimize::Size || precision.widths.contains(&Width::I4);
    coarse && graph.states.is_empty()
}

/// The widths among which the caller chooses, and what each has to compute.
fn widths(graph: &Graph, needed_by: &[u32]) -> Vec<StepWidth> {
    let width = |(k, (name, _)): (usize, (&str, TensorId))| {
        let needed = graph.nodes.iter().zip(needed_by).filter(|(_, by)| **by >> k & 1 == 1);
        StepWidth {
            name: name.to_owned(),
            macs: needed.map(|(n, _)| n.layer.macs()).sum(),
            error: None,
        }
    };
    graph.widths().into_iter().enumerate().map(width).collect()
}

/// The share of the tolerance that one function table of `graph` may use.
fn table_share(graph: &Graph, gates: &Gates, widths: &[Width]) -> f64 {
    let [fine, coarse] = GATED_TABLE_SHARES;
    match (graph.feeds_back(), gates.any()) {
        (false, _) => TABLE_SHARE,
        (true, false) => RECURRENT_TABLE_SHARE,
        (true, true) if widths.iter().all(|width| *width == Width::I16) => fine,
        (true, true) => coarse,
    }
}
