//! What the user can choose; stands on nothing but errors.

use std::str::FromStr;

use crate::error::Error;

/// What the user can choose.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Outputs of a file that has several, in the caller's order; empty for all.
    pub outputs: Vec<String>,
    /// Weight width.
    pub weights: Weights,
    /// Largest RMS difference to float on the calibration set, in standard deviations of the output.
    pub tolerance: f64,
    /// Zeros that may be left out.
    pub sparsity: Sparsity,
    /// The core whose kernels decide whether that pays.
    pub cpu: Cpu,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            outputs: Vec::new(),
            weights: Weights::Auto,
            tolerance: 0.02,
            sparsity: Sparsity::default(),
            cpu: Cpu::Any,
        }
    }
}

/// Weight width of the dense layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weights {
    /// i8, and i16 where the tolerance asks for it.
    #[default]
    Auto,
    /// 4 bits in dense layers, i8 in those that have no such kernel.
    I4,
    /// i8 everywhere.
    I8,
    /// i16 everywhere.
    I16,
}

impl Weights {
    /// The word for it on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::I4 => "4",
            Self::I8 => "8",
            Self::I16 => "16",
        }
    }
}

/// Which zeros may be left out; none by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sparsity {
    /// Of weights: only the others are stored. A step's time does not depend on its input.
    pub weights: bool,
    /// Of activations: their weights are skipped, and a step's time depends on its input.
    pub activations: bool,
}

/// The core a module is meant for.
///
/// Weights are written row by row and packed for the core by the firmware's own compiler, so one
/// module serves all. The choice is recorded in its header; it decides only where leaving out zeros
/// pays, if that is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum Cpu {
    #[default]
    Any,
    CortexM0,
    CortexM0Plus,
    CortexM3,
    CortexM4,
    CortexM7,
    CortexM33,
    CortexM55,
    Riscv32,
    Host,
}

impl Cpu {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Any,
        Self::CortexM0,
        Self::CortexM0Plus,
        Self::CortexM3,
        Self::CortexM4,
        Self::CortexM7,
        Self::CortexM33,
        Self::CortexM55,
        Self::Riscv32,
        Self::Host,
    ];

    /// The words for it on the command line; the first is its name.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Any => &["any"],
            Self::CortexM0 => &["cortex-m0"],
            Self::CortexM0Plus => &["cortex-m0+", "cortex-m0plus"],
            Self::CortexM3 => &["cortex-m3"],
            Self::CortexM4 => &["cortex-m4", "cortex-m4f"],
            Self::CortexM7 => &["cortex-m7"],
            Self::CortexM33 => &["cortex-m33"],
            Self::CortexM55 => &["cortex-m55"],
            Self::Riscv32 => &["riscv32", "riscv32imac", "riscv32imc", "rv32imac", "rv32imc"],
            Self::Host => &["host"],
        }
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        self.names()[0]
    }
}

impl FromStr for Cpu {
    type Err = Error;

    /// The core of one of its [`names`](Cpu::names).
    fn from_str(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|cpu| cpu.names().contains(&name));
        found.ok_or_else(|| {
            Error::new("the core is not known")
                .expected(Self::ALL.map(Self::name).join(", "))
                .found(name)
                .help("`any` serves every core")
        })
    }
}
