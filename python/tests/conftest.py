"""What tests share: the bundled models of the checkout."""

from pathlib import Path

import numpy as np
import pytest

import nervecord

MODELS = Path(__file__).parents[2] / "models"
BUNDLED = sorted(path.parent.name for path in MODELS.glob("*/calibration.csv"))


def columns(name, file="vectors.csv"):
    """The inputs in a table of a bundled model."""
    path = MODELS / name / file
    header = path.read_text().splitlines()[0].split(",")
    table = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
    return table[:, [i for i, column in enumerate(header) if not column[0] in "yhcl" or not column[1:].isdigit()]]


_MADE = {}


@pytest.fixture
def bundled():
    """A bundled model by its name, in its start state."""

    def make(name):
        if name not in _MADE:
            _MADE[name] = nervecord.compile(MODELS / name, MODELS / name / "calibration.csv")
        model = _MADE[name].__copy__()
        model.reset()
        return model

    return make
