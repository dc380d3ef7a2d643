//! A recurrent network's memory over rows. Stands on the facts, charts and the page.

use super::super::chart::{Curve, Rows, lines, number};
use super::super::facts::Facts;
use super::super::facts::states::{State, States};
use super::super::page::{Cell, Section, details, key, name, paragraph, table};
use super::super::words::counted;
use super::errors::exact;

/// Small multiples of the states that differ most.
pub fn section(facts: &Facts) -> Option<Section> {
    let states = facts.states.as_ref()?;
    let which = match states.count > states.shown.len() {
        true => format!(" Of {}, these differ most.", counted(states.count, "number")),
        false => String::new(),
    };
    let mut html = paragraph(&format!(
        "What the network carries from step to step. Both start from the same reset, and each goes on from its own steps \
         before: an error that grew would be seen here.{which}"
    ));
    html += key();
    html += "<div class=\"multiples\">\n";
    for state in &states.shown {
        let title = title(facts, states, state);
        html += &multiple(states, state, &title);
    }
    html += "</div>\n";
    Some(Section { id: "memory", title: "Memory", html })
}

/// The state's column, with the neuron's name where each neuron is a state.
fn title(facts: &Facts, states: &States, state: &State) -> String {
    let neurons = facts.circuit.as_ref().map_or(&[][..], |circuit| &circuit.neurons);
    let neuron = (neurons.len() == states.count).then(|| neurons.get(state.place)).flatten();
    neuron.map_or(state.name.clone(), |neuron| format!("{} ({})", neuron.name, state.name))
}

fn multiple(states: &States, state: &State, own: &str) -> String {
    let curves = [
        Curve { class: "float", values: &state.float },
        Curve { class: "integers", values: &state.integers },
    ];
    let title = format!("State {own} of the float network and of the integers over rows");
    let picture = lines(&title, "", Rows { numbers: &states.numbers }, &curves).svg();
    let line = |(i, number): (usize, &usize)| {
        let exact = |values: &[f64]| Cell::Number(exact(values.get(i).copied().unwrap_or(0.0)));
        vec![Cell::Number(number.to_string()), exact(&state.float), exact(&state.integers)]
    };
    let rows: Vec<Vec<Cell>> = states.numbers.iter().enumerate().map(line).collect();
    let caption = format!("{own} on the rows shown");
    format!(
        "<figure><figcaption class=\"name\">{}</figcaption>\n{picture}<figcaption>Off by <b>{}</b> (root mean square), \
         at worst <b>{}</b>.</figcaption>\n{}</figure>\n",
        name(own),
        number(state.rms),
        number(state.largest),
        details("Numbers", &table(&caption, &["row", "float", "integers"], &rows))
    )
}
