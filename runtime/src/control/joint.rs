//! Joint angles: a potentiometer on an analog input, or a quadrature encoder on two pins.
//!
//! Stands on `device`.

use embedded_hal::digital::InputPin;

use super::device::{Sample, Sensor};
use crate::number::Number;

/// `N` analog inputs; embedded-hal 1.0 has no trait for them. Any
/// `FnMut() -> Result<[u16; N], E>` is one.
pub trait AnalogIn<const N: usize> {
    /// Why there is no reading.
    type Error;

    /// One conversion of every input.
    ///
    /// # Errors
    /// The converter does not answer.
    fn read(&mut self) -> Result<[u16; N], Self::Error>;
}

impl<E, F: FnMut() -> Result<[u16; N], E>, const N: usize> AnalogIn<N> for F {
    type Error = E;

    fn read(&mut self) -> Result<[u16; N], E> {
        self()
    }
}

/// What a converter reads of a joint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Travel {
    /// The reading in the middle.
    pub zero: u16,
    /// From there to the joint's limit; negative for a potentiometer the other way round.
    pub span: i16,
}

/// Angles as fractions of the joints' limits, -1 to 1, from a converter's readings.
#[derive(Clone, Debug)]
pub struct AnalogJoints<A, const N: usize> {
    inputs: A,
    travel: [Travel; N],
}

impl<A: AnalogIn<N>, const N: usize> AnalogJoints<A, N> {
    /// Joints on the inputs, in order.
    pub fn new(inputs: A, travel: [Travel; N]) -> Self {
        Self { inputs, travel }
    }
}

impl<A: AnalogIn<N>, X: Number, const N: usize> Sensor<[X; N]> for AnalogJoints<A, N> {
    type Error = A::Error;

    fn sample(&mut self, now: u32) -> Result<Sample<[X; N]>, A::Error> {
        let readings = self.inputs.read()?;
        let mut value = [X::default(); N];
        for ((angle, reading), Travel { zero, span }) in
            value.iter_mut().zip(readings).zip(self.travel)
        {
            *angle = X::from_unit(ratio(reading as i32 - zero as i32, span as i32));
        }
        Ok(Sample::new(value, now))
    }
}

/// `part / whole` as a fraction with 15 bits, within -1..1; 0 for a whole of 0.
fn ratio(part: i32, whole: i32) -> i32 {
    // |part 32767| <= 2^46
    let unit = (part as i64 * 32767).checked_div(whole as i64).unwrap_or(0);
    unit.clamp(-32767, 32767) as i32
}

/// A quadrature encoder: call [`update`](Self::update) on every edge, or often enough to see each.
#[derive(Clone, Debug)]
pub struct Quadrature<A, B> {
    a: A,
    b: B,
    span: i32,
    count: i32,
    last: Option<u8>,
    slipped: u32,
}

impl<A: InputPin, B: InputPin<Error = A::Error>> Quadrature<A, B> {
    /// An encoder at 0 that is at the joint's limit after `span` edges.
    pub fn new(a: A, b: B, span: i32) -> Self {
        Self { a, b, span, count: 0, last: None, slipped: 0 }
    }

    /// Follows the pins.
    ///
    /// # Errors
    /// A pin cannot be read.
    pub fn update(&mut self) -> Result<(), A::Error> {
        // In the order of a forward turn: 00, 10, 11, 01.
        let (a, b) = (self.a.is_high()?, self.b.is_high()?);
        let phase = match (a, b) {
            (false, false) => 0,
            (true, false) => 1,
            (true, true) => 2,
            (false, true) => 3,
        };
        match self.last.map_or(0, |last| (phase + 4 - last) & 3) {
            0 => {}
            1 => self.count = self.count.wrapping_add(1),
            3 => self.count = self.count.wrapping_sub(1),
            // Both pins changed: an edge was missed, and its direction is not known.
            _ => self.slipped = self.slipped.saturating_add(1),
        }
        self.last = Some(phase);
        Ok(())
    }

    /// Edges from 0, forward positive.
    pub fn count(&self) -> i32 {
        self.count
    }

    /// Times that both pins had changed; the angle is off by two edges for each.
    pub fn slipped(&self) -> u32 {
        self.slipped
    }

    /// Makes the present position the one of `count` edges, as at an index mark.
    pub fn set_count(&mut self, count: i32) {
        self.count = count;
    }

    /// The pins back.
    pub fn release(self) -> (A, B) {
        (self.a, self.b)
    }
}

impl<A: InputPin, B: InputPin<Error = A::Error>, X: Number> Sensor<[X; 1]> for Quadrature<A, B> {
    type Error = A::Error;

    fn sample(&mut self, now: u32) -> Result<Sample<[X; 1]>, A::Error> {
        self.update()?;
        Ok(Sample::new([X::from_unit(ratio(self.count, self.span))], now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Each;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};
    use fixed::types::I1F15;

    #[test]
    fn readings_become_fractions_of_the_limit() {
        let mut readings = [[2048_u16, 1000], [4095, 0], [0, 4095], [3072, 1500]].into_iter();
        let travel = [Travel { zero: 2048, span: 2000 }, Travel { zero: 1000, span: -1000 }];
        let mut joints = AnalogJoints::new(|| readings.next().ok_or("empty"), travel);
        let mut sample = || {
            let sample: Sample<[I1F15; 2]> = joints.sample(7)?;
            Ok(sample.value.map(I1F15::to_bits))
        };
        assert_eq!(sample(), Ok([0, 0]));
        assert_eq!(sample(), Ok([32767, 32767]));
        assert_eq!(sample(), Ok([-32767, -32767]));
        assert_eq!(sample(), Ok([16776, -16383]));
        assert_eq!(sample(), Err("empty"));
    }

    #[test]
    fn a_span_of_zero_does_not_divide() {
        let mut joint = AnalogJoints::new(|| Ok::<_, ()>([9]), [Travel { zero: 0, span: 0 }]);
        let sample: Sample<[I1F15; 1]> = joint.sample(0).unwrap();
        assert_eq!(sample.value, [I1F15::ZERO]);
    }

    #[test]
    fn a_group_is_as_old_as_its_oldest() {
        struct Old(u32);
        impl Sensor<[i16; 1]> for Old {
            type Error = ();
            fn sample(&mut self, now: u32) -> Result<Sample<[i16; 1]>, ()> {
                Ok(Sample::new([self.0 as i16], now.wrapping_sub(self.0)))
            }
        }
        let sample = Each([Old(3), Old(8), Old(2)]).sample(5).unwrap();
        assert_eq!(sample, Sample::new([3, 8, 2], 5_u32.wrapping_sub(8)));
    }

    #[test]
    fn an_encoder_counts_both_ways_and_notices_a_slip() {
        let pin = |levels: [u8; 8]| {
            let get = |level| Transaction::get(if level == 1 { State::High } else { State::Low });
            Mock::new(&levels.map(get))
        };
        // Three forward, one back, a slip, one forward, and one that stays.
        let a = pin([0, 1, 1, 0, 1, 0, 1, 1]);
        let b = pin([0, 0, 1, 1, 1, 0, 0, 0]);
        let mut encoder = Quadrature::new(a, b, 4);
        for _ in 0..7 {
            encoder.update().unwrap();
        }
        assert_eq!((encoder.count(), encoder.slipped()), (3, 1));
        let sample: Sample<[I1F15; 1]> = encoder.sample(0).unwrap();
        assert_eq!(sample.value[0].to_bits(), 24575);
        let (mut a, mut b) = encoder.release();
        a.done();
        b.done();
    }
}
