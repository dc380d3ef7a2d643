"""Trained networks as the very integers of their firmware, in your simulator.

    import nervecord

    model = nervecord.compile("policy.onnx", calibration="inputs.csv")
    action = model.step(obs)

Every output has the bits that the firmware gives for the same input.
"""

from ._closed_loop import ClosedLoop, Episode, Faults, closed_loop
from ._compile import compile
from ._error import Error, ToleranceWarning
from ._model import Batch, Float, Inspection, Layer, Model, Status, Verification
from ._native import __version__
from .frameworks.kan import from_kan
from .frameworks.keras import from_keras
from .frameworks.ncps import from_ncps
from .frameworks.sb3 import from_sb3
from .frameworks.sklearn import from_sklearn
from .frameworks.torch import from_torch

__all__ = [
    "Batch",
    "ClosedLoop",
    "Episode",
    "Error",
    "Faults",
    "Float",
    "Inspection",
    "Layer",
    "Model",
    "Status",
    "ToleranceWarning",
    "Verification",
    "__version__",
    "closed_loop",
    "compile",
    "from_kan",
    "from_keras",
    "from_ncps",
    "from_sb3",
    "from_sklearn",
    "from_torch",
]
