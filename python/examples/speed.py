"""How long a step takes from Python, and how many rows a second a batch has.

    python python/examples/speed.py            # beside onnxruntime, where that is installed

The kernels' own time is that of one of a thousand controllers that step together on one thread, conversions included: what
`.step` takes above it is the way through Python and numpy. Rows a second are those of a batch of 4,096 on one thread, which a
host computes side by side. Times are the least of several repetitions.
"""

import time
from pathlib import Path

import numpy as np

import nervecord

MODELS = Path(__file__).parents[2] / "models"
ROWS = 4096


def least(work, repetitions, count=1):
    """Microseconds of one piece of work, at best."""
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        for _ in range(count):
            work()
        times.append((time.perf_counter() - start) / count)
    return min(times) * 1e6


def other(path, x):
    """Rows a second of onnxruntime's float on one thread; none where it is not installed, or the model is not ONNX."""
    try:
        import onnxruntime
    except ImportError:
        return None
    if not path.is_file():
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    rows, name = x.astype(np.float32), session.get_inputs()[0].name
    try:
        return ROWS / least(lambda: session.run(None, {name: rows}), 30) * 1e6
    except Exception:
        return None  # A network of one row alone.


def main():
    print(f"{'model':<16} {'step us':>9} {'kernel us':>9} {'above us':>9} {'rows/s':>12} {'onnxruntime':>12}")
    for folder in sorted(path.parent for path in MODELS.glob("*/calibration.csv")):
        model = nervecord.compile(folder, folder / "calibration.csv")
        low, high = model.program.range
        x = np.random.default_rng(0).uniform(low, high, (ROWS, len(model.inputs)))
        step = least(lambda: model.step(x[0]), 30, 2000)
        together, some = model.batch(1000), x[:1000]
        kernel = least(lambda: together.step(some, threads=1), 30) / 1000
        row = least(lambda: model.run(x, threads=1), 15) / ROWS
        rate = other(folder / "model.onnx", x)
        beside = "-" if rate is None else f"{rate:,.0f}"
        print(f"{folder.name:<16} {step:9.2f} {kernel:9.2f} {step - kernel:9.2f} {1e6 / row:12,.0f} {beside:>12}")


if __name__ == "__main__":
    main()
