//! The swimmer on a Raspberry Pi Pico. Pins and clocks are in `board`.
#![no_std]
#![no_main]

mod board;
mod chip;

// The bus is the same for both Picos.
extern crate rp2040_hal as hal;

#[rp2040_hal::entry]
fn main() -> ! {
    match board::take() {
        Some(hardware) if cfg!(feature = "bench") => nervecord_swimmer::bench(hardware),
        Some(hardware) => nervecord_swimmer::run(hardware),
        None => nervecord_swimmer::halt(),
    }
}
