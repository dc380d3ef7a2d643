//! Which calibration rows decide, and which judge: an error is stated on rows that no decision has seen.
//!
//! Neighbouring rows of a recording are nearly the same, so the rows are dealt out in blocks: whole
//! sequences where there are at least four, equal stretches of time otherwise.

/// Rows below which all of them do everything: a share of so few would decide by chance.
const FEWEST: usize = 16;
/// Stretches of time that one recording is cut into.
const BLOCKS: usize = 16;

/// The indices of calibration rows, by what they are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Half of the rows: integers and tables are fitted to them.
    pub fit: Vec<usize>,
    /// A quarter: they choose between widths and between forms of a layer.
    pub choose: Vec<usize>,
    /// A quarter: they judge what was chosen.
    pub judge: Vec<usize>,
}

impl Split {
    /// Deals out `rows` rows, of which those at `starts` each begin a sequence.
    pub fn of(rows: usize, starts: &[usize]) -> Self {
        let mut split = Self { fit: vec![], choose: vec![], judge: vec![] };
        if rows < FEWEST {
            let all: Vec<usize> = (0..rows).collect();
            return Self { fit: all.clone(), choose: all.clone(), judge: all };
        }
        // Row `i` is in block number `block(i)`.
        let block = |i: usize| match starts.len() {
            0..4 => i * BLOCKS / rows,
            _ => starts.partition_point(|&start| start <= i),
        };
        for i in 0..rows {
            match block(i) % 4 {
                1 => split.choose.push(i),
                3 => split.judge.push(i),
                _ => split.fit.push(i),
            }
        }
        split
    }

    /// The last row of every so many alone.
    pub fn of_every(mut self, steps: usize) -> Self {
        for rows in [&mut self.fit, &mut self.choose, &mut self.judge] {
            rows.retain(|row| (row + 1).is_multiple_of(steps.max(1)));
        }
        self
    }

    /// The rows that are fitted to and do not choose; where all rows do everything, all.
    pub fn unchosen(&self) -> Vec<usize> {
        match self.is_held_out() {
            true => {
                let chooses = |row: &usize| self.choose.binary_search(row).is_ok();
                self.fit.iter().copied().filter(|row| !chooses(row)).collect()
            }
            false => self.fit.clone(),
        }
    }

    /// Takes the rows that chose to those that are fitted to, once all is chosen.
    pub fn join(&mut self) {
        if self.is_held_out() {
            self.fit.extend(&self.choose);
            self.fit.sort_unstable();
        }
    }

    /// Whether the rows that judge have decided nothing.
    pub fn is_held_out(&self) -> bool {
        self.fit != self.judge
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_one_purpose_and_neighbours_share_it() {
        for rows in [16, 17, 100, 1000, 1023] {
            let Split { fit, choose, judge } = Split::of(rows, &[0]);
            let mut all = [fit.clone(), choose.clone(), judge.clone()].concat();
            all.sort_unstable();
            assert_eq!(all, (0..rows).collect::<Vec<_>>());
            assert!(judge.len() * 5 >= rows && choose.len() * 5 >= rows, "{rows}");
            let breaks = judge.windows(2).filter(|pair| pair[1] != pair[0] + 1).count();
            assert!(breaks < 4, "{judge:?}");
        }
    }

    #[test]
    fn sequences_stay_whole() {
        let starts: Vec<usize> = (0..8).map(|k| k * 50).collect();
        let split = Split::of(400, &starts);
        assert_eq!(split.judge, (100..150).chain(300..350).collect::<Vec<_>>());
        assert!(split.is_held_out());
    }

    #[test]
    fn of_whole_windows_the_last_rows_decide() {
        let Split { fit, choose, judge } =
            Split::of(64, &(0..16).map(|k| k * 4).collect::<Vec<_>>()).of_every(4);
        let mut all = [fit, choose, judge.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..16).map(|k| k * 4 + 3).collect::<Vec<_>>());
        assert_eq!(judge, [11, 27, 43, 59]);
    }

    #[test]
    fn a_handful_of_rows_does_everything() {
        let split = Split::of(5, &[0]);
        assert_eq!((split.fit.len(), split.judge.len()), (5, 5));
        assert!(!split.is_held_out());
    }
}
