//! Nanoseconds of a step of microflow's sine example, a dense network 1-16-16-1.
//!
//! `cargo xtask bench --host --against microflow` puts the model of microflow's own package in place.

use std::hint::black_box;

use microflow::model;
use nalgebra::matrix;

#[path = "../../src/rate.rs"]
mod rate;

#[model("models/sine.tflite")]
struct Sine;

fn main() {
    let nanoseconds = rate::nanoseconds(|| {
        black_box(Sine::predict(black_box(matrix![0.5])));
    });
    println!("sine {nanoseconds:.1}");
}
