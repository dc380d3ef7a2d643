//! Nanoseconds of a step of networks A and B, a line each, for `cargo xtask bench --host --against`.

use std::hint::black_box;

use nervecord::RawStep;
use nervecord_bench::rate::nanoseconds;
use nervecord_bench::{NetworkA, NetworkB, row};

fn step<M: RawStep<I, O> + Default, const I: usize, const O: usize>() -> f64
where
    M::RawInput: From<i16>,
{
    let mut model = M::default();
    let input = row(&model);
    nanoseconds(|| {
        black_box(model.step_raw(black_box(&input)));
    })
}

fn main() {
    println!("A {:.1}", step::<NetworkA, _, _>());
    println!("B {:.1}", step::<NetworkB, _, _>());
}
