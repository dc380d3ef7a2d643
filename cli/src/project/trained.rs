//! The trained model as a project takes it: its files, and what its sources say of it. Stands on the library.

use std::fs;
use std::path::{Component, Path, PathBuf};

use nervecord_codegen::settings::Settings;
use nervecord_codegen::{Compiled, Compiler, Error, Kind, Result, import, text};

/// Inputs up to which each is set by name.
const NAMED: usize = 32;

/// A model that a project is made for.
#[derive(Debug)]
pub struct Trained {
    /// The files in `model/`, by their paths there.
    pub files: Vec<(PathBuf, Vec<u8>)>,
    /// The model's path in the project.
    pub path: String,
    /// The calibration data's, if there is any.
    pub calibration: Option<String>,
    /// The module that its compiler writes.
    pub module: String,
    /// The type in it.
    pub kind: String,
    /// Lines that set each input to the middle of its range.
    pub readings: String,
    /// Comments that name the outputs.
    pub outputs: String,
}

impl Trained {
    /// Compiles the model, and reads its files.
    ///
    /// # Errors
    /// A file cannot be read or copied, or the model cannot be compiled.
    pub fn load(compiler: &Compiler, model: &Path, calibration: Option<&Path>) -> Result<Self> {
        let compiled = compiler.build()?;
        let files = files(model, calibration)?;
        let (module, kind) = names(&compiled)?;
        Ok(Self {
            path: files.model,
            calibration: files.calibration,
            files: files.all,
            readings: readings(&compiled, &constants(&compiled.module(), "input")),
            outputs: outputs(&compiled, &constants(&compiled.module(), "output")),
            module,
            kind,
        })
    }
}

/// Files and the names that two of them have in a project.
struct Files {
    all: Vec<(PathBuf, Vec<u8>)>,
    model: String,
    calibration: Option<String>,
}

fn files(model: &Path, calibration: Option<&Path>) -> Result<Files> {
    let base = match model.is_dir() {
        true => model,
        false => model.parent().unwrap_or(Path::new("")),
    };
    let mut places = import::files(model)?;
    let settings = Settings::file_beside(model);
    if settings.is_file() {
        places.push(settings);
    }
    let mut all: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    for place in places {
        let inside = place.strip_prefix(base).ok();
        let inside = inside.filter(|p| p.components().all(|c| matches!(c, Component::Normal(_))));
        let to = Path::new("model").join(inside.ok_or_else(|| {
            Error::new("a file of the model lies outside its folder")
                .of_kind(Kind::Model)
                .file(&place)
                .expected(format!("all files of the model in {}", text::path(base)))
                .found("another folder")
                .help("put them together, and name them so in the model")
        })?);
        if all.iter().all(|(taken, _)| *taken != to) {
            all.push((to, read(&place)?));
        }
    }
    let mut named = None;
    if let Some(path) = calibration {
        let bytes = read(path)?;
        let mut to = Path::new("model").join(path.file_name().unwrap_or_default());
        // Another file of the model may be called so.
        while all.iter().any(|(taken, content)| *taken == to && *content != bytes) {
            to.set_file_name(format!("calibration-{}", utf8(&to)?.trim_start_matches("model/")));
        }
        named = Some(utf8(&to)?);
        if all.iter().all(|(taken, _)| *taken != to) {
            all.push((to, bytes));
        }
    }
    let model = match model.is_dir() {
        true => "model".to_owned(),
        false => utf8(&Path::new("model").join(model.file_name().unwrap_or_default()))?,
    };
    Ok(Files { all, model, calibration: named })
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| Error::io("read", path, &e))
}

/// A path as a build script says it.
fn utf8(path: &Path) -> Result<String> {
    path.to_str().map(|path| path.replace('\\', "/")).ok_or_else(|| {
        Error::new("a file's name cannot stand in a build script")
            .of_kind(Kind::File)
            .file(path)
            .expected("a name in UTF-8")
            .help("give the file another name")
    })
}

/// The names of the module and of the type in it.
fn names(compiled: &Compiled) -> Result<(String, String)> {
    // What the module's text says is what holds: a name that the module has taken is changed there.
    let text = compiled.module();
    let reading = text.split_once("pub type Reading = nervecord::generated::Reading<");
    let kind = reading.and_then(|(_, rest)| rest.split_once(',')).map(|(kind, _)| kind.trim());
    match kind {
        Some(kind) => Ok((compiled.program.name.clone(), kind.to_owned())),
        None => Err(Error::new("the model's module has no type of its own").help("report this")),
    }
}

/// The constants of a port's places in a module's text, in their order.
fn constants(module: &str, port: &str) -> Vec<String> {
    let start = format!("    pub mod {port} {{\n");
    let body = module.split_once(&start).and_then(|(_, rest)| rest.split_once("\n    }\n"));
    let lines = body.map_or("", |(body, _)| body).lines();
    let constant = |line: &str| {
        let (name, _) = line.strip_prefix("        pub const ")?.split_once(": usize = ")?;
        Some(name.to_owned())
    };
    lines.filter_map(constant).collect()
}

/// Lines that set each input to the middle of its range.
fn readings(compiled: &Compiled, constants: &[String]) -> String {
    let program = &compiled.program;
    let ranges = program.input.ranges.iter().zip(&program.input.fracs).map(|(range, &frac)| {
        let one = f64::from(frac).exp2() - f64::from(u8::from(program.input.full_scale));
        range.map(|raw| f64::from(raw) / one)
    });
    let ranges: Vec<[f64; 2]> = ranges.collect();
    if constants.len() != ranges.len() || ranges.len() > NAMED {
        let middles: Vec<String> =
            ranges.iter().map(|range| format!("{:?}", middle(*range))).collect();
        let lines: Vec<String> =
            middles.chunks(8).map(|some| format!("            {},", some.join(", "))).collect();
        return format!(
            "        // One an input, in the order of `model::input::NAMES`.\n        #[rustfmt::skip]\n        \
             let values: [f32; model::INPUTS] = [\n{}\n        ];\n        \
             for (input, value) in values.into_iter().enumerate() {{\n            reading.set(input, value);\n        }}",
            lines.join("\n")
        );
    }
    let line = |(i, range): (usize, &[f64; 2])| {
        let name = program.input_names.get(i).map_or("", String::as_str);
        let unit = compiled.units.inputs.get(i).cloned().flatten().unwrap_or_default();
        let about = format!(
            "{}, from {} to {} {unit}",
            text::label(name),
            short(range[0]),
            short(range[1])
        );
        format!(
            "        // {}\n        reading.set(model::input::{}, {:?}_f32);",
            about.trim_end(),
            constants[i],
            middle(*range)
        )
    };
    ranges.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

/// The middle of a range, in few digits where they are within it.
fn middle([low, high]: [f64; 2]) -> f32 {
    let exact = f64::midpoint(low, high);
    let rounded = short(exact).parse::<f64>().unwrap_or(exact);
    let near = (rounded - exact).abs() <= (high - low) / 4.0;
    // Without the sign of a zero.
    (if near { rounded } else { exact }) as f32 + 0.0
}

/// A number in three digits.
fn short(x: f64) -> String {
    let digits = 2 - x.abs().log10().floor().clamp(-30.0, 30.0) as i32;
    let ten = 10_f64.powi(digits);
    match x == 0.0 || !x.is_finite() {
        true => "0".to_owned(),
        false => format!("{}", (x * ten).round() / ten),
    }
}

/// Comments that name the outputs, not too many.
fn outputs(compiled: &Compiled, constants: &[String]) -> String {
    let line = |(i, constant): (usize, &String)| {
        let name = compiled.program.output_names.get(i).map_or("", String::as_str);
        let unit = compiled.units.outputs.get(i).cloned().flatten().unwrap_or_default();
        let about = format!("{} {unit}", text::label(name));
        format!("        // values[model::output::{constant}]: {}", about.trim_end())
    };
    constants.iter().take(NAMED).enumerate().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn middles_lie_in_their_ranges_and_are_short() {
        assert_eq!(middle([-1.25, 1.25]), 0.0);
        assert_eq!(middle([0.123_456, 3.0]), 1.56);
        assert_eq!(middle([100.001, 100.003]), 100.002);
        assert_eq!(middle([2.0, 2.0]), 2.0);
        assert_eq!(short(-1234.5), "-1230");
    }
}
