"""A compiled model: the integers of its firmware, and all that it can be asked."""

from __future__ import annotations

import html
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Literal, Mapping, Optional, Sequence, Tuple, Union, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _native
from ._arrays import Array, joined, numbers, refuse_nan, row
from ._arrays import rows as rows_of
from ._error import Error

Inputs = Union[ArrayLike, Mapping[str, Any]]
PathLike = Union[str, "os.PathLike[str]"]

NAN = (
    "mend what gives it; or pass allow_nan=True for what firmware does: the middle of the calibrated range stands in, "
    "and the status says so"
)


@dataclass(frozen=True)
class Status:
    """What was wrong with inputs and states of a step, or of any step of a run; false if nothing was."""

    #: The inputs outside their calibrated range; they are clamped where they leave their format as well.
    saturated: List[str]
    #: The inputs that were not a number, for which the middle of the calibrated range stood in.
    invalid: List[str]
    #: Whether a state was at an end of its range.
    state_saturated: bool

    def __bool__(self) -> bool:
        return bool(self.saturated or self.invalid or self.state_saturated)

    def __str__(self) -> str:
        parts = [
            "outside their range: " + ", ".join(self.saturated) if self.saturated else "",
            "not a number: " + ", ".join(self.invalid) if self.invalid else "",
            "a state at an end of its range" if self.state_saturated else "",
        ]
        return "; ".join(part for part in parts if part) or "nothing wrong"


def _status(names: Sequence[str], saturated: int, invalid: int, state: bool) -> Status:
    """The status of words: the last bit of each stands for all inputs from there on."""

    def named(word: int, last: int) -> List[str]:
        found = [name for i, name in enumerate(names[:last]) if word >> i & 1]
        rest = names[last:]
        if word >> last & 1 and rest:
            found.append(rest[0] if len(rest) == 1 else f"{rest[0]}..{rest[-1]}")
        return found

    return Status(named(saturated, 31), named(invalid, 30), state)


@dataclass(frozen=True)
class Layer:
    """A layer of the integer network."""

    name: str
    #: Kind of kernel, and the width of its weights.
    kind: str
    inputs: int
    outputs: int
    table_bytes: int
    #: Largest magnitude that any partial sum can reach, for any input.
    accumulator_bound: Optional[int]
    #: Worst error of a function table over all its inputs, in units of its output.
    worst_error: Optional[float]
    #: What it computes, and why it is this kernel, where there was a choice.
    note: str = ""
    choice: str = ""


@dataclass(frozen=True)
class Verification:
    """Integers judged against float; true if they are near enough. ``str()`` of it is the whole verdict."""

    #: Whether they are near enough: the tolerance is kept, and the float network is the one of the given outputs.
    passed: bool
    #: RMS difference, in standard deviations of the output.
    relative_error: float
    #: Mean coefficient of determination over the outputs that move.
    r2: Optional[float]
    #: Largest difference, in the outputs' own units.
    max_error: float
    #: Rows on which an input was outside its calibrated range, or a state at an end of its own.
    saturated_rows: int
    #: All that was found, as ``nervecord verify --json`` prints it.
    details: Dict[str, Any] = field(repr=False)
    text: str = field(repr=False)

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        return self.text


class Inspection(str):
    """A text for the terminal, a table in a notebook."""

    html: str

    def __new__(cls, text: str, page: str) -> Inspection:
        inspection = super().__new__(cls, text)
        inspection.html = page
        return inspection

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self.html


@dataclass(frozen=True)
class _Rows:
    """Rows of one step each."""

    array: Array
    #: The shape of what was given, in front of its features.
    lead: Tuple[int, ...]
    #: Rows of each sequence.
    steps: int
    #: Of how many rows the last one's outputs count.
    every: int
    #: The precision it was given in.
    kind: Any

    def outputs(self, rows: NDArray[Any]) -> NDArray[Any]:
        """What belongs to each that was given, in its shape."""
        return rows[self.every - 1 :: self.every].reshape(*self.lead, rows.shape[-1])


class Batch(_native.Batch):
    """Many controllers of one model, each with a state of its own: for vectorised environments.

    Made by :meth:`Model.batch`.
    """

    _model: Model
    #: Of each controller, the words of its status after the last step.
    _words: Tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.bool_]]

    def __new__(cls, model: Model, count: int) -> Batch:
        batch = super().__new__(cls, model.program, count, model.width_index)
        batch._model = model
        batch._words = (np.zeros(count, np.uint32), np.zeros(count, np.uint32), np.zeros(count, bool))
        return batch

    def step(
        self,
        obs: Inputs,
        which: Optional[ArrayLike] = None,
        *,
        allow_nan: bool = False,
        threads: Optional[int] = None,
    ) -> NDArray[Any]:
        """One step of each: ``(controllers, features)`` to ``(controllers, outputs)``, in the precision of ``obs``.

        :param which: a mask of those that step; the others stand still, and their outputs are NaN.
        """
        model = self._model
        rows = model._rows(obs, "the inputs of a step", allow_nan)
        if rows.lead != (len(self),) or rows.every != 1:
            raise Error(
                "there are not as many inputs as controllers",
                place="the inputs of a step",
                expected=f"shape ({len(self)}, {len(model.inputs)})",
                found=f"shape {rows.lead + rows.array.shape[-1:]}",
                help="give each controller a row; `model.batch(n)` makes n of them",
            )
        mask = None if which is None else self._mask(which, "which")
        raw, saturated, invalid, state = self.advance(rows.array, None if mask is None else mask.tolist(), threads)
        self._words = (saturated, invalid, state)
        outputs = model._real(raw, rows)
        if mask is not None:
            outputs[~mask] = np.nan
        return outputs

    def _mask(self, which: ArrayLike, place: str) -> NDArray[np.bool_]:
        """A mask, or indices, as a mask."""
        given, mask = np.asarray(which), np.zeros(len(self), bool)
        if given.dtype == bool and given.shape == mask.shape:
            return given
        if given.dtype.kind in "iu" and (given.size == 0 or (0 <= given.min() and given.max() < len(self))):
            mask[given.ravel()] = True
            return mask
        raise Error(
            "there are no such controllers",
            place=place,
            expected=f"a mask of shape ({len(self)},), or indices below {len(self)}",
            found=f"{given.dtype} of shape {given.shape}" if given.size > 8 else given.tolist(),
            help="leave it out for all of them",
        )

    def reset(self, which: Optional[ArrayLike] = None) -> None:
        """All back to the start state, or those of a mask or of indices, as the ``dones`` of an environment are."""
        mask = np.ones(len(self), bool) if which is None else self._mask(which, "reset")
        self.restart(np.flatnonzero(mask).tolist())

    @property
    def flagged(self) -> NDArray[np.bool_]:
        """Of each controller, whether anything was wrong with an input or a state in the last step."""
        saturated, invalid, state = self._words
        return np.asarray((saturated != 0) | (invalid != 0) | state, dtype=np.bool_)

    def status(self, number: int) -> Status:
        """The status of one of them after the last step."""
        saturated, invalid, state = self._words
        return _status(self._model.inputs, int(saturated[number]), int(invalid[number]), bool(state[number]))


class Float(_native.FloatController):
    """The float network of a model, in double precision, a step at a time: what the integers are compared with."""

    _model: Model

    def __new__(cls, model: Model) -> Float:
        controller = super().__new__(cls, model.program)
        controller._model = model
        return controller

    def step(self, obs: Inputs) -> Array:
        """One step."""
        return self.advance(row(obs, len(self._model.inputs), self._model.program.input_parts))


class Model(_native.Controller):
    """A trained network as the integers of its firmware, with the memory of one controller.

    Made by :func:`nervecord.compile`. It pickles and copies, with its memory; copies share their tables.
    """

    #: What it is made of, for those who make it again.
    _recipe: Any
    #: The integer that stands for 1.0 in each output.
    _ones: Array
    program: _native.Program
    name: str
    #: The names of the inputs, in their order.
    inputs: List[str]
    #: The names of the outputs, in their order.
    outputs: List[str]

    def __new__(cls, program: _native.Program, recipe: Any) -> Model:
        model = super().__new__(cls, program)
        model.program = program
        model._recipe = recipe
        model.name = program.name
        model.inputs = program.inputs
        model.outputs = program.outputs
        model._ones = np.array(program.ones)
        return model

    # -- steps ---------------------------------------------------------------------------------------------------

    # `step`, `step_raw`, `reset`, `state` and `memory` are native: see _native.pyi.

    @property
    def status(self) -> Status:
        """What was wrong with inputs and states of the last step, or of any step of the last :meth:`run`."""
        return _status(self.inputs, *self.status_words)

    @property
    def width(self) -> Optional[str]:
        """Of a network of several widths, the one whose steps are computed; may be set."""
        widths = self.program.widths
        return widths[self.width_index] if widths else None

    @width.setter
    def width(self, name: str) -> None:
        widths = self.program.widths
        if name not in widths:
            raise Error(
                "the model has no such width",
                place="width",
                expected=", ".join(widths) if widths else "none: the model has one width",
                found=name,
                help="`widths` in nervecord.toml names the outputs of which one is chosen at each step",
            )
        self.width_index = widths.index(name)

    def batch(self, count: int) -> Batch:
        """``count`` controllers in their start state, which step together."""
        if count < 1:
            raise Error("a batch has no controllers", place="batch", expected="1 or more", found=count)
        return Batch(self, count)

    @overload
    def run(
        self,
        x: Inputs,
        output: Literal["float", "raw"] = ...,
        *,
        allow_nan: bool = ...,
        threads: Optional[int] = ...,
    ) -> NDArray[Any]: ...

    @overload
    def run(
        self,
        x: Inputs,
        output: Literal["both"],
        *,
        allow_nan: bool = ...,
        threads: Optional[int] = ...,
    ) -> Tuple[NDArray[Any], NDArray[np.int32]]: ...

    def run(
        self,
        x: Inputs,
        output: str = "float",
        *,
        allow_nan: bool = False,
        threads: Optional[int] = None,
    ) -> Union[NDArray[Any], Tuple[NDArray[Any], NDArray[np.int32]]]:
        """The outputs for rows ``(rows, features)``, or for sequences ``(sequences, steps, features)``.

        Rows of a recurrent model are one sequence in time order; each sequence starts from a reset, and the model's own
        memory stays what it is. Of a model that streams windows, a row may be a whole window as its file has it.

        :param output: ``"float"`` for real numbers in the precision of ``x``, ``"raw"`` for the integers behind them
            (int32), or ``"both"``.
        :param allow_nan: whether a NaN is what it is to firmware: a value that is not there.
        :param threads: how many threads; by default as many as the machine has and the work is worth.
        :returns: an array of the same shape in front of its outputs.
        """
        if output not in ("float", "raw", "both"):
            raise Error("the outputs are of no such kind", place="output", expected='"float", "raw" or "both"', found=output)
        rows = self._rows(x, "the input of a run", True)
        raw, saturated, invalid, state = self.run_rows(rows.array, rows.steps, threads)
        if not allow_nan and invalid.any():
            self._rows(x, "the input of a run", False)
        self.note(int(np.bitwise_or.reduce(saturated)), int(np.bitwise_or.reduce(invalid)), bool(state.any()))
        raw = rows.outputs(raw)
        if output == "raw":
            return raw
        real = self._real(raw, rows)
        return (real, raw) if output == "both" else real

    def run_float(self, x: Inputs) -> Array:
        """The same of the float network, in double precision."""
        rows = self._rows(x, "the input of a run", False)
        return rows.outputs(self.program.run_float(rows.array, rows.steps))

    def _rows(self, x: Inputs, place: str, allow_nan: bool) -> _Rows:
        """What was given as rows of one step each."""
        if isinstance(x, Mapping):
            x = joined(x, self.program.input_parts, place)
        given = numbers(x, place)
        kind = np.float32 if given.dtype == np.float32 else np.float64
        window, every = self.program.window or (0, 0)
        if window and given.shape[-1:] == (window,) and window != len(self.inputs):
            array, lead = rows_of(given, window, place)
            names = [f"column {i}" for i in range(window)]
        else:
            array, lead = rows_of(given, len(self.inputs), place)
            names, every = self.inputs, 1
        if not allow_nan:
            refuse_nan(array, names, place, NAN)
        if every > 1:
            return _Rows(self.program.unroll(array), lead, every, every, kind)
        steps = lead[-1] if lead and self.program.is_recurrent else 1
        return _Rows(array, lead, steps, 1, kind)

    def _real(self, raw: NDArray[np.int32], rows: _Rows) -> NDArray[Any]:
        return np.asarray(raw / self._ones, dtype=rows.kind)

    def split(self, y: NDArray[Any]) -> Dict[str, NDArray[Any]]:
        """Outputs of a file that has several, by their names."""
        parts = self.program.output_parts or [(self.name, len(self.outputs))]
        ends = np.cumsum([features for _, features in parts])
        return {name: part for (name, _), part in zip(parts, np.split(y, ends[:-1], axis=-1))}

    # -- judgement, files ------------------------------------------------------------------------------------------

    def verify(self, x: Inputs, y: Optional[ArrayLike] = None, *, labels: Optional[ArrayLike] = None) -> Verification:
        """Judges the integers against the float network on rows, as ``nervecord verify`` does.

        :param x: rows or sequences, as :meth:`run` takes them.
        :param y: what the float network gives for them in its framework: whether it is the network that was imported.
        :param labels: the true classes of a classifier, as indices or names.
        """
        rows = self._rows(x, "x", False)
        count = int(np.prod(rows.lead, dtype=int))
        wanted = None
        if y is not None:
            given = numbers(y, "y")
            outputs = len(self.outputs)
            if given.shape not in (rows.lead + (outputs,), rows.lead if outputs == 1 else None):
                raise Error(
                    "y does not stand beside x",
                    place="y",
                    expected=f"shape {rows.lead + (outputs,)}, an output for each row of x",
                    found=f"shape {given.shape}",
                    help="give what the float network gives for x, or leave it out",
                )
            wanted, _ = rows_of(given.reshape(count, outputs), outputs, "y")
        true = None if labels is None else self._labels(np.asarray(labels), count)
        sequence = rows.steps if self.program.is_recurrent else len(rows.array)
        details, text, passed = self.program.verify(rows.array, sequence, rows.every, wanted, true)
        found = json.loads(details)
        return Verification(
            passed,
            found["relative_error"],
            found["r2"],
            found["max_error"],
            found["saturated_rows"],
            found,
            text,
        )

    def _labels(self, labels: NDArray[Any], count: int) -> List[int]:
        names = self.program.classes or []
        outputs = len(self.outputs)
        classes = outputs if outputs > 1 else len(names) or np.iinfo(np.int32).max
        places = {name: i for i, name in enumerate(names)}
        found = [places.get(str(label), label) for label in labels.ravel().tolist()]
        good = [isinstance(i, (int, float)) and 0 <= i < classes and i == int(i) for i in found]
        if len(found) != count or not all(good):
            raise Error(
                "the labels cannot be used",
                place="labels",
                expected=f"{count} class indices below {classes}" + (f", or names: {', '.join(names)}" if names else ""),
                found=len(found) if all(good) else found[good.index(False)],
                help="give the true class of each row of x",
            )
        return [int(i) for i in found]

    def emit(self, path: PathLike) -> Path:
        """Writes the Rust module of the firmware, ``policy.rs`` say."""
        path = Path(path)
        self.program.emit(path)
        return path

    def emit_c(
        self, folder: PathLike, cpu: str, *, package: Optional[str] = None, static: bool = False
    ) -> List[Path]:
        """Writes one assembly file and its header for firmware in C or C++; takes the Rust compiler.

        :param cpu: the core, ``"cortex-m4"`` say.
        :param package: a build system whose library they become: ``"arduino"``, ``"zephyr"``, ``"esp-idf"``,
            ``"platformio"``, ``"cmake"``.
        :param static: also an archive for the linker.
        """
        if package is not None and static:
            raise Error(
                "an archive is asked for in a library of a build system",
                place="static",
                expected="one of package and static",
                found="both",
                help="leave one of the two out",
            )
        return self.program.emit_c(Path(folder), cpu, package, static)

    def report(self, folder: PathLike) -> List[Path]:
        """Writes ``report.html`` and ``report.json``, judged on calibration rows that no decision has seen."""
        return self.program.report(Path(folder))

    # -- what it is --------------------------------------------------------------------------------------------------

    @property
    def layers(self) -> List[Layer]:
        """The layers of the integer network."""
        fields = Layer.__dataclass_fields__
        rows = json.loads(self.program.layers)
        return [Layer(**{key: value for key, value in row.items() if key in fields}) for row in rows]

    @property
    def parts(self) -> Dict[str, int]:
        """The inputs of a file that has several, with their features."""
        return dict(self.program.input_parts)

    @property
    def table_bytes(self) -> int:
        """Bytes of tables in flash."""
        return self.program.table_bytes

    @property
    def ram_bytes(self) -> int:
        """Bytes of RAM: the size of the generated struct."""
        return self.program.ram_bytes

    @property
    def macs(self) -> int:
        """Multiply-accumulates of a step."""
        return self.program.macs

    @property
    def formats(self) -> Tuple[List[str], List[str]]:
        """The fixed-point type of each input and of each output: ``I4F12`` has 4 integer and 12 fractional bits."""
        return self.program.formats

    @property
    def promise(self) -> Optional[Dict[str, Any]]:
        """How far the integers are from float on calibration rows that decided nothing: ``error``, ``tolerance``, ``rows``."""
        text = self.program.promise
        return None if text is None else dict(json.loads(text))

    @property
    def module(self) -> str:
        """The text of the Rust module."""
        return self.program.module

    def inspect(self) -> Inspection:
        """What was understood, decided and what it costs: a text, or in a notebook a table."""
        text, folder = self.program.summary, self.program.keep
        if folder is not None:
            # Its reader never saw that folder.
            text = text.replace(f"{folder.name}{os.sep}", "")
        return Inspection(text, self._repr_html_())

    def __repr__(self) -> str:
        program = self.program
        return (
            f"<nervecord.Model {self.name}: {len(self.inputs)} inputs, {len(self.outputs)} outputs, "
            f"{program.table_bytes} B of tables, {program.ram_bytes} B of RAM>"
        )

    def _repr_html_(self) -> str:
        columns: List[Tuple[str, Callable[[Layer], object]]] = [
            ("layer", lambda row: row.name),
            ("kernel", lambda row: row.kind),
            ("shape", lambda row: f"{row.inputs}\u2192{row.outputs}"),
            ("bytes", lambda row: f"{row.table_bytes:,}"),
        ]
        head = "".join(f'<th style="text-align:left">{name}</th>' for name, _ in columns)
        cell = '<td style="text-align:left">{}</td>'.format
        body = "".join(
            "<tr>" + "".join(cell(html.escape(str(of(row)))) for _, of in columns) + "</tr>" for row in self.layers
        )
        promise = self.promise
        error = "" if promise is None else f", error {promise['error']:.4f} of an output's standard deviation"
        about = (
            f"{len(self.inputs)} inputs, {len(self.outputs)} outputs, {self.table_bytes:,} B of tables, "
            f"{self.ram_bytes:,} B of RAM, {self.macs:,} multiply-accumulates{error}"
        )
        return f"<p><b>{html.escape(self.name)}</b>: {about}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    # -- copies ------------------------------------------------------------------------------------------------------

    def __copy__(self) -> Model:
        copy = type(self)(self.program, self._recipe)
        copy.width_index = self.width_index
        copy.memory = self.memory
        copy.note(*self.status_words)
        return copy

    def __deepcopy__(self, memo: Dict[int, Any]) -> Model:
        return self.__copy__()

    def __reduce__(self) -> Tuple[Callable[..., Model], Tuple[Any, bytes, int]]:
        from ._compile import again

        return again, (self._recipe, self.memory, self.width_index)
