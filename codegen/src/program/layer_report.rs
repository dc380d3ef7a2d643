//! What is told of a layer: its shape, its bytes, its proved bound, the edges to draw. Stands on
//! texts.

use crate::text::table;

/// One edge, sampled over the range its input takes.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Curve {
    /// Input feature.
    pub input: usize,
    /// Output feature.
    pub output: usize,
    /// First and last input value.
    pub range: (f64, f64),
    /// The trained function at equal steps over the range.
    pub float: Vec<f64>,
    /// What the integers make of it; its constant part is in the layer's bias and added here.
    pub integer: Vec<f64>,
    /// Share of the output's standard deviation that the edge moves on the calibration data.
    pub importance: f64,
}

/// What the report says of a layer.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct LayerReport {
    /// Name in the trained file.
    pub name: String,
    /// Kind of kernel.
    pub kind: String,
    /// Input features.
    pub inputs: usize,
    /// Output features.
    pub outputs: usize,
    /// Bytes of tables.
    pub table_bytes: usize,
    /// Largest magnitude any partial sum can reach, in any order, for any input.
    pub accumulator_bound: Option<u64>,
    /// Worst error of a function table or of a spline layer's edge over all its inputs, in units of its output.
    pub worst_error: Option<f64>,
    /// What it computes.
    pub note: String,
    /// Why it is this kernel, where there was a choice.
    pub choice: String,
    /// The edges of a layer of functions, to draw.
    #[serde(skip)]
    pub curves: Vec<Curve>,
}

impl LayerReport {
    /// Whether `width`, `i8` or `i16`, is among the words of its kind.
    pub fn has_width(&self, width: &str) -> bool {
        self.kind.split([' ', ',']).any(|word| word == width)
    }

    /// The largest sum that can occur, as a share of what `i32` holds: all of it may be used.
    pub fn sum_share(&self) -> Option<f64> {
        Some(self.accumulator_bound? as f64 / f64::from(i32::MAX))
    }

    /// The same in percent, rounded up, but not to a whole that it does not reach.
    pub fn sum_said(&self) -> Option<String> {
        let share = self.sum_share()?;
        let tenths = (share * 1000.0).ceil() / 10.0;
        Some(format!("{}%", if tenths >= 100.0 && share < 1.0 { 99.9 } else { tenths }))
    }

    /// Adds a reason.
    pub fn add_choice(&mut self, reason: &str) {
        if !self.choice.is_empty() {
            self.choice += "; ";
        }
        self.choice += reason;
    }
}

/// The columns of a table of layers.
pub const COLUMNS: [&str; 6] = ["layer", "kernel", "shape", "bytes", "largest sum", "worst error"];

impl LayerReport {
    /// The cells of its row in a table of layers.
    pub fn cells(&self) -> [String; 6] {
        [
            self.name.clone(),
            self.kind.clone(),
            format!("{}->{}", self.inputs, self.outputs),
            self.table_bytes.to_string(),
            self.sum_said().unwrap_or("-".into()),
            self.worst_error.map_or("-".into(), |e| format!("{e:.2e}")),
        ]
    }
}

/// The table of layers, as text with aligned columns.
pub fn layer_table(layers: &[LayerReport]) -> String {
    let mut rows = vec![COLUMNS.map(str::to_owned)];
    rows.extend(layers.iter().map(LayerReport::cells));
    table(&rows, &[2, 3, 4, 5])
}
