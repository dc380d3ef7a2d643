"""PyTorch modules, by way of ONNX."""

from __future__ import annotations

import inspect
import io
import logging
import warnings
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from .._arrays import numbers
from .._compile import compile
from .._error import Error, missing
from .._model import Model
from .common import ROWS, exported, module, named, same

#: What states are called in modules, whole or with something behind it.
STATES = ("h", "c", "hx", "cx", "hc", "hidden", "cell", "state", "states", "memory", "carry", "rnn", "lstm", "gru")


def from_torch(
    policy: Any,
    example: Any,
    calibration: Any = None,
    *,
    state: Union[None, bool, Mapping[str, int], Sequence[str]] = None,
    names: Optional[Sequence[str]] = None,
    settings: Optional[Mapping[str, Any]] = None,
    **options: Any,
) -> Model:
    """Compiles a ``torch.nn.Module``, in eval mode, as it computes one step.

    :param policy: its ``forward`` takes one tensor or several and returns one or a tuple of them.
    :param example: what ``forward`` is given: a tensor or array of shape ``(rows, features)``, or a tuple of them with
        the states behind, as ``forward`` takes them. More rows than one are the calibration data as well.
    :param calibration: as :func:`nervecord.compile` takes it, without states.
    :param state: which inputs are states that the next step finds in an output. By default those behind the first that
        are called so (``h``, ``hidden``, ``state``, ``(h, c)``, ..) and have an output of their shape, in order; a
        list of names; a dict from a name to the number of its output; or ``False`` for none.
    :param names: what the tensors of ``example`` are called; by default what ``forward`` calls them.
    :param options: further arguments of :func:`nervecord.compile`.
    """
    torch = module("from_torch", "torch")
    if not isinstance(policy, torch.nn.Module):
        raise Error(
            "the policy is no module of PyTorch",
            place="policy",
            expected="a torch.nn.Module",
            found=type(policy).__name__,
            help="wrap what computes the action in a torch.nn.Module",
        )
    given = example if isinstance(example, (tuple, list)) and not _is_rows(example) else (example,)
    arguments = _tensors(torch, tuple(given))
    own, flat = _inputs(policy, arguments)
    names = list(names or own)
    if len(names) != len(flat) or len(set(names)) != len(names):
        raise Error(
            "the names are not those of the example",
            place="names",
            expected=f"{len(flat)} names, one a tensor of example",
            found=", ".join(names),
            help="leave them out for what `forward` calls them",
        )
    _, single = _inputs(policy, _one(arguments))
    with _evaluated(torch, policy):
        outputs = _flat(policy(*_one(arguments)))
    pairs = _pairs(state, names, single, outputs)
    results_names = _outputs(names, outputs, pairs)
    free = [i for i, name in enumerate(names) if name not in pairs]
    rows = _rows_of([flat[i] for i in free])
    if calibration is None and rows is not None and len(rows) > 1:
        calibration = rows
    told = dict(settings or {})
    told["state"] = {
        **{names[i]: False for i in free if _is_state(names[i])},
        **{name: results_names[number] for name, number in pairs.items()},
        **told.get("state", {}),
    }
    options = named(options, type(policy).__name__)
    with exported() as folder, _evaluated(torch, policy):
        path = folder / "model.onnx"
        _export(torch, policy, _one(arguments), path, names, results_names)
        model = compile(path, calibration, settings=told if told["state"] or settings is not None else None, **options)
        if options.get("output") is None and not told.get("outputs"):
            _check(torch, policy, model, arguments, names, pairs)
    return model


def _is_rows(example: Any) -> bool:
    return all(not hasattr(part, "shape") and not isinstance(part, (tuple, list)) for part in example)


def _tensors(torch: Any, value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(_tensors(torch, part) for part in value)
    if isinstance(value, torch.Tensor):
        return value.detach()
    array = numbers(value, "example")
    return torch.as_tensor(array.astype(np.float32))


def _flat(value: Any) -> List[Any]:
    if isinstance(value, (tuple, list)):
        return [tensor for part in value for tensor in _flat(part)]
    if isinstance(value, Mapping):
        return [tensor for part in value.values() for tensor in _flat(part)]
    return [] if value is None else [value]


def _one(arguments: Any) -> Any:
    """The example with one row where its first input has more."""
    count = len(arguments[0]) if arguments[0].ndim > 1 else 1

    def first(tensor: Any) -> Any:
        return tensor[:1] if tensor.ndim > 1 and count > 1 and len(tensor) == count else tensor

    return tuple(first(part) if hasattr(part, "ndim") else part for part in arguments)


def _inputs(policy: Any, arguments: Tuple[Any, ...]) -> Tuple[List[str], List[Any]]:
    """The tensors of all arguments, and what they are called."""
    parameters = list(inspect.signature(policy.forward).parameters.values())
    many = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    names, tensors = [], []
    for i, argument in enumerate(arguments):
        name = many[i] if i < len(many) else f"input{i}"
        parts = _flat(argument)
        # PyTorch's pair of an LSTM.
        own = ["h_in", "c_in"] if isinstance(argument, tuple) and len(parts) == 2 else None
        for k, part in enumerate(parts):
            names.append(own[k] if own else name if not isinstance(argument, tuple) else f"{name}_{k}")
            tensors.append(part)
    return names, tensors


def _is_state(name: str) -> bool:
    word = name.lower().rstrip("0123456789").rstrip("_")
    return word in STATES or any(word.startswith(f"{s}_") or word.endswith(f"_{s}") for s in STATES)


def _pairs(state: Any, names: List[str], inputs: List[Any], outputs: List[Any]) -> Dict[str, int]:
    """Of each input that is a state, the number of the output that the next step finds in it."""
    if state is False:
        return {}
    if isinstance(state, Mapping):
        wanted = dict(state)
        unknown = [name for name in wanted if name not in names or not 0 <= int(wanted[name]) < len(outputs)]
        if unknown:
            raise Error(
                "a state is no input and output of the module",
                place=f"state, {unknown[0]}",
                expected=f"one of {', '.join(names)}, and an output 0 to {len(outputs) - 1}",
                found=f"{unknown[0]}: {wanted[unknown[0]]}",
                help="name the arguments of `forward`, and number the tensors that it returns",
            )
        return {name: int(number) for name, number in wanted.items()}
    chosen = list(state) if isinstance(state, (list, tuple)) else [name for name in names[1:] if _is_state(name)]
    pairs: Dict[str, int] = {}
    number = 1
    for name in chosen:
        shape = tuple(inputs[names.index(name)].shape) if name in names else None
        while number < len(outputs) and tuple(outputs[number].shape) != shape:
            number += 1
        if shape is None or number >= len(outputs):
            if state is None:
                continue
            raise Error(
                "a state has no output",
                place=f"state, {name}",
                expected="an output behind the first with the shape of that input",
                found=f"outputs of shapes {', '.join(str(tuple(o.shape)) for o in outputs)}",
                help="return the state behind the action, or say state={name: number of its output}",
            )
        pairs[name] = number
        number += 1
    _refuse_unclear(state, names, inputs, outputs, pairs)
    return pairs


def _refuse_unclear(
    state: Any, names: List[str], inputs: List[Any], outputs: List[Any], pairs: Dict[str, int]
) -> None:
    """An input that could be a state, and is not called so."""
    if state is not None:
        return
    left = [tuple(o.shape) for i, o in enumerate(outputs) if i > 0 and i not in pairs.values()]
    for name, tensor in zip(names[1:], inputs[1:]):
        if name not in pairs and tuple(tensor.shape) in left:
            raise Error(
                "it is not clear whether an input is a state",
                place=f"input {name}",
                expected="a name such as h, hidden or state, or to be told",
                found="another name, and an output of its shape",
                help=f'pass state=["{name}"] if the next step finds that output in it, or state=False',
            )


def _outputs(names: List[str], outputs: List[Any], pairs: Mapping[str, int]) -> List[str]:
    of = {number: f"{name}_next" for name, number in pairs.items()}
    free = ["action"] + [f"output{i}" for i in range(1, len(outputs))]
    return [of.get(i, "action_" if free[i] in names else free[i]) for i in range(len(outputs))]


def _rows_of(inputs: List[Any]) -> Optional[np.ndarray[Any, Any]]:
    """The rows of calibration data that examples are: one vector of all inputs."""
    arrays = [tensor.cpu().numpy() for tensor in inputs]
    if not arrays or any(array.ndim != 2 or len(array) != len(arrays[0]) for array in arrays):
        return None
    return np.concatenate(arrays, axis=1)


@contextmanager
def _evaluated(torch: Any, policy: Any) -> Iterator[None]:
    """As it computes in use: without dropout, and without gradients."""
    training = policy.training
    policy.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        policy.train(training)


def _export(torch: Any, policy: Any, arguments: Any, path: Path, inputs: List[str], outputs: List[str]) -> None:
    """Writes ONNX by the exporter that traces, or by the newer one where that fails."""
    known = inspect.signature(torch.onnx.export).parameters
    ways: List[Dict[str, Any]] = [{"dynamo": False}, {"dynamo": True}] if "dynamo" in known else [{}]
    errors = []
    for way in ways:
        try:
            with warnings.catch_warnings(), redirect_stdout(io.StringIO()), _quiet("torch.onnx"):
                warnings.simplefilter("ignore")
                torch.onnx.export(policy, arguments, str(path), input_names=inputs, output_names=outputs, **way)
            return
        except Exception as error:  # Exporters raise whatever a module's code raises.
            if "onnx is not installed" in str(error):
                raise missing("from_torch", "onnx") from None
            errors.append(f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}")
    raise Error(
        "the module cannot be exported to ONNX",
        place=type(policy).__name__,
        expected="a module that torch.onnx.export takes",
        found="; ".join(errors),
        help="write `forward` without Python that depends on values, or export it yourself and give compile() the file",
    )


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _check(
    torch: Any, policy: Any, model: Model, arguments: Any, names: List[str], pairs: Mapping[str, int]
) -> None:
    """Compares the float network that was read with the module, on rows drawn over the calibrated range."""
    one = _one(arguments)
    _, flat = _inputs(policy, one)
    shapes = [(name, tuple(tensor.shape)) for name, tensor in zip(names, flat)]
    free = [(name, shape) for name, shape in shapes if name not in pairs]
    if sum(int(np.prod(shape)) for _, shape in free) != len(model.inputs):
        return  # It streams windows, or leaves an input out: nothing here knows which rows it was given.
    low, high = model.program.range
    rows = np.random.default_rng(0).uniform(low, high, (ROWS, len(model.inputs))).astype(np.float32)
    states = {name: torch.zeros(shape) for name, shape in shapes if name in pairs}
    wanted = []
    for row in rows:
        ends = np.cumsum([int(np.prod(shape)) for _, shape in free])[:-1]
        parts = {name: torch.as_tensor(part.reshape(shape)) for (name, shape), part in zip(free, np.split(row, ends))}
        outputs = _flat(policy(*_filled(one, iter([{**parts, **states}[name] for name in names]))))
        states = {name: outputs[number] for name, number in pairs.items()}
        wanted.append(np.concatenate([o.numpy().ravel() for i, o in enumerate(outputs) if i not in pairs.values()]))
    same(model, rows, np.array(wanted), type(policy).__name__)


def _filled(shape: Any, tensors: Iterator[Any]) -> Any:
    """New tensors in the places of an example's."""
    return tuple(_filled(part, tensors) if isinstance(part, tuple) else next(tensors) for part in shape)
