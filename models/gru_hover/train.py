"""Trains the bundled recurrent policy: a GRU that hovers a planar quadrotor which it sees the pose of, but no rates.

Run:       python models/gru_hover/train.py     (some five minutes; writes its files beside this script)
Versions:  Python 3.11, numpy 2.4.6, jax 0.10.2, onnx 1.23.2, onnxruntime 1.31.1 (models/requirements.txt)

The loss of a flight is differentiated through the plant and the policy, over ever longer flights. The quadrotor carries
a load that nobody tells the policy of: speed and weight are for its memory to find out. Seeded: the same machine and
versions give the same bytes. Other ones may differ in the last digits of the weights, which is why the trained file is
committed.
"""

import json
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
SEED = 3
POSE, ENCODER, MEMORY, ROTORS = 3, 12, 16, 2

# The plant is cli/src/plants/quadrotor.rs.
TIME_STEP = 0.01  # s
GRAVITY = 9.81  # m / s^2
MASS = 0.5  # kg, without a load
ARM = 0.12  # m, from the centre to a rotor
INERTIA = 4e-3  # kg m^2
LAG = 0.05  # s, time constant of a rotor's thrust
HOVER = MASS * GRAVITY / ROTORS  # N, a rotor's thrust that carries the quadrotor without a load
LOAD = (0.9, 1.2)  # total mass over MASS
NOISE = 0.01  # half the width of the measurements' uniform noise, in units of the observation
# What a flight starts from: anything within these of the goal at rest.
START = np.array([2.0, 2.0, 0.5, 1.0, 1.0, 1.0])  # m, m, rad, m/s, m/s, rad/s
UNITS = np.array([2.0, 2.0, 1.0])  # m, m, rad: of the observation


def plant(xp, state, load, action):
    """One step by semi-implicit Euler of rows [x, z, pitch, their rates, thrusts of left and right over HOVER]."""
    pose, rate, thrust = state[:, :3], state[:, 3:6], state[:, 6:]
    thrust = thrust + (TIME_STEP / LAG) * (1 + action - thrust)
    lift = HOVER * thrust.sum(1) / (MASS * load)
    turn = HOVER * ARM / INERTIA * (thrust[:, 1] - thrust[:, 0])
    pull = xp.stack([-lift * xp.sin(pose[:, 2]), lift * xp.cos(pose[:, 2]) - GRAVITY, turn], axis=1)
    rate = rate + TIME_STEP * pull
    return xp.concatenate([pose + TIME_STEP * rate, rate, thrust], axis=1)


def policy(xp, w, seen, memory):
    """The thrusts' commands in (-1, 1) and the new memory; torch's GRU, its gates in ONNX's order z, r, h."""
    logistic = lambda v: 1 / (1 + xp.exp(-v))
    encoded = xp.tanh(seen @ w["encoder.weight"].T + w["encoder.bias"])
    x = xp.split(encoded @ w["gru.w"].T + w["gru.wb"], 3, axis=1)
    h = xp.split(memory @ w["gru.r"].T + w["gru.rb"], 3, axis=1)
    keep, reset = logistic(x[0] + h[0]), logistic(x[1] + h[1])
    memory = (1 - keep) * xp.tanh(x[2] + reset * h[2]) + keep * memory
    return xp.tanh(memory @ w["head.weight"].T + w["head.bias"]), memory


def initial(rng):
    draw = lambda fan, *shape: rng.uniform(-1, 1, shape).astype(np.float32) / np.sqrt(np.float32(fan))
    return {
        "encoder.weight": draw(POSE, ENCODER, POSE),
        "encoder.bias": draw(POSE, ENCODER),
        "gru.w": draw(MEMORY, 3 * MEMORY, ENCODER),
        "gru.wb": draw(MEMORY, 3 * MEMORY),
        "gru.r": draw(MEMORY, 3 * MEMORY, MEMORY),
        "gru.rb": draw(MEMORY, 3 * MEMORY),
        "head.weight": 0.1 * draw(MEMORY, ROTORS, MEMORY),
        "head.bias": np.zeros(ROTORS, np.float32),
    }


def starts(rng, flights):
    """States at rest rotors and loads of flights."""
    state = np.concatenate([rng.uniform(-START, START, (flights, 6)), np.ones((flights, ROTORS))], axis=1)
    return state, rng.uniform(*LOAD, flights)


@partial(jax.jit, static_argnames="steps")
def loss(w, key, state, load, steps):
    def step(carry, key):
        state, memory, before = carry
        seen = state[:, :3] / UNITS + jax.random.uniform(key, (len(state), POSE), minval=-NOISE, maxval=NOISE)
        action, memory = policy(jnp, w, seen, memory)
        state = plant(jnp, state, load, action)
        away = jnp.sqrt(1e-3 + (state[:, :2] ** 2).sum(1))
        cost = away + 0.5 * state[:, 2] ** 2 + 0.02 * (state[:, 3:5] ** 2).sum(1) + 0.01 * state[:, 5] ** 2
        cost += 0.3 * ((action - before) ** 2).sum(1)
        return (state, memory, action), jnp.minimum(cost, 20.0)

    carry = (state, jnp.zeros((len(state), MEMORY)), jnp.zeros((len(state), ROTORS)))
    return jax.lax.scan(step, carry, jax.random.split(key, steps))[1].mean()


# Steps of a flight, and updates with flights of that length.
STAGES = [(50, 600), (100, 800), (200, 1200), (400, 1500)]
FLIGHTS, RATE, DECAY = 128, 4e-3, 0.1


@partial(jax.jit, static_argnames="steps")
def update(w, first, second, t, rate, key, state, load, steps):
    """Adam with decoupled weight decay, on a gradient that is no longer than 1."""
    cost, gradient = jax.value_and_grad(loss)(w, key, state, load, steps)
    norm = jnp.sqrt(sum((g**2).sum() for g in jax.tree.leaves(gradient)))
    gradient = jax.tree.map(lambda g: jnp.where(jnp.isfinite(norm), g / jnp.maximum(norm, 1.0), 0.0), gradient)
    first = jax.tree.map(lambda m, g: m + 0.1 * (g - m), first, gradient)
    second = jax.tree.map(lambda v, g: v + 0.001 * (g * g - v), second, gradient)
    move = lambda p, m, v: (1 - rate * DECAY) * p - rate * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return jax.tree.map(move, w, first, second), first, second, cost


def train(rng):
    w = initial(rng)
    zeros = jax.tree.map(np.zeros_like, w)
    first, second, t, key = zeros, zeros, 0, jax.random.key(SEED)
    total = sum(updates for _, updates in STAGES)
    for steps, updates in STAGES:
        for _ in range(updates):
            t += 1
            key, noise = jax.random.split(key)
            state, load = (v.astype(np.float32) for v in starts(rng, FLIGHTS))
            rate = RATE * 0.5 * (1 + np.cos(np.pi * (t - 1) / total))
            w, first, second, cost = update(w, first, second, t, rate, noise, state, load, steps)
            if t % 100 == 0:
                print(f"update {t} of {total}, flights of {steps * TIME_STEP:.1f} s: {cost:.4f}", flush=True)
    return {name: np.asarray(p, np.float32) for name, p in w.items()}


def as_csv(x):
    """What a reader of the CSV files sees: seven significant digits."""
    return np.array([[float(f"{v:.7g}") for v in row] for row in x])


def fly(w, rng, flights, steps):
    """Closed loops with noise: what the policy saw, did and kept, and the states, each [steps, flights, ..]."""
    (state, load), memory = starts(rng, flights), np.zeros((flights, MEMORY))
    log = []
    for _ in range(steps):
        seen = as_csv(state[:, :3] / UNITS + rng.uniform(-NOISE, NOISE, (flights, POSE)))
        action, memory = policy(np, w, seen, memory)
        state = plant(np, state, load, action)
        log.append((seen, action, memory, state))
    return [np.stack(rows) for rows in zip(*log)]


def export(w, path):
    init = lambda name, value: numpy_helper.from_array(value, name)
    tensors = [
        *(init(name, w[name]) for name in ("encoder.weight", "encoder.bias", "head.weight", "head.bias")),
        init("gru.W", w["gru.w"][None]),
        init("gru.R", w["gru.r"][None]),
        init("gru.B", np.concatenate([w["gru.wb"], w["gru.rb"]])[None]),
        init("layer", np.array([0])),
    ]
    node = helper.make_node
    nodes = [
        node("Gemm", ["obs", "encoder.weight", "encoder.bias"], ["encoder"], name="encoder", transB=1),
        node("Tanh", ["encoder"], ["encoded"], name="encoder_tanh"),
        node("Unsqueeze", ["encoded", "layer"], ["sequence"], name="one_step"),
        node("GRU", ["sequence", "gru.W", "gru.R", "gru.B", "", "h_in"], ["", "h_out"], name="gru", hidden_size=MEMORY, linear_before_reset=1),
        node("Squeeze", ["h_out", "layer"], ["memory"], name="memory"),
        node("Gemm", ["memory", "head.weight", "head.bias"], ["head"], name="head", transB=1),
        node("Tanh", ["head"], ["action"], name="head_tanh"),
    ]
    value = lambda name, *shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    inputs = [value("obs", 1, POSE), value("h_in", 1, 1, MEMORY)]
    outputs = [value("action", 1, ROTORS), value("h_out", 1, 1, MEMORY)]
    graph = helper.make_graph(nodes, "gru_hover", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="nervecord models/gru_hover")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def write_csv(path, names, rows):
    np.savetxt(path, rows, fmt="%.8g", delimiter=",", header=",".join(names), comments="")


def columns(letter, count):
    return [f"{letter}{i}" for i in range(count)]


def check(path, vectors):
    """onnxruntime step by step over the vectors, its own state fed back."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    memory, most = np.zeros((1, 1, MEMORY), np.float32), 0.0
    for row in vectors:
        seen, action, state = np.split(row, [POSE, POSE + ROTORS])
        found, memory = session.run(None, {"obs": seen[None].astype(np.float32), "h_in": memory})
        most = max(most, np.abs(found[0] - action).max(), np.abs(memory[0, 0] - state).max())
    assert most <= 1e-5, f"onnxruntime differs from vectors.csv by {most}"
    return most


def main():
    rng = np.random.default_rng(SEED)
    w = train(rng)
    export(w, HERE / "model.onnx")

    # The reference is the float32 weights evaluated in float64; onnxruntime must agree with what the file says.
    exact = {name: p.astype(np.float64) for name, p in w.items()}
    seen = fly(exact, rng, 10, 300)[0]
    write_csv(HERE / "calibration.csv", columns("x", POSE), seen.swapaxes(0, 1).reshape(-1, POSE))
    vectors = np.concatenate([log[:, 0] for log in fly(exact, rng, 1, 200)[:3]], axis=1)
    write_csv(HERE / "vectors.csv", columns("x", POSE) + columns("y", ROTORS) + columns("h", MEMORY), vectors)
    difference = check(HERE / "model.onnx", np.loadtxt(HERE / "vectors.csv", delimiter=",", skiprows=1))

    state = fly(exact, rng, 1000, 1000)[3]
    away = np.hypot(state[..., 0], state[..., 1])
    late = away[-200:]
    metrics = {
        "flights": state.shape[1],
        "rms_m_after_8_s": round(float(np.sqrt((late**2).mean())), 4),
        "largest_m_after_8_s": round(float(late.max()), 4),
        "largest_pitch_rad": round(float(np.abs(state[..., 2]).max()), 3),
    }
    config = {
        "format": "onnx",
        "file": "model.onnx",
        "output": "control",
        "description": "Planar quadrotor with an unknown load: hovers at a goal from its pose alone, trained through the plant.",
        "layers": [POSE, ENCODER, MEMORY, ROTORS],
        "metrics": metrics,
    }
    (HERE / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    print(json.dumps(metrics), f"onnxruntime within {difference:.1e}")


if __name__ == "__main__":
    main()
