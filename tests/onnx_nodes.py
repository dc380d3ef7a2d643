"""Runs ONNX's own node tests through nervecord's importer and float reference, and counts what comes of them.

    python3 -m venv .venv && .venv/bin/pip install onnx numpy
    cargo build --release
    .venv/bin/python tests/onnx_nodes.py target/release/nervecord

Taken are the tests of the operators that docs/files.md lists. The first input that is a float32 becomes the network's
only input, one row of features that the model reshapes; all others become constants of the file. A test is right if
every output that is a number equals ONNX's, refused if nervecord says why it does not take the model, else wrong.
The script ends with 1 if one is wrong. `--list` names the tests, `--only WORD` takes those with WORD in their name.
"""

import argparse
import csv
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.backend.test.case.node import collect_testcases

DOCUMENT = pathlib.Path(__file__).resolve().parent.parent / "docs" / "files.md"
# What single precision leaves of an output, as a share of the largest.
TOLERANCE = 1e-5


def listed():
    text = DOCUMENT.read_text()
    return set(re.findall(r"`(\w+)`", text.split("<!-- operators -->")[1].split("<!-- -->")[0]))


def is_number(value):
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiub" and value.size > 0


def case_inputs(case):
    """The values of the inputs by name, those left out not among them."""
    values, _ = case.data_sets[0]
    names = [i.name for i in case.model.graph.input]
    return dict(zip(names, values))


def variable_of(inputs):
    """The name of the input that becomes the network's."""
    for name, value in inputs.items():
        if isinstance(value, np.ndarray) and value.dtype == np.float32 and value.size > 0:
            return name if np.all(np.isfinite(value)) else None
    return None


def network(case, inputs, variable, output):
    """The test's model with one row of features in and one of its outputs out."""
    graph = case.model.graph
    x = inputs[variable]
    constants = [numpy_helper.from_array(np.asarray(v), n) for n, v in inputs.items() if n != variable]
    constants.append(numpy_helper.from_array(np.array(x.shape, dtype=np.int64), "row.shape"))
    reshape = helper.make_node("Reshape", ["row", "row.shape"], [variable], name="row.reshape")
    row = helper.make_tensor_value_info("row", TensorProto.FLOAT, [1, x.size])
    wanted = [o for o in graph.output if o.name == output]
    made = helper.make_graph([reshape, *graph.node], "node", [row], wanted, constants)
    model = helper.make_model(made, opset_imports=case.model.opset_import)
    model.ir_version = case.model.ir_version
    model.functions.extend(case.model.functions)
    return model


def run(program, model, x, folder):
    """The outputs of the float network, or what nervecord says."""
    folder = pathlib.Path(folder)
    onnx.save(model, folder / "net.onnx")
    with open(folder / "x.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([f"x{i}" for i in range(x.size)])
        rows.writerow([repr(float(v)) for v in x.ravel()])
    command = [program, "run", folder / "net.onnx", "--calibration", folder / "x.csv"]
    command += ["--input", folder / "x.csv", "-o", folder / "y.csv", "--float"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 101 or done.returncode < 0:
        return None, "panicked: " + done.stderr
    if done.returncode != 0:
        return None, done.stderr
    with open(folder / "y.csv", newline="") as file:
        header, values = list(csv.reader(file))
    kept = [v for name, v in zip(header, values) if name.startswith("y")]
    return np.array([float(v) for v in kept]), ""


def judge(program, case):
    """`right`, `refused`, `wrong` or `left out`, and why."""
    inputs = case_inputs(case)
    variable = variable_of(inputs)
    if variable is None:
        return "left out", "no input of finite float32"
    if any(not isinstance(v, np.ndarray) for v in inputs.values()):
        return "left out", "an input is no tensor"
    outputs = dict(zip([o.name for o in case.model.graph.output], case.data_sets[0][1]))
    numbers = {name: value for name, value in outputs.items() if is_number(value)}
    if not numbers:
        return "left out", "no output of numbers"
    for name, expected in numbers.items():
        expected = expected.astype(np.float64).ravel()
        with tempfile.TemporaryDirectory() as folder:
            model = network(case, inputs, variable, name)
            found, message = run(program, model, inputs[variable], folder)
        if found is None:
            first = " / ".join(line.strip() for line in message.splitlines()[:6])
            return ("wrong" if message.startswith("panicked") else "refused"), first
        if found.shape != expected.shape:
            return "wrong", f"{name}: {found.size} numbers for {expected.size}"
        finite = np.isfinite(expected)
        size = max(1.0, np.max(np.abs(expected[finite]), initial=0.0))
        allowed = TOLERANCE * size
        if np.allclose(expected[finite], np.round(expected[finite], 4), rtol=0, atol=1e-7):
            # Written by hand with four digits: ONNX's own tolerance.
            allowed = np.maximum(allowed, case.rtol * np.abs(expected[finite]))
        near = np.abs(found[finite] - expected[finite]) <= allowed
        same = np.array_equal(found[~finite], expected[~finite], equal_nan=True)
        if not (np.all(near) and same):
            return "wrong", f"{name}: {found[:6]} for {expected[:6]}"
    return "right", ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nervecord", help="the program to try")
    parser.add_argument("--only", default="", help="tests with this word in their name")
    parser.add_argument("--list", action="store_true", help="print each test")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    operators = listed()
    counts = {}
    for case in collect_testcases(None):
        of = {node.op_type for node in case.model.graph.node}
        if not of or not of <= operators or options.only not in case.name:
            continue
        outcome, why = judge(options.nervecord, case)
        counts[outcome] = counts.get(outcome, 0) + 1
        if options.list or outcome == "wrong":
            print(f"{outcome:8}  {case.name}  {why}")
    shown = ("right", "refused", "wrong", "left out")
    print(", ".join(f"{counts.get(outcome, 0)} {outcome}" for outcome in shown), f"(onnx {onnx.__version__})")
    return 1 if counts.get("wrong") else 0


if __name__ == "__main__":
    sys.exit(main())
