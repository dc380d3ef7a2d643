"""Kolmogorov-Arnold networks of the libraries that train them, by their state dict."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional

from .._compile import compile
from .._error import Error
from .._model import Model
from .common import exported, module, named, state_files

#: What pykan keeps of a network beside its training.
PYKAN = ("act_fun.", "symbolic_fun.", "node_bias_", "node_scale_", "subnode_bias_", "subnode_scale_")


def from_kan(
    network: Any, calibration: Any, *, config: Optional[Mapping[str, Any]] = None, **options: Any
) -> Model:
    """Compiles a network of pykan, efficient-kan, FastKAN, ChebyKAN, FourierKAN, WavKAN, ReLU-KAN or GR-KAN.

    :param calibration: inputs as it will see them, ``(rows, features)``.
    :param config: keys of ``config.json`` that the module does not tell, or tells otherwise; with ``format`` for a
        library that is not recognised.
    :param options: further arguments of :func:`nervecord.compile`.
    """
    module("from_kan", "torch")
    state = dict(network.state_dict())
    if hasattr(network, "symbolic_fun") and hasattr(network, "act_fun"):
        told, state = _pykan(network), {name: value for name, value in state.items() if name.startswith(PYKAN)}
        state = {name: value for name, value in state.items() if value.is_floating_point()}
    else:
        told = _by_layers(network)
    told = {**told, **dict(config or {})}
    if "format" not in told:
        raise Error(
            "the library of the network is not recognised",
            place=type(network).__name__,
            expected="pykan, efficient-kan, FastKAN, ChebyKAN, FourierKAN, WavKAN, ReLU-KAN or GR-KAN",
            found=", ".join(sorted({type(part).__name__ for part in network.modules()})[:8]),
            help='pass config={"format": "efficient-kan", "layers": [4, 8, 1], ..}: docs/files.md has the keys of each',
        )
    with exported() as folder:
        state_files(folder, state, told)
        return compile(folder, calibration, **named(options, "kan"))


def _pykan(network: Any) -> Dict[str, Any]:
    config = {
        "format": "pykan",
        "width": _plain(network.width),
        "grid": int(network.grid),
        "k": int(network.k),
        "base_fun": str(network.base_fun_name),
        "mult_arity": _plain(network.mult_arity),
        "symbolic_enabled": bool(network.symbolic_enabled),
        "symbolic_funs_name": [_plain(part.funs_name) for part in network.symbolic_fun],
    }
    chosen = getattr(network, "input_id", None)
    if chosen is not None:
        config["input_id"] = [int(i) for i in chosen]
    return config


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value.tolist() if hasattr(value, "tolist") else value


def _efficient(layers: List[Any]) -> Dict[str, Any]:
    first = layers[0]
    return {
        "format": "efficient-kan",
        "grid_size": int(first.grid_size),
        "spline_order": int(first.spline_order),
        "base": type(first.base_activation).__name__.lower(),
        "standalone_scale_spline": bool(first.enable_standalone_scale_spline),
    }


def _fast(layers: List[Any]) -> Dict[str, Any]:
    first, rbf = layers[0], layers[0].rbf
    config = {
        "format": "fastkan",
        "num_grids": int(rbf.num_grids),
        "denominator": float(rbf.denominator),
        "use_base_update": bool(first.use_base_update),
        "layernorm": getattr(first, "layernorm", None) is not None,
    }
    if hasattr(rbf, "grid_min"):
        config.update(grid_min=float(rbf.grid_min), grid_max=float(rbf.grid_max))
    return config


def _gr(layers: List[Any]) -> Dict[str, Any]:
    return {"format": "gr-kan", "groups": int(layers[0].num_groups)}


#: The attributes by which a library's layers are known, and what its first layer tells.
KINDS: List[Any] = [
    (("spline_weight", "grid_size", "spline_order"), _efficient),
    (("rbf", "spline_linear"), _fast),
    (("cheby_coeffs",), lambda layers: {"format": "chebykan", "degree": int(layers[0].degree)}),
    (
        ("fouriercoeffs",),
        lambda layers: {"format": "fourierkan", "gridsize": int(layers[0].gridsize), "addbias": bool(layers[0].addbias)},
    ),
    (("wavelet_type",), lambda layers: {"format": "wavkan", "wavelet_type": str(layers[0].wavelet_type)}),
    (
        ("phase_low", "phase_height"),
        lambda layers: {"format": "relu-kan", "grid": int(layers[0].g), "k": int(layers[0].k)},
    ),
    (("weight_numerator", "num_groups"), _gr),
]

#: What libraries call the features of a layer.
FEATURES = (("in_features", "out_features"), ("inputdim", "outdim"), ("input_dim", "output_dim"), ("input_size", "output_size"))


def _by_layers(network: Any) -> Dict[str, Any]:
    """What the layers of a library tell; nothing of others."""
    for attributes, tell in KINDS:
        layers = [part for part in network.modules() if all(hasattr(part, name) for name in attributes)]
        if layers:
            told: Dict[str, Any] = tell(layers)
            widths = [_widths(layer) for layer in layers]
            if all(widths):
                told["layers"] = [widths[0][0], *(width[1] for width in widths)]
            return told
    return {}


def _widths(layer: Any) -> Any:
    for names in FEATURES:
        if all(hasattr(layer, name) for name in names):
            return tuple(int(getattr(layer, name)) for name in names)
    return None
