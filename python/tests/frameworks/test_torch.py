"""Modules of PyTorch."""

import pickle

import numpy as np
import pytest
import torch
from torch import nn

import nervecord

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(400, 3)).astype(np.float32)
EPISODES = RANDOM.normal(size=(4, 100, 3))


def near(model, rows, wanted):
    found = model.run(rows)
    spread = wanted.std(axis=0)
    return np.sqrt(((found - wanted) ** 2).mean(axis=0) / spread**2).max() < 0.03


def test_a_perceptron():
    network = nn.Sequential(nn.Linear(3, 32), nn.Tanh(), nn.Dropout(0.5), nn.Linear(32, 2))
    model = nervecord.from_torch(network, ROWS)
    assert network.training, "it is what it was"
    assert model.name == "sequential" and (len(model.inputs), len(model.outputs)) == (3, 2)
    with torch.no_grad():
        assert near(model, ROWS, network.eval()(torch.as_tensor(ROWS)).numpy())


class Gru(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru, self.head = nn.GRU(3, 16), nn.Linear(16, 2)

    def forward(self, obs, h):
        y, h = self.gru(obs.unsqueeze(0), h)
        return torch.tanh(self.head(y[0])), h


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(3, 12, num_layers=2, batch_first=True), nn.Linear(12, 2)

    def forward(self, obs, state):
        y, state = self.lstm(obs.unsqueeze(1), state)
        return self.head(y[:, 0]), state


class Carry(nn.Module):
    """A memory of another name than states have."""

    def __init__(self):
        super().__init__()
        self.cell = nn.Linear(3 + 8, 8)

    def forward(self, obs, belief):
        belief = torch.tanh(self.cell(torch.cat([obs, belief], -1)))
        return belief[:, :2], belief


def test_a_gru():
    network = Gru()
    model = nervecord.from_torch(network, (torch.zeros(1, 3), torch.zeros(1, 1, 16)), EPISODES)
    assert model.inputs == ["x0", "x1", "x2"] or len(model.inputs) == 3
    assert len(model.outputs) == 2 and len(model.state) == 16
    with torch.no_grad():
        wanted, _ = network.gru(torch.as_tensor(EPISODES[0], dtype=torch.float32)[:, None])
        assert near(model, EPISODES[0], torch.tanh(network.head(wanted[:, 0])).numpy())


def test_an_lstm_of_two_layers_and_episodes_of_other_lengths():
    network, zero = Lstm(), torch.zeros(2, 1, 12)
    model = nervecord.from_torch(network, (torch.zeros(1, 3), (zero, zero)), [EPISODES[0], EPISODES[1][:50]])
    assert len(model.state) == 48
    with torch.no_grad():
        y, _ = network.lstm(torch.as_tensor(EPISODES[:1], dtype=torch.float32))
        assert near(model, EPISODES[0], network.head(y[0]).numpy())
    for row in EPISODES[0][:7]:
        model.step(row)
    again = pickle.loads(pickle.dumps(model))
    assert (again.step(ROWS[0]) == model.step(ROWS[0])).all() and again.memory == model.memory


def test_what_is_a_state_is_asked_where_it_is_not_clear():
    example = (torch.zeros(1, 3), torch.zeros(1, 8))
    with pytest.raises(nervecord.Error, match="belief") as caught:
        nervecord.from_torch(Carry(), example, EPISODES)
    assert 'state=["belief"]' in caught.value.help
    for state in (["belief"], {"belief": 1}):
        assert len(nervecord.from_torch(Carry(), example, EPISODES, state=state).state) == 8
    rows = np.concatenate([ROWS, RANDOM.normal(size=(400, 8))], axis=1)
    model = nervecord.from_torch(Carry(), example, rows, state=False)
    assert not model.program.is_recurrent and model.parts == {"obs": 3, "belief": 8} and len(model.outputs) == 10
    for wrong in ({"belief": 7}, {"faith": 1}, ["faith"]):
        with pytest.raises(nervecord.Error):
            nervecord.from_torch(Carry(), example, EPISODES, state=wrong)


def test_several_inputs_and_outputs():
    class Goal(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.value = nn.Linear(5, 4), nn.Linear(5, 1)

        def forward(self, obs, goal):
            both = torch.cat([obs, goal], -1)
            return torch.tanh(self.body(both)), self.value(both)

    goal = RANDOM.normal(size=(400, 2)).astype(np.float32)
    model = nervecord.from_torch(Goal(), (ROWS, goal))
    assert model.parts == {"obs": 3, "goal": 2}
    outputs = model.split(model.run({"obs": ROWS, "goal": goal}))
    assert outputs["action"].shape == (400, 4) and outputs["output1"].shape == (400, 1)
    assert (model.run(np.concatenate([ROWS, goal], 1)) == model.run({"obs": ROWS, "goal": goal})).all()
    alone = nervecord.from_torch(Goal(), (ROWS, goal), output="action")
    assert len(alone.outputs) == 4
    assert (alone.step({"obs": ROWS[0], "goal": goal[0]}) == alone.step(np.concatenate([ROWS[0], goal[0]]))).all()


def test_what_cannot_be_exported_is_told():
    class Branch(nn.Module):
        def forward(self, obs):
            return torch.linalg.svd(obs @ obs.T)[0]

    with pytest.raises(nervecord.Error):
        nervecord.from_torch(Branch(), ROWS)
    with pytest.raises(nervecord.Error, match="no module of PyTorch"):
        nervecord.from_torch(lambda x: x, ROWS)


def test_a_network_that_is_read_otherwise_is_refused():
    """What the framework gives in use is not what was exported: noise that eval mode does not stop."""

    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Linear(3, 2)

        def forward(self, obs):
            y = self.body(obs)
            return y if torch.jit.is_tracing() else y + torch.randn_like(y)

    with pytest.raises(nervecord.Error, match="is not that of Noisy"):
        nervecord.from_torch(Noisy(), ROWS)
