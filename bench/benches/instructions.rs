//! Instructions of a step on this machine, counted by valgrind: `cargo xtask bench --host --instructions`.

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use nervecord::RawStep;
use nervecord_bench::*;

/// A step of a model in its start state.
fn ready<M, const I: usize, const O: usize>() -> Box<dyn FnMut()>
where
    M: RawStep<I, O> + Default + 'static,
    M::RawInput: From<i16> + 'static,
{
    let mut model = M::default();
    let input = row(&model);
    Box::new(move || {
        black_box(model.step_raw(black_box(&input)));
    })
}

#[library_benchmark]
#[bench::network_a(ready::<NetworkA, _, _>())]
#[bench::network_b(ready::<NetworkB, _, _>())]
#[bench::network_c(ready::<NetworkC, _, _>())]
#[bench::network_d(ready::<NetworkD, _, _>())]
#[bench::network_k(ready::<NetworkK, _, _>())]
#[bench::cfc_cartpole(ready::<CfcCartpole, _, _>())]
#[bench::digits(ready::<Digits, _, _>())]
#[bench::gru_hover(ready::<GruHover, _, _>())]
#[bench::kan_cartpole(ready::<KanCartpole, _, _>())]
#[bench::ncap_swimmer(ready::<NcapSwimmer, _, _>())]
#[bench::policy(ready::<Policy, _, _>())]
#[bench::regressor(ready::<Regressor, _, _>())]
#[bench::tap_withdrawal(ready::<TapWithdrawal, _, _>())]
fn step(mut call: Box<dyn FnMut()>) {
    call();
}

library_benchmark_group!(name = steps, benchmarks = [step]);
main!(library_benchmark_groups = steps);
