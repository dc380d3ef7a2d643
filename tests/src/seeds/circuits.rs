//! Circuits: swimmers and neurons of each kind.

use super::seed::{Seed, folder};
use crate::state_dict::StateDict;

pub(super) fn all() -> Vec<Seed> {
    let toml = |text: &str| Seed {
        target: "circuit",
        files: vec![("circuit.toml".to_owned(), text.as_bytes().to_vec())],
        model: "circuit.toml",
    };
    let swimmer = Seed {
        target: "ncap",
        files: vec![("model.json".to_owned(), SWIMMER.as_bytes().to_vec())],
        model: "model.json",
    };
    vec![swimmer, tensors(), toml(CLAMP), toml(SIGMOID), toml(THRESHOLD)]
}

const SWIMMER: &str = r#"{"format": "ncap-swimmer/1", "n_joints": 3, "oscillator_period": 60, "n_turn_joints": 1,
 "params": {"bneuron_prop": 2.16, "bneuron_osc": 0.47, "muscle_ipsi": 1.29, "muscle_contra": -0.02,
  "bneuron_speed": -0.5, "bneuron_turn": [0.75]}}"#;

fn tensors() -> Seed {
    let mut file = StateDict::default();
    let sides = ["bneuron_d_prop_1", "bneuron_v_prop_1", "bneuron_d_osc_0", "bneuron_v_osc_0"];
    let muscles = ["muscle_d_d", "muscle_v_v", "muscle_d_v", "muscle_v_d"];
    let muscles = muscles.iter().flat_map(|name| [0, 1].map(|i| format!("{name}_{i}")));
    for (i, name) in sides.map(str::to_owned).into_iter().chain(muscles).enumerate() {
        let inhibits = name.contains("d_v") || name.contains("v_d");
        let size = 0.5 + i as f32 / 16.0;
        file.put(&format!("params.{name}"), &[1], [if inhibits { -size } else { size }]);
    }
    let config = r#"{"format": "ncap-swimmer/1", "n_joints": 2, "oscillator_period": 40,
        "weight_constraints": true, "proprioception": true, "head_oscillators": true}"#;
    folder("ncap", config, &file)
}

const CLAMP: &str = r#"substeps = 2

[parameters]
strong = 0.8

[[inputs]]
name = "touch"
column = "x0"
scale = 2.0
offset = -0.5
saturation = [-1.0, 1.0]

[[oscillators]]
name = "head"
period = 12
duty = 0.5
phase = 3

[[neurons]]
name = "A"
kind = "clamp"
bias = 0.1

[[neurons]]
name = "B"
kind = "clamp"
initial = 0.25

[[synapses]]
from = "touch"
to = "A"
parameter = "strong"
sign = "excitatory"

[[synapses]]
from = "head"
to = "B"
weight = 0.6

[[synapses]]
from = "A"
to = "B"
weight = -0.4

[[outputs]]
name = "y0"
plus = ["A"]
minus = ["B"]
scale = 2.0
offset = 0.5
"#;

const SIGMOID: &str = r#"substeps = 3
time_step = 0.05

[[inputs]]
name = "touch"
scale = 50.0
offset = -70.0
saturation = [-70.0, -20.0]

[[neurons]]
name = "A"
kind = "sigmoid"
capacity = 0.1
leak = 1.0
rest = -70.0
initial = -65.0

[[neurons]]
name = "B"
kind = "sigmoid"
capacity = 0.2
leak = 0.8

[[synapses]]
from = "touch"
to = "A"
weight = 1.5
sigma = 0.2
mu = -45.0

[[synapses]]
from = "A"
to = "B"
sign = "inhibitory"
weight = 0.8
reversal = -85.0

[[gap_junctions]]
between = ["A", "B"]
weight = 0.3

[[outputs]]
name = "y0"
plus = ["A", "B"]
"#;

const THRESHOLD: &str = r#"substeps = 2

[[inputs]]
name = "touch"

[[oscillators]]
name = "beat"
period = 5

[[neurons]]
name = "A"
kind = "threshold"
threshold = 30

[[neurons]]
name = "B"
kind = "threshold"
threshold = 12

[[synapses]]
from = "touch"
to = "A"
weight = 31

[[synapses]]
from = "beat"
to = "B"
weight = 13

[[synapses]]
from = "A"
to = "B"
sign = "inhibitory"
weight = -5

[[outputs]]
name = "y0"
plus = ["A"]
minus = ["B"]
"#;
