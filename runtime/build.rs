//! Tells the kernels which instructions the target has: `dsp` is no stable `target_feature` yet.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(nervecord_dsp)");
    let target = std::env::var("TARGET").unwrap_or_default();
    let optional = target.starts_with("thumbv8m.main");
    let chosen = std::env::var_os("CARGO_FEATURE_DSP").is_some();
    if target.starts_with("thumbv7em") || optional && chosen {
        println!("cargo::rustc-cfg=nervecord_dsp");
    }
}
