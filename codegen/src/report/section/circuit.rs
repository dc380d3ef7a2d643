//! The drawing of the circuit behind a network. Stands on the facts, its drawing and the page.

use super::super::drawing;
use super::super::facts::Facts;
use super::super::page::{Cell, Section, details, paragraph, table};
use super::super::words::counted;
use crate::import::circuit::Synapse;

/// Neurons and synapses that can be drawn so that one sees something.
const NEURONS: usize = 120;
const SYNAPSES: usize = 800;

/// The drawing, and its synapses as a table.
pub fn section(facts: &Facts) -> Option<Section> {
    let circuit = facts.circuit.as_ref()?;
    let mut html = paragraph(&format!(
        "{}, {}, {}; {}.",
        counted(circuit.neurons.len(), "neuron"),
        counted(circuit.synapses.len(), "chemical synapse"),
        counted(circuit.gap_junctions.len(), "gap junction"),
        counted(circuit.outputs.len(), "output")
    ));
    if circuit.neurons.len() > NEURONS || circuit.synapses.len() > SYNAPSES {
        html += &paragraph(
            "It is too large for a drawing that shows anything; `nervecord inspect --svg` draws it all the same.",
        );
        return Some(Section { id: "circuit", title: "The circuit", html });
    }
    html += "<p><span class=\"key excitatory\"></span>excitatory <span class=\"key inhibitory\"></span>inhibitory \
             <span class=\"key gap\"></span>gap junction</p>\n";
    html += &format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"The drawing\"><figure class=\"wide circuit\">{}</figure></div>\n",
        drawing::picture(circuit)
    );
    let row = |synapse: &Synapse| {
        let sign = if synapse.inhibits(circuit) { "inhibitory" } else { "excitatory" };
        vec![
            Cell::Name(synapse.from.clone()),
            Cell::Name(synapse.to.clone()),
            Cell::Words(sign.into()),
        ]
    };
    let rows: Vec<Vec<Cell>> = circuit.synapses.iter().map(row).collect();
    html += &details("Synapses", &table("Chemical synapses", &["from", "to", "sign"], &rows));
    Some(Section { id: "circuit", title: "The circuit", html })
}
