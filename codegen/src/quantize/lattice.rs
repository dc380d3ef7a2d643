//! Weights that are whole multiples of one number, as those of a network that was quantized or trained on integers:
//! the integers stay what they are. Stands on nothing.

/// The largest integer that is looked for: weights of 8 bits with a zero point of their own reach it.
const LARGEST: u32 = 255;

/// How far from a whole number a multiple may be: far above what double precision does to a product, far below
/// what numbers that are no multiples come to by chance.
const NEAR: f64 = 1e-9;

/// `weights = integers x step`, with integers as small as can be.
#[derive(Debug, PartialEq)]
pub struct Lattice {
    /// One integer a weight, of magnitude 255 at most.
    pub integers: Vec<i32>,
    /// What they are multiples of.
    pub step: f64,
}

impl Lattice {
    /// What `weights` are multiples of; none if of nothing, or if there is only one weight that is not 0, which is
    /// a multiple of itself.
    pub fn of(weights: &[f64]) -> Option<Self> {
        let largest = weights.iter().fold(0.0_f64, |m, w| m.max(w.abs()));
        if weights.iter().filter(|w| **w != 0.0).count() < 2 {
            return None;
        }
        let step = |k: u32| largest / f64::from(k);
        let whole =
            |step: f64| weights.iter().all(|w| ((w / step) - (w / step).round()).abs() <= NEAR);
        let step = (1..=LARGEST).map(step).find(|&s| s.is_normal() && whole(s))?;
        let integers = weights.iter().map(|w| (w / step).round() as i32).collect();
        Some(Self { integers, step })
    }

    /// The largest magnitude of the integers.
    pub fn largest(&self) -> i32 {
        self.integers.iter().map(|q| q.abs()).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiples_of_a_float_are_found_again_with_their_integers() {
        let step = f64::from(0.003_921_569_f32) * 0.000_030_517_578;
        let integers = vec![-127, 3, 0, 64, 50, -1];
        let weights: Vec<f64> = integers.iter().map(|&q| f64::from(q) * step).collect();
        let found = Lattice::of(&weights).unwrap();
        assert_eq!(found.integers, integers);
        assert!((found.step / step - 1.0).abs() < 1e-12);
        assert_eq!(found.largest(), 127);
    }

    #[test]
    fn other_weights_are_multiples_of_nothing() {
        assert_eq!(Lattice::of(&[0.618_034, 1.0, std::f64::consts::E]), None);
        assert_eq!(Lattice::of(&[1.0, 1.0 / 256.0]), None);
        // Within the precision of float32, yet no multiple.
        assert_eq!(Lattice::of(&[1.0, 0.5 + 1e-7]), None);
        assert_eq!(Lattice::of(&[0.3]), None);
        assert_eq!(Lattice::of(&[0.0, 0.3, 0.0]), None);
        assert_eq!(Lattice::of(&[5e-324, 1e-323]), None);
        assert_eq!(Lattice::of(&[]), None);
    }
}
