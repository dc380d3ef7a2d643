//! Actuators on mocked pins and channels.

use super::*;
use crate::control::Each;
use embedded_hal_mock::eh1::MockError;
use embedded_hal_mock::eh1::digital::{Mock as Pin, State, Transaction as PinIo};
use embedded_hal_mock::eh1::pwm::{Mock as Pwm, Transaction as PwmIo};
use fixed::types::I4F12;

extern crate std;
use std::io::ErrorKind;

fn channel(scale: u16, duties: &[u16]) -> Pwm {
    let io = |&duty| [PwmIo::max_duty_cycle(scale), PwmIo::set_duty_cycle(duty)];
    let io: std::vec::Vec<_> = duties.iter().flat_map(io).collect();
    Pwm::new(&io)
}

fn number(x: f64) -> [I4F12; 1] {
    [I4F12::from_num(x)]
}

#[test]
fn a_servo_turns_from_end_to_end() {
    let mut servo = Servo::new(channel(20_000, &[1_000, 1_500, 2_000, 2_000]), Pulse::HOBBY);
    for x in [-1.0, 0.0, 1.0, 7.0] {
        servo.drive(&number(x)).unwrap();
    }
    servo.release().done();
}

#[test]
fn pulses_may_run_backwards_and_nonsense_stays_within_the_period() {
    let pulse = Pulse { min: 2_400, max: 600, period: 20_000 };
    assert_eq!([-32767, 0, 32767].map(|unit| pulse.width(unit)), [2_400, 1_500, 600]);
    let nonsense = Pulse { min: 0, max: 65_535, period: 0 };
    assert_eq!(nonsense.part_of(1_000, i32::MAX), 1_000);
}

#[test]
fn several_servos_take_one_number_each() {
    let servo = |duty| Servo::new(channel(4_096, &[duty]), Pulse::HOBBY);
    let mut pair = Each([servo(204), servo(409)]);
    pair.drive(&[I4F12::from_num(-1), I4F12::from_num(1)]).unwrap();
    pair.0.into_iter().for_each(|servo| servo.release().done());
}

#[test]
fn a_motor_never_has_both_directions_on() {
    let set = |state| PinIo::set(state);
    let forward = [State::High, State::Low, State::Low].map(set);
    let backward = [State::Low, State::High, State::Low].map(set);
    let pwm = channel(1_000, &[500, 250, 0]);
    let mut motor = Motor::new(pwm, Pin::new(&forward), Pin::new(&backward), 655);
    for x in [0.5, -0.25, 0.01] {
        motor.drive(&number(x)).unwrap();
    }
    let (mut pwm, mut forward, mut backward) = motor.release();
    pwm.done();
    forward.done();
    backward.done();
}

#[test]
fn a_channel_that_fails_is_told_and_the_others_are_driven() {
    let failure = MockError::Io(ErrorKind::BrokenPipe);
    let bad = Pwm::new(&[
        PwmIo::max_duty_cycle(100),
        PwmIo::set_duty_cycle(50).with_error(failure.clone()),
    ]);
    let mut pair = Each([Duty(bad), Duty(channel(100, &[0]))]);
    assert_eq!(pair.drive(&[I4F12::from_num(0.5), I4F12::from_num(-0.5)]), Err(failure));
    pair.0.into_iter().for_each(|mut duty| duty.0.done());
}
