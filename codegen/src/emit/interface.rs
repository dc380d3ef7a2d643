//! What a caller names of a module: its inputs, outputs, their types, ranges and names. Stands on the program's ports
//! on items and on a step.

use std::collections::BTreeSet;
use std::fmt::Write;

use nervecord::{InputLimits, OutputLimits, Tolerance};

use super::items::{screaming, wrapped};
use super::step::ranges;
use crate::program::{Port, Program, StatedLimits};
use crate::text::{first_free, snake_case};

/// Lengths, types, ranges and formats of inputs and outputs.
pub fn interface(program: &Program) -> String {
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
    out += &ranges(program);
    out
}

/// What collects inputs by name, and the names.
pub fn readings(program: &Program, ty: &str) -> String {
    let mut out = format!(
        "    /// The inputs of a step, set by name: `reading.set(input::NAME, value)`.
    pub type Reading = nervecord::generated::Reading<{ty}, INPUTS, OUTPUTS>;
    /// A sensor's integers as one input's: `reading.count(&CONVERSION, count)`.
    pub type Counts = nervecord::generated::Counts<{ty}>;

    /// All inputs of a step, in their order: `f32` (with nervecord's feature of that name) or fixed-point
    /// numbers.
    pub fn input<V: nervecord::generated::Value>(values: &[V; INPUTS]) -> Reading {{
        Reading::of(values)
    }}

    /// For a constant: input `input` is `at_zero + per_count * count` of a sensor's integer.
    pub const fn counts(input: usize, per_count: f64, at_zero: f64) -> Counts {{
        Counts::new(input, per_count, at_zero)
    }}
"
    );
    out += &names("input", "The places of the inputs.", &program.input_names, "");
    let about = match &program.classes {
        Some(_) => "The places of the classes; `nervecord::argmax` of the outputs is one.",
        None => "The places of the outputs.",
    };
    out += &names("output", about, program.output_labels(), &parts(program));
    out
}

/// What a guard holds inputs and outputs to, in the model's units, where it is stated.
pub fn guard(program: &Program, ty: &str) -> String {
    let Some(StatedLimits { inputs, outputs, tolerance, .. }) = &program.guard else {
        return String::new();
    };
    let mut out = format!(
        "
    /// What `[guard]` of `nervecord.toml` holds inputs and outputs to in a control loop, in the model's units.
    #[rustfmt::skip]
    pub const GUARD: Limits<INPUTS, OUTPUTS> = Limits::new(
        &<{ty} as RawStep<INPUTS, OUTPUTS>>::FORMATS,
        &[
"
    );
    for (InputLimits { min, max, stuck }, name) in inputs.iter().zip(&program.input_names) {
        let [min, max] = [min, max].map(|limit| float(*limit));
        let _ = writeln!(
            out,
            "            InputLimits {{ min: {min}, max: {max}, stuck: {stuck} }}, // {name:?}"
        );
    }
    out += "        ],\n        &[\n";
    for (limits, name) in outputs.iter().zip(program.output_labels()) {
        let OutputLimits { min, max, slew, safe, safe_slew } = *limits;
        let [min, max, slew, safe, safe_slew] = [min, max, slew, safe, safe_slew].map(float);
        let _ = writeln!(
            out,
            "            OutputLimits {{ min: {min}, max: {max}, slew: {slew}, safe: {safe}, safe_slew: {safe_slew} }}, \
             // {name:?}"
        );
    }
    let Tolerance { saturated, invalid, stale } = tolerance;
    let _ = writeln!(
        out,
        "        ],\n        Tolerance {{ saturated: {saturated}, invalid: {invalid}, stale: {stale} }},\n    );"
    );
    out
}

/// The tables that a guard checks, so many bytes a period, and how many of all there are.
pub fn checked_tables(program: &Program, parts: &[(String, usize)], a_period: u32) -> String {
    let bytes: usize = parts.iter().map(|(_, bytes)| bytes).sum();
    let mut out = format!(
        "    /// The tables of integers, {bytes} bytes of the {} in flash, and their CRC.
    #[rustfmt::skip]
    pub static TABLES: Tables = Tables::new(
        &[
",
        program.table_bytes()
    );
    for (words, _) in parts {
        let _ = writeln!(out, "            {words},");
    }
    let _ = writeln!(out, "        ],\n        {a_period},\n    );");
    out
}

/// A number that Rust reads as the same `f64`.
fn float(x: f64) -> String {
    match x {
        f64::INFINITY => "f64::INFINITY".to_owned(),
        f64::NEG_INFINITY => "f64::NEG_INFINITY".to_owned(),
        x => format!("{x:?}"),
    }
}

/// A function for each of several outputs that picks its features.
fn parts(program: &Program) -> String {
    let port = &program.output;
    if program.outputs.len() < 2 {
        return String::new();
    }
    let mut out = String::new();
    let mut taken = BTreeSet::new();
    let mut start = 0;
    for part in &program.outputs {
        let places = start..start + part.features;
        start = places.end;
        let feature = |i: usize| match port.uniform_frac() {
            Some(_) => format!("output[{i}]"),
            None => format!("output.{i}"),
        };
        let features: Vec<String> = places.clone().map(feature).collect();
        let number = |frac: &u32| format!("super::FixedI{}<super::U{frac}>", port.bits());
        let numbers: Vec<String> = port.fracs[places].iter().map(number).collect();
        let (ty, [open, close]) = match numbers.windows(2).all(|pair| pair[0] == pair[1]) {
            true => (format!("[{}; {}]", numbers[0], numbers.len()), ["[", "]"]),
            false => (format!("({})", numbers.join(", ")), ["(", ")"]),
        };
        let name = first_free(&snake_case(&part.name), |name| !taken.contains(name));
        let body = wrapped(&features, 16);
        let _ = write!(
            out,
            "
        /// The output `{}`.
        #[rustfmt::skip]
        pub const fn {name}(output: &super::Output) -> {ty} {{
            {open}
{body}            {close}
        }}
",
            part.name
        );
        taken.insert(name);
    }
    out
}

/// A module with the place of each feature under its name, and `functions`.
fn names(module: &str, about: &str, names: &[String], functions: &str) -> String {
    let mut taken = BTreeSet::from(["NAMES".to_owned()]);
    let mut constants = String::new();
    for (i, name) in names.iter().enumerate() {
        let ident = screaming(name, &module.to_ascii_uppercase());
        let name = first_free(&ident, |name| !taken.contains(name));
        let _ = writeln!(constants, "        pub const {name}: usize = {i};");
        taken.insert(name);
    }
    let count = names.len();
    let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    format!(
        "
    /// {about}
    #[allow(missing_docs)]
    pub mod {module} {{
{constants}        #[rustfmt::skip]
        pub const NAMES: [&str; {count}] = [
{}        ];
{functions}    }}
",
        wrapped(&names, 12)
    )
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

/// The start of `Controller::step`: typed numbers to integers.
pub fn untyped(program: &Program) -> String {
    let indent = "            ";
    match program.input.uniform_frac() {
        Some(_) => format!("{indent}let input = input.map(|x| x.to_bits());\n"),
        None => {
            let bits = |i| format!("input.{i}.to_bits()");
            let cells: Vec<String> = (0..program.input.features()).map(bits).collect();
            let body = wrapped(&cells, 16);
            format!("{indent}#[rustfmt::skip]\n{indent}let input = [\n{body}{indent}];\n")
        }
    }
}

/// The body of a function from integers to typed numbers.
pub fn typed(program: &Program) -> String {
    let indent = "            ";
    let from_bits = format!("FixedI{}::from_bits", program.output.bits());
    match program.output.uniform_frac() {
        Some(_) => format!("{indent}output.map({from_bits})\n"),
        None => {
            let names: Vec<String> =
                (0..program.output.features()).map(|i| format!("y{i}")).collect();
            let cells: Vec<String> = names.iter().map(|y| format!("{from_bits}({y})")).collect();
            let (names, cells) = (wrapped(&names, 16), wrapped(&cells, 16));
            format!(
                "{indent}#[rustfmt::skip]\n{indent}let [\n{names}{indent}] = output;\n\
                 {indent}#[rustfmt::skip]\n{indent}let output = (\n{cells}{indent});\n{indent}output\n"
            )
        }
    }
}

/// What lies behind a model's inputs and outputs where their formats differ; for arrays nervecord itself says so.
pub fn ports(program: &Program, ty: &str) -> String {
    if is_uniform(program) {
        return String::new();
    }
    let [input, output] = [(&program.input, "input"), (&program.output, "output")].map(conversions);
    format!(
        "
    impl Ports<INPUTS, OUTPUTS> for {ty} {{
{input}
{output}    }}
"
    )
}

/// Whether inputs and outputs both are arrays.
pub fn is_uniform(program: &Program) -> bool {
    [&program.input, &program.output].iter().all(|port| port.uniform_frac().is_some())
}

/// A port's numbers to 32-bit integers, and back.
fn conversions((port, name): (&Port, &str)) -> String {
    let (count, ty) = match name {
        "input" => ("INPUTS", "Input"),
        _ => ("OUTPUTS", "Output"),
    };
    let indent = "            ";
    let (to, from) = match port.uniform_frac() {
        Some(_) => (
            format!("{indent}{name}.map(Number::raw)\n"),
            format!("{indent}raw.map(Number::from_raw)\n"),
        ),
        None => {
            let places = 0..port.features();
            let raws: Vec<String> =
                places.clone().map(|i| format!("Number::raw({name}.{i})")).collect();
            let names: Vec<String> = places.map(|i| format!("x{i}")).collect();
            let numbers: Vec<String> =
                names.iter().map(|x| format!("Number::from_raw({x})")).collect();
            let [raws, numbers] = [raws, numbers].map(|cells| wrapped(&cells, 16));
            let names = wrapped(&names, 16);
            (
                format!(
                    "{indent}#[rustfmt::skip]\n{indent}let raw = [\n{raws}{indent}];\n{indent}raw\n"
                ),
                format!(
                    "{indent}#[rustfmt::skip]\n{indent}let [\n{names}{indent}] = *raw;\n\
                     {indent}#[rustfmt::skip]\n{indent}let {name} = (\n{numbers}{indent});\n{indent}{name}\n"
                ),
            )
        }
    };
    format!(
        "        fn {name}_to_raw({name}: &{ty}) -> [i32; {count}] {{
{to}        }}

        fn {name}_from_raw(raw: &[i32; {count}]) -> {ty} {{
{from}        }}
"
    )
}
