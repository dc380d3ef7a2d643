//! What a program was chosen among, and why it was. Stands on options.

use crate::options::{Cpu, Optimize};

/// Integers that were tried.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Choice {
    /// How fine they are, in words.
    pub what: String,
    /// Executed instructions of a step, by [estimate](super::cost).
    pub instructions: f64,
    /// Bytes of tables in flash.
    pub flash_bytes: usize,
    /// As of [`Promise`](super::Promise), fitted to the rows that fit alone.
    pub error: f64,
    /// Whether the program has them.
    pub taken: bool,
}

/// Integers that were tried, none of which is worse in every respect than another, and those that were taken.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Front {
    /// What was to be small.
    pub optimize: Optimize,
    /// The core that instructions are those of.
    #[serde(serialize_with = "name")]
    pub cpu: Cpu,
    /// Layers that have no price, and whose instructions are left out.
    pub left_out: Vec<String>,
    /// How many were tried.
    pub tried: usize,
    /// By bytes of tables, rising.
    pub choices: Vec<Choice>,
    /// Why those were taken.
    pub why: String,
}

fn name<S: serde::Serializer>(cpu: &Cpu, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(cpu.name())
}

impl Front {
    /// Whether it is that of a choice other than the default.
    pub fn is_asked_for(&self) -> bool {
        self.optimize != Optimize::Balanced
    }

    /// Every choice in a line, and why one was taken.
    pub fn describe(&self) -> String {
        let (optimize, cpu) = (self.optimize.name(), self.cpu.name());
        let mut text = format!("optimized for {optimize}: {}\n", self.why);
        // Of other layers the instructions are not known.
        let about = if self.left_out.is_empty() { "about" } else { "above" };
        for Choice { what, instructions, flash_bytes, error, taken } in &self.choices {
            let mark = if *taken { '*' } else { ' ' };
            text += &format!(
                "{mark} {flash_bytes:>7} B, {about} {instructions:>7} instructions ({cpu}), error {error:.4}: {what}\n"
            );
        }
        text
    }
}
