"""What the package says of itself: its README's lines, its types, its example."""

import doctest
import re
import subprocess
import sys
from pathlib import Path


import nervecord

PYTHON = Path(__file__).parents[1]


def test_the_readme_runs(monkeypatch):
    monkeypatch.chdir(PYTHON.parent)
    found = doctest.testfile(str(PYTHON / "README.md"), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert found.attempted >= 10 and not found.failed


def test_types(tmp_path):
    """Strictly, the package and what a user writes on it."""
    installed = Path(nervecord.__file__).parent
    assert (installed / "py.typed").is_file() and (installed / "_native.pyi").is_file()
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path, PYTHON / "package" / "nervecord", PYTHON / "tests" / "typed.py"],
        capture_output=True,
        text=True,
        cwd=PYTHON,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_public_name_has_a_docstring():
    for name in nervecord.__all__:
        thing = getattr(nervecord, name)
        assert name == "__version__" or thing.__doc__, name
        for key, value in vars(thing).items() if isinstance(thing, type) else []:
            if not key.startswith("_") and callable(value):
                assert value.__doc__, f"{name}.{key}"


def test_the_example(tmp_path):
    done = subprocess.run(
        [sys.executable, PYTHON / "examples" / "pendulum.py", "--out", tmp_path, "--episodes", "4"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"mean return: float -\d+", done.stdout), done.stdout
    assert {"policy.rs", "closed_loop.png"} <= {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "closed_loop.png").stat().st_size > 10_000


def test_the_version():
    cargo = (PYTHON.parent / "Cargo.toml").read_text()
    assert f'version = "{nervecord.__version__}"' in cargo


