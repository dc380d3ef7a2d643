//! How fine the integers have to be: of those that meet the tolerance, the ones that cost least.

use std::cmp::Ordering;

use super::objective::{Ladder, Objective};
use super::trial::{Trial, Tried};
use crate::error::Result;
use crate::options::{Optimize, Weights};
use crate::quantize::{Precision, has_width};

/// Share of the tolerance that the error may use on the rows that choose; other rows do a little worse.
const SAFETY: f64 = 0.85;
/// Share of the tolerance of who asks for wide weights: for the finer result, not for their bytes.
const FINE: f64 = 0.5;
/// What is as good as the finest integers, where even they do not meet the tolerance.
const AS_GOOD: f64 = 1.02;
/// What halving the error of function tables has to leave of a network's error at most, to be worth their size.
const WORTH: f64 = 0.9;
/// The finest function tables, as a multiple of their share of the tolerance.
const FINEST: f64 = 1.0 / 64.0;
/// How often the error of function tables may be doubled for their size: beyond, tables shrink by little.
const COARSER: i32 = 4;
/// Steps that widen layers at most, so that a deep network takes no longer for each of its layers: beyond, those
/// behind one another are widened together.
const MOST_STEPS: usize = 8;

/// Why a layer is as fine as it is, by its name.
type Reason = (String, String);

/// What a search came to.
pub struct Chosen {
    pub precision: Precision,
    pub reasons: Vec<Reason>,
    /// The error that was allowed on the rows that choose.
    pub allowed: f64,
}

/// The precision that the options ask for.
pub fn choose(trial: &Trial) -> Result<Chosen> {
    let options = trial.options;
    let asked = if options.weights == Weights::I16 { FINE } else { 1.0 };
    let target = options.tolerance * SAFETY * asked;
    let ladder = Ladder::of(&trial.graph, options);
    // The cheapest rung that is fine enough, or the last.
    let mut rung = 0;
    let mut least = error_of(trial, &ladder.rung(0))?;
    while least > target && rung < ladder.last() {
        rung += 1;
        least = error_of(trial, &ladder.rung(rung))?;
    }
    let mut finest = ladder.rung(rung);
    // What the finest weights leave is for the function tables to mend.
    while least > target && finest.tables > FINEST {
        let finer = Precision { tables: finest.tables / 2.0, ..finest.clone() };
        let error = error_of(trial, &finer)?;
        if error > least * WORTH {
            break;
        }
        (finest, least) = (finer, error);
    }
    let allowed = target.max(least * AS_GOOD);
    // From the finest to the cheapest: of the layers on a rung, those that can go to the one before it do.
    let (mut precision, mut reasons) = (finest, vec![]);
    for k in (0..rung).rev() {
        let [narrow, wide] = [ladder.rung(k), ladder.rung(k + 1)].map(|rung| rung.widths);
        let mut coarse = precision.clone();
        for (own, (narrow, wide)) in coarse.widths.iter_mut().zip(narrow.into_iter().zip(wide)) {
            *own = if *own == wide { narrow } else { *own };
        }
        if let Some((refined, why)) = refine(trial, coarse, &precision, allowed)? {
            precision = refined;
            reasons.extend(why);
        }
    }
    if options.optimize == Optimize::Size {
        // What the weights have left of the error is for coarser tables.
        let tables = precision.tables * f64::powi(2.0, COARSER);
        let small = Precision { tables, shared: true, ..precision.clone() };
        // Where there are no tables there is nothing to make coarser.
        if trial.tried(&small)?.flash_bytes < trial.tried(&precision)?.flash_bytes {
            let coarser = refine(trial, small, &precision, allowed)?;
            precision = coarser.map_or(precision, |(coarser, _)| coarser);
        }
    }
    if options.optimize != Optimize::Balanced {
        // Every width by itself, so that the report has what each would cost.
        for rung in Ladder::all(&trial.graph, options) {
            error_of(trial, &rung)?;
        }
        let objective = Objective::of(options);
        let tried = trial.all_tried();
        let enough = tried.iter().filter(|tried| tried.error <= allowed);
        let cost = |tried: &Tried| {
            let [first, second] = objective.cost(tried.instructions, tried.flash_bytes);
            [first, second, tried.error]
        };
        let best = enough.min_by(|a, b| cost(a).partial_cmp(&cost(b)).unwrap_or(Ordering::Equal));
        if let Some(best) = best.filter(|best| best.precision != precision) {
            (precision, reasons) = (best.precision.clone(), vec![]);
        }
    }
    Ok(Chosen { precision, reasons, allowed })
}

/// Something that makes integers finer.
#[derive(Debug, Clone)]
enum Step {
    /// The weights of some nodes as wide as those of the finest integers.
    Widen(Vec<usize>),
    /// Half the error of all function tables.
    Tables,
    /// A table for each layer's function.
    Own,
}

impl Step {
    /// All that lead from `coarse` to `finest`.
    fn between(trial: &Trial, coarse: &Precision, finest: &Precision) -> Vec<Self> {
        let nodes = trial.graph.nodes.iter().enumerate();
        let wider = nodes
            .filter(|(i, node)| has_width(&node.layer) && coarse.widths[*i] < finest.widths[*i]);
        let tables = (coarse.tables / finest.tables).log2().round() as usize;
        let own = coarse.shared && !finest.shared;
        let wider: Vec<usize> = wider.map(|(i, _)| i).collect();
        let together = match trial.options.optimize {
            Optimize::Balanced => 1,
            Optimize::Speed | Optimize::Size => wider.len().div_ceil(MOST_STEPS).max(1),
        };
        let widen = wider.chunks(together).map(|nodes| Self::Widen(nodes.to_vec()));
        widen.chain(vec![Self::Tables; tables]).chain(own.then_some(Self::Own)).collect()
    }

    fn take(&self, precision: &mut Precision, finest: &Precision) {
        match self {
            Self::Widen(nodes) => {
                nodes.iter().for_each(|&node| precision.widths[node] = finest.widths[node]);
            }
            Self::Tables => precision.tables /= 2.0,
            Self::Own => precision.shared = false,
        }
    }

    fn take_back(&self, precision: &mut Precision, coarse: &Precision) {
        match self {
            Self::Widen(nodes) => {
                nodes.iter().for_each(|&node| precision.widths[node] = coarse.widths[node]);
            }
            Self::Tables => precision.tables *= 2.0,
            Self::Own => precision.shared = true,
        }
    }
}

/// The fewest steps from `coarse` to `finest` for an error of at most `allowed`, which all of them together meet; none
/// if there are none between them.
fn refine(
    trial: &Trial,
    coarse: Precision,
    finest: &Precision,
    allowed: f64,
) -> Result<Option<(Precision, Vec<Reason>)>> {
    let steps = Step::between(trial, &coarse, finest);
    if steps.is_empty() {
        return Ok(None);
    }
    if error_of(trial, &coarse)? <= allowed {
        return Ok(Some((coarse, vec![])));
    }
    let order = by_gain(trial, &coarse, finest, steps)?;
    let taken = |steps: &[Step]| {
        let mut precision = coarse.clone();
        steps.iter().for_each(|step| step.take(&mut precision, finest));
        precision
    };
    // Those of most gain, as many as it takes: more lower the error, if not quite evenly.
    let (mut fewest, mut most) = (0, order.len());
    while most - fewest > 1 {
        let middle = (fewest + most) / 2;
        match error_of(trial, &taken(&order[..middle]))? <= allowed {
            true => most = middle,
            false => fewest = middle,
        }
    }
    let mut precision = taken(&order[..most]);
    // One of them may not be needed once the others are taken.
    let mut reasons = vec![];
    for step in order[..most].iter().rev() {
        step.take_back(&mut precision, &coarse);
        let error = error_of(trial, &precision)?;
        if error > allowed {
            step.take(&mut precision, finest);
            let Step::Widen(nodes) = step else { continue };
            for &node in nodes {
                let width = coarse.widths[node].name();
                let why = format!(
                    "widened: {width} left an error of {error:.4} where {allowed:.4} is allowed"
                );
                reasons.push((trial.graph.nodes[node].name.clone(), why));
            }
        }
    }
    Ok(Some((precision, reasons)))
}

fn error_of(trial: &Trial, precision: &Precision) -> Result<f64> {
    Ok(trial.tried(precision)?.error)
}

/// Steps by what each alone gains a byte.
fn by_gain(
    trial: &Trial,
    coarse: &Precision,
    finest: &Precision,
    steps: Vec<Step>,
) -> Result<Vec<Step>> {
    let without = trial.tried(coarse)?;
    let mut gains = vec![];
    for step in steps {
        let mut precision = coarse.clone();
        step.take(&mut precision, finest);
        let with = trial.tried(&precision)?;
        let widened = |&node: &usize| {
            let bits = finest.widths[node].bits() - coarse.widths[node].bits();
            trial.graph.nodes[node].layer.macs().max(1) as f64 * f64::from(bits) / 8.0
        };
        let bytes = match &step {
            Step::Widen(nodes) => nodes.iter().map(widened).sum(),
            Step::Tables | Step::Own => {
                with.flash_bytes.saturating_sub(without.flash_bytes).max(1) as f64
            }
        };
        gains.push((step, (without.error * without.error - with.error * with.error) / bytes));
    }
    gains.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(gains.into_iter().map(|(step, _)| step).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::Calibration;
    use crate::choose::quantize;
    use crate::graph::expr::{Expr, Function};
    use crate::graph::{Dense, Graph, Layer};
    use crate::options::{Cpu, Options};
    use crate::program::Program;

    /// A number in -1..1 for each index (Weyl's sequence).
    fn noise(i: usize) -> f64 {
        (i as f64 * 0.754_877_666_246_693).fract() * 2.0 - 1.0
    }

    /// `layers` dense layers of `width`, a tanh behind each, and data for it.
    fn chain(layers: usize, width: usize, rows: usize) -> (Graph, Calibration) {
        chain_of(&Expr::call(Function::Tanh), layers, width, rows)
    }

    /// The same with another function.
    fn chain_of(function: &Expr, layers: usize, width: usize, rows: usize) -> (Graph, Calibration) {
        let mut graph = Graph::new("chain", "x", width);
        for l in 0..layers {
            let weight = |o: usize, i: usize| noise((l * width + o) * width + i) * 1.5;
            let weights = (0..width).map(|o| (0..width).map(|i| weight(o, i)).collect()).collect();
            let dense = Layer::Dense(Dense::new(weights, vec![0.1; width]));
            let y = graph.push(format!("fc{l}"), dense, &[graph.output]).unwrap();
            graph.push(format!("map{l}"), Layer::Map(function.clone()), &[y]).unwrap();
        }
        let row = |r: usize| (0..width).map(|i| noise(r * width + i + 31)).collect();
        (graph, Calibration::of((0..rows).map(row).collect()))
    }

    fn widened_layers(graph: &Graph, calibration: &Calibration, tolerance: f64) -> (usize, bool) {
        let options = Options { tolerance, ..Options::default() };
        let program = quantize(graph, calibration, &options).unwrap();
        let wide = program.layers.iter().filter(|row| row.kind.starts_with("dense i16"));
        (wide.count(), program.promise.unwrap().is_kept())
    }

    #[test]
    fn as_many_layers_are_widened_as_the_tolerance_takes() {
        let (graph, calibration) = chain(3, 8, 400);
        assert_eq!(widened_layers(&graph, &calibration, 0.1), (0, true));
        let (some, kept) = widened_layers(&graph, &calibration, 0.004);
        assert!((1..=3).contains(&some) && kept, "{some}");
    }

    /// What wide weights cannot give is said, and not paid for where it gains nothing.
    #[test]
    fn a_tolerance_out_of_reach_is_told() {
        let (graph, calibration) = chain(3, 8, 400);
        assert!(!widened_layers(&graph, &calibration, 1e-7).1);
    }

    /// What is chosen for an objective, with its layers' kinds, for layers of a function that does not end flat.
    fn optimized(optimize: Optimize, cpu: Cpu, weights: Weights) -> (Program, Vec<String>) {
        let (graph, calibration) = chain_of(&Expr::silu(), 3, 8, 400);
        let options = Options { optimize, cpu, weights, ..Options::default() };
        let program = quantize(&graph, &calibration, &options).unwrap();
        let kinds = program.layers.iter().map(|layer| layer.kind.clone()).collect();
        (program, kinds)
    }

    #[test]
    fn each_objective_is_kept_small_within_the_tolerance() {
        let cpu = Cpu::CortexM4;
        let all = Optimize::ALL.map(|optimize| optimized(optimize, cpu, Weights::Auto).0);
        let [speed, size, balanced] = &all;
        assert!(speed.instructions(cpu) < balanced.instructions(cpu));
        assert!(size.table_bytes() < balanced.table_bytes());
        for program in &all {
            assert!(program.promise.as_ref().unwrap().is_kept());
            let front = program.front.as_ref().unwrap();
            assert_eq!(front.choices.iter().filter(|choice| choice.taken).count(), 1);
        }
    }

    #[test]
    fn speed_takes_the_width_that_the_core_is_fast_with() {
        for (cpu, width) in [(Cpu::CortexM4, "dense i16"), (Cpu::CortexM55, "dense i8")] {
            let (_, kinds) = optimized(Optimize::Speed, cpu, Weights::Auto);
            let dense = kinds.iter().filter(|kind| kind.starts_with("dense"));
            assert!(
                dense.clone().count() == 3 && dense.clone().all(|kind| kind == width),
                "{kinds:?}"
            );
        }
    }

    #[test]
    fn a_width_that_is_asked_for_is_kept_and_what_is_left_is_chosen() {
        let of = |optimize| optimized(optimize, Cpu::Any, Weights::I16);
        let ((small, kinds), (balanced, _)) = (of(Optimize::Size), of(Optimize::Balanced));
        assert!(kinds.iter().filter(|kind| *kind == "dense i16").count() == 3, "{kinds:?}");
        assert!(small.table_bytes() < balanced.table_bytes());
        let why = of(Optimize::Speed).0.front.unwrap().why;
        assert!(why.starts_with("nothing was left to choose"), "{why}");
    }

    #[test]
    fn a_handful_of_rows_judges_itself_and_is_told_to_be_thin() {
        let (graph, calibration) = chain(2, 4, 5);
        let promise = quantize(&graph, &calibration, &Options::default()).unwrap().promise.unwrap();
        assert!(!promise.held_out && promise.rows == 5);
        assert!(promise.thin.unwrap().contains("5 calibration rows"));
    }

    /// Rows that go further than all others are seen for what they are.
    #[test]
    fn data_that_still_grows_is_told_to_be_thin() {
        let (graph, mut calibration) = chain(1, 4, 400);
        let thin = |calibration: &Calibration| {
            quantize(&graph, calibration, &Options::default()).unwrap().promise.unwrap().thin
        };
        assert_eq!(thin(&calibration), None);
        // The last of 16 stretches is one that judges.
        calibration.rows.iter_mut().skip(390).flatten().for_each(|x| *x *= 3.0);
        let thin = thin(&calibration).unwrap();
        assert!(thin.contains("`x`") && thin.contains("times as far"), "{thin}");
    }
}
