//! The boards that a project can be for, and what differs between them. Stands on the templates alone.

use nervecord_codegen::options::Cpu;
use nervecord_codegen::{Error, Kind, Result};

/// A development board.
#[derive(Debug)]
pub struct Board {
    /// What `--board` calls it.
    pub id: &'static str,
    /// The board, as its maker spells it, with its article.
    pub name: &'static str,
    /// The microcontroller and its core.
    pub part: &'static str,
    /// Its core, for the compiler of models.
    pub cpu: Cpu,
    /// Its core, for Rust's compiler.
    pub target: &'static str,
    /// What the target's name does not say of the core.
    pub rustflags: &'static str,
    /// The part, as probe-rs spells it.
    pub chip: &'static str,
    /// What connects it to a computer.
    pub probe: &'static str,
    /// The pins of the bus: SCL and SDA.
    pub pins: [&'static str; 2],
    /// Where memory is, unless the HAL says it.
    pub memory: Option<&'static str>,
    /// What a plain loop stands on.
    pub plain: Code,
    /// What an async task stands on, where it can be had.
    pub embassy: Option<Code>,
}

/// What differs in a firmware.
#[derive(Debug)]
pub struct Code {
    /// Lines of the manifest.
    pub dependencies: &'static str,
    /// `src/board.rs`.
    pub board: &'static str,
    /// `src/bus.rs`, where the HAL's own bus does not do.
    pub bus: Option<&'static str>,
    /// What stands before `main`.
    pub before_main: &'static str,
    /// The attribute of `main`.
    pub entry: &'static str,
    /// Arguments for the linker.
    pub link: &'static [&'static str],
}

/// The linker's scripts of a Cortex-M: that of cortex-m-rt, which includes memory.x, and defmt's.
const CORTEX_M: &[&str] = &["--nmagic", "-Tlink.x", "-Tdefmt.x"];

macro_rules! template {
    ($board:literal, $file:literal) => {
        include_str!(concat!("../../templates/boards/", $board, "/", $file))
    };
}

macro_rules! embassy {
    ($board:literal) => {
        embassy!($board, $board)
    };
    ($board:literal, $alike:literal) => {
        Some(Code {
            dependencies: template!($board, "embassy.toml"),
            board: template!($alike, "embassy.rs"),
            bus: None,
            before_main: "",
            entry: "embassy_executor::main",
            link: CORTEX_M,
        })
    };
}

macro_rules! cortex_m {
    ($board:literal, $entry:literal) => {
        Code {
            dependencies: template!($board, "dependencies.toml"),
            board: template!($board, "board.rs"),
            bus: None,
            before_main: "",
            entry: $entry,
            link: CORTEX_M,
        }
    };
}

/// All of them.
pub const BOARDS: [Board; 6] = [
    Board {
        id: "esp32c3",
        name: "an ESP32-C3-DevKitM-1",
        part: "ESP32-C3, RV32IMC at 160 MHz",
        cpu: Cpu::Riscv32,
        target: "riscv32imc-unknown-none-elf",
        rustflags: "",
        chip: "esp32c3",
        probe: "a USB cable on GPIO18 (D-) and GPIO19 (D+), where the chip has its own probe",
        pins: ["GPIO5", "GPIO4"],
        memory: None,
        plain: Code {
            dependencies: template!("esp32c3", "dependencies.toml"),
            board: template!("esp32c3", "board.rs"),
            bus: None,
            before_main: "\nesp_bootloader_esp_idf::esp_app_desc!();\n",
            entry: "esp_hal::main",
            link: &["-Tdefmt.x", "-Tlinkall.x"],
        },
        embassy: None,
    },
    Board {
        id: "microbit-v2",
        name: "a BBC micro:bit v2",
        part: "nRF52833, Cortex-M4F at 64 MHz",
        cpu: Cpu::CortexM4,
        target: "thumbv7em-none-eabihf",
        rustflags: "",
        chip: "nRF52833_xxAA",
        probe: "the USB cable: the probe is on the board",
        pins: ["pin 19 of the edge connector", "pin 20 of the edge connector"],
        memory: Some(template!("microbit-v2", "memory.x")),
        plain: cortex_m!("microbit-v2", "cortex_m_rt::entry"),
        embassy: embassy!("microbit-v2"),
    },
    Board {
        id: "nucleo-f446re",
        name: "an STM32 Nucleo-F446RE",
        part: "STM32F446RE, Cortex-M4F at 180 MHz",
        cpu: Cpu::CortexM4,
        target: "thumbv7em-none-eabihf",
        rustflags: "",
        chip: "STM32F446RETx",
        probe: "the USB cable: the probe is on the board",
        pins: ["PB8 (D15)", "PB9 (D14)"],
        memory: Some(template!("nucleo-f446re", "memory.x")),
        plain: cortex_m!("nucleo-f446re", "cortex_m_rt::entry"),
        embassy: embassy!("nucleo-f446re"),
    },
    Board {
        id: "nucleo-h743",
        name: "an STM32 Nucleo-H743ZI",
        part: "STM32H743ZI, Cortex-M7 at 400 MHz",
        cpu: Cpu::CortexM7,
        target: "thumbv7em-none-eabihf",
        rustflags: "",
        chip: "STM32H743ZITx",
        probe: "the USB cable: the probe is on the board",
        pins: ["PB8 (D15)", "PB9 (D14)"],
        memory: Some(template!("nucleo-h743", "memory.x")),
        plain: cortex_m!("nucleo-h743", "cortex_m_rt::entry"),
        embassy: embassy!("nucleo-h743"),
    },
    Board {
        id: "pico",
        name: "a Raspberry Pi Pico",
        part: "RP2040, Cortex-M0+ at 125 MHz",
        cpu: Cpu::CortexM0Plus,
        target: "thumbv6m-none-eabi",
        rustflags: "",
        chip: "RP2040",
        probe: "a debug probe on SWD (a Raspberry Pi Debug Probe, or another Pico)",
        pins: ["GP5 (pin 7)", "GP4 (pin 6)"],
        memory: Some(template!("pico", "memory.x")),
        plain: Code {
            bus: Some(template!("pico", "bus.rs")),
            before_main: "\nextern crate rp2040_hal as hal;\n",
            ..cortex_m!("pico", "rp2040_hal::entry")
        },
        embassy: embassy!("pico"),
    },
    Board {
        id: "pico2",
        name: "a Raspberry Pi Pico 2",
        part: "RP2350, Cortex-M33 at 150 MHz",
        cpu: Cpu::CortexM33,
        target: "thumbv8m.main-none-eabihf",
        // The target's name says nothing of the DSP extension.
        rustflags: "-C target-cpu=cortex-m33",
        chip: "RP235x",
        probe: "a debug probe on SWD (a Raspberry Pi Debug Probe, or another Pico)",
        pins: ["GP5 (pin 7)", "GP4 (pin 6)"],
        memory: Some(template!("pico2", "memory.x")),
        plain: Code {
            bus: Some(template!("pico", "bus.rs")),
            before_main: "\nextern crate rp235x_hal as hal;\n",
            ..cortex_m!("pico2", "rp235x_hal::entry")
        },
        embassy: embassy!("pico2", "pico"),
    },
];

impl Board {
    /// The board of a name.
    ///
    /// # Errors
    /// There is none.
    pub fn find(id: &str) -> Result<&'static Self> {
        BOARDS.iter().find(|board| board.id == id).ok_or_else(|| {
            Error::new("the board is not known")
                .of_kind(Kind::Options)
                .at("--board")
                .expected(format!("one of {}", names(|_| true)))
                .found(format!("`{id}`"))
                .help("take the one with your core, and put your pins and clocks into its src/board.rs")
        })
    }

    /// What a firmware of the board stands on.
    ///
    /// # Errors
    /// It is to be an async task, for which there is nothing.
    pub fn code(&self, embassy: bool) -> Result<&Code> {
        match (embassy, &self.embassy) {
            (false, _) => Ok(&self.plain),
            (true, Some(code)) => Ok(code),
            (true, None) => Err(Error::new("there is no project with embassy for this board")
                .of_kind(Kind::Options)
                .at("--embassy")
                .expected(format!("one of {}", names(|board| board.embassy.is_some())))
                .found(self.id)
                .help("leave --embassy away")),
        }
    }
}

/// The names of the boards that `wanted` says.
fn names(wanted: fn(&Board) -> bool) -> String {
    let names: Vec<&str> = BOARDS.iter().filter(|b| wanted(b)).map(|board| board.id).collect();
    names.join(", ")
}
