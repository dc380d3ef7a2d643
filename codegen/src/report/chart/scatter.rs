//! One number against another. Stands on pictures and scales.

use std::fmt::Write;

use super::axis::Axis;
use super::picture::{Picture, Plot, plain};

/// Points in a square whose two axes are one, with the line where both are equal.
pub fn scatter(title: &str, [across, up]: [&str; 2], points: &[[f64; 2]]) -> Picture {
    let axis = Axis::around(points.iter().flatten().copied(), 4);
    let plot = Plot { left: 60.0, top: 24.0, width: 340.0, height: 280.0 };
    let mut picture = Picture::new(title, plot.right() + 14.0, plot.bottom() + 38.0);
    picture.text("start", 2.0, 11.0, up);
    picture.levels(plot, &axis, plain).below(plot, &axis, plain);
    let (x, y) = (|value| plot.x(&axis, value), |value| plot.y(&axis, value));
    picture.raw(format_args!(
        "<path class=\"tick\" d=\"M{} {}L{} {}\"/>",
        x(axis.low),
        y(axis.low),
        x(axis.high),
        y(axis.high)
    ));
    let mut dots = String::new();
    for [a, b] in points {
        let _ = write!(dots, "M{} {}h.1", x(*a), y(*b));
    }
    picture.raw(format_args!("<path class=\"dots\" d=\"{dots}\"/>"));
    picture.caption_below(plot, across);
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_lie_on_the_diagonal() {
        let svg = scatter("s", ["float", "integers"], &[[0.0, 0.0], [1.0, 1.0], [f64::NAN, 0.5]]);
        let svg = svg.svg();
        assert!(svg.contains("M60 304h.1M400 24h.1"), "{svg}");
        assert!(!svg.contains("NaN"), "{svg}");
    }
}
