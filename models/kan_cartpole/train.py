"""Trains the cart-pole controller: a Kolmogorov-Arnold network [4, 8, 1] that imitates a saturated LQR.

The layer is efficient-kan's: base_weight silu(x) + spline_weight spline_scaler B(x), cubic, 5 intervals on
[-1, 1]. Only numpy and safetensors are needed; the gradients are written out. Seeded: the same file every time.
"""

import json
import pathlib

import numpy as np
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
LAYERS, INTERVALS, STEP = [4, 8, 1], 5, 2 / 5
# The discrete-time LQR of the linearised plant (cart 1 kg, pole 0.1 kg and half-length 0.5 m, 0.02 s a step).
GAIN = np.array([8.590148768806564, 10.774510032571595, 71.73512000408526, 17.359963058288034])
UNITS = np.array([2.4, 3.0, 0.6, 3.0])
KNOTS = (-1 + STEP * (np.arange(INTERVALS + 7) - 3)).astype(np.float32)


def silu(x):
    s = 1 / (1 + np.exp(-x))
    return x * s, s * (1 + x * (1 - s))


def basis(x):
    """The basis functions at x and their derivatives, zero outside the knots."""
    p = (x + 1) / STEP
    s, u = np.floor(p).astype(int), p - np.floor(p)
    values = np.stack([(1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3]) / 6
    slopes = np.stack([-((1 - u) ** 2), 3 * u**2 - 4 * u, -3 * u**2 + 2 * u + 1, u**2]) / (2 * STEP)
    count = INTERVALS + 3
    b, db = np.zeros(x.shape + (count,)), np.zeros(x.shape + (count,))
    for k in range(4):
        index = s + k
        for i in range(count):
            here = index == i
            b[here, i], db[here, i] = values[k][here], slopes[k][here]
    return b, db


def forward(weights, x):
    trace = []
    for base, spline in weights:
        (f, df), (b, db) = silu(x), basis(x)
        trace.append((f, df, b, db))
        x = f @ base.T + np.einsum("nik,oik->no", b, spline)
    return x, trace


def backward(weights, trace, error):
    gradients = []
    for (base, spline), (f, df, b, db) in zip(reversed(weights), reversed(trace)):
        gradients.append((error.T @ f, np.einsum("no,nik->oik", error, b)))
        error = (error @ base) * df + np.einsum("no,oik,nik->ni", error, spline, db)
    return gradients[::-1]


def draw(random, rows):
    """Scaled states and the force the LQR answers them with, over its limit of 10 N."""
    x = np.clip(random.normal(0, 0.45, (rows, 4)), -1, 1)
    return x, np.clip((x * UNITS) @ GAIN / 10, -1, 1)[:, None]


def main():
    random = np.random.default_rng(7)
    weights = []
    for i, o in zip(LAYERS, LAYERS[1:]):
        weights.append([random.normal(0, 1 / np.sqrt(i), (o, i)), random.normal(0, 0.1, (o, i, INTERVALS + 3))])
    moments = [[[np.zeros_like(w), np.zeros_like(w)] for w in layer] for layer in weights]
    steps = 6000
    for t in range(1, steps + 1):
        x, y = draw(random, 256)
        out, trace = forward(weights, x)
        gradients = backward(weights, trace, 2 * (out - y) / len(x))
        rate = 0.01 * 0.5 * (1 + np.cos(np.pi * t / steps))
        for layer, gradient, moment in zip(weights, gradients, moments):
            for w, g, m in zip(layer, gradient, moment):
                m[0] += 0.1 * (g - m[0])
                m[1] += 0.001 * (g * g - m[1])
                w -= rate * (m[0] / (1 - 0.9**t)) / (np.sqrt(m[1] / (1 - 0.999**t)) + 1e-8)
    weights = [[w.astype(np.float32) for w in layer] for layer in weights]
    tensors = {}
    for l, (base, spline) in enumerate(weights):
        tensors[f"layers.{l}.base_weight"] = base
        tensors[f"layers.{l}.spline_weight"] = spline
        tensors[f"layers.{l}.spline_scaler"] = np.ones_like(base)
        tensors[f"layers.{l}.grid"] = np.tile(KNOTS, (base.shape[1], 1))
    save_file(tensors, HERE / "model.safetensors")
    exact = [[w.astype(np.float64) for w in layer] for layer in weights]
    x, y = draw(random, 5000)
    out = forward(exact, x)[0]
    r2 = 1 - np.mean((out - y) ** 2) / np.var(y)
    config = {
        "format": "efficient-kan",
        "layers": LAYERS,
        "grid_size": INTERVALS,
        "spline_order": 3,
        "input": "clip([x/2.4, x'/3, angle/0.6, angle'/3], -1, 1)",
        "output": "force over 10 N, to clip to [-1, 1]",
        "metrics": {"r2": round(float(r2), 6), "n_test": 5000},
    }
    (HERE / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    calibration = draw(random, 1000)[0].astype(np.float32)
    header = ",".join(f"x{i}" for i in range(4))
    np.savetxt(HERE / "calibration.csv", calibration, "%.9g", ",", header=header, comments="")
    x = draw(random, 200)[0].astype(np.float32).astype(np.float64)
    vectors = np.hstack([x, forward(exact, x)[0]])
    np.savetxt(HERE / "vectors.csv", vectors, "%.9g", ",", header=header + ",y0", comments="")
    print(f"R2 against the LQR: {r2:.5f}")


if __name__ == "__main__":
    main()
