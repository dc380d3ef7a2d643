//! The swimmer on an ESP32-C3-DevKitM-1. Pins and clocks are in `board`.
#![no_std]
#![no_main]

mod board;

esp_bootloader_esp_idf::esp_app_desc!();

#[esp_hal::main]
fn main() -> ! {
    match board::take() {
        Some(hardware) if cfg!(feature = "bench") => nervecord_swimmer::bench(hardware),
        Some(hardware) => nervecord_swimmer::run(hardware),
        None => nervecord_swimmer::halt(),
    }
}
