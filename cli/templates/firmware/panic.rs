//! What a panic does: it says where, and stops until the watchdog resets the part.

use core::panic::PanicInfo;

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    if let Some(place) = info.location() {
        defmt::error!("panic in {=str}, line {=u32}", place.file(), place.line());
    }
    halt()
}

/// Stops for good.
pub fn halt() -> ! {
    loop {
        core::hint::spin_loop();
    }
}
