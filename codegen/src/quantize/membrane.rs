//! Conductance-based neurons: integers that share one factor a neuron.

use nervecord::generated::{Gap, Membrane, Neuron, Quad, Synapse, Table};
use nervecord::host::membrane_work;

use super::format::Format;
use super::lowering::Lowering;
use super::table;
use crate::error::{Error, Result};
use crate::graph::{Node, TensorId, membrane};
use crate::program::Kernel;
use crate::program::kernel::Data;
use crate::program::table::{Record, Table as Tables, Value};

/// The sigmoid's argument at the end of its table; beyond, it is within 6e-6 of 0 or 1.
const REACH: f64 = 12.0;
/// What a denominator can reach.
const FULL: f64 = (1_u32 << 30) as f64;
/// What a denominator may not fall below.
const LEAST: f64 = (1_u32 << 18) as f64;

#[derive(Debug)]
struct MembraneKernel {
    neurons: Vec<Neuron>,
    sensory: Vec<Synapse>,
    synapses: Vec<Synapse>,
    gaps: Vec<Gap>,
    sigmoid: Vec<u32>,
    shift: u8,
    unfolds: u8,
}

impl Kernel for MembraneKernel {
    fn data(&self) -> Data<'_> {
        let synapses = |name, list: &[Synapse]| {
            Tables::records(name, "Synapse", size_of::<Synapse>(), list.iter().map(synapse))
        };
        let tables = vec![
            Tables::pieces("PIECES", &self.sigmoid),
            Tables::records(
                "NEURONS",
                "Neuron",
                size_of::<Neuron>(),
                self.neurons.iter().map(neuron),
            ),
            synapses("SENSORY", &self.sensory),
            synapses("SYNAPSES", &self.synapses),
            Tables::records("GAPS", "Gap", size_of::<Gap>(), self.gaps.iter().map(gap)),
        ];
        let fields = [
            ("neurons", Value::table("NEURONS")),
            ("sensory", Value::table("SENSORY")),
            ("synapses", Value::table("SYNAPSES")),
            ("gaps", Value::table("GAPS")),
            ("sigmoid", table::function("PIECES")),
            ("shift", self.shift.into()),
            ("unfolds", self.unfolds.into()),
        ];
        Data::new(Record::of("Membrane", fields), tables, 2)
    }

    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        let Self { neurons, sensory, synapses, gaps, sigmoid, shift, unfolds } = self;
        let (sigmoid, shift, unfolds) = (Table::new(sigmoid), *shift, *unfolds);
        Membrane { neurons, sensory, synapses, gaps, sigmoid, shift, unfolds }
            .run(reads[0], reads[1], y);
    }
}

fn neuron(neuron: &Neuron) -> Record {
    let &Neuron { capacity, numerator, denominator, sensory, synapses, gaps } = neuron;
    let fields = [
        ("capacity", capacity.into()),
        ("numerator", numerator.into()),
        ("denominator", denominator.into()),
        ("sensory", sensory.into()),
        ("synapses", synapses.into()),
        ("gaps", gaps.into()),
    ];
    Record::of("Neuron", fields)
}

fn synapse(synapse: &Synapse) -> Record {
    let &Synapse { pre, gain, offset, weight, current } = synapse;
    let fields = [
        ("pre", pre.into()),
        ("gain", gain.into()),
        ("offset", offset.into()),
        ("weight", weight.into()),
        ("current", current.into()),
    ];
    Record::of("Synapse", fields)
}

fn gap(&Gap { pre, weight }: &Gap) -> Record {
    Record::of("Gap", [("pre", pre.into()), ("weight", weight.into())])
}

/// Lowers a circuit whose potentials have the state's format.
pub fn lower(lowering: &mut Lowering, node: &Node, circuit: &membrane::Membrane) -> Result<()> {
    let about = |e: Error| e.at(format!("node `{}`", node.name));
    let input = lowering.value(node.inputs[0]).clone();
    let (state, unit) = lowering.take_uniform(node.inputs[1]);
    lowering.readers[node.inputs[0]] -= 1;
    let potentials = Format::uniform(unit);
    let lines = |synapses: &[membrane::Synapse], format: &Format, tensor: TensorId| -> Vec<Line> {
        let rows: Vec<_> = lowering.ranges.fitted(tensor).collect();
        synapses.iter().map(|s| Line::new(s, format, &rows)).collect()
    };
    let sensory = lines(&circuit.sensory, &input.format, node.inputs[0]);
    let synapses = lines(&circuit.synapses, &potentials, node.inputs[1]);
    let shift = sensory.iter().chain(&synapses).map(Line::shift).fold(15, u8::min);
    if shift == 0 {
        return Err(about(
            Error::new("a synapse is too steep for its input's range")
                .expected(format!("a sigmoid that is not crossed within {} units", 1 << 12))
                .found("a larger gain")
                .help("scale the input down, or lower sigma"),
        ));
    }
    let mut kernel = MembraneKernel {
        neurons: vec![],
        sensory: vec![],
        synapses: vec![],
        gaps: vec![],
        sigmoid: sigmoid(),
        shift,
        unfolds: circuit.unfolds,
    };
    for j in 0..circuit.neurons.len() {
        kernel.add(circuit, j, unit, &sensory, &synapses).map_err(about)?;
    }
    let storage = lowering.new_storage(4 * membrane_work(circuit.neurons.len()));
    lowering.push(&node.name, Box::new(kernel), vec![input.storage, state.storage], storage);
    lowering.define(node.output, storage, potentials);
    let row = lowering.report(node, "membrane i16".into(), String::new());
    row.accumulator_bound = Some(1 << 30);
    Ok(())
}

/// A synapse's argument in units of the table's input.
struct Line {
    gain: f64,
    offset: f64,
    /// How open the synapse is on average over the calibration data.
    mean: f64,
}

impl Line {
    fn new(synapse: &membrane::Synapse, pre: &Format, rows: &[&Vec<f64>]) -> Self {
        let unit = REACH / 32768.0;
        let gain = synapse.gain * pre.scale(synapse.pre) / unit;
        let offset = (synapse.offset + synapse.gain * pre.offset(synapse.pre)) / unit;
        // Further out, the sigmoid is at its end for every input already.
        let most = 32768.0 * (1.0 + gain.abs());
        let open: f64 = rows.iter().map(|row| synapse.open(row[synapse.pre])).sum();
        let mean = open / rows.len().max(1) as f64;
        Self { gain, offset: offset.clamp(-most, most), mean }
    }

    /// The largest shift at which gain and offset fit their integers.
    fn shift(&self) -> u8 {
        let by_gain = (32767.0 / self.gain.abs().max(1e-9)).log2();
        let by_offset = (f64::powi(2.0, 30) / (self.offset.abs() + 1.0)).log2();
        by_gain.min(by_offset).floor().clamp(0.0, 15.0) as u8
    }
}

impl MembraneKernel {
    /// Appends neuron `j` and what leads to it.
    fn add(
        &mut self,
        circuit: &membrane::Membrane,
        j: usize,
        unit: f64,
        sensory: &[Line],
        synapses: &[Line],
    ) -> Result<()> {
        let neuron = &circuit.neurons[j];
        let into = |list: &[membrane::Synapse]| -> Vec<usize> {
            (0..list.len()).filter(|&i| list[i].post == j && list[i].weight != 0.0).collect()
        };
        let (from_inputs, from_neurons) = (into(&circuit.sensory), into(&circuit.synapses));
        let gaps: Vec<_> = circuit.gaps.iter().filter(|g| g.post == j && g.weight != 0.0).collect();
        let conductance = from_inputs.iter().map(|&i| circuit.sensory[i].weight).sum::<f64>()
            + from_neurons.iter().map(|&i| circuit.synapses[i].weight).sum::<f64>();
        let always = neuron.capacity + neuron.leak + gaps.iter().map(|g| g.weight).sum::<f64>();
        // Room for what rounding adds to each term: half a unit of 2^15.
        let terms = from_inputs.len() + from_neurons.len() + gaps.len() + 2;
        let room = f64::max(FULL * 1e-3, terms as f64 * 16384.0);
        let factor = f64::max(FULL - room, 0.0) / (always + conductance + neuron.epsilon);
        let small = factor / 32768.0;
        let integer = |w: f64| (w * small).round().clamp(0.0, 32767.0);
        let capacity = integer(neuron.capacity);
        let mut denominator = capacity * 32768.0 + (neuron.leak + neuron.epsilon) * factor;
        for gap in &gaps {
            let weight = integer(gap.weight);
            denominator += weight * 32768.0;
            self.gaps.push(Gap { pre: gap.pre as u16, weight: weight as i16 });
        }
        if denominator < LEAST {
            return Err(Error::new("a neuron's synapses overwhelm its capacity and leak")
                .at(format!("neuron {j}"))
                .expected("a capacity and leak of at least 1/4096 of all its conductances")
                .found(format!("{always} of {}", always + conductance))
                .help(
                    "train with smaller synapse weights, a larger leak, or a shorter time step",
                ));
        }
        let scale = f64::from(1_u32 << self.shift);
        // What rounding takes from the sums on average goes into their constants.
        let (mut current_lost, mut weight_lost) = (0.0, 0.0);
        let mut quantized = |s: &membrane::Synapse, line: &Line| {
            let weight = integer(s.weight);
            let pull = s.reversal / (unit * 32768.0);
            let current = (weight * pull).round().clamp(-weight, weight);
            current_lost += line.mean * 32768.0 * (s.weight * small * pull - current);
            weight_lost += line.mean * 32768.0 * (s.weight * small - weight);
            Synapse {
                pre: s.pre as u16,
                gain: (line.gain * scale).round() as i16,
                offset: (line.offset * scale + scale / 2.0).round() as i32,
                weight: weight as i16,
                current: current as i16,
            }
        };
        self.sensory
            .extend(from_inputs.iter().map(|&i| quantized(&circuit.sensory[i], &sensory[i])));
        self.synapses
            .extend(from_neurons.iter().map(|&i| quantized(&circuit.synapses[i], &synapses[i])));
        // No more than moves an average by 2^-9, so that it stays within the potentials' room.
        let most = denominator / 1024.0;
        let numerator = neuron.leak * neuron.rest / unit * small + current_lost.clamp(-most, most);
        denominator = (denominator + weight_lost.clamp(-most, most)).max(LEAST);
        self.neurons.push(Neuron {
            capacity: capacity as i16,
            numerator: numerator.round() as i32,
            denominator: denominator.round() as i32,
            sensory: from_inputs.len() as u16,
            synapses: from_neurons.len() as u16,
            gaps: gaps.len() as u16,
        });
        Ok(())
    }
}

/// The logistic function over +-[`REACH`], with 15 fractional bits.
fn sigmoid() -> Vec<u32> {
    let value = |u: u32| 32768.0 / (1.0 + (REACH * (1.0 - f64::from(u) / 32768.0)).exp());
    let exact: Vec<f64> = (0..65536).map(value).collect();
    table::fit(&exact, &vec![1.0; exact.len()], 0.0).pieces
}
