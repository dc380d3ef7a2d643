//! The cores whose RTL is run: where it comes from, what Verilator gets of it, and in which configurations. Stands on
//! nothing.

/// A core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Core {
    /// What the command calls it, and the file in `xtask/rtl/` that puts it on the bench.
    pub name: &'static str,
    /// The package that has its sources, as `xtask/rtl/requirements.txt` names it.
    pub package: &'static str,
    /// Arguments of Verilator, sources among them; `@` is the folder of the package's sources.
    pub sources: &'static [&'static str],
    /// Its configurations.
    pub builds: &'static [Build],
    /// The memories that it can have.
    pub memories: &'static [Memory],
}

/// A configuration of a core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Build {
    /// Its table in the document, and its folder.
    pub name: &'static str,
    /// What it has, in words.
    pub words: &'static str,
    /// What Verilator defines for it.
    pub defines: &'static [&'static str],
    /// The model of its cycles, if its maker has published timings.
    pub model: Option<&'static str>,
}

/// A memory: every access takes a cycle and those that it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// The column of the table.
    pub name: &'static str,
    /// One for instructions and data, or one each.
    pub ports: u32,
    /// Cycles that an access waits.
    pub wait: u32,
}

/// The memories of a core with a port for instructions and one for data; the first is that of published timings.
const TWO_PORTS: [Memory; 3] =
    [Memory { name: "two ports", ports: 2, wait: 0 }, ONE_PORT[0], ONE_PORT[1]];
/// The memories of a core with one port.
const ONE_PORT: [Memory; 2] = [
    Memory { name: "one port", ports: 1, wait: 0 },
    Memory { name: "one port, 1 wait", ports: 1, wait: 1 },
];

/// All of them.
pub const CORES: [Core; 3] = [
    Core {
        name: "picorv32",
        package: "pythondata-cpu-picorv32",
        sources: &["-DRISCV_FORMAL", "@/verilog/picorv32.v"],
        builds: &[Build {
            name: "picorv32",
            words: "PicoRV32: compressed instructions, fast multiplier, barrel shifter",
            defines: &[],
            // Its README has no time of a product of the fast multiplier.
            model: None,
        }],
        memories: &ONE_PORT,
    },
    Core {
        name: "ibex",
        package: "pythondata-cpu-ibex",
        sources: &[
            "-DRVFI",
            "-DSYNTHESIS",
            "+incdir+@/system_verilog/vendor/lowrisc_ip/ip/prim/rtl",
            "+incdir+@/system_verilog/vendor/lowrisc_ip/dv/sv/dv_utils",
            "-y",
            "@/system_verilog/rtl",
            "-y",
            "@/system_verilog/vendor/lowrisc_ip/ip/prim/rtl",
            "@/system_verilog/rtl/ibex_pkg.sv",
            "@/system_verilog/vendor/lowrisc_ip/ip/prim/rtl/prim_secded_pkg.sv",
            "@/system_verilog/vendor/lowrisc_ip/ip/prim/rtl/prim_cipher_pkg.sv",
        ],
        builds: &[
            Build {
                name: "ibex-small",
                words: "Ibex `small`: two stages, multiplier of three cycles",
                defines: &["-DRV32M=ibex_pkg::RV32MFast", "-DSTAGES=2"],
                model: Some("Ibex, 3-cycle multiplier"),
            },
            Build {
                name: "ibex-single-cycle",
                words: "Ibex `small` with the multiplier of one cycle",
                defines: &["-DRV32M=ibex_pkg::RV32MSingleCycle", "-DSTAGES=2"],
                model: Some("Ibex, 1-cycle multiplier"),
            },
            Build {
                name: "ibex-maxperf",
                words: "Ibex `maxperf`: three stages, multiplier of one cycle, adder for branches",
                defines: &["-DRV32M=ibex_pkg::RV32MSingleCycle", "-DSTAGES=3"],
                // Its manual leaves the third stage's effect undocumented.
                model: None,
            },
        ],
        memories: &TWO_PORTS,
    },
    Core {
        name: "cv32e40p",
        package: "pythondata-cpu-cv32e40p",
        sources: &[
            "-DSYNTHESIS",
            // Verilator takes a part of an array for the whole.
            "-Wno-BLKANDNBLK",
            "+incdir+@/system_verilog/rtl/include",
            "-y",
            "@/system_verilog/rtl",
            "@/system_verilog/rtl/include/cv32e40p_apu_core_pkg.sv",
            "@/system_verilog/rtl/include/cv32e40p_fpu_pkg.sv",
            "@/system_verilog/rtl/include/cv32e40p_pkg.sv",
            "@/system_verilog/rtl/cv32e40p_register_file_ff.sv",
            "@/system_verilog/bhv/cv32e40p_sim_clock_gate.sv",
        ],
        builds: &[Build {
            name: "cv32e40p",
            words: "CV32E40P: four stages, multiplier of one cycle, without extensions",
            defines: &[],
            model: Some("CV32E40P"),
        }],
        memories: &TWO_PORTS,
    },
];
