//! What a circuit may not say, told with the neuron's or synapse's name.

use std::collections::HashSet;

use super::description::{Circuit, Kind, Sign, Synapse};
use crate::error::{Error, Result};

/// Most weights of a table, and of the updates of a step together where each is a layer of its own: twice what
/// the flash of a large microcontroller holds.
const MOST_WEIGHTS: u64 = 1 << 21;

/// The names of a circuit.
struct Names<'a> {
    sources: HashSet<&'a str>,
    neurons: HashSet<&'a str>,
}

impl Circuit {
    /// Reads and checks the text of a `circuit.toml`.
    ///
    /// # Errors
    /// It is not TOML, has keys that are not known, or contradicts itself.
    pub fn parse(text: &str) -> Result<Self> {
        let circuit: Self = toml::from_str(text).map_err(|e| {
            let line = e.span().map(|s| text[..s.start].lines().count().max(1));
            let error = Error::new("the circuit cannot be read")
                .expected(
                    "the tables inputs, oscillators, neurons, synapses, gap_junctions, outputs",
                )
                .found(e.message())
                .help("the documentation of circuit.toml lists every key");
            match line {
                Some(line) => error.at(format!("line {line}")),
                None => error,
            }
        })?;
        circuit.check()?;
        Ok(circuit)
    }

    fn check(&self) -> Result<()> {
        self.check_whole()?;
        self.check_numbers()?;
        self.check_neurons()?;
        let names = Names {
            sources: self.sources().collect(),
            neurons: self.neurons.iter().map(|n| n.name.as_str()).collect(),
        };
        self.synapses.iter().try_for_each(|synapse| self.check_synapse(synapse, &names))?;
        self.check_gaps(&names)?;
        self.check_outputs(&names)?;
        self.check_size()
    }

    /// What becomes dense tables is of a size that they can have.
    fn check_size(&self) -> Result<()> {
        let (neurons, inputs) = (self.neurons.len(), self.inputs.len());
        let sources = inputs + self.oscillators.len();
        let read = self.outputs.iter().map(|o| o.plus.len() + o.minus.len()).sum::<usize>();
        let fewer = "leave out what no synapse reads, or split the circuit";
        let mut sizes = vec![
            ("[[inputs]]", vec![inputs, inputs], fewer),
            ("[[oscillators]]", vec![self.oscillators.len(); 2], fewer),
            ("[[outputs]]", vec![self.outputs.len(), read.min(neurons)], fewer),
        ];
        if self.kind() == Kind::Clamp {
            let all = vec![neurons, neurons + sources, self.substeps as usize];
            let help = "take fewer substeps: each is a layer of its own, neurons x (sources + neurons); \
                neurons of kind sigmoid or threshold keep theirs as a loop";
            sizes.push(("key `substeps`", all, help));
        }
        for (place, factors, help) in sizes {
            let size = factors.iter().fold(1u64, |size, &n| size.saturating_mul(n as u64));
            if size > MOST_WEIGHTS {
                let shown: Vec<String> = factors.iter().map(usize::to_string).collect();
                return Err(Error::new("the circuit is too large")
                    .at(place)
                    .expected(format!(
                        "at most {MOST_WEIGHTS} weights in a table, or in all substeps together"
                    ))
                    .found(format!("{} = {size}", shown.join(" x ")))
                    .help(help));
            }
        }
        Ok(())
    }

    fn check_whole(&self) -> Result<()> {
        for (table, empty) in [
            ("neurons", self.neurons.is_empty()),
            ("inputs", self.inputs.is_empty()),
            ("outputs", self.outputs.is_empty()),
        ] {
            if empty {
                return Err(Error::new("a table of the circuit is empty")
                    .at(format!("[[{table}]]"))
                    .expected("at least one entry")
                    .found("none")
                    .help(format!("add a [[{table}]] with a `name`")));
            }
        }
        if !(1..=255).contains(&self.substeps) {
            return Err(out_of_range("substeps", "1 to 255", self.substeps));
        }
        let mut seen = HashSet::new();
        if let Some(name) = self.sources().find(|name| !seen.insert(*name)) {
            return Err(Error::new("a name is given twice")
                .at(format!("`{name}`"))
                .expected("names of inputs, oscillators and neurons that all differ")
                .found("two of them")
                .help("rename one; synapses find their ends by name"));
        }
        for oscillator in &self.oscillators {
            let at = |e: Error| e.at(format!("oscillator `{}`", oscillator.name));
            if !(1..=32767).contains(&oscillator.period) {
                return Err(at(out_of_range("period", "1 to 32767 steps", oscillator.period)));
            }
            if !(0.0..=1.0).contains(&oscillator.duty) {
                return Err(at(out_of_range("duty", "0 to 1", oscillator.duty)));
            }
            if oscillator.phase >= oscillator.period {
                return Err(at(out_of_range("phase", "less than the period", oscillator.phase)));
            }
        }
        Ok(())
    }

    /// Every number that stands in the file is finite.
    fn check_numbers(&self) -> Result<()> {
        let finite = |place: &str, key: &str, value: f64| match value.is_finite() {
            true => Ok(()),
            false => Err(Error::new("a number is not finite")
                .at(format!("{place}, key `{key}`"))
                .expected("a finite number")
                .found(value)
                .help("write a number; nan and inf stand for none")),
        };
        finite("the circuit", "time_step", self.time_step)?;
        if self.time_step <= 0.0 {
            return Err(out_of_range("time_step", "above 0", self.time_step));
        }
        for (name, value) in &self.parameters {
            finite("[parameters]", name, *value)?;
        }
        for input in &self.inputs {
            let place = format!("input `{}`", input.name);
            let [low, high] = input.saturation;
            let numbers = [("scale", input.scale), ("offset", input.offset)];
            for (key, value) in
                numbers.into_iter().chain([("saturation", low), ("saturation", high)])
            {
                finite(&place, key, value)?;
            }
            if low >= high {
                return Err(Error::new("an input's saturation is empty")
                    .at(place)
                    .expected("[low, high] with low < high")
                    .found(format!("[{low}, {high}]"))
                    .help("the values at which the input stops to change, the smaller first"));
            }
        }
        for neuron in &self.neurons {
            let place = format!("neuron `{}`", neuron.name);
            for (key, value) in [
                ("capacity", neuron.capacity),
                ("leak", neuron.leak),
                ("rest", neuron.rest),
                ("initial", neuron.initial),
                ("bias", neuron.bias),
                ("threshold", neuron.threshold),
            ] {
                value.map_or(Ok(()), |value| finite(&place, key, value))?;
            }
        }
        for synapse in &self.synapses {
            for (key, value) in [
                ("weight", synapse.weight),
                ("sigma", synapse.sigma),
                ("mu", synapse.mu),
                ("reversal", synapse.reversal),
            ] {
                value.map_or(Ok(()), |value| finite(&synapse.title(), key, value))?;
            }
        }
        for output in &self.outputs {
            let place = format!("output `{}`", output.name);
            finite(&place, "scale", output.scale)?;
            finite(&place, "offset", output.offset)?;
        }
        Ok(())
    }

    fn check_neurons(&self) -> Result<()> {
        let kind = self.kind();
        for neuron in &self.neurons {
            let at = |e: Error| e.at(format!("neuron `{}`", neuron.name));
            if neuron.kind != kind {
                return Err(at(Error::new("the circuit mixes kinds of neurons")
                    .expected(format!("{kind:?}, as `{}`", self.neurons[0].name))
                    .found(format!("{:?}", neuron.kind))
                    .help("split the circuit: each kind has a time and a unit of its own")));
            }
            for (key, value, kinds) in [
                ("capacity", neuron.capacity, Kind::Sigmoid),
                ("leak", neuron.leak, Kind::Sigmoid),
                ("rest", neuron.rest, Kind::Sigmoid),
                ("bias", neuron.bias, Kind::Clamp),
                ("threshold", neuron.threshold, Kind::Threshold),
            ] {
                if value.is_some() && kinds != kind {
                    return Err(at(Error::new("a neuron has a key of another kind")
                        .expected(format!("`{key}` for kind {kinds:?} only"))
                        .found(format!("kind {kind:?}"))
                        .help(format!("remove `{key}`, or make all neurons of kind {kinds:?}"))));
                }
            }
            if kind == Kind::Sigmoid {
                let (capacity, leak) = (neuron.capacity.unwrap_or(1.0), neuron.leak.unwrap_or(1.0));
                if capacity < 0.0 || leak < 0.0 || capacity + leak == 0.0 {
                    return Err(at(Error::new("a neuron's capacity and leak cannot be used")
                        .expected("both at least 0, one of them above")
                        .found(format!("capacity {capacity}, leak {leak}"))
                        .help("leave them out for 1.0 each")));
                }
            }
            if let Some(threshold) = neuron.threshold
                && !(threshold >= 0.0 && threshold.fract() == 0.0 && threshold < 32767.0)
            {
                return Err(at(out_of_range(
                    "threshold",
                    "a whole number of 0 to 32766",
                    threshold,
                )));
            }
            let initial = neuron.initial.unwrap_or(0.0);
            if kind == Kind::Clamp && !(0.0..=1.0).contains(&initial) {
                return Err(at(out_of_range("initial", "0 to 1", initial)));
            }
            if kind == Kind::Threshold && (initial.fract() != 0.0 || initial.abs() > 16383.0) {
                return Err(at(out_of_range("initial", "a whole number of +-16383", initial)));
            }
        }
        Ok(())
    }

    /// The weight that `own` and `parameter` say together.
    fn checked_weight(&self, own: Option<f64>, parameter: Option<&str>) -> Result<f64> {
        match (own, parameter) {
            (Some(weight), None) => Ok(weight),
            (None, Some(name)) => self.parameters.get(name).copied().ok_or_else(|| {
                Error::new("a shared weight is not there")
                    .expected("a name under [parameters]")
                    .found(format!("`{name}`"))
                    .help("add it there, or give the synapse a `weight`")
            }),
            (own, _) => Err(Error::new("it is not clear which weight is meant")
                .expected("either `weight` or `parameter`")
                .found(if own.is_some() { "both" } else { "neither" })
                .help("keep the one that is meant")),
        }
    }

    fn check_synapse(&self, synapse: &Synapse, names: &Names) -> Result<()> {
        let at = |e: Error| e.at(synapse.title());
        if !names.sources.contains(synapse.from.as_str()) {
            return Err(at(unknown(&synapse.from, "a neuron, an input or an oscillator")));
        }
        if !names.neurons.contains(synapse.to.as_str()) {
            return Err(at(unknown(&synapse.to, "a neuron")));
        }
        let weight =
            self.checked_weight(synapse.weight, synapse.parameter.as_deref()).map_err(at)?;
        let conductance = self.kind() == Kind::Sigmoid;
        let wrong = match synapse.sign {
            _ if conductance => weight < 0.0,
            Some(Sign::Excitatory) => weight < 0.0,
            Some(Sign::Inhibitory) => weight > 0.0,
            None => false,
        };
        if wrong {
            let expected = match (conductance, synapse.sign) {
                (true, _) => "a conductance of at least 0; the sign chooses the reversal potential",
                (_, Some(Sign::Excitatory)) => "a weight of at least 0, since it is excitatory",
                _ => "a weight of at most 0, since it is inhibitory",
            };
            return Err(at(Error::new("a synapse's weight contradicts its sign")
                .expected(expected)
                .found(weight)
                .help("change the weight's sign, or leave `sign` out: the weight says it too")));
        }
        if self.kind() == Kind::Threshold && (weight.fract() != 0.0 || weight.abs() > 16383.0) {
            return Err(at(out_of_range("weight", "a whole number of +-16383", weight)));
        }
        Ok(())
    }

    fn check_gaps(&self, names: &Names) -> Result<()> {
        for gap in &self.gap_junctions {
            let [a, b] = &gap.between;
            let at = |e: Error| e.at(format!("gap junction {a} - {b}"));
            if self.kind() != Kind::Sigmoid {
                return Err(at(Error::new("only sigmoid neurons have gap junctions")
                    .expected("neurons of kind sigmoid")
                    .found(format!("kind {:?}", self.kind()))
                    .help("a gap junction is a conductance between potentials: remove it, or make the neurons sigmoid")));
            }
            if let Some(name) = gap.between.iter().find(|n| !names.neurons.contains(n.as_str())) {
                return Err(at(unknown(name, "a neuron")));
            }
            let weight = self.checked_weight(gap.weight, gap.parameter.as_deref()).map_err(at)?;
            if !(weight.is_finite() && weight >= 0.0) || a == b {
                return Err(at(Error::new("a gap junction cannot be used")
                    .expected("two different neurons and a conductance of at least 0")
                    .found(format!("{weight} between `{a}` and `{b}`"))
                    .help("correct the junction, or remove it")));
            }
        }
        Ok(())
    }

    fn check_outputs(&self, names: &Names) -> Result<()> {
        for output in &self.outputs {
            let at = |e: Error| e.at(format!("output `{}`", output.name));
            let mut all = output.plus.iter().chain(&output.minus);
            if output.plus.is_empty() && output.minus.is_empty() {
                return Err(at(Error::new("an output has no neurons")
                    .expected("names under `plus` or `minus`")
                    .found("none")
                    .help("name the neurons that the output adds and subtracts")));
            }
            if let Some(name) = all.find(|name| !names.neurons.contains(name.as_str())) {
                return Err(at(unknown(name, "a neuron")));
            }
        }
        Ok(())
    }
}

fn unknown(name: &str, expected: &str) -> Error {
    Error::new("a name is not known").expected(expected).found(format!("`{name}`")).help(
        "check the spelling against the names under [[neurons]], [[inputs]] and [[oscillators]]",
    )
}

fn out_of_range(key: &str, expected: &str, found: impl std::fmt::Display) -> Error {
    Error::new(format!("`{key}` is out of range"))
        .expected(expected)
        .found(found)
        .help(format!("give `{key}` a value in that range, or leave it out for its default"))
}
