//! The tables and the statements of a step, which every front of a program has. Stands on items and widths.

use std::fmt::Write;
use std::ops::Range;

use nervecord::host::quads;

use super::items::{Callers, Items, wrapped};
use super::widths::Widths;
use crate::program::kernel::Data;
use crate::program::{Op, Port, PortWidth, Program, TensorFormat};

/// A step as items and statements of a Rust module.
pub struct Step<'a> {
    program: &'a Program,
    pub items: Items,
    pub widths: Widths<'a>,
    /// What runs the kernels, one after another.
    body: String,
    /// Whether a state does not start from zero, and `START` has what it starts from.
    pub start: bool,
}

impl<'a> Step<'a> {
    /// That of a program, in a module whose own constants are `taken`.
    pub fn of(program: &'a Program, taken: &[&str]) -> Self {
        let mut items = Items::new(taken);
        let widths = Widths::of(program);
        let mut statements = Vec::new();
        for op in &program.ops {
            let data = op.kernel.data();
            let (reads, written) = tensors(program, op, &data);
            let callers = Callers {
                read: op.reads.iter().any(|&storage| program.is_callers(storage)),
                written: program.is_callers(op.write),
            };
            let call = items.kernel(&op.name, &data, (&reads, &written), callers);
            let own = own(&reads, &written, callers);
            items.disjoint(program.scratch_quads, own.iter().map(|(_, tensor)| tensor));
            statements.push((op, statement(&own, &call)));
        }
        let body = widths.body(&statements);
        let start = program.start.iter().any(|quad| quad.0 != [0; 4]);
        if start {
            let values: Vec<String> =
                program.start.iter().map(|q| format!("Quad({:?})", q.0)).collect();
            items.array("static START", "Quad", &values);
        }
        let ports = [&program.input, &program.output].into_iter();
        for port in ports.filter(|port| !program.is_callers(port.storage)) {
            items.disjoint(program.scratch_quads, [&port_tensor(program, port)]);
        }
        Self { program, items, widths, body, start }
    }

    /// The scratch after a reset.
    pub fn scratch(&self) -> &'static str {
        if self.start { "Scratch::starting(&START)" } else { "Scratch::new()" }
    }

    /// The statements that take the array `input` in, with the step's status for `status`.
    pub fn read(&self, status: &str) -> String {
        let port = &self.program.input;
        let x = port_tensor(self.program, port);
        let indent = "            ";
        if self.program.is_callers(port.storage) {
            let inlet = format!("let mut inlet = Inlet::<{}>::new(input);", x.len());
            return format!("{indent}{inlet}\n{indent}{status} = inlet.read16(&LIMITS);\n");
        }
        let read = match port.bits() == 32 {
            true => format!("read32(input, &CHANNELS, &LIMITS, self.scratch.tensor({x:?}))"),
            false => format!("read16(input, &LIMITS, self.scratch.tensor({x:?}))"),
        };
        format!("{indent}{status} = {read};\n")
    }

    /// The statements from there on that compute, and note in `status` where a state is at an end of its range.
    pub fn compute(&self, status: &str) -> String {
        let saturating = self.program.states.iter().filter(|state| state.saturates);
        let checks = saturating.map(|state| state_check(self.program, &state.tensor, status));
        self.body.clone() + &checks.collect::<String>()
    }

    /// The statement that gives `output`, a reference to an array, its numbers, unless a kernel does.
    pub fn write(&self) -> String {
        let port = &self.program.output;
        if self.program.is_callers(port.storage) {
            return String::new();
        }
        let y = port_tensor(self.program, port);
        let write = match port.bits() == 32 {
            true => format!("write32(self.scratch.tensor({y:?}), &LEVELS, output)"),
            false => format!("write16(self.scratch.tensor({y:?}), output)"),
        };
        format!("            {write};\n")
    }
}

/// The ranges, channels and limits of a program's inputs and outputs.
pub fn ranges(program: &Program) -> String {
    let mut out = String::new();
    let ranges: Vec<String> = program.input.ranges.iter().map(|r| format!("{r:?}")).collect();
    let _ = writeln!(
        out,
        "    /// The calibrated range of each input with its margin, in its integers: outside, the status says so."
    );
    let head = "pub const RANGES: [[i32; 2]; INPUTS] = [";
    let _ = write!(out, "    #[rustfmt::skip]\n    {head}\n{}    ];\n", wrapped(&ranges, 8));
    for (name, port) in [("CHANNELS", &program.input), ("LEVELS", &program.output)] {
        let (PortWidth::WideIn(channels) | PortWidth::WideOut(channels)) = &port.width else {
            continue;
        };
        let cells: Vec<String> = channels
            .iter()
            .map(|c| format!("Channel {{ offset: {}, shift: {} }}", c.offset, c.shift))
            .collect();
        let head = format!("static {name}: [Channel; {}] = [", cells.len());
        let _ = write!(out, "    #[rustfmt::skip]\n    {head}\n{}    ];\n", wrapped(&cells, 8));
    }
    let table = match program.input.bits() {
        32 => "limits32(&RANGES, &CHANNELS)",
        _ => "limits16(&RANGES)",
    };
    let limits = 2 * quads(program.input.features());
    let _ = writeln!(out, "    static LIMITS: [Quad; {limits}] = {table};");
    out
}

/// The quads of the scratch that an op reads, and those it writes.
fn tensors(program: &Program, op: &Op, data: &Data) -> (Vec<Range<usize>>, Range<usize>) {
    let tensor = |&storage: &usize| {
        let Range { start, end } = program.storages[storage];
        start..data.quads.map_or(end, |quads| start + quads)
    };
    (op.reads.iter().map(tensor).collect(), tensor(&op.write))
}

/// The tensors of an op that are in the scratch, under the names that its statement has for them.
fn own(
    reads: &[Range<usize>],
    written: &Range<usize>,
    callers: Callers,
) -> Vec<(String, Range<usize>)> {
    let reads = reads.iter().enumerate().map(|(i, tensor)| (format!("x{i}"), tensor.clone()));
    let written = (!callers.written).then(|| ("y".to_owned(), written.clone()));
    reads.filter(|_| !callers.read).chain(written).collect()
}

/// The statements that run one op: its tensors, then the kernel.
fn statement(tensors: &[(String, Range<usize>)], call: &str) -> String {
    let indent = "            ";
    let tensors = match tensors {
        [(name, tensor)] => format!("let {name} = self.scratch.tensor({tensor:?});"),
        tensors => {
            let (names, ranges): (Vec<&str>, Vec<String>) =
                tensors.iter().map(|(name, tensor)| (name.as_str(), format!("{tensor:?}"))).unzip();
            let (names, ranges) = (names.join(", "), ranges.join(", "));
            format!("let [{names}] = self.scratch.tensors([{ranges}]);")
        }
    };
    format!("{indent}{tensors}\n{indent}{call}\n")
}

/// The statement that looks whether a state is at an end of its range.
fn state_check(program: &Program, tensor: &TensorFormat, status: &str) -> String {
    let features = tensor.shape.len();
    let start = program.storages[tensor.storage].start;
    let range = start..start + quads(features);
    format!(
        "            let state = self.scratch.tensor({range:?});
            {status}.note_state(at_end(state, {features}));
"
    )
}

/// The quads of the scratch that hold the caller's features.
fn port_tensor(program: &Program, port: &Port) -> Range<usize> {
    let start = program.storages[port.storage].start;
    start..start + quads(port.features())
}
