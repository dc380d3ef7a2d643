//! Pins and clocks of the Nucleo-F446RE.

use cortex_m::peripheral::DWT;
use embedded_hal::i2c::I2c;
use nervecord_swimmer::{Clock, Hardware, Joints, WATCHDOG_MS, Watchdog};
use stm32f4xx_hal::i2c::{I2c as Bus, Mode};
use stm32f4xx_hal::pac;
use stm32f4xx_hal::prelude::*;
use stm32f4xx_hal::rcc::Config;
use stm32f4xx_hal::watchdog::IndependentWatchdog;

/// The core's clock.
const HZ: u32 = 180_000_000;

/// The board, the first time.
pub fn take() -> Option<Hardware<impl I2c, impl Clock, impl Watchdog, impl Joints>> {
    let (device, mut core) = (pac::Peripherals::take()?, cortex_m::Peripherals::take()?);
    let mut rcc = device.RCC.freeze(Config::hsi().sysclk(HZ.Hz()));
    let port_b = device.GPIOB.split(&mut rcc);
    let (scl, sda) = (port_b.pb8, port_b.pb9); // D15, D14
    let bus = Bus::new(device.I2C1, (scl, sda), Mode::standard(100.kHz()), &mut rcc);
    #[cfg(not(feature = "potentiometers"))]
    let joints = nervecord_swimmer::Unfelt;
    #[cfg(feature = "potentiometers")]
    let joints = {
        let (a, c) = (device.GPIOA.split(&mut rcc), device.GPIOC.split(&mut rcc));
        // A0 to A4
        let pins = (
            a.pa0.into_analog(),
            a.pa1.into_analog(),
            a.pa4.into_analog(),
            port_b.pb0.into_analog(),
            c.pc1.into_analog(),
        );
        potentiometers(Adc::new(device.ADC1, true, AdcConfig::default(), &mut rcc), pins)
    };
    core.DCB.enable_trace();
    core.DWT.enable_cycle_counter();
    let (clock, cycles) = (DWT::cycle_count, DWT::cycle_count);
    let mut dog = IndependentWatchdog::new(device.IWDG);
    dog.stop_on_debug(&device.DBGMCU, true);
    dog.start(WATCHDOG_MS.millis());
    let watchdog = move || dog.feed();
    Some(Hardware { bus, clock, ticks_per_second: HZ, watchdog, joints, cycles, cycle_bits: 32 })
}

#[cfg(feature = "potentiometers")]
use potentiometers::{Adc, AdcConfig, potentiometers};

/// Joint angles from potentiometers instead of the commanded ones.
#[cfg(feature = "potentiometers")]
mod potentiometers {
    use core::convert::Infallible;

    use nervecord_swimmer::joint::{AnalogJoints, Travel};
    use nervecord_swimmer::{JOINTS, Joints};
    use stm32f4xx_hal::adc::config::SampleTime;
    use stm32f4xx_hal::gpio::{Analog, PA0, PA1, PA4, PB0, PC1};
    use stm32f4xx_hal::pac::ADC1;

    pub use stm32f4xx_hal::adc::{Adc, config::AdcConfig};

    /// The pins, head to tail.
    pub type Pins = (PA0<Analog>, PA1<Analog>, PA4<Analog>, PB0<Analog>, PC1<Analog>);

    /// Of 4096 counts over 180 degrees: the middle, and the 60 degrees to a joint's limit.
    const TRAVEL: Travel = Travel { zero: 2048, span: 1365 };

    /// The joints.
    pub fn potentiometers(mut adc: Adc<ADC1>, pins: Pins) -> impl Joints {
        const TIME: SampleTime = SampleTime::Cycles_84; // 4 us, for 10 kOhm
        let read = move || {
            Ok::<_, Infallible>([
                adc.convert(&pins.0, TIME),
                adc.convert(&pins.1, TIME),
                adc.convert(&pins.2, TIME),
                adc.convert(&pins.3, TIME),
                adc.convert(&pins.4, TIME),
            ])
        };
        AnalogJoints::new(read, [TRAVEL; JOINTS])
    }
}
