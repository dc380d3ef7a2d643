"""What a user's type checker sees; it is checked, not run."""

from typing import Tuple

import numpy as np
from numpy.typing import NDArray

import nervecord


def drive(path: str, rows: NDArray[np.float32]) -> NDArray[np.int32]:
    model: nervecord.Model = nervecord.compile(path, rows, weights=8, tolerance=0.01)
    action = model.step(rows[0])
    both: Tuple[NDArray[np.float64], NDArray[np.int32]] = model.run(rows, "both")
    loop: nervecord.ClosedLoop = nervecord.closed_loop("Pendulum-v1", None, model, episodes=2)
    print(action.sum(), loop.difference + loop.interval[0], model.verify(rows).passed, model.status.saturated)
    return both[1]
