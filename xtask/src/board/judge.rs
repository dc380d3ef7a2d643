//! Whether an image did in a run what the host's loop does: transfer by transfer, pulse by pulse, line by line.

use nervecord::control::{Fault, State};
use nervecord::fixed::types::I1F15;
use nervecord_codegen::{Error, Result};

use super::firmware::body::{Angles, JOINTS, Joints};
use super::firmware::control::PULSE;
use super::host::{PERIOD, Period, replay};
use super::run::Record;
use super::transfer::{Outcome, Pulses};

/// Microseconds that a pulse may be off: a step of 4096 in 20 ms, and the parts of it that its driver's prescaler is off.
const STEP: f64 = 20_000.0 / 4096.0;
const PRESCALED: f64 = 1e-3;
/// What a full torque turns a joint in a period, as a part of its limit.
const TURN: i16 = 8;

/// What a life of an image came to, which was the host's.
#[derive(Debug)]
pub struct Verdict {
    /// The host's periods.
    pub periods: Vec<Period>,
    /// The latest that a period began after it was due, in microseconds.
    pub late: u64,
    /// The longest from there until the servos had their pulses.
    pub longest: u64,
}

/// Holds a life against the host's loop with the same joints.
///
/// # Errors
/// It is another: the message says where.
pub fn judge(life: &Record, joints: impl Joints) -> Result<Verdict> {
    let periods = replay(&life.transfers, joints)?;
    same_log(life, &periods)?;
    same_pulses(life, &periods)?;
    let [late, longest] = times(life, &periods);
    if longest >= u64::from(PERIOD) {
        return Err(Error::new("a period does not end before the next is due")
            .expected(format!("pulses within {PERIOD} us"))
            .found(format!("{longest} us")));
    }
    Ok(Verdict { periods, late, longest })
}

/// What the firmware says of these periods.
fn lines(periods: &[Period]) -> Vec<String> {
    let (mut lines, mut told, mut before) = (Vec::new(), None, State::Safe(Fault::Sensor));
    for Period { step, state, faults, .. } in periods {
        let was_running = [before, step.state].contains(&State::Running);
        if was_running && *state != State::Running {
            lines.push(format!("control: safe output in period {}", step.number));
        }
        if told != Some(step.state) {
            match step.state {
                State::Running => {
                    lines.push(format!("period {}: swimming", step.number));
                    let seen = Fault::ALL.into_iter().filter(|&fault| faults.of(fault) > 0);
                    lines.extend(seen.map(|f| format!("so far {} times {f:?}", faults.of(f))));
                }
                State::Safe(fault) => {
                    lines.push(format!("period {}: safe, {fault:?}", step.number));
                }
            }
            told = Some(step.state);
        }
        before = *state;
    }
    lines
}

fn same_log(life: &Record, periods: &[Period]) -> Result<()> {
    let expected = lines(periods);
    if expected == life.log {
        return Ok(());
    }
    let at = expected.iter().zip(&life.log).take_while(|(a, b)| a == b).count();
    let line = |lines: &[String]| lines.get(at).map_or("nothing more", String::as_str).to_owned();
    Err(Error::new("the image says something else than the host's loop does")
        .at(format!("line {} of its log", at + 1))
        .expected(line(&expected))
        .found(line(&life.log))
        .help("the firmware's words are in boards/swimmer/src/swim.rs"))
}

/// Where the servos are told to be is worked out once more here, from the outputs alone.
fn same_pulses(life: &Record, periods: &[Period]) -> Result<()> {
    let mut angles = Angles::default();
    for period in periods {
        for (angle, torque) in angles.iter_mut().zip(period.step.output) {
            let turned = i32::from(angle.to_bits()) + torque.div_euclid(i32::from(TURN));
            *angle = I1F15::from_bits(turned.clamp(-32767, 32767) as i16);
        }
        let last = period.transfers.checked_sub(1).and_then(|last| life.transfers.get(last));
        if last.is_none_or(|transfer| transfer.outcome != Outcome::Done) {
            continue;
        }
        let behind = |&&(transfers, _): &&(usize, Pulses)| transfers == period.transfers;
        let found = life.pulses.iter().find(behind).and_then(|(_, pulses)| pulses.widths);
        let expected = angles.map(width);
        let near = |found: [f64; JOINTS]| {
            found
                .iter()
                .zip(expected)
                .all(|(found, width)| (found - width).abs() <= STEP + PRESCALED * width)
        };
        if !found.is_some_and(near) {
            return Err(Error::new("the servos do not get what the outputs say")
                .at(format!("period {}", period.step.number))
                .expected(format!("{expected:.0?} us, within a step of {STEP:.1}"))
                .found(found.map_or("no pulses".into(), |found| format!("{found:.0?} us"))));
        }
    }
    Ok(())
}

/// Microseconds of a pulse that holds a joint at an angle.
fn width(angle: I1F15) -> f64 {
    let middle = f64::from(PULSE.min + PULSE.max) / 2.0;
    middle + f64::from(angle.to_bits()) / 32767.0 * f64::from(PULSE.max - PULSE.min) / 2.0
}

/// How late periods begin, and how long after they were due the servos have their pulses; the first period begins with
/// its first transfer.
fn times(life: &Record, periods: &[Period]) -> [u64; 2] {
    let begin = life.transfers.first().map_or(0, |transfer| transfer.at);
    let (mut late, mut longest, mut made) = (0, 0, 0);
    for period in periods {
        let due = begin + u64::from(period.step.number) * u64::from(PERIOD);
        let first = life.transfers.get(made).map_or(due, |transfer| transfer.at);
        late = late.max(first.saturating_sub(due));
        made = period.transfers;
        let pulses = life.pulses.iter().find(|(transfers, _)| *transfers == made);
        longest = longest.max(pulses.map_or(0, |(_, pulses)| pulses.at.saturating_sub(due)));
    }
    [late, longest]
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use embedded_hal::i2c::{ErrorType, I2c, Operation};

    use super::super::firmware::body::Unfelt;
    use super::super::host::{Failed, live};
    use super::super::transfer::{Transfer, widths};
    use super::*;

    /// A servo driver that takes everything, and what it was sent.
    struct Recorder<'a> {
        life: Record,
        tick: &'a Cell<u32>,
    }

    impl ErrorType for Recorder<'_> {
        type Error = Failed;
    }

    impl I2c for Recorder<'_> {
        fn transaction(
            &mut self,
            address: u8,
            steps: &mut [Operation<'_>],
        ) -> std::result::Result<(), Failed> {
            let at = u64::from(self.tick.get());
            let mut written = Vec::new();
            for step in steps {
                if let Operation::Write(bytes) = step {
                    written.extend_from_slice(bytes);
                }
            }
            let channels = written.strip_prefix(&[0x06]).map(|channels| widths(121, channels));
            let (read, outcome) = (Vec::new(), Outcome::Done);
            self.life.transfers.push(Transfer { at, address, written, read, outcome });
            if let Some(widths) = channels {
                self.life.pulses.push((self.life.transfers.len(), Pulses { at, widths }));
            }
            Ok(())
        }
    }

    /// A life of thirty periods, as an image would have it.
    fn life() -> Record {
        let tick = Cell::new(0);
        let bus = RefCell::new(Recorder { life: Record::default(), tick: &tick });
        let goes_on = |now| {
            tick.set(now);
            now < 30 * PERIOD
        };
        live(&bus, Unfelt, goes_on, |_, _, _| ());
        let log = ["period 0: safe, Sensor", "period 4: swimming"].map(str::to_owned).to_vec();
        Record { log, ..bus.into_inner().life }
    }

    fn refused(change: impl Fn(&mut Record)) -> String {
        let mut life = life();
        change(&mut life);
        judge(&life, Unfelt).unwrap_err().to_string()
    }

    #[test]
    fn a_life_that_is_the_hosts_is_taken_and_any_other_is_refused_in_words() {
        let verdict = judge(&life(), Unfelt).unwrap();
        assert_eq!((verdict.periods.len(), verdict.late, verdict.longest), (30, 0, 0));
        let byte = refused(|life| life.transfers[20].written[3] ^= 1);
        assert!(byte.contains("transfer 21") && byte.contains("as the host's loop does"), "{byte}");
        let silent = refused(|life| life.transfers[20].outcome = Outcome::Address);
        assert!(silent.contains("not the host's"), "{silent}");
        let log = refused(|life| life.log[1] = "period 5: swimming".into());
        assert!(log.contains("line 2 of its log") && log.contains("period 4"), "{log}");
        let limp = refused(|life| life.pulses[10].1.widths = None);
        assert!(limp.contains("period 10") && limp.contains("no pulses"), "{limp}");
        let late = refused(|life| life.pulses[10].1.at += u64::from(PERIOD));
        assert!(late.contains("30303"), "{late}");
    }
}
