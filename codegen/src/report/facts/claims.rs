//! What is proved, what was measured and what nobody can say from this data, in words. Stands on the other facts.

use serde::Serialize;

use super::super::words::{bytes, count, counted, percent, with_unit};
use super::judged::{Judged, Origin};
use super::ports::OutputFact;
use super::properties::{self, Word};
use crate::program::LayerReport;

/// Inputs and outputs that a sentence names.
const NAMED: usize = 3;
/// Rows below which an error is an accident.
const FEW: usize = 30;

/// What a report says of a model in words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// What holds for every input.
    pub proved: Vec<String>,
    /// What was seen, and on which rows.
    pub measured: Vec<String>,
    /// What nobody can say from this data.
    pub unknown: Vec<String>,
}

/// The layer whose sums can take the most of their 32 bits.
fn tightest(layers: &[LayerReport]) -> Option<&LayerReport> {
    let share = |layer: &&LayerReport| layer.sum_share().unwrap_or_default();
    let bounded = layers.iter().filter(|layer| layer.sum_share().is_some());
    bounded.max_by(|a, b| share(a).total_cmp(&share(b)))
}

/// The verdict in one sentence.
pub fn verdict(judged: &Judged, flash: usize, ram: usize) -> String {
    let thin = match judged.thin() {
        true => ", which are too few or too narrow to promise much",
        false => "",
    };
    format!(
        "{}{thin}; no sum can overflow for any input; {} of flash for tables, {} of RAM.",
        nearness(judged),
        bytes(flash),
        bytes(ram)
    )
}

/// How near float the integers are on the rows.
fn nearness(judged: &Judged) -> String {
    let v = &judged.verification;
    let (rows, size) = (judged.describe(), percent(v.relative_error));
    if v.finite_rows == 0 {
        return format!("Nothing was measured: float is not finite on {}", counted(v.rows, "row"));
    }
    let near = match v.same_class {
        Some(same) => format!("name the same class as float on {} of {rows}", count(same)),
        None => format!("are {size} from float on {rows}"),
    };
    let within = v.decided_flips.unwrap_or(0) == 0 && v.relative_error <= v.allowed_relative_error;
    match (is_kept(judged), v.same_class) {
        (true, None) => format!("Runs as integers within {size} of float on {rows}"),
        (true, Some(_)) => format!("Runs as integers that {near}"),
        (false, _) if within && !v.passed => {
            format!(
                "Something is wrong with the rows it was judged on, although its integers {near}"
            )
        }
        (false, Some(_)) => format!("Is not near enough to float: its integers {near}"),
        (false, None) => format!(
            "Misses its tolerance: its integers {near}, where {} was asked for",
            percent(v.tolerance)
        ),
    }
}

/// Whether nothing was found that is not as wanted.
pub fn is_kept(judged: &Judged) -> bool {
    let promise = judged.comparison.compiled.program.promise.as_ref();
    let kept = judged.origin == Origin::Vectors || promise.is_none_or(|promise| promise.is_kept());
    judged.verification.passed && kept
}

impl Judged<'_> {
    /// Whether the rows say little.
    pub fn thin(&self) -> bool {
        let few = self.verification.finite_rows < FEW;
        let promise = self.comparison.compiled.program.promise.as_ref();
        few || (self.origin != Origin::Vectors && promise.is_some_and(|p| p.thin.is_some()))
    }
}

/// What holds for every input.
pub fn proved(judged: &Judged, outputs: &[OutputFact]) -> Vec<String> {
    let program = &judged.comparison.compiled.program;
    let tightest = tightest(&program.layers);
    let sum = match tightest.and_then(|layer| Some((&layer.name, layer.sum_said()?))) {
        Some((layer, share)) => format!(
            "No sum overflows, whatever the inputs and in whatever order it is added: the largest that can occur, in \
             layer {layer}, takes {share} of a 32-bit number."
        ),
        None => "No sum overflows: every one is of 16-bit numbers, few enough for 32 bits.".into(),
    };
    let ends = outputs.iter().take(NAMED).map(|output| {
        let [low, high] = output.possible.map(|end| with_unit(end, output.unit.as_deref()));
        format!("{} stays within {low} and {high}", output.name)
    });
    let ends = ends.collect::<Vec<_>>().join(", ");
    let more = match outputs.len().saturating_sub(NAMED) {
        0 => String::new(),
        1 => ", and so does the other one within its own limits".into(),
        n => format!(", and so does each of the other {n} within its own limits"),
    };
    let mut proved = vec![
        sum,
        format!("No output leaves its number format: {ends}{more}."),
        "No input breaks the arithmetic: what lies outside its range is taken as the nearest end, what is no number (NaN) \
         or missing as the middle, and the status says so."
            .into(),
        format!(
            "Memory is fixed: {} of tables and {} of RAM beside code and stack; nothing is allocated.",
            bytes(program.table_bytes()),
            bytes(program.ram_bytes())
        ),
    ];
    let tables = program.layers.iter().filter_map(|l| Some((&l.name, l.worst_error?)));
    if let Some((layer, error)) = tables.max_by(|a, b| a.1.total_cmp(&b.1)) {
        proved.push(format!(
            "Each table of a function was compared with the function at all its integers: the least exact, that of layer \
             {layer}, is off by at most {}.",
            with_unit(error, None)
        ));
    }
    proved.extend(bounded(judged, outputs));
    proved.extend(properties::of(&judged.properties).into_iter().filter_map(
        |own| match own.verdict {
            Word::Holds => Some(format!("Property {} holds: {}.", own.name, own.says)),
            Word::Violated => {
                Some(format!("Property {} is violated: it is not so that {}.", own.name, own.says))
            }
            Word::NotDecided => None,
        },
    ));
    if program.constant_time() {
        proved.push(
            "A step does the same work for every input: no loop or branch depends on data.".into(),
        );
    }
    proved
}

/// How far outputs can be from float for every input, where that was bounded.
fn bounded(judged: &Judged, outputs: &[OutputFact]) -> Option<String> {
    let certificate = judged.certificate.as_ref()?;
    let claims = certificate.outputs.iter().zip(outputs);
    let ends = claims.filter_map(|(claim, output)| {
        let error = with_unit(claim.error?, output.unit.as_deref());
        Some(format!("{} by more than {error}", output.name))
    });
    let ends: Vec<String> = ends.take(NAMED).collect();
    let after = if certificate.steps.is_some() { " in the first step after a reset" } else { "" };
    (!ends.is_empty()).then(|| {
        format!(
            "No input in its range takes an output further from float{after}: {}.",
            ends.join(", ")
        )
    })
}

/// What was seen on the rows.
pub fn measured(judged: &Judged) -> Vec<String> {
    let v = &judged.verification;
    let mut measured: Vec<String> =
        v.faults.iter().map(|fault| format!("Not as wanted: {fault}.")).collect();
    if v.finite_rows == 0 {
        return measured;
    }
    measured.push(format!(
        "On {}, integers and float differ by {} of the {}'s standard deviation (root mean square), {} at worst; {} is \
         the tolerance.",
        judged.describe(),
        percent(v.relative_error),
        v.compared.trim_end_matches('s'),
        percent(v.max_relative_error),
        percent(v.tolerance)
    ));
    if let Some((same, decided)) = v.same_class.zip(v.decided_flips) {
        let others = match v.finite_rows - same {
            0 => String::new(),
            n => format!(" Of the other {n}, float was decided on {decided}."),
        };
        measured.push(format!(
            "They name the same class on {} of {} rows.{others}",
            count(same),
            count(v.finite_rows)
        ));
    }
    if let Some((integers, float)) = v.accuracy.zip(v.float_accuracy) {
        measured.push(format!(
            "Of the given labels integers get {} right, float {}.",
            percent(integers),
            percent(float)
        ));
    }
    if let Some((error, allowed)) = v.float_relative_error.zip(v.float_tolerance) {
        let verdict = if error <= allowed { "as near as single precision is" } else { "too far" };
        measured.push(format!(
            "The imported float network is {} of the given outputs away from them: {verdict}.",
            percent(error)
        ));
    }
    if let Some(error) = v.state_max_error {
        measured.push(format!(
            "The memory of the integers is at most {} from float's, each from its own steps before.",
            with_unit(error, None)
        ));
    }
    measured.push(match v.saturated_rows {
        0 => format!("No input left its range on these {}.", counted(v.rows, "row")),
        n => {
            let named = v.saturated_inputs.iter().take(NAMED);
            let named = named.map(|input| format!("{} ({})", input.name, count(input.rows)));
            let named = named.collect::<Vec<_>>().join(", ");
            format!(
                "Inputs left their range on {} of {} rows, most often {named}.",
                count(n),
                count(v.rows)
            )
        }
    });
    measured
}

/// What nobody can say from this data.
pub fn unknown(judged: &Judged) -> Vec<String> {
    let compiled = judged.comparison.compiled;
    let mut unknown = vec![
        match judged.certificate.as_ref().is_some_and(|c| c.unbounded.is_none()) {
            true => "How large errors usually are on inputs unlike these rows: they are bounded, but what was measured holds \
                     for rows like these.",
            false => "How large errors are on inputs unlike these rows: what was measured holds for rows like these. \
                      `compile --certificate` bounds them for every input.",
        }
        .to_owned(),
        "Whether the float network itself does the right thing. The integers follow it, mistakes included.".into(),
    ];
    let open = properties::of(&judged.properties);
    unknown.extend(open.into_iter().filter(|own| own.verdict == Word::NotDecided).map(|own| {
        format!(
            "Whether property {} holds: it was not decided. `nervecord prove` takes longer.",
            own.name
        )
    }));
    match judged.origin {
        Origin::Declared => unknown.push(
            "What inputs look like in use: there is no data, only declared ranges, and rows were drawn from those.".into(),
        ),
        Origin::Calibration => unknown.push(
            "How new rows would do: there are too few to hold some out, so the same rows decided and judged.".into(),
        ),
        Origin::HeldOut | Origin::Vectors => {}
    }
    if judged.verification.finite_rows < FEW {
        unknown.push(format!(
            "Much at all: {} tell an error badly.",
            counted(judged.verification.finite_rows, "row")
        ));
    }
    let promise = compiled.program.promise.as_ref();
    if let Some(thin) = promise.and_then(|promise| promise.thin.as_ref()) {
        unknown.push(format!("Whether the calibration data shows all there is to see: {thin}."));
    }
    if judged.verification.float_max_error.is_none() {
        unknown.push(
            "Whether the trained file was read rightly: no outputs of the program that trained it were given to compare with."
                .into(),
        );
    }
    if compiled.graph.feeds_back() {
        let longest = longest(judged);
        unknown.push(format!(
            "What becomes of its memory beyond {}, the longest that was run without a reset.",
            counted(longest, "step")
        ));
    }
    unknown.push(
        "How long a step takes and how much stack it needs on a given core: not measured here."
            .into(),
    );
    unknown
}

/// Inputs of the longest sequence.
fn longest(judged: &Judged) -> usize {
    let vectors = &judged.vectors;
    let ends = vectors.starts.iter().skip(1).copied().chain([vectors.inputs.len()]);
    vectors.starts.iter().zip(ends).map(|(start, end)| end - start).max().unwrap_or(0)
}
