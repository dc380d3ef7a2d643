//! Modelled cycles: a core's published instruction timings applied to what was executed.
//!
//! Memory without wait states, no interrupts. Where a manual gives a range, its upper end counts, so
//! that the figure is one that the manual's core stays at or below:
//!
//! | core | source |
//! |---|---|
//! | Cortex-M0 | Technical Reference Manual DDI 0432C, table 3-1, with the multiplier of one cycle |
//! | Cortex-M3 | Technical Reference Manual DDI 0337I, table 3-1 and "load/store timings"; refill P = 3 |
//! | Cortex-M4F | Technical Reference Manual 100166, table 3-1 and "load/store timings"; refill P = 3 |
//! | RV32IMAC | Hazard3 (the RISC-V core of the RP2350), "instruction cycle counts" of its manual |
//! | Ibex of two stages | "pipeline details" of its manual, with the multiplier of three cycles or of one |
//! | CV32E40P | "pipeline details" of its manual |
//!
//! Arm publishes no such tables for Cortex-M7, M33 and M55, which issue two instructions at a time
//! now and then.
//!
//! Whether a branch was taken is no guess: for every instruction it is counted how often the next one
//! was another than the one behind it.

use super::code::{Code, Instruction, Kind};
use super::executed::Executed;
use super::firmware::Firmware;
use nervecord_codegen::{Error, Result};

/// An executed instruction with the one before it in memory, if that was executed too.
struct Site {
    instruction: Instruction,
    count: u64,
    left: u64,
    /// The instruction before, and how often this one followed on it.
    before: Option<(Instruction, u64)>,
}

/// Cycles of what was executed, the markers left out; none if the core has no published timings, or something was
/// executed that they do not cover.
///
/// # Errors
/// The image cannot be read.
pub fn modelled(core: &str, firmware: &Firmware, executed: &[Executed]) -> Result<Option<u64>> {
    let Some(model) = model(core) else { return Ok(None) };
    let code = Code::of(firmware)?;
    let mut total = Some(0);
    let mut before: Option<(Instruction, Executed)> = None;
    for &site in executed {
        let instruction = code.at(site.address).ok_or_else(|| {
            Error::new("an instruction was executed that is not in the image")
                .at(format!("address {:#x}", site.address))
                .expected("an address of the firmware's code")
                .found("none")
                .help("run it again; if it stays so, please report it as a bug")
        })?;
        let fallen = before.filter(|(i, e)| e.address + i.bytes == site.address);
        let fallen = fallen.map(|(i, e)| (i, e.count - e.left));
        before = Some((instruction, site));
        if is_marker(firmware, site.address) {
            continue;
        }
        let Executed { count, left, .. } = site;
        let cycles = model(&Site { instruction, count, left, before: fallen });
        total = total.zip(cycles).map(|(a, b)| a + b);
    }
    Ok(total)
}

fn is_marker(firmware: &Firmware, address: u64) -> bool {
    firmware.function_at(address).is_some_and(|f| f.symbol == "nervecord_begin")
}

fn model(core: &str) -> Option<fn(&Site) -> Option<u64>> {
    match core {
        "Cortex-M0" => Some(cortex_m0),
        "Cortex-M3" => Some(cortex_m3),
        "Cortex-M4F" => Some(cortex_m4),
        "RV32IMAC" => Some(hazard3),
        "Ibex, 3-cycle multiplier" => Some(|site| ibex(site, 3)),
        "Ibex, 1-cycle multiplier" => Some(|site| ibex(site, 1)),
        "CV32E40P" => Some(cv32e40p),
        _ => None,
    }
}

/// Cycles of an instruction that goes on `after`, and of one that leaves for another place.
///
/// The call that ends an interval is not seen to leave: it belongs to the marker, and costs nothing.
fn flow(site: &Site, after: u64, away: u64) -> Option<u64> {
    Some((site.count - site.left) * after + site.left * away)
}

fn cortex_m0(site: &Site) -> Option<u64> {
    match site.instruction.kind {
        Kind::Plain => Some(site.count),
        Kind::Load { .. } | Kind::Store { .. } => Some(2 * site.count),
        Kind::Multiple { registers } => Some((1 + u64::from(registers)) * site.count),
        Kind::Return { registers } => Some((4 + u64::from(registers)) * site.count),
        Kind::Branch { .. } | Kind::Jump => flow(site, 1, 3),
        Kind::Call if site.instruction.bytes == 2 => flow(site, 0, 3),
        Kind::Call => flow(site, 0, 4),
        Kind::System => Some(4 * site.count),
        _ => None,
    }
}

fn cortex_m3(site: &Site) -> Option<u64> {
    match site.instruction.kind {
        Kind::MultiplyAccumulate => Some(2 * site.count),
        Kind::MultiplyLong => Some(5 * site.count),
        Kind::MultiplyLongAccumulate => Some(7 * site.count),
        _ => armv7m(site),
    }
}

fn cortex_m4(site: &Site) -> Option<u64> {
    match site.instruction.kind {
        Kind::MultiplyAccumulate | Kind::MultiplyLong | Kind::MultiplyLongAccumulate => {
            Some(site.count)
        }
        _ => armv7m(site),
    }
}

/// What Cortex-M3 and M4 share.
fn armv7m(site: &Site) -> Option<u64> {
    /// Cycles to refill the pipeline, at most.
    const REFILL: u64 = 3;
    let count = site.count;
    let memory = |cycles: u64| Some(cycles * count + stalls(site) - pipelined(site));
    match site.instruction.kind {
        Kind::Plain => Some(count),
        Kind::Divide => Some(12 * count),
        Kind::Store { updates: false, indexed: false } => memory(1),
        Kind::Load { .. } | Kind::Store { .. } => memory(2),
        Kind::Multiple { registers } => memory(1 + u64::from(registers)),
        Kind::Return { registers } => memory(1 + u64::from(registers) + REFILL),
        Kind::LoadJump => memory(2 + 1 + REFILL),
        Kind::Branch { .. } | Kind::Jump => flow(site, 1, 1 + REFILL),
        Kind::Call => flow(site, 0, 1 + REFILL),
        Kind::System => Some(2 * count),
        _ => None,
    }
}

/// How often the address waits for the result of the instruction before.
fn stalls(site: &Site) -> u64 {
    followed(site, |before| {
        let loads = matches!(before.kind, Kind::Load { .. } | Kind::Multiple { .. });
        !loads && before.writes & site.instruction.reads != 0
    })
}

/// How often the access shares a cycle with a load before it.
fn pipelined(site: &Site) -> u64 {
    let single = matches!(
        site.instruction.kind,
        Kind::Load { updates: false } | Kind::Store { updates: false, indexed: true }
    );
    followed(site, |before| {
        let loads = before.kind == Kind::Load { updates: false };
        single && loads && before.writes & site.instruction.reads == 0
    })
}

/// How often it followed on the instruction before in memory, if that is `such`.
fn followed(site: &Site, such: impl Fn(&Instruction) -> bool) -> u64 {
    site.before.filter(|(before, _)| such(before)).map_or(0, |(_, fallen)| fallen)
}

/// Hazard3 without credit for its branch predictor, and with every target a word that straddles two.
fn hazard3(site: &Site) -> Option<u64> {
    let cycles = match site.instruction.kind {
        Kind::Plain | Kind::Multiply | Kind::MultiplyLong => Some(site.count),
        Kind::Load { .. } | Kind::Store { .. } => Some(site.count),
        Kind::Divide => Some(19 * site.count),
        // Predicted taken, a backward branch that is not costs one more.
        Kind::Branch { backward } => flow(site, 1 + u64::from(backward), 3),
        Kind::Jump => flow(site, 0, 3),
        Kind::Call => flow(site, 0, 3),
        _ => None,
    };
    cycles.map(|cycles| cycles + waits(site))
}

/// How often it waits a cycle for the load before it.
fn waits(site: &Site) -> u64 {
    followed(site, |before| {
        let loads = matches!(before.kind, Kind::Load { .. });
        loads && before.writes & site.instruction.reads != 0
    })
}

/// Ibex without a third stage, whose branches have no adder of their own, and with a multiplier of so many cycles.
fn ibex(site: &Site, multiply: u64) -> Option<u64> {
    match site.instruction.kind {
        Kind::Plain => Some(site.count),
        Kind::Load { .. } | Kind::Store { .. } => Some(2 * site.count),
        Kind::Multiply => Some(multiply * site.count),
        Kind::MultiplyLong => Some((multiply + 1) * site.count),
        Kind::Divide => Some(38 * site.count),
        Kind::Branch { .. } => flow(site, 1, 3),
        Kind::Jump | Kind::Call => flow(site, 0, 2),
        _ => None,
    }
}

/// CV32E40P with every target a word that straddles two.
fn cv32e40p(site: &Site) -> Option<u64> {
    let cycles = match site.instruction.kind {
        Kind::Plain | Kind::Multiply => Some(site.count),
        Kind::Load { .. } | Kind::Store { .. } => Some(site.count),
        Kind::MultiplyLong => Some(5 * site.count),
        Kind::Divide => Some(35 * site.count),
        Kind::Branch { .. } => flow(site, 1, 4),
        Kind::Jump | Kind::Call => flow(site, 0, 3),
        _ => None,
    };
    cycles.map(|cycles| cycles + waits(site))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOAD: Kind = Kind::Load { updates: false };
    const STORE: Kind = Kind::Store { updates: false, indexed: false };
    const INDEXED: Kind = Kind::Store { updates: false, indexed: true };

    fn instruction(kind: Kind, reads: u32, writes: u32) -> Instruction {
        Instruction { bytes: 2, kind, reads, writes }
    }

    /// Cycles of instructions one after the other, each executed once.
    fn straight(model: fn(&Site) -> Option<u64>, code: &[Instruction]) -> u64 {
        let mut before = None;
        let mut total = 0;
        for &instruction in code {
            total += model(&Site { instruction, count: 1, left: 0, before }).unwrap();
            before = Some((instruction, 1));
        }
        total
    }

    /// The examples in "load/store timings" of the Cortex-M3 manual.
    #[test]
    fn loads_pipeline_as_the_manual_says() {
        let load = |reads, writes| instruction(LOAD, reads, writes);
        let pairs = [load(1 << 1, 1), load(1 << 2, 1 << 1)];
        assert_eq!(straight(cortex_m3, &pairs), 3); // LDR R0,[R1]; LDR R1,[R2]
        let stored = [load(0b110, 1), instruction(STORE, 1 << 3, 0)];
        assert_eq!(straight(cortex_m3, &stored), 3); // LDR R0,[R1,R2]; STR R0,[R3,#20]
        let indexed = [load(0b110, 1), instruction(INDEXED, 0b1100, 0)];
        assert_eq!(straight(cortex_m3, &indexed), 3); // LDR R0,[R1,R2]; STR R1,[R3,R2]
        let three = [load(0b10_0010, 1), load(1 << 2, 1 << 1), load(1 << 3, 1 << 2)];
        assert_eq!(straight(cortex_m3, &three), 4); // LDR R0,[R1,R5]; LDR R1,[R2]; LDR R2,[R3,#4]
        let chained = [load(1 << 1, 1), load(1, 1 << 1)];
        assert_eq!(straight(cortex_m3, &chained), 4); // LDR R0,[R1]; LDR R1,[R0]
        let computed = [instruction(Kind::Plain, 0, 1), load(1, 1 << 1)];
        assert_eq!(straight(cortex_m3, &computed), 4); // ADD R0,R0,#4; LDR R1,[R0]
    }

    #[test]
    fn a_taken_branch_costs_its_refill_and_the_last_call_nothing() {
        let branch = instruction(Kind::Branch { backward: true }, 0, 0);
        let site = Site { instruction: branch, count: 10, left: 9, before: None };
        assert_eq!(cortex_m0(&site), Some(9 * 3 + 1));
        assert_eq!(cortex_m4(&site), Some(9 * 4 + 1));
        assert_eq!(hazard3(&site), Some(9 * 3 + 2));
        assert_eq!(cv32e40p(&site), Some(9 * 4 + 1));
        assert_eq!(ibex(&site, 1), Some(9 * 3 + 1));
        let last =
            Site { instruction: instruction(Kind::Call, 0, 0), count: 5, left: 0, before: None };
        assert_eq!(cortex_m0(&last), Some(0));
        assert_eq!(hazard3(&last), Some(0));
    }

    #[test]
    fn cores_differ_in_products_and_multiple_loads() {
        let many = instruction(Kind::Multiple { registers: 4 }, 2, 0xf00);
        let accumulate = instruction(Kind::MultiplyAccumulate, 0, 1);
        let long = instruction(Kind::MultiplyLong, 0, 3);
        assert_eq!(straight(cortex_m0, &[many]), 5);
        assert_eq!(straight(cortex_m3, &[many, accumulate, long]), 5 + 2 + 5);
        assert_eq!(straight(cortex_m4, &[many, accumulate, long]), 5 + 1 + 1);
        let used = [instruction(LOAD, 2, 4), instruction(Kind::Plain, 4, 8)];
        assert_eq!(straight(hazard3, &used), 3);
        assert_eq!(straight(cv32e40p, &used), 3);
        assert_eq!(straight(|site| ibex(site, 3), &used), 3);
        let products = [instruction(Kind::Multiply, 0, 1), long];
        assert_eq!(straight(hazard3, &products), 1 + 1);
        assert_eq!(straight(cv32e40p, &products), 1 + 5);
        assert_eq!(straight(|site| ibex(site, 1), &products), 1 + 2);
        assert_eq!(straight(|site| ibex(site, 3), &products), 3 + 4);
    }

    #[test]
    fn what_a_manual_does_not_cover_has_no_cycles() {
        let unknown =
            Site { instruction: instruction(Kind::Unknown, 0, 0), count: 1, left: 0, before: None };
        for model in [cortex_m0, cortex_m3, cortex_m4, hazard3, cv32e40p] {
            assert_eq!(model(&unknown), None);
        }
        assert!(model("Cortex-M55").is_none());
    }
}
