//! What the numbers mean, in words and as a table.

use super::agreement::Agreement;
use super::classes::{Flip, Head};
use super::errors::{columns, ratio};
use super::verification::{Comparison, SaturatedInput, Verification};
use crate::options::Weights;
use crate::text::table;

/// Outputs listed; of more, those with the largest errors.
const LISTED: usize = 8;
/// Columns of a line.
const WIDTH: usize = 110;
/// Inputs named in a sentence.
const NAMED: usize = 3;
/// Calibration rows below which more of them are asked for.
const FEW_CALIBRATION_ROWS: usize = 300;

/// The fault of vectors that another network, or other software, computed.
pub(super) fn of_foreign_vectors(
    c: &Comparison,
    what: &str,
    worst: &Agreement,
    [float, given]: [f64; 2],
) -> String {
    let graph = &c.compiled.source.graph;
    let several = match graph.outputs.as_slice() {
        [] | [_] => String::new(),
        parts => {
            let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
            format!(" (of several outputs, {}, --output NAME takes one)", names.join(", "))
        }
    };
    let recurrent = match c.compiled.graph.states.is_empty() {
        true => "",
        false => ", in time order from a reset",
    };
    format!(
        "the imported float network differs from the vectors by {:.1e} of the size of {what} ({:.1e} is allowed; row \
         {}: {float:.6} for {given:.6}): do they belong to this model, inputs as it takes them{recurrent}{several}?",
        worst.relative(),
        worst.tolerance(),
        c.places.get(worst.row).copied().unwrap_or_default(),
    )
}

/// The fault of integers that name other classes.
pub(super) fn of_flips(v: &Verification, c: &Comparison, count: usize, worst: &Flip) -> String {
    let names = c.compiled.source.graph.classes.as_ref().map(|classes| &classes.names);
    let name = |class: usize| match names.and_then(|names| names.get(class)) {
        Some(name) => format!("`{name}`"),
        None => format!("class {class}"),
    };
    format!(
        "the integers name another class than float on {count} of {} rows where float is decided: in row {} {} for {}, \
         which float prefers by {:.4}",
        v.finite_rows,
        c.places.get(worst.row).copied().unwrap_or_default(),
        name(worst.fixed),
        name(worst.float),
        worst.margin
    )
}

/// The verdict: what was compared and how well it went, and what to do next.
pub(super) fn words(v: &Verification, c: &Comparison, off: bool) -> String {
    let mut sentences = vec![compared(v, off)];
    sentences.extend(unchecked(v, c));
    sentences.push(if off {
        format!("To do: {}.", improvements(v, c).join("; or "))
    } else if !v.passed {
        "The integers were compared with the float network all the same; mend the vectors, or the import, first."
            .to_owned()
    } else if let Some(inputs) = saturated(v) {
        format!("{inputs}; add such rows to the calibration data if they can occur in use.")
    } else {
        "Next: `nervecord compile` writes the module.".to_owned()
    });
    sentences.join(" ")
}

fn compared(v: &Verification, off: bool) -> String {
    let rows = rows(v.finite_rows);
    let errors = format!(
        "an RMS of {:.4} standard deviations of the {} (at most {:.4}), {:.4} at worst",
        v.relative_error,
        if v.compared == "scores" { "scores" } else { "output" },
        v.allowed_relative_error,
        v.max_relative_error
    );
    let Some((same, flips)) = v.same_class.zip(v.decided_flips) else {
        return format!("On {rows} the integers differ from the float network by {errors}.");
    };
    let undecided = match v.finite_rows - same - flips {
        0 => String::new(),
        n => format!(", on {n} of the others float is undecided itself"),
    };
    let more = v.relative_error > v.allowed_relative_error;
    let note = if more && !off { ": trust the classes, not the numbers" } else { "" };
    format!(
        "Integers and float name the same class on {same} of {rows}{undecided}; they differ by {errors}{note}."
    )
}

fn rows(n: usize) -> String {
    if n == 1 { "1 row".to_owned() } else { format!("{n} rows") }
}

/// What the vectors do not say.
fn unchecked(v: &Verification, c: &Comparison) -> Option<String> {
    let graph = &c.compiled.graph;
    let given = c.vectors.outputs.as_deref().map_or(0, columns);
    if given > 0 && given < graph.output_len() {
        let names: Vec<String> = (0..given).map(|j| graph.output_name(j)).collect();
        return Some(format!(
            "The vectors have the first {given} of {} outputs, taken as {}; --output NAME takes an output alone.",
            graph.output_len(),
            names.join(", ")
        ));
    }
    let so = v.float_max_error.is_none() && c.head != Head::Index && v.passed;
    so.then(|| {
        "The vectors have no columns y0.., so nothing says that the network was imported rightly."
            .to_owned()
    })
}

/// `Inputs saturate in 3 of 200 rows: x1 (3 rows, 4.2 where -1.1 to 1.2 was seen)`.
fn saturated(v: &Verification) -> Option<String> {
    let describe = |input: &SaturatedInput| {
        let [low, high] = input.calibrated;
        let far = |&x: &f64| (low - x).max(x - high);
        let [a, b] = &input.range;
        let value = if far(a) > far(b) { a } else { b };
        let rows = rows(input.rows);
        // As `1e200`, not with all its digits.
        format!("{} ({rows}, {value:?} where {low:?} to {high:?} was seen)", input.name)
    };
    let named: Vec<String> = v.saturated_inputs.iter().take(NAMED).map(describe).collect();
    let more = match v.saturated_inputs.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!(" and {n} more inputs"),
    };
    (v.saturated_rows > 0).then(|| {
        let list = named.join(", ");
        format!("Inputs saturate in {} of {} rows: {list}{more}", v.saturated_rows, v.rows)
    })
}

/// What may make integers better that are not near enough, likeliest first.
fn improvements(v: &Verification, c: &Comparison) -> Vec<String> {
    let mut found = Vec::new();
    // Few saturated rows do not explain an RMS error.
    if let Some(inputs) = saturated(v).filter(|_| v.saturated_rows * 100 >= v.rows) {
        found.push(format!("calibrate with rows like these ({})", lower_first(&inputs)));
    }
    let seen = v.calibration_relative_error.unwrap_or_default();
    let rows = c.compiled.calibration.rows.len();
    let covered = seen <= v.tolerance;
    if covered && !found.is_empty() {
        return found;
    }
    if covered && !v.classifier {
        let few = if rows < FEW_CALIBRATION_ROWS { "only " } else { "" };
        found.push(format!(
            "calibrate with more rows like these vectors (on the {few}{rows} calibration rows the error is {seen:.4})"
        ));
    }
    found.extend(coarse_output(v, c));
    let narrow = c.compiled.program.layers.iter().any(|layer| layer.has_width("i8"));
    found.push(match c.compiled.options.weights {
        Weights::I4 | Weights::I8 => "let `--weights auto` widen the layers that need it".to_owned(),
        Weights::Auto if narrow && covered => format!(
            "`--tolerance {}`, or `--weights 16`, which widen more layers",
            round_down(v.tolerance / 2.0)
        ),
        Weights::Auto if narrow => "`--weights 16`, which widens every layer".to_owned(),
        _ => format!(
            "allow more with a larger `--tolerance`: the weights are as wide as they get, number formats and function \
             tables are what is left{}",
            worst_table(c)
        ),
    });
    found
}

/// The output whose format is too coarse for how little it moves: its rounding alone makes half of the squared error that
/// is allowed.
fn coarse_output(v: &Verification, c: &Comparison) -> Option<String> {
    if v.classifier {
        return None;
    }
    let port = &c.compiled.program.output;
    // A step of 1 rounds with an RMS error of 1 / sqrt(12).
    let rounding = |j: usize| ratio(port.step(j) / 12_f64.sqrt(), v.outputs[j].unit);
    let coarsest = (0..v.outputs.len()).max_by(|&a, &b| rounding(a).total_cmp(&rounding(b)))?;
    (2.0 * rounding(coarsest).powi(2) > v.tolerance.powi(2)).then(|| {
        let output = &v.outputs[coarsest];
        format!(
            "centre and scale {} in training and behind the network: it moves by {:.1e} (standard deviation), and its \
             number format in steps of {:.1e}",
            output.name,
            output.unit,
            port.step(coarsest)
        )
    })
}

/// The layer whose table errs most, as far as tables are known.
fn worst_table(c: &Comparison) -> String {
    let errors = c.compiled.program.layers.iter().filter_map(|l| Some((l, l.worst_error?)));
    let worst = errors.max_by(|a, b| a.1.total_cmp(&b.1));
    worst.map_or_else(String::new, |(layer, error)| {
        format!(" (the least exact table is that of `{}`, off by up to {error:.1e})", layer.name)
    })
}

/// A paragraph for the terminal, indented.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::from(" ")];
    for word in text.split(' ') {
        let length = |line: &String| line.chars().count() + word.chars().count();
        if lines.last().is_none_or(|line| length(line) >= WIDTH) {
            lines.push(String::from("   "));
        }
        lines.last_mut().into_iter().for_each(|line| *line += &format!(" {word}"));
    }
    lines.join("\n") + "\n"
}

/// One significant digit, not above `x`.
fn round_down(x: f64) -> f64 {
    let digit = f64::powi(10.0, x.log10().floor() as i32);
    let rounded = (x / digit).floor() * digit;
    format!("{rounded:.1e}").parse().unwrap_or(rounded)
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}

impl Verification {
    /// Tables and the verdict, for the terminal.
    pub fn render(&self) -> String {
        let mut text = format!("{}\n", self.model);
        for line in self.error_table().lines() {
            text += &format!("  {line}\n");
        }
        for (label, value) in self.facts() {
            text += &format!("  {label:<27} {value}\n");
        }
        for fault in &self.faults {
            text += &wrapped(&format!("not within tolerance: {fault}"));
        }
        let verdict = if self.passed { "passed" } else { "FAILED" };
        text + &wrapped(&format!("{verdict}: {}", self.verdict))
    }

    /// Of integer against float: all outputs, and each, those with the largest errors if there are many.
    fn error_table(&self) -> String {
        let mut rows = vec![
            ["error", "RMS", "99.9%", "largest", "deviation", "RMS / dev.", "R2"]
                .map(str::to_owned),
        ];
        let r2 = |r2: Option<f64>| r2.map_or("-".to_owned(), |r2| format!("{r2:.6}"));
        rows.push([
            format!("all {}", self.compared),
            format!("{:.3e}", self.rms_error),
            format!("{:.3e}", self.p999_error),
            format!("{:.3e}", self.max_error),
            "-".to_owned(),
            format!("{:.5}", self.relative_error),
            r2(self.r2),
        ]);
        let mut outputs: Vec<_> = self.outputs.iter().collect();
        if outputs.len() > LISTED {
            outputs.sort_by(|a, b| b.relative_error.total_cmp(&a.relative_error));
        }
        let listed = if outputs.len() > 1 { LISTED } else { 0 };
        rows.extend(outputs.iter().take(listed).map(|output| {
            [
                output.name.clone(),
                format!("{:.3e}", output.rms_error),
                format!("{:.3e}", output.p999_error),
                format!("{:.3e}", output.max_error),
                format!("{:.3e}", output.unit),
                format!("{:.5}", output.relative_error),
                r2(output.r2),
            ]
        }));
        let mut text = table(&rows, &[1, 2, 3, 4, 5, 6]);
        if outputs.len() > LISTED {
            text += &format!(
                "the {LISTED} of {} {} with the largest errors\n",
                outputs.len(),
                self.compared
            );
        }
        text
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![("vectors", self.rows.to_string())];
        if let Some(same) = self.same_class {
            facts.push(("same class as float", format!("{same} of {}", self.finite_rows)));
        }
        if let Some((fixed, float)) = self.accuracy.zip(self.float_accuracy) {
            facts
                .push(("accuracy", format!("{:.2}% (float {:.2}%)", fixed * 100.0, float * 100.0)));
        }
        facts.push((
            "RMS error / deviation",
            format!(
                "{:.5} (at most {:.4}), 99.9% {:.5}, largest {:.5}",
                self.relative_error,
                self.allowed_relative_error,
                self.p999_relative_error,
                self.max_relative_error
            ),
        ));
        if let Some(error) = self.state_max_error {
            facts.push(("largest error of the state", format!("{error:.3e}")));
        }
        let float =
            match (self.float_max_error, self.float_relative_error.zip(self.float_tolerance)) {
                (Some(error), Some((relative, allowed))) => {
                    format!("{error:.2e}, {relative:.1e} of its size (at most {allowed:.1e})")
                }
                _ => "-".to_owned(),
            };
        facts.extend([
            ("float against vectors", float),
            ("tables in flash", format!("{} B", self.flash_bytes)),
            ("RAM", format!("{} B", self.ram_bytes)),
            ("multiply-accumulates", self.macs.to_string()),
            ("rows with saturated inputs", self.saturated_rows.to_string()),
        ]);
        facts
    }
}
