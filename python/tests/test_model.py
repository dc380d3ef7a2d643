"""A model, asked as a user would, and wrongly."""

import json
import pickle
import warnings

import numpy as np
import pytest
from conftest import MODELS, columns

import nervecord


def test_what_a_model_says_of_itself(bundled, tmp_path):
    model = bundled("policy")
    assert model.name == "policy" and model.inputs == [f"x{i}" for i in range(8)] and model.outputs == ["y0", "y1"]
    assert [(layer.name, layer.inputs, layer.outputs) for layer in model.layers][0] == ("fc0", 8, 64)
    assert sum(layer.table_bytes for layer in model.layers) <= model.table_bytes < 8192 and model.ram_bytes < 512
    assert model.promise["error"] < model.promise["tolerance"] == 0.02
    assert model.formats == (["I2F14"] * 8, ["I1F15"] * 2)
    seen = model.inspect()
    assert "fc0" in seen and "sha256" in seen and "<table" in seen._repr_html_() and "fc0" in model._repr_html_()
    assert "8 inputs" in repr(model)
    files = model.report(tmp_path / "report")
    assert sorted(path.name for path in files) == ["report.html", "report.json"]
    assert json.loads((tmp_path / "report" / "report.json").read_text())["model"] == "policy"


def test_a_verdict(bundled):
    model = bundled("policy")
    table = np.loadtxt(MODELS / "policy" / "vectors.csv", delimiter=",", skiprows=1)
    verdict = model.verify(table[:, :8], table[:, 8:])
    assert verdict and verdict.passed and verdict.r2 > 0.999 and "passed" in str(verdict)
    assert verdict.details["rows"] == len(table) and verdict.saturated_rows == 0
    assert not model.verify(table[:, :8], table[:, 8:] + 0.5)
    digits = bundled("digits")
    labels = np.loadtxt(MODELS / "digits" / "labels.csv", delimiter=",", skiprows=1, usecols=0, dtype=int)
    verdict = digits.verify(columns("digits"), labels=labels)
    assert verdict.passed and verdict.details["accuracy"] > 0.9


def test_what_is_out_of_range_is_in_the_status(bundled):
    model = bundled("policy")
    row = np.zeros(8)
    model.step(row)
    assert not model.status and str(model.status) == "nothing wrong"
    row[1] = 50.0
    model.step(row)
    assert model.status.saturated == ["x1"] and not model.status.invalid
    row[1] = np.nan
    with pytest.raises(nervecord.Error, match="not a number"):
        model.step(row)
    model.step(row, allow_nan=True)
    assert model.status.invalid == ["x1"]
    model.run([[0.0] * 8, [0.0] * 7 + [np.inf]])
    assert model.status.saturated == ["x7"]
    model.run(np.zeros((2, 8)))
    assert not model.status
    batch = model.batch(2)
    batch.step([[0.0] * 8, [9.0] + [0.0] * 7])
    assert batch.flagged.tolist() == [False, True] and batch.status(1).saturated == ["x0"]


def parts(error):
    return all(part is None or part in str(error) for part in (error.place, error.expected, error.found, error.help))


BAD = {
    "a row too short": (lambda m: m.step(np.zeros(7)), "shape (8,)"),
    "a matrix to step": (lambda m: m.step(np.zeros((3, 8))), "shape (8,)"),
    "words to step": (lambda m: m.step("up"), "float32"),
    "nothing to step": (lambda m: m.step(None), "float32"),
    "complex numbers": (lambda m: m.step(np.zeros(8, complex)), "float32"),
    "rows of another length": (lambda m: m.run(np.zeros((4, 9))), "(rows, 8)"),
    "ragged rows": (lambda m: m.run([[0.0] * 8, [0.0] * 7]), "equal lengths"),
    "no rows": (lambda m: m.run(np.zeros((0, 8))), "at least one row"),
    "a NaN in a row": (lambda m: m.run([[0.0] * 8, [0.0] * 7 + [np.nan]]), "numbers"),
    "four axes": (lambda m: m.run(np.zeros((1, 1, 1, 8))), "(rows, 8)"),
    "another kind of output": (lambda m: m.run(np.zeros((1, 8)), "int"), '"raw"'),
    "a dict to one input": (lambda m: m.run({"obs": np.zeros((1, 8))}), "one input"),
    "y of other rows": (lambda m: m.verify(np.zeros((4, 8)), np.zeros((3, 2))), "(4, 2)"),
    "labels of no class": (lambda m: m.verify(np.zeros((4, 8)), labels=[0, 1, 2, 9]), "below 2"),
    "an empty batch": (lambda m: m.batch(0), "1 or more"),
    "a batch of other rows": (lambda m: m.batch(3).step(np.zeros((2, 8))), "(3, 8)"),
    "no such controller": (lambda m: m.batch(3).reset([5]), "below 3"),
    "memory of another": (lambda m: setattr(m, "memory", b"1234"), "0 bytes"),
    "no such width": (lambda m: setattr(m, "width", "half"), "one width"),
    "no such core": (lambda m: m.emit_c("out", "z80"), "cortex-m4"),
    "any core for C": (lambda m: m.emit_c("out", "any"), "cortex-m4"),
    "no such build system": (lambda m: m.emit_c("out", "cortex-m4", package="make"), "zephyr"),
    "a folder that is a file": (lambda m: m.report(__file__), "path"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_told(what, bundled, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    act, expected = BAD[what]
    with pytest.raises(nervecord.Error) as caught:
        act(bundled("policy"))
    error = caught.value
    assert expected in (error.expected or "") and error.found and parts(error), str(error)
    assert list(tmp_path.iterdir()) == []
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) and again.expected == error.expected


WORSE = {
    "no such file": (dict(model="nowhere.onnx"), "a path"),
    "no model": (dict(model=3), "a path, or an ONNX model"),
    "bytes of no model": (dict(model=b"\0" * 40), ""),
    "no calibration data": (dict(calibration=None), "range"),
    "calibration of other columns": (dict(calibration=np.zeros((9, 3))), "8 input columns"),
    "calibration of NaN": (dict(calibration=np.full((9, 8), np.nan)), "numbers"),
    "an empty calibration": (dict(calibration=np.zeros((0, 8))), "(rows, features)"),
    "a calibration file that is none": (dict(calibration="nowhere.csv"), "a path"),
    "weights of 3 bits": (dict(weights=3), "8 or 16"),
    "a tolerance of 0": (dict(tolerance=0.0), "above 0"),
    "no such output": (dict(output="value"), ""),
    "no such core": (dict(cpu="z80"), "cortex-m4"),
    "nothing to optimize for": (dict(optimize="power"), "speed, size, balanced"),
    "no such setting": (dict(settings={"calibraton": {}}), "nervecord.toml"),
    "a setting of no kind": (dict(settings={"guard": None}), "nervecord.toml"),
}


@pytest.mark.parametrize("what", WORSE)
def test_what_cannot_be_compiled_is_told(what):
    arguments = dict(model=MODELS / "policy", calibration=MODELS / "policy" / "calibration.csv")
    changed, expected = WORSE[what]
    with pytest.raises(nervecord.Error) as caught:
        nervecord.compile(**{**arguments, **changed})
    error = caught.value
    assert expected in str(error.expected) and error.found and error.help and parts(error), str(error)
    assert error.file is None or "nervecord-" not in error.file, str(error)


def test_options_do_what_they_say(tmp_path):
    x = columns("policy", "calibration.csv")
    path = MODELS / "policy"
    wide = nervecord.compile(path, x, weights=16, name="wide")
    assert wide.name == "wide" and all("i16" in layer.kind for layer in wide.layers if "dense" in layer.kind)
    with pytest.warns(nervecord.ToleranceWarning, match="weights"):
        nervecord.compile(path, x, weights=8, tolerance=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        narrow = nervecord.compile(path, x, settings={"calibration": {"margin": 4.0, "columns": list("abcdefgh")}})
    assert narrow.inputs == list("abcdefgh") and narrow.formats[0][0] != wide.formats[0][0]
    assert (pickle.loads(pickle.dumps(narrow)).run(x) == narrow.run(x)).all()
    named = dict(zip("abcdefgh", x.T))
    shuffled = {name: named[name] for name in reversed(list(named))}
    again = nervecord.compile(path, shuffled, settings={"calibration": {"margin": 4.0, "columns": list("abcdefgh")}})
    assert (again.run(x) == narrow.run(x)).all()


def test_c_is_written(bundled, tmp_path):
    files = bundled("policy").emit_c(tmp_path, "cortex-m4")
    assert sorted(path.name for path in files) == ["policy.h", "policy.s"]
    assert "policy_step" in (tmp_path / "policy.h").read_text()


def test_sequences_of_calibration_data(tmp_path):
    x = columns("gru_hover", "calibration.csv")
    folder = MODELS / "gru_hover"
    with pytest.raises(nervecord.Error, match="said twice"):
        nervecord.compile(folder, x.reshape(-1, 100, x.shape[1])[:4])
    model = nervecord.compile(folder, [x[:150], x[150:400]], settings={"state": {"h_in": "h_out"}})
    assert model.program.is_recurrent
    model = nervecord.compile(folder / "model.onnx", x[:400].reshape(4, 100, -1), settings={})
    assert model.run(x[:400].reshape(4, 100, -1)).shape == (4, 100, len(model.outputs))
