//! Curves over rows, and the differences of two of them with their distribution beside. Stands on pictures and scales.

use std::fmt::Write;

use super::axis::{Axis, nice, rounded};
use super::histogram::Histogram;
use super::picture::{Picture, Plot, percent, plain};

/// Rows in time order: their numbers.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// The number of each, rising; a gap breaks a curve.
    pub numbers: &'a [usize],
}

/// A curve.
#[derive(Debug, Clone, Copy)]
pub struct Curve<'a> {
    /// Its class in the page's style.
    pub class: &'a str,
    /// A value a row.
    pub values: &'a [f64],
}

/// The width of charts that stand beside one another.
const WIDTH: f64 = 380.0;
const LEFT: f64 = 52.0;
/// What stands at the right of differences, and is left free above them so that rows stand below one another.
const MARGIN: f64 = 56.0;
/// The width of a plot over rows.
const ROWS: f64 = WIDTH - LEFT - MARGIN;

impl Rows<'_> {
    /// The axis of the rows' places, with ticks where their numbers are round, or else at both ends.
    fn axis(&self) -> Axis {
        let last = self.numbers.len().saturating_sub(1);
        let apart = nice(last as f64 / 5.0).max(1.0) as usize;
        let mut ticks: Vec<usize> = Vec::new();
        for (place, number) in self.numbers.iter().enumerate() {
            let far = ticks.last().is_none_or(|tick| place >= tick + apart.div_ceil(2));
            if far && number.is_multiple_of(apart) {
                ticks.push(place);
            }
        }
        if ticks.len() < 2 {
            ticks = if last > 0 { vec![0, last] } else { vec![0] };
        }
        let ticks: Vec<f64> = ticks.into_iter().map(|tick| tick as f64).collect();
        Axis::fixed(0.0, (last as f64).max(1.0), ticks)
    }

    fn number(&self, place: f64) -> String {
        self.numbers.get(place as usize).map_or_else(String::new, usize::to_string)
    }

    /// The path of `values` over the rows.
    fn path(&self, plot: Plot, x: &Axis, y: &Axis, values: &[f64]) -> String {
        let mut path = String::new();
        let mut before = None;
        for (i, (&number, &value)) in self.numbers.iter().zip(values).enumerate() {
            let goes_on = before.is_some_and(|before| before + 1 == number);
            before = Some(number);
            let step = if goes_on { 'L' } else { 'M' };
            let _ = write!(path, "{step}{} {}", plot.x(x, i as f64), plot.y(y, value));
            let alone = self.numbers.get(i + 1) != Some(&(number + 1));
            // A row without neighbours is a dot.
            if !goes_on && alone {
                path += "h.1";
            }
        }
        path
    }
}

/// Curves over rows, the last on top; `unit` is written above the axis.
pub fn lines(title: &str, unit: &str, rows: Rows, curves: &[Curve]) -> Picture {
    let (x, y) = (rows.axis(), Axis::around(curves.iter().flat_map(|c| c.values).copied(), 4));
    let plot = Plot { left: LEFT, top: 22.0, width: ROWS, height: 132.0 };
    let mut picture = Picture::new(title, WIDTH, plot.bottom() + 24.0);
    picture.text("start", 2.0, 10.0, unit);
    picture.levels(plot, &y, plain).below(plot, &x, |place| rows.number(place));
    for Curve { class, values } in curves {
        let path = rows.path(plot, &x, &y, values);
        picture.raw(format_args!("<path class=\"curve {class}\" d=\"{path}\"/>"));
    }
    picture.text("start", plot.right() + 20.0, plot.bottom() + 16.0, "row");
    picture
}

/// Differences over rows in percent, on the axis `y` that charts beside share, and at the right how often each occurs
/// among all rows.
pub fn differences(title: &str, rows: Rows, values: &[f64], y: &Axis, all: &Histogram) -> Picture {
    let x = rows.axis();
    let plot = Plot { left: LEFT, top: 22.0, width: ROWS, height: 84.0 };
    let mut picture = Picture::new(title, WIDTH, plot.bottom() + 24.0);
    picture.text("start", 2.0, 10.0, "difference, % of a standard deviation");
    picture.text("end", WIDTH - 2.0, 10.0, "how often");
    picture.levels(plot, y, percent).below(plot, &x, |place| rows.number(place));
    let zero = plot.y(y, 0.0);
    let mut stems = String::new();
    for (i, &value) in values.iter().enumerate().take(rows.numbers.len()) {
        let _ = write!(stems, "M{} {zero}V{}", plot.x(&x, i as f64), plot.y(y, value));
    }
    picture.raw(format_args!("<path class=\"stems\" d=\"{stems}\"/>"));
    let most = all.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let bar = |(i, &count): (usize, &u64)| {
        let [low, high] = all.bin(i).map(|end| plot.y(y, end));
        let (left, height) = (plot.right() + 8.0, (low - high).max(0.5));
        let length = rounded((MARGIN - 10.0) * count as f64 / most);
        format!("M{left} {high}h{length}v{}h-{length}z", rounded(height))
    };
    let bars: String =
        all.counts.iter().enumerate().filter(|(_, count)| **count > 0).map(bar).collect();
    picture.raw(format_args!("<path class=\"bars\" d=\"{bars}\"/>"));
    picture.text("start", plot.right() + 20.0, plot.bottom() + 16.0, "row");
    picture
}

/// A function beside its integers over what its input takes, on the axis `y` that those beside it share.
pub fn functions(title: &str, range: (f64, f64), y: &Axis, curves: &[Curve]) -> Picture {
    let x = Axis::fixed(range.0, range.1, [range.0, range.1]);
    let plot = Plot { left: 44.0, top: 8.0, width: 150.0, height: 84.0 };
    let mut picture = Picture::new(title, plot.right() + 22.0, plot.bottom() + 22.0);
    picture.levels(plot, y, plain).below(plot, &x, plain);
    for Curve { class, values } in curves {
        let last = values.len().saturating_sub(1).max(1) as f64;
        let point = |(i, &value): (usize, &f64)| {
            let step = if i == 0 { 'M' } else { 'L' };
            let x = plot.left + plot.width * i as f64 / last;
            format!("{step}{} {}", rounded(x), plot.y(y, value))
        };
        let path: String = values.iter().enumerate().map(point).collect();
        picture.raw(format_args!("<path class=\"curve {class}\" d=\"{path}\"/>"));
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_breaks_where_rows_are_missing() {
        let rows = Rows { numbers: &[3, 4, 5, 9, 10, 20] };
        let values = [0.0, 1.0, 0.5, 0.2, 0.1, 1.0];
        let svg = lines("a & b", "m<s", rows, &[Curve { class: "float", values: &values }]).svg();
        let path = svg.split_once("curve float\" d=\"").unwrap().1.split_once('"').unwrap().0;
        assert_eq!(path.matches('M').count(), 3, "{path}");
        assert!(path.ends_with("h.1"), "{path}");
        for part in ["<title>a &amp; b</title>", "m&lt;s", ">3<", ">20<"] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
    }

    #[test]
    fn nothing_to_draw_and_what_is_no_number_are_drawn_without_nan() {
        let y = Axis::symmetric([], 4);
        let all = Histogram::of([], -1.0, 1.0, 3);
        for svg in [
            lines("t", "", Rows { numbers: &[] }, &[]).svg(),
            lines(
                "t",
                "",
                Rows { numbers: &[1] },
                &[Curve { class: "float", values: &[f64::NAN] }],
            )
            .svg(),
            differences("t", Rows { numbers: &[1, 2] }, &[f64::INFINITY, f64::NAN], &y, &all).svg(),
            functions("t", (0.0, 0.0), &y, &[Curve { class: "float", values: &[1.0] }]).svg(),
        ] {
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
