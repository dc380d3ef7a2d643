//! Curves for a terminal (in braille) and for a page (in SVG).

use std::fmt::Write;

/// Dots of a braille cell, by row and column (Unicode 15, block U+2800).
const DOTS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// A curve between `low` and `high`, two values a column, four dots a row, with a scale at the left.
pub fn braille(values: &[f64], low: f64, high: f64, rows: usize) -> String {
    let columns = values.len().div_ceil(4);
    let mut cells = vec![vec![0_u8; columns]; rows];
    let dot = |value: f64| {
        let share = ((high - value) / (high - low)).clamp(0.0, 1.0);
        (share * (rows * 4 - 1) as f64).round() as usize
    };
    let mut mark = |x: usize, y: usize| {
        if let Some(cell) = cells.get_mut(y / 4).and_then(|row| row.get_mut(x / 2)) {
            *cell |= DOTS[y % 4][x % 2];
        }
    };
    // Two values share a dot; the line between neighbours leaves no gap where it is steep.
    let mut last = None;
    for (x, pair) in values.chunks(2).enumerate() {
        let y = dot(pair.iter().sum::<f64>() / pair.len() as f64);
        let from = last.unwrap_or(y);
        (from.min(y)..=from.max(y))
            .filter(|&between| between != from || y == from)
            .for_each(|y| mark(x, y));
        last = Some(y);
    }
    let mut text = String::new();
    for (index, row) in cells.iter().enumerate() {
        let label = match index {
            0 => scale(high),
            i if i == rows - 1 => scale(low),
            _ => String::new(),
        };
        let line: String =
            row.iter().filter_map(|&dots| char::from_u32(0x2800 + u32::from(dots))).collect();
        let _ = writeln!(text, "{label:>7} \u{2502}{line}");
    }
    text
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

const LEFT: f64 = 76.0;
const WIDTH: f64 = 760.0;
const RIGHT: f64 = 24.0;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#33414e}\
    .heading{font-size:17px;font-weight:600;fill:#1c2733}.title{font-weight:600}\
    .axis{stroke:#8896a3;fill:none}.grid{stroke:#e3e8ed}\
    .curve{fill:none;stroke-linejoin:round}\
    .float{stroke:#b9c6d2;stroke-width:7}.fixed{stroke:#c2410c;stroke-width:1.8}\
    .first{stroke:#1d4ed8;stroke-width:1.3}.second{stroke:#0f766e;stroke-width:1.3}";

/// Panels above each other over a common time axis, `period` seconds a step.
pub fn page(heading: &str, period: f64, panels: &[Panel]) -> String {
    let mut body = String::new();
    let mut top = 44.0;
    for panel in panels {
        draw(&mut body, panel, period, top + 24.0);
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
    let (width, height) = (LEFT + WIDTH + RIGHT, top + 36.0);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\">\n<style>{STYLE}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text class=\"heading\" x=\"{LEFT}\" y=\"30\">{heading}</text>\n{body}</svg>\n"
    )
}

fn draw(body: &mut String, panel: &Panel, period: f64, top: f64) {
    let Panel { title, height, limit, lines } = panel;
    let _ =
        writeln!(body, "<text class=\"title\" x=\"{LEFT}\" y=\"{:.1}\">{title}</text>", top - 8.0);
    let mut key = LEFT + WIDTH;
    for line in lines.iter().rev() {
        let (y, start) = (top - 12.0, key - 8.0 * line.label.len() as f64 - 30.0);
        let _ = writeln!(
            body,
            "<path class=\"curve {}\" d=\"M{start:.1} {y:.1}h22\"/><text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            line.class,
            start + 28.0,
            y + 4.0,
            line.label
        );
        key = start - 16.0;
    }
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
