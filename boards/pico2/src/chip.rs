//! What the RP2350 has of its own, on its Cortex-M33 and on its Hazard3 cores.

use rp235x_hal::block::ImageDef;

/// Tells the boot ROM what this image is.
// SAFETY: sections that hold constants, which memory.x and riscv.x put within the first 4 KB.
#[cfg_attr(target_arch = "arm", unsafe(link_section = ".start_block"))]
#[cfg_attr(target_arch = "riscv32", unsafe(link_section = ".init.rust"))]
#[used]
static IMAGE: ImageDef = ImageDef::secure_exe();

/// The timer of microseconds.
macro_rules! timer {
    ($device:ident, $resets:expr, $clocks:expr) => {
        hal::Timer::new_timer0($device.TIMER0, $resets, $clocks)
    };
}
pub(crate) use timer;

/// The counter of cycles and its bits.
#[cfg(target_arch = "arm")]
pub fn count_cycles() -> Option<(fn() -> u32, u32)> {
    let mut core = cortex_m::Peripherals::take()?;
    core.DCB.enable_trace();
    core.DWT.enable_cycle_counter();
    Some((cortex_m::peripheral::DWT::cycle_count, 32))
}

/// The counter of cycles and its bits.
#[cfg(target_arch = "riscv32")]
pub fn count_cycles() -> Option<(fn() -> u32, u32)> {
    use core::arch::asm;

    fn count() -> u32 {
        let cycles: u32;
        // SAFETY: reads a register.
        unsafe { asm!("csrr {}, mcycle", out(reg) cycles, options(nomem, nostack)) }
        cycles
    }
    // SAFETY: lets the counters count, which stand still after a reset, and nothing else.
    unsafe { asm!("csrw mcountinhibit, zero", options(nomem, nostack)) }
    Some((count, 32))
}
