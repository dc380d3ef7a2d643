//! `cargo xtask c`: every bundled model as C takes it, side by side in one program, on every emulated core.

mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nervecord_cli::c::{Core, Library, Package};
use nervecord_cli::emulate::{Board, execute, process, set_up_program};
use nervecord_codegen::graph::Graph;
use nervecord_codegen::options::{Cpu, Weights};
use nervecord_codegen::{Compiled, Compiler, Error, Result};

use nervecord_tests::network;
use nervecord_tests::random::Random;
use nervecord_tests::shapes::SHAPES;

use crate::checkout::{root, say};
use crate::figures::Figures;
use crate::subject;
use crate::table::{self, Place};

/// The emulated machines with the core that assembly is made for, and what its C is compiled for: each an ABI.
const MACHINES: [(&str, Cpu, &[&str]); 7] = [
    ("qemu-cortex-m0", Cpu::CortexM0, &[""]),
    ("qemu-cortex-m3", Cpu::CortexM3, &[""]),
    ("qemu-cortex-m4", Cpu::CortexM4, &["-mfloat-abi=soft", HARD]),
    ("qemu-cortex-m7", Cpu::CortexM7, &[HARD]),
    ("qemu-cortex-m33", Cpu::CortexM33, &["-mfloat-abi=soft", HARD]),
    ("qemu-cortex-m55", Cpu::CortexM55, &[HARD]),
    ("qemu-riscv32", Cpu::Riscv32, &[""]),
];
const HARD: &str = "-mfloat-abi=hard";

/// Languages and flags that the test's own C is compiled with.
const STYLES: [(&str, &str); 4] = [
    ("gcc", "-std=c99 -pedantic -O2"),
    ("gcc", "-std=c11 -Os -flto"),
    ("g++", "-x c++ -std=c++17 -Os -fno-exceptions -fno-rtti"),
    ("g++", "-x c++ -std=c++11 -pedantic -O2 -fno-exceptions -fno-rtti -fsyntax-only"),
];

/// The C compilers of a distribution: their prefix and package.
const COMPILERS: [(&str, &str); 2] =
    [("arm-none-eabi-", "gcc-arm-none-eabi"), ("riscv64-unknown-elf-", "gcc-riscv64-unknown-elf")];

/// How long an image may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The core whose sizes the book shows.
const SHOWN: &str = "Cortex-M4";

/// Columns of the table.
const HEAD: [&str; 7] = ["model", "core", "code B", "in Rust", "tables B", "in Rust", "state B"];

/// Installs the C compilers that are missing.
///
/// # Errors
/// They cannot or may not be installed.
pub fn set_up() -> Result<()> {
    for (prefix, package) in COMPILERS {
        set_up_program("C compiler", &format!("{prefix}gcc"), package, &say)?;
    }
    // Debian has its libraries of C++ apart, and no test needs them.
    set_up_program("build system", "cmake", "cmake", &say)?;
    set_up_program("Python", "python3", "python3", &say)
}

/// Builds and runs all of it, or of the models that are named; prints what the files take, and puts that into the book or
/// compares it with what is there.
///
/// # Errors
/// A network's integers are not the host's, or something cannot be built.
pub fn c(models: &[PathBuf], write_table: bool) -> Result<()> {
    let (networks, figures) = (networks(models)?, Figures::committed()?);
    let mut sizes = Vec::new();
    for (board, cpu, abis) in MACHINES {
        let board = Board::find(board)?;
        let core = Core::of(cpu)?;
        say(&format!("C on {}", board.name));
        let folder = root().join("target/c").join(cpu.name());
        let objects = objects(&core, &networks, &folder)?;
        for (object, network) in objects.iter().zip(&networks) {
            sizes.push(size(&figures, &core, object, network)?);
        }
        let source = folder.join("check.c");
        write(&source, &program::text(&networks))?;
        for abi in abis {
            for (compiler, style) in STYLES {
                let image = link(&board, &core, &folder, &objects, (compiler, style, abi))?;
                if let Some(image) = image {
                    execute(&board, &image, PATIENCE)
                        .map_err(|e| e.at(format!("{} {compiler} {style} {abi}", board.name)))?;
                }
            }
        }
    }
    cmake(&networks)?;
    table::print(&HEAD, &sizes);
    let shown = sizes.into_iter().filter(|row| row.iter().any(|cell| cell == SHOWN));
    let table = table::render(&HEAD, &shown.collect::<Vec<_>>());
    let place = Place::find(&root().join("docs/c-firmware.md"), "c")?;
    match write_table {
        _ if !models.is_empty() => Ok(()),
        true => place.fill(&table),
        false if place.table() == table => Ok(()),
        false => Err(Error::new("the document does not have these sizes")
            .file("docs/c-firmware.md")
            .help("run `cargo xtask c --write`")),
    }
}

/// The target that `--c-package cmake` lays out, configured and built in a project of its own.
fn cmake(networks: &[(String, Compiled)]) -> Result<()> {
    say("C with CMake");
    let core = Core::of(Cpu::CortexM4)?;
    let folder = root().join("target/c/cmake");
    let (name, compiled) = networks.first().ok_or_else(|| Error::new("there is no model"))?;
    let library = Library::make(compiled, core, &root().join("target/c/cortex-m4/crate"))?;
    for (path, bytes) in Package::Cmake.lay_out(&library)? {
        let path = folder.join(name).join(path);
        let parent = path.parent().unwrap_or(&folder);
        fs::create_dir_all(parent).map_err(|e| Error::io("create", parent, &e))?;
        fs::write(&path, bytes).map_err(|e| Error::io("write", &path, &e))?;
    }
    let lists = format!(
        "cmake_minimum_required(VERSION 3.13)\nproject(firmware C)\nadd_subdirectory({name})\nadd_library(firmware \
         STATIC main.c)\ntarget_link_libraries(firmware PRIVATE {name})\n"
    );
    write(&folder.join("CMakeLists.txt"), &lists)?;
    let upper = name.to_ascii_uppercase();
    let main = format!(
        "#include \"{name}.h\"\nint main(void) {{ return {name}_selftest() + {upper}_INPUTS; }}\n"
    );
    write(&folder.join("main.c"), &main)?;
    let mut configure = Command::new("cmake");
    configure.args(["-S", ".", "-B", "build", "-DCMAKE_SYSTEM_NAME=Generic"]);
    for language in ["C", "ASM"] {
        configure.arg(format!("-DCMAKE_{language}_COMPILER={}gcc", prefix(&core)));
        // A compiler without a C library has its own headers.
        configure.arg(format!("-DCMAKE_{language}_FLAGS={} -ffreestanding", core.flags()));
    }
    configure.arg("-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY");
    process::run("CMake refuses the project", configure.current_dir(&folder))?;
    let mut build = Command::new("cmake");
    process::run("CMake cannot build it", build.args(["--build", "build"]).current_dir(&folder))?;
    Ok(())
}

/// The models by their names: those that are given, or the bundled ones and one whose channels all differ in format.
fn networks(models: &[PathBuf]) -> Result<Vec<(String, Compiled)>> {
    let given = !models.is_empty();
    let models = if given { models.to_vec() } else { subject::bundled()? };
    let compile = |path: PathBuf| {
        let name = match path.file_stem().unwrap_or_default().to_string_lossy() {
            // The folder tells more.
            stem if ["model", "config", "circuit", "policy"].contains(&&*stem) => {
                subject::folder(&path).file_name().unwrap_or_default().to_string_lossy()
            }
            stem => stem,
        };
        let calibration = subject::folder(&path).join("calibration.csv");
        let mut compiler = Compiler::new(&path).name(name);
        if calibration.is_file() {
            compiler = compiler.calibration(calibration);
        }
        let compiled = compiler.build()?;
        Ok((compiled.program.name.clone(), compiled))
    };
    let mixed = (!given).then(|| Ok(("mixed".to_owned(), mixed()?)));
    models.into_iter().map(compile).chain(mixed).collect()
}

/// A network whose inputs have ranges of many sizes.
fn mixed() -> Result<Compiled> {
    let shape = &SHAPES[0];
    let mut rows = Random::new(3).rows(200, shape.widths[0]);
    for row in &mut rows {
        row.iter_mut().zip([0.01, 1.0, 30.0, 2000.0]).for_each(|(x, range)| *x *= range);
    }
    let graph = Graph { name: "mixed".into(), ..shape.graph()? };
    network::compile(graph, Weights::Auto, &rows)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|e| Error::io("write", path, &e))
}

/// What the tools of a core are called.
fn prefix(core: &Core) -> &'static str {
    COMPILERS[usize::from(core.cpu == Cpu::Riscv32)].0
}

fn tool(core: &Core, name: &str) -> Command {
    let mut tool = Command::new(format!("{}{name}", prefix(core)));
    if name.starts_with('g') {
        tool.args(core.flags().split(' '));
    }
    tool
}

/// The object files of all networks, assembled by the distribution's compiler, and by Clang where it is.
fn objects(core: &Core, networks: &[(String, Compiled)], folder: &Path) -> Result<Vec<PathBuf>> {
    let mut objects = Vec::new();
    for (name, compiled) in networks {
        let library = Library::make(compiled, *core, &folder.join("crate"))?;
        for (file, bytes) in library.files() {
            let file = folder.join(file);
            fs::write(&file, bytes).map_err(|e| Error::io("write", &file, &e))?;
        }
        let assembly = folder.join(format!("{name}.s"));
        let object = folder.join(format!("{name}.o"));
        let mut gcc = tool(core, "gcc");
        gcc.args(["-c", "-Wall", "-Werror"]).arg(&assembly).arg("-o").arg(&object);
        process::run("the assembly is refused", &mut gcc)?;
        refuse_foreign(core, &object, name)?;
        if process::find("clang").is_some() {
            let mut clang = Command::new("clang");
            clang.arg(triple(core)).args(core.flags().split(' ')).args(["-c", "-Wall", "-Werror"]);
            clang.arg(&assembly).arg("-o").arg(folder.join(format!("{name}.clang.o")));
            process::run("the assembly is refused", &mut clang)?;
        }
        objects.push(object);
    }
    Ok(objects)
}

/// The target as Clang is told of it.
fn triple(core: &Core) -> &'static str {
    match core.cpu {
        Cpu::Riscv32 => "--target=riscv32-unknown-elf",
        // Clang takes Helium away with the float registers.
        Cpu::CortexM55 => "--target=arm-none-eabihf",
        _ => "--target=arm-none-eabi",
    }
}

/// Refuses an object that has a global name that is not the network's, or asks for more than a compiler's own library
/// of integers.
fn refuse_foreign(core: &Core, object: &Path, name: &str) -> Result<()> {
    let mut nm = tool(core, "nm");
    let symbols = process::run("the object cannot be read", nm.args(["-g"]).arg(object))?;
    for line in String::from_utf8_lossy(&symbols).lines() {
        let symbol = line.rsplit(' ').next().unwrap_or_default();
        let own = symbol.starts_with(&format!("{name}_"));
        let library = line.contains(" U ") && symbol.starts_with("__");
        if !own && !library {
            return Err(Error::new("an object for C has a foreign symbol")
                .file(object)
                .expected(format!("{name}_* alone"))
                .found(line.trim()));
        }
    }
    Ok(())
}

/// A row of the table: code without the self-test, which a linker drops where it is not called.
fn size(
    figures: &Figures,
    core: &Core,
    object: &Path,
    (name, compiled): &(String, Compiled),
) -> Result<Vec<String>> {
    let mut tool = tool(core, "size");
    let text = process::run("the object cannot be read", tool.arg("-A").arg(object))?;
    let text = String::from_utf8_lossy(&text);
    let bytes = |wanted: &dyn Fn(&str) -> bool| -> u64 {
        let parts = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let sizes = parts.filter_map(|parts| match parts.as_slice() {
            [section, bytes, ..] if wanted(section) => bytes.parse::<u64>().ok(),
            _ => None,
        });
        sizes.sum()
    };
    let test = |section: &str| section.ends_with("selftest") || section.ends_with("TESTS");
    let code = bytes(&|section| section.starts_with(".text") && !test(section));
    let tables = bytes(&|section| section.starts_with(".rodata") && !test(section));
    let state = compiled.program.scratch_quads * 8;
    let board =
        MACHINES.iter().find(|(_, cpu, _)| *cpu == core.cpu).map_or("", |machine| machine.0);
    // Instructions, cycles, code and tables come first.
    let rust = figures.get(name, board).unwrap_or_default();
    let rust = |column: usize| rust[column].map_or("-".to_owned(), |bytes| bytes.to_string());
    let numbers = [code.to_string(), rust(2), tables.to_string(), rust(3), state.to_string()];
    Ok([name.to_owned(), core.name.to_owned()].into_iter().chain(numbers).collect())
}

/// The image of the test program, or nothing of a style that only looks at the syntax.
fn link(
    board: &Board,
    core: &Core,
    folder: &Path,
    objects: &[PathBuf],
    (compiler, style, abi): (&str, &str, &str),
) -> Result<Option<Vec<u8>>> {
    let here = root().join("tests/c");
    let flags = |command: &mut Command| {
        command.args(abi.split_whitespace()).args(["-ffreestanding", "-ffunction-sections"]);
        command.args(["-Wall", "-Wextra", "-Werror"]).arg("-I").arg(folder);
    };
    let compile = |compiler: &str, style: &str, source: &Path, object: &Path| {
        let mut command = tool(core, compiler);
        flags(&mut command);
        command.args(style.split(' ')).arg("-c").arg(source).arg("-o").arg(object);
        process::run("the test program does not compile", &mut command)
    };
    let [start, check] = ["start.o", "check.o"].map(|name| folder.join(name));
    compile(compiler, style, &folder.join("check.c"), &check)?;
    if style.contains("syntax-only") {
        return Ok(None);
    }
    compile("gcc", "-std=gnu11 -Os", &here.join("start.c"), &start)?;
    let image = folder.join("check.elf");
    let mut ld = tool(core, "gcc");
    ld.args(abi.split_whitespace()).args(["-nostdlib", "-nostartfiles", "-Wl,--gc-sections"]);
    ld.args(style.split(' ').filter(|flag| ["-flto", "-Os"].contains(flag)));
    ld.arg("-L").arg(root().join("boards").join(&board.name));
    ld.arg("-T").arg(here.join("link.ld")).arg(start).arg(check).args(objects);
    ld.args(["-lgcc", "-o"]).arg(&image);
    process::run("the test program does not link", &mut ld)?;
    fs::read(&image).map(Some).map_err(|e| Error::io("read", &image, &e))
}
