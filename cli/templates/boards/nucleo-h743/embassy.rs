//! Pins, clocks and watchdog of the Nucleo-H743ZI.

use embassy_stm32::i2c::{self, I2c, Master};
use embassy_stm32::mode::Async;
use embassy_stm32::peripherals::{DMA1_CH0, DMA1_CH1, I2C1, IWDG1};
use embassy_stm32::rcc::{
    AHBPrescaler, APBPrescaler, HSIPrescaler, Pll, PllDiv, PllMul, PllPreDiv, PllSource, Sysclk,
    VoltageScale,
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
    DMA1_STREAM1 => dma::InterruptHandler<DMA1_CH1>;
});

/// The I2C bus.
pub type Bus = I2c<'static, Async, Master>;

/// The watchdog.
pub struct Dog(IndependentWatchdog<'static, IWDG1>);

impl Watchdog for Dog {
    fn feed(&mut self) {
        self.0.pet();
    }
}

/// The I2C bus and the watchdog, which runs already; once.
pub fn take() -> (Bus, Dog) {
    let device = embassy_stm32::init(clocks());
    let (scl, sda) = (device.PB8, device.PB9); // D15, D14
    let (to, from) = (device.DMA1_CH0, device.DMA1_CH1);
    let bus = I2c::new(device.I2C1, scl, sda, to, from, Irqs, i2c::Config::default());
    let mut dog = IndependentWatchdog::new(device.IWDG1, WATCHDOG_MS * 1000);
    dog.unleash();
    (bus, Dog(dog))
}

/// 400 MHz from the internal oscillator of 64 MHz.
fn clocks() -> Config {
    let mut config = Config::default();
    config.rcc.hsi = Some(HSIPrescaler::DIV1);
    config.rcc.pll1 = Some(Pll {
        source: PllSource::HSI,
        prediv: PllPreDiv::DIV4,
        mul: PllMul::MUL50,
        fracn: None,
        divp: Some(PllDiv::DIV2),
        divq: Some(PllDiv::DIV8),
        divr: None,
    });
    config.rcc.sys = Sysclk::PLL1_P;
    config.rcc.ahb_pre = AHBPrescaler::DIV2;
    config.rcc.apb1_pre = APBPrescaler::DIV2;
    config.rcc.apb2_pre = APBPrescaler::DIV2;
    config.rcc.apb3_pre = APBPrescaler::DIV2;
    config.rcc.apb4_pre = APBPrescaler::DIV2;
    config.rcc.voltage_scale = VoltageScale::Scale1;
    config
}
