//! NCAP, the swimming circuit of C. elegans, on real numbers (Bhattasali, Zador, Engel 2022).
//!
//! A joint has four neurons: a B neuron and a muscle on the dorsal and on the ventral side. B neurons
//! feel the joint before theirs, the first ones the head oscillator; each muscle is driven by the B
//! neuron of its side and inhibited by the other's. The torque is dorsal minus ventral muscle.

/// The circuit with the weights that act: signs and ablations are applied already.
#[derive(Debug, Clone, PartialEq)]
pub struct Ncap {
    /// From the head to the tail.
    pub joints: Vec<Joint>,
    /// Whether the inputs speed, left and right follow the angles.
    pub controls: bool,
    /// Steps in which the oscillator drives the dorsal side, from the start of a period.
    pub dorsal: u16,
    /// Trained numbers behind the weights.
    pub parameters: usize,
}

/// The weights of a joint's four neurons.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Joint {
    /// The dorsal side, which positive angles stretch.
    pub dorsal: Side,
    /// The ventral side.
    pub ventral: Side,
}

/// The weights into the B neuron and the muscle on one side of a joint.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Side {
    /// To the B neuron from the joint before, or from the oscillator for the first.
    pub drive: f64,
    /// To the B neuron from the speed command's shortfall from 1.
    pub speed: f64,
    /// To the B neuron from the turn command of this side.
    pub turn: f64,
    /// To the muscle from the B neuron of this side.
    pub ipsi: f64,
    /// To the muscle from the B neuron of the other side.
    pub contra: f64,
}

/// Names of the inputs that control adds.
pub const CONTROLS: [&str; 3] = ["speed", "left", "right"];

impl Side {
    /// The weights, in the order of the fields.
    pub fn weights(&self) -> [f64; 5] {
        [self.drive, self.speed, self.turn, self.ipsi, self.contra]
    }
}

impl Ncap {
    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.joints.len() + if self.controls { CONTROLS.len() } else { 0 }
    }

    /// Multiply-accumulates of one step.
    pub fn macs(&self) -> usize {
        self.joints.len() * if self.controls { 10 } else { 6 }
    }

    /// Every weight.
    pub fn weights(&self) -> impl Iterator<Item = f64> + '_ {
        self.joints.iter().flat_map(|joint| [joint.dorsal, joint.ventral]).flat_map(|s| s.weights())
    }

    /// The torque of each joint, for joint angles over their limit, controls if there are, and the
    /// step within the oscillator's period.
    pub fn step(&self, x: &[f64], phase: f64) -> Vec<f64> {
        let unit = |x: f64| x.clamp(0.0, 1.0);
        let control = |i: usize| match self.controls {
            true => x.get(self.joints.len() + i).copied().map_or(0.0, unit),
            false => 0.0,
        };
        let (slow, left, right) = (1.0 - control(0), control(1), control(2));
        let mut sides = if phase < f64::from(self.dorsal) { (1.0, 0.0) } else { (0.0, 1.0) };
        let torque = |(joint, &x): (&Joint, &f64)| {
            let b_neuron = |side: &Side, drive: f64, turn: f64| {
                unit(drive * side.drive + slow * side.speed + turn * side.turn)
            };
            let b_dorsal = b_neuron(&joint.dorsal, sides.0, right);
            let b_ventral = b_neuron(&joint.ventral, sides.1, left);
            let muscle =
                |side: &Side, same: f64, other: f64| unit(same * side.ipsi + other * side.contra);
            sides = (unit(x), unit(-x));
            muscle(&joint.dorsal, b_dorsal, b_ventral) - muscle(&joint.ventral, b_ventral, b_dorsal)
        };
        self.joints.iter().zip(x).map(torque).collect()
    }
}
