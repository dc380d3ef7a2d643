//! `cargo xtask templates`: the projects that `nervecord new` makes, each in an empty folder, formatted, built without a
//! warning, and what they take of the part; that of a desktop is run, and its outputs are those of `nervecord run`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use nervecord_cli::emulate::Toolchain;
use nervecord_cli::project::{BOARDS, Board, Project, Target};
use nervecord_codegen::data::Data;
use nervecord_codegen::options::Cpu;
use nervecord_codegen::{Compiler, Error, Result};

use crate::checkout::{cargo_path, output, root, say};
use crate::parts::Image;
use crate::table;

/// What `cargo xtask test` makes: each kind once.
pub const IN_CI: [&str; 3] = ["host", "pico", "pico-embassy"];

/// Columns of the table.
const HEAD: [&str; 5] = ["project", "part", "flash B", "RAM B", "seconds"];

/// The model that is put into the projects.
const MODEL: &str = "policy";

/// A project to be tried.
struct Trial {
    name: String,
    /// None for a desktop.
    board: Option<&'static Board>,
    embassy: bool,
}

/// Makes and builds the projects of these names, or all.
///
/// # Errors
/// One cannot be made, is not formatted, does not build, or gives other outputs than the host does.
pub fn templates(names: &[String]) -> Result<()> {
    let trials: Vec<Trial> = match names {
        [] => all(),
        names => all().into_iter().filter(|trial| names.contains(&trial.name)).collect(),
    };
    if trials.len() < names.len() || trials.is_empty() {
        let known: Vec<String> = all().into_iter().map(|trial| trial.name).collect();
        return Err(Error::new("there is no such project")
            .expected(known.join(", "))
            .found(names.join(", ")));
    }
    let folder = tempfile::tempdir().map_err(|e| Error::io("create", std::env::temp_dir(), &e))?;
    let mut rows = Vec::new();
    for trial in &trials {
        say(&format!("project {}", trial.name));
        rows.push(trial.build(folder.path())?);
    }
    table::print(&HEAD, &rows);
    Ok(())
}

/// Every kind of project.
fn all() -> Vec<Trial> {
    let host = Trial { name: "host".to_owned(), board: None, embassy: false };
    let of = |board: &'static Board| {
        let plain = Trial { name: board.id.to_owned(), board: Some(board), embassy: false };
        let embassy = board.embassy.is_some().then(|| Trial {
            name: format!("{}-embassy", board.id),
            board: Some(board),
            embassy: true,
        });
        [plain].into_iter().chain(embassy)
    };
    [host].into_iter().chain(BOARDS.iter().flat_map(of)).collect()
}

impl Trial {
    /// Makes it in `folder` and builds it; its row of the table.
    fn build(&self, folder: &Path) -> Result<Vec<String>> {
        let place = folder.join(format!("{}-trial", self.name));
        let target = match self.board {
            None => Target::Host,
            Some(board) => Target::Board(board, board.code(self.embassy)?),
        };
        let project = Project::new(&place, target, self.embassy, Some(root()))?;
        let calibration = model("calibration.csv");
        project.make(&compiler().cpu(project.cpu()), &model("model.onnx"), Some(&calibration))?;
        run(Command::new(cargo_path()).args(["fmt", "--check"]).current_dir(&place), "format")?;
        let start = Instant::now();
        let built = self.cargo(&place)?;
        let seconds = format!("{:.0}", start.elapsed().as_secs_f64());
        let Some(board) = self.board else {
            compare(&built, &place)?;
            return Ok(vec![self.name.clone(), "-".into(), "-".into(), "-".into(), seconds]);
        };
        let bytes = fs::read(&built).map_err(|e| Error::io("read", &built, &e))?;
        let image = Image::read(&bytes).map_err(|e| e.file(&built))?;
        let part = board.part.split(',').next().unwrap_or_default().to_owned();
        Ok(vec![self.name.clone(), part, image.flash.to_string(), image.ram.to_string(), seconds])
    }

    /// Builds it in a place that all share, and wants no warning; the program.
    fn cargo(&self, place: &Path) -> Result<PathBuf> {
        let target = std::path::absolute(root().join("target/templates"));
        let target = target.map_err(|e| Error::io("find", root(), &e))?;
        let mut cargo = Command::new(cargo_path());
        cargo.args(["build", "--release"]).current_dir(place);
        cargo.env("CARGO_TARGET_DIR", &target).env("CARGO_TERM_COLOR", "never");
        cargo.env_remove("RUSTFLAGS").env_remove("CARGO_BUILD_TARGET");
        let mut folder = target.clone();
        if let Some(board) = self.board {
            Toolchain::find(board.target)?.configure(&mut cargo)?;
            folder.push(board.target);
        }
        let said = run(&mut cargo, "build")?;
        // A line of its own: a package may be called like one, and cargo says how many there are.
        if said.lines().any(|line| line.starts_with("warning: ")) {
            return Err(Error::new("a project builds with a warning").at(&self.name).found(said));
        }
        let name = place.file_name().unwrap_or_default();
        Ok(folder.join("release").join(name))
    }
}

fn model(file: &str) -> PathBuf {
    root().join("models").join(MODEL).join(file)
}

fn compiler() -> Compiler {
    Compiler::new(model("model.onnx")).calibration(model("calibration.csv"))
}

/// Runs to the end and wants success; what it said on stderr.
fn run(command: &mut Command, what: &str) -> Result<String> {
    let output = output(command)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.success() {
        true => Ok(said),
        false => Err(Error::new(format!("a project does not {what}"))
            .at(format!("{command:?}"))
            .found(String::from_utf8_lossy(&output.stdout).into_owned() + &said)),
    }
}

/// Steps the program on the model's vectors, and holds its outputs to the interpreter's.
fn compare(program: &Path, place: &Path) -> Result<()> {
    let vectors = model("vectors.csv");
    let ran = output(Command::new(program).arg(&vectors))?;
    let written = place.join("outputs.csv");
    fs::write(&written, &ran.stdout).map_err(|e| Error::io("write", &written, &e))?;
    let text = String::from_utf8_lossy(&ran.stdout);
    let rows: Vec<&str> = text.lines().skip(1).collect();
    let compiled = compiler().cpu(Cpu::Host).build()?;
    let program = &compiled.program;
    let mut interpreter = nervecord_codegen::interpret::Interpreter::new(program);
    let inputs = Data::read(&vectors)?.rows;
    let inputs = inputs.iter().map(|row| program.input.to_raws(&row[..program.input.features()]));
    let wanted = inputs.map(|row| program.output.to_reals(&interpreter.step_raw(&row).0));
    let wanted: Vec<Vec<f64>> = wanted.collect();
    let same = rows.len() == wanted.len()
        && rows.iter().zip(&wanted).all(|(row, wanted)| {
            let cells = row.split(',').map_while(|cell| cell.parse::<f32>().ok());
            cells.eq(wanted.iter().map(|&real| real as f32))
        });
    match same {
        true => Ok(()),
        false => Err(Error::new("the program of a project has other outputs than the host")
            .at(program.name.as_str())
            .found(text.lines().take(3).collect::<Vec<_>>().join(" / "))),
    }
}
