//! A run as a picture: where the joints were and were told to be, who was in charge, what was earned, and the way swum.

use nervecord_codegen::report::chart::{Axis, Picture, Plot};

use super::firmware::body::JOINTS;
use super::host::PERIOD;
use super::plan::Plan;
use super::run::{Place, Run};

const WIDTH: f64 = 1100.0;
const HEIGHT: f64 = 620.0;
/// The lanes over time: their left end, the top of the first, and how long, high and far apart they are.
const LEFT: f64 = 94.0;
const TOP: f64 = 84.0;
const LONG: f64 = 680.0;
const HIGH: f64 = 50.0;
const APART: f64 = 68.0;
/// Degrees at a joint's limit.
const LIMIT: f64 = 60.0;
/// Of the places, one in so many is drawn with its whole body.
const BODIES: usize = 66;
/// A period that the swimmer is told in.
const SECONDS: f64 = PERIOD as f64 / 1e6;

/// Its own colours, on paper as light as the other pictures of the book.
const STYLE: &str = "<style>
text { font: 12px system-ui, sans-serif; fill: #1c2733; }
.caption { font-weight: 600; font-size: 15px; }
.small { font-size: 11px; fill: #4a5b6c; }
.grid, .zero, .tick { stroke: #d5dde5; fill: none; }
.zero { stroke: #b3bfca; }
.told { stroke: #e07b39; stroke-width: 1; fill: none; }
.was { stroke: #1f6fb2; stroke-width: 1.4; fill: none; }
.fault { fill: #b3261e; opacity: .16; }
.safe { fill: #b3261e; }
.running { fill: #2d7a4f; }
.way { stroke: #8fa3b5; stroke-width: 1; fill: none; }
.body { stroke: #1f6fb2; stroke-width: 2.4; fill: none; stroke-linecap: round; stroke-linejoin: round; }
.head { fill: #e07b39; }
</style>";

/// The run under a plan; `running` says of each period whether the circuit was in charge.
pub fn draw(run: &Run, plan: &Plan, running: &[bool]) -> String {
    let mut picture =
        Picture::new("A swim of the emulated Pico with faults on its bus", WIDTH, HEIGHT);
    picture.raw(STYLE).raw(format_args!(
        "<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"10\" fill=\"#f7f9fb\"/>"
    ));
    let begin = run.begin();
    let seconds = |at: u64| at.saturating_sub(begin) as f64 / 1e6;
    let end = seconds(run.time);
    let time = Axis::fixed(
        0.0,
        end,
        (0..=6).map(|i| 5.0 * f64::from(i)).filter(|&t| t <= end).collect::<Vec<_>>(),
    );
    caption(
        &mut picture,
        LEFT,
        28.0,
        "A Pico's image in the emulator: the swimmer under every fault on its bus",
    );
    faults(&mut picture, plan, &time);
    for joint in 0..JOINTS {
        lane(&mut picture, run, joint, &time, &seconds);
    }
    charge(&mut picture, running, &time);
    earned(&mut picture, run, &time, &seconds);
    way(&mut picture, &run.track);
    picture.svg().replacen("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ", 1)
}

fn caption(picture: &mut Picture, x: f64, y: f64, words: &str) {
    picture.raw(format_args!("<text class=\"caption\" x=\"{x}\" y=\"{y}\">{words}</text>"));
}

fn plot(lane: usize) -> Plot {
    Plot { left: LEFT, top: TOP + APART * lane as f64, width: LONG, height: HIGH }
}

/// A band through all lanes for each fault, its name above, by turns in two rows.
fn faults(picture: &mut Picture, plan: &Plan, time: &Axis) {
    let place = plot(0);
    let high = APART * (JOINTS + 1) as f64 + HIGH;
    for (i, fault) in plan.faults.iter().enumerate() {
        let [from, to] = fault.periods.map(|period| place.x(time, f64::from(period) * SECONDS));
        picture.raw(format_args!(
            "<rect class=\"fault\" x=\"{from}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{high}\"/>",
            (to - from).max(1.5)
        ));
        let y = TOP - if i % 2 == 0 { 8.0 } else { 22.0 };
        picture.raw(format_args!("<g class=\"small\">"));
        picture.text("middle", (from + to) / 2.0, y, fault.name).raw("</g>");
    }
}

/// A joint: the angle that its servo's pulses say, and the one that it had in the water.
fn lane(picture: &mut Picture, run: &Run, joint: usize, time: &Axis, seconds: &dyn Fn(u64) -> f64) {
    let (place, axis) = (plot(joint), Axis::fixed(-LIMIT, LIMIT, [-LIMIT, 0.0, LIMIT]));
    picture.levels(place, &axis, |tick| format!("{tick:.0}°"));
    let middle = place.top + HIGH / 2.0 + 4.0;
    picture.text("start", 10.0, middle, ["head", "2", "3", "4", "tail"].get(joint).unwrap_or(&""));
    let pulses = run.lives.iter().flat_map(|life| &life.pulses);
    let told = pulses.filter_map(|(_, pulses)| {
        let width = *pulses.widths?.get(joint)?;
        Some((seconds(pulses.at), (width - 1500.0) / 600.0 * LIMIT))
    });
    let was = run.track.iter().filter_map(|at| Some((seconds(at.at), *at.angles.get(joint)?)));
    for (class, points) in [("told", told.collect::<Vec<_>>()), ("was", was.collect())] {
        let points = points.iter().map(|&(x, y)| [place.x(time, x), place.y(&axis, y)]);
        curve(picture, class, points);
    }
}

fn curve(picture: &mut Picture, class: &str, points: impl Iterator<Item = [f64; 2]>) {
    let points: Vec<String> = points.map(|[x, y]| format!("{x:.1} {y:.1}")).collect();
    picture.raw(format_args!("<path class=\"{class}\" d=\"M{}\"/>", points.join("L")));
}

/// Who is in charge: stretches of periods.
fn charge(picture: &mut Picture, running: &[bool], time: &Axis) {
    let place = plot(JOINTS);
    let mut begin = 0;
    for stretch in running.chunk_by(|a, b| a == b) {
        let end = begin + stretch.len();
        let [from, to] = [begin, end].map(|period| place.x(time, period as f64 * SECONDS));
        let class = if stretch.first() == Some(&true) { "running" } else { "safe" };
        let (y, width) = (place.top + 16.0, to - from);
        picture.raw(format_args!(
            "<rect class=\"{class}\" x=\"{from}\" y=\"{y}\" width=\"{width:.1}\" height=\"14\"/>"
        ));
        begin = end;
    }
    picture.text("start", 10.0, place.top + 27.0, "in charge");
}

/// What was earned so far.
fn earned(picture: &mut Picture, run: &Run, time: &Axis, seconds: &dyn Fn(u64) -> f64) {
    let place = plot(JOINTS + 1);
    let axis = Axis::around(run.track.iter().map(|at| at.score), 2);
    picture.levels(place, &axis, |tick| format!("{tick:.0}"));
    let points = run.track.iter().map(|at| (seconds(at.at), at.score));
    curve(picture, "was", points.map(|(x, y)| [place.x(time, x), place.y(&axis, y)]));
    picture.text("start", 10.0, place.top + 14.0, "return");
    picture.below(place, time, |tick| format!("{tick:.0} s"));
    let y = place.bottom() + 36.0;
    for (x, class, words) in
        [(LEFT, "told", "angle in the servo's pulses"), (LEFT + 200.0, "was", "angle in the water")]
    {
        picture.raw(format_args!("<path class=\"{class}\" d=\"M{x} {}h24\"/>", y - 4.0));
        picture.text("start", x + 30.0, y, words);
    }
    for (x, class, words) in [
        (LEFT + 370.0, "running", "circuit"),
        (LEFT + 470.0, "safe", "guard"),
        (LEFT + 560.0, "fault", "fault"),
    ] {
        picture.raw(format_args!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{}\" width=\"24\" height=\"10\"/>",
            y - 9.0
        ));
        picture.text("start", x + 30.0, y, words);
    }
}

/// The way of the head, with the body now and then, in a square of metres.
fn way(picture: &mut Picture, track: &[Place]) {
    let place = Plot {
        left: LEFT + LONG + 46.0,
        top: TOP,
        width: 250.0,
        height: APART * (JOINTS + 1) as f64 + HIGH,
    };
    caption(picture, place.left, TOP - 10.0, "the way swum, from above");
    let points = || track.iter().flat_map(|at| &at.body).copied();
    let ends = |axis: usize| {
        let values = points().filter_map(move |point| point.get(axis).copied());
        values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| [low.min(v), high.max(v)])
    };
    let ([left, right], [low, high]) = (ends(0), ends(1));
    let scale = (place.width / (right - left)).min(place.height / (high - low));
    let at =
        |[x, y]: [f64; 2]| [place.left + (x - left) * scale, place.bottom() - (y - low) * scale];
    let heads = track.iter().filter_map(|at| at.body.first().copied());
    curve(picture, "way", heads.map(at));
    for body in track.iter().step_by(BODIES).map(|at| &at.body) {
        curve(picture, "body", body.iter().copied().map(at));
        if let Some([x, y]) = body.first().copied().map(at) {
            picture
                .raw(format_args!("<circle class=\"head\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>"));
        }
    }
    let (half, y) = (0.5 * scale, place.bottom() + 20.0);
    picture.raw(format_args!("<path class=\"was\" d=\"M{} {y}h{half:.1}\"/>", place.left));
    picture.text("start", place.left + half + 6.0, y + 4.0, "0.5 m");
}
