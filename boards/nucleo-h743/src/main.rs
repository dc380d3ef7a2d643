//! The swimmer on an STM32 Nucleo-H743ZI. Pins and clocks are in `board`.
#![no_std]
#![no_main]

mod board;

#[cortex_m_rt::entry]
fn main() -> ! {
    match board::take() {
        Some(hardware) if cfg!(feature = "bench") => nervecord_swimmer::bench(hardware),
        Some(hardware) => nervecord_swimmer::run(hardware),
        None => nervecord_swimmer::halt(),
    }
}
