//! The sections of a page, a file each, in the order in which they are read. Stands on the facts, charts and the page.

mod activations;
mod bounds;
mod circuit;
mod classes;
mod cost;
mod edges;
mod errors;
mod front;
mod known;
mod layers;
mod memory;
mod ports;
mod properties;
mod reproduce;
mod worst;

use super::facts::Facts;
use super::page::Section;

/// Every section: it has nothing to say of some models.
const SECTIONS: [fn(&Facts) -> Option<Section>; 15] = [
    known::section,
    bounds::section,
    properties::section,
    classes::section,
    errors::section,
    worst::section,
    memory::section,
    ports::section,
    layers::section,
    activations::section,
    edges::section,
    circuit::section,
    front::section,
    cost::section,
    reproduce::section,
];

/// The sections of a model's page.
pub fn all(facts: &Facts) -> Vec<Section> {
    SECTIONS.iter().filter_map(|section| section(facts)).collect()
}
