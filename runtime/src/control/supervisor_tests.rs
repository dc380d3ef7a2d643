//! Accidents of flight stacks, on a model of mixed formats; and the same steps whoever drives a supervisor.

use super::*;
use crate::control::{
    Actuator, Clock, ControlLoop, InputLimits, OutputLimits, Parts, Sensor, Tolerance, task,
};
use crate::controller::{Controller, Sealed};
use crate::input::{Reading, Value};
use crate::number::{Formats, Number};
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use fixed::types::{I4F12, I12F20, I16F16, I24F8};
use proptest::prelude::*;

extern crate std;
use std::cell::Cell;
use std::vec::Vec;

/// As a generated model of two inputs in formats of their own: a rate within 100 and an altitude within 10000.
#[derive(Default)]
struct Climb {
    status: Status,
}

/// What its module would call so.
type Input = (I12F20, I24F8);

impl Controller for Climb {
    type Input = Input;
    type Output = [I4F12; 1];

    fn reset(&mut self) {}

    fn step(&mut self, input: &Input) -> [I4F12; 1] {
        self.step_raw(&Self::input_to_raw(input)).map(I4F12::from_bits)
    }

    fn status(&self) -> Status {
        self.status
    }
}

impl Sealed for Climb {}

impl RawStep<2, 1> for Climb {
    type RawInput = i32;
    type RawOutput = i16;
    const INPUT_FRAC: [u8; 2] = [20, 8];
    const INPUT_RANGES: &'static [[i32; 2]; 2] = &[[-100 << 20, 100 << 20], [0, 10_000 << 8]];
    const OUTPUT_FRAC: [u8; 1] = [12];
    const GUARD: Limits<2, 1> = Limits::new(
        &Self::FORMATS,
        &[
            InputLimits { min: -90.0, max: 90.0, stuck: 3 },
            InputLimits { min: 0.0, max: 9000.0, stuck: 0 },
        ],
        &[OutputLimits { safe: 0.25, ..OutputLimits::symmetric(2.0) }],
        Tolerance::DEFAULT,
    );

    /// The rate's 64th, less the altitude's 8192th.
    fn step_raw(&mut self, &[rate, altitude]: &[i32; 2]) -> [i16; 1] {
        self.status = Status::new();
        [i16::from_raw((rate >> 14) - (altitude >> 9))]
    }

    fn note(&mut self, status: Status) {
        self.status = self.status.and(status);
    }
}

/// As its module would have it.
impl Ports<2, 1> for Climb {
    fn input_to_raw(input: &Input) -> [i32; 2] {
        [input.0.raw(), input.1.raw()]
    }

    fn input_from_raw(&[rate, altitude]: &[i32; 2]) -> Input {
        (Number::from_raw(rate), Number::from_raw(altitude))
    }

    fn output_to_raw(output: &[I4F12; 1]) -> [i32; 1] {
        output.map(Number::raw)
    }

    fn output_from_raw(raw: &[i32; 1]) -> [I4F12; 1] {
        raw.map(Number::from_raw)
    }
}

const SETTINGS: Settings<2, 1> = Settings {
    deadline: 60,
    max_age: 40,
    recovery: Recovery { healthy: 1, ..Recovery::DEFAULT },
    ..Settings::of::<Climb>(100)
};

/// The output in the middle of doubt.
const SAFE: i32 = 1024;

fn flight() -> Supervisor<Climb, 2, 1> {
    Supervisor::new(Climb::default(), SETTINGS)
}

fn reading(rate: impl Value, altitude: impl Value) -> Reading<Climb, 2, 1> {
    let mut reading = Reading::new();
    reading.set(0, rate);
    reading.set(1, altitude);
    reading
}

/// A period on time, and an actuator that moves.
fn fly(
    supervisor: &mut Supervisor<Climb, 2, 1>,
    now: u32,
    sample: Option<Sample<Input>>,
) -> Step<2, 1> {
    let due = supervisor.begin(now).unwrap();
    let decision = supervisor.decide(due, sample, now);
    let step = supervisor.conclude(decision, now);
    supervisor.finish(step, true)
}

/// The faults and outputs of periods with these readings, each so many ticks old.
fn flown(readings: &[(Reading<Climb, 2, 1>, u32)]) -> Vec<(Option<Fault>, i32)> {
    let mut supervisor = flight();
    let step = |(i, (reading, age)): (usize, &(Reading<Climb, 2, 1>, u32))| {
        let now = 100 * i as u32;
        let sample = Sample::of(reading, now.wrapping_sub(*age));
        let step = fly(&mut supervisor, now, Some(sample));
        (step.fault, step.output[0])
    };
    readings.iter().enumerate().map(step).collect()
}

fn number(x: i32) -> I16F16 {
    I16F16::from_num(x)
}

#[test]
fn mixed_formats_need_nothing_of_their_own() {
    let readings = [(32, 0), (-32, 0), (32, 8192), (-64, 8192)];
    let readings = readings.map(|(rate, altitude)| (reading(number(rate), number(altitude)), 0));
    let half = 1 << 11;
    let expected = [half, -half, half - (1 << 12), -2 << 12].map(|output| (None, output));
    assert_eq!(flown(&readings), expected);
}

#[cfg(feature = "f32")]
#[test]
fn an_output_that_came_of_nan_is_never_driven() {
    let sound = |rate: i16| (reading(number(rate.into()), number(0)), 0);
    let nan = (reading(f32::NAN, 0.0_f32), 0);
    // Computed by somebody else, then taken for a sensor's.
    let behind = (reading(1.0_f32, f32::INFINITY - f32::INFINITY), 0);
    let invalid = (Some(Fault::Invalid), SAFE);
    let steps = flown(&[sound(32), nan, behind, sound(16)]);
    assert_eq!(steps, [(None, 2048), invalid, invalid, (None, 1024)]);
}

#[test]
fn what_was_never_set_is_no_number() {
    let mut half = Reading::new();
    half.set(1, number(100));
    assert_eq!(flown(&[(half, 0)]), [(Some(Fault::Invalid), SAFE)]);
    // Nor is a place that no input has.
    let mut stray = reading(number(1), number(1));
    stray.set(2, number(1));
    assert_eq!(flown(&[(stray, 0)]), [(Some(Fault::Invalid), SAFE)]);
}

#[test]
fn a_controller_that_gives_no_number_is_not_believed() {
    /// Says of its own step that an input was none.
    struct Doubt;
    impl Controller for Doubt {
        type Input = [I4F12; 1];
        type Output = [I4F12; 1];
        fn reset(&mut self) {}
        fn step(&mut self, _: &[I4F12; 1]) -> [I4F12; 1] {
            [I4F12::MAX]
        }
        fn status(&self) -> Status {
            let mut status = Status::new();
            status.set_invalid(0);
            status
        }
    }
    let limits = Limits::any(&Formats::of_numbers::<I4F12, I4F12>());
    let recovery = Recovery { healthy: 1, ..Recovery::DEFAULT };
    let mut supervisor =
        Supervisor::new(Doubt, Settings { recovery, ..Settings::new(limits, 100) });
    for now in [0, 100, 200] {
        let due = supervisor.begin(now).unwrap();
        let decision = supervisor.decide(due, Some(Sample::new([I4F12::ONE], now)), now);
        let step = supervisor.conclude(decision, now);
        assert_eq!((step.fault, step.output), (Some(Fault::Invalid), [0]));
        let _ = supervisor.finish(step, true);
    }
}

#[test]
fn stale_stuck_and_implausible_inputs_are_told_apart() {
    let sound = |rate: i32| reading(number(rate), number(4096));
    let fault = |fault| (Some(fault), SAFE);
    let steps = flown(&[(sound(32), 40), (sound(31), 41), (sound(48), 0)]);
    assert_eq!(steps, [(None, 0), fault(Fault::Stale), (None, 1024)]);
    let beyond = [reading(number(91), number(0)), reading(number(0), number(9001))];
    let steps = flown(&beyond.map(|reading| (reading, 0)));
    assert_eq!(steps, [fault(Fault::Range); 2]);
    let steps = flown(&[32, 32, 32, 32, 33].map(|rate| (sound(rate), 0)));
    let faults: Vec<_> = steps.iter().map(|step| step.0).collect();
    assert_eq!(faults, [None, None, None, Some(Fault::Stuck), None]);
    // A sample of the future is none of now.
    assert_eq!(flown(&[(sound(32), 1_u32.wrapping_neg())]), [fault(Fault::Stale)]);
}

#[test]
fn numbers_of_another_shape_are_refused() {
    let supervisor = flight();
    let sample = supervisor.sample(&[32 << 20, 8192 << 8], 7).unwrap();
    assert_eq!(sample, Sample::new((I12F20::from_num(32), I24F8::from_num(8192)), 7));
    for found in [0, 1, 3, 60] {
        let numbers = [0; 60];
        let wrong = WrongLength { expected: 2, found };
        assert_eq!(supervisor.sample(&numbers[..found], 7), Err(wrong));
        let numbers = [I4F12::ONE; 60];
        assert_eq!(Reading::<Climb, 2, 1>::from_slice(&numbers[..found]).err(), Some(wrong));
    }
    let told = std::format!("{}", WrongLength { expected: 2, found: 3 });
    assert_eq!(told, "the model has 2 inputs, and here are 3 numbers");
    let reading = Reading::<Climb, 2, 1>::from_slice(&[I4F12::ONE; 2]).unwrap();
    assert_eq!(reading.raw(), &[1 << 20, 1 << 8]);
}

#[test]
fn a_wait_is_as_long_as_the_next_period_is_away() {
    let mut supervisor = flight();
    assert_eq!(supervisor.wait(7), 0, "not yet started");
    fly(&mut supervisor, 7, None);
    let waits = [7, 8, 106, 107, 108].map(|now| supervisor.wait(now));
    assert_eq!(waits, [100, 99, 1, 0, 0]);
    assert_eq!(supervisor.wait(6), 0, "further than a period: the clock went back");
}

/// What happens in one look at the clock.
#[derive(Clone, Copy, Debug)]
struct Moment {
    /// Ticks since the one before.
    ticks: u32,
    /// Rate, altitude, and how old they are.
    says: Option<(i8, u8, u8)>,
    missing: bool,
    /// Ticks that the controller takes.
    effort: u8,
    jammed: bool,
    /// A hand on the stop button, or on the other one.
    hand: Option<bool>,
}

fn moment() -> impl Strategy<Value = Moment> {
    let ticks = prop_oneof![
        20 => Just(100), 5 => 0_u32..300, 1 => any::<u32>(), 1 => (1_u32..300).prop_map(u32::wrapping_neg)
    ];
    let says = prop::option::weighted(0.9, (-40_i8..100, any::<u8>(), 0_u8..45));
    let flag = prop::bool::weighted(0.05);
    let hand = prop::option::weighted(0.02, any::<bool>());
    (ticks, says, flag, 0_u8..65, flag, hand).prop_map(
        |(ticks, says, missing, effort, jammed, hand)| Moment {
            ticks,
            says,
            missing,
            effort,
            jammed,
            hand,
        },
    )
}

impl Moment {
    fn sample(&self, now: u32) -> Option<Sample<Input>> {
        let (rate, altitude, age) = self.says?;
        let value = (I12F20::from_num(rate), I24F8::from_num(altitude));
        let mut sample = Sample::new(value, now.wrapping_sub(age.into()));
        if self.missing {
            sample.status.set_invalid(0);
        }
        Some(sample)
    }

    fn hand(&self, supervisor: &mut Supervisor<Worked<'_>, 2, 1>) {
        match self.hand {
            Some(true) => supervisor.stop(Fault::Range),
            Some(false) => supervisor.rearm(),
            None => {}
        }
    }
}

/// The controller, whose work takes time.
struct Worked<'a>(Climb, &'a Cell<u32>, &'a Cell<Moment>);

impl Controller for Worked<'_> {
    type Input = Input;
    type Output = [I4F12; 1];
    fn reset(&mut self) {
        self.0.reset();
    }
    fn step(&mut self, input: &Input) -> [I4F12; 1] {
        let Self(climb, time, moment) = self;
        time.set(time.get().wrapping_add(moment.get().effort.into()));
        climb.step(input)
    }
    fn status(&self) -> Status {
        self.0.status()
    }
}

impl Ports<2, 1> for Worked<'_> {
    fn input_to_raw(input: &Input) -> [i32; 2] {
        Climb::input_to_raw(input)
    }
    fn input_from_raw(raw: &[i32; 2]) -> Input {
        Climb::input_from_raw(raw)
    }
    fn output_to_raw(output: &[I4F12; 1]) -> [i32; 1] {
        Climb::output_to_raw(output)
    }
    fn output_from_raw(raw: &[i32; 1]) -> [I4F12; 1] {
        Climb::output_from_raw(raw)
    }
}

/// The devices of both loops.
#[derive(Clone, Copy)]
struct World<'a>(&'a Cell<u32>, &'a Cell<Moment>);

impl Clock for World<'_> {
    fn now(&mut self) -> u32 {
        self.0.get()
    }
}

impl Sensor<Input> for World<'_> {
    type Error = ();
    fn sample(&mut self, now: u32) -> Result<Sample<Input>, ()> {
        self.1.get().sample(now).ok_or(())
    }
}

impl Actuator<[I4F12; 1]> for World<'_> {
    type Error = ();
    fn drive(&mut self, _: &[I4F12; 1]) -> Result<(), ()> {
        if self.1.get().jammed { Err(()) } else { Ok(()) }
    }
}

impl task::Sensor<Input> for World<'_> {
    type Error = ();
    async fn sample(&mut self, now: u32) -> Result<Sample<Input>, ()> {
        Sensor::sample(self, now)
    }
}

impl task::Actuator<[I4F12; 1]> for World<'_> {
    type Error = ();
    async fn drive(&mut self, output: &[I4F12; 1]) -> Result<(), ()> {
        Actuator::drive(self, output)
    }
}

/// The steps, the faults and the guard's counters.
type Flown = (Vec<Option<Step<2, 1>>>, Faults, [u32; 3]);

/// Takes a supervisor through moments; `period` does what is to be done in each.
fn through<'a, S>(
    moments: &[Moment],
    (time, present): (&'a Cell<u32>, &'a Cell<Moment>),
    make: impl FnOnce(Supervisor<Worked<'a>, 2, 1>, World<'a>) -> S,
    supervisor: impl Fn(&mut S) -> &mut Supervisor<Worked<'a>, 2, 1>,
    mut period: impl FnMut(&mut S) -> Option<Step<2, 1>>,
) -> Flown {
    time.set(u32::MAX - 1000);
    let worked = Worked(Climb::default(), time, present);
    let mut flight = Supervisor::new(worked, SETTINGS);
    flight.start(time.get());
    let mut made = make(flight, World(time, present));
    let mut steps = Vec::new();
    for moment in moments {
        present.set(*moment);
        time.set(time.get().wrapping_add(moment.ticks));
        moment.hand(supervisor(&mut made));
        let before = time.get();
        steps.push(period(&mut made));
        time.set(before); // whatever the controller took
    }
    let supervisor = supervisor(&mut made);
    let guard = supervisor.guard();
    (steps, *supervisor.faults(), [guard.saturated(), guard.invalid(), guard.stale()])
}

proptest! {
    #[test]
    fn steps_are_the_same_whoever_drives(moments in prop::collection::vec(moment(), 1..120)) {
        let nothing =
            Moment { ticks: 0, says: None, missing: false, effort: 0, jammed: false, hand: None };
        let (time, present) = (Cell::new(0), Cell::new(nothing));
        let world = (&time, &present);
        let direct = through(
            &moments,
            world,
            |supervisor, _| supervisor,
            |supervisor| supervisor,
            |supervisor| {
                let (now, moment) = (time.get(), present.get());
                let due = supervisor.begin(now)?;
                let decision = supervisor.decide(due, moment.sample(now), now);
                let step = supervisor.conclude(decision, time.get());
                Some(supervisor.finish(step, !moment.jammed))
            },
        );
        let parts = |world| Parts { sensor: world, actuator: world, clock: world, watchdog: () };
        let polled = through(
            &moments,
            world,
            |supervisor, world| ControlLoop::new(supervisor, parts(world)),
            |control| &mut control.supervisor,
            |control| control.poll(),
        );
        prop_assert_eq!(&direct, &polled);
        let awaited = through(
            &moments,
            world,
            |supervisor, world| (supervisor, parts(world)),
            |(supervisor, _)| supervisor,
            |(supervisor, parts)| {
                let period = pin!(task::period(supervisor, parts));
                match period.poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(step) => step,
                    Poll::Pending => unreachable!("nobody waits"),
                }
            },
        );
        prop_assert_eq!(&direct, &awaited);
        // Whatever happened, nothing was driven beyond its limits, and no doubt but safely.
        for step in direct.0.iter().flatten() {
            prop_assert!(step.output[0].abs() <= 2 << 12);
            prop_assert!(step.state == State::Running || step.output == [SAFE]);
        }
    }
}
