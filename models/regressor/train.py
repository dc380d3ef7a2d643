"""Trains the bundled regressor: tyre forces from slip, through a network that uses every supported activation once.

Run:       python models/regressor/train.py   (about ten seconds; writes its files beside this script)
Versions:  Python 3.11, numpy 2.4.6, onnx 1.23.2, onnxruntime 1.31.1 (models/requirements.txt)

`network` describes the layers once. Read by `Trainer` it computes values and gradients in numpy, read by `Exporter`
it writes the ONNX nodes, so what is trained is what is exported.

Seeded: the same machine and versions give the same bytes. Another BLAS may differ in the last digits of the
weights, which is why the trained file is committed.
"""
import json
import math
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
INPUTS, WIDTH, OUTPUTS = 4, 16, 2
SEED = 3
EPSILON = 1e-5
erf = np.vectorize(math.erf)

# ---- The function to learn: a combined-slip "magic formula" (Pacejka's form, invented coefficients) ----------------
LOW = np.array([-0.20, -0.20, 1.0, -0.08])  # slip angle rad, slip ratio, load kN, camber rad
HIGH = np.array([0.20, 0.20, 6.0, 0.08])


def tyre_force(x):
    """Longitudinal and lateral force in kN."""
    angle, ratio, load, camber = x.T
    grip = load * (1.15 - 0.04 * load)
    sy, sx = np.tan(angle) + 0.10 * camber, ratio
    slip = np.sqrt(sx**2 + sy**2 + 1e-4)
    stiffness = 14 - load
    force = grip * np.sin(1.4 * np.arctan(stiffness * slip)) / slip
    return np.stack([force * sx, -force * sy - 0.5 * grip * camber], axis=1)


def sample(rng, rows):
    x = rng.uniform(LOW, HIGH, (rows, INPUTS))
    x = np.array([[float(f"{v:.7g}") for v in row] for row in x])  # what a reader of the CSV files sees
    return x, tyre_force(x)


# ---- The network --------------------------------------------------------------------------------------------------
def network(b, x):
    """`b` is a Trainer or an Exporter. Seven residual blocks of two activations, a layer norm and a gate between them."""
    y = b.batch_norm(x, "input_norm", INPUTS)
    y = b.gemm(y, "stem", INPUTS, WIDTH)
    y = b.batch_norm(y, "stem_norm", WIDTH)
    y = b.act("Tanh", y)
    blocks = [("Relu", "LeakyRelu"), ("Elu", "Selu"), ("GeluErf", "Gelu"), ("HardSwish", "SiLU"), ("Softplus", "Softsign"), ("HardSigmoid", "Sin"), ("Clip",)]
    for i, kinds in enumerate(blocks):
        z = y
        for kind in kinds:
            z = b.act(kind, b.gemm(z, f"{kind.lower()}", WIDTH, WIDTH))
        y = b.add(y, z)
        if i == 2:
            y = b.layer_norm(y, "norm", WIDTH)
        if i == 4:
            y = b.mul(y, b.act("Sigmoid", b.gemm(y, "gate", WIDTH, WIDTH)))
    return b.gemm(y, "head", WIDTH, OUTPUTS)


SELU_ALPHA, SELU_GAMMA = 1.6732632423543772, 1.0507009873554805
LEAK, CLIP = 0.05, 2.0


def sigmoid(x):
    return 0.5 * (1 + np.tanh(x / 2))


def gelu(x):
    half = 0.5 * (1 + erf(x / np.sqrt(2)))
    return x * half, half + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


def elu(x, alpha, gamma):
    e = alpha * np.exp(np.minimum(x, 0))
    return gamma * np.where(x > 0, x, e - alpha), gamma * np.where(x > 0, 1.0, e)


def activation(kind, x):
    """The value and its derivative."""
    s = sigmoid(x)
    return {
        "Relu": lambda: (np.maximum(x, 0), (x > 0) * 1.0),
        "LeakyRelu": lambda: (np.where(x > 0, x, LEAK * x), np.where(x > 0, 1.0, LEAK)),
        "Elu": lambda: elu(x, 1.0, 1.0),
        "Selu": lambda: elu(x, SELU_ALPHA, SELU_GAMMA),
        "GeluErf": lambda: gelu(x),
        "Gelu": lambda: gelu(x),
        "Sigmoid": lambda: (s, s * (1 - s)),
        "Tanh": lambda: (np.tanh(x), 1 - np.tanh(x) ** 2),
        "SiLU": lambda: (x * s, s + x * s * (1 - s)),
        "HardSigmoid": lambda: (np.clip(0.2 * x + 0.5, 0, 1), 0.2 * (np.abs(x) < 2.5)),
        "HardSwish": lambda: (x * np.clip(x / 6 + 0.5, 0, 1), np.where(np.abs(x) < 3, x / 3 + 0.5, x > 0)),
        "Softplus": lambda: (np.logaddexp(0, x), s),
        "Softsign": lambda: (x / (1 + np.abs(x)), 1 / (1 + np.abs(x)) ** 2),
        "Sin": lambda: (np.sin(x), np.cos(x)),
        "Clip": lambda: (np.clip(x, -CLIP, CLIP), (np.abs(x) < CLIP) * 1.0),
    }[kind]()


class Var:
    def __init__(self, value):
        self.value, self.grad = value, 0.0


class Trainer:
    """Evaluates the network in float64 and keeps a tape for the gradient."""

    def __init__(self, rng, parameters=None, statistics=None):
        self.rng = rng
        self.parameters = {} if parameters is None else parameters
        self.statistics = {} if statistics is None else statistics  # batch norm's mean and variance, frozen once measured
        self.tape, self.vars = [], {}

    def parameter(self, name, start):
        if name not in self.parameters:
            self.parameters[name] = start()
        self.vars[name] = Var(self.parameters[name])
        return self.vars[name]

    def record(self, value, *pulls):
        out = Var(value)
        self.tape.append((out, pulls))
        return out

    def backward(self, out, grad):
        out.grad = grad
        for node, pulls in reversed(self.tape):
            for var, pull in pulls:
                var.grad = var.grad + pull(node.grad)

    def gemm(self, x, name, n, m):
        w = self.parameter(f"{name}.weight", lambda: self.rng.normal(0, 1 / np.sqrt(n), (m, n)))
        c = self.parameter(f"{name}.bias", lambda: np.zeros(m))
        return self.record(x.value @ w.value.T + c.value, (x, lambda g: g @ w.value), (w, lambda g: g.T @ x.value), (c, lambda g: g.sum(0)))

    def act(self, kind, x):
        value, slope = activation(kind, x.value)
        return self.record(value, (x, lambda g: g * slope))

    def add(self, x, y):
        return self.record(x.value + y.value, (x, lambda g: g), (y, lambda g: g))

    def mul(self, x, y):
        return self.record(x.value * y.value, (x, lambda g: g * y.value), (y, lambda g: g * x.value))

    def affine(self, z, name, n):
        """z * gamma + beta for an already normalised z; returns the value, its pulls, and gamma."""
        gamma = self.parameter(f"{name}.gamma", lambda: np.ones(n))
        beta = self.parameter(f"{name}.beta", lambda: np.zeros(n))
        return z * gamma.value + beta.value, ((gamma, lambda g: (g * z).sum(0)), (beta, lambda g: g.sum(0))), gamma

    def batch_norm(self, x, name, n):
        if name not in self.statistics:
            self.statistics[name] = (x.value.mean(0), x.value.var(0))
        mean, var = self.statistics[name]
        scale = 1 / np.sqrt(var + EPSILON)
        value, pulls, gamma = self.affine((x.value - mean) * scale, name, n)
        return self.record(value, (x, lambda g: g * gamma.value * scale), *pulls)

    def layer_norm(self, x, name, n):
        centred = x.value - x.value.mean(1, keepdims=True)
        scale = 1 / np.sqrt((centred**2).mean(1, keepdims=True) + EPSILON)
        z = centred * scale
        value, pulls, gamma = self.affine(z, name, n)

        def pull(g):
            g = g * gamma.value
            return scale * (g - g.mean(1, keepdims=True) - z * (g * z).mean(1, keepdims=True))

        return self.record(value, (x, pull), *pulls)


class Exporter:
    """Writes the same network as ONNX nodes."""

    def __init__(self, parameters, statistics):
        self.parameters, self.statistics = parameters, statistics
        self.nodes, self.tensors = [], []

    def tensor(self, name, value):
        self.tensors.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def node(self, op, inputs, name, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def gemm(self, x, name, n, m):
        weights = [self.tensor(f"{name}.{k}", self.parameters[f"{name}.{k}"]) for k in ("weight", "bias")]
        return self.node("Gemm", [x, *weights], f"{name}_gemm", transB=1)

    def act(self, kind, x):
        name = kind.lower()
        if kind == "GeluErf":
            ratio = self.node("Div", [x, self.tensor("sqrt2", np.sqrt(2))], f"{name}_div")
            bell = self.node("Add", [self.node("Erf", [ratio], f"{name}_erf"), self.tensor("one", 1.0)], f"{name}_add")
            return self.node("Mul", [self.node("Mul", [x, bell], f"{name}_mul"), self.tensor("half", 0.5)], name)
        if kind == "SiLU":
            return self.node("Mul", [x, self.node("Sigmoid", [x], f"{name}_sigmoid")], name)
        if kind == "Clip":
            return self.node("Clip", [x, self.tensor("clip_min", -CLIP), self.tensor("clip_max", CLIP)], name)
        return self.node(kind, [x], name, **({"alpha": LEAK} if kind == "LeakyRelu" else {}))

    def add(self, x, y):
        return self.node("Add", [x, y], f"add_{y}")

    def mul(self, x, y):
        return self.node("Mul", [x, y], f"mul_{y}")

    def affine(self, name):
        return [self.tensor(f"{name}.{k}", self.parameters[f"{name}.{k}"]) for k in ("gamma", "beta")]

    def batch_norm(self, x, name, n):
        statistics = [self.tensor(f"{name}.{k}", v) for k, v in zip(("mean", "variance"), self.statistics[name])]
        return self.node("BatchNormalization", [x, *self.affine(name), *statistics], name, epsilon=EPSILON)

    def layer_norm(self, x, name, n):
        return self.node("LayerNormalization", [x, *self.affine(name)], name, axis=-1, epsilon=EPSILON)


# ---- Training and files -------------------------------------------------------------------------------------------
def train(rng, x, y, steps=8000, batch=128, rate=5e-3, decay=1e-2):
    """Adam with decoupled weight decay and a cosine schedule, on the mean squared error."""
    start = Trainer(rng)
    network(start, Var(x))  # draws the weights and measures batch norm's statistics
    parameters, statistics = start.parameters, start.statistics
    first = {k: np.zeros_like(p) for k, p in parameters.items()}
    second = {k: np.zeros_like(p) for k, p in parameters.items()}
    for step in range(1, steps + 1):
        rows = rng.integers(0, len(x), batch)
        trainer = Trainer(rng, parameters, statistics)
        out = network(trainer, Var(x[rows]))
        trainer.backward(out, 2 * (out.value - y[rows]) / out.value.size)
        lr = rate * 0.5 * (1 + np.cos(np.pi * step / steps))
        for name, p in parameters.items():
            g, m, v = trainer.vars[name].grad, first[name], second[name]
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            if name.endswith("weight"):
                p *= 1 - lr * decay
            p -= lr * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    return {k: p.astype(np.float32) for k, p in parameters.items()}, {k: [s.astype(np.float32) for s in pair] for k, pair in statistics.items()}


def export(parameters, statistics, path):
    exporter = Exporter(parameters, statistics)
    out = network(exporter, "slip")
    value = lambda name, width: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width])
    graph = helper.make_graph(exporter.nodes, "regressor", [value("slip", INPUTS)], [value(out, OUTPUTS)], exporter.tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9, producer_name="nervecord models/regressor")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def write_csv(path, names, rows):
    # Inputs have at most seven significant digits; eight keep an output of magnitude 10 within 1e-6.
    np.savetxt(path, rows, fmt="%.8g", delimiter=",", header=",".join(names), comments="")


def main():
    rng = np.random.default_rng(SEED)
    x, y = sample(rng, 20000)
    x_test, y_test = sample(rng, 4000)
    parameters, statistics = train(rng, x, y)
    export(parameters, statistics, HERE / "model.onnx")

    # The reference is the float32 weights evaluated in float64; onnxruntime must agree with what the file says.
    exact = {k: p.astype(np.float64) for k, p in parameters.items()}
    moments = {k: [s.astype(np.float64) for s in pair] for k, pair in statistics.items()}
    predict = lambda rows: network(Trainer(rng, exact, moments), Var(rows)).value
    vectors = x_test[:200]
    columns = [f"x{i}" for i in range(INPUTS)]
    write_csv(HERE / "calibration.csv", columns, x[:400])
    write_csv(HERE / "vectors.csv", columns + ["y0", "y1"], np.concatenate([vectors, predict(vectors)], axis=1))
    written = np.loadtxt(HERE / "vectors.csv", delimiter=",", skiprows=1)
    session = onnxruntime.InferenceSession(str(HERE / "model.onnx"), providers=["CPUExecutionProvider"])
    run = session.run(None, {"slip": written[:, :INPUTS].astype(np.float32)})[0]
    difference = np.abs(run - written[:, INPUTS:]).max()
    assert difference <= 1e-5, f"onnxruntime differs from vectors.csv by {difference}"

    error = predict(x_test) - y_test
    r2 = 1 - (error**2).sum(0) / ((y_test - y_test.mean(0)) ** 2).sum(0)
    metrics = {"r2": [round(v, 5) for v in r2], "rmse": round(float(np.sqrt((error**2).mean())), 5), "test_rows": len(x_test)}
    config = {
        "format": "onnx",
        "file": "model.onnx",
        "output": "regression",
        "description": "Tyre forces (kN) from slip angle, slip ratio, load and camber, through every supported activation.",
        "metrics": metrics,
    }
    (HERE / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    print(json.dumps(metrics), f"largest weight {max(abs(p).max() for p in parameters.values()):.2f}, onnxruntime within {difference:.1e}")


if __name__ == "__main__":
    main()
