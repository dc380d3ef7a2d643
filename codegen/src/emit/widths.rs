//! The widths of a network of which the caller chooses one at each step. Stands on the program and on items.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::items::type_name;
use crate::program::{Op, Program};
use crate::text::{first_free, snake_case};

/// What a module calls the widths of its program.
pub struct Widths<'a> {
    program: &'a Program,
    names: Vec<String>,
}

impl<'a> Widths<'a> {
    pub fn of(program: &'a Program) -> Self {
        let (mut names, mut taken) = (Vec::new(), BTreeSet::new());
        for width in &program.widths {
            let name =
                first_free(&type_name(&snake_case(&width.name)), |name| !taken.contains(name));
            taken.insert(name.clone());
            names.push(name);
        }
        Self { program, names }
    }

    /// The type that names them, if there are some.
    pub fn declaration(&self) -> String {
        if self.names.is_empty() {
            return String::new();
        }
        let mut out = String::from(
            "    /// How much of the network a step computes.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Width {
",
        );
        for (name, width) in self.names.iter().zip(&self.program.widths) {
            let _ = writeln!(out, "        /// {}.\n        {name},", width.describe());
        }
        out + "    }\n"
    }

    /// All of them by their paths, the widest last.
    pub fn paths(&self) -> impl Iterator<Item = String> {
        self.names.iter().map(|name| format!("Width::{name}"))
    }

    /// The widest, by its path.
    pub fn whole(&self) -> Option<String> {
        self.paths().last()
    }

    /// Statements one after the other, those that not all widths need under their condition.
    pub fn body(&self, statements: &[(&Op, String)]) -> String {
        let all = (1_u32 << self.names.len()) - 1;
        let mut out = String::new();
        for group in statements.chunk_by(|a, b| a.0.widths & all == b.0.widths & all) {
            let text: String = group.iter().map(|(_, text)| text.as_str()).collect();
            let needed = group.first().map_or(all, |(op, _)| op.widths & all);
            if needed == all {
                out += &text;
                continue;
            }
            let named = (0..self.names.len()).filter(|k| needed >> k & 1 == 1);
            let names: Vec<String> = named.map(|k| format!("Width::{}", self.names[k])).collect();
            let _ = writeln!(out, "            if matches!(width, {}) {{", names.join(" | "));
            text.lines().for_each(|line| out += &format!("    {line}\n"));
            out += "            }\n";
        }
        out
    }

    /// The head of the function that has the body of a step on integers, which is `step_raw` where there is one width
    /// alone, and the other functions of a step of one width; `time` says what its time depends on, `untyped` takes
    /// the integers out of `input`.
    pub fn steps(&self, time: &str, untyped: &str) -> [String; 2] {
        let plain = format!(
            "        /// One step on the integers behind the fixed-point numbers{time}.
        pub fn step_raw(&mut self, input: &[RawInput; INPUTS]) -> [RawOutput; OUTPUTS] {{
            let mut output = [0; OUTPUTS];
            self.step_raw_into(input, &mut output);
            output
        }}

        /// The same, with the outputs where the caller wants them.
        #[rustfmt::skip]
        pub fn step_raw_into(&mut self, input: &[RawInput; INPUTS], output: &mut [RawOutput; OUTPUTS]) {{
"
        );
        let Some(whole) = self.whole() else { return [plain, String::new()] };
        let head = format!(
            "{plain}            self.step_raw_into_at(input, output, {whole});
        }}

        /// One step of `width` on the integers behind the fixed-point numbers.
        #[rustfmt::skip]
        pub fn step_raw_at(&mut self, input: &[RawInput; INPUTS], width: Width) -> [RawOutput; OUTPUTS] {{
            let mut output = [0; OUTPUTS];
            self.step_raw_into_at(input, &mut output, width);
            output
        }}

        /// The same, with the outputs where the caller wants them.
        #[rustfmt::skip]
        pub fn step_raw_into_at(
            &mut self, input: &[RawInput; INPUTS], output: &mut [RawOutput; OUTPUTS], width: Width,
        ) {{
"
        );
        let typed = format!(
            "        /// One step of `width`.
        pub fn step_at(&mut self, input: &Input, width: Width) -> Output {{
{untyped}            let output = self.step_raw_at(&input, width);
            Self::typed(output)
        }}

        /// One step of `width` on a reading, whose flags go into the status.
        pub fn step_reading_at(&mut self, reading: &Reading, width: Width) -> Output {{
            let output = self.step_raw_at(reading.raw(), width);
            self.status = self.status.and(reading.status());
            Self::typed(output)
        }}

"
        );
        [head, typed]
    }
}
