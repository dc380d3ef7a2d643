//! Float against integers, output by output. Stands on the facts, charts and the page.

use super::super::chart::{Axis, Curve, Picture, Rows, differences, lines, number, scatter};
use super::super::facts::Facts;
use super::super::facts::errors::OutputError;
use super::super::page::{Cell, Section, details, key, name, paragraph, table};
use super::super::words::{counted, percent, with_unit};

/// Small multiples of curves and differences, or of a classifier all scores in one picture.
pub fn section(facts: &Facts) -> Option<Section> {
    let errors = &facts.errors;
    if errors.outputs.is_empty() || errors.numbers.is_empty() {
        return None;
    }
    let mut html = about(facts);
    let y = Axis::symmetric([errors.largest], 2);
    match facts.classes {
        Some(_) => {
            html += &scores(facts);
            html += "<div class=\"multiples\">\n";
            errors.outputs.iter().for_each(|o| html += &multiple(facts, o, &y, false));
        }
        None => {
            html += key();
            html += "<div class=\"multiples\">\n";
            errors.outputs.iter().for_each(|o| html += &multiple(facts, o, &y, true));
        }
    }
    html += "</div>\n";
    Some(Section { id: "errors", title: "Float against integers", html })
}

fn about(facts: &Facts) -> String {
    let errors = &facts.errors;
    let shown = errors.numbers.len();
    let which = match shown < facts.verification.finite_rows {
        true => format!(
            " Curves show {} around the worst one; figures and distributions are of all.",
            counted(shown, "row")
        ),
        false => String::new(),
    };
    let others = match errors.others {
        0 => String::new(),
        n => format!(
            " Of {} these have the largest errors; report.json has the others' figures.",
            counted(n + errors.outputs.len(), "output")
        ),
    };
    paragraph(&format!(
        "Judged on {}. A difference is told in the output's own unit, and in percent of its standard deviation so that \
         outputs can be compared: all of them share that axis.{which}{others}",
        facts.rows
    ))
}

/// All scores of a classifier, float's across and the integers' up.
fn scores(facts: &Facts) -> String {
    let what = facts.verification.compared;
    let title = format!("{what} of the float network and of the integers, {}", facts.rows);
    let picture = scatter(
        &title,
        [&format!("float's {what}"), &format!("the integers' {what}")],
        &facts.errors.pairs,
    );
    format!(
        "<figure class=\"square\">{}<figcaption>Each dot is one score on one row; on the line both agree.</figcaption>\n</figure>\n",
        picture.svg()
    )
}

fn multiple(facts: &Facts, output: &OutputError, y: &Axis, curves: bool) -> String {
    let rows = Rows { numbers: &facts.errors.numbers };
    let unit = output.unit.as_deref();
    let of = |what: &str| match unit {
        Some(unit) => format!("{what} in {unit}"),
        None => what.to_owned(),
    };
    let float = Curve { class: "float", values: &output.float };
    let integers = Curve { class: "integers", values: &output.integers };
    let title = format!("{} of the float network and of the integers over rows", output.name);
    let picture = |picture: Picture| picture.svg();
    let over = match curves {
        true => picture(lines(&title, unit.unwrap_or(""), rows, &[float, integers])),
        false => String::new(),
    };
    let title = format!("Difference of the integers from float in {}", output.name);
    let below = picture(differences(&title, rows, &output.differences, y, &output.histogram));
    let relative = |error: f64| percent(error / output.deviation);
    let said = format!(
        "Off by <b>{}</b> (root mean square, {} of its standard deviation), at worst <b>{}</b> ({}).",
        name(&with_unit(output.rms, unit)),
        relative(output.rms),
        name(&with_unit(output.largest, unit)),
        relative(output.largest),
    );
    let line = |i: usize| {
        let exact = |values: &[f64]| Cell::Number(exact(values.get(i).copied().unwrap_or(0.0)));
        vec![
            Cell::Number(facts.errors.numbers[i].to_string()),
            exact(&output.float),
            exact(&output.integers),
            Cell::Number(number(output.differences.get(i).copied().unwrap_or(0.0))),
        ]
    };
    let numbers: Vec<Vec<Cell>> = (0..facts.errors.numbers.len()).map(line).collect();
    let bin = |(i, &count): (usize, &u64)| {
        let [low, high] = output.histogram.bin(i).map(number);
        vec![Cell::Number(low), Cell::Number(high), Cell::Number(count.to_string())]
    };
    let counts = output.histogram.counts.iter().enumerate().filter(|(_, count)| **count > 0);
    let bins: Vec<Vec<Cell>> = counts.map(bin).collect();
    let head = ["row", &of("float"), &of("integers"), "difference, %"];
    let tables = table(&format!("{} on the rows shown", output.name), &head, &numbers)
        + &table(
            &format!(
                "How often each difference of {} occurs, in % of a standard deviation",
                output.name
            ),
            &["from", "to", "rows"],
            &bins,
        );
    format!(
        "<figure><figcaption class=\"name\">{}</figcaption>\n{over}{below}<figcaption>{said}</figcaption>\n{}</figure>\n",
        name(&of(&output.name)),
        details("Numbers", &tables)
    )
}

/// A number in the digits in which float and integers differ.
pub fn exact(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if !(1e-4..1e6).contains(&size) => format!("{value:.4e}"),
        size => format!("{value:.*}", (4 - size.log10().floor() as i32).clamp(0, 8) as usize),
    }
    .replace('-', "\u{2212}")
}
