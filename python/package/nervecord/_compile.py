"""From a trained file to a model; and to the same model in another process."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import tempfile
import warnings
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from . import _native
from ._arrays import joined, numbers, refuse_nan
from ._error import Error, ToleranceWarning
from ._model import Model, PathLike


def compile(
    model: Any,
    calibration: Any = None,
    *,
    weights: Union[str, int] = "auto",
    tolerance: float = 0.02,
    output: Union[None, str, Sequence[str]] = None,
    cpu: str = "any",
    optimize: str = "balanced",
    name: Optional[str] = None,
    settings: Optional[Mapping[str, Any]] = None,
) -> Model:
    """Compiles a trained network to the integers of its firmware.

    :param model: the path of an ``.onnx`` or ``.tflite`` file, a folder with a ``config.json``, a circuit ``.toml``, an
        RLtools ``.tar``; or an ONNX model in memory, as bytes or as ``onnx.ModelProto``.
    :param calibration: a few hundred inputs as the model will see them: the path of a ``.csv`` or ``.npy`` file, an
        array ``(rows, features)``, sequences ``(sequences, steps, features)`` or a list of episodes of a recurrent
        model, or a DataFrame or dict with a column an input. Without it, ranges come from the settings.
    :param weights: ``"auto"``, 8 or 16 bits.
    :param tolerance: largest RMS difference to float, in standard deviations of the output.
    :param output: of a file with several outputs, those that firmware reads, in this order.
    :param cpu: the core the module is meant for: for the record in its header, and for what ``optimize="speed"`` takes
        for fast.
    :param optimize: what is to be small among integers that meet the tolerance: ``"speed"`` instructions of a step,
        ``"size"`` bytes of tables, ``"balanced"`` bytes with weights that are fast on every core.
    :param name: what the module is called; by default what its file is.
    :param settings: what ``nervecord.toml`` says, as a dict; instead of the file beside the model.
    :raises Error: the model, the data or an option cannot be used.
    """
    folder = _Folder()
    try:
        path = _path(model, folder)
        outputs = [output] if isinstance(output, str) else list(output or [])
        said = dict(settings) if settings is not None else None
        table, sequence = _calibration(calibration, folder)
        if sequence is not None:
            said = _with_sequence(said, path, sequence)
        text = None if said is None else _native.settings_text(json.dumps(said, default=_plain))
        options: Dict[str, Any] = dict(
            weights=str(weights), tolerance=float(tolerance), cpu=cpu, optimize=optimize, outputs=outputs, name=name
        )
        program = _native.compile(path, calibration=table, settings=text, keep=folder.handle, **options)
        # A model may be called after its folder, which is another where it is made again.
        recipe = _Recipe.of(path, table, text, {**options, "name": program.name}, program.sha256)
    except Error as error:
        raise folder.hidden(error) from None
    if program.missed is not None:
        warnings.warn(program.missed, ToleranceWarning, stacklevel=2)
    return Model(program, recipe)


class _Folder:
    """A temporary folder, made when it is asked for; it goes with the last who holds its handle."""

    def __init__(self) -> None:
        self.handle: Optional[_Kept] = None

    def path(self) -> Path:
        if self.handle is None:
            self.handle = _Kept()
        return Path(self.handle.name)

    def hidden(self, error: Error) -> Error:
        """The error without files that its reader never saw."""
        if self.handle is None or error.file is None or not error.file.startswith(self.handle.name):
            return error
        what = "calibration" if Path(error.file).stem == "calibration" else "the model"
        place = what if error.place is None else f"{what}, {error.place}"
        return Error(error.summary, place=place, expected=error.expected, found=error.found, help=error.help)


class _Kept:
    """A folder that is removed with this."""

    def __init__(self) -> None:
        self.name = tempfile.mkdtemp(prefix="nervecord-")
        weakref.finalize(self, shutil.rmtree, self.name, True)


@dataclass
class _Recipe:
    """All that a model is made of, for another process to make the same."""

    #: The files by their places below a common folder.
    files: Dict[str, bytes]
    model: str
    calibration: Optional[str]
    settings: Optional[str]
    options: Dict[str, Any]
    #: Of the module that comes of it.
    sha256: str

    @staticmethod
    def of(
        model: Path, calibration: Optional[Path], settings: Optional[str], options: Dict[str, Any], sha256: str
    ) -> _Recipe:
        paths = [Path(path).resolve() for path in _native.files(model)]
        whole = [model.resolve(), *paths, *([] if calibration is None else [calibration.resolve()])]
        base = Path(os.path.commonpath([str(path if path.is_dir() else path.parent) for path in whole]))

        def place(path: Path) -> str:
            return path.resolve().relative_to(base).as_posix()

        read = [*paths, *([] if calibration is None else [calibration])]
        files = {place(path): path.read_bytes() for path in read}
        told = None if calibration is None else place(calibration)
        return _Recipe(files, place(model), told, settings, options, sha256)

    def program(self) -> _native.Program:
        """The program again, with the bits that it had."""
        folder = _Folder()
        base = folder.path()
        for place, content in self.files.items():
            path = base / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        program = _native.compile(
            base / self.model,
            calibration=None if self.calibration is None else base / self.calibration,
            settings=self.settings,
            keep=folder.handle,
            **self.options,
        )
        if program.sha256 != self.sha256:
            raise Error(
                "the pickled model is compiled to other integers here",
                expected=f"a module with the hash {self.sha256}",
                found=program.sha256,
                help="load it with the version of nervecord that it was pickled by, or compile it anew",
            )
        return program


#: The programs that were unpickled last: a worker is given the same one with every task.
_KNOWN: OrderedDict[str, _native.Program] = OrderedDict()
_MOST = 16


def again(recipe: _Recipe, memory: bytes, width: int) -> Model:
    """A pickled model."""
    program = _KNOWN.pop(recipe.sha256, None) or recipe.program()
    _KNOWN[recipe.sha256] = program
    while len(_KNOWN) > _MOST:
        _KNOWN.popitem(last=False)
    model = Model(program, recipe)
    model.width_index = width
    model.memory = memory
    return model


def _path(model: Any, folder: _Folder) -> Path:
    """Where the model is; one in memory is written."""
    if isinstance(model, (str, os.PathLike)):
        return Path(model)
    if hasattr(model, "SerializeToString"):
        model = model.SerializeToString()
    if not isinstance(model, (bytes, bytearray)):
        raise Error(
            "the model is nothing that can be read",
            place="model",
            expected="a path, or an ONNX model as bytes or onnx.ModelProto",
            found=type(model).__name__,
            help="nervecord.from_torch, from_sklearn, from_keras, from_sb3, from_kan and from_ncps take models of frameworks",
        )
    path = folder.path() / "model" / "model.onnx"
    path.parent.mkdir()
    path.write_bytes(model)
    return path


def _calibration(data: Any, folder: _Folder) -> Tuple[Optional[Path], Optional[int]]:
    """The file of calibration data, and the length of its sequences if it has any."""
    if data is None:
        return None, None
    if isinstance(data, (str, os.PathLike)):
        return Path(data), None
    columns = None
    if isinstance(data, Mapping) or hasattr(data, "columns"):
        columns = [str(column) for column in (data if isinstance(data, Mapping) else data.columns)]
        data = np.column_stack([numbers(data[column], f"calibration, {column}") for column in data])
    elif isinstance(data, (list, tuple)) and any(np.ndim(part) > 1 for part in data):
        episodes = [numbers(part, "calibration") for part in data]
        if len({part.shape[1:] for part in episodes}) > 1:
            raise Error(
                "the episodes have other features than each other",
                place="calibration",
                expected="arrays of shape (steps, features)",
                found=", ".join(str(part.shape) for part in episodes[:4]),
                help="give a list of arrays with one column an input",
            )
        if len({len(part) for part in episodes}) == 1:
            data = np.stack(episodes)
        else:
            # Of several lengths: one after the other.
            data = np.concatenate(episodes)
    array = numbers(data, "calibration")
    if array.ndim == 1:
        array = array[:, np.newaxis]
    sequence = array.shape[1] if array.ndim == 3 else None
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise Error(
            "the calibration data is no table",
            place="calibration",
            expected="shape (rows, features), or (sequences, steps, features)",
            found=f"shape {array.shape}",
            help="record a few hundred inputs as the model will see them, a row each",
        )
    array = np.ascontiguousarray(array.reshape(-1, array.shape[-1]), dtype=np.float64)
    names = columns or [f"x{i}" for i in range(array.shape[1])]
    refuse_nan(array, names, "calibration", "leave the row out, or mend what recorded it")
    if columns is None:
        path = folder.path() / "calibration.npy"
        np.save(path, array)
    else:
        path = folder.path() / "calibration.csv"
        text = io.StringIO()
        np.savetxt(text, array, delimiter=",", header=",".join(map(_cell, columns)), comments="", fmt="%.17g")
        path.write_text(text.getvalue(), encoding="utf-8")
    return path, sequence


def _cell(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if re.search('[",\\n]', name) else name


def _with_sequence(said: Optional[Dict[str, Any]], model: Path, sequence: int) -> Dict[str, Any]:
    """The settings, with the length of the sequences that the data has."""
    if said is None:
        file = (model if model.is_dir() else model.parent) / "nervecord.toml"
        if file.is_file():
            raise Error(
                "the sequences of the calibration data are said twice",
                file=str(file),
                place="calibration",
                expected="an array (rows, features), or settings=",
                found=f"sequences of {sequence} steps, and a nervecord.toml",
                help="say `sequence` in [calibration] and give the rows one after the other, or pass settings=",
            )
        said = {}
    return {**said, "calibration": {**said.get("calibration", {}), "sequence": sequence}}


def _plain(value: Any) -> Any:
    """Numbers and arrays of numpy as JSON has them."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} says nothing in settings")
