//! The cases of `nervecord-fuzz`, chosen by the coverage they reach: `cargo xtask fuzz --engine libfuzzer`.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use nervecord_fuzz::coverage;

fuzz_target!(|bytes: &[u8]| coverage::run(bytes));

// Half of the changes know the format; the other half, libFuzzer's own, know what was compared with what.
fuzz_mutator!(|bytes: &mut [u8], size: usize, most: usize, seed: u32| {
    if seed.is_multiple_of(2) {
        return fuzzer_mutate(bytes, size, most);
    }
    let changed = coverage::change(&bytes[..size], u64::from(seed));
    let length = changed.len().min(most);
    bytes[..length].copy_from_slice(&changed[..length]);
    length
});
