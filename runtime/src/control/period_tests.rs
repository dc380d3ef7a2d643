//! Loops whose clock, sensor and actuator are scripted.

use super::*;
use crate::control::{
    Actuator, Clock, Fault, InputLimits, Limits, OutputLimits, Parts, Recovery, Sample, Sensor,
    Settings, State, Tolerance, Watchdog,
};
use crate::controller::{Controller, Status};
use crate::integrity::{Tables, Words};
use crate::number::Formats;
use fixed::types::I4F12;

extern crate std;
use std::cell::Cell;
use std::rc::Rc;
use std::vec::Vec;

/// A rig on a table: everything the loop touches can be broken by hand.
#[derive(Clone, Default)]
struct Rig {
    time: Rc<Cell<u32>>,
    input: Rc<Cell<i16>>,
    age: Rc<Cell<u32>>,
    mute: Rc<Cell<bool>>,
    /// Ticks that a step of the controller takes.
    effort: Rc<Cell<u32>>,
    saturated: Rc<Cell<bool>>,
    /// An input of the controller is no number.
    invalid: Rc<Cell<bool>>,
    /// An input of the sample is no number.
    missing: Rc<Cell<bool>>,
    jammed: Rc<Cell<bool>>,
    resets: Rc<Cell<u32>>,
    fed: Rc<Cell<u32>>,
    driven: Rc<Cell<i16>>,
}

impl Sensor<[i16; 1]> for Rig {
    type Error = ();
    fn sample(&mut self, now: u32) -> Result<Sample<[i16; 1]>, ()> {
        let mut sample = Sample::new([self.input.get()], now.wrapping_sub(self.age.get()));
        if self.missing.get() {
            sample.status.set_invalid(0);
        }
        if self.mute.get() { Err(()) } else { Ok(sample) }
    }
}

impl Controller for Rig {
    type Input = [i16; 1];
    type Output = [i16; 1];
    fn reset(&mut self) {
        self.resets.set(self.resets.get() + 1);
    }
    fn step(&mut self, [x]: &[i16; 1]) -> [i16; 1] {
        self.time.set(self.time.get().wrapping_add(self.effort.get()));
        [x.saturating_mul(2)]
    }
    fn status(&self) -> Status {
        let mut status = Status::from_bits(self.saturated.get() as u32);
        if self.invalid.get() {
            status.set_invalid(0);
        }
        status
    }
}

impl Actuator<[i16; 1]> for Rig {
    type Error = ();
    fn drive(&mut self, [y]: &[i16; 1]) -> Result<(), ()> {
        if self.jammed.get() {
            return Err(());
        }
        self.driven.set(*y);
        Ok(())
    }
}

impl Watchdog for Rig {
    fn feed(&mut self) {
        self.fed.set(self.fed.get() + 1);
    }
}

impl Clock for Rig {
    fn now(&mut self) -> u32 {
        self.time.get()
    }
}

type Loop = ControlLoop<Rig, Parts<Rig, Rig, Rig, Rig>, 1, 1>;

const PERIOD: u32 = 100;

fn rig(recovery: Recovery) -> (Rig, Loop) {
    let rig = Rig::default();
    rig.time.set(u32::MAX - 250); // wraps in the third period
    let devices = Parts {
        sensor: rig.clone(),
        actuator: rig.clone(),
        clock: rig.clone(),
        watchdog: rig.clone(),
    };
    // Of bare integers, 1 is 2^15.
    const COUNT: f64 = 1.0 / 32768.0;
    const LIMITS: Limits<1, 1> = Limits::new(
        &Formats::of_numbers::<i16, i16>(),
        &[InputLimits { min: -1000.0 * COUNT, max: 1000.0 * COUNT, stuck: 4 }],
        &[OutputLimits {
            slew: 1500.0 * COUNT,
            safe: 10.0 * COUNT,
            ..OutputLimits::symmetric(1900.0 * COUNT)
        }],
        Tolerance::DEFAULT,
    );
    let settings =
        Settings { deadline: 60, max_age: 20, recovery, ..Settings::new(LIMITS, PERIOD) };
    (rig.clone(), ControlLoop::new(Supervisor::new(rig, settings), devices))
}

/// Polls once in every period; the input changes each time by itself.
fn periods(rig: &Rig, control: &mut Loop, count: u32) -> Vec<Step<1, 1>> {
    let mut steps = Vec::new();
    for _ in 0..count {
        rig.input.set(if rig.input.get() == 300 { 301 } else { 300 });
        let start = rig.time.get();
        steps.extend(control.poll());
        assert!(control.poll().is_none(), "one step a period");
        rig.time.set(start.wrapping_add(PERIOD));
    }
    steps
}

const QUICK: Recovery = Recovery { healthy: 2, manual: false, reset: true };

/// A rig in full service.
fn running(recovery: Recovery) -> (Rig, Loop) {
    let (rig, mut control) = rig(recovery);
    let steps = periods(&rig, &mut control, 4);
    assert_eq!(steps.last().unwrap().state, State::Running);
    assert_eq!(control.supervisor.faults().total(), 0);
    rig.resets.set(0);
    (rig, control)
}

/// One bad period, then good ones: safe at once, back after two sound samples, with a reset.
fn is_survived(rig: &Rig, control: &mut Loop, fault: Fault, bad: impl Fn(bool)) {
    bad(true);
    let step = periods(rig, control, 1)[0];
    bad(false);
    assert_eq!((step.fault, step.state), (Some(fault), State::Safe(fault)));
    assert_eq!(control.supervisor.faults().of(fault), 1);
    assert_eq!(control.supervisor.faults().total(), 1);
    assert_eq!(step.output, [10]);
    let steps = periods(rig, control, 3);
    assert_eq!(steps.iter().map(|s| s.output[0]).collect::<Vec<_>>()[0], 10);
    assert_eq!(steps[0].state, State::Safe(fault));
    assert_eq!(steps[1].state, State::Running);
    assert!((599..=602).contains(&steps[1].output[0]));
    assert_eq!(rig.resets.get(), 1);
}

#[test]
fn sound_periods_drive_the_controllers_output_and_feed_the_dog() {
    let (rig, mut control) = rig(QUICK);
    let steps = periods(&rig, &mut control, 20);
    assert_eq!(steps.len(), 20);
    assert_eq!((steps[0].output, steps[0].state), ([10], State::Safe(Fault::Sensor)));
    for (index, step) in steps.iter().enumerate().skip(1) {
        assert_eq!((step.number, step.state, step.fault), (index as u32, State::Running, None));
        assert_eq!(step.output[0], 2 * step.input.unwrap()[0]);
    }
    assert_eq!((rig.fed.get(), rig.driven.get() as i32), (20, steps[19].output[0]));
    assert_eq!(control.supervisor.faults().total(), 0);
}

#[test]
fn a_mute_sensor_is_survived() {
    let (rig, mut control) = running(QUICK);
    is_survived(&rig, &mut control, Fault::Sensor, |bad| rig.mute.set(bad));
}

#[test]
fn an_old_sample_is_survived() {
    let (rig, mut control) = running(QUICK);
    is_survived(&rig, &mut control, Fault::Stale, |bad| rig.age.set(if bad { 21 } else { 20 }));
}

#[test]
fn a_missed_deadline_is_survived() {
    let (rig, mut control) = running(QUICK);
    is_survived(&rig, &mut control, Fault::Deadline, |bad| {
        rig.effort.set(if bad { 61 } else { 60 })
    });
}

#[test]
fn an_implausible_input_is_survived() {
    let (rig, mut control) = running(QUICK);
    rig.input.set(1001);
    let step = control.poll().unwrap();
    assert_eq!((step.fault, step.output), (Some(Fault::Range), [10]));
    rig.time.set(rig.time.get() + PERIOD);
    let states: Vec<State> = periods(&rig, &mut control, 2).iter().map(|s| s.state).collect();
    assert_eq!(states, [State::Safe(Fault::Range), State::Running]);
}

#[test]
fn a_stuck_input_is_survived() {
    let (rig, mut control) = running(QUICK);
    let mut faults = Vec::new();
    for _ in 0..7 {
        faults.push(control.poll().unwrap().fault);
        rig.time.set(rig.time.get() + PERIOD);
    }
    // The sample before and four more.
    let stuck = Some(Fault::Stuck);
    assert_eq!(faults, [None, None, None, stuck, stuck, stuck, stuck]);
    assert_eq!(periods(&rig, &mut control, 2)[1].state, State::Running);
}

#[test]
fn saturation_on_end_is_survived_and_counted() {
    let (rig, mut control) = running(QUICK);
    rig.saturated.set(true);
    let steps = periods(&rig, &mut control, 4);
    let faults: Vec<_> = steps.iter().map(|s| s.fault).collect();
    assert_eq!(faults, [None, None, None, Some(Fault::Saturated)]);
    assert_eq!(steps[3].output, [10]);
    rig.saturated.set(false);
    assert_eq!(periods(&rig, &mut control, 2)[1].state, State::Running);
    assert_eq!(control.supervisor.guard().saturated(), 4);
}

#[test]
fn no_number_is_a_fault_at_once_and_survived() {
    let (rig, mut control) = running(QUICK);
    rig.invalid.set(true);
    let step = periods(&rig, &mut control, 1)[0];
    assert_eq!((step.fault, step.output), (Some(Fault::Invalid), [10]));
    assert_eq!(step.state, State::Safe(Fault::Invalid));
    rig.invalid.set(false);
    assert_eq!(periods(&rig, &mut control, 2)[1].state, State::Running);
    assert_eq!(
        (control.supervisor.faults().of(Fault::Invalid), control.supervisor.guard().saturated()),
        (1, 0)
    );
}

#[test]
fn a_sample_that_is_no_number_never_reaches_the_controller() {
    let (rig, mut control) = running(QUICK);
    is_survived(&rig, &mut control, Fault::Invalid, |bad| rig.missing.set(bad));
    rig.missing.set(true);
    let steps = periods(&rig, &mut control, 9);
    // Nor does it count as a sound one on the way back.
    assert!(steps.iter().all(|s| s.output == [10] && s.state == State::Safe(Fault::Invalid)));
    assert!(steps.iter().all(|s| s.status == Status::new()), "not stepped");
    assert_eq!(control.supervisor.guard().invalid(), 10);
}

#[test]
fn missed_periods_are_counted_one_by_one() {
    let (rig, mut control) = running(QUICK);
    let number = periods(&rig, &mut control, 1)[0].number;
    rig.time.set(rig.time.get() + 3 * PERIOD + 1);
    rig.input.set(0);
    let step = control.poll().unwrap();
    assert_eq!((step.number, step.fault), (number + 4, Some(Fault::Overrun)));
    assert_eq!(step.output, [10]);
    assert_eq!(control.supervisor.faults().of(Fault::Overrun), 3);
    assert!(control.poll().is_none());
    rig.time.set(rig.time.get() + PERIOD - 1);
    assert_eq!(control.poll().unwrap().latency, 0, "back on the old grid");
}

#[test]
fn a_clock_that_jumps_back_is_a_fault_and_no_stand_still() {
    let (rig, mut control) = running(QUICK);
    // Within the period before: it is only longer.
    rig.time.set(rig.time.get() - PERIOD / 2);
    assert!(control.poll().is_none());
    rig.time.set(rig.time.get() + PERIOD / 2);
    assert_eq!(periods(&rig, &mut control, 1)[0].fault, None);
    for jump in [2 * PERIOD, 1 << 20, 1 << 31] {
        rig.time.set(rig.time.get().wrapping_sub(jump));
        let steps = periods(&rig, &mut control, 3);
        let clock = Some(Fault::Clock);
        assert_eq!(steps.iter().map(|s| s.fault).collect::<Vec<_>>(), [clock, None, None]);
        assert_eq!((steps[0].output, steps[2].state), ([10], State::Running));
    }
    assert_eq!(control.supervisor.faults().of(Fault::Clock), 3);
}

#[test]
fn a_damaged_table_is_a_fault_for_good() {
    static TABLE: [u8; 4] = [1, 2, 3, 4];
    static DAMAGED: [u8; 4] = [1, 2, 3, 5];
    static SOUND: Tables = Tables::new(&[Words::U8(&TABLE)], 2);
    let (rig, mut control) = running(QUICK);
    control.supervisor.guard = control.supervisor.guard.with_tables(&SOUND);
    assert!(periods(&rig, &mut control, 9).iter().all(|s| s.fault.is_none()));
    let damaged = SOUND.damaged(const { &[Words::U8(&DAMAGED)] });
    control.supervisor.guard = control.supervisor.guard.with_tables(&damaged);
    let steps = periods(&rig, &mut control, 9);
    assert!(steps.iter().all(|s| s.fault == Some(Fault::Tables) && s.output == [10]));
    assert!(steps.iter().all(|s| s.status == Status::new()), "not stepped");
}

#[test]
fn a_jammed_actuator_starves_the_dog_until_it_moves() {
    let (rig, mut control) = running(QUICK);
    let fed = rig.fed.get();
    rig.jammed.set(true);
    let steps = periods(&rig, &mut control, 5);
    assert!(steps.iter().all(|s| s.fault == Some(Fault::Actuator)));
    assert_eq!(rig.fed.get(), fed);
    rig.jammed.set(false);
    assert_eq!(periods(&rig, &mut control, 2)[1].state, State::Running);
    assert_eq!(rig.fed.get(), fed + 2);
}

#[test]
fn a_manual_recovery_waits_for_a_person() {
    let (rig, mut control) = running(Recovery { manual: true, ..QUICK });
    rig.mute.set(true);
    periods(&rig, &mut control, 1);
    rig.mute.set(false);
    assert!(periods(&rig, &mut control, 9).iter().all(|s| s.state != State::Running));
    control.supervisor.rearm();
    assert_eq!(periods(&rig, &mut control, 1)[0].state, State::Running);
}

#[test]
fn a_stop_holds_until_it_is_lifted() {
    let (rig, mut control) = running(QUICK);
    control.supervisor.stop(Fault::Range);
    assert!(periods(&rig, &mut control, 9).iter().all(|s| s.output == [10]));
    control.supervisor.rearm();
    assert_eq!(periods(&rig, &mut control, 1)[0].state, State::Running);
}

#[test]
fn limits_hold_for_numbers_with_a_format() {
    struct Wild;
    impl Controller for Wild {
        type Input = [I4F12; 1];
        type Output = [I4F12; 1];
        fn reset(&mut self) {}
        fn step(&mut self, _: &[I4F12; 1]) -> [I4F12; 1] {
            [I4F12::MAX]
        }
        fn status(&self) -> Status {
            Status::new()
        }
    }
    struct Still;
    impl Sensor<[I4F12; 1]> for Still {
        type Error = ();
        fn sample(&mut self, now: u32) -> Result<Sample<[I4F12; 1]>, ()> {
            Ok(Sample::new([I4F12::ZERO], now))
        }
    }
    impl Actuator<[I4F12; 1]> for Still {
        type Error = ();
        fn drive(&mut self, [y]: &[I4F12; 1]) -> Result<(), ()> {
            assert!(*y <= 1);
            Ok(())
        }
    }
    let mut time = 0;
    let clock = move || {
        time += 1;
        time
    };
    let devices = Parts { sensor: Still, actuator: Still, clock, watchdog: () };
    const LIMITS: Limits<1, 1> = Limits::new(
        &Formats::of_numbers::<I4F12, I4F12>(),
        &[InputLimits::ANY],
        &[OutputLimits::symmetric(1.0)],
        Tolerance::DEFAULT,
    );
    let settings = Settings { max_age: 0, recovery: QUICK, ..Settings::new(LIMITS, 3) };
    let mut control = ControlLoop::new(Supervisor::new(Wild, settings), devices);
    let steps: Vec<_> = (0..30).filter_map(|_| control.poll()).collect();
    assert_eq!(steps.last().unwrap().output, [4096]);
}
