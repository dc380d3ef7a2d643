"""Trains the bundled control policy: a tanh network, 8-64-64-2, that imitates a two-joint arm's controller.

Run:       python models/policy/train.py      (about five seconds; writes its files beside this script)
Versions:  Python 3.11, numpy 2.4.6, onnx 1.23.2, onnxruntime 1.31.1 (models/requirements.txt)

Seeded: the same machine and versions give the same bytes. Another BLAS may differ in the last digits of the
weights, which is why the trained file is committed.
"""
import json
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
LAYERS = [8, 64, 64, 2]
SEED = 1

# The arm hangs in a vertical plane; angles are measured from the horizontal, the second relative to the first.
LENGTH = np.array([0.35, 0.30])  # m
MASS = np.array([0.80, 0.50])  # kg
KP = np.array([12.0, 7.0])  # N m / rad
KD = np.array([1.8, 0.9])  # N m s / rad
TORQUE_MAX = np.array([10.0, 5.0])  # N m
RATE_SCALE, ERROR_SCALE, GRAVITY = 5.0, 1.5, 9.81


def control_law(angle, rate, error):
    """PD with gravity compensation, and tanh for the torque limit. Returns torque / TORQUE_MAX, in (-1, 1)."""
    fore = MASS[1] * LENGTH[1] / 2 * GRAVITY * np.cos(angle[:, 0] + angle[:, 1])
    upper = (MASS[0] / 2 + MASS[1]) * LENGTH[0] * GRAVITY * np.cos(angle[:, 0])
    gravity = np.stack([upper + fore, fore], axis=1)
    return np.tanh((KP * error - KD * rate + gravity) / TORQUE_MAX)


def sample(rng, rows):
    """Observations as the firmware forms them, and the action the control law takes."""
    angle = rng.uniform(-np.pi, np.pi, (rows, 2))
    rate = np.clip(rng.normal(0, 2.0, (rows, 2)), -6, 6)
    error = np.clip(rng.normal(0, 0.6, (rows, 2)), -1.8, 1.8)
    trig = [f(angle[:, joint]) for joint in range(2) for f in (np.sin, np.cos)]
    x = np.concatenate([np.stack(trig, axis=1), rate / RATE_SCALE, error / ERROR_SCALE], axis=1)
    return as_csv(x), control_law(angle, rate, error)


def as_csv(x):
    """What a reader of the CSV files sees: seven significant digits."""
    return np.array([[float(f"{v:.7g}") for v in row] for row in x])


def forward(weights, x):
    """All activations, input first; tanh on every layer, the output included."""
    out = [x]
    for w, b in weights:
        out.append(np.tanh(out[-1] @ w.T + b))
    return out


def train(rng, x, y, steps=12000, batch=256, rate=4e-3, decay=1e-2):
    """Adam with decoupled weight decay and a cosine schedule, on the mean squared error."""
    weights = [[rng.normal(0, 1 / np.sqrt(n), (m, n)), np.zeros(m)] for n, m in zip(LAYERS, LAYERS[1:])]
    first = [[np.zeros_like(p) for p in layer] for layer in weights]
    second = [[np.zeros_like(p) for p in layer] for layer in weights]
    for step in range(1, steps + 1):
        rows = rng.integers(0, len(x), batch)
        acts = forward(weights, x[rows])
        grad = 2 * (acts[-1] - y[rows]) / acts[-1].size
        lr = rate * 0.5 * (1 + np.cos(np.pi * step / steps))
        for layer in reversed(range(len(weights))):
            grad = grad * (1 - acts[layer + 1] ** 2)
            grads = [grad.T @ acts[layer], grad.sum(0)]
            grad = grad @ weights[layer][0]
            for k, g in enumerate(grads):
                m, v = first[layer][k], second[layer][k]
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                weights[layer][k] *= 1 - lr * decay
                weights[layer][k] -= lr * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    return [[p.astype(np.float32) for p in layer] for layer in weights]


def export(weights, path):
    nodes, tensors, x = [], [], "observation"
    for i, (w, b) in enumerate(weights):
        tensors += [numpy_helper.from_array(w, f"fc{i}.weight"), numpy_helper.from_array(b, f"fc{i}.bias")]
        nodes.append(helper.make_node("Gemm", [x, f"fc{i}.weight", f"fc{i}.bias"], [f"fc{i}"], name=f"fc{i}", transB=1))
        x = "action" if i + 1 == len(weights) else f"tanh{i}"
        nodes.append(helper.make_node("Tanh", [f"fc{i}"], [x], name=x))
    value = lambda name, width: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width])
    graph = helper.make_graph(nodes, "policy", [value("observation", LAYERS[0])], [value("action", LAYERS[-1])], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="nervecord models/policy")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def write_csv(path, names, rows):
    # Inputs have at most seven significant digits; eight keep an output of magnitude 10 within 1e-6.
    np.savetxt(path, rows, fmt="%.8g", delimiter=",", header=",".join(names), comments="")


def main():
    rng = np.random.default_rng(SEED)
    x, y = sample(rng, 20000)
    x_test, y_test = sample(rng, 4000)
    weights = train(rng, x, y)
    export(weights, HERE / "model.onnx")

    # The reference is the float32 weights evaluated in float64; onnxruntime must agree with what the file says.
    exact = [[p.astype(np.float64) for p in layer] for layer in weights]
    predict = lambda rows: forward(exact, rows)[-1]
    vectors = x_test[:200]
    columns = [f"x{i}" for i in range(LAYERS[0])]
    write_csv(HERE / "calibration.csv", columns, x[:400])
    write_csv(HERE / "vectors.csv", columns + ["y0", "y1"], np.concatenate([vectors, predict(vectors)], axis=1))
    written = np.loadtxt(HERE / "vectors.csv", delimiter=",", skiprows=1)
    session = onnxruntime.InferenceSession(str(HERE / "model.onnx"), providers=["CPUExecutionProvider"])
    run = session.run(None, {"observation": written[:, :8].astype(np.float32)})[0]
    difference = np.abs(run - written[:, 8:]).max()
    assert difference <= 1e-5, f"onnxruntime differs from vectors.csv by {difference}"

    error = predict(x_test) - y_test
    r2 = 1 - (error**2).sum(0) / ((y_test - y_test.mean(0)) ** 2).sum(0)
    metrics = {"r2": [round(v, 5) for v in r2], "rmse": round(float(np.sqrt((error**2).mean())), 5), "test_rows": len(x_test)}
    config = {
        "format": "onnx",
        "file": "model.onnx",
        "output": "control",
        "description": "Two-joint arm: PD control with gravity compensation and a torque limit, imitated by a tanh network.",
        "layers": LAYERS,
        "metrics": metrics,
    }
    (HERE / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    print(json.dumps(metrics), f"largest weight {max(abs(p).max() for layer in weights for p in layer):.2f}, onnxruntime within {difference:.1e}")


if __name__ == "__main__":
    main()
