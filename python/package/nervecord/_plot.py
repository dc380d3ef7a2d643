"""A picture of a closed loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

import numpy as np

from ._error import missing
from ._model import PathLike

if TYPE_CHECKING:
    from ._closed_loop import ClosedLoop

FLOAT, INTEGERS = "#4878a8", "#d1622b"


def draw(loop: ClosedLoop, path: Optional[PathLike]) -> Any:
    """Returns in pairs, their differences, and the actions of the first episode."""
    try:
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator
    except ImportError:
        raise missing("a plot", "matplotlib") from None
    figure = Figure(figsize=(11, 6.5), layout="constrained")
    axes = figure.subplot_mosaic([["pairs", "spread"], ["actions", "actions"]], width_ratios=(1.3, 1))
    pairs, spread, actions = axes["pairs"], axes["spread"], axes["actions"]

    numbers = np.arange(len(loop.episodes))
    pairs.vlines(numbers, loop.float_returns, loop.integer_returns, color="#bbbbbb", lw=1, zorder=1)
    pairs.scatter(numbers, loop.float_returns, color=FLOAT, s=28, label="float", zorder=2)
    pairs.scatter(numbers, loop.integer_returns, color=INTEGERS, s=12, label="integers", zorder=3)
    pairs.set(title="Return of each episode", xlabel="episode", ylabel="return")
    pairs.legend(frameon=False)

    spread.scatter(loop.integer_returns - loop.float_returns, numbers, color="#777777", s=14)
    spread.axvline(0.0, color="black", lw=0.8)
    spread.axvspan(*loop.interval, color=INTEGERS, alpha=0.2, label="95% of the mean")
    spread.axvline(loop.difference, color=INTEGERS, label=f"mean {loop.difference:+.3g}")
    spread.set(title="Integers less float", xlabel="difference of returns", ylabel="episode")
    spread.legend(frameon=False)
    for axis in (pairs.xaxis, spread.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))

    float_actions, integer_actions = loop.actions
    for column in range(float_actions.shape[1]):
        first = column == 0
        actions.plot(float_actions[:, column], color=FLOAT, lw=2.2, alpha=0.6, drawstyle="steps-post", label="float" if first else None)
        actions.plot(integer_actions[:, column], color=INTEGERS, lw=0.9, drawstyle="steps-post", label="integers" if first else None)
    divergence = loop.episodes[0].first_divergence
    if divergence is not None:
        actions.axvline(divergence, color="black", ls=":", lw=1, label=f"apart from step {divergence} on")
    actions.set(title=f"Actions from seed {loop.episodes[0].seed}", xlabel="step", ylabel="action")
    actions.legend(frameon=False, loc="upper right")
    for panel in axes.values():
        panel.spines[["top", "right"]].set_visible(False)
    if path is None:
        return figure
    figure.savefig(path, dpi=130)
    return path
