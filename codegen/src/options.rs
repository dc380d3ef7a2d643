//! What the user can choose; stands on nothing but errors.

use std::str::FromStr;

use crate::error::{Error, Kind};

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
    /// The core whose kernels decide what is fast.
    pub cpu: Cpu,
    /// What is to be small among integers that meet the tolerance.
    pub optimize: Optimize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            outputs: Vec::new(),
            weights: Weights::Auto,
            tolerance: 0.02,
            sparsity: Sparsity::default(),
            cpu: Cpu::Any,
            optimize: Optimize::default(),
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

/// What is to be small among integers that meet the tolerance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimize {
    /// Instructions of a step on the core of [`Options::cpu`], by estimate.
    Speed,
    /// Bytes of tables.
    Size,
    /// Bytes of tables, with weights of 8 bits at least, whose kernels are fast on every core.
    #[default]
    Balanced,
}

impl Optimize {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Speed, Self::Size, Self::Balanced];

    /// The word for it on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Speed => "speed",
            Self::Size => "size",
            Self::Balanced => "balanced",
        }
    }
}

impl FromStr for Optimize {
    type Err = Error;

    /// That of a [`name`](Optimize::name).
    fn from_str(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|optimize| optimize.name() == name);
        found.ok_or_else(|| {
            Error::new("what to optimize for is not known")
                .of_kind(Kind::Options)
                .at("optimize")
                .expected(Self::ALL.map(Self::name).join(", "))
                .found(name)
                .help("leave it out for `balanced`")
        })
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
/// module serves all. The choice is recorded in its header; it decides where leaving out zeros pays, if that
/// is allowed, and what [`Optimize::Speed`] takes for fast.
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
