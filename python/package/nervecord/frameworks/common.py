"""What all frameworks share: a folder for what is exported, and the check that it is the same network."""

from __future__ import annotations

import json
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, Iterator, Optional

import numpy as np

from .._error import Error, missing
from .._model import Model

#: How far a float network may be from its framework's, in standard deviations of the output: single precision.
CLOSE = 2e-3
#: On what share of the rows it may name another class.
OTHER_CLASSES = 0.05
#: Rows that show it.
ROWS = 64


@contextmanager
def exported() -> Iterator[Path]:
    """A folder that is gone when the model is compiled: the model keeps what it is made of."""
    with tempfile.TemporaryDirectory(prefix="nervecord-export-") as folder:
        try:
            yield Path(folder)
        except Error as error:
            if error.file is None or not error.file.startswith(folder):
                raise
            # Its reader never saw that file.
            raise Error(
                error.summary,
                place=error.place or "what was exported",
                expected=error.expected,
                found=error.found,
                help=error.help,
            ) from None


def module(what: str, name: str, install: Optional[str] = None) -> ModuleType:
    """A framework's module."""
    try:
        return __import__(name, fromlist=["_"])
    except ImportError:
        raise missing(what, name.split(".")[0], install) from None


def named(options: Dict[str, Any], default: str) -> Dict[str, Any]:
    """The options of a compilation, with a name for the model that is not its file's."""
    if options.get("name") is None:
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", default)
        options["name"] = re.sub(r"\W+", "_", words).strip("_").lower() or "model"
    return options


def state_files(folder: Path, state: Dict[str, Any], config: Dict[str, Any]) -> None:
    """A state dict as nervecord reads it."""
    torch = module("a state dict", "torch")
    tensors = {name: value.detach().cpu().contiguous() for name, value in state.items() if hasattr(value, "detach")}
    torch.save(tensors, folder / "model.pt")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def same(model: Model, rows: Any, outputs: Any, what: str) -> Model:
    """The model, if its float network gives what the framework gives for some rows."""
    wanted = np.asarray(outputs, dtype=float).reshape(len(rows), -1)
    found = np.asarray(model.run_float(rows), dtype=float)[:, : wanted.shape[1]]
    if wanted.shape != found.shape:
        raise Error(
            f"the network that was read has other outputs than that of {what}",
            expected=f"{wanted.shape[1]} outputs",
            found=found.shape[1],
            help="give output= the names of the outputs that firmware reads",
        )
    unit = np.maximum(wanted.std(axis=0), 1e-3 * np.maximum(np.abs(wanted).max(axis=0), 1e-6))
    error = np.abs(found - wanted) / unit
    far, bound = np.sqrt((error**2).mean(axis=0)), CLOSE
    if model.program.is_index:
        # A class may be another where two are as likely as each other.
        far, bound = np.mean(found != wanted, axis=0), OTHER_CLASSES
    if not (far <= bound).all():
        worst = int(np.argmax(far))
        raise Error(
            f"the network that was read is not that of {what}",
            place=f"output {model.outputs[worst]}",
            expected=f"{wanted[:3, worst].tolist()} on the first rows",
            found=found[:3, worst].tolist(),
            help="this is a fault of nervecord, or the module does not give the same for the same input: is it in eval mode?",
        )
    return model
