//! Tasks on a hand-made executor, whose clock goes on while they wait.

use super::*;
use crate::control::{Fault, Limits, Recovery, Settings, State};
use crate::controller::{Controller, Status};
use crate::number::Formats;
use core::future::poll_fn;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

extern crate std;
use std::cell::Cell;
use std::rc::Rc;
use std::vec::Vec;

const PERIOD: u32 = 100;

/// Everything that the task touches.
#[derive(Clone, Default)]
struct Rig {
    time: Rc<Cell<u32>>,
    input: Rc<Cell<i16>>,
    /// Ticks that the sensor and the actuator take.
    busy: Rc<Cell<u32>>,
    /// Ticks by which a wait is too short.
    early: Rc<Cell<u32>>,
    mute: Rc<Cell<bool>>,
    jammed: Rc<Cell<bool>>,
    fed: Rc<Cell<u32>>,
    driven: Rc<Cell<i16>>,
}

impl Rig {
    /// Lets the executor run, while so many ticks go by.
    async fn pass(&self, ticks: u32) {
        let mut waited = false;
        poll_fn(|_| match waited {
            true => Poll::Ready(()),
            false => {
                waited = true;
                Poll::Pending
            }
        })
        .await;
        self.time.set(self.time.get().wrapping_add(ticks));
    }
}

impl Clock for Rig {
    fn now(&mut self) -> u32 {
        self.time.get()
    }
}

impl Timer for Rig {
    async fn wait(&mut self, ticks: u32) {
        self.pass(ticks - self.early.take().min(ticks)).await;
    }
}

impl Sensor<[i16; 1]> for Rig {
    type Error = ();
    async fn sample(&mut self, now: u32) -> Result<Sample<[i16; 1]>, ()> {
        self.pass(self.busy.get()).await;
        self.input.set(self.input.get() ^ 1);
        if self.mute.get() { Err(()) } else { Ok(Sample::new([self.input.get()], now)) }
    }
}

impl Actuator<[i16; 1]> for Rig {
    type Error = ();
    async fn drive(&mut self, [y]: &[i16; 1]) -> Result<(), ()> {
        self.pass(self.busy.get()).await;
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

/// Its output is its input.
struct Echo;

impl Controller for Echo {
    type Input = [i16; 1];
    type Output = [i16; 1];
    fn reset(&mut self) {}
    fn step(&mut self, input: &[i16; 1]) -> [i16; 1] {
        *input
    }
    fn status(&self) -> Status {
        Status::new()
    }
}

type Devices = Parts<Rig, Rig, Rig, Rig>;

fn rig() -> (Rig, Supervisor<Echo, 1, 1>, Devices) {
    const LIMITS: Limits<1, 1> = Limits::any(&Formats::of_numbers::<i16, i16>());
    let settings = Settings {
        deadline: 60,
        max_age: 40,
        recovery: Recovery { healthy: 1, ..Recovery::DEFAULT },
        ..Settings::new(LIMITS, PERIOD)
    };
    let rig = Rig::default();
    rig.input.set(500);
    rig.time.set(u32::MAX - 250); // wraps in the third period
    let part = || rig.clone();
    let devices = Parts { sensor: part(), actuator: part(), clock: part(), watchdog: part() };
    (rig.clone(), Supervisor::new(Echo, settings), devices)
}

/// Polls a future up to so many times; what it came to.
fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..times).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

fn block_on<F: Future>(future: F) -> F::Output {
    polled(future, 1000).unwrap()
}

/// A loop of so many polls; `before` is called after each step with how many there were.
fn run_for(
    polls: usize,
    supervisor: &mut Supervisor<Echo, 1, 1>,
    devices: &mut Devices,
    mut before: impl FnMut(usize, &mut Supervisor<Echo, 1, 1>),
) -> Vec<Step<1, 1>> {
    let mut steps = Vec::new();
    let after = |step: &Step<1, 1>, supervisor: &mut Supervisor<Echo, 1, 1>| {
        steps.push(*step);
        before(steps.len(), supervisor);
    };
    assert!(polled(run(supervisor, devices, after), polls).is_none(), "for ever");
    steps
}

#[test]
fn a_task_keeps_its_grid_while_devices_are_waited_for() {
    let (rig, mut supervisor, mut devices) = rig();
    rig.busy.set(30);
    let start = rig.time.get();
    let steps = run_for(300, &mut supervisor, &mut devices, |_, _| ());
    assert_eq!(steps.len(), 99);
    for (number, step) in steps.iter().enumerate() {
        assert_eq!((step.number, step.state, step.fault), (number as u32, State::Running, None));
        assert_eq!((step.latency, step.output), (30, step.input.unwrap()));
    }
    assert_eq!((rig.fed.get(), supervisor.faults().total()), (99, 0));
    assert!(rig.time.get().wrapping_sub(start) <= 100 * PERIOD);
}

#[test]
fn a_wait_that_ends_early_skips_no_period() {
    let (rig, mut supervisor, mut devices) = rig();
    let steps = run_for(100, &mut supervisor, &mut devices, |_, _| rig.early.set(7));
    assert!(steps.len() > 20);
    assert!(steps.iter().all(|step| step.fault.is_none() && step.latency == 0));
}

#[test]
fn a_sample_that_came_late_is_as_old_as_it_is() {
    let (rig, mut supervisor, mut devices) = rig();
    rig.busy.set(41);
    let step = block_on(period(&mut supervisor, &mut devices)).unwrap();
    assert_eq!((step.fault, step.output), (Some(Fault::Stale), [0]));
    rig.busy.set(0);
    rig.time.set(rig.time.get() + PERIOD - 82);
    assert_eq!(block_on(period(&mut supervisor, &mut devices)).unwrap().fault, None);
    assert!(block_on(period(&mut supervisor, &mut devices)).is_none(), "not yet due");
}

#[test]
fn devices_that_fail_are_survived() {
    let (rig, mut supervisor, mut devices) = rig();
    let steps = run_for(30, &mut supervisor, &mut devices, |done, _| {
        rig.mute.set(done == 2);
        rig.jammed.set(done == 4);
    });
    let faults: Vec<_> = steps.iter().map(|step| step.fault).take(7).collect();
    let (sensor, actuator) = (Some(Fault::Sensor), Some(Fault::Actuator));
    assert_eq!(faults, [None, None, sensor, None, actuator, None, None]);
    assert_eq!((steps[2].output, steps[5].state), ([0], State::Running));
    assert_eq!(rig.fed.get() as usize, steps.len() - 1);
}

#[test]
fn a_task_can_be_stopped_and_rearmed_between_periods() {
    let (_, mut supervisor, mut devices) = rig();
    let steps = run_for(30, &mut supervisor, &mut devices, |done, supervisor| match done {
        2 => supervisor.stop(Fault::Range),
        5 => supervisor.rearm(),
        _ => {}
    });
    let safe: Vec<_> = steps.iter().map(|step| step.state != State::Running).take(7).collect();
    assert_eq!(safe, [false, false, true, true, true, false, false]);
}

#[test]
fn a_period_that_is_cancelled_begins_again_or_is_missed() {
    let (rig, mut supervisor, mut devices) = rig();
    block_on(period(&mut supervisor, &mut devices)).unwrap();
    // While its sensor is waited for, then while its actuator is.
    for polls in [1, 2] {
        rig.time.set(rig.time.get().wrapping_add(PERIOD));
        assert!(polled(period(&mut supervisor, &mut devices), polls).is_none());
        let step = block_on(period(&mut supervisor, &mut devices)).unwrap();
        assert_eq!((step.number, step.fault), (polls as u32, None));
    }
    rig.time.set(rig.time.get().wrapping_add(PERIOD));
    assert!(polled(period(&mut supervisor, &mut devices), 1).is_none());
    rig.time.set(rig.time.get().wrapping_add(PERIOD));
    let step = block_on(period(&mut supervisor, &mut devices)).unwrap();
    assert_eq!((step.number, step.fault), (4, Some(Fault::Overrun)));
}
