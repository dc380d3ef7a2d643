//! The header of a program for C and C++: what it declares is defined in the assembly that is made of [`super::c`]'s
//! crate; the functions on floats are here alone, so that the assembly holds no float.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::c::LAST_INPUT;
use super::items::{screaming, wrapped};
use super::widths::Widths;
use super::{Origin, provenance};
use crate::program::{Port, Program};
use crate::text::first_free;

/// What a header says of the assembly beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assembly {
    /// The core that it is for, as its maker spells it.
    pub core: String,
    /// Hex digest of the file.
    pub sha256: String,
}

/// The header's text.
pub fn header(program: &Program, origin: &Origin, assembly: &Assembly) -> String {
    let name = &program.name;
    let upper = name.to_ascii_uppercase();
    let mut out = String::new();
    for line in provenance(program, origin) {
        let _ = writeln!(out, "{}", format!("// {line}").trim_end_matches(['\\', ' ']));
    }
    let _ = writeln!(out, "// {name}.s sha256 {}, for {}\n", assembly.sha256, assembly.core);
    out += &about(program, origin, assembly);
    let _ = write!(
        out,
        "#ifndef {upper}_H\n#define {upper}_H\n\n#include <stdint.h>\n\n#ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n"
    );
    out += &constants(program, origin, &upper, &assembly.sha256);
    for (side, port, names) in [
        (Side::INPUT, &program.input, &program.input_names[..]),
        (Side::OUTPUT, &program.output, program.output_labels()),
    ] {
        out += &side.describe(port, names, &upper, name);
    }
    out += &parts(program, &upper);
    out += &functions(program, name, &upper);
    out += &floats(program, name, &upper);
    let _ = write!(out, "#ifdef __cplusplus\n}}\n#endif\n\n#endif\n");
    out
}

/// The comment at the head of the assembly.
pub fn head(program: &Program, origin: &Origin, core: &str, flags: &str) -> String {
    let name = &program.name;
    let mut out = String::from("/*\n");
    for line in provenance(program, origin) {
        let _ = writeln!(out, "{}", format!(" * {}", comment(&line)).trim_end());
    }
    let _ = write!(
        out,
        " *\n * For {core}: assemble with {flags}. {name}.h declares what is global; all else is local, each\n * function \
         and table in a section of its own.\n */\n"
    );
    out
}

/// What a comment of C cannot hold is taken apart.
fn comment(text: &str) -> String {
    text.replace("*/", "* /").replace("/*", "/ *")
}

fn about(program: &Program, origin: &Origin, assembly: &Assembly) -> String {
    let Program { name, macs, rows, .. } = program;
    let window = match rows {
        1 => String::new(),
        rows => format!(
            " *  It reads a window of the last {rows} rows: a step is given the newest, and what is needed of those \
             before is kept\n *  until a reset.\n"
        ),
    };
    let time = match program.constant_time() {
        true => "A step takes the same time for every input.",
        false => "A step's time depends on its input: zero activations are skipped.",
    };
    format!(
        "/** @file
 *  @brief The network of {} as integers, for {}: {} inputs, {} outputs, {macs} multiply-accumulates a step.
 *
 *  Assemble {name}.s, with `-mcpu` of the core, and link it. It calls no library and allocates nothing; it is
 *  reentrant, as long as no two calls share a state.
 *
 *  @code
 *  static {name}_t network;
 *  {name}_init(&network);
 *  for (;;) {{ read(x); {name}_step(&network, x, y); drive(y); }}
 *  @endcode
 *
{window} *  {time} No sum overflows and no step panics, whatever the input.
 */
",
        comment(&origin.model),
        assembly.core,
        program.input.features(),
        program.output.features(),
    )
}

fn constants(program: &Program, origin: &Origin, upper: &str, sha256: &str) -> String {
    let mut out = String::new();
    let mut define = |about: &str, name: &str, value: String| {
        let _ = write!(out, "/** {about} */\n#define {upper}_{name} {value}\n");
    };
    define("Number of inputs.", "INPUTS", program.input.features().to_string());
    define("Number of outputs.", "OUTPUTS", program.output.features().to_string());
    define("Bytes of tables in flash.", "TABLE_BYTES", program.table_bytes().to_string());
    define("Bytes of a state in RAM.", "STATE_BYTES", (program.scratch_quads * 8).to_string());
    define("Multiply-accumulates of a step.", "MACS", program.macs.to_string());
    let text = |hex: &str| format!("{hex:?}");
    define("SHA-256 of the trained model.", "MODEL_SHA256", text(&origin.model_sha256));
    define(
        "SHA-256 of the calibration data.",
        "CALIBRATION_SHA256",
        text(&origin.calibration_sha256),
    );
    define("SHA-256 of the assembly.", "ASSEMBLY_SHA256", text(sha256));
    let _ = write!(
        out,
        "
/** Bit of input `i` in a step's status: it lay outside its calibrated range. From {LAST_INPUT} on inputs share one. */
#define {upper}_STATUS_INPUT(i) ((uint32_t)1 << ((i) < {LAST_INPUT} ? (i) : {LAST_INPUT}))
/** An input was NaN (of `{name}_step_f` alone): the middle of its calibrated range stood in for it. */
#define {upper}_STATUS_NAN ((uint32_t)1 << 30)
/** A state was at an end of its range after the step: what it would have become beyond is lost. */
#define {upper}_STATUS_STATE ((uint32_t)1 << 31)

",
        name = program.name
    );
    out
}

/// The inputs, or the outputs.
struct Side {
    /// What they are.
    word: &'static str,
    /// In names.
    letter: &'static str,
}

impl Side {
    const INPUT: Self = Self { word: "input", letter: "X" };
    const OUTPUT: Self = Self { word: "output", letter: "Y" };

    fn describe(&self, port: &Port, names: &[String], upper: &str, name: &str) -> String {
        let Self { word, letter } = self;
        let mut out = format!("/** The places of the {word}s. */\nenum {{\n");
        let mut taken: BTreeSet<String> = ["FRAC"].map(String::from).into();
        let mut idents = Vec::new();
        for (i, label) in names.iter().enumerate() {
            let plain = format!("{}_{i}", word.to_ascii_uppercase());
            let ident =
                first_free(&screaming(label, &word.to_ascii_uppercase()), |n| !taken.contains(n));
            taken.insert(ident.clone());
            let said = if ident == plain {
                String::new()
            } else {
                format!(" {}", comment(&crate::text::label(label)))
            };
            let _ = writeln!(
                out,
                "    {upper}_{letter}_{ident} = {i}, /**<{said} {} */",
                format_of(port, i)
            );
            idents.push(ident);
        }
        out += "};\n";
        match port.uniform_frac() {
            Some(frac) => {
                let _ = write!(
                    out,
                    "/** Fractional bits of every {word}. */\n#define {upper}_{letter}_FRAC {frac}\n"
                );
                out += &self.conversion(port, 0, "", upper, name);
            }
            None => {
                for (i, ident) in idents.iter().enumerate() {
                    let _ =
                        writeln!(out, "#define {upper}_{letter}_{ident}_FRAC {}", port.fracs[i]);
                    out += &self.conversion(port, i, &format!("_{ident}"), upper, name);
                }
            }
        }
        out + "\n"
    }

    /// The macro that makes an integer of a real number, or the other way.
    fn conversion(&self, port: &Port, i: usize, suffix: &str, upper: &str, name: &str) -> String {
        let bits = port.bits();
        let one = float(port.one(i));
        let (low, high) = ends(port);
        match self.letter {
            "X" => format!(
                "/** The nearest integer for a real number, halves up, clamped to the format; the smallest for NaN. */
#define {upper}_X{suffix}(value) ((int{bits}_t){name}_nearest_((value) * {one}, {low}, {high}))
"
            ),
            _ => format!(
                "/** The real number of an integer. */
#define {upper}_Y{suffix}(integer) ((float)(integer) / {one})
"
            ),
        }
    }
}

/// The smallest and the largest integer of a port, as C writes them.
fn ends(port: &Port) -> (&'static str, &'static str) {
    match port.bits() {
        32 => ("INT32_MIN", "INT32_MAX"),
        _ => ("INT16_MIN", "INT16_MAX"),
    }
}

/// The format of a feature, and its range if it has one.
fn format_of(port: &Port, i: usize) -> String {
    let frac = port.fracs.get(i).copied().unwrap_or_default();
    let mut out = format!("Q{}.{frac}", i64::from(port.bits()) - i64::from(frac));
    if let Some([low, high]) = port.ranges.get(i) {
        let _ = write!(
            out,
            ", calibrated for {:.4} to {:.4}",
            port.to_real(i, *low),
            port.to_real(i, *high)
        );
    }
    out
}

/// A number as C reads the same `float`.
fn float(x: f64) -> String {
    format!("{x:?}f")
}

/// Where each of several outputs begins, and how many numbers it has.
fn parts(program: &Program, upper: &str) -> String {
    if program.outputs.len() < 2 {
        return String::new();
    }
    let mut out = String::from(
        "/** Where each output of the model begins, and how many numbers it has. */\nenum {\n",
    );
    let (mut taken, mut start) = (BTreeSet::new(), 0);
    for part in &program.outputs {
        let ident = first_free(&screaming(&part.name, "OUTPUT"), |n| !taken.contains(n));
        let _ = writeln!(
            out,
            "    {upper}_{ident}_START = {start},\n    {upper}_{ident}_COUNT = {},",
            part.features
        );
        start += part.features;
        taken.insert(ident);
    }
    out + "};\n\n"
}

fn functions(program: &Program, name: &str, upper: &str) -> String {
    let [x, y] = [&program.input, &program.output].map(|port| format!("int{}_t", port.bits()));
    let bytes = program.scratch_quads * 8;
    let widths = Widths::of(program);
    let (mut width_names, mut step_at) = (String::new(), String::new());
    if widths.whole().is_some() {
        width_names += "/** How much of the network a step computes. */\ntypedef enum {\n";
        for (i, (path, width)) in widths.paths().zip(&program.widths).enumerate() {
            let ident = screaming(path.trim_start_matches("Width::"), "WIDTH");
            let _ = writeln!(
                width_names,
                "    {upper}_WIDTH_{ident} = {i}, /**< {}. */",
                comment(&width.describe())
            );
        }
        let _ = write!(width_names, "}} {name}_width_t;\n\n");
        let _ = write!(
            step_at,
            "/** As `{name}_step`, of a width that may differ from step to step. */
uint32_t {name}_step_at({name}_t *state, const {x} x[{upper}_INPUTS], {y} y[{upper}_OUTPUTS], {name}_width_t width);

"
        );
    }
    format!(
        "{width_names}/** What a network remembers from step to step, and its working memory: opaque. */
typedef struct {name} {{
    uint32_t opaque[{upper}_STATE_BYTES / 4];
}} __attribute__((aligned(8))) {name}_t;

#if defined(__cplusplus) && __cplusplus >= 201103L
static_assert(sizeof({name}_t) == {bytes}, \"a state has the size that {name}.s takes\");
static_assert(alignof({name}_t) == 8, \"a state lies as {name}.s takes it\");
#elif !defined(__cplusplus) && defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
_Static_assert(sizeof({name}_t) == {bytes}, \"a state has the size that {name}.s takes\");
_Static_assert(_Alignof({name}_t) == 8, \"a state lies as {name}.s takes it\");
#else
typedef char {name}_size_[sizeof({name}_t) == {bytes} ? 1 : -1];
#endif

/** Makes a state, as after a reset; needed before the first step. */
void {name}_init({name}_t *state);

/** Forgets all steps. */
void {name}_reset({name}_t *state);

/** One step: the outputs `y` for the inputs `x`, which do not overlap.
 *
 *  @return 0, or bits that say what was wrong: {upper}_STATUS_INPUT(i), {upper}_STATUS_STATE.
 */
uint32_t {name}_step({name}_t *state, const {x} x[{upper}_INPUTS], {y} y[{upper}_OUTPUTS]);

{step_at}/** Steps a network of its own on four rows whose outputs the host has computed; for boot.
 *
 *  Takes {upper}_STATE_BYTES of stack while it runs; its vectors are dropped by the linker (`--gc-sections`) where it is
 *  not called.
 *  @return 0 if all integers are the host's, else the number of the first row, from 1, that is not.
 */
int {name}_selftest(void);

"
    )
}

/// The functions on floats.
fn floats(program: &Program, name: &str, upper: &str) -> String {
    let Program { input, output, .. } = program;
    let [x, y] = [input, output].map(|port| format!("int{}_t", port.bits()));
    let (low, high) = ends(input);
    let middles: Vec<String> =
        input.ranges.iter().map(|[low, high]| low.midpoint(*high).to_string()).collect();
    let ones =
        |port: &Port| -> Vec<String> { (0..port.features()).map(|i| float(port.one(i))).collect() };
    // One number where all share it.
    let table = |what: &str, port: &Port| match port.uniform_frac() {
        Some(_) => (String::new(), float(port.one(0))),
        None => (
            format!("    static const float {what}[] = {{\n{}    }};\n", wrapped(&ones(port), 8)),
            format!("{what}[i]"),
        ),
    };
    let ((x_ones, x_one), (y_ones, y_one)) = (table("x_one", input), table("y_one", output));
    // Beyond the ends by less than a half rounds to them.
    let beyond = match input.bits() {
        32 => ["-2147483648.0f", "2147483648.0f"],
        _ => ["-32768.5f", "32767.5f"],
    };
    let clamped = format!("scaled < {} || scaled >= {}", beyond[0], beyond[1]);
    format!(
        "/** For the macros above: the integer nearest to `scaled`, halves up, from `low` to `high`. */
static inline int32_t {name}_nearest_(float scaled, int32_t low, int32_t high) {{
    int32_t floor;
    if (!(scaled > (float)low)) return low;
    if (scaled >= (float)high) return high;
    floor = (int32_t)scaled;
    if ((float)floor > scaled) floor -= 1;
    /* From 2^23 on a float is an integer; below, the half is exact. */
    if (scaled > -8388608.0f && scaled < 8388608.0f && scaled >= (float)floor + 0.5f) floor += 1;
    return floor;
}}

/** As `{name}_step`, on real numbers in the model's units; NaN is told by {upper}_STATUS_NAN. */
static inline uint32_t {name}_step_f({name}_t *state, const float x[{upper}_INPUTS], float y[{upper}_OUTPUTS]) {{
    static const {x} middle[] = {{
{}    }};
{x_ones}{y_ones}    {x} raw_x[{upper}_INPUTS];
    {y} raw_y[{upper}_OUTPUTS];
    uint32_t status = 0, bits;
    int i;
    for (i = 0; i < {upper}_INPUTS; i++) {{
        const float scaled = x[i] * {x_one};
        __builtin_memcpy(&bits, &x[i], sizeof bits);
        if ((bits & 0x7fffffffu) > 0x7f800000u) {{
            raw_x[i] = middle[i];
            status |= {upper}_STATUS_NAN;
            continue;
        }}
        raw_x[i] = ({x}){name}_nearest_(scaled, {low}, {high});
        if ({clamped}) status |= {upper}_STATUS_INPUT(i);
    }}
    status |= {name}_step(state, raw_x, raw_y);
    for (i = 0; i < {upper}_OUTPUTS; i++) y[i] = (float)raw_y[i] / {y_one};
    return status;
}}

",
        wrapped(&middles, 8)
    )
}
