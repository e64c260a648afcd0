"""Builds the package twice, installs the wheel where nothing of the checkout is, and uses it from an empty folder.

``python tests/release/wheel_check.py``, by the Python of an environment that holds the dependencies: they are lent to
the new environment, the package itself is not. No network.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
import zipfile
from pathlib import Path

from build import build, commit_time, tracked

NOT_SHIPPED = {"ser_hf/demo/screenshot.png"}
"""Files of the package that only the README shows."""
VOICE = """
import sys, soundfile
from ser_hf.audio.voice import Voice, synthesise
samples = synthesise("happy", Voice.invent("one", "female"), "The kettle is on the stove.")
soundfile.write(sys.argv[1], samples, 16000)
"""


def expected_in_wheel() -> set[str]:
    """What the wheel must hold beside its own notes: every tracked file of the package, the recipes inside it."""
    names = {name if name.startswith("ser_hf/") else f"ser_hf/{name}" for name in _files()}
    return names - NOT_SHIPPED


def in_wheel(wheel: Path) -> set[str]:
    """The files of a wheel without its own notes."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def built_twice(folder: Path, pause: float = 2.0) -> tuple[Path, Path]:
    """Builds at two times in two places; exits if the bytes differ.

    Args:
        folder: what is built goes into two folders of it.
        pause: seconds between both; archives tell times to two seconds.

    Returns:
        The source archive and the wheel.
    """
    first = build(folder / "first", commit_time())
    time.sleep(pause)
    second = build(folder / "second", commit_time())
    for one, other in zip(first, second, strict=True):
        sums = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (one, other)]
        if sums[0] != sums[1]:
            sys.exit(f"{one.name} is not the same when it is built again: {' and '.join(sums)}")
        sys.stdout.write(f"{one.name}: the same twice, sha256 {sums[0]}\n")
    return first


def check_contents(wheel: Path) -> None:
    """Exits if the wheel lacks a file of the package or holds another."""
    found, expected = in_wheel(wheel), expected_in_wheel()
    if found != expected:
        sys.exit(
            f"{wheel.name} lacks {sorted(expected - found)} and holds {sorted(found - expected)} too many: see "
            "[tool.setuptools.package-data] in pyproject.toml"
        )
    sys.stdout.write(f"{wheel.name}: {len(found)} files, all that are tracked\n")


def installed(wheel: Path, folder: Path) -> Path:
    """Installs a wheel in a new environment that borrows the dependencies of this one; gives its folder of programs."""
    venv.create(folder, with_pip=False)
    programs = folder / "bin"
    install = ("-m", "pip", "--python", str(programs / "python"), "--disable-pip-version-check", "install", "--quiet")
    _run([sys.executable, *install, "--no-deps", "--no-index", str(wheel)], folder)
    # Written after the install, or pip would find the package of the lender. A path in a .pth file is read without the
    # .pth files that lie there, so an editable install of the lender is not seen.
    site = folder / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    (site / "borrowed.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    return programs


def use(programs: Path, folder: Path) -> None:
    """Uses the installed package from an empty folder; exits at the first thing that fails."""
    folder.mkdir()
    python, ser_hf = str(programs / "python"), str(programs / "ser-hf")
    home = _run([python, "-c", "import ser_hf; print(ser_hf.__file__)"], folder).strip()
    if not Path(home).is_relative_to(programs.parent):
        sys.exit(f"the package came from {home}, not from the wheel")
    sys.stdout.write(f"ser-hf --version: {_run([ser_hf, '--version'], folder).strip()}\n")
    for what in ("recipes", "studies", "protocols"):
        (names,) = json.loads(_run([ser_hf, "list", what, "--json"], folder)).values()
        if not names:
            sys.exit(f"ser-hf list {what} finds none")
        sys.stdout.write(f"ser-hf list {what}: {len(names)}\n")
    _run([python, "-c", VOICE, "voice.wav"], folder)
    answer = _run([ser_hf, "predict", "voice.wav"], folder).strip()
    sys.stdout.write(f"ser-hf predict voice.wav:\n{answer}\n")


def _files() -> list[str]:
    """The tracked files of the package and of the recipes; the link between both is none."""
    return [name for name in tracked("ser_hf", "recipes") if name != "ser_hf/recipes"]


def _run(command: list[str], folder: Path) -> str:
    """Runs a command in a folder, offline, with nothing of this checkout in sight; exits if it fails."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "SER_HF", "HF_"))}
    environment |= {"HF_HUB_OFFLINE": "1", "HOME": str(folder), "NUMBA_CACHE_DIR": str(folder / ".numba")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)[:200]} ended with {done.returncode}:\n{(done.stderr or done.stdout)[-2000:]}")
    return done.stdout


def main() -> None:
    """Builds, compares, installs, uses."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _, wheel = built_twice(folder)
        check_contents(wheel)
        use(installed(wheel, folder / "environment"), folder / "empty")


if __name__ == "__main__":
    main()
