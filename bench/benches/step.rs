//! Nanoseconds of a step on this machine: `cargo xtask bench --host`.

use std::hint::black_box;

use divan::Bencher;
use nervecord::RawStep;
use nervecord_bench::*;

fn main() {
    divan::main();
}

fn steps<M, const I: usize, const O: usize>(bencher: Bencher)
where
    M: RawStep<I, O> + Default,
    M::RawInput: From<i16>,
{
    let mut model = M::default();
    let input = row(&model);
    bencher.bench_local(|| model.step_raw(black_box(&input)));
}

macro_rules! models {
    ($($name:ident: $model:ty,)*) => {$(
        #[divan::bench]
        fn $name(bencher: Bencher) {
            steps::<$model, _, _>(bencher);
        }
    )*};
}

models! {
    network_a: NetworkA,
    network_b: NetworkB,
    network_c: NetworkC,
    network_d: NetworkD,
    network_k: NetworkK,
    cfc_cartpole: CfcCartpole,
    digits: Digits,
    gru_hover: GruHover,
    kan_cartpole: KanCartpole,
    ncap_swimmer: NcapSwimmer,
    policy: Policy,
    regressor: Regressor,
    tap_withdrawal: TapWithdrawal,
}
