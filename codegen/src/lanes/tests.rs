use nervecord::generated::{Dense8, Table};
use nervecord::host::{dense_words8, pack_dense8, quads};
use proptest::prelude::*;

use super::*;

fn rows(numbers: &[i16], features: usize) -> Vec<Vec<Quad>> {
    let row = |row: &[i16]| {
        let mut quad = vec![Quad::default(); quads(features)];
        flat_mut(&mut quad)[..features].copy_from_slice(row);
        quad
    };
    numbers.chunks(features).map(row).collect()
}

fn lanes_of(unit: Unit, rows: &[Vec<Quad>]) -> Vec<Lanes> {
    let mut lanes = vec![Lanes::default(); rows[0].len() * 4];
    unit.to_lanes(&rows.concat(), &mut lanes);
    lanes
}

#[test]
fn lanes_and_rows_are_the_same_numbers() {
    for (unit, features) in Unit::all().flat_map(|unit| [4, 8, 12, 20, 64].map(|n| (unit, n))) {
        let numbers: Vec<i16> = (0..(LANES * features) as i16).collect();
        let all = rows(&numbers, features);
        let lanes = lanes_of(unit, &all);
        let at = |l: usize, f: usize| lanes[f].numbers()[l] == numbers[l * features + f];
        assert!((0..LANES).all(|l| (0..features).all(|f| at(l, f))), "{unit:?} {features}");
        let mut back = vec![Quad::default(); features / 4 * LANES];
        unit.to_rows(&lanes, &mut back);
        assert_eq!(back, all.concat());
    }
}

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
        let lanes = DenseLanes::new(inputs, |i| weights[i].into(), &bias, &multiplier, shift, relu);
        for unit in Unit::all() {
            let x = lanes_of(unit, &all);
            let mut y = vec![Lanes::default(); quads(outputs) * 4];
            unit.dense(&lanes, &x, &mut y);
            for (l, row) in all.iter_mut().enumerate() {
                let mut want = vec![Quad::default(); quads(outputs)];
                layer.run(&mut row.clone(), &mut want);
                let found: Vec<i16> = y[..outputs].iter().map(|lanes| lanes.numbers()[l]).collect();
                prop_assert_eq!(&found[..], &flat(&want)[..outputs], "{:?}", unit);
            }
        }
    }

    #[test]
    fn a_function_has_the_runtimes_bits(
        half in prop_oneof![1_usize..150, 1_usize..2049],
        seed: u32,
        x in prop::collection::vec(any::<i16>(), LANES),
    ) {
        let word = |i: usize| (i as u32).wrapping_mul(2_654_435_761) ^ seed;
        let words: Vec<u32> = (0..2 * half).map(word).collect();
        let mut lanes = Lanes::default();
        lanes.numbers_mut().copy_from_slice(&x);
        lanes.numbers_mut()[..2].copy_from_slice(&[i16::MIN, i16::MAX]);
        let table = Table::new(&words);
        let wanted: Vec<i16> = lanes.numbers().iter().map(|&x| table.eval(x)).collect();
        for unit in Unit::all() {
            let mut found = [lanes; 2];
            unit.function(&words, &mut found);
            prop_assert!(found.iter().all(|lanes| lanes.numbers() == wanted), "{:?}", unit);
        }
    }
}
