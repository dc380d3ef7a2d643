//! The swimming circuit in its water: what it earns in float and in integers, and how it looks.

use std::fmt::Write;

use nervecord_plants::{RandomState, Swimmer};

use nervecord_codegen::Compiled;
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::reference::Reference;
use nervecord_codegen::text::table;

/// The published start states of the task.
const SEEDS: std::ops::Range<u32> = 1000..1020;
/// Control steps of an episode, and seconds of one.
const STEPS: usize = 1000;
const SECONDS: f64 = 0.03;
/// Control steps from one frame of the animation to the next.
const FRAME: usize = 8;
/// Control steps whose joint angles are drawn.
const SHOWN: usize = 200;

/// Episodes of a compiled swimmer.
pub struct Swim {
    float: Vec<f64>,
    fixed: Vec<f64>,
    random: Vec<f64>,
    /// The ends of the links at every step of the first seed, under the integers.
    bodies: Vec<Vec<[f64; 2]>>,
    /// The joint angles over their limit, likewise.
    angles: Vec<Vec<f64>>,
}

impl Swim {
    /// Swims every seed with the float circuit, the integers, and random torques.
    pub fn drive(compiled: &Compiled) -> Self {
        let graph = &compiled.graph;
        let joints = graph.output_len();
        let swimmer = |seed| Swimmer::seeded(joints, seed);
        let float = |seed| {
            let mut reference = Reference::new(graph);
            swimmer(seed).episode(|x| reference.step(x).swap_remove(graph.output))
        };
        let fixed = |seed| {
            let mut interpreter = Interpreter::new(&compiled.program);
            swimmer(seed).episode(|x| interpreter.step(x).0)
        };
        let random = |seed| {
            let mut random = RandomState::new(seed);
            swimmer(seed).episode(|_| (0..joints).map(|_| random.uniform(-1.0, 1.0)).collect())
        };
        let mut first = swimmer(SEEDS.start);
        let mut interpreter = Interpreter::new(&compiled.program);
        let (mut bodies, mut angles) = (vec![first.body()], vec![first.angles()]);
        for _ in 0..STEPS {
            let torques = interpreter.step(&first.angles()).0;
            first.step(&torques);
            bodies.push(first.body());
            angles.push(first.angles());
        }
        Self {
            float: SEEDS.map(float).collect(),
            fixed: SEEDS.map(fixed).collect(),
            random: SEEDS.map(random).collect(),
            bodies,
            angles,
        }
    }

    /// The returns as a table: 1000 is full speed in every step.
    pub fn terminal(&self) -> String {
        let row = |name: &str, returns: &[f64]| {
            let mean = returns.iter().sum::<f64>() / returns.len() as f64;
            let least = returns.iter().copied().fold(f64::INFINITY, f64::min);
            [name.to_owned(), format!("{mean:.2}"), format!("{least:.2}")]
        };
        let rows = [
            ["controller", "mean return", "least"].map(str::to_owned),
            row("float", &self.float),
            row("integers", &self.fixed),
            row("random torques", &self.random),
        ];
        let apart = self.float.iter().zip(&self.fixed).map(|(a, b)| (a - b).abs());
        let apart = apart.fold(0.0, f64::max);
        format!(
            "a worm's circuit swims, {} starts of {STEPS} steps; 1000 is full speed all the time\n{}\
             float and integers differ by at most {apart:.3} on any start\n",
            SEEDS.len(),
            table(&rows, &[1, 2]),
        )
    }

    /// The body's path from above, moving, and the joint angles over time.
    pub fn svg(&self) -> String {
        let view = View::around(&self.bodies);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 560\" font-family=\"system-ui,sans-serif\" font-size=\"13\" fill=\"#33414e\">\n\
             <rect width=\"860\" height=\"560\" fill=\"#fff\"/>\n\
             <text x=\"30\" y=\"34\" font-size=\"17\" font-weight=\"600\" fill=\"#1c2733\">A swimming circuit in integers: {:.0} s from above</text>\n",
            STEPS as f64 * SECONDS,
        );
        let head: Vec<[f64; 2]> = self.bodies.iter().filter_map(|b| b.first().copied()).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"#9bb8d3\"/>",
            view.points(&head)
        );
        for body in self.bodies.iter().step_by(STEPS / 10) {
            let _ = writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"#c9d3dc\" stroke-width=\"4\" stroke-linecap=\"round\" stroke-linejoin=\"round\"/>",
                view.points(body)
            );
        }
        let frames: Vec<String> =
            self.bodies.iter().step_by(FRAME).map(|b| view.points(b)).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"#2d7a4f\" stroke-width=\"5\" stroke-linecap=\"round\" stroke-linejoin=\"round\">\
             <animate attributeName=\"points\" dur=\"{:.0}s\" repeatCount=\"indefinite\" values=\"{}\"/></polyline>",
            frames.last().map_or("", String::as_str),
            STEPS as f64 * SECONDS / 2.0,
            frames.join(";"),
        );
        svg += &self.gait();
        svg + "</svg>\n"
    }

    /// The first joint angles over time, head first, one row a joint.
    fn gait(&self) -> String {
        let joints = self.angles.first().map_or(0, Vec::len);
        let height = 170.0 / joints.max(1) as f64;
        let x = |step: usize| 90.0 + 740.0 * step as f64 / SHOWN as f64;
        let mut svg = format!(
            "<text x=\"30\" y=\"345\" font-weight=\"600\">joint angles over their limit, the first {:.0} s, head at the top</text>\n",
            SHOWN as f64 * SECONDS
        );
        for joint in 0..joints {
            let middle = 375.0 + height * joint as f64;
            let point = |(step, angles): (usize, &Vec<f64>)| {
                format!("{:.1},{:.1}", x(step), middle - angles[joint] * height * 0.55)
            };
            let line: Vec<String> =
                self.angles.iter().take(SHOWN + 1).enumerate().map(point).collect();
            let _ = writeln!(
                svg,
                "<text x=\"30\" y=\"{:.1}\">joint {}</text><path d=\"M90 {middle:.1}H830\" stroke=\"#e3e8ed\"/>\
                 <polyline points=\"{}\" fill=\"none\" stroke=\"#2d7a4f\" stroke-width=\"1.6\"/>",
                middle + 4.0,
                joint + 1,
                line.join(" "),
            );
        }
        svg
    }
}

/// From metres to the upper part of the picture, turned so that the swimmer goes to the right.
struct View {
    /// Cosine and sine of the turn.
    turn: [f64; 2],
    low: [f64; 2],
    scale: f64,
}

impl View {
    fn around(bodies: &[Vec<[f64; 2]>]) -> Self {
        let head = |body: Option<&Vec<[f64; 2]>>| body.and_then(|b| b.first()).copied();
        let (from, to) = (head(bodies.first()), head(bodies.last()));
        let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
        let way = (to[0] - from[0]).hypot(to[1] - from[1]).max(1e-9);
        let turn = [(to[0] - from[0]) / way, (to[1] - from[1]) / way];
        let mut view = Self { turn, low: [f64::INFINITY; 2], scale: 1.0 };
        let mut high = [f64::NEG_INFINITY; 2];
        for point in bodies.iter().flatten() {
            let turned = view.turned(point);
            for k in 0..2 {
                view.low[k] = view.low[k].min(turned[k]);
                high[k] = high[k].max(turned[k]);
            }
        }
        view.scale = f64::min(800.0 / (high[0] - view.low[0]), 240.0 / (high[1] - view.low[1]));
        view
    }

    fn turned(&self, [x, y]: &[f64; 2]) -> [f64; 2] {
        let [cos, sin] = self.turn;
        [x * cos + y * sin, y * cos - x * sin]
    }

    fn points(&self, line: &[[f64; 2]]) -> String {
        let point = |point: &[f64; 2]| {
            let [x, y] = self.turned(point);
            let (x, y) = ((x - self.low[0]) * self.scale, (y - self.low[1]) * self.scale);
            format!("{:.1},{:.1}", 30.0 + x, 300.0 - y)
        };
        line.iter().map(point).collect::<Vec<_>>().join(" ")
    }
}
