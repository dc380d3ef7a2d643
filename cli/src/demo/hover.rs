//! The recurrent policy in the air: flights in float and in integers, with and without its memory.

use std::fmt::Write;

use super::plot::{self, Line, Panel, largest, plane};
use crate::plants::Quadrotor;
use crate::plants::quadrotor::TIME_STEP;
use nervecord_codegen::report::chart::nice;

use nervecord_codegen::Compiled;
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::reference::Reference;
use nervecord_codegen::text::table;

/// The starts of the table, and control steps of their flights; the last `LATE` of them are hovering.
const SEEDS: std::ops::Range<u32> = 0..20;
const STEPS: usize = 1000;
const LATE: usize = 200;
/// Poses that the flights of the picture start at, from left to right, and their loads.
const STARTS: [([f64; 3], f64); 6] = [
    ([-2.0, 0.2, -0.4], 1.0),
    ([-1.5, 1.3, 0.5], 1.2),
    ([-1.2, -1.1, 0.2], 0.9),
    ([0.6, 1.4, -0.5], 1.1),
    ([1.3, -1.0, 0.4], 1.2),
    ([2.0, 0.7, 0.0], 0.9),
];
/// Control steps of the flights of the picture that are drawn, and from one frame of the animation to the next.
const SHOWN: usize = 350;
const FRAME: usize = 5;
/// Metres from one drawn quadrotor to the next on its flight.
const APART: f64 = 0.38;

/// Flights of a compiled policy.
pub struct Hover {
    /// Of each seed.
    float: Vec<Vec<Quadrotor>>,
    fixed: Vec<Vec<Quadrotor>>,
    forgetful: Vec<Vec<Quadrotor>>,
    /// Of the picture: integers whose memory is reset before every step, float, integers.
    shown: [Vec<Vec<Quadrotor>>; 3],
}

impl Hover {
    /// Flies every seed and every start of the picture, thrice.
    pub fn drive(compiled: &Compiled) -> Self {
        let graph = &compiled.graph;
        let float = |noise: u32, start: Quadrotor| {
            let mut reference = Reference::new(graph);
            start.fly(noise, STEPS, |x| reference.step(x).swap_remove(graph.output))
        };
        let fixed = |noise: u32, start: Quadrotor| {
            let mut interpreter = Interpreter::new(&compiled.program);
            start.fly(noise, STEPS, |x| interpreter.step(x).0)
        };
        let forgetful = |noise: u32, start: Quadrotor| {
            let mut interpreter = Interpreter::new(&compiled.program);
            start.fly(noise, STEPS, |x| {
                interpreter.reset();
                interpreter.step(x).0
            })
        };
        let seeded = |fly: &dyn Fn(u32, Quadrotor) -> Vec<Quadrotor>| {
            SEEDS.map(|seed| fly(seed, Quadrotor::seeded(seed))).collect()
        };
        let shown = |fly: &dyn Fn(u32, Quadrotor) -> Vec<Quadrotor>| {
            let fly = |(noise, &(pose, load))| {
                let start = Quadrotor { pose, rates: [0.0; 3], thrusts: [1.0; 2], load };
                let mut flight = fly(noise, start);
                flight.insert(0, start);
                flight.truncate(SHOWN);
                flight
            };
            (0..).zip(&STARTS).map(fly).collect()
        };
        Self {
            float: seeded(&float),
            fixed: seeded(&fixed),
            forgetful: seeded(&forgetful),
            shown: [shown(&forgetful), shown(&float), shown(&fixed)],
        }
    }

    /// The flights of the picture, and how well all hover.
    pub fn terminal(&self) -> String {
        let [_, _, fixed] = &self.shown;
        let paths: Vec<Vec<[f64; 2]>> =
            fixed.iter().map(|flight| flight.iter().map(Quadrotor::position).collect()).collect();
        let rows = [
            ["controller", "in the air", "cm from the goal", "largest"].map(str::to_owned),
            row("float", &self.float),
            row("integers", &self.fixed),
            row("integers, no memory", &self.forgetful),
        ];
        let pairs =
            self.float.iter().zip(&self.fixed).flat_map(|(float, fixed)| float.iter().zip(fixed));
        let apart = pairs.map(|(float, fixed)| float.apart(fixed)).fold(0.0, f64::max);
        format!(
            "a quadrotor that sees where it is, but no speed: flights to the goal in the middle, in integers, m\n{}\
             {} starts with loads unknown to it, after {:.0} s\n{}\
             float and integers are never more than {:.1} mm apart\n",
            plane(&paths, [-2.4, -1.4], [2.4, 1.6], 12),
            SEEDS.len(),
            (STEPS - LATE) as f64 * TIME_STEP,
            table(&rows, &[1, 2, 3]),
            apart * 1000.0,
        )
    }

    /// The flights in their plane, moving, and below them how far the integers are from float.
    pub fn svg(&self) -> String {
        plot::document("A quadrotor hovers by a GRU, from its pose alone", |body| {
            let curves = [
                ("without memory, until it tumbles", "lost"),
                ("float", "float"),
                ("fixed point", "fixed"),
            ];
            plot::key(body, curves.into_iter(), TOP - 14.0);
            sky(body);
            let [forgetful, float, fixed] = &self.shown;
            float.iter().for_each(|flight| line(body, "float", flight));
            fixed.iter().for_each(|flight| strobe(body, flight));
            fixed.iter().for_each(|flight| line(body, "fixed", flight));
            forgetful.iter().for_each(|flight| line(body, "lost", flight));
            forgetful.iter().for_each(|flight| end(body, flight));
            fixed.iter().for_each(|flight| moving(body, flight));
            *body += "</svg>\n";
            plot::stack(body, TIME_STEP, &self.panels(), TOP + HEIGHT + 16.0)
        })
    }

    /// The first flight of the picture over time.
    fn panels(&self) -> Vec<Panel> {
        let [_, float, fixed] = &self.shown;
        let (float, fixed) = (float.first(), fixed.first());
        let over = |flight: Option<&Vec<Quadrotor>>, of: fn(&Quadrotor) -> f64| -> Vec<f64> {
            flight.into_iter().flatten().map(of).collect()
        };
        let pairs = || float.into_iter().flatten().zip(fixed.into_iter().flatten());
        let apart = |i: usize| pairs().map(|(a, b)| (b.pose[i] - a.pose[i]) * 1000.0).collect();
        let (x, z): (Vec<f64>, Vec<f64>) = (apart(0), apart(1));
        let pitch = [over(float, |q| q.pose[2]), over(fixed, |q| q.pose[2])];
        let limit = nice(largest(&x).max(largest(&z)));
        let [in_float, in_fixed] = pitch;
        vec![
            Panel {
                title: "Leftmost flight: angle from level in rad".to_owned(),
                height: 110.0,
                limit: nice(largest(&in_float)),
                lines: vec![
                    Line { label: "float", class: "float", values: in_float },
                    Line { label: "fixed point", class: "fixed", values: in_fixed },
                ],
            },
            Panel {
                title: "Its position: fixed point minus float in mm".to_owned(),
                height: 110.0,
                limit,
                lines: vec![
                    Line { label: "to the right", class: "first", values: x },
                    Line { label: "up", class: "second", values: z },
                ],
            },
        ]
    }
}

/// A row of the table: how many flights did not fail, and how far from the goal those ended.
fn row(name: &str, flights: &[Vec<Quadrotor>]) -> [String; 4] {
    let late: Vec<_> =
        flights.iter().filter_map(|flight| flight.get(STEPS - LATE..STEPS)).collect();
    let away: Vec<f64> = late.iter().copied().flatten().map(Quadrotor::distance).collect();
    let mean = away.iter().sum::<f64>() / away.len() as f64;
    let centimetres = |metres: f64| match away.is_empty() {
        true => "-".to_owned(),
        false => format!("{:.1}", metres * 100.0),
    };
    let stay = format!("{} of {}", late.len(), flights.len());
    [name.to_owned(), stay, centimetres(mean), centimetres(largest(&away))]
}

/// Where the view of the plane is on the page, and pixels a metre.
const TOP: f64 = 76.0;
const HEIGHT: f64 = 470.0;
const SCALE: f64 = 155.0;
const GOAL: [f64; 2] = [plot::LEFT + plot::WIDTH / 2.0, TOP + 0.54 * HEIGHT];

/// From metres about the goal to the page.
fn from_goal([x, z]: [f64; 2]) -> [f64; 2] {
    let [right, down] = GOAL;
    [right + x * SCALE, down - z * SCALE]
}

fn at(quadrotor: &Quadrotor) -> [f64; 2] {
    from_goal(quadrotor.position())
}

/// Opens the view, which cuts what is outside: a grid of metres, the goal, and what a quadrotor looks like.
fn sky(body: &mut String) {
    let (left, width) = (plot::LEFT, plot::WIDTH);
    let _ = writeln!(
        body,
        "<svg x=\"{left}\" y=\"{TOP}\" width=\"{width}\" height=\"{HEIGHT}\" viewBox=\"{left} {TOP} {width} {HEIGHT}\">\n\
         <defs><g id=\"quadrotor\" fill=\"none\" stroke-linecap=\"round\"><path stroke-width=\"3\" d=\"M-18.6 0h37.2M-4 0h8v3h-8z\"/>\
         <path stroke-width=\"1.6\" d=\"M-18.6 0v-5m-8 0h16M18.6 0v-5m-8 0h16\"/></g></defs>\n\
         <rect x=\"{left}\" y=\"{TOP}\" width=\"{width}\" height=\"{HEIGHT}\" fill=\"#f6f9fb\"/>"
    );
    for metre in -2..=2 {
        let [x, y] = from_goal([f64::from(metre); 2]);
        let _ = writeln!(
            body,
            "<path class=\"grid\" d=\"M{x:.1} {TOP}v{HEIGHT}M{left} {y:.1}h{width}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{metre} m</text>",
            x + 5.0,
            TOP + HEIGHT - 7.0,
        );
    }
    let [x, y] = GOAL;
    let _ = writeln!(
        body,
        "<circle cx=\"{x}\" cy=\"{y}\" r=\"26\" fill=\"#0f766e\" fill-opacity=\".12\" stroke=\"#0f766e\"/>"
    );
}

/// A flight's path.
fn line(body: &mut String, class: &str, flight: &[Quadrotor]) {
    let points: Vec<String> =
        flight.iter().map(at).map(|[x, y]| format!("{x:.1},{y:.1}")).collect();
    let _ = writeln!(body, "<polyline class=\"curve {class}\" points=\"{}\"/>", points.join(" "));
}

/// A quadrotor at some places between its start and the goal.
fn strobe(body: &mut String, flight: &[Quadrotor]) {
    let Some((mut last, rest)) = flight.split_first() else { return };
    for quadrotor in rest {
        if quadrotor.apart(last) > APART && quadrotor.distance() > APART {
            let [x, y] = at(quadrotor);
            let _ = writeln!(
                body,
                "<use href=\"#quadrotor\" stroke=\"#4b5b69\" transform=\"translate({x:.1} {y:.1}) rotate({:.1})\"/>",
                tilt(quadrotor)
            );
            last = quadrotor;
        }
    }
}

/// Where a flight that failed ended.
fn end(body: &mut String, flight: &[Quadrotor]) {
    if let Some(last) = flight.last().filter(|quadrotor| quadrotor.has_failed()) {
        let [x, y] = at(last);
        let _ = writeln!(
            body,
            "<path d=\"M{:.1} {:.1}l10 10m0-10l-10 10\" stroke=\"#1c2733\" stroke-width=\"2\"/>",
            x - 5.0,
            y - 5.0
        );
    }
}

/// A quadrotor that flies its flight over and over.
fn moving(body: &mut String, flight: &[Quadrotor]) {
    let frames = || flight.iter().step_by(FRAME);
    let places: Vec<String> = frames().map(at).map(|[x, y]| format!("{x:.1} {y:.1}")).collect();
    let tilts: Vec<String> = frames().map(|q| format!("{:.1}", tilt(q))).collect();
    let animate = |kind: &str, values: &[String]| {
        format!(
            "<animateTransform attributeName=\"transform\" type=\"{kind}\" dur=\"{:.1}s\" repeatCount=\"indefinite\" values=\"{}\"/>",
            SHOWN as f64 * TIME_STEP,
            values.join(";"),
        )
    };
    let first = |values: &[String]| values.first().cloned().unwrap_or_default();
    let _ = writeln!(
        body,
        "<g transform=\"translate({})\">{}<use href=\"#quadrotor\" stroke=\"#c2410c\" transform=\"rotate({})\">{}</use></g>",
        first(&places),
        animate("translate", &places),
        first(&tilts),
        animate("rotate", &tilts),
    );
}

/// Degrees clockwise.
fn tilt(quadrotor: &Quadrotor) -> f64 {
    -quadrotor.pose[2].to_degrees()
}
