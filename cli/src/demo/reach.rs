//! The bundled policy along a movement of its arm, as float and as integers.

use std::f64::consts::PI;

use super::plot::{Line, Panel, braille, largest, page};
use nervecord_codegen::Compiled;
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::reference::Reference;
use nervecord_codegen::report::chart::nice;

/// Control periods of the movement, a hundredth of a second each.
const STEPS: usize = 240;
const PERIOD: f64 = 0.01;

/// Angles of the two joints at the start, after the first reach and at the end.
const POSES: [[f64; 2]; 3] = [[-1.3, 0.3], [1.2, 1.5], [-0.8, -1.1]];

/// How far the goal runs ahead of the arm, in seconds: what the policy has to work against.
const LEAD: f64 = 0.15;

/// What the policy asked of both joints at every step.
pub struct Reach {
    float: [Vec<f64>; 2],
    fixed: [Vec<f64>; 2],
}

impl Reach {
    /// Two reaches, each with the bell-shaped speed of a minimum-jerk movement.
    pub fn drive(compiled: &Compiled) -> Self {
        let mut integers = Interpreter::new(&compiled.program);
        let mut network = Reference::new(&compiled.source.graph);
        let mut reach = Self { float: [Vec::new(), Vec::new()], fixed: [Vec::new(), Vec::new()] };
        for step in 0..STEPS {
            let input = observation(step as f64 * PERIOD);
            let float = network.step(&input);
            let float = &float[compiled.source.graph.output];
            let (fixed, _) = integers.step(&input);
            for joint in 0..2 {
                reach.float[joint].push(float[joint]);
                reach.fixed[joint].push(fixed[joint]);
            }
        }
        reach
    }

    fn difference(&self, joint: usize) -> Vec<f64> {
        let pairs = self.fixed[joint].iter().zip(&self.float[joint]);
        pairs.map(|(fixed, float)| fixed - float).collect()
    }

    /// The first joint for a terminal: the torque, and below it what the integers add.
    pub fn terminal(&self) -> String {
        let difference = self.difference(0);
        let (torque, error) = (nice(largest(&self.fixed[0])), nice(largest(&difference)));
        let seconds = STEPS as f64 * PERIOD;
        let mut text = format!(
            "policy on a reach of {seconds:.1} s: torque of the shoulder, in fixed point\n"
        );
        text += &braille(&self.fixed[0], -torque, torque, 7);
        text += &format!(
            "and how far float is from that, on a scale {:.0} times larger\n",
            torque / error
        );
        text + &braille(&difference, -error, error, 4)
    }

    /// Both joints as a drawing.
    pub fn svg(&self) -> String {
        let limit = nice(largest(&self.difference(0)).max(largest(&self.difference(1))));
        let torque = |joint: usize, title: &str| Panel {
            title: title.to_owned(),
            height: 150.0,
            limit: 1.0,
            lines: vec![
                Line { label: "float", class: "float", values: self.float[joint].clone() },
                Line { label: "fixed point", class: "fixed", values: self.fixed[joint].clone() },
            ],
        };
        let panels = [
            torque(0, "Shoulder: torque / limit"),
            torque(1, "Elbow: torque / limit"),
            Panel {
                title: "Fixed point minus float".to_owned(),
                height: 110.0,
                limit,
                lines: vec![
                    Line { label: "shoulder", class: "first", values: self.difference(0) },
                    Line { label: "elbow", class: "second", values: self.difference(1) },
                ],
            },
        ];
        page("The bundled policy on a reach: float and fixed point", PERIOD, &panels)
    }
}

/// What the policy sees at a time: sines and cosines, rates, and errors, scaled as in training.
fn observation(time: f64) -> Vec<f64> {
    let now = pose(time);
    let goal = pose(time + LEAD);
    let before = pose(time - PERIOD);
    let rate = |joint: usize| (now[joint] - before[joint]) / PERIOD / 5.0;
    let error = |joint: usize| (goal[joint] - now[joint]) / 1.5;
    let [a, b] = now;
    vec![a.sin(), a.cos(), b.sin(), b.cos(), rate(0), rate(1), error(0), error(1)]
}

/// The angles of the joints at a time.
fn pose(time: f64) -> [f64; 2] {
    let half = STEPS as f64 * PERIOD / 2.0;
    let (from, to, t) =
        if time < half { (POSES[0], POSES[1], time) } else { (POSES[1], POSES[2], time - half) };
    // Flash and Hogan 1985: 10 s^3 - 15 s^4 + 6 s^5, here with a rest before and after.
    let s = ((t / half - 0.1) / 0.8).clamp(0.0, 1.0);
    let share = s * s * s * (10.0 + s * (6.0 * s - 15.0));
    let wrap = |angle: f64| (angle + PI).rem_euclid(2.0 * PI) - PI;
    [0, 1].map(|joint| wrap(from[joint] + (to[joint] - from[joint]) * share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arm_moves_within_what_it_was_trained_on() {
        for step in 0..STEPS {
            let seen = observation(step as f64 * PERIOD);
            assert!(seen.iter().all(|x| x.abs() <= 1.2), "step {step}: {seen:?}");
        }
    }
}
