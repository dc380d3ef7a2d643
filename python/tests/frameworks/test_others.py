"""Networks of ncps, pykan and Keras."""

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from kan import KAN  # noqa: E402
from ncps.torch import CfC, LTC  # noqa: E402
from ncps.wirings import AutoNCP  # noqa: E402

import nervecord  # noqa: E402

RANDOM = np.random.default_rng(0)
EPISODES = RANDOM.normal(size=(3, 80, 4)).astype(np.float32)
ROWS = torch.as_tensor(RANDOM.uniform(-1, 1, (300, 3)), dtype=torch.float32)

LIQUID = {
    "wired": lambda: CfC(4, AutoNCP(12, 2)),
    "dense": lambda: CfC(4, 16, proj_size=2),
    "pure": lambda: CfC(4, 16, mode="pure"),
    "no gate": lambda: CfC(4, 16, mode="no_gate", activation="silu", backbone_layers=2),
    "no backbone": lambda: CfC(4, 16, backbone_layers=0),
    "mixed memory": lambda: CfC(4, 12, mixed_memory=True),
    "ltc": lambda: LTC(4, AutoNCP(12, 2)),
    "ltc, dense": lambda: LTC(4, 8),
}


@pytest.mark.parametrize("kind", LIQUID)
def test_liquid_networks(kind):
    network = LIQUID[kind]()
    model = nervecord.from_ncps(network, EPISODES)
    with torch.no_grad():
        wanted = network(torch.as_tensor(EPISODES))[0].numpy()
    assert np.abs(model.run_float(EPISODES) - wanted).max() < 1e-4
    assert model.promise["error"] < 0.02 and model.name in ("cfc", "ltc")


def test_a_liquid_network_of_another_time():
    network = CfC(4, 12)
    model = nervecord.from_ncps(network, EPISODES, timespan=0.5)
    with torch.no_grad():
        wanted = network(torch.as_tensor(EPISODES[:1]), timespans=torch.full((1, 80), 0.5))[0].numpy()
    assert np.abs(model.run_float(EPISODES[:1]) - wanted).max() < 1e-4
    with pytest.raises(nervecord.Error, match="none of ncps"):
        nervecord.from_ncps(torch.nn.Linear(2, 2))


@pytest.mark.parametrize("width", [[3, 4, 1], [3, [2, 2], 1]])
def test_pykan(width, tmp_path):
    network = KAN(width=width, grid=5, k=3, auto_save=False, ckpt_path=str(tmp_path))
    model = nervecord.from_kan(network, ROWS)
    assert np.abs(model.run_float(ROWS) - network(ROWS).detach().numpy()).max() < 1e-5
    network.fix_symbolic(0, 0, 0, "sin", verbose=False)
    model = nervecord.from_kan(network, ROWS)
    assert np.abs(model.run_float(ROWS) - network(ROWS).detach().numpy()).max() < 1e-5


def test_an_unknown_kan_is_told():
    with pytest.raises(nervecord.Error, match="not recognised") as caught:
        nervecord.from_kan(torch.nn.Linear(2, 2), ROWS)
    assert "Linear" in caught.value.found


def test_keras():
    layers = keras.layers
    network = keras.Sequential([layers.Input((3,)), layers.Dense(16, "tanh"), layers.Dense(8, "relu"), layers.Dense(2)], name="arm")
    model = nervecord.from_keras(network, ROWS.numpy())
    assert model.name == "arm" and model.verify(ROWS.numpy(), keras.ops.convert_to_numpy(network(ROWS.numpy())))
    with pytest.raises(nervecord.Error, match="no model of Keras"):
        nervecord.from_keras(torch.nn.Linear(2, 2), ROWS.numpy())
