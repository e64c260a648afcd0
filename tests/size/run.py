"""How time and memory grow with the number of clips: ``python tests/size/run.py --clips 10000 100000``.

Every step is a process of its own, on a table of short made clips (``--alike``: a third of them copies of others). What
is told of each: seconds, and those of the processor; the most memory that it and its workers held at once, pages of
mapped files among it (peak) and without them (held); and the exponent of the growth of its processor time between two
sizes, start-up left out. The exit code is 1 where a step fails, where an exponent is above that of n log n by more than
0.25, or where more than 4 GB are held. Pages of mapped files are not among these: the system takes them back when it
needs the room.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from corpus import make
from steps import STEPS

ROOT = Path(__file__).resolve().parents[2]
MOST_MB = 4_000
SLACK = 0.25
_START = 100
"""Clips of the run whose time is taken for that of starting up."""
_PAUSE = 0.2


def measure(step: str, folder: Path, cache: Path) -> dict[str, Any]:
    """Runs a step in a process of its own, and looks at its memory five times a second."""
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    told = {"PYTHONPATH": paths, "HF_HOME": str(cache), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    told["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
    began, peak, held = time.monotonic(), 0, 0
    with (folder / f"{step}.err").open("wb") as errors, (folder / f"{step}.out").open("wb") as out:
        words = [sys.executable, str(Path(__file__).with_name("steps.py")), step, str(folder)]
        child = subprocess.Popen(words, stdout=out, stderr=errors, env={**os.environ, **told})
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            both = [_memory(one) for one in _family(child.pid)]
            peak, held = max(peak, sum(one[0] for one in both)), max(held, sum(one[1] for one in both))
            time.sleep(_PAUSE)
    child.returncode = os.waitstatus_to_exitcode(status)
    found: dict[str, Any] = {"seconds": round(time.monotonic() - began, 1), "cpu": round(_cpu(usage), 1)}
    found |= {"peak_mb": max(peak, usage.ru_maxrss) // 1000, "held_mb": held // 1000}
    if child.returncode:
        lines = (folder / f"{step}.err").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return {**found, "failed": " ".join(lines[-3:])[-600:]}
    return {**found, "found": json.loads((folder / f"{step}.out").read_text(encoding="utf-8").splitlines()[-1])}


def _cpu(usage: Any) -> float:
    return float(usage.ru_utime + usage.ru_stime)


def _family(pid: int) -> list[int]:
    """A process and those below it."""
    try:
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return []
    return [pid, *(one for child in below for one in _family(int(child)))]


def _memory(pid: int) -> tuple[int, int]:
    """Resident kB, and those of them that are no pages of files."""
    found = {}
    try:
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name in ("VmRSS", "RssAnon", "RssShmem"):
                found[name] = int(value.split()[0])
    except OSError:
        pass
    return found.get("VmRSS", 0), found.get("RssAnon", 0) + found.get("RssShmem", 0)


def exponents(sizes: list[int], seconds: list[float], start: float) -> list[float]:
    """The powers of n by which time grows from each size to the next; ``start`` seconds are there whatever n is."""
    net = [max(s - start, 0.5) for s in seconds]
    return [math.log(b / a) / math.log(m / n) for (n, m), (a, b) in zip(pairwise(sizes), pairwise(net), strict=True)]


def allowed(n: int, m: int) -> float:
    """The exponent of n log n between two sizes, and some."""
    return 1 + math.log(math.log(m) / math.log(n)) / math.log(m / n) + SLACK


def judge(figures: list[dict[str, Any]]) -> list[str]:
    """What is not as it should be."""
    wrong = []
    for one in figures:
        name = f"{one['step']} of {one['clips']} clips"
        if "failed" in one:
            wrong.append(f"{name}: {one['failed']}")
        if one["held_mb"] > MOST_MB:
            wrong.append(f"{name}: held {one['held_mb']} MB, expected at most {MOST_MB}")
        if one.get("exponent", 0) > one.get("allowed", math.inf):
            wrong.append(f"{name}: grew by the power {one['exponent']:.2f} of n, expected {one['allowed']:.2f} or less")
    return wrong


def table(figures: list[dict[str, Any]]) -> str:
    """The figures as Markdown."""
    lines = ["| step | clips | seconds | CPU s | peak MB | held MB | exponent |", "|---|---:|---:|---:|---:|---:|---:|"]
    for one in figures:
        grown = f"{one['exponent']:.2f}" if "exponent" in one else ""
        lines.append(
            f"| {one['step']} | {one['clips']:,} | {one['seconds']} | {one['cpu']} | {one['peak_mb']:,} | "
            f"{one['held_mb']:,} | {grown} |"
        )
    return "\n".join(lines)


def run(sizes: list[int], steps: list[str], room: Path, alike: bool, keep: bool) -> list[dict[str, Any]]:
    """Every step at every size, the smallest first; corpora and caches are removed when they are done with."""
    figures: list[dict[str, Any]] = []
    for clips in [_START, *sizes]:
        folder = room / f"{clips}"
        make(folder / "corpus", clips, alike)
        for step in steps:
            one = {"step": step, "clips": clips, **measure(step, folder, folder / "cache")}
            before = [other for other in figures if other["step"] == step and "failed" not in other]
            if len(before) > 1:
                pair, cpu = [before[-1]["clips"], clips], [before[-1]["cpu"], one["cpu"]]
                one |= {"exponent": exponents(pair, cpu, before[0]["cpu"])[0], "allowed": allowed(*pair)}
            figures.append(one)
            sys.stderr.write(json.dumps(one) + "\n")
        if not keep:
            shutil.rmtree(folder)
    return figures


def main(words: list[str]) -> int:
    """Measures, prints the table and what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--steps", nargs="+", choices=[*STEPS], default=[*STEPS])
    parser.add_argument("--alike", action="store_true", help="a third of the clips are copies of others")
    parser.add_argument("--output", type=Path, help="a JSON file for the figures")
    parser.add_argument("--work", type=Path, help="folder for corpora and caches, where there is room; it is kept")
    parser.add_argument("--model", type=Path, help="an ONNX file for predict; default: the model of the package")
    args = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="ser_hf_size_") as name:
        room = args.work or Path(name)
        room.mkdir(parents=True, exist_ok=True)
        if args.model:
            shutil.copy(args.model, room / "model.onnx")
        figures = run(sorted(args.clips), args.steps, room, args.alike, args.work is not None)
    if args.output:
        args.output.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(table(figures) + "\n")
    wrong = judge(figures)
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
