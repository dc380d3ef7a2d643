"""Liquid networks of ncps: CfC and LTC, by their state dict."""

from __future__ import annotations

from typing import Any, Dict

from .._compile import compile
from .._error import Error
from .._model import Model
from .common import exported, module, named, state_files

BACKBONES = {"LeCun": "lecun_tanh", "Tanh": "tanh", "ReLU": "relu", "GELU": "gelu", "SiLU": "silu"}


def from_ncps(network: Any, calibration: Any = None, *, timespan: float = 1.0, **options: Any) -> Model:
    """Compiles a ``CfC`` or ``LTC`` of ``ncps.torch``, of any wiring, with mixed memory or without.

    :param calibration: sequences ``(sequences, steps, features)`` or a list of episodes, as it will see them.
    :param timespan: the time between two steps, in the units it was trained in.
    :param options: further arguments of :func:`nervecord.compile`.
    """
    module("from_ncps", "torch")
    config = _config(network)
    if timespan != 1.0:
        config["timespan"] = float(timespan)
    with exported() as folder:
        state_files(folder, network.state_dict(), config)
        return compile(folder, calibration, **named(options, config["format"].split("_")[0]))


def _config(network: Any) -> Dict[str, Any]:
    kind, cell = type(network).__name__, getattr(network, "rnn_cell", None)
    if kind == "LTC" and cell is not None:
        return {
            "format": "ltc",
            "implicit_param_constraints": bool(cell._implicit_param_constraints),
            "ode_unfolds": int(cell._ode_unfolds),
            "epsilon": float(cell._epsilon),
        }
    if kind == "CfC" and cell is not None:
        wired = bool(getattr(network, "wired_mode", False))
        layers = list(cell._layers) if wired else [cell]
        config: Dict[str, Any] = {"format": "cfc_ncp" if wired else "cfc_dense", "mode": str(layers[0].mode)}
        backbone = getattr(layers[0], "backbone", None)
        if backbone is not None:
            activation = type(list(backbone)[1]).__name__
            config["backbone_activation"] = BACKBONES.get(activation, activation.lower())
        return config
    raise Error(
        "the network is none of ncps",
        place="network",
        expected="a CfC or LTC of ncps.torch",
        found=kind,
        help="give the liquid layer itself; from_torch takes modules of other layers",
    )
