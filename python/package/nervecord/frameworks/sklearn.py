"""Estimators and pipelines of scikit-learn, by way of skl2onnx."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._compile import compile
from .._error import Error
from .._model import Model
from .common import ROWS, module, named, same


def from_sklearn(estimator: Any, calibration: Any, **options: Any) -> Model:
    """Compiles a fitted estimator or pipeline: ``MLPRegressor``, ``MLPClassifier``, linear ones, with their scalers.

    A classifier's outputs are the probabilities of its classes.

    :param calibration: the inputs it was fitted to, or others as it will see them, ``(rows, features)``.
    :param options: further arguments of :func:`nervecord.compile`.
    """
    skl2onnx = module("from_sklearn", "skl2onnx")
    rows = np.asarray(calibration, dtype=np.float32)
    if rows.ndim != 2 or not len(rows):
        raise Error(
            "the calibration data is no table",
            place="calibration",
            expected="shape (rows, features)",
            found=f"shape {rows.shape}",
            help="give the inputs that it was fitted to",
        )
    classifier = hasattr(estimator, "predict_proba") and hasattr(estimator, "classes_")
    try:
        known = {id(estimator): {"zipmap": False}} if classifier else None
        onnx = skl2onnx.to_onnx(estimator, rows[:1], options=known)
    except Exception as error:  # skl2onnx raises what its converters raise.
        raise Error(
            "the estimator cannot be exported to ONNX",
            place=type(estimator).__name__,
            expected="a fitted estimator that skl2onnx converts",
            found=f"{type(error).__name__}: {error}",
            help="fit it first; its documentation lists what skl2onnx supports",
        ) from None
    model = compile(onnx, calibration, **named(options, _name(estimator)))
    some = rows[np.linspace(0, len(rows) - 1, min(ROWS, len(rows))).astype(int)]
    wanted = estimator.predict_proba(some) if classifier else estimator.predict(some)
    if options.get("output") is None and (not classifier or wanted.shape[1] == len(model.outputs)):
        same(model, some, wanted, type(estimator).__name__)
    return model


def _name(estimator: Any) -> str:
    steps = getattr(estimator, "steps", None)
    return type(steps[-1][1] if steps else estimator).__name__
