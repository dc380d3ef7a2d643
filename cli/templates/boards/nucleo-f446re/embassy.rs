//! Pins, clocks and watchdog of the Nucleo-F446RE.

use embassy_stm32::i2c::{self, I2c, Master};
use embassy_stm32::mode::Async;
use embassy_stm32::peripherals::{DMA1_CH0, DMA1_CH6, I2C1, IWDG};
use embassy_stm32::rcc::{
    AHBPrescaler, APBPrescaler, Pll, PllMul, PllPDiv, PllPreDiv, PllSource, Sysclk,
};
use embassy_stm32::wdg::IndependentWatchdog;
use embassy_stm32::{Config, dma};
use nervecord::control::Watchdog;

/// Milliseconds without a good period after which the watchdog resets the part.
pub const WATCHDOG_MS: u32 = 250;

embassy_stm32::bind_interrupts!(struct Irqs {
    I2C1_EV => i2c::EventInterruptHandler<I2C1>;
    I2C1_ER => i2c::ErrorInterruptHandler<I2C1>;
    DMA1_STREAM0 => dma::InterruptHandler<DMA1_CH0>;
    DMA1_STREAM6 => dma::InterruptHandler<DMA1_CH6>;
});

/// The I2C bus.
pub type Bus = I2c<'static, Async, Master>;

/// The watchdog.
pub struct Dog(IndependentWatchdog<'static, IWDG>);

impl Watchdog for Dog {
    fn feed(&mut self) {
        self.0.pet();
    }
}

/// The I2C bus and the watchdog, which runs already; once.
pub fn take() -> (Bus, Dog) {
    let device = embassy_stm32::init(clocks());
    let (scl, sda) = (device.PB8, device.PB9); // D15, D14
    let (to, from) = (device.DMA1_CH6, device.DMA1_CH0);
    let bus = I2c::new(device.I2C1, scl, sda, to, from, Irqs, i2c::Config::default());
    let mut dog = IndependentWatchdog::new(device.IWDG, WATCHDOG_MS * 1000);
    dog.unleash();
    (bus, Dog(dog))
}

/// 168 MHz from the internal oscillator of 16 MHz.
fn clocks() -> Config {
    let mut config = Config::default();
    config.rcc.hsi = true;
    config.rcc.pll_src = PllSource::HSI;
    config.rcc.pll = Some(Pll {
        prediv: PllPreDiv::DIV8,
        mul: PllMul::MUL168,
        divp: Some(PllPDiv::DIV2),
        divq: None,
        divr: None,
    });
    config.rcc.sys = Sysclk::PLL1_P;
    config.rcc.ahb_pre = AHBPrescaler::DIV1;
    config.rcc.apb1_pre = APBPrescaler::DIV4;
    config.rcc.apb2_pre = APBPrescaler::DIV2;
    config
}
