//! GRU, LSTM and Elman networks of PyTorch: `model.safetensors` with a `config.json`.
//!
//! The tensors are a `state_dict`: those of `torch.nn.GRU`, `LSTM` or `RNN` under any prefix (`rnn.weight_ih_l0`,
//! `rnn.weight_hh_l0`, `rnn.bias_ih_l0`, `rnn.bias_hh_l0`, and so on a layer), and `*.weight` and `*.bias` of dense
//! layers behind them and, if `encoder` lists them, in front. Keys of `config.json`: `format` (`gru`, `lstm` or `rnn`),
//! `prefix`, `nonlinearity` of an Elman network (`tanh`, or `relu`), `head` and `encoder`: lists of
//! `{"module": "head.0", "activation": "elu"}` in the order they run. Without `head` the dense layers follow one another
//! in the natural order of their names, with `activation` (none) between them and `out_activation` (none) at the end.
//!
//! The states are kept from step to step and start at zero.

use std::path::Path;

use super::config::Config;
use super::file::read;
use super::mlp::{dense, function, natural};
use super::recurrent::{Cell, Elman, Gate};
use super::tensors::Tensors;
use crate::data::sha256;
use crate::error::{Error, Result};
use crate::graph::expr::Expr;
use crate::graph::{Dense, Graph, Layer, TensorId};
use crate::text;

/// The kinds of cell.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Gru,
    Lstm,
    Elman,
}

impl Kind {
    /// Gates whose weights are stacked.
    fn gates(self) -> usize {
        match self {
            Self::Gru => 3,
            Self::Lstm => 4,
            Self::Elman => 1,
        }
    }
}

/// A dense layer and what follows it.
struct Stage {
    module: String,
    activation: Expr,
}

/// Reads the network `model` that `config` describes, and the digest of its weights.
///
/// # Errors
/// A tensor is missing, its shape does not fit, or a setting is not known.
pub fn load(config: &Config, model: &Path, name: &str) -> Result<(Graph, String)> {
    let bytes = read(model)?;
    let kind = match config.text("format") {
        Some("gru") => Kind::Gru,
        Some("lstm") => Kind::Lstm,
        _ => Kind::Elman,
    };
    let nonlinearity = word(config, "nonlinearity", "tanh")?;
    let encoder = stages(config, "encoder")?.unwrap_or_default();
    let head = stages(config, "head")?;
    let build = || {
        let file = Tensors::open(&bytes)?;
        let prefix = prefix(config, &file)?;
        let head = match head {
            Some(head) => head,
            None => rest(config, &file, &prefix, &encoder)?,
        };
        let network = Network { file, kind, prefix, nonlinearity };
        network.graph(name, &encoder, &head)
    };
    let graph = build().map_err(|e: Error| e.file(model))?;
    Ok((graph, sha256(&bytes)))
}

/// The activation under `key`.
fn word(config: &Config, key: &str, default: &str) -> Result<Expr> {
    let word = config.text(key).unwrap_or(default);
    function(word).ok_or_else(|| super::mlp::unknown(word, config))
}

/// The layers listed under `key`, if they are.
fn stages(config: &Config, key: &str) -> Result<Option<Vec<Stage>>> {
    let Some(listed) = config.get(key) else { return Ok(None) };
    let wrong = || {
        Error::new("the dense layers are not listed as they should be")
            .file(&config.path)
            .at(format!("key `{key}`"))
            .expected("a list like [{\"module\": \"head.0\", \"activation\": \"elu\"}]")
            .found(text::shortened(&listed.to_string(), 120))
            .help("list the dense layers in the order they run, each with what stands before `.weight` in the file")
    };
    let stage = |(k, json): (usize, &serde_json::Value)| {
        let place = format!("{key}[{k}].");
        let text = |key: &str| config.typed_in(json, &place, key, "a string", |v| v.as_str());
        let module = text("module").ok_or_else(wrong)?.to_owned();
        let kind = text("type").unwrap_or("linear");
        if kind != "linear" {
            return Err(wrong());
        }
        let activation = text("activation").unwrap_or("identity");
        let activation =
            function(activation).ok_or_else(|| super::mlp::unknown(activation, config))?;
        Ok(Stage { module, activation })
    };
    listed
        .as_array()
        .ok_or_else(wrong)?
        .iter()
        .enumerate()
        .map(stage)
        .collect::<Result<_>>()
        .map(Some)
}

/// What the names of the cells' tensors begin with, its point included.
fn prefix(config: &Config, file: &Tensors) -> Result<String> {
    const FIRST: &str = "weight_ih_l0";
    let found: Vec<String> =
        file.names().iter().filter_map(|n| n.strip_suffix(FIRST).map(str::to_owned)).collect();
    let wanted = config.text("prefix").map(|p| match p.is_empty() || p.ends_with('.') {
        true => p.to_owned(),
        false => format!("{p}."),
    });
    match (wanted, found.as_slice()) {
        (Some(wanted), found) if found.contains(&wanted) => Ok(wanted),
        (None, [one]) => Ok(one.clone()),
        _ => Err(Error::new("the recurrent layers are not found")
            .at(format!("tensor `{FIRST}`"))
            .expected("the names of torch.nn.GRU, LSTM or RNN behind one prefix, which the key `prefix` may give")
            .found(text::shortened(&file.names().join(", "), 200))
            .help("save the whole state_dict; of two recurrent networks in one, export the model as ONNX")),
    }
}

/// All dense layers of the file that are not the encoder, one after the other.
fn rest(config: &Config, file: &Tensors, prefix: &str, encoder: &[Stage]) -> Result<Vec<Stage>> {
    let hidden = word(config, "activation", "identity")?;
    let last = word(config, "out_activation", "identity")?;
    let mut modules: Vec<String> = file
        .names()
        .iter()
        .filter_map(|n| n.strip_suffix(".weight").map(str::to_owned))
        .filter(|m| !format!("{m}.").starts_with(prefix) || prefix.is_empty())
        .filter(|m| encoder.iter().all(|stage| stage.module != *m))
        .collect();
    modules.sort_by_cached_key(|name| natural(name));
    let count = modules.len();
    let stage = |(k, module)| Stage {
        module,
        activation: if k + 1 == count { last.clone() } else { hidden.clone() },
    };
    Ok(modules.into_iter().enumerate().map(stage).collect())
}

struct Network<'a> {
    file: Tensors<'a>,
    kind: Kind,
    prefix: String,
    nonlinearity: Expr,
}

impl Network<'_> {
    fn graph(&self, name: &str, encoder: &[Stage], head: &[Stage]) -> Result<Graph> {
        let first = match encoder.first() {
            Some(stage) => format!("{}.weight", stage.module),
            None => format!("{}weight_ih_l0", self.prefix),
        };
        let (_, inputs) = self.file.shape(&first)?;
        let mut graph = Graph::new(name, "x", inputs);
        let mut x = self.stages(&mut graph, encoder, 0)?;
        let title = |layer: usize| format!("{}l{layer}", self.prefix);
        let count =
            (0..).take_while(|l| self.file.has(&format!("{}weight_ih_l{l}", self.prefix))).count();
        let mut cells = Vec::with_capacity(count);
        let mut features = graph.tensors[x].len();
        for layer in 0..count {
            let (cell, units) = self.cell(layer, features)?;
            cells.push((cell, units, vec![]));
            features = units;
        }
        // All that is called h before all that is called c, as PyTorch returns them.
        for (kind, word) in ["h", "c"].into_iter().enumerate() {
            for (layer, (cell, units, states)) in cells.iter_mut().enumerate() {
                if kind < cell.states() {
                    let name = format!("{}.{word}", title(layer));
                    states.push(graph.push_state(name, vec![0.0; *units]));
                }
            }
        }
        for (layer, (cell, _, states)) in cells.iter().enumerate() {
            x = cell.keep(&mut graph, &title(layer), x, states)?;
        }
        graph.output = self.stages(&mut graph, head, x)?;
        self.no_others()?;
        Ok(graph)
    }

    fn stages(&self, graph: &mut Graph, stages: &[Stage], mut x: TensorId) -> Result<TensorId> {
        for Stage { module, activation } in stages {
            let (rows, _) = self.file.shape(&format!("{module}.weight"))?;
            let layer = dense(&self.file, &format!("{module}."), rows, graph.tensors[x].len())?;
            x = graph.push(module, Layer::Dense(layer), &[x])?;
            if *activation != Expr::X {
                let map = Layer::Map(activation.clone());
                x = graph.push(format!("{module}.activation"), map, &[x])?;
            }
        }
        Ok(x)
    }

    /// The cell of a recurrent layer of `inputs` features, and its units.
    fn cell(&self, layer: usize, inputs: usize) -> Result<(Cell, usize)> {
        let name = format!("{}weight_hh_l{layer}", self.prefix);
        let (rows, units) = self.file.shape(&name)?;
        let gates = self.kind.gates();
        if rows != gates * units {
            return Err(Error::new("the weights are not those of the format")
                .at(format!("tensor `{name}`"))
                .expected(format!("{} rows: {gates} gates of {units} units", gates * units))
                .found(format!("{rows} rows"))
                .help("`format` is \"gru\" for three gates, \"lstm\" for four, \"rnn\" for one; of an LSTM with proj_size, export ONNX"));
        }
        let dense = |what: &str, columns: usize| {
            let weights = format!("{}weight_{what}_l{layer}", self.prefix);
            let bias = format!("{}bias_{what}_l{layer}", self.prefix);
            let weights = self.file.matrix(&weights, rows, columns)?;
            Ok::<_, Error>(Dense::new(weights, self.file.vector_or(&bias, rows, 0.0)?))
        };
        let (input, recurrent) = (dense("ih", inputs)?, dense("hh", units)?);
        let cell = match self.kind {
            Kind::Gru => Cell::gru(Gate::stacked(&input, &recurrent)),
            Kind::Lstm => Cell::lstm(Gate::stacked(&input, &recurrent)),
            Kind::Elman => Cell::Elman(Elman {
                gate: Gate { input, recurrent },
                squash: self.nonlinearity.clone(),
            }),
        };
        Ok((cell, units))
    }

    /// Refuses what no layer has read.
    fn no_others(&self) -> Result<()> {
        let reverse = self.file.names().into_iter().find(|n| n.ends_with("_reverse"));
        match reverse {
            Some(name) => Err(Error::new("a recurrent layer runs in both directions")
                .at(format!("tensor `{name}`"))
                .expected("a network that needs no future inputs")
                .found("weights of the reverse direction")
                .help(
                    "train with bidirectional=False, or export a window of fixed length as ONNX",
                )),
            None => self.file.understood(&[]),
        }
    }
}
