//! What integers were chosen among, for reports. Stands on trials and the objective.

use super::trial::{Trial, Tried};
use crate::error::Result;
use crate::options::{Optimize, Options};
use crate::program::{Choice, Front, Width};
use crate::quantize::{Precision, has_width};

/// Choices that are told at most.
const MOST: usize = 9;

/// All that was tried for a network and is worth telling, where `taken` was chosen among those with an error of at most
/// `allowed` on the rows that choose.
///
/// What is told is picked by what decides. The rows that judge are looked at behind that, for each error to be one of
/// rows that decided nothing.
pub fn of(trial: &Trial, taken: &Precision, allowed: f64) -> Result<Front> {
    let Options { optimize, cpu, .. } = *trial.options;
    let tried = trial.all_tried();
    let (mut choices, mut left_out) = (vec![], vec![]);
    for own in told(&tried, taken) {
        let program = trial.lower(&own.precision)?;
        left_out = program.unpriced();
        choices.push(Choice {
            what: words(trial, &own.precision),
            instructions: own.instructions.round(),
            flash_bytes: own.flash_bytes,
            error: trial.judged(&program),
            taken: own.precision == *taken,
        });
    }
    let why = why(&tried, taken, allowed, trial.options);
    Ok(Front { optimize, cpu, left_out, tried: tried.len(), choices, why })
}

/// Those that are told, by bytes: the ones that none is better than in every respect, and the one taken.
fn told<'a>(tried: &'a [Tried], taken: &Precision) -> Vec<&'a Tried> {
    let numbers = |own: &Tried| [own.instructions.round(), own.flash_bytes as f64, own.error];
    let beats = |own: &Tried, other: &Tried| {
        let (own, other) = (numbers(own), numbers(other));
        own != other && own.iter().zip(&other).all(|(a, b)| a <= b)
    };
    let front =
        |own: &&Tried| own.precision == *taken || !tried.iter().any(|other| beats(other, own));
    let mut told: Vec<&Tried> = tried.iter().filter(front).collect();
    told.sort_by(|a, b| a.flash_bytes.cmp(&b.flash_bytes).then(a.error.total_cmp(&b.error)));
    told.dedup_by(|a, b| numbers(a) == numbers(b) && a.precision != *taken);
    // Evenly between the smallest and the largest, if they are too many.
    let (last, step) = (told.len() - 1, (told.len() - 1) as f64 / (MOST - 1) as f64);
    let kept = |i: usize| {
        let nearest = ((i as f64 / step).round() * step).round() as usize;
        last < MOST || nearest == i || told[i].precision == *taken
    };
    (0..told.len()).filter(|&i| kept(i)).map(|i| told[i]).collect()
}

/// How fine integers are.
fn words(trial: &Trial, precision: &Precision) -> String {
    let nodes = trial.graph.nodes.iter().zip(&precision.widths);
    let widths: Vec<Width> =
        nodes.filter(|(node, _)| has_width(&node.layer)).map(|(_, width)| *width).collect();
    let count = |width: Width| widths.iter().filter(|own| **own == width).count();
    let used: Vec<Width> = Width::ALL.into_iter().filter(|width| count(*width) > 0).collect();
    let mut words = match used.as_slice() {
        [] => vec!["no weights".to_owned()],
        [only] => vec![format!("{} weights", only.name())],
        several => {
            let of = |width: &Width| format!("{} in {}", width.name(), count(*width));
            let parts: Vec<String> = several.iter().map(of).collect();
            vec![format!("{} of {} layers", parts.join(", "), widths.len())]
        }
    };
    let tables = precision.tables;
    if tables > 1.0 {
        words.push(format!("functions {tables} times as coarse"));
    } else if tables < 1.0 {
        words.push(format!("functions {} times as fine", 1.0 / tables));
    }
    if precision.shared {
        words.push("shared tables".to_owned());
    }
    words.join(", ")
}

/// Why `taken` was.
fn why(tried: &[Tried], taken: &Precision, allowed: f64, options: &Options) -> String {
    if let [_] = tried {
        return match options.optimize {
            Optimize::Balanced => "the first that was tried is near enough to float".to_owned(),
            _ => "nothing was left to choose: one width of weights, and no tables that could be other ones"
                .to_owned(),
        };
    }
    let met = tried.iter().any(|own| own.precision == *taken && own.error <= allowed);
    let reach = match met {
        true => format!("with an error of at most {allowed:.4} on the rows that choose"),
        false => "though none is near enough to float".to_owned(),
    };
    let what = match options.optimize {
        Optimize::Speed => format!("fewest instructions on {}", options.cpu.name()),
        Optimize::Size => "fewest bytes of tables".to_owned(),
        Optimize::Balanced => "fewest wide layers".to_owned(),
    };
    format!("the {what} of {} tried, {reach}", tried.len())
}
