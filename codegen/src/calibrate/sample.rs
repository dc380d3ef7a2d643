//! As many rows of a long table as calibration needs, chosen while it is read.

/// Rows taken evenly from a stream whose length is not known, or the first ones of it.
pub struct Sample {
    /// Rows that stay together: a sequence.
    unit: usize,
    /// Rows kept at most.
    most: usize,
    /// One unit of `2^halvings` is kept; none is dropped in between if there is only one sequence.
    halvings: Option<u32>,
    kept: Vec<Placed>,
    /// The rows with the smallest and the largest value of each column.
    extremes: Option<Vec<[Placed; 2]>>,
    seen: usize,
}

/// A row with its place among all rows.
type Placed = (usize, Vec<f64>);

/// What a sample holds.
pub struct Sampled {
    /// The rows, in the order they came.
    pub rows: Vec<Vec<f64>>,
    /// The place of each among all rows.
    pub places: Vec<usize>,
    /// How many there were and how these were taken.
    pub about: String,
}

impl Sample {
    /// Of independent rows: evenly spread ones, and those with the extreme values of each column if
    /// `extremes` and they are few beside the others.
    pub fn of_rows(most: usize, columns: usize, extremes: bool) -> Self {
        let few = 8 * columns <= most;
        let extremes = (extremes && few).then(Vec::new);
        Self { unit: 1, most: most.max(2), halvings: Some(0), kept: vec![], extremes, seen: 0 }
    }

    /// Of sequences of `length` rows: whole ones, evenly spread; without a length, or with too great a
    /// one, the first rows.
    pub fn of_sequences(most: usize, length: Option<usize>) -> Self {
        let spread = length.filter(|&length| length <= most / 2);
        let (unit, halvings) = (spread.unwrap_or(1), spread.map(|_| 0));
        Self { unit, most, halvings, kept: vec![], extremes: None, seen: 0 }
    }

    /// Adds the next row.
    pub fn push(&mut self, row: &[f64]) {
        let place = self.seen;
        self.seen += 1;
        self.note_extremes(place, row);
        let Some(halvings) = self.halvings else {
            if self.kept.len() < self.most {
                self.kept.push((place, row.to_vec()));
            }
            return;
        };
        if !is_kept(place / self.unit, halvings) {
            return;
        }
        self.kept.push((place, row.to_vec()));
        if self.kept.len() > self.most {
            self.halvings = Some(halvings + 1);
            self.kept.retain(|(place, _)| is_kept(place / self.unit, halvings + 1));
        }
    }

    fn note_extremes(&mut self, place: usize, row: &[f64]) {
        let Some(extremes) = &mut self.extremes else { return };
        if place == 0 {
            *extremes = row.iter().map(|_| [(0, row.to_vec()), (0, row.to_vec())]).collect();
        }
        for (i, (value, [low, high])) in row.iter().zip(extremes).enumerate() {
            if *value < low.1[i] {
                *low = (place, row.to_vec());
            } else if *value > high.1[i] {
                *high = (place, row.to_vec());
            }
        }
    }

    /// What was kept.
    pub fn finish(mut self) -> Sampled {
        let all = self.kept.len() == self.seen;
        let evenly = self.kept.len();
        if !all {
            self.kept.extend(self.extremes.into_iter().flatten().flatten());
            self.kept.sort_by_key(|(place, _)| *place);
            self.kept.dedup_by_key(|(place, _)| *place);
        }
        let (seen, kept) = (self.seen, self.kept.len());
        let about = match self.halvings {
            _ if all => format!("{seen} rows"),
            None => format!("{seen} rows, the first {kept} of them"),
            Some(_) if self.unit > 1 => {
                format!("{seen} rows, {kept} of them in sequences of {} evenly taken", self.unit)
            }
            Some(_) if kept > evenly => {
                format!(
                    "{seen} rows, {evenly} of them evenly taken and {} for their extremes",
                    kept - evenly
                )
            }
            Some(_) => format!("{seen} rows, {kept} of them evenly taken"),
        };
        let (places, rows) = self.kept.into_iter().unzip();
        Sampled { rows, places, about }
    }
}

/// Whether a unit is the one of its `2^halvings` neighbours that is kept: of each pair of survivors a
/// fixed coin takes one, so that no period in the data falls together with the choice.
fn is_kept(unit: usize, halvings: u32) -> bool {
    (1..=halvings).all(|level| (unit >> (level - 1)) & 1 == coin(level, unit >> level))
}

/// A bit that looks random (the finalizer of `SplitMix64`, Steele, Lea and Flood 2014).
fn coin(level: u32, pair: usize) -> usize {
    let mut z = (pair as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(level) << 56;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) & 1) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(mut sample: Sample, rows: usize) -> Sampled {
        (0..rows).for_each(|i| sample.push(&[i as f64, (i % 64) as f64]));
        let sampled = sample.finish();
        assert!(sampled.rows.iter().zip(&sampled.places).all(|(row, &i)| row[0] == i as f64));
        assert!(sampled.places.is_sorted_by(|a, b| a < b));
        sampled
    }

    #[test]
    fn short_tables_are_taken_whole() {
        for sample in [Sample::of_rows(100, 2, true), Sample::of_sequences(100, Some(20))] {
            let sampled = sampled(sample, 100);
            assert_eq!((sampled.rows.len(), sampled.about.as_str()), (100, "100 rows"));
        }
    }

    #[test]
    fn rows_are_spread_and_in_step_with_nothing() {
        let sampled = sampled(Sample::of_rows(1000, 2, false), 64_000);
        let n = sampled.rows.len();
        assert!((500..=1000).contains(&n), "{n}");
        assert_eq!(sampled.about, format!("64000 rows, {n} of them evenly taken"));
        let gaps = sampled.places.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(gaps.max().unwrap() <= 256);
        let mut phases: Vec<usize> = sampled.places.iter().map(|i| i % 64).collect();
        phases.sort_unstable();
        phases.dedup();
        assert!(phases.len() > 50, "every phase of a period of 64 is seen: {}", phases.len());
    }

    #[test]
    fn the_extremes_of_every_column_are_kept() {
        let mut sample = Sample::of_rows(100, 2, true);
        for i in 0..10_000 {
            let spike = if i == 7_777 { -5.0 } else { 1.0 };
            sample.push(&[f64::from(i), spike]);
        }
        let sampled = sample.finish();
        for place in [0, 7_777, 9_999] {
            assert!(sampled.places.contains(&place), "{place}");
        }
        assert!(sampled.about.contains("for their extremes"), "{}", sampled.about);
    }

    #[test]
    fn sequences_stay_whole() {
        let sampled = sampled(Sample::of_sequences(100, Some(20)), 1000);
        assert!(!sampled.rows.is_empty() && sampled.rows.len() <= 100);
        for sequence in sampled.places.chunks(20) {
            assert_eq!(sequence[0] % 20, 0);
            assert_eq!(sequence[19], sequence[0] + 19);
        }
        for length in [None, Some(51)] {
            let first = self::sampled(Sample::of_sequences(100, length), 1000);
            assert_eq!(first.places, (0..100).collect::<Vec<_>>());
            assert_eq!(first.about, "1000 rows, the first 100 of them");
        }
    }

    #[test]
    fn a_sample_is_never_empty() {
        for rows in 1..200 {
            assert!(!sampled(Sample::of_rows(2, 2, false), rows).rows.is_empty(), "{rows}");
            assert!(!sampled(Sample::of_sequences(6, Some(3)), rows).rows.is_empty(), "{rows}");
        }
    }
}
