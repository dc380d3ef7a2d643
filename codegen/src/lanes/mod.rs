//! Many rows at once on a host: a row a lane of its vector unit, the same operation on one feature of all.
//!
//! Where a step's kernels go along the features of one row, these go along rows, so that every vector is full whatever
//! the layer's shape, and a weight is loaded once for all of them. Integers add in any order: the bits are those of the
//! runtime's kernels, to which a property test holds them.
//!
//! Beside them, sums of rows of real numbers for who makes the integers: a vector holds neighbours of one row there.
//!
//! This and `avx2` below it have the only `unsafe` code of the crate. Stands on the runtime's tensors.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod dense;
mod real;
mod tensor;

pub use self::dense::DenseLanes;
pub use self::tensor::{LANES, Lanes};
use self::tensor::{nearest, turn_in, turn_out};

use nervecord::generated::Quad;
use nervecord::host::{flat, flat_mut};

/// Computes a dense layer of all rows; false, and nothing done, where this machine has no such kernel.
pub fn dense(layer: &DenseLanes, x: &[Lanes], y: &mut [Lanes]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if ready() {
        // SAFETY: the processor has AVX2.
        unsafe { avx2::dense(layer, x, y) };
        return true;
    }
    let _ = (layer, x, y);
    false
}

/// Whether this machine has such kernels.
pub fn ready() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// The function of a table of `words`, as of [`nervecord::generated::Table`], of one feature of all rows; none where this
/// machine has no such kernel.
pub fn function(words: &[u32], x: &Lanes) -> Option<Lanes> {
    #[cfg(target_arch = "x86_64")]
    if ready() {
        // SAFETY: the processor has AVX2.
        return Some(unsafe { avx2::function(words, x) });
    }
    let _ = (words, x);
    None
}

/// Rows of quads, one behind the other and as many as there are lanes, as lanes: one a feature of a row.
pub fn to_lanes(rows: &[Quad], lanes: &mut [Lanes]) {
    let rows = flat(rows);
    let mut done = 0;
    #[cfg(target_arch = "x86_64")]
    if ready() {
        // SAFETY: the processor has AVX2.
        done = unsafe { avx2::turn_in(rows, lanes) };
    }
    turn_in(rows, lanes, done);
}

/// Lanes as rows of quads, one behind the other.
pub fn to_rows(lanes: &[Lanes], rows: &mut [Quad]) {
    let rows = flat_mut(rows);
    let mut done = 0;
    #[cfg(target_arch = "x86_64")]
    if ready() {
        // SAFETY: the processor has AVX2.
        done = unsafe { avx2::turn_out(lanes, rows) };
    }
    turn_out(lanes, rows, done);
}

/// The nearest integers of real numbers, `floor(x one + 1/2)`, into `raws`; whether all were numbers within `ends`.
pub fn convert(x: &[f64], ones: &[f64], ends: (f64, f64), raws: &mut [i32]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if ready() {
        // SAFETY: the processor has AVX2.
        return unsafe { avx2::convert(x, ones, ends, raws) };
    }
    nearest(x, ones, ends, raws)
}

/// Adds the rows of a matrix, each times its factor, to each of `sums`, which have a factor a row of their own: one row
/// after the other, so that the bits are the same on every machine.
pub fn add_rows<const N: usize>(sums: &mut [&mut [f64]; N], rows: &[f64], factors: [&[f64]; N]) {
    #[cfg(target_arch = "x86_64")]
    if ready() {
        // SAFETY: the processor has AVX2.
        return unsafe { avx2::add_rows(sums, rows, factors) };
    }
    real::add_rows(sums, rows, factors);
}

/// Adds a row times a factor to `sums`, which may be shorter.
pub fn add_row(sums: &mut [f64], row: &[f64], factor: f64) {
    #[cfg(target_arch = "x86_64")]
    if ready() {
        // SAFETY: the processor has AVX2.
        return unsafe { avx2::add_row(sums, row, factor) };
    }
    real::add_row(sums, row, factor);
}

/// Adds a row times a factor over a count to `sums`, which may be shorter.
pub fn add_means(sums: &mut [f64], row: &[f64], factor: f64, count: f64) {
    #[cfg(target_arch = "x86_64")]
    if ready() {
        // SAFETY: the processor has AVX2.
        return unsafe { avx2::add_means(sums, row, factor, count) };
    }
    real::add_means(sums, row, factor, count);
}

#[cfg(test)]
mod tests {
    use super::*;
    use nervecord::generated::{Dense8, Table};
    use nervecord::host::{dense_words8, pack_dense8, quads};
    use proptest::prelude::*;

    fn rows(numbers: &[i16], features: usize) -> Vec<Vec<Quad>> {
        let row = |row: &[i16]| {
            let mut quad = vec![Quad::default(); quads(features)];
            flat_mut(&mut quad)[..features].copy_from_slice(row);
            quad
        };
        numbers.chunks(features).map(row).collect()
    }

    fn lanes_of(rows: &[Vec<Quad>]) -> Vec<Lanes> {
        let mut lanes = vec![Lanes::default(); rows[0].len() * 4];
        to_lanes(&rows.concat(), &mut lanes);
        lanes
    }

    #[test]
    fn lanes_and_rows_are_the_same_numbers() {
        for features in [4, 8, 12, 20, 64] {
            let numbers: Vec<i16> = (0..(LANES * features) as i16).collect();
            let all = rows(&numbers, features);
            let lanes = lanes_of(&all);
            let at = |l: usize, f: usize| lanes[f].0[l] == numbers[l * features + f];
            assert!((0..LANES).all(|l| (0..features).all(|f| at(l, f))), "{features}");
            let mut back = vec![Quad::default(); features / 4 * LANES];
            to_rows(&lanes, &mut back);
            assert_eq!(back, all.concat());
        }
    }

    #[test]
    fn numbers_are_converted_and_watched() {
        let ends = (-32768.0, 32767.0);
        let mut raws = [0; 7];
        let x = [0.25, -0.25, 1.0, -1.0, 0.125, 0.1, -0.1];
        assert!(convert(&x, &[2.0; 7], ends, &mut raws));
        assert_eq!(raws, [1, 0, 2, -2, 0, 0, 0]);
        for (bad, raw) in
            [(f64::NAN, -32768), (1e9, 32767), (f64::NEG_INFINITY, -32768), (32767.5, 32767)]
        {
            let mut x = [0.0; 7];
            x[3] = bad;
            assert!(!convert(&x, &[1.0; 7], ends, &mut raws), "{bad}");
            assert_eq!(raws[3], raw);
        }
    }

    /// Bit for bit: what is decided by them must be the same everywhere.
    #[test]
    fn sums_of_rows_have_one_order() {
        for (n, count) in [(1, 1), (3, 2), (5, 4), (7, 9), (16, 16), (33, 6)] {
            let number = |i: usize| (i as f64 * 0.754_877_666_246_693).fract() - 0.3;
            let rows: Vec<f64> = (0..n * count).map(number).collect();
            let factors = [7, 11].map(|from| (from..from + count).map(number).collect::<Vec<_>>());
            let term = |r: usize, i: usize, k: usize| rows[r * n + i] * factors[k][r];
            let sum = |i: usize, k: usize| (0..count).fold(0.1, |sum, r| sum + term(r, i, k));
            let (mut first, mut second) = (vec![0.1; n], vec![0.1; n]);
            let both = factors.each_ref().map(Vec::as_slice);
            add_rows(&mut [&mut first, &mut second], &rows, both);
            let wanted = [0, 1].map(|k| (0..n).map(|i| sum(i, k)).collect::<Vec<f64>>());
            assert_eq!([first, second], wanted);
            let mut means = vec![0.1; n];
            add_means(&mut means, &rows, 0.7, 3.0);
            assert!(means.iter().zip(&rows).all(|(y, x)| *y == 0.1 + x * 0.7 / 3.0));
            let mut added = vec![0.1; n];
            add_row(&mut added, &rows, 0.7);
            assert!(added.iter().zip(&rows).all(|(y, x)| *y == 0.1 + x * 0.7));
        }
    }

    proptest! {
        #[test]
        fn a_dense_layer_has_the_runtimes_bits(
            (inputs, outputs) in (1_usize..70, 1_usize..20),
            shift in 0_u8..=15,
            relu: bool,
            seed: u64,
        ) {
            if !ready() {
                return Ok(());
            }
            let mut random = seed | 1;
            let mut draw = || {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (random >> 33) as i32
            };
            let weights: Vec<i8> = (0..inputs * outputs).map(|_| draw() as i8).collect();
            let bias: Vec<i32> = (0..outputs).map(|_| draw() >> 8).collect();
            let multiplier: Vec<i16> = (0..outputs).map(|_| (draw() & 0x7fff) as i16).collect();
            let numbers: Vec<i16> = (0..LANES * inputs).map(|_| draw() as i16).collect();
            let mut stream = vec![0; dense_words8(inputs, outputs)];
            pack_dense8(&weights, &bias, &multiplier, shift, &mut stream);
            let layer = Dense8::new(inputs, outputs, &stream, relu);
            let mut all = rows(&numbers, inputs);
            let x = lanes_of(&all);
            let mut y = vec![Lanes::default(); quads(outputs) * 4];
            let lanes = DenseLanes::new(inputs, |i| weights[i].into(), &bias, &multiplier, shift, relu);
            prop_assert!(super::dense(&lanes, &x, &mut y));
            for (l, row) in all.iter_mut().enumerate() {
                let mut want = vec![Quad::default(); quads(outputs)];
                layer.run(row, &mut want);
                let found: Vec<i16> = y[..outputs].iter().map(|lanes| lanes.0[l]).collect();
                prop_assert_eq!(&found[..], &flat(&want)[..outputs]);
            }
        }

        #[test]
        fn a_function_has_the_runtimes_bits(
            half in 1_usize..2049, seed: u32, x in prop::collection::vec(any::<i16>(), LANES),
        ) {
            let word = |i: usize| (i as u32).wrapping_mul(2_654_435_761) ^ seed;
            let words: Vec<u32> = (0..2 * half).map(word).collect();
            let mut lanes = Lanes::default();
            lanes.0.copy_from_slice(&x);
            lanes.0[0] = i16::MIN;
            lanes.0[1] = i16::MAX;
            if let Some(found) = function(&words, &lanes) {
                let table = Table::new(&words);
                prop_assert_eq!(found.0, lanes.0.map(|x| table.eval(x)));
            }
        }
    }
}
