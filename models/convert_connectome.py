"""Turns an edge list of the nervous system of C. elegans into a circuit that nervecord reads.

    pip download --no-deps cect && unzip -j cect-*.whl cect/data/herm_full_edgelist.csv
    python3 convert_connectome.py herm_full_edgelist.csv circuit.toml
    nervecord compile circuit.toml -o connectome.rs

The C. elegans Connectome Toolbox (package `cect`, MIT) ships such lists: a header, then source, target, number of
synapses, and chemical or electrical. The lists themselves are those of the publications the toolbox names, with their
terms, so none is kept here. Chemical synapses between neurons are taken; synapses of the 26 GABAergic neurons inhibit
(McIntire et al. 1993). Touch comes in where the worm feels it, and the outputs are the command neurons' sums.
"""

import csv
import sys

GABA = (
    [f"DD{i:02}" for i in range(1, 7)]
    + [f"VD{i:02}" for i in range(1, 14)]
    + ["AVL", "DVB", "RIS", "RMED", "RMEL", "RMER", "RMEV"]
)
INPUTS = {
    "front": ["ALML", "ALMR", "AVM"],
    "tail": ["PLML", "PLMR"],
    "harsh": ["PVDL", "PVDR"],
    "nose": ["ASHL", "ASHR", "FLPL", "FLPR"],
}
OUTPUTS = {"forward": ["AVBL", "AVBR", "PVCL", "PVCR"], "backward": ["AVAL", "AVAR", "AVDL", "AVDR"]}
THRESHOLD = 30


def neuron(name):
    """A cell's usual name: DD1 and DD01 are one neuron."""
    name = name.strip()
    stem = name.rstrip("0123456789")
    numbered = stem in ("AS", "DA", "DB", "DD", "VA", "VB", "VC", "VD")
    return f"{stem}{int(name[len(stem):]):02}" if numbered else name


def read(path):
    """Weights by source and target, of chemical synapses between neurons."""
    weights = {}
    with open(path, newline="") as file:
        for row in csv.reader(file):
            if len(row) < 4 or row[3].strip() != "chemical":
                continue
            pair = neuron(row[0]), neuron(row[1])
            weights[pair] = weights.get(pair, 0) + int(float(row[2]))
    sources = {source for source, _ in weights}
    # Muscles and glands are never a source.
    return {pair: weight for pair, weight in weights.items() if pair[1] in sources}


def main(source, target):
    weights = read(source)
    names = sorted({name for pair in weights for name in pair})
    lines = ["substeps = 1"]
    for name in INPUTS:
        lines += ["[[inputs]]", f'name = "{name}"']
    for name in names:
        lines += ["[[neurons]]", f'name = "{name}"', 'kind = "threshold"', f"threshold = {THRESHOLD}"]
    for (pre, post), weight in sorted(weights.items()):
        weight = -weight if pre in GABA else weight
        lines += ["[[synapses]]", f'from = "{pre}"', f'to = "{post}"', f"weight = {weight}"]
    for name, cells in INPUTS.items():
        for cell in filter(names.__contains__, cells):
            lines += ["[[synapses]]", f'from = "{name}"', f'to = "{cell}"', f"weight = {THRESHOLD + 1}"]
    for name, cells in OUTPUTS.items():
        known = [cell for cell in cells if cell in names]
        lines += ["[[outputs]]", f'name = "{name}"', f"plus = {known}".replace("'", '"')]
    with open(target, "w") as file:
        file.write("\n".join(lines) + "\n")
    print(f"{len(names)} neurons, {len(weights)} synapses, {sum(p in GABA for p, _ in weights)} inhibitory")


if __name__ == "__main__":
    main(*sys.argv[1:])
