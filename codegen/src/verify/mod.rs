//! How far the integers are from the float network, and whether that is near enough.
//!
//! The integers are compared with the imported float network, run in double precision over the same rows. Errors
//! are told in the outputs' own units, and in standard deviations of each output: over the calibration rows, as the
//! compiler told them when it chose the weights, or over the vectors where those vary more. So a single vector is
//! enough. A classifier is judged by the classes it names, all else by its RMS error. The float network in turn is
//! compared with the vectors' outputs, if they have any. A value that is not finite is a fault in each of them.
//!
//! Stands on a compiled model; reads no file.

mod agreement;
mod classes;
mod errors;
mod run;
#[cfg(test)]
mod tests;
mod verdict;
mod verification;

use nervecord::Status;

use crate::compiler::Compiled;
use crate::data::{Judged, States, Vectors, filtered};
use crate::graph::Graph;
use crate::reference::Reference;
use agreement::{Agreement, Noise, Sequences};
pub use classes::class;
use classes::{Flip, Head, SELDOM};
use errors::{Errors, Rows, columns, deviation, differences, ratio, units};
pub use run::Trace;
pub use verification::{Comparison, OutputErrors, SaturatedInput, Verification};

/// What the places of a row are called.
type Naming<'a> = &'a dyn Fn(usize) -> String;

/// Rows that tell an RMS error well. Of fewer, a row's own error may be up to three times as large.
const ENOUGH_ROWS: usize = 30;

/// Runs integers and float over `vectors` and judges.
pub fn verify(compiled: &Compiled, vectors: &Vectors) -> Verification {
    compare(compiled, vectors).0
}

/// The calibration rows, of which those are judged that decided nothing, or all if they are few.
pub fn held_out(compiled: &Compiled) -> Vectors {
    let calibration = &compiled.calibration;
    let judged = |input| Judged { input, number: calibration.number(input) };
    Vectors {
        starts: calibration.starts(),
        steps: calibration.steps,
        judged: Some(calibration.split().judge.into_iter().map(judged).collect()),
        ..Vectors::of(calibration.rows.clone())
    }
}

/// As [`verify`], with what integers and float gave for each row.
pub fn compare<'a>(compiled: &'a Compiled, vectors: &Vectors) -> (Verification, Comparison<'a>) {
    let head = Head::of(compiled, vectors.labels.is_some());
    let graph = head.graph(compiled);
    let Vectors { inputs, starts, .. } = vectors;
    let steps = run::float(Reference::new(graph), graph, head, inputs, starts);
    let (fixed, statuses) = run::fixed(&compiled.program, head, inputs, starts);
    let ends = vectors.ends();
    let (float, mut fixed) = (steps.filtered(&ends), fixed.filtered(&ends));
    let mut settled = vectors.clone();
    if head == Head::Numbers {
        let tolerance = compiled.options.tolerance;
        let decided_by = (&float.values[..], &float.scores[..]);
        classes::settle_undecided(&mut fixed.values, graph, decided_by, tolerance);
        let given = settled.outputs.as_deref_mut().unwrap_or_default();
        classes::settle_undecided(given, graph, decided_by, agreement::COARSEST);
    }
    let vectors = &settled;
    let sample = run::sample(compiled);
    let sampled = run::float(Reference::new(graph), graph, head, &sample, &[0]);

    let program = &compiled.program;
    let mut v = Verification {
        model: program.name.clone(),
        rows: vectors.rows(),
        classifier: head != Head::Numbers,
        compared: if head == Head::Index { "scores" } else { "outputs" },
        tolerance: compiled.options.tolerance,
        flash_bytes: program.table_bytes(),
        ram_bytes: program.ram_bytes(),
        macs: program.macs,
        saturated_rows: vectors
            .spans()
            .filter(|span| statuses[span.clone()].iter().any(|status| status.any()))
            .count(),
        saturated_inputs: {
            let mut read = vec![false; inputs.len()];
            vectors.spans().for_each(|span| read[span].fill(true));
            saturated_inputs(compiled, &filtered(inputs, &read), &filtered(&statuses, &read))
        },
        ..Verification::default()
    };
    let noise = (vectors.outputs.is_some() || vectors.states.is_some()).then(|| {
        let given = Sequences { inputs, starts, double: &steps };
        let calibrated = Sequences { inputs: &sample, starts: &[0], double: &sampled };
        agreement::noise(graph, head, [given, calibrated])
    });
    let keep = v.check_finite(graph, head, &float, vectors);
    let float = float.filtered(&keep);
    let comparison = Comparison {
        compiled,
        head,
        units: head.units(match &vectors.judged {
            // Calibration rows are told in the units of all of them, as the compiler told them.
            Some(_) => units([&sampled.values, &[]]),
            None => units([&sampled.values, &float.values]),
        }),
        fixed: fixed.filtered(&keep),
        float,
        vectors: vectors.filtered(&keep),
        places: filtered(&vectors.numbers(), &keep),
    };
    v.measure(&comparison);
    if let Some(noise) = noise {
        v.check_float(&comparison, noise);
    }
    v.judge(&comparison, &sample, &sampled.values);
    (v, comparison)
}

impl Verification {
    /// Which rows are finite throughout; the first that is not is a fault.
    fn check_finite(
        &mut self,
        graph: &Graph,
        head: Head,
        float: &Trace,
        vectors: &Vectors,
    ) -> Vec<bool> {
        let given = vectors.states.as_ref();
        let places: Vec<usize> = (0..columns(&float.states)).collect();
        let output = |j: usize| format!("output {}", graph.output_name(j));
        let score = |j: usize| format!("score{j}");
        let states = graph.state_columns();
        let state = |places: &[usize], j: usize| {
            let column = places.get(j).and_then(|&place| states.get(place));
            format!("state {}", column.map_or("", String::as_str))
        };
        let value: Naming = if head == Head::Index { &score } else { &output };
        let given_places = given.map_or(&[][..], |given| &given.places);
        let parts: [(&str, Naming, Option<&Rows>); 4] = [
            ("the float network's", value, Some(&float.values[..])),
            ("the float network's", &|j| state(&places, j), Some(&float.states[..])),
            ("the vectors'", &output, vectors.outputs.as_deref()),
            ("the vectors'", &|j| state(given_places, j), given.map(|given| &given.rows[..])),
        ];
        let numbers = vectors.numbers();
        let bad = |i: usize| {
            parts.iter().find_map(|(whose, what, rows)| {
                let row = (*rows)?.get(i)?;
                let j = row.iter().position(|value| !value.is_finite())?;
                Some(format!("row {}: {whose} {} is {}", numbers[i], what(j), row[j]))
            })
        };
        let found: Vec<Option<String>> = (0..self.rows).map(bad).collect();
        let keep: Vec<bool> = found.iter().map(Option::is_none).collect();
        self.finite_rows = keep.iter().filter(|keep| **keep).count();
        let others = match self.rows - self.finite_rows {
            0 | 1 => String::new(),
            n => format!(" (and {} more rows)", n - 1),
        };
        let fault = |first| format!("{first}{others}, which says nothing of the integers");
        self.faults.extend(found.into_iter().flatten().next().map(fault));
        keep
    }

    /// Fills in the errors of integer against float.
    fn measure(&mut self, c: &Comparison) {
        let (fixed, float) = (&c.fixed.values, &c.float.values);
        let (mut all, mut all_relative, mut squares) = (Vec::new(), Vec::new(), Vec::new());
        for (j, &unit) in c.units.iter().enumerate() {
            let sizes = differences(fixed, float, j);
            let relative: Vec<f64> = sizes.iter().map(|&size| ratio(size, unit)).collect();
            let errors = Errors::of(sizes.clone());
            let relative_error = Errors::of(relative.clone()).rms;
            let r2 = deviation(float, j).map(|deviation| r2(errors.rms, deviation));
            let name = match c.head {
                Head::Index => format!("score{j}"),
                _ => c.compiled.graph.output_name(j),
            };
            self.outputs.push(OutputErrors {
                name,
                unit,
                max_error: errors.max,
                p999_error: errors.p999,
                rms_error: errors.rms,
                relative_error,
                r2,
                float_max_error: None,
                float_allowed_error: None,
            });
            squares.push(relative_error);
            all.extend(sizes);
            all_relative.extend(relative);
        }
        let (all, all_relative) = (Errors::of(all), Errors::of(all_relative));
        (self.max_error, self.p999_error, self.rms_error) = (all.max, all.p999, all.rms);
        (self.max_relative_error, self.p999_relative_error) = (all_relative.max, all_relative.p999);
        self.relative_error = all_relative.rms;
        self.allowed_relative_error = allowed(self.tolerance, self.finite_rows);
        let r2: Vec<f64> = self.outputs.iter().filter_map(|output| output.r2).collect();
        self.r2 = (!r2.is_empty()).then(|| r2.iter().map(|v| v / r2.len() as f64).sum());
        let states = 0..columns(&c.float.states);
        let largest = |j| Errors::of(differences(&c.fixed.states, &c.float.states, j)).max;
        self.state_max_error = states.map(largest).reduce(f64::max);
        if let Some(labels) = &c.vectors.labels {
            self.accuracy = Some(classes::accuracy(fixed, labels));
            self.float_accuracy = Some(classes::accuracy(float, labels));
        }
    }

    /// Compares the float network with the vectors' outputs and states.
    fn check_float(&mut self, c: &Comparison, (values, states): (Vec<Noise>, Vec<Noise>)) {
        let mut worst: Option<(String, Agreement, [f64; 2])> = None;
        let graph = &c.compiled.source.graph;
        let mut check = |what: &dyn Fn(usize) -> String,
                         float: &Rows,
                         given: &Rows,
                         noise: &[_]| {
            let found = agreement::agreement(float, given, noise);
            let most = found.iter().max_by(|a, b| a.severity().total_cmp(&b.severity()));
            let beats =
                |a: &&Agreement| worst.as_ref().is_none_or(|(_, b, _)| a.severity() > b.severity());
            if let Some(most) = most.filter(beats) {
                let value = |rows: &Rows| rows.get(most.row).map_or(0.0, |row| row[most.column]);
                worst = Some((what(most.column), *most, [value(float), value(given)]));
            }
            found
        };
        match &c.vectors.outputs {
            Some(given) if c.head == Head::Index => {
                let other = agreement::other_indices(&c.float.values, given, &c.units);
                if let Some(&row) = other.first() {
                    let (float, given) = (class(&c.float.values[row]), given[row][0]);
                    self.faults.push(format!(
                        "the imported float network names class {float} where the vectors say {given} in row {}, in \
                         {} of {} rows: do they belong to this model?",
                        c.places[row],
                        other.len(),
                        self.finite_rows
                    ));
                }
            }
            Some(given) => {
                let output = |j: usize| format!("output {}", graph.output_name(j));
                let given_columns = columns(given).min(values.len());
                let found = check(&output, &c.float.values, given, &values[..given_columns]);
                for (output, agreement) in self.outputs.iter_mut().zip(&found) {
                    output.float_max_error = Some(agreement.error);
                    output.float_allowed_error = Some(agreement.allowed);
                }
                self.float_max_error = found.iter().map(|a| a.error).reduce(f64::max);
            }
            None => {}
        }
        if let Some(States { places, rows }) = &c.vectors.states {
            let columns = graph.state_columns();
            let state = |j: usize| format!("state {}", columns[places[j]]);
            let picked = |row: &Vec<f64>| places.iter().map(|&place| row[place]).collect();
            let float: Vec<Vec<f64>> = c.float.states.iter().map(picked).collect();
            let noise: Vec<Noise> = places.iter().map(|&place| states[place]).collect();
            check(&state, &float, rows, &noise);
        }
        let Some((what, worst, values)) = worst else { return };
        self.float_relative_error = Some(worst.relative());
        self.float_tolerance = Some(worst.tolerance());
        if worst.severity() > 1.0 {
            self.faults.push(verdict::of_foreign_vectors(c, &what, &worst, values));
        }
    }

    /// Adds what is wrong with the integers, and says it all in words.
    fn judge(&mut self, c: &Comparison, sample: &[Vec<f64>], sampled: &Rows) {
        let flips = match self.classifier {
            true => classes::flips(&c.fixed.values, &c.float.values, &c.units, self.tolerance),
            false => vec![],
        };
        let decided: Vec<&Flip> = flips.iter().filter(|flip| flip.decided).collect();
        if self.classifier {
            self.same_class = Some(self.finite_rows - flips.len());
            self.decided_flips = Some(decided.len());
        }
        // Written so that a NaN would not be within.
        let limit = self.allowed_relative_error * if self.classifier { SELDOM } else { 1.0 };
        let within = self.relative_error <= limit;
        let fault = match decided.iter().max_by(|a, b| a.margin.total_cmp(&b.margin)) {
            Some(worst) => Some(verdict::of_flips(self, c, decided.len(), worst)),
            None if within => None,
            None => Some(format!(
                "the RMS error is {:.4} standard deviations of the {} (at most {limit:.4}{})",
                self.relative_error,
                self.compared.trim_end_matches('s'),
                if self.classifier { " even where the classes are right" } else { "" }
            )),
        };
        let off = fault.is_some();
        self.faults.extend(fault);
        if off {
            // As the rows that the compiler saw.
            let (fixed, _) = run::fixed(&c.compiled.program, c.head, sample, &[0]);
            self.calibration_relative_error =
                Some(relative_error(&fixed.values, sampled, &c.units));
        }
        self.passed = self.faults.is_empty();
        self.verdict = verdict::words(self, c, off);
    }
}

/// Root mean square over the outputs of each one's RMS difference in its unit.
fn relative_error(fixed: &Rows, float: &Rows, units: &[f64]) -> f64 {
    let relative = |(j, &unit): (usize, &f64)| {
        differences(fixed, float, j).into_iter().map(|size| ratio(size, unit)).collect::<Vec<_>>()
    };
    Errors::of(units.iter().enumerate().flat_map(relative).collect()).rms
}

fn r2(rms: f64, deviation: f64) -> f64 {
    1.0 - (ratio(rms, deviation).powi(2)).min(f64::MAX)
}

/// The RMS error allowed of `rows` rows. Few rows tell it badly: of one it is that row's error, which errors within
/// the tolerance reach three times as large; of many it settles.
fn allowed(tolerance: f64, rows: usize) -> f64 {
    match rows {
        ENOUGH_ROWS.. => tolerance,
        few => tolerance * (1.0 + 2.0 / (few.max(1) as f64).sqrt()),
    }
}

/// The inputs that saturated, those in most rows first.
fn saturated_inputs(
    compiled: &Compiled,
    inputs: &[Vec<f64>],
    statuses: &[Status],
) -> Vec<SaturatedInput> {
    let range = |values: &mut dyn Iterator<Item = f64>| {
        values.fold([f64::MAX, f64::MIN], |[low, high], v| [low.min(v), high.max(v)])
    };
    let of_input = |i: usize| {
        let calibrated = range(&mut compiled.calibration.rows.iter().map(|row| row[i]));
        let outside = |x: f64| !(x >= calibrated[0] && x <= calibrated[1]);
        // The last bit stands for all inputs from there on.
        let saturated =
            |status: &Status, x: f64| status.saturated(i) && (i < Status::LAST || outside(x));
        let rows = inputs.iter().zip(statuses).filter(|(row, status)| saturated(status, row[i]));
        let values: Vec<f64> = rows.map(|(row, _)| row[i]).collect();
        let range = range(&mut values.iter().copied());
        let rows = values.len();
        let name = compiled.graph.input_name(i);
        (rows > 0).then_some(SaturatedInput { name, rows, range, calibrated })
    };
    let mut found: Vec<_> = match statuses.iter().any(|status| status.any()) {
        true => (0..compiled.graph.input_len()).filter_map(of_input).collect(),
        false => vec![],
    };
    found.sort_by_key(|input| std::cmp::Reverse(input.rows));
    found
}
