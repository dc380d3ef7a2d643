//! Pins, clocks and watchdog of the ESP32-C3-DevKitM-1.

use embedded_hal::i2c::I2c;
use esp_hal::clock::CpuClock;
use esp_hal::i2c::master::{Config, I2c as Bus};
use esp_hal::rtc_cntl::{Rtc, RwdtStage};
use esp_hal::time::{Duration, Instant, Rate};
use nervecord::control::{Clock, Watchdog};

/// Ticks of the clock a second.
pub const TICKS_PER_SECOND: u32 = 1_000_000;

/// Milliseconds without a good period after which the watchdog resets the part.
pub const WATCHDOG_MS: u32 = 250;

/// The I2C bus, the clock of the loop and the watchdog, which runs already; once.
pub fn take() -> Option<(impl I2c, impl Clock, impl Watchdog)> {
    let device = esp_hal::init(esp_hal::Config::default().with_cpu_clock(CpuClock::max()));
    let rate = Config::default().with_frequency(Rate::from_khz(100));
    let bus = Bus::new(device.I2C0, rate).ok()?;
    let bus = bus.with_sda(device.GPIO4).with_scl(device.GPIO5);
    let clock = || Instant::now().duration_since_epoch().as_micros() as u32;
    let mut dog = Rtc::new(device.RTC_TIMER).rwdt;
    dog.set_timeout(RwdtStage::Stage0, Duration::from_millis(WATCHDOG_MS.into()));
    dog.enable();
    Some((bus, clock, move || dog.feed()))
}
