"""What the extension gives: arrays in C order, unchecked; the package's classes check what users give."""

from pathlib import Path
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

__version__: str

_Answers = Tuple[NDArray[np.int32], NDArray[np.uint32], NDArray[np.uint32], NDArray[np.bool_]]

def compile(
    model: Path,
    *,
    calibration: Optional[Path],
    weights: str,
    tolerance: float,
    cpu: str,
    optimize: str,
    outputs: Sequence[str],
    name: Optional[str],
    settings: Optional[str],
    keep: Any,
) -> Program: ...
def files(model: Path) -> List[Path]: ...
def settings_text(json: str) -> str: ...

class Program:
    keep: Any
    name: str
    inputs: List[str]
    outputs: List[str]
    input_parts: List[Tuple[str, int]]
    output_parts: List[Tuple[str, int]]
    states: List[str]
    classes: Optional[List[str]]
    is_index: bool
    is_recurrent: bool
    widths: List[str]
    formats: Tuple[List[str], List[str]]
    range: Tuple[List[float], List[float]]
    ones: List[float]
    window: Optional[Tuple[int, int]]
    table_bytes: int
    ram_bytes: int
    macs: int
    layers: str
    promise: Optional[str]
    missed: Optional[str]
    summary: str
    module: str
    sha256: str
    def run_float(self, x: NDArray[np.float64], steps: int) -> NDArray[np.float64]: ...
    def unroll(self, x: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def verify(
        self,
        x: NDArray[np.float64],
        sequence: int,
        steps: int,
        y: Optional[NDArray[np.float64]],
        labels: Optional[List[int]],
    ) -> Tuple[str, str, bool]: ...
    def emit(self, path: Path) -> None: ...
    def emit_c(self, folder: Path, cpu: str, package: Optional[str], archive: bool) -> List[Path]: ...
    def report(self, folder: Path) -> List[Path]: ...

class Controller:
    status_words: Tuple[int, int, bool]
    memory: bytes
    width_index: int
    def __new__(cls, program: Program) -> Self: ...
    def step(self, obs: Any, /, *, allow_nan: bool = False) -> NDArray[Any]:
        """One step on the model's own memory: the outputs, in the precision of ``obs``.

        :param obs: ``(features,)``, or a dict of the inputs of a file that has several.
        :param allow_nan: whether a NaN is what it is to firmware: a value that is not there.
        """

    def step_raw(self, obs: Any, /, *, allow_nan: bool = False) -> NDArray[np.int32]:
        """One step: the integers behind the outputs."""

    def reset(self) -> None:
        """Back to the start state."""

    @property
    def state(self) -> NDArray[np.float64]:
        """The values of the states after the last step."""

    @property
    def scores(self) -> Optional[NDArray[np.float64]]:
        """Of a network that ends in the index of the largest: the numbers it chose from."""

    def run_rows(self, x: NDArray[np.float64], steps: int, threads: Optional[int]) -> _Answers: ...
    def note(self, saturated: int, invalid: int, state: bool) -> None: ...

class FloatController:
    def __new__(cls, program: Program) -> Self: ...
    def advance(self, row: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def reset(self) -> None: ...

class Batch:
    def __new__(cls, program: Program, count: int, width: int) -> Self: ...
    def __len__(self) -> int: ...
    def advance(
        self, x: NDArray[np.float64], which: Optional[List[bool]], threads: Optional[int]
    ) -> _Answers: ...
    def restart(self, which: List[int]) -> None: ...
    @property
    def state(self) -> NDArray[np.float64]: ...
