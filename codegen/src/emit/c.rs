//! A program for C: the crate of which the assembly is made, with functions for C alone. Stands on a step.
//!
//! What the functions are to a caller is said in the header, which [`super::header`] writes.

use std::fmt::Write;

use super::imports;
use super::items::wrapped;
use super::step::{Step, ranges};
use crate::interpret::Interpreter;
use crate::program::{Port, Program};
use nervecord::generated::FORMAT;

/// The constants of the crate.
const OWN: [&str; 8] =
    ["INPUTS", "OUTPUTS", "RANGES", "LIMITS", "CHANNELS", "LEVELS", "START", "TESTS"];

/// Bit of a step's status that all inputs from this one on share.
pub const LAST_INPUT: usize = 29;

/// The `lib.rs` of a crate that has the functions of `program` for C and stands on the runtime alone.
pub fn source(program: &Program) -> String {
    let step = Step::of(program, &OWN);
    let name = &program.name;
    // What a guard, a controller and the numbers of `fixed` take is not for C.
    let used = ["Quad", "Scratch", "Status", "require_disjoint"].map(String::from);
    let mut out = String::from(
        "//! The network behind the functions that its header declares.\n#![no_std]\n#![allow(dead_code, \
         long_running_const_eval, missing_docs, unused)]\n\n",
    );
    out += &imports(program, &step.items, used.into(), false);
    let _ = write!(out, "\n    const _: () = nervecord::generated::require_format({FORMAT});\n\n");
    for (count, raw, port) in
        [("INPUTS", "RawInput", &program.input), ("OUTPUTS", "RawOutput", &program.output)]
    {
        let _ = writeln!(out, "    const {count}: usize = {};", port.features());
        let _ = writeln!(out, "    type {raw} = i{};", port.bits());
    }
    out += &ranges(program);
    out += &step.widths.declaration();
    out += &step.items.text;
    out += &tests(program);
    out += &functions(program, &step, name);
    out
}

/// Rows of integers to test with, and what a model that starts from its reset makes of them, one after another: the
/// ends of all ranges, then numbers between.
fn tests(program: &Program) -> String {
    let ranges = &program.input.ranges;
    let mut seed = 1_u32;
    let mut between = |[low, high]: [i32; 2]| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let width = i64::from(high) - i64::from(low); // below 2^32
        (i64::from(low) + ((width * i64::from(seed >> 16)) >> 16)) as i32
    };
    let rows: [Vec<i32>; 4] = [
        ranges.iter().map(|r| r[0]).collect(),
        ranges.iter().map(|r| r[1]).collect(),
        ranges.iter().map(|r| between(*r)).collect(),
        ranges.iter().map(|r| between(*r)).collect(),
    ];
    let mut network = Interpreter::new(program);
    let mut out = String::from(
        "    #[rustfmt::skip]\n    static TESTS: [([RawInput; INPUTS], [RawOutput; OUTPUTS]); 4] = [\n",
    );
    for row in &rows {
        let (outputs, _) = network.step_raw(row);
        let _ = write!(
            out,
            "        ([\n{}        ], [\n{}        ]),\n",
            wrapped(row, 12),
            wrapped(&outputs, 12)
        );
    }
    out + "    ];\n"
}

/// The bits of a status as C has them: inputs outside their ranges, and the states.
fn status(input: &Port) -> String {
    let inputs = match input.features() > LAST_INPUT {
        true => format!(
            "(bits & 0x{:x} | ((bits >> {LAST_INPUT} != 0) as u32) << {LAST_INPUT})",
            (1_u32 << LAST_INPUT) - 1
        ),
        false => "bits".to_owned(),
    };
    format!("{inputs} | (status.state_saturated() as u32) << 31")
}

fn functions(program: &Program, step: &Step, name: &str) -> String {
    let quads = program.scratch_quads;
    let (read, compute, write) =
        (step.read("let mut status"), step.compute("status"), step.write());
    let status = status(&program.input);
    let start = match step.start {
        true => "&START",
        false => "&[]",
    };
    let [width, width_argument, widths] = match step.widths.whole() {
        None => ["", "", ""].map(str::to_owned),
        Some(whole) => [", width: Width".to_owned(), format!(", {whole}"), step_at(step, name)],
    };
    format!(
        "
    pub struct State {{
        scratch: Scratch<{quads}>,
    }}

    impl State {{
        #[inline(always)]
        fn step(&mut self, input: &[RawInput; INPUTS], output: &mut [RawOutput; OUTPUTS]{width}) -> u32 {{
{read}{compute}{write}            let bits = status.bits();
            {status}
        }}
    }}

    #[unsafe(no_mangle)]
    #[inline(never)]
    pub unsafe extern \"C\" fn {name}_init(state: *mut State) {{
        // Volatile, or the compiler calls a library for it.
        let words = state.cast::<u32>();
        for i in 0..size_of::<State>() / 4 {{
            unsafe {{ words.add(i).write_volatile(0) }};
        }}
        let start: &[Quad] = {start};
        for (i, quad) in start.iter().enumerate() {{
            unsafe {{ state.cast::<Quad>().add(i).write_volatile(*quad) }};
        }}
    }}

    #[unsafe(no_mangle)]
    pub unsafe extern \"C\" fn {name}_reset(state: *mut State) {{
        unsafe {{ {name}_init(state) }}
    }}

    #[unsafe(no_mangle)]
    #[inline(never)]
    pub unsafe extern \"C\" fn {name}_step(
        state: *mut State,
        x: *const [RawInput; INPUTS],
        y: *mut [RawOutput; OUTPUTS],
    ) -> u32 {{
        unsafe {{ (*state).step(&*x, &mut *y{width_argument}) }}
    }}
{widths}
    #[unsafe(no_mangle)]
    pub extern \"C\" fn {name}_selftest() -> i32 {{
        let mut state = core::mem::MaybeUninit::<State>::uninit();
        let mut y = core::mem::MaybeUninit::<[RawOutput; OUTPUTS]>::uninit();
        unsafe {{ {name}_init(state.as_mut_ptr()) }};
        for (i, (input, expected)) in TESTS.iter().enumerate() {{
            let output = unsafe {{
                {name}_step(state.as_mut_ptr(), input, y.as_mut_ptr());
                y.assume_init_ref()
            }};
            let mut other = 0;
            for (a, b) in output.iter().zip(expected) {{
                other |= a ^ b;
            }}
            if other != 0 {{
                return i as i32 + 1;
            }}
        }}
        0
    }}
"
    )
}

/// The function of a step of a width that the caller chooses.
fn step_at(step: &Step, name: &str) -> String {
    let arms: String = step.widths.paths().enumerate().fold(String::new(), |mut out, (i, path)| {
        let _ = writeln!(out, "            {i} => {path},");
        out
    });
    let whole = step.widths.whole().unwrap_or_default();
    format!(
        "
    #[unsafe(no_mangle)]
    pub unsafe extern \"C\" fn {name}_step_at(
        state: *mut State,
        x: *const [RawInput; INPUTS],
        y: *mut [RawOutput; OUTPUTS],
        width: u32,
    ) -> u32 {{
        let width = match width {{
{arms}            _ => {whole},
        }};
        unsafe {{ (*state).step(&*x, &mut *y, width) }}
    }}
"
    )
}
