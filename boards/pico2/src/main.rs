//! The swimmer on a Raspberry Pi Pico 2. Pins and clocks are in the Pico's `board`.
#![no_std]
#![no_main]

#[path = "../../pico/src/board.rs"]
mod board;
mod chip;

// The bus is the same for both Picos.
extern crate rp235x_hal as hal;

#[rp235x_hal::entry]
fn main() -> ! {
    match board::take() {
        Some(hardware) if cfg!(feature = "bench") => nervecord_swimmer::bench(hardware),
        Some(hardware) => nervecord_swimmer::run(hardware),
        None => nervecord_swimmer::halt(),
    }
}
