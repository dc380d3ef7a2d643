//! Curves for a terminal (in braille) and for a page (in SVG).

use std::fmt::Write;

/// Dots of a braille cell, by row and column (Unicode 15, block U+2800).
const DOTS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// A drawing of dots, eight a character.
struct Dots {
    cells: Vec<Vec<u8>>,
}

impl Dots {
    fn new(columns: usize, rows: usize) -> Self {
        Self { cells: vec![vec![0; columns]; rows] }
    }

    /// Marks a dot from the upper left, if it lies inside.
    fn mark(&mut self, x: usize, y: usize) {
        if let Some(cell) = self.cells.get_mut(y / 4).and_then(|row| row.get_mut(x / 2)) {
            *cell |= DOTS[y % 4][x % 2];
        }
    }

    /// As text, with a scale from `high` at the top to `low` at the bottom.
    fn text(&self, low: f64, high: f64) -> String {
        let mut text = String::new();
        for (index, row) in self.cells.iter().enumerate() {
            let label = match index {
                0 => scale(high),
                i if i + 1 == self.cells.len() => scale(low),
                _ => String::new(),
            };
            let line: String =
                row.iter().filter_map(|&dots| char::from_u32(0x2800 + u32::from(dots))).collect();
            let _ = writeln!(text, "{label:>7} \u{2502}{line}");
        }
        text
    }
}

/// A curve between `low` and `high`, two values a column, four dots a row, with a scale at the left.
pub fn braille(values: &[f64], low: f64, high: f64, rows: usize) -> String {
    let mut dots = Dots::new(values.len().div_ceil(4), rows);
    let dot = |value: f64| {
        let share = ((high - value) / (high - low)).clamp(0.0, 1.0);
        (share * (rows * 4 - 1) as f64).round() as usize
    };
    // Two values share a dot; the line between neighbours leaves no gap where it is steep.
    let mut last = None;
    for (x, pair) in values.chunks(2).enumerate() {
        let y = dot(pair.iter().sum::<f64>() / pair.len() as f64);
        let from = last.unwrap_or(y);
        (from.min(y)..=from.max(y))
            .filter(|&between| between != from || y == from)
            .for_each(|y| dots.mark(x, y));
        last = Some(y);
    }
    dots.text(low, high)
}

/// Paths of points in a plane between two corners, the second at the upper right, with square dots.
pub fn plane(paths: &[Vec<[f64; 2]>], low: [f64; 2], high: [f64; 2], rows: usize) -> String {
    let unit = (high[1] - low[1]) / (rows * 4 - 1) as f64;
    let columns = ((high[0] - low[0]) / unit / 2.0).ceil() as usize;
    let mut dots = Dots::new(columns, rows);
    for [x, y] in paths.iter().flatten() {
        let (x, y) = (((x - low[0]) / unit).round(), ((high[1] - y) / unit).round());
        if x >= 0.0 && y >= 0.0 {
            dots.mark(x as usize, y as usize);
        }
    }
    dots.text(low[1], high[1])
}

/// A number for an axis: short, and exact for the numbers axes have.
fn scale(value: f64) -> String {
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

/// A curve of a panel.
pub struct Line {
    /// Its name in the panel's key.
    pub label: &'static str,
    /// Its style.
    pub class: &'static str,
    /// A value a step.
    pub values: Vec<f64>,
}

/// Curves on one scale.
pub struct Panel {
    /// Above it.
    pub title: String,
    /// Of the drawing area.
    pub height: f64,
    /// The scale runs from minus this to this.
    pub limit: f64,
    /// What is drawn, the last on top.
    pub lines: Vec<Line>,
}

/// Where drawings begin at the left, and how wide they are.
pub const LEFT: f64 = 76.0;
pub const WIDTH: f64 = 760.0;
const RIGHT: f64 = 24.0;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#33414e}\
    .heading{font-size:17px;font-weight:600;fill:#1c2733}.title{font-weight:600}\
    .axis{stroke:#8896a3;fill:none}.grid{stroke:#e3e8ed}\
    .curve{fill:none;stroke-linejoin:round}\
    .float{stroke:#b9c6d2;stroke-width:7}.fixed{stroke:#c2410c;stroke-width:1.8}\
    .lost{stroke:#5b6b7a;stroke-width:1.4;stroke-dasharray:3 4}\
    .first{stroke:#1d4ed8;stroke-width:1.3}.second{stroke:#0f766e;stroke-width:1.3}";

/// Panels above each other over a common time axis, `period` seconds a step.
pub fn page(heading: &str, period: f64, panels: &[Panel]) -> String {
    document(heading, |body| stack(body, period, panels, 44.0))
}

/// A page with a heading around what `draw` writes, which says how far down that reaches.
pub fn document(heading: &str, draw: impl FnOnce(&mut String) -> f64) -> String {
    let mut body = String::new();
    let (width, height) = (LEFT + WIDTH + RIGHT, draw(&mut body));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\">\n<style>{STYLE}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text class=\"heading\" x=\"{LEFT}\" y=\"30\">{heading}</text>\n{body}</svg>\n"
    )
}

/// Draws panels and their time axis from `top` on, and returns where the page ends.
pub fn stack(body: &mut String, period: f64, panels: &[Panel], mut top: f64) -> f64 {
    for panel in panels {
        draw(body, panel, period, top + 24.0);
        top += 24.0 + panel.height + 18.0;
    }
    let steps = panels.iter().flat_map(|p| &p.lines).map(|l| l.values.len()).max().unwrap_or(1);
    let seconds = steps as f64 * period;
    for tick in ticks(seconds) {
        let x = LEFT + WIDTH * tick / seconds;
        let (y, label) = (top, scale(tick));
        let _ =
            writeln!(body, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{label}</text>");
    }
    let (x, y) = (LEFT + WIDTH / 2.0, top + 20.0);
    let _ =
        writeln!(body, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">time in s</text>");
    top + 36.0
}

/// Names of curves with a piece of each, as far right as it goes.
pub fn key<'a>(
    body: &mut String,
    curves: impl DoubleEndedIterator<Item = (&'a str, &'a str)>,
    y: f64,
) {
    let mut right = LEFT + WIDTH;
    for (label, class) in curves.rev() {
        let start = right - 7.5 * label.len() as f64 - 34.0;
        let _ = writeln!(
            body,
            "<path class=\"curve {class}\" d=\"M{start:.1} {y:.1}h22\"/><text x=\"{:.1}\" y=\"{:.1}\">{label}</text>",
            start + 28.0,
            y + 4.0,
        );
        right = start - 16.0;
    }
}

fn draw(body: &mut String, panel: &Panel, period: f64, top: f64) {
    let Panel { title, height, limit, lines } = panel;
    let _ =
        writeln!(body, "<text class=\"title\" x=\"{LEFT}\" y=\"{:.1}\">{title}</text>", top - 8.0);
    key(body, lines.iter().map(|line| (line.label, line.class)), top - 12.0);
    for level in [1.0, 0.5, 0.0, -0.5, -1.0] {
        let y = top + height * (1.0 - level) / 2.0;
        let _ = writeln!(
            body,
            "<path class=\"grid\" d=\"M{LEFT} {y:.1}h{WIDTH}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            y + 4.0,
            scale(level * limit)
        );
    }
    let steps = lines.iter().map(|l| l.values.len()).max().unwrap_or(1);
    let seconds = steps as f64 * period;
    for tick in ticks(seconds) {
        let x = LEFT + WIDTH * tick / seconds;
        let _ = writeln!(body, "<path class=\"grid\" d=\"M{x:.1} {top:.1}v{height}\"/>");
    }
    let _ = writeln!(body, "<path class=\"axis\" d=\"M{LEFT} {top:.1}v{height}\"/>");
    for line in lines {
        let point = |(i, value): (usize, &f64)| {
            let x = LEFT + WIDTH * i as f64 / steps as f64;
            let y = top + height * (1.0 - (value / limit).clamp(-1.0, 1.0)) / 2.0;
            format!("{x:.1},{y:.1}")
        };
        let points: Vec<String> = line.values.iter().enumerate().map(point).collect();
        let _ = writeln!(
            body,
            "<polyline class=\"curve {}\" points=\"{}\"/>",
            line.class,
            points.join(" ")
        );
    }
}

/// Every half second.
fn ticks(seconds: f64) -> impl Iterator<Item = f64> {
    (0..).map(|i| f64::from(i) * 0.5).take_while(move |t| *t <= seconds)
}

/// The largest size of a number.
pub fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most, value| value.abs().max(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rising_line_goes_from_the_lower_left_to_the_upper_right() {
        let values: Vec<f64> = (0..16).map(|i| f64::from(i) / 15.0).collect();
        let text = braille(&values, 0.0, 1.0, 2);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("      1 \u{2502}\u{2800}"), "{text}");
        assert!(lines[1].ends_with('\u{2800}') && !lines[0].ends_with('\u{2800}'), "{text}");
    }

    #[test]
    fn axis_labels_are_short() {
        assert_eq!([0.005, -1.0, 0.0, -0.0, 2.5].map(scale), ["0.005", "-1", "0", "0", "2.5"]);
    }
}
