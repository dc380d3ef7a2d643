//! What goes into a controller and what comes out, held to its limits.
//!
//! Stands on `fault`, and on the status, the limits and the tables of a controller.

use super::fault::Fault;
use crate::controller::Status;
use crate::integrity::{TableCheck, Tables};
use crate::limits::{Limits, OutputBounds};

impl OutputBounds {
    /// `output` within the limits, from `last` in one period.
    fn limit(&self, output: i32, last: i32, slew: u32) -> i32 {
        let within = self.clamp(output) as i64;
        let (last, slew) = (last as i64, slew as i64);
        // |last +- slew| <= 2^31 + 2^32; `last` lies within min and max, hence so does the result
        within.clamp(last - slew, last + slew) as i32
    }

    /// `output.clamp(min, max)`, which would panic for limits in the wrong order if there were any.
    fn clamp(&self, output: i32) -> i32 {
        output.min(self.max).max(self.min)
    }
}

/// Periods with something wrong: on end, and in all.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    on_end: u16,
    total: u32,
}

impl Run {
    /// Takes note of a period; whether it is one too many on end.
    fn note(&mut self, wrong: bool, borne: u16) -> bool {
        if !wrong {
            self.on_end = 0;
            return false;
        }
        self.total = self.total.saturating_add(1);
        self.on_end = self.on_end.saturating_add(1);
        self.on_end > borne
    }
}

/// The limits of a loop with `I` inputs and `O` outputs, and what they have to remember.
#[derive(Clone, Debug)]
pub struct Guard<const I: usize, const O: usize> {
    limits: Limits<I, O>,
    tables: Option<TableCheck>,
    max_age: u32,
    seen: [i32; I],
    same: [u16; I],
    driven: [i32; O],
    stale: Run,
    /// Samples with an input that was no number.
    missing: Run,
    /// Steps of a controller that says so itself.
    invalid: Run,
    saturated: Run,
}

impl<const I: usize, const O: usize> Guard<I, O> {
    /// A guard with these limits, which has driven the safe output so far.
    ///
    /// A sample older than `max_age`, in the clock's ticks, is stale.
    pub fn new(limits: &Limits<I, O>, max_age: u32) -> Self {
        let nothing = Run { on_end: 0, total: 0 };
        Self {
            limits: *limits,
            tables: None,
            max_age,
            seen: [i32::MIN; I],
            same: [0; I],
            driven: limits.outputs.map(|bounds| bounds.clamp(bounds.safe)),
            stale: nothing,
            missing: nothing,
            invalid: nothing,
            saturated: nothing,
        }
    }

    /// The same guard, which has checked these tables and goes on checking them.
    #[must_use]
    pub fn with_tables(self, tables: &Tables) -> Self {
        Self { tables: Some(TableCheck::new(tables)), ..self }
    }

    /// Checks a slice of the tables.
    ///
    /// # Errors
    /// They are not what they were.
    pub fn check_tables(&mut self) -> Result<(), Fault> {
        match self.tables.as_mut().is_none_or(TableCheck::period) {
            true => Ok(()),
            false => Err(Fault::Tables),
        }
    }

    /// Looks at a sample: too old, no number, out of range, or stuck.
    ///
    /// # Errors
    /// The first of these that it is, unless it is still borne.
    pub fn check(&mut self, input: &[i32; I], status: Status, age: u32) -> Result<(), Fault> {
        let tolerance = self.limits.tolerance;
        let mut fault = Ok(());
        let memory = self.seen.iter_mut().zip(&mut self.same);
        for ((&x, limits), (seen, same)) in input.iter().zip(&self.limits.inputs).zip(memory) {
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
        if self.missing.note(status.any_invalid(), tolerance.invalid) {
            fault = Err(Fault::Invalid);
        }
        if self.stale.note(age > self.max_age, tolerance.stale) {
            fault = Err(Fault::Stale);
        }
        fault
    }

    /// Looks at what a step says was wrong with its inputs: no numbers, or outside their calibrated range.
    ///
    /// # Errors
    /// It was one period too many on end.
    pub fn status(&mut self, status: Status) -> Result<(), Fault> {
        let tolerance = self.limits.tolerance;
        let saturated = self.saturated.note(status.bits() != 0, tolerance.saturated);
        if self.invalid.note(status.any_invalid(), tolerance.invalid) {
            return Err(Fault::Invalid);
        }
        if saturated { Err(Fault::Saturated) } else { Ok(()) }
    }

    /// What to drive when the controller wants `output`.
    pub fn output(&mut self, output: &[i32; O]) -> [i32; O] {
        let limits = self.limits.outputs.iter();
        for ((limits, &wanted), driven) in limits.zip(output).zip(&mut self.driven) {
            *driven = limits.limit(wanted, *driven, limits.slew);
        }
        self.driven
    }

    /// What to drive when the controller is not in charge.
    pub fn safe(&mut self) -> [i32; O] {
        for (limits, driven) in self.limits.outputs.iter().zip(&mut self.driven) {
            *driven = limits.limit(limits.safe, *driven, limits.safe_slew);
        }
        self.driven
    }

    /// What was driven last.
    pub fn driven(&self) -> &[i32; O] {
        &self.driven
    }

    /// Steps in which an input was saturated, those that were borne included.
    pub fn saturated(&self) -> u32 {
        self.saturated.total
    }

    /// Periods in which an input was no number, those that were borne included.
    pub fn invalid(&self) -> u32 {
        self.missing.total.saturating_add(self.invalid.total)
    }

    /// Samples older than allowed, those that were borne included.
    pub fn stale(&self) -> u32 {
        self.stale.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{InputBounds, Tolerance};
    use proptest::prelude::*;

    const SOUND: Status = Status::new();

    fn bounds() -> impl Strategy<Value = OutputBounds> {
        (any::<i32>(), any::<i32>(), any::<u32>(), any::<i32>(), any::<u32>()).prop_map(
            |(a, b, slew, safe, safe_slew)| OutputBounds {
                min: a.min(b),
                max: a.max(b),
                slew,
                safe,
                safe_slew,
            },
        )
    }

    fn guard<const I: usize, const O: usize>(
        inputs: [InputBounds; I],
        outputs: [OutputBounds; O],
        tolerance: Tolerance,
    ) -> Guard<I, O> {
        Guard::new(&Limits { inputs, outputs, tolerance }, 5)
    }

    proptest! {
        #[test]
        fn no_output_leaves_the_limits_or_jumps(
            bounds in bounds(),
            wanted in prop::collection::vec((any::<i32>(), any::<bool>()), 1..50),
        ) {
            let mut guard = guard([], [bounds], Tolerance::DEFAULT);
            let mut last = guard.driven()[0] as i64;
            for (wanted, sound) in wanted {
                let ([y], slew) = match sound {
                    true => (guard.output(&[wanted]), bounds.slew),
                    false => (guard.safe(), bounds.safe_slew),
                };
                prop_assert!(bounds.min <= y && y <= bounds.max);
                prop_assert!((y as i64 - last).unsigned_abs() <= slew as u64);
                last = y as i64;
            }
        }
    }

    #[test]
    fn implausible_inputs_are_told_apart() {
        let narrow = InputBounds { min: -10, max: 10, stuck: 3 };
        let any = InputBounds { min: i32::MIN, max: i32::MAX, stuck: 0 };
        let mut guard = guard([narrow, any], [], Tolerance::DEFAULT);
        assert_eq!(guard.check(&[1, 0], SOUND, 5), Ok(()));
        assert_eq!(guard.check(&[1, 0], SOUND, 6), Err(Fault::Stale));
        assert_eq!(guard.check(&[11, 0], SOUND, 0), Err(Fault::Range));
        for age in 0..3 {
            assert_eq!(guard.check(&[2, 0], SOUND, age), Ok(()));
        }
        assert_eq!(guard.check(&[2, 0], SOUND, 0), Err(Fault::Stuck));
        assert_eq!(guard.check(&[3, 0], SOUND, 0), Ok(()));
    }

    #[test]
    fn each_kind_is_borne_for_as_long_as_it_says() {
        let mut invalid = Status::new();
        invalid.set_invalid(0);
        let saturated = Status::from_bits(1);
        let faults = |tolerance, status| {
            let mut guard = guard([], [], tolerance);
            [status; 6].map(|status| guard.status(status).err())
        };
        let late = Some(Fault::Saturated);
        let usual = Tolerance::DEFAULT;
        assert_eq!(faults(usual, saturated), [None, None, None, late, late, late]);
        assert_eq!(faults(usual, invalid), [Some(Fault::Invalid); 6]);
        assert_eq!(faults(Tolerance { saturated: 0, ..usual }, saturated), [late; 6]);
        let tolerance = Tolerance { saturated: Tolerance::ALWAYS, invalid: 5, stale: 2 };
        assert_eq!(faults(tolerance, saturated), [None; 6]);
        assert_eq!(
            faults(tolerance, invalid).map(|f| f.is_some()),
            [false, false, false, false, false, true]
        );

        let mut guard = guard([], [], tolerance);
        let stale = [6, 6, 0, 6, 6, 6].map(|age| guard.check(&[], SOUND, age).is_err());
        assert_eq!(stale, [false, false, false, false, false, true]);
        assert_eq!((guard.stale(), guard.saturated(), guard.invalid()), (5, 0, 0));
    }

    #[test]
    fn what_is_borne_without_end_never_becomes_a_fault() {
        let tolerance = Tolerance { saturated: Tolerance::ALWAYS, ..Tolerance::DEFAULT };
        let mut guard = guard([], [], tolerance);
        assert!((0..70_000).all(|_| guard.status(Status::from_bits(1)).is_ok()));
    }
}
