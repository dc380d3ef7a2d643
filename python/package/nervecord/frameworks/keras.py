"""Models of Keras 3, by way of its backend's own exporter."""

from __future__ import annotations

import io
import os
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import numpy as np

from .._compile import compile
from .._error import Error
from .._model import Model
from .common import ROWS, exported, module, named, same


def from_keras(network: Any, calibration: Any, **options: Any) -> Model:
    """Compiles a ``keras.Model``: over the backend of PyTorch as a module, over TensorFlow by its converter.

    :param calibration: inputs as it will see them, ``(rows, features)``.
    :param options: further arguments of :func:`nervecord.compile`.
    """
    keras = module("from_keras", "keras")
    if not isinstance(network, keras.Model):
        raise Error(
            "the network is no model of Keras",
            place="network",
            expected="a keras.Model",
            found=type(network).__name__,
            help="give the built model itself",
        )
    rows = np.asarray(calibration, dtype=np.float32)
    options = named(options, network.name)
    with exported() as folder:
        if keras.backend.backend() == "torch":
            from .torch import from_torch

            model = from_torch(network, rows[:1], calibration, **options)
        elif keras.backend.backend() == "tensorflow":
            tensorflow = module("from_keras", "tensorflow")
            path = folder / "model.tflite"
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                path.write_bytes(tensorflow.lite.TFLiteConverter.from_keras_model(network).convert())
            model = compile(path, calibration, **options)
        else:
            path = folder / "model.onnx"
            with redirect_stdout(io.StringIO()):
                network.export(os.fspath(path), format="onnx", verbose=False)
            model = compile(path, calibration, **options)
    some = rows[np.linspace(0, len(rows) - 1, min(ROWS, len(rows))).astype(int)]
    if options.get("output") is None and rows.ndim == 2:
        same(model, some, keras.ops.convert_to_numpy(network(some)), network.name)
    return model
