//! Pins and clocks of the ESP32-C3-DevKitM-1.

use core::arch::asm;

use embedded_hal::i2c::I2c;
use esp_hal::clock::CpuClock;
use esp_hal::i2c::master::{Config, I2c as Bus};
use esp_hal::rtc_cntl::{Rtc, RwdtStage};
use esp_hal::time::{Duration, Instant, Rate};
use nervecord_swimmer::{Clock, Hardware, Joints, Unfelt, WATCHDOG_MS, Watchdog};

/// The board, the first time.
pub fn take() -> Option<Hardware<impl I2c, impl Clock, impl Watchdog, impl Joints>> {
    let device = esp_hal::init(esp_hal::Config::default().with_cpu_clock(CpuClock::max()));
    let rate = Config::default().with_frequency(Rate::from_khz(100));
    let bus = Bus::new(device.I2C0, rate).ok()?;
    let bus = bus.with_sda(device.GPIO4).with_scl(device.GPIO5);
    start_counter();
    let clock = || Instant::now().duration_since_epoch().as_micros() as u32;
    let mut dog = Rtc::new(device.RTC_TIMER).rwdt;
    dog.set_timeout(RwdtStage::Stage0, Duration::from_millis(WATCHDOG_MS.into()));
    dog.enable();
    Some(Hardware {
        bus,
        clock,
        ticks_per_second: 1_000_000,
        watchdog: move || dog.feed(),
        joints: Unfelt,
        cycles: count,
        cycle_bits: 32,
    })
}

/// Has the counter of the core, which is not the standard one, count cycles.
fn start_counter() {
    // SAFETY: registers of the counter and nothing else: events counted, mode.
    unsafe { asm!("csrwi 0x7e0, 1", "csrwi 0x7e1, 1", options(nomem, nostack)) }
}

/// The counter.
fn count() -> u32 {
    let cycles: u32;
    // SAFETY: reads a register.
    unsafe { asm!("csrr {}, 0x7e2", out(reg) cycles, options(nomem, nostack)) }
    cycles
}
