//! What a step costs, as far as it is known here. Stands on the facts and the page.

use super::super::facts::Facts;
use super::super::page::{Section, facts as list, paragraph, words};
use super::super::words::{bytes, count};
use super::reproduce::{arguments, command};

/// Memory and work, and how to measure the rest.
pub fn section(facts: &Facts) -> Option<Section> {
    let time = match facts.constant_time {
        true => "the same work for every input",
        false => "depends on the input, as zeros are skipped",
    };
    let mut rows = vec![
        ("tables in flash", words(&bytes(facts.flash_bytes))),
        ("RAM", words(&format!("{}, state and work memory together", bytes(facts.ram_bytes)))),
        ("multiplications of a step", words(&count(facts.macs))),
        ("time of a step", words(time)),
        ("instructions, code, stack", words("not measured here")),
    ];
    rows.extend(facts.widths.iter().map(|width| ("of a width", words(&width.describe()))));
    let emulate = format!("nervecord emulate {} --board qemu-cortex-m4", arguments(facts));
    let html = list(rows)
        + &paragraph("This measures instructions, code, RAM and stack on an emulated core:")
        + &command(&emulate);
    Some(Section { id: "cost", title: "What a step costs", html })
}
