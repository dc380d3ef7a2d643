//! The files of a network laid out as a library of a build system. Stands on the cores.

use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;
use nervecord_codegen::options::Cpu;
use nervecord_codegen::{Compiled, Error, Kind, Result};

use super::core::Core;
use super::library::Library;
use crate::emulate::process;

/// A build system's kind of library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Package {
    /// A library of the Arduino IDE, with an example sketch; the assembly in a folder of its core.
    Arduino,
    /// A module of Zephyr.
    Zephyr,
    /// A component of ESP-IDF, for its RISC-V parts.
    EspIdf,
    /// A library of PlatformIO.
    Platformio,
    /// A target of plain CMake.
    Cmake,
}

/// A file by its path in the package.
type File = (PathBuf, Vec<u8>);

/// The files of a compiled model for C by their paths: bare ones, or a library of a build system; `archive` adds the
/// assembled file for the linker.
///
/// # Errors
/// As for [`Library::make`], [`Package::lay_out`] and [`Library::archive`].
pub fn files(
    compiled: &Compiled,
    core: Core,
    package: Option<Package>,
    archive: bool,
) -> Result<Vec<File>> {
    let (place, _promise) = process::temporary_folder(&std::env::temp_dir())?;
    let library = Library::make(compiled, core, place.path())?;
    let mut files = match package {
        Some(package) => package.lay_out(&library)?,
        None => library.files(),
    };
    if archive {
        files.push(library.archive(place.path())?);
    }
    Ok(files)
}

impl FromStr for Package {
    type Err = Error;

    /// The kind of its name on the command line.
    fn from_str(name: &str) -> Result<Self> {
        let names = || Self::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        ValueEnum::from_str(name, false).map_err(|_| {
            Error::new("the build system is not known")
                .of_kind(Kind::Options)
                .expected(
                    names().map(|name| name.get_name().to_owned()).collect::<Vec<_>>().join(", "),
                )
                .found(name)
                .help("leave it out for one .s and one .h")
        })
    }
}

impl Package {
    /// The files of the package.
    ///
    /// # Errors
    /// The build system has no part with such a core.
    pub fn lay_out(self, library: &Library) -> Result<Vec<File>> {
        let Library { name, core, header, .. } = library;
        let readme = readme(self, library);
        let mut files = match self {
            Self::Arduino => arduino(library),
            Self::Zephyr => zephyr(library),
            Self::EspIdf if core.cpu != Cpu::Riscv32 => return Err(no_part(core)),
            Self::EspIdf => esp_idf(library),
            Self::Platformio => platformio(library),
            Self::Cmake => cmake(library),
        };
        let [includes, sources] = match self {
            Self::Arduino => ["src".to_owned(), format!("src/{}", core.cpu.name())],
            _ => ["include", "src"].map(str::to_owned),
        };
        files.push(file(&format!("{includes}/{name}.h"), header));
        files.push(file(&format!("{sources}/{name}.S"), &self.guarded(library)));
        files.push(file("README.md", &readme));
        Ok(files)
    }

    /// The assembly, through the preprocessor, which says where it is given to another core; in an Arduino library it is
    /// left out there, so that several cores may lie side by side.
    fn guarded(self, Library { core, assembly, .. }: &Library) -> String {
        let condition = condition(core.cpu);
        match self {
            Self::Arduino => format!("#if {condition}\n{assembly}\n#endif\n"),
            _ => format!(
                "#if !({condition})\n#error \"this is for {}: run `nervecord compile --c` with --cpu for the core it \
                 is\"\n#endif\n{assembly}",
                core.name
            ),
        }
    }
}

/// What the preprocessor knows of a core (ACLE, and the RISC-V C API).
fn condition(cpu: Cpu) -> &'static str {
    match cpu {
        Cpu::CortexM0 | Cpu::CortexM0Plus => "defined(__ARM_ARCH_6M__)",
        Cpu::CortexM3 => "defined(__ARM_ARCH_7M__)",
        Cpu::CortexM4 | Cpu::CortexM7 => "defined(__ARM_ARCH_7EM__)",
        Cpu::CortexM33 => "defined(__ARM_ARCH_8M_MAIN__) && defined(__ARM_FEATURE_DSP)",
        Cpu::CortexM55 => "defined(__ARM_FEATURE_MVE)",
        _ => "defined(__riscv) && __riscv_xlen == 32 && defined(__riscv_mul)",
    }
}

fn no_part(core: &Core) -> Error {
    Error::new("no part of ESP-IDF has such a core with a kernel of its own")
        .of_kind(Kind::Options)
        .at("--c-package esp-idf")
        .expected("--cpu riscv32, for ESP32-C2, -C3, -C5, -C6, -H2 and their like")
        .found(core.cpu.name())
        .help("an ESP32, -S2 or -S3 has an Xtensa core, for which there is none")
}

fn file(path: &str, text: &str) -> File {
    (PathBuf::from(path), text.as_bytes().to_vec())
}

/// Library specification 2.2 of Arduino.
fn arduino(Library { name, core, .. }: &Library) -> Vec<File> {
    let properties = format!(
        "name={name}
version=1.0.0
author=nervecord
maintainer=nervecord
sentence=The network {name} as integers, for {core_name}.
paragraph=Made by nervecord: one assembly file with the network's tables and kernels, and a header.
category=Device Control
url=https://crates.io/crates/nervecord
architectures=*
includes={name}.h
",
        core_name = core.name
    );
    let upper = name.to_ascii_uppercase();
    let sketch = format!(
        "#include <{name}.h>

static {name}_t network;

void setup() {{
  Serial.begin(115200);
  // The integers of the host, on this board.
  if ({name}_selftest() != 0) {{
    Serial.println(\"the self-test failed: is this the core that it was made for?\");
    for (;;) {{}}
  }}
  {name}_init(&network);
}}

void loop() {{
  float x[{upper}_INPUTS] = {{0}};
  float y[{upper}_OUTPUTS];
  // Read the sensors into x here.
  uint32_t status = {name}_step_f(&network, x, y);
  for (int i = 0; i < {upper}_OUTPUTS; i++) {{
    Serial.print(y[i], 4);
    Serial.print(' ');
  }}
  Serial.println(status, HEX);
  delay(20);
}}
"
    );
    vec![
        file("library.properties", &properties),
        file(&format!("examples/{name}_step/{name}_step.ino"), &sketch),
    ]
}

/// A module as `zephyr/module.yml` describes it.
fn zephyr(Library { name, core, .. }: &Library) -> Vec<File> {
    let upper = name.to_ascii_uppercase();
    let depends = match core.cpu {
        Cpu::Riscv32 => "RISCV && !64BIT".to_owned(),
        cpu => format!(
            "CPU_{}",
            cpu.name().replace("m0+", "m0plus").replace('-', "_").to_ascii_uppercase()
        ),
    };
    vec![
        file(
            "zephyr/module.yml",
            &format!("name: {name}\nbuild:\n  cmake: .\n  kconfig: zephyr/Kconfig\n"),
        ),
        file(
            "zephyr/Kconfig",
            &format!(
                "config NERVECORD_{upper}
\tbool \"The network {name} as integers\"
\tdepends on {depends}
\tdefault y
\thelp
\t  Links the network's step, made by nervecord for {}.
",
                core.name
            ),
        ),
        file(
            "CMakeLists.txt",
            &format!(
                "if(CONFIG_NERVECORD_{upper})
  zephyr_include_directories(include)
  zephyr_library_named({name})
  zephyr_library_sources(src/{name}.S)
endif()
"
            ),
        ),
    ]
}

/// A component as ESP-IDF's build system takes it.
fn esp_idf(Library { name, .. }: &Library) -> Vec<File> {
    vec![
        file(
            "CMakeLists.txt",
            &format!(
                "idf_component_register(SRCS \"src/{name}.S\"\n                       INCLUDE_DIRS \"include\")\n"
            ),
        ),
        file(
            "idf_component.yml",
            &format!(
                "version: \"1.0.0\"\ndescription: The network {name} as integers\ntargets:\n  - esp32c2\n  - esp32c3\n  \
                 - esp32c5\n  - esp32c6\n  - esp32h2\n"
            ),
        ),
    ]
}

/// A library as PlatformIO's `library.json` describes it.
fn platformio(Library { name, core, .. }: &Library) -> Vec<File> {
    let manifest = serde_json::json!({
        "name": name,
        "version": "1.0.0",
        "description": format!("The network {name} as integers, for {}", core.name),
        "keywords": ["neural-network", "fixed-point", "control"],
        "headers": format!("{name}.h"),
        "frameworks": "*",
        "platforms": "*",
        "build": { "includeDir": "include", "srcDir": "src" },
    });
    vec![file("library.json", &format!("{manifest:#}\n"))]
}

fn cmake(Library { name, .. }: &Library) -> Vec<File> {
    let text = format!(
        "cmake_minimum_required(VERSION 3.13)

# add_subdirectory({name}), then target_link_libraries(firmware PRIVATE {name})
enable_language(ASM)
add_library({name} STATIC src/{name}.S)
set_target_properties({name} PROPERTIES LINKER_LANGUAGE C)
target_include_directories({name} PUBLIC include)
"
    );
    vec![file("CMakeLists.txt", &text)]
}

/// How the package gets into a project.
fn readme(package: Package, Library { name, core, .. }: &Library) -> String {
    let steps = match package {
        Package::Arduino => format!(
            "Put this folder into `libraries/` of the sketchbook, or add it as a zip file (Sketch > Include Library). The \
             sketch `examples/{name}_step` tests the board and steps the network. `src/{}` is left out on boards with \
             another core; run `nervecord compile --c --c-package arduino` for that core into another folder, and copy its \
             folder in `src` beside.",
            core.cpu.name()
        ),
        Package::Zephyr => format!(
            "Name this folder in `ZEPHYR_EXTRA_MODULES`, or in the project's west manifest. `CONFIG_NERVECORD_{}` is on \
             where the core is {}.",
            name.to_ascii_uppercase(),
            core.name
        ),
        Package::EspIdf => format!(
            "Put this folder into `components/` of the project; `REQUIRES {name}` where it is used."
        ),
        Package::Platformio => "Put this folder into `lib/` of the project.".to_owned(),
        Package::Cmake => format!(
            "`add_subdirectory({name})` and `target_link_libraries(firmware PRIVATE {name})`, in a project whose toolchain \
             file sets `{}` for assembly too.",
            core.flags()
        ),
    };
    format!(
        "# {name}\n\nThe network `{name}` as integers for {}, made by nervecord: `{name}.h` says what its functions do.\n\n{steps}\n",
        core.name
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn files(package: Package, cpu: Cpu) -> BTreeMap<String, String> {
        let library = Library {
            name: "arm".into(),
            core: Core::of(cpu).unwrap(),
            header: "header".into(),
            assembly: "assembly".into(),
        };
        let text = |(path, bytes): File| {
            (path.to_string_lossy().replace('\\', "/"), String::from_utf8(bytes).unwrap())
        };
        package.lay_out(&library).unwrap().into_iter().map(text).collect()
    }

    /// Library specification 2.2: the fields that `library.properties` has to have, and the categories that there are.
    #[test]
    fn arduino_finds_what_its_specification_asks_for() {
        let files = files(Package::Arduino, Cpu::CortexM0Plus);
        let properties = &files["library.properties"];
        let value = |key: &str| {
            properties.lines().find_map(|line| line.strip_prefix(&format!("{key}="))).unwrap()
        };
        for key in ["name", "version", "author", "maintainer", "sentence", "paragraph", "url"] {
            assert!(!value(key).is_empty(), "{key}");
        }
        assert_eq!(
            value("version").split('.').filter(|part| part.parse::<u32>().is_ok()).count(),
            3
        );
        let categories = [
            "Display",
            "Communication",
            "Signal Input/Output",
            "Sensors",
            "Device Control",
            "Timing",
            "Data Storage",
            "Data Processing",
            "Other",
        ];
        assert!(categories.contains(&value("category")));
        assert_eq!((value("architectures"), value("includes")), ("*", "arm.h"));
        // A sketch lies in a folder of its own name; a header in src; sources anywhere below it, ending in a capital S.
        assert!(files.contains_key("examples/arm_step/arm_step.ino"));
        assert_eq!(files["src/arm.h"], "header");
        let source = &files["src/cortex-m0+/arm.S"];
        assert_eq!(source, "#if defined(__ARM_ARCH_6M__)\nassembly\n#endif\n");
    }

    /// The keys of `zephyr/module.yml` that its build reads, and the core's own Kconfig symbols.
    #[test]
    fn zephyr_finds_its_module() {
        let cases = [
            (Cpu::CortexM0, "CPU_CORTEX_M0"),
            (Cpu::CortexM0Plus, "CPU_CORTEX_M0PLUS"),
            (Cpu::CortexM33, "CPU_CORTEX_M33"),
            (Cpu::Riscv32, "RISCV && !64BIT"),
        ];
        for (cpu, depends) in cases {
            let files = files(Package::Zephyr, cpu);
            let module = "name: arm\nbuild:\n  cmake: .\n  kconfig: zephyr/Kconfig\n";
            assert_eq!(files["zephyr/module.yml"], module);
            assert!(files["zephyr/Kconfig"].starts_with("config NERVECORD_ARM\n\tbool \""));
            assert!(files["zephyr/Kconfig"].contains(&format!("\tdepends on {depends}\n")));
            let lists = &files["CMakeLists.txt"];
            for command in
                ["if(CONFIG_NERVECORD_ARM)", "zephyr_library_sources(src/arm.S)", "endif()"]
            {
                assert!(lists.contains(command), "{lists}");
            }
            assert!(files.contains_key("src/arm.S") && files.contains_key("include/arm.h"));
        }
    }

    #[test]
    fn esp_idf_finds_its_component() {
        let files = files(Package::EspIdf, Cpu::Riscv32);
        let register = "idf_component_register(SRCS \"src/arm.S\"\n                       INCLUDE_DIRS \"include\")\n";
        assert_eq!(files["CMakeLists.txt"], register);
        let manifest = &files["idf_component.yml"];
        for key in ["version: \"1.0.0\"\n", "description: ", "targets:\n  - esp32c2\n  - esp32c3\n"]
        {
            assert!(manifest.contains(key), "{manifest}");
        }
        assert!(files.contains_key("src/arm.S") && files.contains_key("include/arm.h"));
    }

    /// The fields of `library.json` and their types.
    #[test]
    fn platformio_finds_its_library() {
        let files = files(Package::Platformio, Cpu::CortexM4);
        let manifest: serde_json::Value = serde_json::from_str(&files["library.json"]).unwrap();
        for key in ["name", "version", "description", "headers", "frameworks", "platforms"] {
            assert!(manifest[key].is_string(), "{key}");
        }
        assert!(manifest["keywords"].is_array());
        for key in ["includeDir", "srcDir"] {
            let folder = manifest["build"][key].as_str().unwrap();
            assert!(files.keys().any(|file| file.starts_with(&format!("{folder}/"))), "{folder}");
        }
    }

    #[test]
    fn a_package_says_where_it_is_given_to_another_core() {
        let source = files(Package::Cmake, Cpu::CortexM55)["src/arm.S"].clone();
        assert!(
            source
                .starts_with("#if !(defined(__ARM_FEATURE_MVE))\n#error \"this is for Cortex-M55")
        );
    }
}
