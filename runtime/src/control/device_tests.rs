//! The whole loop between devices: an IMU on I2C, a servo on PWM, a watchdog chip on a pin.

use super::actuators::{Pulse, Servo};
use super::imu::{ADDRESS, Attitude, Complementary, Mpu6050};
use super::{
    Clock, ControlLoop, Fault, InputLimits, Limits, OutputLimits, Parts, Recovery, Sample, Sensor,
    Settings, State, Step, Supervisor, Tolerance, Watchdog,
};
use crate::number::Formats;
use crate::{Controller, Status};
use embedded_hal::digital::OutputPin;
use embedded_hal_mock::eh1::MockError;
use embedded_hal_mock::eh1::digital::{Mock as Pin, State as Level, Transaction as PinIo};
use embedded_hal_mock::eh1::i2c::{Mock as Bus, Transaction as BusIo};
use embedded_hal_mock::eh1::pwm::{Mock as Pwm, Transaction as PwmIo};
use fixed::types::I4F12;

extern crate std;
use std::cell::Cell;
use std::io::ErrorKind;
use std::rc::Rc;
use std::vec;
use std::vec::Vec;

const PERIOD: u32 = 100;
/// Microseconds of the servo's pulse in the middle, where the safe output has it.
const MIDDLE: u16 = 1_500;

/// What goes wrong in a period, if anything does.
#[derive(Clone, Copy, Default)]
struct Period {
    /// The bus does not answer.
    mute: bool,
    /// Counts of the gyroscope about x, 65.5 to a degree a second.
    rate: i16,
    /// Ticks that the sample is old.
    age: u32,
    /// Ticks that the controller takes.
    effort: u32,
    saturated: bool,
    /// What the controller wants, in quarters of full scale.
    wanted: i16,
    /// The pulse that the servo must see.
    pulse: u16,
    /// The channel refuses it.
    jammed: bool,
    fault: Option<Fault>,
}

/// A sound period in which the controller wants the middle; the rate is never the one before.
fn sound(index: usize) -> Period {
    Period { rate: index as i16, pulse: MIDDLE, ..Period::default() }
}

/// The period at hand, as the parts see it.
#[derive(Clone, Default)]
struct Now {
    period: Rc<Cell<Period>>,
    time: Rc<Cell<u32>>,
}

impl Clock for Now {
    fn now(&mut self) -> u32 {
        self.time.get()
    }
}

impl Controller for Now {
    type Input = [I4F12; 4];
    type Output = [I4F12; 1];

    fn reset(&mut self) {}

    fn step(&mut self, _: &[I4F12; 4]) -> [I4F12; 1] {
        self.time.set(self.time.get() + self.period.get().effort);
        [I4F12::from_num(self.period.get().wanted) / 4]
    }

    fn status(&self) -> Status {
        Status::from_bits(self.period.get().saturated as u32)
    }
}

/// An IMU whose samples come late.
struct Late(Attitude<Bus>, Now);

impl Sensor<[I4F12; 4]> for Late {
    type Error = <Attitude<Bus> as Sensor<[I4F12; 4]>>::Error;

    fn sample(&mut self, now: u32) -> Result<Sample<[I4F12; 4]>, Self::Error> {
        let sample: Sample<[I4F12; 4]> = self.0.sample(now)?;
        Ok(Sample { taken: now - self.1.period.get().age, ..sample })
    }
}

/// Pulls a pin of the watchdog's chip.
struct Chip(Pin);

impl Watchdog for Chip {
    fn feed(&mut self) {
        self.0.set_high().unwrap();
    }
}

/// What the IMU is asked, and what it says.
fn bus(periods: &[Period]) -> Bus {
    let mut io = vec![BusIo::write_read(ADDRESS, vec![0x75], vec![0x68])];
    for setting in [[0x6b, 1], [0x1a, 3], [0x1b, 8]] {
        io.push(BusIo::write(ADDRESS, setting.to_vec()));
    }
    for period in periods {
        let counts = [0, 0, 16384, 0, period.rate, 0, 0].map(i16::to_be_bytes);
        let reading = BusIo::write_read(ADDRESS, vec![0x3b], counts.concat());
        let gone = embedded_hal::i2c::ErrorKind::Bus;
        io.push(if period.mute { reading.with_error(gone) } else { reading });
    }
    Bus::new(&io)
}

fn servo(periods: &[Period]) -> Pwm {
    let io = periods.iter().flat_map(|period| {
        let duty = PwmIo::set_duty_cycle(period.pulse);
        let jam = MockError::Io(ErrorKind::BrokenPipe);
        let duty = if period.jammed { duty.with_error(jam) } else { duty };
        [PwmIo::max_duty_cycle(20_000), duty]
    });
    Pwm::new(&io.collect::<Vec<_>>())
}

/// Runs all periods; the devices check what they see, and that they see no more.
fn run(periods: &[Period]) -> Vec<Step<4, 1>> {
    let now = Now::default();
    now.time.set(1000);
    let (mut bus, mut pwm) = (bus(periods), servo(periods));
    // Fed once in every period that the servo took its pulse in.
    let fed = periods.iter().filter(|period| !period.jammed);
    let mut pin = Pin::new(&fed.map(|_| PinIo::set(Level::High)).collect::<Vec<_>>());
    let imu = Mpu6050::new(bus.clone(), ADDRESS).unwrap();
    let devices = Parts {
        sensor: Late(Attitude::new(imu, Complementary::new(0.5, 0.01)), now.clone()),
        actuator: Servo::new(pwm.clone(), Pulse::HOBBY),
        clock: now.clone(),
        watchdog: Chip(pin.clone()),
    };
    // At most 2 rad/s about x, and never the same three times.
    const RATE: InputLimits = InputLimits { min: -2.0, max: 2.0, stuck: 2 };
    // Half of full scale at most, a quarter a period.
    const OUTPUT: OutputLimits = OutputLimits { slew: 0.25, ..OutputLimits::symmetric(0.5) };
    const LIMITS: Limits<4, 1> = Limits::new(
        &Formats::of_numbers::<I4F12, I4F12>(),
        &[InputLimits::ANY, InputLimits::ANY, RATE, InputLimits::ANY],
        &[OUTPUT],
        Tolerance { saturated: 1, ..Tolerance::DEFAULT },
    );
    let settings = Settings {
        deadline: 60,
        max_age: 20,
        recovery: Recovery { healthy: 2, ..Recovery::DEFAULT },
        ..Settings::new(LIMITS, PERIOD)
    };
    let mut control = ControlLoop::new(Supervisor::new(now.clone(), settings), devices);
    let mut steps = Vec::new();
    for (index, period) in periods.iter().enumerate() {
        now.time.set(1000 + PERIOD * index as u32);
        now.period.set(*period);
        steps.push(control.poll().unwrap());
        assert_eq!(steps[index].fault, period.fault, "period {index}");
    }
    let faults = periods.iter().filter(|period| period.fault.is_some()).count();
    assert_eq!(control.supervisor.faults().total() as usize, faults);
    bus.done();
    pwm.done();
    pin.done();
    steps
}

/// Four sound periods, a bad one, and the way back: the servo is in the middle until the second
/// sound sample, and at a quarter of its range in the period after.
fn is_survived(bad: Period) {
    let mut periods: Vec<_> = (0..9).map(sound).collect();
    periods[3] = Period { wanted: 1, pulse: 1_625, ..periods[3] };
    periods[4] = Period { pulse: MIDDLE, wanted: 1, ..bad };
    for (period, pulse) in periods[5..].iter_mut().zip([MIDDLE, 1_625, 1_625, 1_625]) {
        *period = Period { wanted: 1, pulse, ..*period };
    }
    let states: Vec<_> = run(&periods).iter().map(|step| step.state).collect();
    let (running, safe) = (State::Running, |fault| State::Safe(fault));
    let fault = bad.fault.unwrap();
    let start = safe(Fault::Sensor);
    let bad = safe(fault);
    let expected = [start, running, running, running, bad, bad, running, running, running];
    assert_eq!(states, expected);
}

#[test]
fn a_sound_loop_is_clamped_and_slewed() {
    let mut periods: Vec<_> = (0..7).map(sound).collect();
    // A quarter a period, and half at most.
    for (period, (wanted, pulse)) in
        periods[2..].iter_mut().zip([(4, 1_625), (4, 1_750), (4, 1_750), (-4, 1_625), (-4, 1_500)])
    {
        *period = Period { wanted, pulse, ..*period };
    }
    let steps = run(&periods);
    assert_eq!(steps[3].output, [1 << 11]);
    assert!(steps[1..].iter().all(|step| step.state == State::Running));
}

#[test]
fn a_bus_that_fails_is_survived() {
    is_survived(Period { mute: true, fault: Some(Fault::Sensor), ..Period::default() });
}

#[test]
fn a_rate_that_cannot_be_is_survived() {
    is_survived(Period { rate: 32_000, fault: Some(Fault::Range), ..Period::default() });
}

#[test]
fn an_old_reading_is_survived() {
    is_survived(Period { rate: 9, age: 21, fault: Some(Fault::Stale), ..Period::default() });
}

#[test]
fn a_slow_controller_is_survived() {
    is_survived(Period { rate: 9, effort: 61, fault: Some(Fault::Deadline), ..Period::default() });
}

#[test]
fn a_servo_that_refuses_its_pulse_starves_the_watchdog() {
    let mut periods: Vec<_> = (0..6).map(sound).collect();
    periods[2] = Period { jammed: true, fault: Some(Fault::Actuator), ..periods[2] };
    let states: Vec<_> = run(&periods).iter().map(|step| step.state).collect();
    assert_eq!(states[3], State::Safe(Fault::Actuator));
    assert_eq!(states[4..], [State::Running; 2]);
}

#[test]
fn a_stuck_gyroscope_is_found_at_the_third_reading() {
    let mut periods: Vec<_> = (0..8).map(sound).collect();
    for (period, fault) in periods[3..].iter_mut().zip([None, None, Some(Fault::Stuck)]) {
        *period = Period { rate: 99, fault, ..*period };
    }
    let steps = run(&periods);
    assert_eq!(steps[6].state, State::Safe(Fault::Stuck));
    assert_eq!(steps[7].state, State::Running);
}

#[test]
fn one_saturated_step_is_borne_and_two_are_not() {
    let mut periods: Vec<_> = (0..8).map(sound).collect();
    for (period, fault) in periods[3..].iter_mut().zip([None, Some(Fault::Saturated)]) {
        *period = Period { saturated: true, wanted: 1, pulse: 1_625, fault, ..*period };
    }
    periods[4].pulse = MIDDLE;
    assert_eq!(run(&periods)[6].state, State::Running);
}
