"""Policies of Stable-Baselines3 and sb3-contrib: the deterministic action, from the observation as the environment gives it."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from .._arrays import Array
from .._closed_loop import is_a
from .._error import Error
from .._model import Model
from .common import module, named
from .torch import from_torch

#: Steps of a rollout for calibration.
STEPS = 4000


def from_sb3(
    algorithm: Any, env: Any = None, calibration: Any = None, *, steps: int = STEPS, seed: int = 0, **options: Any
) -> Model:
    """Compiles what ``algorithm.predict(obs, deterministic=True)`` computes, as one network.

    The mean of the action or the likeliest one; squashing and the action space's bounds included, and the
    normalisation of a ``VecNormalize`` around its environment: the model takes raw observations. The state of a
    ``RecurrentPPO`` is kept in the model.

    :param algorithm: a trained PPO, A2C, SAC, TD3, DDPG, DQN, TQC, RecurrentPPO or the like.
    :param env: an environment, plain or vectorised, whose rollout becomes the calibration data: every second episode
        with exploration, so that it covers more than the policy's own path.
    :param calibration: raw observations instead, as :func:`nervecord.compile` takes them.
    :param steps: of the rollout.
    :param options: further arguments of :func:`nervecord.compile`.
    """
    torch = module("from_sb3", "torch")
    module("from_sb3", "stable_baselines3")
    policy = getattr(algorithm, "policy", None)
    if policy is None or not hasattr(algorithm, "predict"):
        raise Error(
            "the algorithm is none of Stable-Baselines3",
            place="algorithm",
            expected="a trained PPO, SAC, .. with its policy",
            found=type(algorithm).__name__,
            help="give what PPO.load(..) returns",
        )
    normalize = _normalize(env) or algorithm.get_vec_normalize_env()
    keys, sizes = _observation(algorithm.observation_space)
    if calibration is None:
        if env is None:
            raise Error(
                "there is no calibration data",
                place="from_sb3",
                expected="env= for a rollout, or calibration= with raw observations",
                found="neither",
                help="pass the environment that the policy was trained in",
            )
        calibration = _rollout(algorithm, env, normalize, keys, steps, seed)
    recurrent = hasattr(policy, "lstm_actor")
    network = _Deterministic.of(torch, algorithm, normalize, keys, recurrent)
    example: List[Any] = [np.zeros((1, size), np.float32) for size in sizes]
    if recurrent:
        lstm = policy.lstm_actor
        example += [np.zeros((lstm.num_layers, 1, lstm.hidden_size), np.float32)] * 2
    device = policy.device
    policy.to("cpu")
    try:
        state = {"h": 1, "c": 2} if recurrent else False
        options = named(options, type(algorithm).__name__)
        names = [*(keys or ["obs"]), *(["h", "c"] if recurrent else [])]
        return from_torch(network, tuple(example), calibration, state=state, names=names, **options)
    finally:
        policy.to(device)


def _normalize(env: Any) -> Any:
    """The VecNormalize around an environment, if there is one."""
    while is_a(env, "VecEnvWrapper"):
        if is_a(env, "VecNormalize"):
            return env
        env = env.venv
    return None


def _observation(space: Any) -> Tuple[Optional[List[str]], List[int]]:
    """The keys of a dict of observations, and the features of each."""
    parts = getattr(space, "spaces", None)
    keys = list(parts) if isinstance(parts, dict) else None
    boxes = list(parts.values()) if isinstance(parts, dict) else [space]
    for box in boxes:
        if type(box).__name__ != "Box" or len(box.shape or ()) != 1:
            raise Error(
                "the observation is no vector of numbers",
                place="observation_space",
                expected="a Box of one axis, or a Dict of them",
                found=space,
                help="flatten it with gymnasium.wrappers.FlattenObservation; images do not fit a microcontroller",
            )
    return keys, [int(box.shape[0]) for box in boxes]


class _Deterministic:
    """The module of the deterministic action; made where PyTorch is there to inherit from."""

    @staticmethod
    def of(torch: Any, algorithm: Any, normalize: Any, keys: Optional[List[str]], recurrent: bool) -> Any:
        policy, space = algorithm.policy, algorithm.action_space

        def constant(x: Any) -> Any:
            return torch.as_tensor(np.asarray(x), dtype=torch.float32)

        def normal(obs: Any, key: Optional[str]) -> Any:
            if normalize is None or not normalize.norm_obs:
                return obs
            if key is not None and key not in normalize.norm_obs_keys:
                return obs
            rms = normalize.obs_rms if key is None else normalize.obs_rms[key]
            scaled = (obs - constant(rms.mean)) / constant(np.sqrt(np.asarray(rms.var) + normalize.epsilon))
            return torch.clamp(scaled, -normalize.clip_obs, normalize.clip_obs)

        def observed(observations: Tuple[Any, ...]) -> Any:
            if keys is None:
                return normal(observations[0], None)
            return {key: normal(obs, key) for key, obs in zip(keys, observations)}

        def bounded(action: Any) -> Any:
            if type(space).__name__ != "Box":
                return action.float()
            low, high = constant(space.low.ravel()), constant(space.high.ravel())
            if policy.squash_output:
                return low + 0.5 * (action + 1.0) * (high - low)
            finite = np.isfinite(space.low).all() and np.isfinite(space.high).all()
            return torch.minimum(torch.maximum(action, low), high) if finite else action

        class Feedforward(torch.nn.Module):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.policy = policy

            def forward(self, *observations: Any) -> Any:
                return bounded(policy._predict(observed(observations), deterministic=True))

        class Recurrent(torch.nn.Module):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.policy = policy

            def forward(self, obs: Any, h: Any, c: Any) -> Any:
                action, (h, c) = policy._predict(
                    observed((obs,)), lstm_states=(h, c), episode_starts=torch.zeros(1), deterministic=True
                )
                return bounded(action), h, c

        return Recurrent() if recurrent else Feedforward()


def _rollout(
    algorithm: Any, env: Any, normalize: Any, keys: Optional[List[str]], steps: int, seed: int
) -> List[Array]:
    """Raw observations of episodes, every second one with exploration."""
    inner = env
    while is_a(inner, "VecEnvWrapper"):
        inner = inner.venv
    vectorised = is_a(inner, "VecEnv")
    episodes: List[Array] = []
    taken = 0
    if vectorised:
        inner.seed(seed)
    while taken < steps:
        explore = len(episodes) % 2 == 1
        obs = inner.reset() if vectorised else inner.reset(seed=seed + len(episodes))[0]
        rows, state, start, done = [], None, np.ones(inner.num_envs if vectorised else 1, bool), False
        while not done and taken < steps:
            first = {key: value[0] for key, value in obs.items()} if vectorised and keys else obs[0] if vectorised else obs
            rows.append(_row(first, keys))
            seen = obs if normalize is None else normalize.normalize_obs(obs)
            action, state = algorithm.predict(seen, state=state, episode_start=start, deterministic=not explore)
            if vectorised:
                obs, _, dones, _ = inner.step(action)
                done = bool(dones[0])
            else:
                obs, _, terminated, truncated, _ = inner.step(action)
                done = bool(terminated or truncated)
            start = np.zeros_like(start)
            taken += 1
        episodes.append(np.array(rows))
    return episodes


def _row(obs: Any, keys: Optional[List[str]]) -> Array:
    parts = [obs] if keys is None else [obs[key] for key in keys]
    return np.concatenate([np.asarray(part, dtype=np.float64).ravel() for part in parts])
