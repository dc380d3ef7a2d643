"""The same bits as the command line's, and so as the firmware's, however a model is stepped."""

import copy
import os
import pickle
import subprocess
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from conftest import BUNDLED, MODELS, columns

import nervecord


def by_command_line(name, tmp_path):
    """What `nervecord run --raw` writes for the vectors."""
    folder, out = MODELS / name, tmp_path / "out.csv"
    subprocess.run(
        [os.environ["NERVECORD"], "run", folder, "--calibration", folder / "calibration.csv"]
        + ["--input", folder / "vectors.csv", "--raw", "-o", out],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    names = out.read_text().splitlines()[0].split(",")
    numbers = [i for i, column in enumerate(names) if column.startswith("y")]
    return np.loadtxt(out, delimiter=",", skiprows=1, usecols=numbers, ndmin=2)


@pytest.mark.parametrize("name", BUNDLED)
def test_run_is_the_command_lines(name, bundled, tmp_path):
    model, x = bundled(name), columns(name)
    wanted = by_command_line(name, tmp_path)
    real, raw = model.run(x, "both")
    assert raw.dtype == np.int32 and (raw == wanted).all()
    assert (model.run(x, "raw", threads=3) == wanted).all()
    assert (real == raw / model._ones).all()
    steps = np.array([model.step_raw(row) for row in x])
    assert (steps == wanted).all()


@pytest.mark.parametrize("name", BUNDLED)
def test_the_modules_are_the_committed_ones(name, bundled, tmp_path):
    path = bundled(name).emit(tmp_path / "module.rs")
    assert path.read_text() == (MODELS / name / f"{name}.rs").read_text()


@pytest.mark.parametrize("name", BUNDLED)
def test_kinds_of_arrays_are_the_same_numbers(name, bundled):
    model, x = bundled(name), columns(name).astype(np.float32)[:50]
    wanted = model.run(x.astype(np.float64))
    wide = np.zeros((len(x), 2 * x.shape[1]))
    wide[:, ::2] = x
    for same in (x, np.asfortranarray(x), wide[:, ::2], x.tolist(), x[::-1][::-1], x.astype(">f8")):
        assert np.allclose(model.run(same), wanted, rtol=1e-6)
        assert (model.run(same, "raw") == model.run(x, "raw")).all()
    assert model.run(x).dtype == np.float32 and model.run(x.astype(float)).dtype == np.float64
    model.reset()
    first = model.step_raw(x[0])
    for same in (x[0], x[0].astype(float), wide[0, ::2], list(map(float, x[0])), x[:1]):
        model.reset()
        assert (model.step_raw(same) == first).all()
    assert model.step(x[0]).dtype == np.float32 and model.step(x[0].astype(float)).dtype == np.float64


@pytest.mark.parametrize("name", ["cfc_cartpole", "gru_hover"])
def test_sequences_start_from_a_reset_and_leave_the_memory(name, bundled):
    model, x = bundled(name), columns(name)[:60]
    model.step(x[7])
    before = model.memory
    many = model.run(np.stack([x, x[::-1]]), "raw")
    assert (many[0] == model.run(x, "raw")).all() and (many[1] == model.run(x[::-1], "raw")).all()
    assert model.memory == before


@pytest.mark.parametrize("name", ["gru_hover", "policy"])
def test_a_batch_is_many_controllers(name, bundled):
    model, x = bundled(name), columns(name)
    batch, alone = model.batch(5), [copy.copy(model) for _ in range(5)]
    assert len(batch) == 5
    for t in range(30):
        rows = x[t : t + 5]
        if t == 11:
            batch.reset([1, 3])
            alone[1].reset(), alone[3].reset()
        if t == 17:
            batch.reset(np.array([True, False, False, False, False]))
            alone[0].reset()
        which = None if t % 3 else np.arange(5) % 2 == t % 2
        found = batch.step(rows, which, threads=1 + t % 2)
        for i, controller in enumerate(alone):
            if which is None or which[i]:
                assert (found[i] == controller.step(rows[i])).all()
            else:
                assert np.isnan(found[i]).all()
    assert (batch.state == np.array([controller.state for controller in alone])).all()


def _stepped(job):
    model, row = job
    return model.step_raw(row), model.memory


@pytest.mark.parametrize("name", ["cfc_cartpole", "gru_hover", "tap_withdrawal", "digits", "kan_cartpole"])
def test_copies_and_pickles_go_on_from_the_same_memory(name, bundled):
    model, x = bundled(name), columns(name)
    for row in x[:9]:
        model.step(row)
    others = [copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    with ProcessPoolExecutor(1) as pool:
        there = pool.submit(_stepped, (model, x[9])).result()
    wanted = model.step_raw(x[9])
    assert (there[0] == wanted).all() and there[1] == model.memory
    for other in others:
        assert (other.step_raw(x[9]) == wanted).all() and other.memory == model.memory
        assert other.module == model.module


def test_a_pickle_of_other_integers_is_refused(bundled):
    model = bundled("policy")
    recipe = copy.copy(model._recipe)
    recipe.sha256 = "0" * 64
    with pytest.raises(nervecord.Error, match="other integers"):
        pickle.loads(pickle.dumps(nervecord.Model(model.program, recipe)))


def test_threads_share_a_model(bundled):
    model, x = bundled("policy"), columns("policy")
    wanted = model.run(x, "raw")
    with ThreadPoolExecutor(4) as pool:
        assert all((found == wanted).all() for found in pool.map(lambda _: model.run(x, "raw"), range(40)))


def test_a_run_lets_other_threads_run(bundled):
    """The interpreter's lock is released: another thread counts meanwhile."""
    model = bundled("policy")
    x = np.tile(columns("policy"), (400, 1))
    counted = 0
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(model.run, x, threads=1)
        while not running.done():
            counted += 1
    assert counted > 1000


def test_the_float_network_is_that_of_the_vectors(bundled):
    for name in BUNDLED:
        path = MODELS / name / "vectors.csv"
        header = path.read_text().splitlines()[0].split(",")
        table = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
        y = table[:, [i for i, column in enumerate(header) if column[0] == "y" and column[1:].isdigit()]]
        if y.shape[1]:
            found = bundled(name).run_float(columns(name))
            assert np.abs(found[:, : y.shape[1]] - y).max() < 1e-4, name
            stepper = nervecord.Float(bundled(name))
            assert (np.array([stepper.step(row) for row in columns(name)[:20]]) == found[:20]).all()
