//! The C of a test image: networks with rows of inputs and what the host makes of them.

use std::fmt::Write;

use nervecord::generated::{Status, Value};
use nervecord::host::Fit;
use nervecord_codegen::Compiled;
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::program::Port;
use nervecord_tests::random::Random;

/// Rows of integers that a network is tested on.
const ROWS: usize = 40;
/// Rows of floats.
const FLOATS: usize = 12;

/// The program that tests all networks, side by side.
pub fn text(networks: &[(String, Compiled)]) -> String {
    let mut out = String::from("/* Made by `cargo xtask c`. */\n");
    for (name, _) in networks {
        let _ = writeln!(out, "#include \"{name}.h\"");
    }
    out += "
#ifdef __cplusplus
extern \"C\"
#endif
void say(const char *text);

static int differs(const char *text) { say(text); return 1; }

";
    for (name, compiled) in networks {
        out += &integers(name, compiled);
        out += &floats(name, compiled);
    }
    out += "int main(void) {\n    int wrong = 0;\n";
    for (name, _) in networks {
        let _ = writeln!(out, "    wrong |= {name}_integers() | {name}_floats();");
    }
    out + "    return wrong;\n}\n"
}

/// The rows as an array of arrays.
fn rows<T: std::fmt::Display>(ty: &str, name: &str, rows: &[Vec<T>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let mut out = format!("static const {ty} {name}[{}][{columns}] = {{\n", rows.len());
    for row in rows {
        let cells: Vec<String> = row.iter().map(T::to_string).collect();
        let _ = writeln!(out, "    {{{}}},", cells.join(", "));
    }
    out + "};\n"
}

fn integer(port: &Port) -> String {
    format!("int{}_t", port.bits())
}

/// The bits of a status as the header describes them.
fn status_bits(status: Status, inputs: usize) -> u32 {
    let bits = status.bits();
    let shared = match inputs > 29 {
        true => bits & 0x1fff_ffff | u32::from(bits >> 29 != 0) << 29,
        false => bits,
    };
    shared | u32::from(status.state_saturated()) << 31
}

/// The test of `step` on integers: ends of the formats among them, from a reset, twice; the second time both arrays begin
/// a number behind the start of a word.
fn integers(name: &str, compiled: &Compiled) -> String {
    let program = &compiled.program;
    let calibrated = &compiled.calibration.rows;
    let mut random = Random::new(7);
    let mut xs = Vec::new();
    for k in 0..ROWS {
        let port = &program.input;
        let wide = |random: &mut Random| random.bits() as i32 >> (32 - port.bits());
        xs.push(match calibrated.get(k) {
            Some(row) if k % 3 != 0 => port.to_raws(row),
            _ if k == 0 => vec![i32::MIN >> (32 - port.bits()); port.features()],
            _ => (0..port.features()).map(|_| wide(&mut random)).collect(),
        });
    }
    let mut network = Interpreter::new(program);
    let (mut ys, mut statuses) = (Vec::new(), Vec::new());
    for x in &xs {
        let (y, status) = network.step_raw(x);
        ys.push(y);
        statuses.push(vec![format!("{}u", status_bits(status, program.input.features()))]);
    }
    let [x, y] = [&program.input, &program.output].map(integer);
    let upper = name.to_ascii_uppercase();
    // Its largest negative number is no literal of C.
    let literal = |rows: &[Vec<i32>]| -> Vec<Vec<String>> {
        let word = |v: &i32| if *v == i32::MIN { "INT32_MIN".into() } else { v.to_string() };
        rows.iter().map(|row| row.iter().map(word).collect()).collect()
    };
    format!(
        "{}{}{}
static int {name}_integers(void) {{
    static {name}_t state;
    static union {{ int32_t word; {x} at[{upper}_INPUTS + 1]; }} x;
    static union {{ int32_t word; {y} at[{upper}_OUTPUTS + 1]; }} y;
    int pass, row, i;
    if ({name}_selftest() != 0) return differs(\"{name}: self-test\\n\");
    {name}_init(&state);
    for (pass = 0; pass < 2; pass++) {{
        for (row = 0; row < {ROWS}; row++) {{
            uint32_t status;
            for (i = 0; i < {upper}_INPUTS; i++) x.at[pass + i] = {name}_x[row][i];
            status = {name}_step(&state, &x.at[pass], &y.at[pass]);
            if (status != {name}_status[row][0]) return differs(\"{name}: status\\n\");
            for (i = 0; i < {upper}_OUTPUTS; i++) {{
                if (y.at[pass + i] != {name}_y[row][i]) return differs(\"{name}: output\\n\");
            }}
        }}
        {name}_reset(&state);
    }}
    return 0;
}}

",
        rows(&x, &format!("{name}_x"), &literal(&xs)),
        rows(&y, &format!("{name}_y"), &literal(&ys)),
        rows("uint32_t", &format!("{name}_status"), &statuses),
    )
}

/// The test of `step_f`: what a reading makes of floats, of those that are no numbers or halfway between two too.
fn floats(name: &str, compiled: &Compiled) -> String {
    let program = &compiled.program;
    let port = &program.input;
    let mut random = Random::new(11);
    let mut network = Interpreter::new(program);
    let (mut xs, mut ys, mut statuses) = (Vec::new(), Vec::new(), Vec::new());
    for k in 0..FLOATS {
        let mut wrong = 0;
        let (mut row, mut raw) = (Vec::new(), Vec::new());
        for i in 0..port.features() {
            let [low, high] = port.ranges[i];
            let one = port.one(i);
            let within = f64::from(low)
                + (f64::from(high) - f64::from(low)) * f64::from(random.bits() as u32)
                    / 4294967296.0;
            let x = match (k % 3, (i + k) % 9) {
                (0, 0) => f32::NAN,
                (0, 1) => f32::INFINITY,
                (0, 2) => -1e12,
                (1, 0) => ((within.floor() + 0.5) / one) as f32,
                (1, 1) => ((f64::from(low) - 0.5) / one) as f32,
                (1, 2) => (32767.5 / one) as f32,
                _ => (within * 1.1 / one) as f32,
            };
            let (wide, fit) = x.convert(port.format(i));
            let narrow = wide.clamp(i32::MIN >> (32 - port.bits()), i32::MAX >> (32 - port.bits()));
            raw.push(if fit == Fit::Missing { low.midpoint(high) } else { narrow });
            if fit == Fit::Missing {
                wrong |= 1 << 30;
            } else if fit == Fit::Clamped || narrow != wide {
                wrong |= 1_u32 << i.min(29);
            }
            row.push(match x {
                x if x.is_nan() => "__builtin_nanf(\"\")".to_owned(),
                x if x.is_infinite() => "__builtin_inff()".to_owned(),
                x => format!("{x:e}f"),
            });
        }
        let (y, status) = network.step_raw(&raw);
        let real =
            |(o, y): (usize, &i32)| format!("{:e}f", *y as f32 / program.output.one(o) as f32);
        ys.push(y.iter().enumerate().map(real).collect());
        xs.push(row);
        statuses.push(vec![format!("{}u", wrong | status_bits(status, port.features()))]);
    }
    let upper = name.to_ascii_uppercase();
    format!(
        "{}{}{}
static int {name}_floats(void) {{
    static {name}_t state;
    float y[{upper}_OUTPUTS];
    int row, i;
    {name}_init(&state);
    for (row = 0; row < {FLOATS}; row++) {{
        uint32_t status = {name}_step_f(&state, {name}_xf[row], y);
        if (status != {name}_status_f[row][0]) return differs(\"{name}: status of floats\\n\");
        for (i = 0; i < {upper}_OUTPUTS; i++) {{
            if (y[i] != {name}_yf[row][i]) return differs(\"{name}: output in float\\n\");
        }}
    }}
    return 0;
}}

",
        rows("float", &format!("{name}_xf"), &xs),
        rows::<String>("float", &format!("{name}_yf"), &ys),
        rows("uint32_t", &format!("{name}_status_f"), &statuses),
    )
}
