"""Arrays as the integers take them: checked shapes, C order, double precision."""

from __future__ import annotations

from typing import Any, Mapping, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from ._error import Error

Array = NDArray[np.float64]


def numbers(x: Any, place: str) -> NDArray[Any]:
    """``x`` as an array of real numbers, in its own precision if it has one."""
    if hasattr(x, "detach") and hasattr(x, "numpy"):
        x = x.detach().cpu().numpy()
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise Error(
            "the numbers are no array",
            place=place,
            expected="an array, or rows of equal lengths",
            found=error,
            help="give an array of shape (rows, features)",
        ) from None
    if array.dtype.kind not in "fiub":
        raise Error(
            "the array does not hold real numbers",
            place=place,
            expected="float32, float64 or integers",
            found=f"dtype {array.dtype}",
            help="convert it with .astype(float)",
        )
    return array


def row(obs: Any, features: int, parts: Sequence[Tuple[str, int]]) -> Array:
    """One input of ``features`` numbers, or a dict of its ``parts``."""
    if isinstance(obs, Mapping):
        obs = joined(obs, parts, "the input of a step")
    array = numbers(obs, "the input of a step")
    if array.size != features or array.ndim > 2 or array.shape[:-1] not in ((), (1,)):
        raise Error(
            "the input has another shape than the model's",
            place="the input of a step",
            expected=f"shape ({features},)",
            found=f"shape {array.shape}",
            help=several(array, features),
        )
    return np.ascontiguousarray(array.reshape(features), dtype=np.float64)


def several(array: NDArray[Any], features: int) -> str:
    """What to do about an array of another shape."""
    if array.ndim > 1 and array.shape[-1] == features:
        return "step takes one input; .run(rows) takes many, .batch(n) steps many controllers"
    return "`model.inputs` names the inputs in their order"


def rows(x: Any, features: int, place: str) -> Tuple[NDArray[Any], Tuple[int, ...]]:
    """``x`` as ``(rows, features)`` in C order, and the shape it had in front of its features."""
    array = numbers(x, place)
    if array.ndim not in (1, 2, 3) or array.shape[-1] != features:
        raise Error(
            "the array has another shape than the model's input",
            place=place,
            expected=f"shape (rows, {features}), or (sequences, steps, {features})",
            found=f"shape {array.shape}",
            help="`model.inputs` names the inputs in their order",
        )
    lead = array.shape[:-1]
    if 0 in lead:
        raise Error(
            "the array is empty",
            place=place,
            expected="at least one row",
            found=f"shape {array.shape}",
            help="give it rows",
        )
    return np.ascontiguousarray(array, dtype=np.float64).reshape(-1, features), lead


def refuse_nan(array: NDArray[Any], names: Sequence[str], place: str, help: str) -> None:
    """Refuses rows with a value that is not a number."""
    bad = np.isnan(array)
    if bad.any():
        at, column = (int(i) for i in np.argwhere(bad)[0])
        count = int(bad.any(axis=1).sum())
        name = names[column] if column < len(names) else str(column)
        raise Error(
            "a value is not a number",
            place=f"{place}, row {at}, {name}",
            expected="numbers",
            found="NaN" if count == 1 else f"NaN, in {count} of {len(array)} rows",
            help=help,
        )


def joined(parts: Mapping[str, Any], wanted: Sequence[Tuple[str, int]], place: str) -> NDArray[Any]:
    """The inputs of a file that has several, one behind the other, from a dict by their names."""
    names = [name for name, _ in wanted]
    if sorted(names) != sorted(parts):
        raise Error(
            "the dict has other inputs than the model",
            place=place,
            expected=", ".join(names) if names else "an array: the model has one input",
            found=", ".join(map(str, parts)),
            help="`model.parts` names the inputs of the file",
        )
    arrays = []
    for name, features in wanted:
        array = numbers(parts[name], f"{place}, {name}")
        if features == 1 and (array.ndim == 0 or array.shape[-1] != 1):
            array = array[..., np.newaxis]
        if array.shape[-1:] != (features,):
            raise Error(
                "an input has another shape than the model's",
                place=f"{place}, {name}",
                expected=f"{features} features in its last axis",
                found=f"shape {array.shape}",
                help="`model.parts` names the inputs of the file with their features",
            )
        arrays.append(array)
    try:
        return np.concatenate(arrays, axis=-1)
    except ValueError:
        raise Error(
            "the inputs have different numbers of rows",
            place=place,
            expected="the same shape in front of the features",
            found=", ".join(str(array.shape) for array in arrays),
            help="give each input as many rows as the others",
        ) from None
