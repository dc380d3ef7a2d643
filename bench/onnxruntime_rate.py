"""Nanoseconds of a step of ONNX models in onnxruntime, one row at a time on one thread.

Each line is a model's name and the median over batches of calls, of the faster of two ways: plain
`run`, and `run_with_iobinding` on memory bound once. Needs requirements.txt.
"""

import statistics
import sys
import time
from pathlib import Path

import numpy
import onnxruntime

CALLS = 1000
BATCHES = 31


def nanoseconds(call):
    batches = []
    for _ in range(BATCHES):
        start = time.perf_counter_ns()
        for _ in range(CALLS):
            call()
        batches.append((time.perf_counter_ns() - start) / CALLS)
    return statistics.median(batches)


def measure(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    x = numpy.full((1, entry.shape[1]), 0.25, dtype=numpy.float32)
    feed = {entry.name: x}
    binding = session.io_binding()
    binding.bind_cpu_input(entry.name, x)
    binding.bind_output(session.get_outputs()[0].name)
    plain = nanoseconds(lambda: session.run(None, feed))
    bound = nanoseconds(lambda: session.run_with_iobinding(binding))
    return min(plain, bound)


for path in sys.argv[1:]:
    print(Path(path).stem, f"{measure(path):.1f}")
print(f"onnxruntime {onnxruntime.__version__}, numpy {numpy.__version__}", file=sys.stderr)
