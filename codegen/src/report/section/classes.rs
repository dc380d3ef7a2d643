//! Classes that float and integers name. Stands on the facts and the page.

use super::super::facts::Facts;
use super::super::page::{Cell, Section, paragraph, table};
use super::super::words::{count, counted, percent};

/// How often both name each class.
pub fn section(facts: &Facts) -> Option<Section> {
    let classes = facts.classes.as_ref()?;
    let others = match classes.rows - classes.same {
        0 => String::new(),
        n => format!(
            " Of the other {n}, float was decided on {}: it preferred its class by more than integers within the tolerance \
             explain.",
            classes.decided
        ),
    };
    let mut html = paragraph(&format!(
        "Both name the same class on {} of {}.{others}",
        count(classes.same),
        counted(classes.rows, "row")
    ));
    if let Some((integers, float)) = classes.accuracy.zip(classes.float_accuracy) {
        html += &paragraph(&format!(
            "Against the given labels, integers are right on {} of the rows, float on {}.",
            percent(integers),
            percent(float)
        ));
    }
    if !classes.agreement.is_empty() {
        let row = |(i, counts): (usize, &Vec<usize>)| {
            let cell = |(j, n): (usize, &usize)| match (*n, i == j) {
                (0, _) => Cell::Number("\u{b7}".into()),
                (n, true) => Cell::Marked(count(n)),
                (n, false) => Cell::Number(count(n)),
            };
            let cells = counts.iter().enumerate().map(cell);
            std::iter::once(Cell::Name(classes.names[i].clone())).chain(cells).collect()
        };
        let rows: Vec<Vec<Cell>> = classes.agreement.iter().enumerate().map(row).collect();
        let names = classes.names.iter().map(String::as_str);
        let head: Vec<&str> =
            std::iter::once("float says \u{2193}, integers \u{2192}").chain(names).collect();
        html +=
            &table("Rows by the class that float names and that the integers name", &head, &rows);
    }
    Some(Section { id: "classes", title: "Classes", html })
}
