//! Layers of every kind that read any tensors before them: branches that join again, several memories, several outputs.

use nervecord_codegen::Result;
use nervecord_codegen::graph::expr::{Expr, Function};
use nervecord_codegen::graph::{Graph, Layer, Reduction, TensorId};

use super::circuits;
use super::layers::{dense, functions, kan, scaled, unit_spans};
use super::network::{Oddities, Sizes, Span};
use super::rows::windows;
use crate::random::Random;

/// Features that a layer reads at most.
const MOST: usize = 24;

/// What layers are added to.
struct Draft<'a> {
    random: &'a mut Random,
    graph: &'a mut Graph,
    sizes: &'a Sizes,
    oddities: &'a mut Oddities,
    /// What layers may read.
    pool: Vec<TensorId>,
}

/// Adds a layer, with what it needs, and says what it writes.
type Step = fn(&mut Draft) -> Result<TensorId>;

/// One a kind of layer, those with memory last.
const STEPS: [Step; 28] = [
    |d| d.any().and_then(|x| d.dense(x, 8)),
    |d| d.any().and_then(|x| d.affine(x, 1.5)),
    |d| d.map(),
    |d| d.functions(),
    |d| d.kan(),
    |d| {
        let factors = [d.random.within(-1.5, 1.5), d.random.within(-1.5, 1.5)];
        d.join(Layer::Add { factors })
    },
    |d| d.join(Layer::Mul),
    |d| d.div(),
    |d| {
        let largest = d.random.once_in(2);
        d.join(Layer::Extreme { largest })
    },
    |d| d.reduce(),
    |d| {
        let (a, b) = (d.any()?, d.any()?);
        d.put(Layer::Concat, &[a, b])
    },
    |d| d.select(),
    |d| d.pick(),
    |d| d.alone(Layer::Normalize { epsilon: 1e-3 }),
    |d| d.alone(Layer::RootMeanSquare { epsilon: 1e-3, least: 1e-2 }),
    |d| d.alone(Layer::Softmax),
    |d| d.alone(Layer::LogSoftmax),
    |d| d.windows(),
    |d| d.on_rows(),
    |d| {
        let (x, random) = (d.any()?, &mut d.random);
        let [before, after] = [random.below(3), random.below(3)];
        let rows = d.divisor(x);
        d.put(Layer::Pad { rows, before, after }, &[x])
    },
    |d| d.elman(),
    |d| d.gru(),
    |d| d.lstm(),
    |d| d.leaky(),
    |d| d.delay(),
    |d| {
        let sources = d.sources()?;
        circuits::potentials(d.random, d.graph, sources)
    },
    |d| {
        let sources = d.sources()?;
        d.oddities.jumps = true;
        circuits::sums(d.random, d.graph, sources)
    },
    |d| d.ripple(),
];

/// How many of [`STEPS`] need no memory.
const WITHOUT_MEMORY: usize = 20;

/// A network of up to nine layers of any kinds.
pub(super) fn graph(
    random: &mut Random,
    graph: &mut Graph,
    sizes: &Sizes,
    spans: &[Span],
    oddities: &mut Oddities,
) -> Result<()> {
    let first = scaled(graph, spans)?;
    let mut draft = Draft { random, graph, sizes, oddities, pool: vec![first] };
    if draft.graph.input_len() > MOST {
        let narrow = draft.dense(first, 8)?;
        draft.pool = vec![narrow];
    }
    let remembers = draft.random.once_in(3);
    for _ in 0..1 + draft.random.below(9) {
        let (without, with) = STEPS.split_at(WITHOUT_MEMORY);
        let own = if remembers && draft.random.once_in(3) { with } else { without };
        let step = draft.random.pick(own);
        let x = step(&mut draft)?;
        draft.pool.push(x);
    }
    draft.outputs()
}

impl Draft<'_> {
    fn len(&self, x: TensorId) -> usize {
        self.graph.tensors[x].len()
    }

    fn put(&mut self, layer: Layer, inputs: &[TensorId]) -> Result<TensorId> {
        let name = format!("{}{}", layer.kind().replace(' ', "_"), self.graph.nodes.len());
        self.graph.push(name, layer, inputs)
    }

    /// What was drawn, the latest more often; a part of what is wide.
    fn any(&mut self) -> Result<TensorId> {
        let recent = if self.random.once_in(2) { 2 } else { self.pool.len() };
        let from = self.pool.len() - recent.min(self.pool.len());
        let x = self.pool[from + self.random.below(self.pool.len() - from)];
        match self.len(x) > MOST {
            true => self.put(Layer::Select((0..MOST).collect()), &[x]),
            false => Ok(x),
        }
    }

    /// Another of as many features.
    fn like(&mut self, x: TensorId) -> Result<TensorId> {
        let n = self.len(x);
        let alike: Vec<TensorId> =
            self.pool.iter().copied().filter(|&y| y != x && self.len(y) == n).collect();
        match alike.is_empty() || self.random.once_in(3) {
            true => {
                let from = self.any()?;
                self.dense_to(from, n)
            }
            false => Ok(*self.random.pick(&alike)),
        }
    }

    /// A number of groups of one size that `x` can be cut into.
    fn divisor(&mut self, x: TensorId) -> usize {
        let n = self.len(x);
        let all: Vec<usize> = (1..=n).filter(|groups| n.is_multiple_of(*groups)).collect();
        *self.random.pick(&all)
    }

    fn dense(&mut self, x: TensorId, most: usize) -> Result<TensorId> {
        let outputs = 1 + self.random.below(most);
        self.dense_to(x, outputs)
    }

    fn dense_to(&mut self, x: TensorId, outputs: usize) -> Result<TensorId> {
        let layer = dense(self.random, &unit_spans(self.len(x)), outputs, self.sizes);
        self.put(Layer::Dense(layer), &[x])
    }

    fn affine(&mut self, x: TensorId, size: f64) -> Result<TensorId> {
        let n = self.len(x);
        let (scale, offset) = (self.random.row(n, size), self.random.row(n, size / 3.0));
        self.put(Layer::Affine { scale, offset }, &[x])
    }

    fn function(&mut self, x: TensorId, f: Function) -> Result<TensorId> {
        self.put(Layer::Map(Expr::call(f)), &[x])
    }

    fn map(&mut self) -> Result<TensorId> {
        let x = self.any()?;
        let f = self.random.pick(&functions()).clone();
        self.put(Layer::Map(f), &[x])
    }

    fn functions(&mut self) -> Result<TensorId> {
        let (x, all) = (self.any()?, functions());
        let (n, count) = (self.len(x), 1 + self.random.below(3));
        let functions: Vec<Expr> = (0..count).map(|_| self.random.pick(&all).clone()).collect();
        let outputs = 1 + self.random.below(2 * n);
        let mut pick = |_| (self.random.below(n), self.random.below(count));
        let picks = (0..outputs).map(&mut pick).collect();
        self.put(Layer::Functions { functions, picks }, &[x])
    }

    fn kan(&mut self) -> Result<TensorId> {
        let (x, outputs) = (self.any()?, 1 + self.random.below(6));
        let layer = kan(self.random, self.len(x), outputs, self.sizes);
        self.put(Layer::Kan(layer), &[x])
    }

    fn alone(&mut self, layer: Layer) -> Result<TensorId> {
        let x = self.any()?;
        self.put(layer, &[x])
    }

    fn join(&mut self, layer: Layer) -> Result<TensorId> {
        let x = self.any()?;
        let y = self.like(x)?;
        self.put(layer, &[x, y])
    }

    /// A quotient whose divisor is not zero.
    fn div(&mut self) -> Result<TensorId> {
        let x = self.any()?;
        let divisor = match self.random.once_in(2) {
            true => self.like(x)?,
            false => {
                let from = self.any()?;
                self.dense_to(from, 1)?
            }
        };
        let positive = match self.random.below(3) {
            0 => Expr::X.pow(2.0).add(Expr::Const(1.0)),
            1 => Expr::call(Function::Exp).of(&Expr::clamp(-2.0, 2.0)),
            _ => Expr::call(Function::Softplus).add(Expr::Const(0.3)),
        };
        let divisor = self.put(Layer::Map(positive), &[divisor])?;
        self.put(Layer::Div, &[x, divisor])
    }

    fn reduce(&mut self) -> Result<TensorId> {
        let x = self.any()?;
        let by = *self.random.pick(&[Reduction::Max, Reduction::Min, Reduction::Length]);
        let groups = self.divisor(x);
        self.put(Layer::Reduce { by, groups }, &[x])
    }

    fn select(&mut self) -> Result<TensorId> {
        let x = self.any()?;
        let (n, count) = (self.len(x), 1 + self.random.below(8));
        let picks = (0..count).map(|_| self.random.below(n)).collect();
        self.put(Layer::Select(picks), &[x])
    }

    /// The largest, or what stands where another is.
    fn pick(&mut self) -> Result<TensorId> {
        self.oddities.jumps = true;
        let x = self.any()?;
        let compared = if self.random.once_in(2) { x } else { self.like(x)? };
        let index = self.put(Layer::ArgMax, &[compared])?;
        self.put(Layer::Pick, &[x, index])
    }

    fn windows(&mut self) -> Result<TensorId> {
        let x = self.any()?;
        let layer = windows(self.random, self.len(x), self.sizes);
        self.put(Layer::Windows(layer), &[x])
    }

    fn on_rows(&mut self) -> Result<TensorId> {
        let x = self.any()?;
        let layer = match self.random.below(4) {
            0 => Layer::Normalize { epsilon: 1e-3 },
            1 => Layer::RootMeanSquare { epsilon: 1e-3, least: 1e-2 },
            2 => Layer::Softmax,
            _ => Layer::LogSoftmax,
        };
        let layer = layer.on_rows(self.divisor(x));
        self.put(layer, &[x])
    }

    /// Numbers from 0 to 1.
    fn sources(&mut self) -> Result<TensorId> {
        let x = self.any()?;
        self.function(x, Function::Sigmoid)
    }

    /// A state of a few units, and the input and the state together.
    fn memory(&mut self, bound: Option<f64>) -> Result<(TensorId, TensorId)> {
        let (x, units) = (self.any()?, 1 + self.random.below(6));
        let (name, start) = (format!("h{}", self.graph.tensors.len()), vec![0.0; units]);
        let h = match bound {
            Some(bound) => self.graph.push_bounded_state(name, start, bound),
            None => self.graph.push_state(name, start),
        };
        Ok((h, self.put(Layer::Concat, &[x, h])?))
    }

    /// A function of sums of the input and a state, whose weights sum to less than 1 or to about 2.
    fn gate(&mut self, all: TensorId, units: usize, f: Function) -> Result<TensorId> {
        let mut layer = dense(self.random, &unit_spans(self.len(all)), units, self.sizes);
        let size = if self.random.once_in(3) { 2.0 } else { 0.9 };
        let of_state = self.len(all) - units;
        for weight in layer.weights.iter_mut().flat_map(|row| &mut row[of_state..]) {
            *weight = self.random.unit() * size / units as f64;
        }
        let sum = self.put(Layer::Dense(layer), &[all])?;
        self.function(sum, f)
    }

    fn close(&mut self, state: TensorId, next: TensorId) -> Result<TensorId> {
        self.graph.close_state(state, next)?;
        Ok(next)
    }

    fn elman(&mut self) -> Result<TensorId> {
        let (h, all) = self.memory(Some(1.0))?;
        let next = self.gate(all, self.len(h), Function::Tanh)?;
        self.close(h, next)
    }

    fn gru(&mut self) -> Result<TensorId> {
        let (h, all) = self.memory(Some(1.0))?;
        let gate = self.gate(all, self.len(h), Function::Sigmoid)?;
        let candidate = self.gate(all, self.len(h), Function::Tanh)?;
        let next = self.put(Layer::GruUpdate, &[gate, candidate, h])?;
        self.close(h, next)
    }

    fn lstm(&mut self) -> Result<TensorId> {
        let (h, all) = self.memory(Some(1.0))?;
        let units = self.len(h);
        let c = self.graph.push_state(format!("c{}", self.graph.tensors.len()), vec![0.0; units]);
        let forget = self.gate(all, units, Function::Sigmoid)?;
        let input = self.gate(all, units, Function::Sigmoid)?;
        let candidate = self.gate(all, units, Function::Tanh)?;
        let output = self.gate(all, units, Function::Sigmoid)?;
        let cell = self.put(Layer::LstmUpdate, &[forget, c, input, candidate])?;
        self.close(c, cell)?;
        let squashed = self.function(cell, Function::Tanh)?;
        let next = self.put(Layer::Mul, &[output, squashed])?;
        self.close(h, next)
    }

    /// A sum that forgets: `h' = a h + b x`.
    fn leaky(&mut self) -> Result<TensorId> {
        let x = self.any()?;
        let x = self.function(x, Function::Tanh)?;
        let kept = self.random.within(0.3, 0.98);
        let start = vec![0.0; self.len(x)];
        let h = self.graph.push_state(format!("h{}", self.graph.tensors.len()), start);
        let next = self.put(Layer::Add { factors: [kept, 1.0 - kept] }, &[h, x])?;
        self.close(h, next)
    }

    fn delay(&mut self) -> Result<TensorId> {
        let x = self.any()?;
        let x = if self.len(x) > 6 { self.dense_to(x, 4)? } else { x };
        let (rows, start) = (2 + self.random.below(3), vec![self.random.unit(); self.len(x)]);
        let name = format!("line{}", self.graph.nodes.len());
        self.graph.push_delay_line(name, &start, rows, x)
    }

    /// A state that turns back where it grows: the sine of sums.
    fn ripple(&mut self) -> Result<TensorId> {
        let (h, all) = self.memory(Some(1.0))?;
        let next = self.gate(all, self.len(h), Function::Sin)?;
        self.close(h, next)
    }

    /// The last tensor, an index, several widths, or several tensors, alike in size or not.
    fn outputs(mut self) -> Result<()> {
        let last = self.pool[self.pool.len() - 1];
        match self.random.below(8) {
            0 => {
                self.oddities.jumps = true;
                self.put(Layer::ArgMax, &[last])?;
            }
            1 => {
                let (narrow, outputs) = (self.any()?, 1 + self.random.below(4));
                let heads = [self.dense_to(narrow, outputs)?, self.dense_to(last, outputs)?];
                let names = vec!["narrow".to_owned(), "wide".to_owned()];
                self.put(Layer::Anytime { names }, &heads)?;
            }
            2..=4 => {
                let other = self.any()?;
                let size = 10_f64.powf(self.random.within(-4.0, 4.0));
                let other = self.affine(other, size)?;
                self.put(Layer::Concat, &[last, other])?;
            }
            5 => {
                self.dense(last, 4)?;
            }
            _ => self.graph.output = last,
        }
        Ok(())
    }
}
