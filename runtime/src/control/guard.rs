//! Limits on what goes into a controller and what comes out.
//!
//! Stands on `fault`.

use super::fault::Fault;

/// What an input may look like, in its raw integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputLimits {
    /// The smallest plausible value.
    pub min: i32,
    /// The largest plausible value.
    pub max: i32,
    /// Samples on end that may have the same bits; one more is a fault. 0 does not look.
    pub stuck: u16,
}

impl InputLimits {
    /// Any value, however often.
    pub const ANY: Self = Self { min: i32::MIN, max: i32::MAX, stuck: 0 };
}

/// What an output may do, in its raw integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimits {
    /// The smallest output.
    pub min: i32,
    /// The largest output.
    pub max: i32,
    /// The largest change from one period to the next while the controller is in charge.
    pub slew: u32,
    /// The output while it is not; brought within `min` and `max`.
    pub safe: i32,
    /// The largest change a period on the way to `safe`: `u32::MAX` goes there at once.
    pub safe_slew: u32,
}

impl OutputLimits {
    /// `-one..=one` at any speed, and 0 at once when in doubt.
    pub const fn symmetric(one: i32) -> Self {
        Self { min: -one, max: one, slew: u32::MAX, safe: 0, safe_slew: u32::MAX }
    }

    /// `output` within the limits, from `last` in one period.
    fn limit(&self, output: i32, last: i32, slew: u32) -> i32 {
        let within = self.clamp(output) as i64;
        let (last, slew) = (last as i64, slew as i64);
        // |last +- slew| <= 2^31 + 2^32; `last` lies within min and max, hence so does the result
        within.clamp(last - slew, last + slew) as i32
    }

    /// `output.clamp(min, max)`, which would panic for limits in the wrong order: then it is `min`.
    fn clamp(&self, output: i32) -> i32 {
        output.min(self.max).max(self.min)
    }
}

/// The limits of a loop with `I` inputs and `O` outputs, and what they have to remember.
#[derive(Clone, Debug)]
pub struct Guard<const I: usize, const O: usize> {
    inputs: [InputLimits; I],
    outputs: [OutputLimits; O],
    max_age: u32,
    max_saturated: u16,
    seen: [i32; I],
    same: [u16; I],
    driven: [i32; O],
    saturated_on_end: u16,
    saturated: u32,
}

impl<const I: usize, const O: usize> Guard<I, O> {
    /// A guard with these limits, which has driven the safe output so far.
    ///
    /// `max_age` is in the clock's ticks. Steps with a saturated input are counted in any case;
    /// more than `max_saturated` on end are a fault, unless it is 0.
    pub fn new(
        inputs: [InputLimits; I],
        outputs: [OutputLimits; O],
        max_age: u32,
        max_saturated: u16,
    ) -> Self {
        Self {
            inputs,
            outputs,
            max_age,
            max_saturated,
            seen: [i32::MIN; I],
            same: [0; I],
            driven: outputs.map(|limits| limits.clamp(limits.safe)),
            saturated_on_end: 0,
            saturated: 0,
        }
    }

    /// Looks at a sample: too old, out of range, or stuck.
    ///
    /// # Errors
    /// The first of these that it is.
    pub fn check(&mut self, input: &[i32; I], age: u32) -> Result<(), Fault> {
        if age > self.max_age {
            return Err(Fault::Stale);
        }
        let mut fault = Ok(());
        let memory = self.seen.iter_mut().zip(&mut self.same);
        for ((&x, limits), (seen, same)) in input.iter().zip(&self.inputs).zip(memory) {
            // `same` counts samples that repeat the one before: one less than samples on end.
            *same = if x == *seen { same.saturating_add(1) } else { 0 };
            *seen = x;
            if limits.stuck > 0 && *same >= limits.stuck {
                fault = fault.and(Err(Fault::Stuck));
            }
            if x < limits.min || x > limits.max {
                fault = Err(Fault::Range);
            }
        }
        fault
    }

    /// Takes note of whether an input of a step lay outside its calibrated range.
    ///
    /// # Errors
    /// It was one too many on end.
    pub fn saturation(&mut self, any: bool) -> Result<(), Fault> {
        if !any {
            self.saturated_on_end = 0;
            return Ok(());
        }
        self.saturated = self.saturated.saturating_add(1);
        self.saturated_on_end = self.saturated_on_end.saturating_add(1);
        match self.max_saturated > 0 && self.saturated_on_end > self.max_saturated {
            true => Err(Fault::Saturated),
            false => Ok(()),
        }
    }

    /// What to drive when the controller wants `output`.
    pub fn output(&mut self, output: &[i32; O]) -> [i32; O] {
        for ((limits, &wanted), driven) in self.outputs.iter().zip(output).zip(&mut self.driven) {
            *driven = limits.limit(wanted, *driven, limits.slew);
        }
        self.driven
    }

    /// What to drive when the controller is not in charge.
    pub fn safe(&mut self) -> [i32; O] {
        for (limits, driven) in self.outputs.iter().zip(&mut self.driven) {
            *driven = limits.limit(limits.safe, *driven, limits.safe_slew);
        }
        self.driven
    }

    /// What was driven last.
    pub fn driven(&self) -> &[i32; O] {
        &self.driven
    }

    /// Steps in which an input was saturated.
    pub fn saturated(&self) -> u32 {
        self.saturated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limits() -> impl Strategy<Value = OutputLimits> {
        (any::<i32>(), any::<i32>(), any::<u32>(), any::<i32>(), any::<u32>()).prop_map(
            |(a, b, slew, safe, safe_slew)| OutputLimits {
                min: a.min(b),
                max: a.max(b),
                slew,
                safe,
                safe_slew,
            },
        )
    }

    proptest! {
        #[test]
        fn no_output_leaves_the_limits_or_jumps(
            limits in limits(),
            wanted in prop::collection::vec((any::<i32>(), any::<bool>()), 1..50),
        ) {
            let mut guard = Guard::<0, 1>::new([], [limits], 0, 0);
            let mut last = guard.driven()[0] as i64;
            for (wanted, sound) in wanted {
                let ([y], slew) = match sound {
                    true => (guard.output(&[wanted]), limits.slew),
                    false => (guard.safe(), limits.safe_slew),
                };
                prop_assert!(limits.min <= y && y <= limits.max);
                prop_assert!((y as i64 - last).unsigned_abs() <= slew as u64);
                last = y as i64;
            }
        }
    }

    #[test]
    fn implausible_inputs_are_told_apart() {
        let limits = InputLimits { min: -10, max: 10, stuck: 3 };
        let mut guard = Guard::<2, 0>::new([limits, InputLimits::ANY], [], 5, 0);
        assert_eq!(guard.check(&[1, 0], 5), Ok(()));
        assert_eq!(guard.check(&[1, 0], 6), Err(Fault::Stale));
        assert_eq!(guard.check(&[11, 0], 0), Err(Fault::Range));
        for age in 0..3 {
            assert_eq!(guard.check(&[2, 0], age), Ok(()));
        }
        assert_eq!(guard.check(&[2, 0], 0), Err(Fault::Stuck));
        assert_eq!(guard.check(&[3, 0], 0), Ok(()));
    }

    #[test]
    fn saturation_is_counted_and_tolerated_for_a_while() {
        let mut guard = Guard::<0, 0>::new([], [], 0, 2);
        let found = [true, true, false, true, true, true].map(|any| guard.saturation(any).is_err());
        assert_eq!(found, [false, false, false, false, false, true]);
        assert_eq!(guard.saturated(), 5);
    }

    #[test]
    fn limits_in_the_wrong_order_do_not_panic() {
        let limits = OutputLimits { min: 5, max: -5, ..OutputLimits::symmetric(5) };
        assert_eq!(Guard::<0, 1>::new([], [limits], 0, 0).output(&[100]), [5]);
    }
}
