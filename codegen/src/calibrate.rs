//! What values every tensor takes: the float network run over representative inputs.
//!
//! A recurrent network is run over the rows in their order, from a reset before the first. Several sequences
//! may follow one another: each then starts from where the one before ended, which a network that forgets
//! leaves within a few steps, and the reset itself lies within every range. Its states keep their bounds
//! where the kind of network has them, and all else has room for sequences not seen here.

use std::path::Path;
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::data::Data;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::reference::Reference;
use crate::settings::Settings;
use crate::split::Split;

/// Inputs the model will see in use.
#[derive(Debug, Clone)]
pub struct Calibration {
    /// One input a row.
    pub rows: Vec<Vec<f64>>,
    /// Hex digest of the file, or of the declared ranges.
    pub sha256: String,
    /// Where the rows come from and how ranges are taken, for reports.
    pub origin: String,
    /// Share of the values, in percent, that the range must cover; 100 is minimum and maximum.
    pub percentile: f64,
    /// Factor by which ranges are widened.
    pub margin: f64,
    /// Rows of a sequence of a recurrent network; all are one without it.
    pub sequence: Option<usize>,
}

/// The range of one feature or tensor over the calibration rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Smallest value.
    pub low: f64,
    /// Largest value.
    pub high: f64,
    /// Standard deviation.
    pub deviation: f64,
}

impl Span {
    /// Largest magnitude.
    pub fn magnitude(&self) -> f64 {
        self.low.abs().max(self.high.abs())
    }
}

/// The float network's values on the calibration rows.
#[derive(Debug, Clone)]
pub struct Ranges {
    /// `values[tensor][row]`: every tensor's features on every row.
    pub values: Vec<Vec<Vec<f64>>>,
    /// What each row is for.
    pub split: Split,
    percentile: f64,
    /// Factor by which ranges are widened.
    pub margin: f64,
    /// A tensor's spans, whole and by feature, made when first asked for.
    spans: Vec<OnceLock<(Span, Vec<Span>)>>,
}

impl Calibration {
    /// Reads the inputs at `path`, or, without one, draws them from the ranges declared in
    /// `nervecord.toml` beside the model.
    ///
    /// # Errors
    /// Neither exists, or the data does not fit the model.
    pub fn load(path: Option<&Path>, settings: &Settings, graph: &Graph) -> Result<Self> {
        let (percentile, margin) = (settings.percentile, settings.margin);
        let method = match percentile {
            p if p >= 100.0 => "minimum and maximum".to_owned(),
            p => format!("percentile {p}"),
        };
        let (rows, digest, source) = match path {
            Some(path) => {
                let rows = Data::read(path)?.inputs(graph, path)?;
                let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, &e))?;
                let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
                (rows, Sha256::digest(&bytes), name.unwrap_or_default())
            }
            None => {
                let ranges = settings.input_ranges(graph)?;
                let text = format!("{ranges:?}");
                (draw(&ranges), Sha256::digest(text.as_bytes()), "declared ranges".to_owned())
            }
        };
        let origin = format!("{source}: {} rows, {method}, margin {margin}", rows.len());
        Ok(Self { rows, sha256: hex(&digest), origin, percentile, margin, sequence: None })
    }

    /// Runs the float network over the rows.
    ///
    /// # Errors
    /// A value is not finite: the network leaves the numbers on its own data.
    pub fn ranges(&self, graph: &Graph) -> Result<Ranges> {
        let mut values = vec![Vec::with_capacity(self.rows.len()); graph.tensors.len()];
        let mut reference = Reference::new(graph);
        for (i, row) in self.rows.iter().enumerate() {
            if self.starts(i) {
                reference = Reference::new(graph);
            }
            let tensors = reference.step(row);
            for (id, tensor) in tensors.into_iter().enumerate() {
                if let Some(bad) = tensor.iter().find(|v| !v.is_finite()) {
                    return Err(Error::new("the network is not finite on its calibration data")
                        .at(format!(
                            "tensor `{}`, calibration row {}",
                            graph.tensors[id].name,
                            i + 1
                        ))
                        .expected("finite values")
                        .found(bad)
                        .help("check that the data is scaled as in training"));
                }
                values[id].push(tensor);
            }
        }
        let starts: Vec<usize> = (0..self.rows.len()).filter(|&i| self.starts(i)).collect();
        let split = Split::of(self.rows.len(), &starts);
        let spans = vec![OnceLock::new(); values.len()];
        Ok(Ranges { values, split, percentile: self.percentile, margin: self.margin, spans })
    }

    /// Whether row `i` is the first after a reset.
    pub fn starts(&self, i: usize) -> bool {
        self.sequence.map_or(i == 0, |length| i % length == 0)
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Corners and a low-discrepancy fill of a box (additive recurrence, Roberts 2018).
fn draw(ranges: &[(f64, f64)]) -> Vec<Vec<f64>> {
    const ROWS: usize = 1024;
    let at = |t: f64| move |(low, high): &(f64, f64)| low + (high - low) * t;
    let dimension = ranges.len() as f64;
    // The unique positive root of g^(d+1) = g + 1.
    let root = (0..64).fold(2.0_f64, |g, _| (1.0 + g).powf(1.0 / (dimension + 1.0)));
    let mut rows =
        vec![ranges.iter().map(at(0.0)).collect::<Vec<_>>(), ranges.iter().map(at(1.0)).collect()];
    rows.extend((0..ROWS).map(|i| {
        let fraction = |j: usize| (0.5 + (i + 1) as f64 / root.powi(j as i32 + 1)).fract();
        ranges.iter().enumerate().map(|(j, range)| at(fraction(j))(range)).collect()
    }));
    rows
}

impl Ranges {
    /// A tensor's features on the rows that integers and tables are fitted to.
    pub fn fitted(&self, id: usize) -> impl ExactSizeIterator<Item = &Vec<f64>> {
        self.split.fit.iter().map(move |&row| &self.values[id][row])
    }

    /// The span of a whole tensor, by the calibration's method.
    pub fn tensor(&self, id: usize) -> Span {
        self.spans(id).0
    }

    /// The span of one feature of a tensor.
    pub fn feature(&self, id: usize, feature: usize) -> Span {
        self.spans(id).1[feature]
    }

    /// How much larger a tensor's magnitude is on the rows that judge than on all others; 1 for one that is 0 there.
    pub fn growth(&self, id: usize) -> f64 {
        let magnitude = |rows: &[usize]| {
            let values = rows.iter().flat_map(|&row| &self.values[id][row]);
            values.fold(0.0_f64, |m, x| m.max(x.abs()))
        };
        let others = magnitude(&self.split.fit).max(magnitude(&self.split.choose));
        if others > 0.0 { magnitude(&self.split.judge) / others } else { 1.0 }
    }

    fn spans(&self, id: usize) -> &(Span, Vec<Span>) {
        let rows = &self.values[id];
        let feature = |i: usize| self.span(rows.iter().map(|row| row[i]).collect());
        self.spans[id].get_or_init(|| {
            let whole = self.span(rows.iter().flatten().copied().collect());
            (whole, (0..rows.first().map_or(0, Vec::len)).map(feature).collect())
        })
    }

    fn span(&self, mut values: Vec<f64>) -> Span {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
        let last = values.len() - 1;
        let cut = ((100.0 - self.percentile) / 100.0 * last as f64).floor() as usize;
        let mut ranked = |rank: usize| *values.select_nth_unstable_by(rank, f64::total_cmp).1;
        Span { low: ranked(cut.min(last)), high: ranked(last - cut.min(last)), deviation }
    }
}
