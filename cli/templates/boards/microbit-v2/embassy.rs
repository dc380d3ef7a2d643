//! Pins and watchdog of the micro:bit v2.

use embassy_nrf::config::HfclkSource;
use embassy_nrf::peripherals::TWISPI0;
use embassy_nrf::twim::{self, InterruptHandler, Twim};
use embassy_nrf::wdt::{self, WatchdogHandle};
use nervecord::control::Watchdog;

/// Milliseconds without a good period after which the watchdog resets the part.
pub const WATCHDOG_MS: u32 = 250;

embassy_nrf::bind_interrupts!(struct Irqs {
    TWISPI0 => InterruptHandler<TWISPI0>;
});

/// The I2C bus.
pub type Bus = Twim<'static>;

/// The watchdog.
pub struct Dog(Option<WatchdogHandle>);

impl Watchdog for Dog {
    fn feed(&mut self) {
        if let Some(dog) = &mut self.0 {
            dog.pet();
        }
    }
}

/// The I2C bus and the watchdog, which runs already; once.
pub fn take() -> (Bus, Dog) {
    let mut config = embassy_nrf::config::Config::default();
    // The crystal instead of the RC oscillator.
    config.hfclk_source = HfclkSource::ExternalXtal;
    let device = embassy_nrf::init(config);
    // On the edge connector: SCL is pin 19, SDA is pin 20.
    let (scl, sda) = (device.P0_26, device.P1_00);
    let bus = Twim::new(device.TWISPI0, Irqs, sda, scl, twim::Config::default(), &mut []);
    // It runs on through a soft reset, as it was set up before.
    let mut config = wdt::Config::try_new(&device.WDT).unwrap_or_default();
    config.timeout_ticks = WATCHDOG_MS * 32_768 / 1000;
    let dog = wdt::Watchdog::try_new::<_, 1>(device.WDT, config).ok();
    (bus, Dog(dog.map(|(_, [handle])| handle)))
}
