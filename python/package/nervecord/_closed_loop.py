"""Does quantization hurt my robot? The integers and the float policy in one simulator, from the same starts."""

from __future__ import annotations

import importlib
import math
import multiprocessing
import pickle
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np

from ._arrays import Array
from ._error import Error, missing
from ._model import Float, Model, PathLike

#: How often a lost worker is replaced.
RETRIES = 3
#: Resamples of a bootstrap.
RESAMPLES = 10_000


@dataclass(frozen=True)
class Faults:
    """What a link between sensors and controller does, with a probability a step; the same to both policies.

    - ``stale``: the controller is given the sample before once more, and steps on it.
    - ``dropped``: no sample arrives; the controller does not step, and the last action stays.
    - ``noise``: standard deviation of Gaussian noise on every sample: a number, or one a feature.
    """

    stale: float = 0.0
    dropped: float = 0.0
    noise: Union[float, Sequence[float]] = 0.0

    def __post_init__(self) -> None:
        for name in ("stale", "dropped"):
            share = getattr(self, name)
            if not 0.0 <= share < 1.0:
                raise Error("a fault has no such probability", place=name, expected="0 up to, not including, 1", found=share)
        if not np.all(np.asarray(self.noise, dtype=float) >= 0.0):
            raise Error("noise has no such size", place="noise", expected="0 or more", found=self.noise)


@dataclass(frozen=True)
class Episode:
    """One start, lived through by both policies."""

    seed: int
    float_return: float
    integer_return: float
    float_length: int
    integer_length: int
    #: The first step whose actions differ by more than the divergence that was asked for; none if none does.
    first_divergence: Optional[int]
    #: Steps in which an input or a state of the integers was outside its range.
    saturated: int
    #: RMS difference of the integers' actions to the float policy's, on the path of the float policy.
    action_error: float


@dataclass(frozen=True)
class ClosedLoop:
    """Paired episodes of a float policy and of the integers; ``str()`` of it is a table."""

    episodes: List[Episode]
    #: Mean difference of the returns, integers less float.
    difference: float
    #: Its bootstrap interval of 95%, over pairs.
    interval: Tuple[float, float]
    #: The actions of the first episode, ``(steps, actions)``: float, integers.
    actions: Tuple[Array, Array] = field(repr=False)

    @property
    def seeds(self) -> List[int]:
        return [episode.seed for episode in self.episodes]

    @property
    def float_returns(self) -> Array:
        return np.array([episode.float_return for episode in self.episodes])

    @property
    def integer_returns(self) -> Array:
        return np.array([episode.integer_return for episode in self.episodes])

    @property
    def saturated(self) -> int:
        """Steps of all episodes in which an input or a state was outside its range."""
        return sum(episode.saturated for episode in self.episodes)

    def __str__(self) -> str:
        lines = [f"{'seed':>10} {'float':>12} {'integers':>12} {'steps':>11} {'diverged':>9} {'saturated':>9}"]
        for e in self.episodes:
            steps = str(e.float_length) if e.float_length == e.integer_length else f"{e.float_length}/{e.integer_length}"
            diverged = "-" if e.first_divergence is None else str(e.first_divergence)
            lines.append(
                f"{e.seed:>10} {e.float_return:>12.4f} {e.integer_return:>12.4f} {steps:>11} {diverged:>9} {e.saturated:>9}"
            )
        low, high = self.interval
        lines.append(
            f"mean return: float {self.float_returns.mean():.4f}, integers {self.integer_returns.mean():.4f}; "
            f"difference {self.difference:+.4f} (95% of resampled pairs: {low:+.4f} to {high:+.4f})"
        )
        return "\n".join(lines)

    def plot(self, path: Optional[PathLike] = None) -> Any:
        """Draws returns in pairs, their differences, and the actions of the first episode; takes matplotlib.

        :param path: a file to write; without it the figure is returned for a notebook.
        """
        from ._plot import draw

        return draw(self, path)


@dataclass(frozen=True)
class _Job:
    """All that an episode takes but its seed."""

    env_factory: Callable[[], Any]
    float_policy: Any
    model: Any
    max_steps: Optional[int]
    faults: Optional[Faults]
    divergence: float


@dataclass
class _Run:
    """What a policy did in an episode."""

    total: float = 0.0
    actions: List[Array] = field(default_factory=list)
    saturated: int = 0
    shadow: List[Array] = field(default_factory=list)


def closed_loop(
    env_factory: Union[str, Callable[[], Any]],
    float_policy: Any,
    model: Model,
    episodes: int = 20,
    seeds: Optional[Sequence[int]] = None,
    workers: int = 1,
    *,
    faults: Optional[Faults] = None,
    max_steps: Optional[int] = None,
    divergence: float = 0.05,
    cluster: Optional[str] = None,
    progress: Optional[bool] = None,
) -> ClosedLoop:
    """Runs paired episodes: the float policy and the integers, each from a reset of its own with the same seed.

    Actions of both go the same way to the environment: into its shape, within its bounds, the largest output or the
    index where it has discrete actions. A policy with ``reset()`` is reset before each episode.

    :param env_factory: what makes an environment of Gymnasium, plain or vectorised (then as many episodes run at once
        as it has environments, each with a controller of its own), or the id of a registered one.
    :param float_policy: a function of an observation, an algorithm with ``predict``, an object with ``step``; or
        ``None`` for the model's own float network. In a vectorised environment a function is given all observations.
    :param episodes: how many, with the seeds 0, 1, ..; or say ``seeds``.
    :param workers: processes to share the episodes among.
    :param faults: what the link does, to both policies alike.
    :param max_steps: where an episode ends at the latest.
    :param divergence: how far actions differ that are said to diverge: as a share of the action space's range, or, where
        that has no bounds, in the actions' own units.
    :param cluster: ``"ray"`` runs the episodes as Ray tasks, on a local Ray of ``workers`` processors if none is
        connected.
    :param progress: whether to count episodes on the terminal; by default where there is one.
    """
    seeds = list(range(episodes)) if seeds is None else [int(seed) for seed in seeds]
    _check(seeds, workers, max_steps, cluster)
    factory = _made(env_factory) if isinstance(env_factory, str) else env_factory
    job = _Job(factory, float_policy, model, max_steps, faults, divergence)
    count = _environments(factory)
    groups = [seeds[i : i + (count or 1)] for i in range(0, len(seeds), count or 1)]
    show = _Progress(len(seeds), progress)
    with _one_thread():
        if cluster == "ray":
            results = _on_ray(job, groups, workers, show)
        elif workers > 1:
            results = _in_processes(job, groups, workers, show)
        else:
            results = [show.done(_group(job, group)) for group in groups]
    show.end()
    pairs = [pair for group in results for pair in group]
    done = [episode for episode, _ in pairs]
    differences = np.array([episode.integer_return - episode.float_return for episode in done])
    return ClosedLoop(done, float(differences.mean()), bootstrap(differences), pairs[0][1])


def bootstrap(differences: Array, resamples: int = RESAMPLES) -> Tuple[float, float]:
    """The interval of 95% of the mean of paired differences: percentiles of resampled means (Efron 1979)."""
    random = np.random.default_rng(0)
    means = [differences[random.integers(0, len(differences), len(differences))].mean() for _ in range(resamples)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _check(seeds: Sequence[int], workers: int, max_steps: Optional[int], cluster: Optional[str]) -> None:
    if not seeds:
        raise Error("there are no episodes", place="episodes", expected="1 or more", found=0)
    if len(set(seeds)) != len(seeds):
        raise Error("a seed is given twice", place="seeds", expected="a seed of its own for each pair", found=seeds)
    if workers < 1:
        raise Error("there are no workers", place="workers", expected="1 or more", found=workers)
    if max_steps is not None and max_steps < 1:
        raise Error("an episode has no steps", place="max_steps", expected="1 or more", found=max_steps)
    if cluster not in (None, "ray"):
        raise Error("the cluster is not known", place="cluster", expected='"ray", or None', found=cluster)


class _made:
    """Makes a registered environment; a class, so that it pickles."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self) -> Any:
        try:
            import gymnasium
        except ImportError:
            raise missing("an environment by its id", "gymnasium") from None
        return gymnasium.make(self.name)


def _environments(factory: Callable[[], Any]) -> Optional[int]:
    """How many environments a vectorised one has; none of a plain one."""
    env = factory()
    try:
        if not hasattr(env, "reset") or not hasattr(env, "step") or not hasattr(env, "action_space"):
            raise Error(
                "what env_factory makes is no environment",
                place="env_factory",
                expected="a gymnasium.Env or VectorEnv",
                found=type(env).__name__,
                help='pass a function without arguments, such as lambda: gymnasium.make("Pendulum-v1")',
            )
        return int(env.num_envs) if is_a(env, "VectorEnv") else None
    finally:
        _close(env)


def is_a(thing: Any, name: str) -> bool:
    """Whether it is of a class of that name: of a package that may not be there."""
    return any(kind.__name__ == name for kind in type(thing).__mro__)


def _close(env: Any) -> None:
    close = getattr(env, "close", None)
    if close is not None:
        close()


# -- one episode -----------------------------------------------------------------------------------------------------


def _group(job: _Job, seeds: Sequence[int]) -> List[Tuple[Episode, Tuple[Array, Array]]]:
    """The pairs of some seeds: one, or as many as a vectorised environment runs at once."""
    runs = []
    for integers in (False, True):
        env = job.env_factory()
        try:
            vectorised = is_a(env, "VectorEnv")
            runs.append(_together(job, env, seeds, integers) if vectorised else [_alone(job, env, seeds[0], integers)])
            space = env.single_action_space if vectorised else env.action_space
        finally:
            _close(env)
    pairs = []
    for seed, one, other in zip(seeds, *runs):
        actions = (np.array(one.actions), np.array(other.actions))
        shadow = np.array(one.shadow)
        error = math.sqrt(float(((shadow - actions[0]) ** 2).mean())) if len(shadow) else 0.0
        episode = Episode(
            seed,
            one.total,
            other.total,
            len(one.actions),
            len(other.actions),
            _first_divergence(actions, _unit(space), job.divergence),
            other.saturated,
            error,
        )
        pairs.append((episode, actions))
    return pairs


def _unit(space: Any) -> Any:
    """What differences of actions are measured in: the range of each, if it has one."""
    if not hasattr(space, "low"):
        return 0.0
    width = np.asarray(space.high, dtype=float).ravel() - np.asarray(space.low, dtype=float).ravel()
    return np.where(np.isfinite(width), width, 1.0)


def _first_divergence(actions: Tuple[Array, Array], unit: Any, share: float) -> Optional[int]:
    steps = min(map(len, actions))
    apart = np.abs(actions[0][:steps] - actions[1][:steps]) > share * unit
    found = np.flatnonzero(apart.any(axis=1))
    if len(found):
        return int(found[0])
    return steps if len(actions[0]) != len(actions[1]) else None


class _Link:
    """What arrives of the samples of an episode."""

    def __init__(self, faults: Optional[Faults], seed: int) -> None:
        self.faults, self.random, self.last = faults, np.random.default_rng([seed % 2**32, 0x6C696E6B]), None

    def carry(self, obs: Any) -> Any:
        """What the controller is given; nothing where a sample is lost."""
        if self.faults is None:
            return obs
        # As many draws a step, whatever happens: the link is the same to both policies.
        stale, dropped = self.random.random(2)
        noisy = _noisy(obs, self.faults.noise, self.random)
        if self.last is not None and dropped < self.faults.dropped:
            return None
        given = self.last if self.last is not None and stale < self.faults.stale else noisy
        self.last = noisy
        return given


def _noisy(obs: Any, noise: Any, random: np.random.Generator) -> Any:
    if isinstance(obs, dict):
        return {key: _noisy(obs[key], noise, random) for key in sorted(obs)}
    obs = np.asarray(obs)
    drawn = random.standard_normal(obs.shape) * np.asarray(noise, dtype=float)
    return (obs + drawn).astype(obs.dtype if obs.dtype.kind == "f" else float)


class _Player:
    """A policy for one episode, whatever it is given as."""

    def __init__(self, policy: Any, model: Any) -> None:
        self.policy: Any = Float(model) if policy is None else policy
        # An algorithm of Stable-Baselines3 wants observations as the environment around it normalised them.
        around = getattr(self.policy, "get_vec_normalize_env", None)
        self.normalize = around() if callable(around) else None
        self.state: Any = None
        self.start: Any = True
        reset = getattr(self.policy, "reset", None)
        if callable(reset):
            reset()

    def act(self, obs: Any) -> Any:
        if hasattr(self.policy, "predict"):
            action, self.state = self.policy.predict(
                self.seen(obs), state=self.state, episode_start=np.array([self.start]), deterministic=True
            )
            self.start = False
            return action
        if hasattr(self.policy, "step"):
            return self.policy.step(obs if isinstance(obs, dict) else np.ravel(obs))
        return self.policy(obs)

    def seen(self, obs: Any) -> Any:
        """What an algorithm is given."""
        return obs if self.normalize is None else self.normalize.normalize_obs(obs)


class _Integers:
    """A model's controller of one episode."""

    def __init__(self, model: Any) -> None:
        self.model = model.__copy__() if isinstance(model, Model) else model
        self.model.reset()
        self.saturated = 0

    def act(self, obs: Any) -> Any:
        action = self.model.step(obs if isinstance(obs, dict) else np.ravel(obs), allow_nan=True)
        self.saturated += any(self.model.status_words)
        return action


def _alone(job: _Job, env: Any, seed: int, integers: bool) -> _Run:
    """An episode of a plain environment."""
    run, link = _Run(), _Link(job.faults, seed)
    own = _Integers(job.model)
    player = own if integers else _Player(job.float_policy, job.model)
    obs, _ = env.reset(seed=seed)
    action = shadow = None
    while job.max_steps is None or len(run.actions) < job.max_steps:
        given = link.carry(obs)
        if given is not None or action is None:
            action = _action(player.act(given), env.action_space)
            if not integers:
                shadow = _action(own.act(given), env.action_space)
        run.actions.append(np.ravel(np.asarray(action, dtype=float)))
        if not integers:
            run.shadow.append(np.ravel(np.asarray(shadow, dtype=float)))
        obs, reward, terminated, truncated, _ = env.step(action)
        run.total += float(reward)
        if terminated or truncated:
            break
    run.saturated = own.saturated
    return run


def _together(job: _Job, env: Any, seeds: Sequence[int], integers: bool) -> List[_Run]:
    """An episode of each environment of a vectorised one; where there are fewer seeds, the rest only come along."""
    count, space = int(env.num_envs), env.single_action_space
    runs = [_Run() for _ in range(count)]
    every = list(seeds) + [seeds[-1]] * (count - len(seeds))
    links = [_Link(job.faults, seed) for seed in every]
    own = job.model.batch(count)
    players = _Players(job, count) if not integers else None
    obs, _ = env.reset(seed=every)
    alive = np.array([i < len(seeds) for i in range(count)])
    actions: List[Any] = [None] * count
    shadows: List[Any] = [None] * count
    given = _split(obs, count)
    steps = 0
    while alive.any() and (job.max_steps is None or steps < job.max_steps):
        arrived = [links[i].carry(row) for i, row in enumerate(_split(obs, count))]
        fresh = np.array([row is not None or actions[i] is None for i, row in enumerate(arrived)])
        given = [row if row is not None else given[i] for i, row in enumerate(arrived)]
        outputs, flagged = own.step(_stacked(given), fresh, allow_nan=True), own.flagged
        if players is not None:
            wanted = players.act(given, fresh)
        for i in np.flatnonzero(fresh):
            chosen = _action(outputs[i], space)
            shadows[i] = chosen
            actions[i] = chosen if players is None else _action(wanted[i], space)
        for i in np.flatnonzero(alive):
            runs[i].actions.append(np.ravel(np.asarray(actions[i], dtype=float)))
            if players is not None:
                runs[i].shadow.append(np.ravel(np.asarray(shadows[i], dtype=float)))
            runs[i].saturated += int(flagged[i])
        obs, rewards, terminated, truncated, _ = env.step(np.array(actions))
        for i in np.flatnonzero(alive):
            runs[i].total += float(rewards[i])
        alive &= ~(np.asarray(terminated) | np.asarray(truncated))
        steps += 1
    return runs[: len(seeds)]


class _Players:
    """The float policy for each environment of a vectorised one."""

    def __init__(self, job: _Job, count: int) -> None:
        own = job.float_policy is None
        self.each = [_Player(None, job.model) for _ in range(count)] if own else None
        self.all = None if own else _Player(job.float_policy, job.model)
        if self.all is not None:
            self.all.start = np.ones(count, bool)
        self.last: List[Any] = [None] * count

    def act(self, rows: List[Any], fresh: Any) -> List[Any]:
        if self.each is not None:
            for i in np.flatnonzero(fresh):
                self.last[i] = self.each[i].act(rows[i])
            return self.last
        assert self.all is not None
        policy = self.all
        if hasattr(policy.policy, "predict"):
            actions, policy.state = policy.policy.predict(
                policy.seen(_stacked(rows)), state=policy.state, episode_start=np.atleast_1d(policy.start), deterministic=True
            )
            policy.start = np.zeros(len(rows), bool)
            return list(actions)
        step = policy.policy.step if hasattr(policy.policy, "step") else policy.policy
        return list(np.asarray(step(_stacked(rows))))


def _split(obs: Any, count: int) -> List[Any]:
    if isinstance(obs, dict):
        return [{key: value[i] for key, value in obs.items()} for i in range(count)]
    return [obs[i] for i in range(count)]


def _stacked(rows: List[Any]) -> Any:
    if isinstance(rows[0], dict):
        return {key: np.stack([np.ravel(row[key]) for row in rows]) for key in rows[0]}
    return np.stack([np.ravel(row) for row in rows])


def _action(y: Any, space: Any) -> Any:
    """Outputs as the environment takes them."""
    y = np.asarray(y)
    if hasattr(space, "nvec"):
        return y.reshape(np.shape(space.nvec)).astype(space.dtype)
    if hasattr(space, "n"):
        return int(np.rint(y.reshape(-1)[0])) if y.size == 1 else int(np.argmax(y)) + int(getattr(space, "start", 0))
    if hasattr(space, "low"):
        if y.size != int(np.prod(space.shape)):
            raise Error(
                "the policy has other actions than the environment",
                place="action_space",
                expected=f"shape {space.shape}",
                found=f"shape {y.shape}",
                help="give output= the name of the output that is the action",
            )
        return np.clip(y.reshape(space.shape), space.low, space.high).astype(space.dtype)
    return y


# -- many episodes -----------------------------------------------------------------------------------------------------


class _Progress:
    """Counts episodes on the terminal."""

    def __init__(self, total: int, wanted: Optional[bool]) -> None:
        self.total, self.count = total, 0
        self.on = sys.stderr.isatty() if wanted is None else wanted

    def done(self, group: List[Any]) -> List[Any]:
        self.count += len(group)
        if self.on:
            sys.stderr.write(f"\rclosed loop: {self.count} of {self.total} episodes")
            sys.stderr.flush()
        return group

    def end(self) -> None:
        if self.on:
            sys.stderr.write("\n")


@contextmanager
def _one_thread() -> Iterator[None]:
    """Has PyTorch sum in one order, whichever process it is in."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _pickled(job: _Job) -> bytes:
    try:
        return bytes(importlib.import_module("cloudpickle").dumps(job))
    except ImportError:
        pass
    try:
        return pickle.dumps(job)
    except Exception as error:
        raise Error(
            "the environment or the policy cannot be sent to another process",
            place="workers",
            expected="functions of a module, or the package cloudpickle for others",
            found=error,
            help="pip install cloudpickle, or workers=1",
        ) from None


_JOB: Optional[_Job] = None


def _begin(pickled: bytes) -> None:
    global _JOB
    _JOB = pickle.loads(pickled)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


def _work(seeds: List[int]) -> List[Any]:
    assert _JOB is not None
    return _group(_JOB, seeds)


def _once(pickled: bytes, seeds: List[int], path: List[str]) -> List[Any]:
    """Where a worker is given the job with every task; modules are found where the caller finds them."""
    sys.path.extend(place for place in path if place not in sys.path)
    _begin(pickled)
    return _work(seeds)


def _in_processes(job: _Job, groups: List[List[int]], workers: int, show: _Progress) -> List[List[Any]]:
    """In processes of this machine; what a lost one was at is done again."""
    pickled = _pickled(job)
    # Where there is fork, a script needs no `if __name__ == "__main__"`.
    context = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn")
    results: Dict[int, List[Any]] = {}
    for attempt in range(RETRIES + 1):
        left = [i for i in range(len(groups)) if i not in results]
        if not left:
            break
        pool = ProcessPoolExecutor(min(workers, len(left)), context, _begin, (pickled,))
        try:
            futures = {pool.submit(_work, groups[i]): i for i in left}
            for future in as_completed(futures):
                results[futures[future]] = show.done(future.result())
        except BrokenProcessPool as error:
            if attempt == RETRIES:
                raise Error(
                    "workers are lost again and again",
                    place="workers",
                    expected="processes that end their episodes",
                    found=f"{error}; {len(results)} of {len(groups)} groups of episodes done",
                    help="run with workers=1 to see what ends them: memory, or a fault of the simulator",
                ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return [results[i] for i in range(len(groups))]


def _on_ray(job: _Job, groups: List[List[int]], workers: int, show: _Progress) -> List[List[Any]]:
    """As tasks of Ray, which runs those of a lost worker again."""
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError:
        raise missing('cluster="ray"', "ray") from None
    own = not ray.is_initialized()
    if own:
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, configure_logging=False)
    try:
        work = ray.remote(max_retries=RETRIES)(_once)
        sent = ray.put(_pickled(job))
        tasks = {work.remote(sent, group, list(sys.path)): i for i, group in enumerate(groups)}
        results: Dict[int, List[Any]] = {}
        waiting = list(tasks)
        while waiting:
            ready, waiting = ray.wait(waiting)
            for task in ready:
                results[tasks[task]] = show.done(ray.get(task))
        return [results[i] for i in range(len(groups))]
    finally:
        if own:
            ray.shutdown()
