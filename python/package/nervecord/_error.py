"""What cannot be used, told so that its owner can mend it."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional, Tuple


class Error(ValueError):
    """An input that cannot be used.

    ``str(error)`` is the whole message. Its parts, each ``None`` where there is nothing to say:

    - ``summary``: what went wrong, in a line
    - ``file``: the file that holds the fault
    - ``place``: the node, tensor, row, column or argument at fault
    - ``expected`` and ``found``: what should have been there, and what was
    - ``help``: what to do about it
    """

    def __init__(
        self,
        summary: str,
        *,
        file: Optional[str] = None,
        place: Optional[str] = None,
        expected: Optional[object] = None,
        found: Optional[object] = None,
        help: Optional[str] = None,
        text: Optional[str] = None,
    ) -> None:
        self.summary = summary
        self.file = None if file is None else str(file)
        self.place = place
        self.expected = None if expected is None else str(expected)
        self.found = None if found is None else str(found)
        self.help = help
        super().__init__(text or self._text())

    def _text(self) -> str:
        parts = [
            ("     file", self.file),
            ("       at", self.place),
            (" expected", self.expected),
            ("    found", self.found),
            ("     help", self.help),
        ]
        return "\n".join([self.summary] + [f"{label}: {part}" for label, part in parts if part is not None])

    def __reduce__(self) -> Tuple[Callable[..., Error], Tuple[str, Dict[str, Any]]]:
        parts = {part: getattr(self, part) for part in ("file", "place", "expected", "found", "help")}
        return _again, (self.summary, {**parts, "text": str(self)})


def _again(summary: str, parts: Dict[str, Any]) -> Error:
    return Error(summary, **parts)


class ToleranceWarning(UserWarning):
    """The integers are further from float than was asked for."""


def missing(what: str, package: str, install: Optional[str] = None) -> Error:
    """The error for a framework that is not installed."""
    return Error(
        f"{what} needs {package}, which is not installed",
        place=what,
        expected=f"the package {package}",
        found="it cannot be imported",
        help=f"pip install {install or package}",
    )
