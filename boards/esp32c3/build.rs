//! The linker gets the HAL's script, which has the memory map, and defmt's.

fn main() {
    println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
    println!("cargo::rustc-link-arg-bins=-Tlinkall.x");
}
