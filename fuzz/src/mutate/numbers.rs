//! Numbers that files are given.

use nervecord_tests::random::Random;

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
