"""Where a number comes from: versions, hardware, commit, time."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import resource
import subprocess
import sys
from pathlib import Path

_PACKAGES = (
    "ser_hf",
    "torch",
    "torchaudio",
    "transformers",
    "datasets",
    "accelerate",
    "peft",
    "timm",
    "numpy",
    "soundfile",
    "soxr",
    "scikit-learn",
)


def versions() -> dict[str, str]:
    """Versions of ser_hf, Python and the libraries a score depends on."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    commit = _commit()
    return {**found, **({"commit": commit} if commit else {})}


def hardware() -> str:
    """The GPU's name, or the processor's and the cores this process may use."""
    import torch

    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, {torch.cuda.device_count()} visible"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{_processor()}, {cores} cores"


def peak_memory_mb() -> int:
    """The most memory this process has held so far in MB (10^6 bytes): resident, and where one is used, of the GPU.

    Worker processes and other processes of the run are not in it.
    """
    import torch

    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        held += torch.cuda.max_memory_reserved()
    return round(held / 1e6)


def now() -> str:
    """The time, in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _commit() -> str | None:
    """The commit of the checkout this package runs from, with ``+`` where it was changed since."""
    folder = Path(__file__).parents[1]
    if not (folder.parent / ".git").exists():
        return None
    git = ["git", "-C", str(folder)]
    try:
        head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "."], check=False).returncode
    except (OSError, subprocess.CalledProcessError):
        return None
    return head.stdout.strip() + ("+" if changed else "")
