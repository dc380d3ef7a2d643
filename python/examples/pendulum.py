"""Does quantization hurt my robot? From a trained policy to its firmware, asked in the simulator on the way.

    pip install ./python gymnasium scikit-learn skl2onnx matplotlib
    python python/examples/pendulum.py

Trains a policy of 64 neurons that swings a pendulum up (it learns from a controller of a few lines, on the states that it
comes to itself: Ross et al. 2011), compiles it, lets float and integers swing from the same starts, draws the comparison,
and writes the module for firmware in Rust and the two files for C.
"""

import argparse
from pathlib import Path

import gymnasium
import numpy as np
from sklearn.neural_network import MLPRegressor

import nervecord


def teacher(obs):
    """Pumps energy until the pendulum is near the top, and holds it there (Astrom and Furuta 2000)."""
    cosine, sine, speed = obs
    if cosine > 0.9:
        return np.clip(-16.0 * sine - 4.0 * speed, -2, 2)
    missing = 15.0 * (1.0 - cosine) - speed**2 / 2
    return np.clip(missing * (speed if abs(speed) > 0.05 else 0.05), -2, 2)


def train(rounds=4, episodes=25, seed=0):
    """A network that does what the teacher does, where the network itself comes to."""
    env, random = gymnasium.make("Pendulum-v1"), np.random.default_rng(seed)
    states, torques, network = [], [], None
    for number in range(rounds):
        for episode in range(episodes):
            obs, _ = env.reset(seed=seed + 1000 * number + episode)
            for _ in range(200):
                wanted = teacher(obs)
                states.append(obs)
                torques.append(wanted)
                own = wanted if network is None else network.predict(obs[np.newaxis])[0]
                obs, *_ = env.step([own + random.normal(0, 0.3)])
        network = MLPRegressor(hidden_layer_sizes=(32, 32), activation="tanh", max_iter=40, early_stopping=True, random_state=seed)
        network.fit(np.array(states, dtype=np.float32), np.array(torques))
        print(f"round {number + 1} of {rounds}: {len(states)} states")
    return network, np.array(states)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("pendulum"), help="the folder for picture and firmware")
    parser.add_argument("--episodes", type=int, default=20)
    options = parser.parse_args()

    network, states = train()
    model = nervecord.from_sklearn(network, states[::10], name="policy", settings={
        "calibration": {"columns": ["cosine", "sine", "speed"]},
        "units": {"speed": "rad/s", "y0": "N m"},
    })
    print(model.inspect())

    loop = nervecord.closed_loop("Pendulum-v1", None, model, options.episodes)
    print(loop)

    options.out.mkdir(parents=True, exist_ok=True)
    loop.plot(options.out / "closed_loop.png")
    written = [options.out / "closed_loop.png", model.emit(options.out / "policy.rs")]
    try:
        written += model.emit_c(options.out / "c", "cortex-m4")
    except nervecord.Error as error:
        print(f"no files for C: {error}")
    print("wrote", ", ".join(map(str, written)))
    print("next: `nervecord new` makes a project for a board around policy.rs; docs/c-firmware.md tells how C calls it")


if __name__ == "__main__":
    main()
