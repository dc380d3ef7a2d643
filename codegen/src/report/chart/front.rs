//! Choices by their bytes and their errors, each with a label. Stands on pictures and scales.

use super::axis::Axis;
use super::picture::{Picture, Plot, percent, plain};

/// A choice.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Its bytes and its error.
    pub at: [f64; 2],
    /// What is written beside it.
    pub label: String,
    /// Whether it stands out.
    pub marked: bool,
}

/// The width of a digit, and the height of a line, of labels.
const DIGIT: f64 = 6.8;
const LINE: f64 = 13.0;
/// Errors below this are drawn there.
const LEAST: f64 = 1e-6;

/// Points over bytes, their errors by powers of ten, with a line at the error `allowed`.
pub fn front(title: &str, points: &[Point], allowed: f64) -> Picture {
    let x = Axis::around(points.iter().map(|point| point.at[0]), 5);
    let power = |error: f64| if error.is_finite() { error.max(LEAST).log10() } else { 0.0 };
    let powers = || points.iter().map(|point| power(point.at[1])).chain([power(allowed)]);
    let low = powers().fold(f64::INFINITY, f64::min).floor();
    let high = powers().fold(f64::NEG_INFINITY, f64::max).ceil().max(low + 1.0);
    let ticks: Vec<f64> = (0..=(high - low) as usize).map(|tick| low + tick as f64).collect();
    let y = Axis::fixed(low, high, ticks);
    let plot = Plot { left: 64.0, top: 24.0, width: 470.0, height: 220.0 };
    let mut picture = Picture::new(title, plot.right() + 60.0, plot.bottom() + 38.0);
    picture.text("start", 2.0, 11.0, "error, % of a standard deviation");
    picture.levels(plot, &y, |tick| percent(100.0 * 10_f64.powf(tick))).below(plot, &x, plain);
    let limit = plot.y(&y, power(allowed));
    picture
        .raw(format_args!("<path class=\"limit\" d=\"M{} {}h{}\"/>", plot.left, limit, plot.width));
    let places: Vec<[f64; 2]> = points
        .iter()
        .map(|point| [plot.x(&x, point.at[0]), plot.y(&y, power(point.at[1]))])
        .collect();
    let dot = |[x, y]: &[f64; 2]| [x - 6.0, y - 6.0, x + 6.0, y + 6.0];
    let around = [[plot.left, limit, plot.right(), limit], [0.0, 0.0, 250.0, 14.0]];
    let mut written: Vec<[f64; 4]> = places.iter().map(dot).chain(around).collect();
    for (point, &[x, y]) in points.iter().zip(&places) {
        let class = if point.marked { "choice taken" } else { "choice" };
        picture.raw(format_args!("<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"5\"/>"));
        let (anchor, place, base, taken) = label(point, [x, y], &written);
        written.push(taken);
        picture.text(anchor, place, base, &point.label);
    }
    picture.caption_below(plot, "bytes of tables");
    picture
}

/// Where the label of a point at a place is written: its anchor, its place, and the box that it takes, which is beside
/// what is written already if there is room.
fn label(
    point: &Point,
    [x, y]: [f64; 2],
    written: &[[f64; 4]],
) -> (&'static str, f64, f64, [f64; 4]) {
    let width = DIGIT * point.label.chars().count() as f64;
    let at = |anchor: &'static str, place: f64, base: f64| {
        let left = match anchor {
            "start" => place,
            "end" => place - width,
            _ => place - width / 2.0,
        };
        (anchor, place, base, [left, base - LINE + 3.0, left + width, base + 3.0])
    };
    let candidates = [
        at("start", x + 9.0, y + 4.0),
        at("middle", x, y - 10.0),
        at("middle", x, y + 19.0),
        at("end", x - 9.0, y + 4.0),
        at("start", x + 9.0, y - 8.0),
        at("start", x + 9.0, y + 16.0),
    ];
    let crossed = |own: &[f64; 4]| {
        let apart = |other: &&[f64; 4]| {
            own[0] < other[2] && other[0] < own[2] && own[1] < other[3] && other[1] < own[3]
        };
        written.iter().filter(apart).count()
    };
    let best = candidates.into_iter().min_by_key(|(.., taken)| crossed(taken));
    best.unwrap_or_else(|| at("start", x, y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_near_choices_are_apart() {
        let point = |bytes: f64, error: f64| Point {
            at: [bytes, error],
            label: "12,345".into(),
            marked: bytes == 0.0,
        };
        let places = [point(100.0, 0.01), point(101.0, 0.0101), point(400.0, f64::INFINITY)];
        let svg = front("f", &places, 0.02).svg();
        assert_eq!(svg.matches("<circle").count(), 3);
        let at: Vec<&str> = svg.lines().filter(|line| line.contains("12,345")).collect();
        assert!(at.len() == 3 && at[0] != at[1] && !svg.contains("NaN"), "{svg}");
    }
}
