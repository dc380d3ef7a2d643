//! Firmware of every emulated machine.
//!
//! It reads rows of raw integers from the host's `input.bin`, steps the generated module on each,
//! writes the rows that come out to `output.bin`, and the sizes only the target knows to
//! `summary.json`. All three live in the emulator's working directory, reached by semihosting.
//!
//! With the feature `bare` it does nothing but step, so that what is linked is the inference path:
//! a panic, allocation or float in that ELF is one the step can reach. The features `seed-panic`,
//! `seed-float` and `seed-heap` put one there, to be refused.
//!
//! With the feature `link` it runs a control loop whose sensor and actuator are on the host.

#![no_std]
#![no_main]

#[cfg(feature = "bare")]
mod bare;
#[cfg(feature = "link")]
mod link;
#[cfg(not(any(feature = "bare", feature = "link")))]
mod measure;
#[cfg(any(feature = "seed-panic", feature = "seed-float", feature = "seed-heap"))]
mod seeded;
#[cfg(not(any(feature = "bare", feature = "link")))]
mod stack;
mod step;

// Linked for its panic handler, which reports and exits; dropped again where nothing panics.
use semihosting as _;

#[cfg(feature = "bare")]
use bare::run;
#[cfg(feature = "link")]
use link::run;
#[cfg(not(any(feature = "bare", feature = "link")))]
use measure::run;

#[cfg_attr(target_arch = "arm", cortex_m_rt::entry)]
#[cfg_attr(target_arch = "riscv32", riscv_rt::entry)]
fn main() -> ! {
    run()
}

// A fault would otherwise stop the machine without a word until the host's patience ends.
#[cfg(all(not(feature = "bare"), target_arch = "arm"))]
#[cortex_m_rt::exception]
unsafe fn HardFault(frame: &cortex_m_rt::ExceptionFrame) -> ! {
    panic!("hard fault at {:#x}", frame.pc())
}

#[cfg(all(not(feature = "bare"), target_arch = "riscv32"))]
// SAFETY: the name under which riscv-rt looks for a handler.
#[unsafe(no_mangle)]
extern "C" fn ExceptionHandler() -> ! {
    panic!("exception")
}
