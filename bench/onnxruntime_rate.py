"""Nanoseconds of a row of ONNX models in onnxruntime on one thread.

    python onnxruntime_rate.py ROWS MODEL...

One row at a time, a line is a model's name and the median over batches of calls. Of ROWS rows at once it is the least of
several calls by their number, since others on the machine only add to it. Each is of the faster of two ways: plain `run`, and
`run_with_iobinding` on memory bound once. Needs requirements.txt.
"""

import statistics
import sys
import time
from pathlib import Path

import numpy
import onnxruntime

CALLS = 1000
BATCHES = 31
REPETITIONS = 21


def nanoseconds(call):
    batches = []
    for _ in range(BATCHES):
        start = time.perf_counter_ns()
        for _ in range(CALLS):
            call()
        batches.append((time.perf_counter_ns() - start) / CALLS)
    return statistics.median(batches)


def least(call):
    times = []
    for _ in range(REPETITIONS):
        start = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - start)
    return min(times)


def measure(path, rows):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    x = numpy.random.default_rng(7).uniform(-1, 1, (rows, entry.shape[1])).astype(numpy.float32)
    feed = {entry.name: x}
    binding = session.io_binding()
    binding.bind_cpu_input(entry.name, x)
    binding.bind_output(session.get_outputs()[0].name)
    time_of = nanoseconds if rows == 1 else least
    plain = time_of(lambda: session.run(None, feed))
    bound = time_of(lambda: session.run_with_iobinding(binding))
    return min(plain, bound) / rows


for path in sys.argv[2:]:
    print(Path(path).stem, f"{measure(path, int(sys.argv[1])):.1f}")
print(f"onnxruntime {onnxruntime.__version__}, numpy {numpy.__version__}", file=sys.stderr)
