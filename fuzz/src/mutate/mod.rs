//! Small changes to valid files, by what a file is made of.

mod bytes;
mod onnx;
mod table;
mod tensors;
mod tree;

use nervecord_tests::random::Random;
use nervecord_tests::seeds::File;

/// Numbers at which something may break.
pub const EXTREMES: [f64; 24] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.0,
    3.0,
    0.5,
    127.0,
    128.0,
    255.0,
    256.0,
    32767.0,
    32768.0,
    65535.0,
    65536.0,
    65537.0,
    2_147_483_648.0,
    4_294_967_296.0,
    1e9,
    1e18,
    -1e18,
    1e300,
    1e-300,
    f64::NAN,
];

/// Changes one of the files, in one place.
pub fn mutate(files: &mut [File], random: &mut Random) {
    // The first file is what the seed is about.
    let at = if random.once_in(3) { random.below(files.len()) } else { 0 };
    let Some((name, content)) = files.get_mut(at) else { return };
    let changed = match random.below(8) {
        0 => None,
        _ => match name.rsplit('.').next().unwrap_or_default() {
            "json" => tree::json(content, random),
            "toml" => tree::toml(content, random),
            "safetensors" => tensors::change(content, random),
            "onnx" => onnx::change(content, random),
            "csv" => table::csv(content, random),
            "npy" => table::npy(content, random),
            "arguments" => table::arguments(content, random),
            _ => None,
        },
    };
    // What cannot be read any more, after the changes before, is changed as bytes.
    *content = changed.unwrap_or_else(|| bytes::change(content, random));
}

/// A number as it stands in a text.
pub fn number(random: &mut Random) -> String {
    match random.below(12) {
        0 => "inf".into(),
        1 => "1e999".into(),
        2 => "99999999999999999999999".into(),
        3 => "0x10".into(),
        4 => "18446744073709551615".into(),
        5 => "-9223372036854775808".into(),
        _ => {
            let x = *random.pick(&EXTREMES);
            if x.is_nan() { (*random.pick(&["nan", "NaN", "null"])).into() } else { x.to_string() }
        }
    }
}

/// A single-precision number, extreme or not.
pub fn float(random: &mut Random) -> f32 {
    match random.below(4) {
        0 => *random.pick(&EXTREMES) as f32,
        1 => 10_f64.powf(random.within(-12.0, 12.0)) as f32,
        2 => f32::from_bits(random.bits() as u32),
        _ => random.unit() as f32,
    }
}
