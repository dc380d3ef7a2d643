//! NCAP, the swimming circuit of C. elegans (Bhattasali, Zador, Engel 2022), and its clock.
//!
//! Numbers are unit fractions: `ONE = 2^BITS - 1` stands for 1.0 exactly, with `BITS` 15 or 7. A
//! weight `w` is the integer `floor(w 2^F + 1/2)` with `F` 12 or 5, and a neuron is
//! `clamp((acc + 2^(F-1)) >> F, 0, ONE)`.
//!
//! Stands on `arch::scalar`.

use crate::arch::memory::{flat, flat_mut};
use crate::arch::scalar::{negative, unit};
use crate::tensor::{Quad, quads};

/// The weights into the B neuron and the muscle on one side of a joint, as they enter the sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// To the B neuron from the joint before, or from the oscillator for the first.
    pub drive: i16,
    /// To the B neuron from the speed command's shortfall.
    pub speed: i16,
    /// To the B neuron from the turn command of this side.
    pub turn: i16,
    /// To the muscle from the B neuron of this side.
    pub ipsi: i16,
    /// To the muscle from the B neuron of the other side.
    pub contra: i16,
}

/// The weights of a joint's four neurons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Joint {
    /// The dorsal side, which positive angles stretch.
    pub dorsal: Side,
    /// The ventral side.
    pub ventral: Side,
}

impl Joint {
    /// A joint whose sides share their weights.
    pub const fn alike(side: Side) -> Self {
        Self { dorsal: side, ventral: side }
    }
}

/// The circuit: a joint angle and a phase in, a torque a joint out.
///
/// `CONTROLS` adds three inputs after the angles: speed, left and right, each in 0..1.
#[derive(Clone, Copy, Debug)]
pub struct Ncap<'a, const BITS: u32, const CONTROLS: bool> {
    joints: &'a [Joint],
    dorsal: u16,
}

impl<'a, const BITS: u32, const CONTROLS: bool> Ncap<'a, BITS, CONTROLS> {
    const ONE: i32 = (1 << BITS) - 1;
    const F: u32 = if BITS == 15 { 12 } else { 5 };

    /// A circuit whose oscillator drives the dorsal side in the first `dorsal` steps of a period.
    pub const fn new(joints: &'a [Joint], dorsal: u16) -> Self {
        const { assert!(BITS == 15 || BITS == 7) };
        Self { joints, dorsal }
    }

    /// Whether the tensors to read, inputs and phases, and the one `written` are long enough, in quads.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        let &[x, phase] = reads else { return false };
        let joints = self.joints.len();
        let inputs = if CONTROLS { joints + 3 } else { joints };
        x >= quads(inputs) && phase > 0 && written >= quads(joints)
    }

    /// Rounds a sum and clamps it to 0..=ONE.
    #[inline(always)]
    fn neuron(sum: i32) -> i32 {
        // Codegen has proved |sum| + 2^(F-1) < 2^31.
        unit::<BITS>((sum + (1 << (Self::F - 1))) >> Self::F)
    }

    /// Computes the torques `y` from the inputs `x` and the first feature of `phase`.
    #[inline(always)]
    pub fn run(&self, x: &[Quad], phase: &[Quad], y: &mut [Quad]) {
        debug_assert!(self.fits(&[x.len(), phase.len()], y.len()), "a tensor is too short");
        let (x, phase) = (flat(x), flat(phase));
        let phase = match phase.first() {
            Some(&phase) => phase as i32,
            None => return,
        };
        // All ones in the dorsal half: 0 <= phase, dorsal < 2^15.
        let half = negative(phase - self.dorsal as i32);
        let (mut dorsal, mut ventral) = (half & Self::ONE, !half & Self::ONE);
        let control = |i: usize| match (CONTROLS, x.get(self.joints.len() + i)) {
            (true, Some(&c)) => unit::<BITS>(c as i32),
            _ => 0,
        };
        let (slow, left, right) = (Self::ONE - control(0), control(1), control(2)); // 0..=ONE
        // Codegen has proved that no partial sum leaves i32: |w| <= 2^15 times 0..=ONE, up to three of them.
        let b_neuron = |side: &Side, drive: i32, turn: i32| {
            let mut sum = drive * side.drive as i32;
            if CONTROLS {
                sum += slow * side.speed as i32 + turn * side.turn as i32;
            }
            Self::neuron(sum)
        };
        let muscle = |side: &Side, same: i32, other: i32| {
            Self::neuron(same * side.ipsi as i32 + other * side.contra as i32)
        };
        for ((joint, &x), y) in self.joints.iter().zip(x).zip(flat_mut(y)) {
            let b_dorsal = b_neuron(&joint.dorsal, dorsal, right);
            let b_ventral = b_neuron(&joint.ventral, ventral, left);
            let m_dorsal = muscle(&joint.dorsal, b_dorsal, b_ventral);
            let m_ventral = muscle(&joint.ventral, b_ventral, b_dorsal);
            *y = (m_dorsal - m_ventral) as i16; // -ONE..=ONE
            // The next joint feels this one's angle: -2^15 <= x < 2^15.
            (dorsal, ventral) = (unit::<BITS>(x as i32), unit::<BITS>(-(x as i32)));
        }
    }
}

/// Counters of steps, each back to 0 at the end of its period.
#[derive(Clone, Copy, Debug)]
pub struct Clock<'a> {
    /// Steps of each period.
    pub periods: &'a [i16],
}

impl Clock<'_> {
    /// Whether a tensor of `written` quads, and none to read beside it, is long enough.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        reads.is_empty() && written >= quads(self.periods.len())
    }

    /// Moves each of `phases` on by one step.
    #[inline(always)]
    pub fn run(&self, phases: &mut [Quad]) {
        debug_assert!(self.fits(&[], phases.len()), "a tensor is too short");
        for (phase, &period) in flat_mut(phases).iter_mut().zip(self.periods) {
            // A sound clock has 1 <= next <= period <= 2^15 - 1. One that a fault made negative would stand still for
            // 2^15 steps; read as 2^15 and more, it turns over.
            let next = *phase as u16 as i32 + 1;
            *phase = (next & negative(next - period as i32)) as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ONE: i32 = 32767;

    fn clamp(sum: i32) -> i32 {
        ((sum + 2048) >> 12).clamp(0, ONE)
    }

    proptest! {
        /// The rule as the circuit's equations state it, side by side.
        #[test]
        fn torques_follow_the_equations(
            x in prop::array::uniform8(-32768_i16..=32767),
            weights in prop::array::uniform3(prop::array::uniform2(prop::array::uniform5(-9000_i16..9000))),
            phase in 0_i16..60,
        ) {
            let side = |[drive, speed, turn, ipsi, contra]: [i16; 5]| Side { drive, speed, turn, ipsi, contra };
            let joints = weights.map(|sides| {
                let [dorsal, ventral] = sides.map(side);
                Joint { dorsal, ventral }
            });
            let quads = [Quad([x[0], x[1], x[2], x[3]]), Quad([x[4], x[5], 0, 0])];
            let mut y = [Quad::default()];
            Ncap::<15, true>::new(&joints, 30).run(&quads, &[Quad([phase, 0, 0, 0])], &mut y);
            let unit = |sign: i32, i: usize| (sign * x[i] as i32).clamp(0, ONE);
            for (i, joint) in joints.iter().enumerate() {
                let (d, v) = match i {
                    0 if phase < 30 => (ONE, 0),
                    0 => (0, ONE),
                    _ => (unit(1, i - 1), unit(-1, i - 1)),
                };
                let [dorsal, ventral] = [joint.dorsal, joint.ventral];
                let b = |felt: i32, turn: i32, side: Side| {
                    clamp(felt * side.drive as i32 + (ONE - unit(1, 3)) * side.speed as i32 + turn * side.turn as i32)
                };
                let (b_d, b_v) = (b(d, unit(1, 5), dorsal), b(v, unit(1, 4), ventral));
                let m_d = clamp(b_d * dorsal.ipsi as i32 + b_v * dorsal.contra as i32);
                let m_v = clamp(b_v * ventral.ipsi as i32 + b_d * ventral.contra as i32);
                prop_assert_eq!(y[0].0[i] as i32, m_d - m_v);
            }
        }
    }

    #[test]
    fn tensors_fit_if_they_have_every_joint_control_and_phase() {
        let joints = [Joint::default(); 4];
        let plain = Ncap::<15, false>::new(&joints, 1);
        assert!(plain.fits(&[1, 1], 1));
        assert!(!plain.fits(&[0, 1], 1) && !plain.fits(&[1, 0], 1) && !plain.fits(&[1, 1], 0));
        let controlled = Ncap::<15, true>::new(&joints, 1);
        assert!(controlled.fits(&[2, 1], 1) && !controlled.fits(&[1, 1], 1));
        let clock = Clock { periods: &[3; 5] };
        assert!(clock.fits(&[], 2) && !clock.fits(&[], 1) && !clock.fits(&[2], 2));
    }

    #[test]
    fn a_clock_that_was_damaged_is_back_in_its_period_at_once() {
        for wrong in i16::MIN..=i16::MAX {
            let mut phases = [Quad([wrong, 0, 0, 0])];
            Clock { periods: &[60] }.run(&mut phases);
            assert!((0..60).contains(&phases[0].0[0]), "{wrong}");
        }
    }

    #[test]
    fn clocks_count_and_turn_over() {
        let mut phases = [Quad([0, 0, 7, 0])];
        let mut seen = [[0; 2]; 7];
        for seen in &mut seen {
            Clock { periods: &[3, 1] }.run(&mut phases);
            *seen = [phases[0].0[0], phases[0].0[1]];
        }
        assert_eq!(seen.map(|s| s[0]), [1, 2, 0, 1, 2, 0, 1]);
        assert!(seen.iter().all(|s| s[1] == 0));
        assert_eq!(phases[0].0[2], 7, "what is no clock is left alone");
    }
}
