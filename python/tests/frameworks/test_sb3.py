"""Policies of Stable-Baselines3 and sb3-contrib."""

import gymnasium
import numpy as np
import pytest
from sb3_contrib import TQC, RecurrentPPO
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

import nervecord


def pendulum():
    return gymnasium.make("Pendulum-v1")


def cartpole():
    return gymnasium.make("CartPole-v1")


SMALL = dict(net_arch=[24, 24])


@pytest.mark.parametrize("kind", [SAC, TD3, TQC])
def test_squashed_actions(kind):
    """In the units of the environment, which are twice those of the network."""
    policy = kind("MlpPolicy", pendulum(), policy_kwargs=dict(SMALL), learning_starts=50, seed=0).learn(400)
    model = nervecord.from_sb3(policy, pendulum(), steps=1000)
    obs = np.array([pendulum().observation_space.sample() for _ in range(50)])
    wanted, _ = policy.predict(obs, deterministic=True)
    assert np.sqrt(np.mean((model.run_float(obs) - wanted) ** 2)) < 1e-3
    loop = nervecord.closed_loop(pendulum, policy, model, 4)
    assert max(e.action_error for e in loop.episodes) < 0.1, str(loop)
    again = nervecord.closed_loop(pendulum, policy, model, 4, workers=2)
    assert again.episodes == loop.episodes


@pytest.mark.parametrize("kind", [PPO, A2C])
def test_normalised_observations(kind):
    """The model takes raw ones."""
    env = VecNormalize(DummyVecEnv([pendulum]))
    policy = kind("MlpPolicy", env, policy_kwargs=dict(SMALL), seed=0).learn(2100)
    raw = np.array([pendulum().observation_space.sample() for _ in range(50)])
    wanted, _ = policy.predict(env.normalize_obs(raw), deterministic=True)
    for model in (nervecord.from_sb3(policy, env, steps=800), nervecord.from_sb3(policy, pendulum(), steps=800)):
        found = model.run_float(raw)
        assert np.abs(found - wanted).max() < 1e-3 * max(1.0, np.abs(wanted).max())
    loop = nervecord.closed_loop(pendulum, policy, model, 3)
    assert max(e.action_error for e in loop.episodes) < 0.1, str(loop)
    together = nervecord.closed_loop(lambda: gymnasium.vector.SyncVectorEnv([pendulum] * 3), policy, model, 3)
    assert np.allclose(together.integer_returns, loop.integer_returns)


def test_discrete_actions():
    policy = DQN("MlpPolicy", cartpole(), policy_kwargs=dict(SMALL), learning_starts=50, seed=0).learn(400)
    model = nervecord.from_sb3(policy, cartpole(), steps=800)
    loop = nervecord.closed_loop(cartpole, policy, model, 4)
    assert loop.difference == 0.0 and all(e.first_divergence is None for e in loop.episodes)
    policy = PPO("MlpPolicy", cartpole(), policy_kwargs=dict(SMALL), n_steps=256, seed=0).learn(512)
    loop = nervecord.closed_loop(cartpole, policy, nervecord.from_sb3(policy, cartpole(), steps=800), 4)
    assert abs(loop.difference) <= 0.1 * loop.float_returns.mean() + 5, str(loop)


def test_a_recurrent_policy():
    policy = RecurrentPPO("MlpLstmPolicy", pendulum(), n_steps=128, seed=0, policy_kwargs=dict(lstm_hidden_size=12)).learn(256)
    model = nervecord.from_sb3(policy, pendulum(), steps=1500)
    assert len(model.state) == 24
    loop = nervecord.closed_loop(pendulum, policy, model, 3)
    assert max(e.action_error for e in loop.episodes) < 0.1, str(loop)
    together = nervecord.closed_loop(lambda: gymnasium.vector.SyncVectorEnv([pendulum] * 3), policy, model, 3)
    assert np.allclose(together.integer_returns, loop.integer_returns, rtol=1e-3)


class Parts(gymnasium.Env):
    """Observations under names."""

    observation_space = gymnasium.spaces.Dict(
        {"pose": gymnasium.spaces.Box(-2, 2, (3,)), "goal": gymnasium.spaces.Box(-1, 1, (2,))}
    )
    action_space = gymnasium.spaces.Box(-1, 1, (2,))

    def _obs(self):
        return {key: box.sample() for key, box in self.observation_space.spaces.items()}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.observation_space.seed(seed)
        self.left = 20
        return self._obs(), {}

    def step(self, action):
        self.left -= 1
        return self._obs(), float(np.sum(action)), self.left == 0, False, {}


def test_observations_under_names():
    policy = PPO("MultiInputPolicy", Parts(), policy_kwargs=dict(SMALL), n_steps=128, seed=0).learn(256)
    model = nervecord.from_sb3(policy, Parts(), steps=600)
    assert len(model.inputs) == 5
    loop = nervecord.closed_loop(Parts, policy, model, 3)
    assert max(e.action_error for e in loop.episodes) < 0.05, str(loop)


def test_a_cluster_of_two_gives_the_same():
    policy = SAC("MlpPolicy", pendulum(), policy_kwargs=dict(SMALL), learning_starts=50, seed=0).learn(150)
    model = nervecord.from_sb3(policy, pendulum(), steps=600)
    faults = nervecord.Faults(stale=0.1, noise=0.02)
    alone = nervecord.closed_loop(pendulum, policy, model, 6, faults=faults)
    cluster = nervecord.closed_loop(pendulum, policy, model, 6, workers=2, cluster="ray", faults=faults)
    assert cluster.episodes == alone.episodes and cluster.interval == alone.interval


def test_a_lost_worker_of_a_cluster_is_replaced(tmp_path):
    import os
    import signal

    flag = str(tmp_path / "lost")

    class Fragile(gymnasium.Env):
        observation_space = gymnasium.spaces.Box(-1, 1, (3,))
        action_space = gymnasium.spaces.Box(-2, 2, (1,))

        def reset(self, *, seed=None, options=None):
            if seed == 1 and not os.path.exists(flag):
                open(flag, "w").close()
                os.kill(os.getpid(), signal.SIGKILL)
            return np.zeros(3, np.float32), {}

        def step(self, action):
            return np.zeros(3, np.float32), float(action[0]), True, False, {}

    network = PPO("MlpPolicy", pendulum(), policy_kwargs=dict(SMALL), n_steps=64, seed=0)
    model = nervecord.from_sb3(network, pendulum(), steps=300)
    loop = nervecord.closed_loop(Fragile, None, model, 3, workers=1, cluster="ray")
    assert os.path.exists(flag) and len(loop.episodes) == 3


def test_what_is_missing_is_told():
    policy = PPO("MlpPolicy", pendulum(), policy_kwargs=dict(SMALL), n_steps=64, seed=0)
    with pytest.raises(nervecord.Error, match="env="):
        nervecord.from_sb3(policy)
    with pytest.raises(nervecord.Error, match="none of Stable-Baselines3"):
        nervecord.from_sb3(object(), pendulum())
