//! A picture of a page: an SVG with a name, whose colours are those of the page. Stands on scales.

use std::fmt::{Display, Write};

use super::axis::{Axis, number};
use crate::text;

/// A rectangle that numbers are drawn in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plot {
    /// Its left end.
    pub left: f64,
    /// Its upper end.
    pub top: f64,
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
}

/// An SVG in the making.
#[derive(Debug, Clone)]
pub struct Picture {
    title: String,
    width: f64,
    height: f64,
    body: String,
}

impl Plot {
    /// Its right end.
    pub fn right(&self) -> f64 {
        self.left + self.width
    }

    /// Its lower end.
    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// Where `value` of the horizontal axis `x` lies.
    pub fn x(&self, x: &Axis, value: f64) -> f64 {
        x.at(value, self.left, self.right())
    }

    /// Where `value` of the vertical axis `y` lies.
    pub fn y(&self, y: &Axis, value: f64) -> f64 {
        y.at(value, self.bottom(), self.top)
    }
}

impl Picture {
    /// An empty picture that is called `title`.
    pub fn new(title: impl Into<String>, width: f64, height: f64) -> Self {
        Self { title: title.into(), width, height, body: String::new() }
    }

    /// Adds what is SVG already.
    pub fn raw(&mut self, svg: impl Display) -> &mut Self {
        // Writing into a string cannot fail.
        let _ = writeln!(self.body, "{svg}");
        self
    }

    /// Adds a text that ends at, begins at or is centred at a place: `anchor` is `start`, `middle` or `end`.
    pub fn text(&mut self, anchor: &str, x: f64, y: f64, content: &str) -> &mut Self {
        let content = text::escaped(content);
        self.raw(format_args!(
            "<text text-anchor=\"{anchor}\" x=\"{x}\" y=\"{y}\">{content}</text>"
        ))
    }

    /// Draws horizontal lines at the ticks of the vertical axis `y`, with `write` of each at the left.
    pub fn levels(&mut self, plot: Plot, y: &Axis, write: impl Fn(f64) -> String) -> &mut Self {
        for &tick in &y.ticks {
            let place = plot.y(y, tick);
            let class = if tick == 0.0 { "zero" } else { "grid" };
            self.raw(format_args!(
                "<path class=\"{class}\" d=\"M{} {place}h{}\"/>",
                plot.left, plot.width
            ));
            self.text("end", plot.left - 6.0, place + 3.5, &write(tick));
        }
        self
    }

    /// Writes the ticks of the horizontal axis `x` below.
    pub fn below(&mut self, plot: Plot, x: &Axis, write: impl Fn(f64) -> String) -> &mut Self {
        for &tick in &x.ticks {
            let (place, end) = (plot.x(x, tick), plot.bottom());
            self.raw(format_args!("<path class=\"tick\" d=\"M{place} {end}v4\"/>"));
            self.text("middle", place, end + 16.0, &write(tick));
        }
        self
    }

    /// Writes what an axis shows: in the middle below the ticks of a horizontal one.
    pub fn caption_below(&mut self, plot: Plot, caption: &str) -> &mut Self {
        self.text("middle", plot.left + plot.width / 2.0, plot.bottom() + 31.0, caption)
    }

    /// The element, its title read out as its name.
    pub fn svg(&self) -> String {
        let Self { title, width, height, body } = self;
        format!(
            "<svg role=\"img\" viewBox=\"0 0 {width} {height}\">\n<title>{}</title>\n{body}</svg>\n",
            text::escaped(title)
        )
    }
}

/// A tick as a number.
pub fn plain(tick: f64) -> String {
    number(tick)
}

/// A tick as a percentage.
pub fn percent(tick: f64) -> String {
    format!("{}%", number(tick))
}
