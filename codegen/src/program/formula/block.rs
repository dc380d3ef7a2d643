//! Features that have one formula together, run as the runtime runs them. Stands on the runtime.

use nervecord::generated::{
    ArgMax, GroupLength, GruUpdate, LogSoftmax, LstmUpdate, Normalize, Pick, Quad, Quotient, Ratio,
    RootMeanSquare, Softmax, Table,
};
use nervecord::host::{flat, flat_mut, quads};

/// What a block computes.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Block {
    /// Layer normalisation of a row.
    Normalize { epsilon: u64, frac: u8 },
    /// A row over its root mean square.
    RootMeanSquare { epsilon: u64, least: u64, frac: u8 },
    /// Softmax of a row.
    Softmax { exp: Vec<u32> },
    /// Its logarithm.
    LogSoftmax {
        exp: Vec<u32>,
        log: Vec<u32>,
        ln2: i16,
        log_frac: u8,
        multiplier: i16,
        shift: u8,
        half: i32,
    },
    /// A unit of a GRU: gate, candidate, state's upper half, state's lower half; the state anew.
    Gru { factor: i16 },
    /// A unit of an LSTM: two gates, candidate, state's upper half, state's lower half; the state anew.
    Lstm { factor: i16 },
    /// A number over another.
    Quotient { multiplier: i16, shift: u8 },
    /// The length of a vector.
    Length { multiplier: i16, shift: u8 },
    /// The index of the largest.
    ArgMax,
    /// The number at an index, which comes last.
    Pick,
    /// A counter.
    Clock { period: i16 },
}

/// Activations as a tensor.
fn tensor(x: &[i16]) -> Vec<Quad> {
    let mut padded = vec![Quad::default(); quads(x.len())];
    flat_mut(&mut padded)[..x.len()].copy_from_slice(x);
    padded
}

impl Block {
    /// What it makes of `x`, through the runtime's kernels.
    pub fn run(&self, x: &[i16]) -> Vec<i16> {
        let features = x.len() as u16;
        let in_place = |run: &dyn Fn(&mut [Quad])| {
            let mut y = tensor(x);
            run(&mut y);
            flat(&y)[..x.len()].to_vec()
        };
        let one = |run: &dyn Fn(&mut [Quad])| {
            let mut y = [Quad::default()];
            run(&mut y);
            vec![flat(&y)[0]]
        };
        match self {
            &Self::Normalize { epsilon, frac } => {
                in_place(&|y| Normalize { features, epsilon, frac }.run(y))
            }
            &Self::RootMeanSquare { epsilon, least, frac } => {
                in_place(&|y| RootMeanSquare { features, epsilon, least, frac }.run(y))
            }
            Self::Softmax { exp } => {
                in_place(&|y| Softmax { features, exp: Table::new(exp) }.run(y))
            }
            Self::LogSoftmax { exp, log, ln2, log_frac, multiplier, shift, half } => {
                let kernel = LogSoftmax {
                    features,
                    exp: Table::new(exp),
                    log: Table::new(log),
                    ln2: *ln2,
                    log_frac: *log_frac,
                    multiplier: *multiplier,
                    shift: *shift,
                    half: *half,
                };
                in_place(&|y| kernel.run(y))
            }
            &Self::Gru { factor } => {
                let mut state = [tensor(&x[2..3]), tensor(&x[3..4])].concat();
                GruUpdate { units: 1, factor }.run(&mut state, &tensor(&x[..1]), &tensor(&x[1..2]));
                vec![state[0].0[0], state[1].0[0]]
            }
            &Self::Lstm { factor } => {
                let mut state = [tensor(&x[3..4]), tensor(&x[4..5])].concat();
                let [f, i, g] = [0, 1, 2].map(|k| tensor(&x[k..=k]));
                LstmUpdate { units: 1, factor }.run(&mut state, &f, &i, &g);
                vec![state[0].0[0], state[1].0[0]]
            }
            &Self::Quotient { multiplier, shift } => {
                let mut y = tensor(&x[..1]);
                let factors = [Ratio { multiplier, shift }];
                Quotient { factors: &factors, shared: true }.run(&mut y, &tensor(&x[1..]));
                vec![y[0].0[0]]
            }
            &Self::Length { multiplier, shift } => {
                let kernel = GroupLength { groups: 1, members: x.len(), multiplier, shift };
                one(&|y| kernel.run(&tensor(x), y))
            }
            Self::ArgMax => one(&|y| ArgMax { features: x.len() }.run(&tensor(x), y)),
            Self::Pick => {
                let (x, index) = x.split_at(x.len() - 1);
                let pick = Pick { features: x.len(), picks: 1 };
                one(&|y| pick.run(&tensor(x), &tensor(index), y))
            }
            &Self::Clock { period } => {
                let next = i32::from(x[0]) + 1;
                vec![if next >= i32::from(period) { 0 } else { next as i16 }]
            }
        }
    }
}
