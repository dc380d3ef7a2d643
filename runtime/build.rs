//! Tells the kernels what the target has: the DSP extension, which is no stable `target_feature`
//! yet, or (Armv6-M) only a 32-bit product, `nervecord_short`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(nervecord_dsp, nervecord_short)");
    let target = std::env::var("TARGET").unwrap_or_default();
    let optional = target.starts_with("thumbv8m.main");
    let chosen = std::env::var_os("CARGO_FEATURE_DSP").is_some();
    if target.starts_with("thumbv7em") || optional && chosen {
        println!("cargo::rustc-cfg=nervecord_dsp");
    }
    if target.starts_with("thumbv6m") {
        println!("cargo::rustc-cfg=nervecord_short");
    }
}
