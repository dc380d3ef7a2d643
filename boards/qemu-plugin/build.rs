//! Leaves QEMU's functions to be found in the emulator that loads the plugin.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=NERVECORD_PLUGIN_API");
    // ELF linkers allow undefined symbols in a shared object; Apple's wants to be told.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("macos") {
        println!("cargo::rustc-link-arg-cdylib=-Wl,-undefined,dynamic_lookup");
    }
}
