//! The cores that assembly can be made for. Stands on the options of a model.

use nervecord_codegen::options::Cpu;
use nervecord_codegen::{Error, Kind, Result};

/// A core as the compiler is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Core {
    /// Its name on the command line.
    pub cpu: Cpu,
    /// As its maker spells it.
    pub name: &'static str,
    /// The Rust target: one whose calls take no float register, where the core has a kernel without.
    pub target: &'static str,
    /// The compiler's name of it, or nothing where the target says all.
    pub llvm: &'static str,
    /// What GCC and Clang are told for it.
    pub flags: &'static str,
}

/// All of them.
pub const CORES: [Core; 8] = [
    core(Cpu::CortexM0, "Cortex-M0", "thumbv6m-none-eabi", "cortex-m0"),
    core(Cpu::CortexM0Plus, "Cortex-M0+", "thumbv6m-none-eabi", "cortex-m0plus"),
    core(Cpu::CortexM3, "Cortex-M3", "thumbv7m-none-eabi", "cortex-m3"),
    core(Cpu::CortexM4, "Cortex-M4", "thumbv7em-none-eabi", "cortex-m4"),
    core(Cpu::CortexM7, "Cortex-M7", "thumbv7em-none-eabi", "cortex-m7"),
    core(Cpu::CortexM33, "Cortex-M33", "thumbv8m.main-none-eabi", "cortex-m33"),
    core(Cpu::CortexM55, "Cortex-M55", "thumbv8m.main-none-eabihf", "cortex-m55"),
    Core {
        flags: "-march=rv32imc -mabi=ilp32",
        ..core(Cpu::Riscv32, "RV32IMC", "riscv32imc-unknown-none-elf", "")
    },
];

const fn core(cpu: Cpu, name: &'static str, target: &'static str, llvm: &'static str) -> Core {
    Core { cpu, name, target, llvm, flags: "" }
}

impl Core {
    /// The core of a name on the command line.
    ///
    /// # Errors
    /// It is none that assembly can be made for.
    pub fn of(cpu: Cpu) -> Result<Self> {
        CORES.into_iter().find(|core| core.cpu == cpu).ok_or_else(|| {
            Error::new("assembly is made for one core")
                .of_kind(Kind::Options)
                .at("--cpu")
                .expected(CORES.map(|core| core.cpu.name()).join(", "))
                .found(cpu.name())
                .help("add `--cpu cortex-m4`, or the core it is")
        })
    }

    /// What GCC and Clang are told for it.
    pub fn flags(&self) -> String {
        match self.flags {
            "" => format!("-mcpu={} -mthumb", self.llvm),
            flags => flags.to_owned(),
        }
    }
}
