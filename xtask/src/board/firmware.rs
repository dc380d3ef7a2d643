//! The source of the boards' firmware that knows no board, as a part of this program: the loop of the host.

#[allow(dead_code, missing_docs)]
#[path = "../../../boards/swimmer/src/body.rs"]
pub mod body;
#[allow(missing_docs)]
#[path = "../../../boards/swimmer/src/control.rs"]
pub mod control;
#[allow(dead_code, missing_docs)]
#[path = "../../../boards/swimmer/src/head.rs"]
pub mod head;
#[path = "../../../boards/swimmer/src/model.rs"]
pub mod model;
#[allow(missing_docs)]
#[path = "../../../boards/swimmer/src/shared.rs"]
pub mod shared;

#[cfg(test)]
mod tests {
    use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, Operation};
    use nervecord::control::{Fault, State};

    use super::body::{Angles, Joints};
    use super::head::Head;
    use crate::board::host::{Failed, PERIOD, live};

    /// A sensor at rest, whose counts have a noise, beside servos that take everything.
    struct Rest {
        period: u32,
        /// From this period on its readings are the same, and not marked as new.
        frozen: u32,
        stopped: u32,
    }

    impl ErrorType for Rest {
        type Error = Failed;
    }

    impl I2c for Rest {
        fn transaction(&mut self, address: u8, steps: &mut [Operation<'_>]) -> Result<(), Failed> {
            match (address, steps) {
                (0x68, [Operation::Write([0x75]), Operation::Read([identity])]) => *identity = 0x71,
                (
                    0x68,
                    [Operation::Write([0x3a]), Operation::Read([new, gravity, .., high, low])],
                ) => {
                    *gravity = 0x40;
                    let count = (self.period.min(self.frozen) * 7 % 13) as i16 - 6;
                    [*high, *low] = count.to_be_bytes();
                    *new = u8::from(self.period < self.stopped);
                    self.period += 1;
                }
                (0x68 | 0x40, [Operation::Write(_)]) => {}
                _ => return Err(Failed(ErrorKind::Other)),
            }
            Ok(())
        }
    }

    /// The states of 200 periods.
    fn states(frozen: u32, stopped: u32) -> Vec<State> {
        let bus = std::cell::RefCell::new(Rest { period: 0, frozen, stopped });
        let mut states = Vec::new();
        live(&bus, Head::new(), |now| now < 200 * PERIOD, |_, state, _| states.push(state));
        states
    }

    #[test]
    fn a_sound_sensor_is_never_stuck_and_one_that_freezes_or_stops_is_told() {
        let sound = states(u32::MAX, u32::MAX);
        assert!(sound.iter().skip(4).all(|state| *state == State::Running), "{sound:?}");
        let frozen = states(100, u32::MAX);
        let first = frozen.iter().position(|state| *state == State::Safe(Fault::Stuck));
        assert_eq!(first, Some(116));
        let stopped = states(u32::MAX, 100);
        assert_eq!(stopped[99..101], [State::Running, State::Safe(Fault::Stale)]);
    }

    /// A bus where nobody answers.
    struct Empty;

    impl ErrorType for Empty {
        type Error = Failed;
    }

    impl I2c for Empty {
        fn transaction(&mut self, _: u8, _: &mut [Operation<'_>]) -> Result<(), Failed> {
            Err(Failed(ErrorKind::Other))
        }
    }

    #[test]
    fn an_absent_sensor_gives_no_sample_and_one_that_comes_back_is_woken() {
        let mut head = Head::new();
        let told = Angles::default();
        assert!(head.feel(Empty, told, 0).is_none());
        let mut back = Rest { period: 0, frozen: u32::MAX, stopped: u32::MAX };
        assert_eq!(head.feel(&mut back, told, 5).map(|sample| sample.taken), Some(5));
        assert!(head.feel(Empty, told, 6).is_none());
    }
}
