//! A [`Program`] as one Rust module: readable, deterministic, `no_std`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write};

use nervecord::tensor::quads;

use crate::program::{Op, Port, PortWidth, Program};
use crate::report::layer_table;

/// What the header says of where the module comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// File name of the model, without folders.
    pub model: String,
    /// Hex digest of the model.
    pub model_sha256: String,
    /// What the calibration data was, and how ranges were taken.
    pub calibration: String,
    /// Hex digest of the calibration data.
    pub calibration_sha256: String,
    /// The options, as on the command line.
    pub options: String,
}

/// Columns of generated code.
const WIDTH: usize = 100;

/// The tables of a module, as kernels add them.
#[derive(Debug, Default)]
pub struct Items {
    text: String,
    imports: BTreeSet<String>,
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
fn wrapped<T: Display>(values: &[T], indent: usize) -> String {
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

/// An identifier in screaming snake case, unlike those in `taken`.
fn constant_name(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut ident: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect();
    while ident.contains("__") {
        ident = ident.replace("__", "_");
    }
    let ident = ident.trim_matches('_');
    let ident = match ident.chars().next() {
        Some(c) if c.is_ascii_alphabetic() => ident.to_owned(),
        _ => format!("LAYER_{ident}").trim_end_matches('_').to_owned(),
    };
    // The names of a layer's tables must be free as well.
    let tables = [
        "",
        "_WEIGHTS",
        "_BIAS",
        "_MULTIPLIER",
        "_PACKED",
        "_PIECES",
        "_EXP",
        "_SHIFTS",
        "_LINES",
        "_JOINTS",
        "_FIRES",
        "_THRESHOLDS",
        "_COUNTS",
        "_LINKS",
        "_NEURONS",
        "_SENSORY",
        "_SYNAPSES",
        "_GAPS",
        "_GRIDS",
        "_COEFFICIENTS",
        "_SHAPE",
        "_FANS",
        "_OUTPUTS",
        "_TABLES",
        "_FACTORS",
        "_RUNS",
        "_FINISH",
    ];
    let mut name = ident.clone();
    let mut count = 1;
    while tables.iter().any(|suffix| taken.contains(&format!("{name}{suffix}"))) {
        count += 1;
        name = format!("{ident}_{count}");
    }
    taken.extend(tables.iter().map(|suffix| format!("{name}{suffix}")));
    name
}

/// `snake_case` as `CamelCase`.
fn type_name(name: &str) -> String {
    let word = |w: &str| {
        let mut letters = w.chars();
        letters.next().map(|c| c.to_ascii_uppercase().to_string() + letters.as_str())
    };
    name.split('_').filter_map(word).collect()
}

/// The module's text.
pub fn emit(program: &Program, origin: &Origin) -> String {
    let mut items = Items::default();
    let mut taken = ["INPUTS", "OUTPUTS", "TABLE_BYTES", "LABELS", "CHANNELS", "SHIFTS", "START"]
        .map(str::to_owned)
        .into_iter()
        .collect();
    let mut body = String::new();
    for op in &program.ops {
        let name = constant_name(&op.name, &mut taken);
        let call = op.kernel.emit(&name, &mut items);
        body += &statement(program, op, &call);
    }
    let mut ty = type_name(&program.name);
    // A model called like a kernel, such as `ncap.json`, or like another type of the module.
    let imports = imports(program, &items);
    let word = |c: char| !c.is_ascii_alphanumeric();
    let own = ["Input", "Output", "RawInput", "RawOutput", "Default"];
    if imports.split(word).chain(own).any(|name| name == ty) {
        ty += "Model";
    }
    let mut out = header(program, origin);
    let _ = writeln!(out, "/// The network of `{}` as integers.", origin.model);
    // A program that includes the module in its own crate seldom uses all of it.
    let _ = writeln!(out, "#[allow(dead_code)]");
    let _ = writeln!(out, "pub mod {} {{", program.name);
    out += &imports;
    out += "\n    const _: () = nervecord::require_format(1);\n\n";
    out += &interface(program);
    out += "\n";
    let start = program.start.iter().any(|quad| quad.0 != [0; 4]);
    if start {
        let values: Vec<String> =
            program.start.iter().map(|q| format!("Quad({:?})", q.0)).collect();
        items.array("static START", "Quad", &values);
    }
    out += &items.text;
    out += "\n";
    out += &controller(program, origin, &ty, start, &body);
    out += "}\n";
    out
}

fn header(program: &Program, origin: &Origin) -> String {
    let mut out = format!(
        "// Generated by nervecord {} (format {}) from {}; do not edit.\n\
         // model sha256       {}\n\
         // calibration sha256 {}\n\
         // calibration        {}\n\
         // options            {}\n//\n",
        env!("CARGO_PKG_VERSION"),
        nervecord::FORMAT,
        origin.model,
        origin.model_sha256,
        origin.calibration_sha256,
        origin.calibration,
        origin.options,
    );
    for line in layer_table(&program.layers).lines() {
        let _ = writeln!(out, "// {line}");
    }
    let _ = writeln!(
        out,
        "// total: {} multiply-accumulates, {} bytes of tables, {} bytes of RAM",
        program.macs,
        program.table_bytes(),
        program.ram_bytes()
    );
    out
}

fn imports(program: &Program, items: &Items) -> String {
    let mut fixed: BTreeSet<String> = BTreeSet::new();
    let mut fracs = BTreeSet::new();
    for port in [&program.input, &program.output] {
        fixed.insert(format!("FixedI{}", port.bits()));
        fracs.extend(port.fracs.iter().map(|frac| (*frac, format!("U{frac}"))));
    }
    let mut uses: BTreeSet<String> =
        items.imports.iter().map(|path| format!("nervecord::{path}")).collect();
    for name in fixed {
        uses.insert(format!("nervecord::fixed::{name}"));
    }
    if program.start.iter().any(|quad| quad.0 != [0; 4]) {
        uses.insert("nervecord::Quad".into());
    }
    for (_, name) in fracs {
        uses.insert(format!("nervecord::fixed::types::extra::{name}"));
    }
    let input = if program.input.bits() == 32 { "{Channel, read32}" } else { "read16" };
    let output = if program.output.bits() == 32 { "write32" } else { "write16" };
    uses.insert(format!("nervecord::port::{input}"));
    uses.insert(format!("nervecord::port::{output}"));
    uses.insert("nervecord::{Controller, RawStep, Scratch, Status}".into());
    let mut uses: Vec<String> = uses.into_iter().collect();
    uses.sort_by_key(|path| version_key(path));
    uses.iter().map(|path| format!("    use {path};\n")).collect()
}

/// Sorts as rustfmt does: numbers by value.
fn version_key(path: &str) -> String {
    let (mut key, mut digits) = (String::new(), String::new());
    for c in path.chars().chain([' ']) {
        if c.is_ascii_digit() {
            digits.push(c);
        } else {
            let _ = write!(
                key,
                "{}{c}",
                if digits.is_empty() { "".into() } else { format!("{digits:0>8}") }
            );
            digits.clear();
        }
    }
    key
}

fn interface(program: &Program) -> String {
    let mut out = String::new();
    for (label, port, raw) in
        [("input", &program.input, "INPUTS"), ("output", &program.output, "OUTPUTS")]
    {
        let name = if label == "input" { "Input" } else { "Output" };
        let _ = writeln!(out, "    /// Number of {label} features.");
        let _ = writeln!(out, "    pub const {raw}: usize = {};", port.features());
        let _ = writeln!(out, "    /// The {label}s of a step.");
        out += &port_type(name, port, raw);
        let _ = writeln!(out, "    /// The integer behind one {label}.");
        let _ = writeln!(out, "    pub type Raw{name} = i{};", port.bits());
    }
    let _ = writeln!(out, "    /// Bytes of tables in flash.");
    let _ = writeln!(out, "    pub const TABLE_BYTES: usize = {};", program.table_bytes());
    if let Some(classes) = &program.classes {
        let names: Vec<String> = classes.names.iter().map(|n| format!("{n:?}")).collect();
        let _ = writeln!(
            out,
            "    /// The class of each output; `nervecord::head::argmax` of the outputs is the index."
        );
        let head = format!("pub static LABELS: [&str; {}] = [", names.len());
        let _ = write!(out, "    #[rustfmt::skip]\n    {head}\n{}    ];\n", wrapped(&names, 8));
    }
    if let PortWidth::WideIn(channels) = &program.input.width {
        let cells: Vec<String> = channels
            .iter()
            .map(|c| format!("Channel {{ offset: {}, shift: {} }}", c.offset, c.shift))
            .collect();
        let head = format!("static CHANNELS: [Channel; {}] = [", cells.len());
        let _ = write!(out, "    #[rustfmt::skip]\n    {head}\n{}    ];\n", wrapped(&cells, 8));
    }
    if let PortWidth::WideOut(shifts) = &program.output.width {
        let head = format!("static SHIFTS: [u8; {}] = [", shifts.len());
        let _ = write!(out, "    #[rustfmt::skip]\n    {head}\n{}    ];\n", wrapped(shifts, 8));
    }
    out
}

/// An array of fixed-point numbers, or a tuple where their formats differ.
fn port_type(name: &str, port: &Port, count: &str) -> String {
    let number = |frac: &u32| format!("FixedI{}<U{frac}>", port.bits());
    if let Some(frac) = port.uniform_frac() {
        return format!("    pub type {name} = [{}; {count}];\n", number(&frac));
    }
    let numbers: Vec<String> = port.fracs.iter().map(number).collect();
    let body = wrapped(&numbers, 8);
    format!("    #[rustfmt::skip]\n    pub type {name} = (\n{body}    );\n")
}

/// The body of `Controller::step`: typed numbers to integers and back.
fn typed_step(program: &Program) -> String {
    let indent = "            ";
    let input = match program.input.uniform_frac() {
        Some(_) => format!("{indent}let input = input.map(|x| x.to_bits());\n"),
        None => {
            let bits = |i| format!("input.{i}.to_bits()");
            let cells: Vec<String> = (0..program.input.features()).map(bits).collect();
            let body = wrapped(&cells, 16);
            format!("{indent}#[rustfmt::skip]\n{indent}let input = [\n{body}{indent}];\n")
        }
    };
    let from_bits = format!("FixedI{}::from_bits", program.output.bits());
    let output = match program.output.uniform_frac() {
        Some(_) => format!("{indent}self.step_raw(&input).map({from_bits})\n"),
        None => {
            let names: Vec<String> =
                (0..program.output.features()).map(|i| format!("y{i}")).collect();
            let cells: Vec<String> = names.iter().map(|y| format!("{from_bits}({y})")).collect();
            let (names, cells) = (wrapped(&names, 16), wrapped(&cells, 16));
            format!(
                "{indent}#[rustfmt::skip]\n{indent}let [\n{names}{indent}] = self.step_raw(&input);\n\
                 {indent}#[rustfmt::skip]\n{indent}let output = (\n{cells}{indent});\n{indent}output\n"
            )
        }
    };
    input + &output
}

/// The statements that run one op: its tensors, then the kernel.
fn statement(program: &Program, op: &Op, call: &str) -> String {
    let range = |s: usize| {
        let r = &program.storages[s];
        format!("{}..{}", r.start, r.end)
    };
    let names: Vec<String> = (0..op.reads.len()).map(|i| format!("x{i}")).collect();
    let indent = "            ";
    if names.is_empty() {
        let y = format!("let y = self.scratch.tensor({});", range(op.write));
        return format!("{indent}{y}\n{indent}{call}\n");
    }
    let ranges: Vec<String> = op.reads.iter().chain([&op.write]).map(|&s| range(s)).collect();
    let (names, ranges) = (names.join(", "), ranges.join(", "));
    let tensors = format!("let [{names}, y] = self.scratch.tensors([{ranges}]);");
    format!("{indent}{tensors}\n{indent}{call}\n")
}

fn controller(program: &Program, origin: &Origin, ty: &str, start: bool, body: &str) -> String {
    let scratch = if start { "Scratch::starting(&START)" } else { "Scratch::new()" };
    let range = |port: &Port| {
        let start = program.storages[port.storage].start;
        format!("{start}..{}", start + quads(port.features()))
    };
    let (input, output) = (range(&program.input), range(&program.output));
    let read = match program.input.bits() == 32 {
        true => format!("read32(input, &CHANNELS, self.scratch.tensor({input}))"),
        false => format!("read16(input, self.scratch.tensor({input}))"),
    };
    let write = match program.output.bits() == 32 {
        true => format!("write32(self.scratch.tensor({output}), &SHIFTS, &mut output)"),
        false => format!("write16(self.scratch.tensor({output}), &mut output)"),
    };
    let typed = typed_step(program);
    let fracs = |port: &Port| wrapped(&port.fracs, 12);
    let (input_frac, output_frac) = (fracs(&program.input), fracs(&program.output));
    let full_scale = match program.input.full_scale {
        true => "        const FULL_SCALE: bool = true;\n",
        false => "",
    };
    let (model, quads) = (&origin.model, program.scratch_quads);
    let time = match program.constant_time() {
        true => "",
        false => ", in a time that depends on them: zero activations are skipped",
    };
    format!(
        "    /// The network of `{model}`.
    #[derive(Clone, Debug)]
    pub struct {ty} {{
        scratch: Scratch<{quads}>,
        status: Status,
    }}

    impl {ty} {{
        /// The network in its start state.
        pub const fn new() -> Self {{
            Self {{ scratch: {scratch}, status: Status::new() }}
        }}

        /// One step on the integers behind the fixed-point numbers{time}.
        pub fn step_raw(&mut self, input: &[RawInput; INPUTS]) -> [RawOutput; OUTPUTS] {{
            self.status = {read};
{body}            let mut output = [0; OUTPUTS];
            {write};
            output
        }}
    }}

    impl RawStep<INPUTS, OUTPUTS> for {ty} {{
        type RawInput = RawInput;
        type RawOutput = RawOutput;
        #[rustfmt::skip]
        const INPUT_FRAC: [u8; INPUTS] = [
{input_frac}        ];
        #[rustfmt::skip]
        const OUTPUT_FRAC: [u8; OUTPUTS] = [
{output_frac}        ];
{full_scale}
        fn step_raw(&mut self, input: &[RawInput; INPUTS]) -> [RawOutput; OUTPUTS] {{
            Self::step_raw(self, input)
        }}
    }}

    impl Default for {ty} {{
        fn default() -> Self {{
            Self::new()
        }}
    }}

    impl Controller for {ty} {{
        type Input = Input;
        type Output = Output;

        fn reset(&mut self) {{
            *self = Self::new();
        }}

        fn step(&mut self, input: &Input) -> Output {{
{typed}        }}

        fn status(&self) -> Status {{
            self.status
        }}
    }}
"
    )
}
