//! The tables of a generated module, as kernels add them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write};

/// Columns of generated code.
const WIDTH: usize = 100;

/// The tables of a module, as kernels add them.
#[derive(Debug, Default)]
pub struct Items {
    pub(super) text: String,
    pub(super) imports: BTreeSet<String>,
    tables: BTreeMap<Vec<u32>, String>,
}

impl Items {
    /// Brings `nervecord::path` into scope.
    pub fn import(&mut self, path: &str) {
        self.imports.insert(path.to_owned());
    }

    /// `declaration: [element; N] = [values];`
    pub fn array<T: Display>(&mut self, declaration: &str, element: &str, values: &[T]) {
        let head = format!("{declaration}: [{element}; {}] = [", values.len());
        self.table(&head, &wrapped(values, 8), "];");
    }

    /// The pieces of a function that other kernels may have as well; returns the name of the one in
    /// the module.
    pub fn pieces(&mut self, name: &str, pieces: &[u32]) -> String {
        if let Some(name) = self.tables.get(pieces) {
            return name.clone();
        }
        self.tables.insert(pieces.to_vec(), name.to_owned());
        let words: Vec<String> = pieces.iter().map(|w| format!("0x{w:08x}")).collect();
        self.array(&format!("static {name}"), "u32", &words);
        name.to_owned()
    }

    /// `declaration: [[element; columns]; rows] = [[row], [row], ...];`
    pub fn matrix<T: Display>(
        &mut self,
        declaration: &str,
        element: &str,
        values: &[T],
        columns: usize,
    ) {
        let mut rows = String::new();
        for row in values.chunks(columns) {
            let body = wrapped(row, 12);
            if body.lines().count() == 1 {
                let _ = writeln!(rows, "        [{}],", body.trim());
            } else {
                let _ = write!(rows, "        [\n{body}        ],\n");
            }
        }
        let count = values.len() / columns.max(1);
        let head = format!("{declaration}: [[{element}; {columns}]; {count}] = [");
        self.table(&head, &rows, "];");
    }

    /// `declaration = value;` where the value is computed when the firmware is built.
    pub fn packed(&mut self, declaration: &str, value: &str) {
        // Packing a large layer takes more steps than the lint likes.
        self.text.push_str("    #[allow(long_running_const_eval)]\n");
        self.constant(declaration, value);
    }

    /// `declaration = value;`
    pub fn constant(&mut self, declaration: &str, value: &str) {
        let line = format!("    {declaration} = {value};");
        if line.len() <= WIDTH {
            let _ = writeln!(self.text, "{line}");
            return;
        }
        let broken = format!("        {value};");
        if broken.len() > WIDTH {
            self.text.push_str("    #[rustfmt::skip]\n");
        }
        let _ = writeln!(self.text, "    {declaration} =\n{broken}");
    }

    fn table(&mut self, head: &str, body: &str, tail: &str) {
        let _ = write!(self.text, "    #[rustfmt::skip]\n    {head}\n{body}    {tail}\n");
    }
}

/// Values separated by commas, in lines that fit.
pub(super) fn wrapped<T: Display>(values: &[T], indent: usize) -> String {
    let mut text = String::new();
    let mut line = String::new();
    for value in values {
        let cell = format!("{value}, ");
        if indent + line.len() + cell.len() > WIDTH + 1 {
            let _ = writeln!(text, "{:indent$}{}", "", line.trim_end());
            line.clear();
        }
        line += &cell;
    }
    let _ = writeln!(text, "{:indent$}{}", "", line.trim_end());
    text
}
