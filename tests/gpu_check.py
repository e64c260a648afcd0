"""Tests and speed on a machine with a GPU, in eight minutes of it: ``python3 tests/gpu_check.py [--wheels DIR]``.

For a machine without a package index: ``make gpu-wheels`` puts what is needed into a folder, which is copied beside the
repository and named by ``--wheels``; without it the Python that runs this has to have ser_hf and its ``dev`` extra.
Only the standard library is used here. Every step has a limit, and one that fails or runs out of time does not end the
others; what they print, their figures as JSON and ``summary.md``, which names the GPU, go to ``--output``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUDGET = 480
"""Seconds for all steps together, the installation counted in."""
GOALS = {"features": 100_000.0, "train_resnet34": 0.95, "train_cnn_blstm": 0.95, "train_whisper": 0.95}
"""Log-mel spectrograms a second from host memory; training throughput over that of a bare loop."""
FROM_HOST, UNAUGMENTED = "GPU, ser_hf from pinned memory", "ser_hf, no augmentation"
STUDY = """
title: One row on a GPU
keys: {corpora: [synthetic], protocol: speaker-independent, test_size: 0.25}
rows:
  CNN-BLSTM-attention: {recipe: cnn_blstm_attention, num_train_epochs: 10}
"""
TOLD = re.compile(r"^=* ?\d+ (passed|failed|skipped|errors?)|\| ?CNN-BLSTM")
"""Lines of what tests and the study print that the summary repeats."""
RESNET = ("--model", "timm_cnn", "--model_settings", "backbone=resnet34")


@dataclass(frozen=True)
class Step:
    """What is run: a name, the seconds it may take, and the words after the Python that has ser_hf."""

    name: str
    limit: int
    words: tuple[str, ...]


def bench(name: str, limit: int, *words: str) -> Step:
    """A benchmark whose figures go to a file of its name."""
    return Step(name, limit, ("-m", "ser_hf.cli", "bench", *words, "--output", f"{name}.json"))


def steps() -> list[Step]:
    """All of them, in the order in which they matter."""
    tests = ("-m", "pytest", "-m", "gpu", "-q", "-p", "no:cacheprovider", "-rfE", str(ROOT / "tests"))
    train = ("train", "--clips", "384", "--repeats", "3")
    whisper = ("whisper", "--clips", "256", "--repeats", "3", "--batch_size", "32")
    study = ("-m", "ser_hf.cli", "study", "study.yaml", "--output", "study")
    return [
        Step("tests", 120, tests),
        bench("features", 90, "features", "--clips", "2048", "--repeats", "3"),
        bench("train_resnet34", 50, *train, *RESNET),
        bench("train_cnn_blstm", 40, *train),
        bench("train_whisper", 50, *train, "--model", "transformer"),
        bench("embeddings", 50, *whisper),
        Step("study", 80, study),
    ]


def gpu() -> str | None:
    """The name, driver and memory of the GPU, as nvidia-smi tells them; None where there is none."""
    asked = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip().replace("\n", "; ") or None if done.returncode == 0 else None


def install(wheels: Path, folder: Path) -> str:
    """Makes an environment from wheels alone and gives its Python.

    Raises:
        subprocess.CalledProcessError: a wheel is missing, or of another Python or system.
    """
    venv.create(folder, with_pip=True, clear=True)
    python = str(folder / "bin" / "python")
    pip = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-index",
        "--find-links",
        wheels,
    ]
    subprocess.run([*pip, "--requirement", ROOT / "requirements.lock", "setuptools>=77"], check=True)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT], check=True)
    return python


def run(step: Step, python: str, folder: Path, limit: float) -> str:
    """Runs a step and says how it ended; what it prints goes to a file of its name."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    start = time.monotonic()
    with open(folder / f"{step.name}.txt", "w", encoding="utf-8") as told:
        try:
            words = [python, *step.words]
            done = subprocess.run(
                words, stdout=told, stderr=subprocess.STDOUT, cwd=folder, env=environment, timeout=limit
            )
        except subprocess.TimeoutExpired:
            return f"stopped after {limit:.0f} s"
    seconds = f"{time.monotonic() - start:.0f} s"
    return seconds if done.returncode == 0 else f"failed with exit code {done.returncode} after {seconds}"


def figures(step: Step, folder: Path) -> Iterator[tuple[str, str]]:
    """What a step found, a name and a figure each."""
    if (found := folder / f"{step.name}.json").exists():
        for row in json.loads(found.read_text())["rows"]:
            text = f"{row['clips_per_second']:,.0f} clips/s, {row['ratio']:.2f} x"
            if goal := _goal(step.name, row):
                text += f" ({goal})"
            yield row["name"], text
    elif step.name in ("tests", "study") and (told := folder / f"{step.name}.txt").exists():
        lines = [line for line in told.read_text(errors="replace").splitlines() if line.strip()]
        chosen = [line for line in lines if TOLD.search(line)][-3:]
        for line in chosen:
            yield step.name, line.strip("= ")


def _goal(name: str, row: dict[str, object]) -> str | None:
    """Whether the goal of a step is met, if this row is about it."""
    if name not in GOALS or row["name"] != (FROM_HOST if name == "features" else UNAUGMENTED):
        return None
    value = float(str(row["clips_per_second" if name == "features" else "ratio"]))
    return f"goal {GOALS[name]:,g}: {'met' if value >= GOALS[name] else 'missed'}"


def summary(name: str, ended: dict[str, str], folder: Path) -> str:
    """The table: a line for every figure, and how every step ended."""
    lines = [f"GPU: {name}", "", "| step | ended | what | figure |", "|---|---|---|---|"]
    for step in steps():
        rows = list(figures(step, folder)) or [("", "")]
        for number, (what, figure) in enumerate(rows):
            first = (step.name, ended[step.name]) if number == 0 else ("", "")
            lines.append("| " + " | ".join(text.replace("|", "\\|") for text in (*first, what, figure)) + " |")
    return "\n".join(lines) + "\n"


def main(words: list[str] | None = None) -> int:
    """Gives 0 if every step ended well, 1 if one did not, 2 if there is no GPU or nothing could be installed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheels", type=Path, metavar="DIR", help="install from these wheels, without an index")
    parser.add_argument("--output", type=Path, default=Path("gpu_check"), metavar="DIR", help="default: gpu_check")
    parser.add_argument("--dry_run", action="store_true", help="show the steps and start nothing")
    args = parser.parse_args(words)
    if args.dry_run:
        for step in steps():
            sys.stdout.write(f"{step.name}, at most {step.limit} s: python {' '.join(step.words)}\n")
        sys.stdout.write(f"all together at most {BUDGET} s\n")
        return 0
    if (name := gpu()) is None:
        sys.stderr.write("gpu_check: nvidia-smi shows no GPU; run this where there is one, or see --dry_run\n")
        return 2
    start, folder = time.monotonic(), args.output.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    python = sys.executable
    if args.wheels:
        try:
            python = install(args.wheels.resolve(), folder / "environment")
        except subprocess.CalledProcessError as error:
            sys.stderr.write(
                f"gpu_check: {args.wheels} does not install here (exit code {error.returncode}), see above\n"
            )
            return 2
    ended = {}
    for step in steps():
        left = BUDGET - (time.monotonic() - start)
        ended[step.name] = run(step, python, folder, min(step.limit, left)) if left > 10 else "not begun, no time left"
        sys.stderr.write(f"{step.name}: {ended[step.name]}\n")
        told = summary(name, {other.name: "" for other in steps()} | ended, folder)
        (folder / "summary.md").write_text(told, encoding="utf-8")
    sys.stdout.write((folder / "summary.md").read_text(encoding="utf-8"))
    return 0 if all(re.fullmatch(r"\d+ s", text) for text in ended.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
