"""Trains the bundled digits classifier: a ReLU network, 64-32-10, on scikit-learn's 8x8 handwritten digits.

Run:       python models/digits/train.py      (a few seconds; writes its files beside this script)
Versions:  Python 3.11, numpy 2.4.6, scikit-learn 1.5.2, onnx 1.23.2, onnxruntime 1.31.1 (models/requirements.txt)

Seeded: the same machine and versions give the same bytes. Another BLAS may differ in the last digits of the
weights, which is why the trained file is committed. The images come with scikit-learn; nothing is downloaded.
"""
import json
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

HERE = Path(__file__).parent
LAYERS = [64, 32, 10]
SEED = 2


def forward(weights, x):
    """The hidden layer after ReLU, and the logits."""
    (w0, b0), (w1, b1) = weights
    hidden = np.maximum(x @ w0.T + b0, 0)
    return hidden, hidden @ w1.T + b1


def train(rng, x, y, steps=4000, batch=64, rate=3e-3, decay=0.5, noise=0.15):
    """Adam with decoupled weight decay and a cosine schedule, on the cross-entropy; a little noise on the pixels."""
    weights = [[rng.normal(0, np.sqrt(2 / n), (m, n)), np.zeros(m)] for n, m in zip(LAYERS, LAYERS[1:])]
    first = [[np.zeros_like(p) for p in layer] for layer in weights]
    second = [[np.zeros_like(p) for p in layer] for layer in weights]
    for step in range(1, steps + 1):
        rows = rng.integers(0, len(x), batch)
        image = x[rows] + rng.normal(0, noise, (batch, LAYERS[0]))
        hidden, logits = forward(weights, image)
        grad = np.exp(logits - logits.max(1, keepdims=True))
        grad /= grad.sum(1, keepdims=True)
        grad[np.arange(batch), y[rows]] -= 1
        grad /= batch
        back = (grad @ weights[1][0]) * (hidden > 0)
        grads = [[back.T @ image, back.sum(0)], [grad.T @ hidden, grad.sum(0)]]
        lr = rate * 0.5 * (1 + np.cos(np.pi * step / steps))
        for layer, pair in enumerate(grads):
            for k, g in enumerate(pair):
                m, v = first[layer][k], second[layer][k]
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                weights[layer][k] *= 1 - lr * decay
                weights[layer][k] -= lr * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    return [[p.astype(np.float32) for p in layer] for layer in weights]


def export(weights, path):
    tensors = [numpy_helper.from_array(p, f"fc{i}.{kind}") for i, layer in enumerate(weights) for p, kind in zip(layer, ("weight", "bias"))]
    nodes = [
        helper.make_node("Gemm", ["image", "fc0.weight", "fc0.bias"], ["fc0"], name="fc0", transB=1),
        helper.make_node("Relu", ["fc0"], ["hidden"], name="relu"),
        helper.make_node("Gemm", ["hidden", "fc1.weight", "fc1.bias"], ["logits"], name="fc1", transB=1),
    ]
    value = lambda name, width: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width])
    graph = helper.make_graph(nodes, "digits", [value("image", LAYERS[0])], [value("logits", LAYERS[-1])], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="nervecord models/digits")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def write_csv(path, names, rows):
    # Inputs have at most seven significant digits; eight keep an output of magnitude 10 within 1e-6.
    np.savetxt(path, rows, fmt="%.8g", delimiter=",", header=",".join(names), comments="")


def main():
    rng = np.random.default_rng(SEED)
    digits = load_digits()
    images = digits.data / 8 - 1  # 0..16 to -1..1, exact in binary
    x, x_test, y, y_test = train_test_split(images, digits.target, test_size=360, random_state=0, stratify=digits.target)
    weights = train(rng, x, y)
    export(weights, HERE / "model.onnx")

    # The reference is the float32 weights evaluated in float64; onnxruntime must agree with what the file says.
    exact = [[p.astype(np.float64) for p in layer] for layer in weights]
    predict = lambda rows: forward(exact, rows)[1]
    vectors, labels = x_test[:200], y_test[:200]
    columns = [f"x{i}" for i in range(LAYERS[0])]
    write_csv(HERE / "calibration.csv", columns, x[:400])
    write_csv(HERE / "vectors.csv", columns + [f"y{i}" for i in range(10)], np.concatenate([vectors, predict(vectors)], axis=1))
    write_csv(HERE / "labels.csv", ["label", "float_pred"], np.stack([labels, predict(vectors).argmax(1)], axis=1))
    written = np.loadtxt(HERE / "vectors.csv", delimiter=",", skiprows=1)
    session = onnxruntime.InferenceSession(str(HERE / "model.onnx"), providers=["CPUExecutionProvider"])
    run = session.run(None, {"image": written[:, :64].astype(np.float32)})[0]
    difference = np.abs(run - written[:, 64:]).max()
    assert difference <= 1e-5, f"onnxruntime differs from vectors.csv by {difference}"

    accuracy = lambda rows, truth: round(float((predict(rows).argmax(1) == truth).mean()), 4)
    metrics = {
        "accuracy": accuracy(x_test, y_test),
        "test_rows": len(x_test),
        "accuracy_vectors": accuracy(vectors, labels),
        "accuracy_training": accuracy(x, y),
    }
    config = {
        "format": "onnx",
        "file": "model.onnx",
        "output": "logits",
        "description": "Handwritten digits of 8x8 pixels, ten classes.",
        "layers": LAYERS,
        "metrics": metrics,
    }
    (HERE / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    print(json.dumps(metrics), f"largest weight {max(abs(p).max() for layer in weights for p in layer):.2f}, onnxruntime within {difference:.1e}")


if __name__ == "__main__":
    main()
