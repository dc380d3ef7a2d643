"""Paired episodes in other people's simulators."""

import os
import signal

import gymnasium
import numpy as np
import pytest
from swimmer import Swimmer

import nervecord
from nervecord._closed_loop import bootstrap


def cartpole():
    return gymnasium.make("CartPole-v1")


def pendulum():
    return gymnasium.make("Pendulum-v1")


def many(make, count=3):
    return lambda: gymnasium.vector.SyncVectorEnv([make] * count)


@pytest.fixture
def swing():
    """A policy of the pendulum: damping, and a push towards the top."""
    from sklearn.neural_network import MLPRegressor

    random = np.random.default_rng(0)
    angle, speed = random.uniform(-np.pi, np.pi, 3000), random.uniform(-8, 8, 3000)
    x = np.column_stack([np.cos(angle), np.sin(angle), speed])
    y = np.clip(np.where(x[:, 0] > 0.8, -10 * x[:, 1] - 2 * speed, 1.5 * np.sign(speed)), -2, 2)
    network = MLPRegressor(hidden_layer_sizes=(32, 32), max_iter=60, random_state=0).fit(x.astype(np.float32), y)
    return nervecord.from_sklearn(network, x)


def test_the_worm_swims_in_mujoco(bundled):
    model = bundled("ncap_swimmer")
    loop = nervecord.closed_loop(Swimmer, None, model, episodes=3)
    assert loop.integer_returns.min() > 700, str(loop)
    assert abs(loop.difference) < 0.02 * loop.float_returns.mean(), str(loop)
    assert loop.saturated == 0 and all(e.float_length == e.integer_length == 1000 for e in loop.episodes)
    still = nervecord.closed_loop(Swimmer, lambda obs: np.zeros(5), model, episodes=1)
    assert still.float_returns[0] < 100


def test_the_pendulum(swing):
    loop = nervecord.closed_loop(pendulum, None, swing, episodes=5)
    assert [e.seed for e in loop.episodes] == [0, 1, 2, 3, 4] and all(e.integer_length == 200 for e in loop.episodes)
    low, high = loop.interval
    assert low <= loop.difference <= high
    assert all(e.action_error < 0.1 for e in loop.episodes), str(loop)
    assert "mean return" in str(loop) and str(loop).count("\n") == 6
    again = nervecord.closed_loop("Pendulum-v1", nervecord.Float(swing), swing, episodes=5)
    assert again.episodes == loop.episodes


def test_the_pole(bundled):
    """A circuit that wants other inputs, and an environment with a wrapper and discrete actions."""

    class Inputs(gymnasium.ObservationWrapper):
        def observation(self, obs):
            return obs / np.array([2.4, 2.0, 0.2, 2.0])

    model = bundled("kan_cartpole")

    def make():
        return gymnasium.wrappers.TransformAction(Inputs(cartpole()), lambda a: int(a[0] > 0), gymnasium.spaces.Box(-9, 9, (1,)))

    loop = nervecord.closed_loop(make, None, model, seeds=[7, 3])
    assert loop.seeds == [7, 3] and len(loop.actions[0]) == loop.episodes[0].float_length


class Counter:
    """A float policy with a memory that a reset clears."""

    def reset(self):
        self.steps = 0

    def step(self, obs):
        self.steps += 1
        return [np.sin(0.3 * self.steps)]


def test_all_ways_give_the_same(swing):
    faults = nervecord.Faults(stale=0.1, dropped=0.1, noise=[0.01, 0.01, 0.05])
    for options in ({}, {"faults": faults}):
        options = {"episodes": 5, "max_steps": 60, **options}
        alone = nervecord.closed_loop(pendulum, None, swing, **options)
        for other in (
            nervecord.closed_loop(pendulum, None, swing, workers=2, **options),
            nervecord.closed_loop(lambda: pendulum(), None, swing, workers=2, **options),
            nervecord.closed_loop(many(pendulum), None, swing, **options),
            nervecord.closed_loop(many(pendulum), None, swing, workers=2, **options),
        ):
            assert other.episodes == alone.episodes and other.difference == alone.difference
            assert all((a == b).all() for a, b in zip(other.actions, alone.actions))
    loop = nervecord.closed_loop(pendulum, Counter(), swing, episodes=2, max_steps=9)
    assert loop.actions[0][:, 0] == pytest.approx(np.sin(0.3 * np.arange(1, 10)), abs=1e-6)


def test_recurrent_controllers_keep_their_own_memory(bundled):
    """Each of a vectorised environment's has a state, and its episode ends when it does."""

    class Echo(gymnasium.Env):
        observation_space = gymnasium.spaces.Box(-1, 1, (3,))
        action_space = gymnasium.spaces.Box(-100, 100, (2,))

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            self.end, self.steps = int(self.np_random.integers(5, 30)), 0
            return self.np_random.uniform(-0.5, 0.5, 3).astype(np.float32), {}

        def step(self, action):
            self.steps += 1
            obs = self.np_random.uniform(-0.5, 0.5, 3).astype(np.float32)
            return obs, float(np.sum(action)), self.steps >= self.end, False, {}

    model = bundled("gru_hover")
    alone = nervecord.closed_loop(Echo, None, model, episodes=7)
    together = nervecord.closed_loop(many(Echo, 4), None, model, episodes=7)
    assert together.episodes == alone.episodes
    assert len({e.integer_length for e in alone.episodes}) > 2
    before = model.memory
    nervecord.closed_loop(Echo, None, model, episodes=1)
    assert model.memory == before


def test_what_a_link_does(swing):
    clean = nervecord.closed_loop(pendulum, None, swing, episodes=4, max_steps=80)
    lost = nervecord.closed_loop(pendulum, None, swing, episodes=4, max_steps=80, faults=nervecord.Faults(dropped=0.8))
    assert (lost.float_returns != clean.float_returns).all()
    held = np.mean(np.diff(lost.actions[1][:, 0]) == 0)
    assert 0.6 < held < 0.95, "the last action stays where no sample arrives"
    none = nervecord.closed_loop(pendulum, None, swing, episodes=4, max_steps=80, faults=nervecord.Faults())
    assert none.episodes == clean.episodes


class Fragile(gymnasium.Env):
    """Ends its process once."""

    observation_space = gymnasium.spaces.Box(-1, 1, (3,))
    action_space = gymnasium.spaces.Box(-2, 2, (1,))

    def __init__(self, flag, parent):
        self.flag, self.parent = flag, parent

    def reset(self, *, seed=None, options=None):
        if seed == 2 and os.getpid() != self.parent and not os.path.exists(self.flag):
            open(self.flag, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return np.zeros(3, np.float32), {}

    def step(self, action):
        return np.zeros(3, np.float32), float(action[0]), True, False, {}


def test_a_lost_worker_is_replaced(swing, tmp_path):
    flag, parent = str(tmp_path / "lost"), os.getpid()
    loop = nervecord.closed_loop(lambda: Fragile(flag, parent), None, swing, episodes=6, workers=2)
    assert os.path.exists(flag) and len(loop.episodes) == 6
    assert loop.episodes == nervecord.closed_loop(lambda: Fragile(flag, parent), None, swing, episodes=6).episodes


def test_the_bootstrap_holds_what_it_says():
    """Of normal differences, 95% intervals hold the true mean about so often."""
    random = np.random.default_rng(1)
    held = [low <= 1.0 <= high for low, high in (bootstrap(random.normal(1.0, 2.0, 40), 400) for _ in range(200))]
    assert 0.88 < np.mean(held) < 0.99
    assert bootstrap(np.full(5, 0.25)) == (0.25, 0.25)


def test_progress_and_a_picture(swing, tmp_path, capsys):
    loop = nervecord.closed_loop(pendulum, None, swing, episodes=3, max_steps=30, progress=True)
    assert "3 of 3 episodes" in capsys.readouterr().err
    loop.plot(tmp_path / "loop.png")
    assert (tmp_path / "loop.png").read_bytes().startswith(b"\x89PNG")
    assert len(loop.plot().axes) == 3


BAD = {
    "no episodes": (dict(episodes=0), "1 or more"),
    "a seed twice": (dict(seeds=[1, 1]), "of its own"),
    "no workers": (dict(workers=0), "1 or more"),
    "no steps": (dict(max_steps=0), "1 or more"),
    "another cluster": (dict(cluster="slurm"), "ray"),
    "no environment": (dict(env_factory=lambda: 3), "gymnasium.Env"),
    "a policy of other actions": (dict(float_policy=lambda obs: np.zeros(4)), "(1,)"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_told(what, swing):
    changed, expected = BAD[what]
    arguments = {"env_factory": pendulum, "float_policy": None, "model": swing, "episodes": 2, **changed}
    with pytest.raises(nervecord.Error) as caught:
        nervecord.closed_loop(**arguments)
    assert expected in caught.value.expected, str(caught.value)


def test_bad_faults_are_told():
    for wrong in (dict(stale=1.5), dict(dropped=-0.1), dict(noise=-1.0)):
        with pytest.raises(nervecord.Error):
            nervecord.Faults(**wrong)
