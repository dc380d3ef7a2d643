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

/// The weights of one joint, dorsal and ventral alike.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Joint {
    /// From the joint before, or from the oscillator for the first.
    pub drive: f64,
    /// From the speed command's shortfall from 1.
    pub speed: f64,
    /// From the turn command of the same side.
    pub turn: f64,
    /// From the B neuron to the muscle of the same side.
    pub ipsi: f64,
    /// From the B neuron to the muscle of the other side.
    pub contra: f64,
}

/// Names of the inputs that control adds.
pub const CONTROLS: [&str; 3] = ["speed", "left", "right"];

impl Joint {
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
        self.joints.iter().flat_map(Joint::weights)
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
            let (dorsal, ventral) = sides;
            let speed = slow * joint.speed;
            let b_dorsal = unit(dorsal * joint.drive + speed + right * joint.turn);
            let b_ventral = unit(ventral * joint.drive + speed + left * joint.turn);
            sides = (unit(x), unit(-x));
            unit(b_dorsal * joint.ipsi + b_ventral * joint.contra)
                - unit(b_ventral * joint.ipsi + b_dorsal * joint.contra)
        };
        self.joints.iter().zip(x).map(torque).collect()
    }
}
