//! Sums of rows of real numbers, many of them at once: bits do not depend on the machine, for each sum has its terms in
//! the order of the rows. Stands on nothing.

/// Adds the `rows` of a matrix, as many as there are `factors`, each times its factor, to `sums`: to each of several
/// at once, so that a row is loaded once for all.
#[inline(always)]
pub fn add_rows<const N: usize>(sums: &mut [&mut [f64]; N], rows: &[f64], factors: [&[f64]; N]) {
    /// Rows that share the loads and stores of a sum.
    const TOGETHER: usize = 4;
    let width = sums[0].len().max(1);
    let count = factors[0].len();
    for (block, rows) in rows.chunks(TOGETHER * width).enumerate() {
        let first = block * TOGETHER;
        for (sum, factors) in sums.iter_mut().zip(factors) {
            let factors = &factors[first..count.min(first + TOGETHER)];
            match <&[f64; TOGETHER]>::try_from(factors) {
                Ok(factors) => add_four(sum, rows, factors),
                Err(_) => {
                    rows.chunks(width).zip(factors).for_each(|(row, f)| add_row(sum, row, *f))
                }
            }
        }
    }
}

/// Adds four rows, one behind the other.
#[inline(always)]
fn add_four(sum: &mut [f64], rows: &[f64], [a, b, c, d]: &[f64; 4]) {
    let (first, rest) = rows.split_at(sum.len());
    let (second, rest) = rest.split_at(sum.len());
    let (third, fourth) = rest.split_at(sum.len());
    let rows = first.iter().zip(second).zip(third).zip(fourth);
    for (sum, (((x, y), z), w)) in sum.iter_mut().zip(rows) {
        *sum = (((*sum + x * a) + y * b) + z * c) + w * d;
    }
}

/// Adds a row times a factor.
#[inline(always)]
pub fn add_row(sums: &mut [f64], row: &[f64], factor: f64) {
    sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x * factor);
}

/// Adds a row times a factor over a count.
#[inline(always)]
pub fn add_means(sums: &mut [f64], row: &[f64], factor: f64, count: f64) {
    sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x * factor / count);
}
