//! A chain of links in a viscous plane: the swimmer of dm_control (Tassa et al. 2018), without MuJoCo.
//!
//! Every link is a rod of length 0.1; the first is the head, which looks along `-e_0`. The fluid's drag
//! is that of each link's equivalent box. The equations are those of MuJoCo (Todorov 2012) for this
//! model: mass matrix by Jacobians, quadratic drag, soft joint limits, semi-implicit Euler.

use super::random_state::RandomState;

const MASS: f64 = 0.01;
const INERTIA: f64 = 8.33667e-6;
const LENGTH: f64 = 0.1;
/// Sides of the equivalent box: across, along, up.
const BOX: [f64; 3] = [0.002, 0.1, 0.02];
const DENSITY: f64 = 3000.0;
const ARMATURE: f64 = 1e-6;
const GEAR: f64 = 5e-4;
/// Seconds of a physics step.
pub const TIME_STEP: f64 = 0.002;
/// Physics steps of a control step.
const SUBSTEPS: usize = 15;
/// The speed that earns a reward of 1.
const TARGET_SPEED: f64 = 0.1;
/// Control steps of an episode.
pub const EPISODE: usize = 1000;

/// A swimmer of any number of links.
#[derive(Debug, Clone)]
pub struct Swimmer {
    /// x, y, heading, then the joint angles from the head on.
    position: Vec<f64>,
    velocity: Vec<f64>,
    limit: f64,
    /// `[M^-1]_jj` of the straight body at each joint, which scales its limit's softness.
    softness: Vec<f64>,
}

/// One link as it moves.
struct Link {
    /// Along the link, towards the tail.
    along: [f64; 2],
    /// The joint in front of it.
    front: [f64; 2],
    centre: [f64; 2],
    /// Angular velocity.
    spin: f64,
}

impl Swimmer {
    /// A straight swimmer of `joints + 1` links at rest.
    pub fn new(joints: usize) -> Self {
        let limit = 2.0 * std::f64::consts::PI / (joints as f64 + 1.0);
        let mut swimmer = Self {
            position: vec![0.0; joints + 3],
            velocity: vec![0.0; joints + 3],
            limit,
            softness: vec![],
        };
        let mass = swimmer.mass(&swimmer.links());
        swimmer.softness = (0..joints)
            .map(|j| {
                let mut unit = vec![0.0; joints + 3];
                unit[j + 3] = 1.0;
                solve(mass.clone(), unit)[j + 3]
            })
            .collect();
        swimmer
    }

    /// A swimmer at the start of the episode of a seed: heading anywhere, joints within their limits.
    pub fn seeded(joints: usize, seed: u32) -> Self {
        let mut swimmer = Self::new(joints);
        let mut random = RandomState::new(seed);
        swimmer.position[2] = random.uniform(-std::f64::consts::PI, std::f64::consts::PI);
        let limit = swimmer.limit;
        swimmer.position[3..].iter_mut().for_each(|q| *q = random.uniform(-limit, limit));
        swimmer
    }

    /// Number of joints.
    pub fn joints(&self) -> usize {
        self.position.len() - 3
    }

    /// x, y, heading, then the joint angles.
    pub fn position(&self) -> &[f64] {
        &self.position
    }

    /// How fast each of these changes, a second.
    pub fn velocity(&self) -> &[f64] {
        &self.velocity
    }

    /// The angle at which a joint meets its limit, in radians.
    pub fn limit(&self) -> f64 {
        self.limit
    }

    /// The joint angles over their limit, clamped to -1..1: what the controller feels.
    pub fn angles(&self) -> Vec<f64> {
        self.position[3..].iter().map(|q| (q / self.limit).clamp(-1.0, 1.0)).collect()
    }

    /// The ends of all links, from the head's tip to the tail's.
    pub fn body(&self) -> Vec<[f64; 2]> {
        let links = self.links();
        let tail = links.last().map(|l| add(l.front, l.along, LENGTH));
        links.iter().map(|l| l.front).chain(tail).collect()
    }

    /// Speed along the direction the head looks in.
    pub fn forward_speed(&self) -> f64 {
        let links = self.links();
        let head = &links[0];
        let v = self.link_velocity(head, 0, &links);
        -(v[0] * head.along[0] + v[1] * head.along[1])
    }

    /// What the present state earns: forward speed over its target, 0..1.
    pub fn reward(&self) -> f64 {
        (self.forward_speed() / TARGET_SPEED).clamp(0.0, 1.0)
    }

    /// One control step of 0.03 s with torques of -1..1.
    pub fn step(&mut self, torques: &[f64]) {
        let torques: Vec<f64> = torques.iter().map(|torque| torque.clamp(-1.0, 1.0)).collect();
        for _ in 0..SUBSTEPS {
            self.physics(&torques);
        }
    }

    /// The return of an episode under a controller: angles in, torques out.
    pub fn episode(&mut self, mut controller: impl FnMut(&[f64]) -> Vec<f64>) -> f64 {
        let mut sum = 0.0;
        for _ in 0..EPISODE {
            let torques = controller(&self.angles());
            self.step(&torques);
            sum += self.reward();
        }
        sum
    }

    fn links(&self) -> Vec<Link> {
        let mut front = [self.position[0], self.position[1] - LENGTH / 2.0];
        let (mut heading, mut spin) = (0.0, 0.0);
        let mut links = Vec::with_capacity(self.joints() + 1);
        for (angle, rate) in self.position[2..].iter().zip(&self.velocity[2..]) {
            heading += angle;
            spin += rate;
            let along = [-f64::sin(heading), f64::cos(heading)];
            links.push(Link { along, front, centre: add(front, along, LENGTH / 2.0), spin });
            front = add(front, along, LENGTH);
        }
        links
    }

    /// Column `2 + j` of link `k`'s Jacobian: how its centre moves as joint `j` turns.
    fn turn(links: &[Link], k: usize, j: usize) -> [f64; 2] {
        let (centre, pivot) = (links[k].centre, links[j].front);
        [-(centre[1] - pivot[1]), centre[0] - pivot[0]]
    }

    fn link_velocity(&self, link: &Link, k: usize, links: &[Link]) -> [f64; 2] {
        let _ = link;
        (0..=k).fold([self.velocity[0], self.velocity[1]], |v, j| {
            add(v, Self::turn(links, k, j), self.velocity[2 + j])
        })
    }

    /// The mass matrix.
    fn mass(&self, links: &[Link]) -> Vec<Vec<f64>> {
        let n = self.position.len();
        let mut mass = vec![vec![0.0; n]; n];
        for k in 0..links.len() {
            let columns = Self::columns(links, k);
            for (a, ca) in columns.iter().enumerate() {
                for (b, cb) in columns.iter().enumerate() {
                    mass[a][b] += MASS * (ca[0] * cb[0] + ca[1] * cb[1]);
                    if a >= 2 && b >= 2 {
                        mass[a][b] += INERTIA;
                    }
                }
            }
        }
        (3..n).for_each(|i| mass[i][i] += ARMATURE);
        mass
    }

    /// The columns of link `k`'s Jacobian that are not zero.
    fn columns(links: &[Link], k: usize) -> Vec<[f64; 2]> {
        let turns = (0..=k).map(|j| Self::turn(links, k, j));
        [[1.0, 0.0], [0.0, 1.0]].into_iter().chain(turns).collect()
    }

    /// One physics step of [`TIME_STEP`], for who has another control step or motors that are stronger than its muscles.
    pub fn physics(&mut self, torques: &[f64]) {
        let links = self.links();
        let mass = self.mass(&links);
        let mut force = vec![0.0; self.position.len()];
        for (force, torque) in force[3..].iter_mut().zip(torques) {
            *force = GEAR * torque;
        }
        let mut bias = [0.0, 0.0];
        for (k, link) in links.iter().enumerate() {
            // Acceleration of the centre by velocities alone: towards each pivot.
            let spin = link.spin * link.spin;
            let centripetal = add(bias, link.along, -0.5 * LENGTH * spin);
            bias = add(bias, link.along, -LENGTH * spin);
            let (drag, drag_torque) = drag(link, self.link_velocity(link, k, &links));
            let f = add(drag, centripetal, -MASS);
            for (i, column) in Self::columns(&links, k).iter().enumerate() {
                force[i] += column[0] * f[0] + column[1] * f[1];
                if i >= 2 {
                    force[i] += drag_torque;
                }
            }
        }
        let acceleration = self.limited(mass, force);
        for ((q, v), a) in self.position.iter_mut().zip(&mut self.velocity).zip(acceleration) {
            *v += TIME_STEP * a;
            *q += TIME_STEP * *v;
        }
    }

    /// Accelerations under forces and the soft joint limits, whose active set is found by iteration.
    fn limited(&self, mass: Vec<Vec<f64>>, force: Vec<f64>) -> Vec<f64> {
        let limits: Vec<Limit> = (3..force.len()).filter_map(|i| self.limit_at(i)).collect();
        let mut acceleration = solve(mass.clone(), force.clone());
        let mut active = vec![false; limits.len()];
        // Each pass settles at least one limit in practice; the bound is for safety.
        for _ in 0..2 * limits.len() {
            let now: Vec<bool> =
                limits.iter().map(|l| l.side * acceleration[l.index] - l.reference < 0.0).collect();
            if now == active {
                break;
            }
            active = now;
            let (mut mass, mut force) = (mass.clone(), force.clone());
            for (l, _) in limits.iter().zip(&active).filter(|(_, on)| **on) {
                mass[l.index][l.index] += l.stiffness;
                force[l.index] += l.stiffness * l.side * l.reference;
            }
            acceleration = solve(mass, force);
        }
        acceleration
    }

    /// The soft limit of coordinate `index`, if it is beyond one.
    fn limit_at(&self, index: usize) -> Option<Limit> {
        let (q, v) = (self.position[index], self.velocity[index]);
        let side = if q < 0.0 { 1.0 } else { -1.0 };
        let distance = self.limit + side * q;
        if distance >= 0.0 {
            return None;
        }
        // MuJoCo's impedance (solimp 0.0001 0.8 0.1) and reference (solref 0.05 1).
        let x = (distance.abs() / 0.1).min(1.0);
        let y = if x <= 0.5 { 2.0 * x * x } else { 1.0 - 2.0 * (1.0 - x) * (1.0 - x) };
        let impedance = 1e-4 + y * (0.8 - 1e-4);
        let softness = (1.0 - impedance) / impedance * self.softness[index - 3];
        let (k, b) = (1.0 / (0.8 * 0.8 * 0.05 * 0.05), 2.0 / (0.8 * 0.05));
        let reference = -b * side * v - k * impedance * distance;
        Some(Limit { index, side, reference, stiffness: 1.0 / softness })
    }
}

/// A joint limit that is exceeded.
struct Limit {
    index: usize,
    /// 1 at the lower limit, -1 at the upper.
    side: f64,
    /// The acceleration it asks for.
    reference: f64,
    stiffness: f64,
}

/// Force and torque of the fluid on a link.
fn drag(link: &Link, velocity: [f64; 2]) -> ([f64; 2], f64) {
    let along = link.along;
    let across = [along[1], -along[0]];
    let dot = |a: [f64; 2]| a[0] * velocity[0] + a[1] * velocity[1];
    let (vx, vy) = (dot(across), dot(along));
    let [bx, by, bz] = BOX;
    let fx = -0.5 * DENSITY * by * bz * vx.abs() * vx;
    let fy = -0.5 * DENSITY * bx * bz * vy.abs() * vy;
    let torque = -DENSITY * bz * (bx.powi(4) + by.powi(4)) / 64.0 * link.spin.abs() * link.spin;
    (add([fx * across[0], fx * across[1]], along, fy), torque)
}

/// `a + s b`.
fn add(a: [f64; 2], b: [f64; 2], s: f64) -> [f64; 2] {
    [a[0] + s * b[0], a[1] + s * b[1]]
}

/// Solves `A x = b` for a symmetric positive definite `A`, by its Cholesky factor.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| a[i][k] * a[j][k]).sum();
            let rest = a[i][j] - dot;
            a[i][j] = if i == j { rest.sqrt() } else { rest / a[j][j] };
        }
    }
    for i in 0..n {
        let dot: f64 = (0..i).map(|k| a[i][k] * b[k]).sum();
        b[i] = (b[i] - dot) / a[i][i];
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|k| a[k][i] * b[k]).sum();
        b[i] = (b[i] - dot) / a[i][i];
    }
    b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_start_where_the_published_episodes_do() {
        let swimmer = Swimmer::seeded(5, 1000);
        let expected = [0.0, 0.0, 0.9650318267270377, -0.8063275727756295, 0.9430702257841765];
        for (found, expected) in swimmer.position().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-14, "{found} {expected}");
        }
    }

    /// Without torques the fluid brings every motion to rest, and joints return into their limits.
    #[test]
    fn a_passive_swimmer_comes_to_rest_within_its_limits() {
        let mut swimmer = Swimmer::seeded(5, 1);
        swimmer.position[3] = 1.2 * swimmer.limit;
        swimmer.velocity[4] = 20.0;
        for _ in 0..200 {
            swimmer.step(&[0.0; 5]);
        }
        assert!(swimmer.velocity.iter().all(|v| v.abs() < 0.5), "{:?}", swimmer.velocity);
        assert!(swimmer.position[3..].iter().all(|q| q.abs() < 1.1 * swimmer.limit));
    }
}
