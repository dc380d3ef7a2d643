//! Pins and watchdog of the Raspberry Pi Pico and the Pico 2, which are alike.

use embassy_rp::i2c::{Async, Config, I2c, InterruptHandler};
use embassy_rp::peripherals::I2C0;
use embassy_rp::watchdog;
use embassy_time::Duration;
use nervecord::control::Watchdog;

/// Milliseconds without a good period after which the watchdog resets the part.
pub const WATCHDOG_MS: u32 = 250;

embassy_rp::bind_interrupts!(struct Irqs {
    I2C0_IRQ => InterruptHandler<I2C0>;
});

/// The I2C bus.
pub type Bus = I2c<'static, I2C0, Async>;

/// The watchdog.
pub struct Dog(watchdog::Watchdog);

impl Watchdog for Dog {
    fn feed(&mut self) {
        self.0.feed(Duration::from_millis(WATCHDOG_MS.into()));
    }
}

/// The I2C bus and the watchdog, which runs already; once.
pub fn take() -> (Bus, Dog) {
    let device = embassy_rp::init(embassy_rp::config::Config::default());
    let (sda, scl) = (device.PIN_4, device.PIN_5); // pins 6 and 7
    let bus = I2c::new_async(device.I2C0, scl, sda, Irqs, Config::default());
    let mut dog = watchdog::Watchdog::new(device.WATCHDOG);
    dog.start(Duration::from_millis(WATCHDOG_MS.into()));
    (bus, Dog(dog))
}
