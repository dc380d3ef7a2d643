//! A step of the compiled model; on a microcontroller this would be `no_std`, and the same integers.

include!(concat!(env!("OUT_DIR"), "/policy.rs"));

use nervecord::Controller;

fn main() {
    let mut policy = policy::Policy::new();
    let torque = policy.step_reading(&policy::input(&[0.25_f32; policy::INPUTS]));
    println!("{} and {} of the largest torque", torque[0], torque[1]);
    println!("{} B of tables, {} B of RAM", policy::TABLE_BYTES, size_of::<policy::Policy>());
}
