"""Mutation testing: does a test fail when the code has a small fault?

    python tests/mutation/run.py labels metrics --limit 150     # groups of GROUPS; all without a name
    python tests/mutation/run.py labels --only "len(classes)"   # the faults whose description holds this

Every fault runs in a forked child of a process that has collected the tests once: the code of the function is swapped
in place. Faults outside of functions run in a child that imports everything anew. Results are kept (--results), and
what was noticed is not run again; equivalent.csv lists the survivors that no test can notice, and why.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import json
import os
import random
import resource
import signal
import sys
import time
import types
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest
from living import living, swap
from mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]
EVALUATION = "tests/evaluation/test_"
LONG = [
    "tests/inference/test_segments.py",
    "tests/inference/test_long.py",
    "tests/inference/test_turns.py",
    "tests/inference/test_segment_formats.py",
    "tests/inference/test_timeline.py",
]
GROUPS: dict[str, tuple[list[str], list[str]]] = {
    "labels": (["ser_hf/labels.py"], ["tests/test_labels.py"]),
    "metrics": (
        [f"ser_hf/evaluation/{name}.py" for name in ("metrics", "bootstrap", "calibration", "comparison")],
        [f"{EVALUATION}{name}.py" for name in ("metrics", "bootstrap", "calibration", "comparison")],
    ),
    "other_metrics": (
        [f"ser_hf/evaluation/{name}.py" for name in ("ser_metrics", "confusions", "dimensions", "selective", "soft")],
        [f"{EVALUATION}{name}.py" for name in ("metrics", "dimensions", "selective", "soft")],
    ),
    "protocols": (["ser_hf/protocols/*.py"], ["tests/protocols"]),
    "segments": ([f"ser_hf/inference/{name}.py" for name in ("segments", "timeline", "turns")], LONG),
    "formats": (["ser_hf/inference/segment_formats.py"], LONG[3:4]),
    "audit": (["ser_hf/audit/*.py"], ["tests/audit"]),
}
"""Name -> the files with faults, and the tests that should notice; the doctests of the files are among them."""
EXTRA_SECONDS, SLOWER = 5, 4
MEMORY = 12 << 30
KILLED, SURVIVED, LATE = 1, 0, 2
FOREIGN, LONG_RUN = "cannot be swapped", "too long"


class Loop:
    """A pytest plugin that runs the collected tests as `run` says, in place of pytest's own loop."""

    def __init__(self, run: Callable[[pytest.Session], None]) -> None:
        self.run, self.failed, self.spent = run, "", Counter[str]()
        self.names: dict[str, dict[str, Any]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Before the tests are read, for `settings` above a test takes the rest from the profile of that time."""
        from hypothesis import Phase, settings

        quick = {"derandomize": True, "database": None, "phases": (Phase.explicit, Phase.generate)}  # no shrinking
        settings.register_profile("mutation", parent=settings.get_profile("untimed"), **quick)
        settings.load_profile("mutation")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.run(session)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.spent[report.nodeid] += report.duration
        if report.failed:
            self.failed = report.nodeid

    def tests(self, session: pytest.Session) -> str:
        """Runs them to the first that fails, whose name it gives; fixtures of a session stay."""
        for i, item in enumerate(session.items):
            if isinstance(item, pytest.DoctestItem):  # a run empties the names it knows
                item.dtest.globs = dict(self.names.setdefault(item.nodeid, dict(item.dtest.globs)))
            following = session.items[(i + 1) % len(session.items)]
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                break
        return self.failed


def child(work: Callable[[], str], limit: float) -> tuple[int, str, float]:
    """Runs in a fork: `KILLED` and by which test, `SURVIVED`, or `LATE`; and its seconds."""
    begin, (reads, writes) = time.monotonic(), os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        name = "import"
        with contextlib.suppress(BaseException):
            name = work()
        os.write(writes, name.encode()[:4000])
        os._exit(bool(name))
    os.close(writes)
    found = LATE
    while time.monotonic() - begin < limit:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            found = KILLED if status else SURVIVED
            break
        time.sleep(0.004)
    else:
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    with open(reads, encoding="utf-8") as pipe:
        by = pipe.read() if found != LATE else LONG_RUN
    return found, by, time.monotonic() - begin


def anew(file: str, code: types.CodeType, arguments: list[str]) -> str:
    """Imports everything with the fault in it and runs the tests: the one that fails."""
    load = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, name: str) -> Any:
        return code if self.path == file else load(self, name)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]
    loop = Loop(lambda session: loop.tests(session) and None)
    status = pytest.main(arguments, plugins=[loop])
    return loop.failed or ("" if status == 0 else "collection")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def key_of(path: Path, _: str, mutant: Mutant) -> str:
    return f"{path.relative_to(ROOT)} | {mutant.place} | {mutant.change}"


def group(name: str, args: argparse.Namespace, kept: dict[str, Any], save: Callable[[], None]) -> None:
    """Runs the faults of a group that are not known to be noticed, and keeps what became of them."""
    files = [path for pattern in GROUPS[name][0] for path in sorted(ROOT.glob(pattern))]
    todo: list[tuple[Path, str, Mutant]] = []
    for path in files:
        say(path.relative_to(ROOT))
        found = list(mutants(path.read_text("utf-8"), str(path)))
        todo += [(path, hashlib.sha256(path.read_bytes()).hexdigest()[:12], mutant) for mutant in found]
    entry = kept.setdefault(name, {"all": 0, "mutants": {}})
    entry["all"], before, here = len(todo), entry["mutants"], {key_of(*one) for one in todo}
    names = tuple(str(path.relative_to(ROOT)) for path in files)
    for key in equivalent().keys() - here:
        if key.startswith(names):
            say(f"explained, and the code has changed: {key}")
    if args.again:
        todo = [one for one in todo if key_of(*one) in before]
    elif 0 < args.limit < len(todo):
        drawn = sorted(random.Random(args.seed).sample(range(len(todo)), args.limit))
        todo = [todo[i] for i in drawn]
    rows = {key_of(*one): one for one in todo}
    entry["mutants"] = {key: before.get(key, {"state": "new"}) | {"sha": rows[key][1]} for key in rows}
    known = {k: one["sha"] for k, one in before.items() if one["state"] == "killed" and one["by"] != LONG_RUN}
    again = [k for k in rows if known.get(k) != rows[k][1]]
    again = [key for key in again if args.only in key and not (key in equivalent() and args.skip)]
    arguments = [
        *GROUPS[name][1],
        *map(str, files),
        "-q",
        "--assert=plain",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:warnings",
        "--show-capture=no",
        "--no-summary",
        "--capture=sys",
    ]
    left: list[str] = []

    def note(key: str, state: int, by: str, seconds: float, fresh: bool) -> None:
        entry["mutants"][key] |= {
            "state": "survived" if state == SURVIVED else "killed",
            "by": by,
            "s": round(seconds, 2),
        }
        say(f"{'anew ' if fresh else ''}{('survived', 'killed', 'late')[state]} {seconds:.1f} s {key}")

    def fast(session: pytest.Session) -> None:
        if loop.tests(session):
            raise SystemExit(f"{loop.failed} fails without any fault")
        whole = sum(loop.spent.values())
        session.items[:] = [item for item in session.items if loop.spent[item.nodeid] < args.quick]
        while (again_ := child(lambda: loop.tests(session), 1e6))[0] != SURVIVED:
            say(f"left out, for it cannot run twice: {again_[1]}")
            session.items[:] = [item for item in session.items if item.nodeid != again_[1]]
        base, kills = sum(loop.spent[item.nodeid] for item in session.items), Counter[str]()
        say(f"{name}: {len(again)} of {len(rows)} faults, {len(session.items)} tests, {base:.1f} s")
        objects = living([str(path) for path in files])
        for key in again:
            path, _, mutant = rows[key]
            session.items.sort(key=lambda item: (-kills[item.nodeid], loop.spent[item.nodeid]))
            run = lambda: loop.tests(session) if swap(objects, str(path), mutant.code) else FOREIGN  # noqa: B023, E731
            state, by, seconds = child(run, EXTRA_SECONDS + SLOWER * base) if mutant.inside else (KILLED, FOREIGN, 0.0)
            if by == FOREIGN:
                left.append(key)
            else:
                kills[by] += 1
                note(key, state, by, seconds, False)
        (ROOT / ".pytest_cache").mkdir(exist_ok=True)
        (ROOT / ".pytest_cache" / "left.json").write_text(json.dumps([left, entry["mutants"], whole]), "utf-8")

    loop = Loop(fast)

    def first() -> str:
        status = pytest.main(arguments, plugins=[loop])
        return "" if status == 0 else "collection"

    state, by, _ = child(first, 1e6)
    if state != SURVIVED:
        raise SystemExit(f"{name}: the tests do not run ({by})")
    left, entry["mutants"], whole = json.loads((ROOT / ".pytest_cache" / "left.json").read_text("utf-8"))
    save()
    for key in left:
        path, _, mutant = rows[key]
        note(key, *child(lambda: anew(str(path), mutant.code, arguments), 30 + SLOWER * whole), True)  # noqa: B023
        save()


def equivalent() -> dict[str, str]:
    """Fault -> why no test can notice it."""
    with (Path(__file__).parent / "equivalent.csv").open(encoding="utf-8", newline="") as lines:
        return {f"{row['file']} | {row['place']} | {row['change']}": row["why"] for row in csv.DictReader(lines)}


def report(kept: dict[str, Any]) -> Iterator[str]:
    """A line per group, and the survivors."""
    known = equivalent()
    for name, entry in kept.items():
        ran = {key: one for key, one in entry["mutants"].items() if one["state"] != "new"}
        alive = [key for key, one in ran.items() if one["state"] == "survived"]
        open_ = [key for key in alive if key not in known]
        late = sum(one.get("by") == LONG_RUN for one in ran.values())
        yield f"{name}: {entry['all']} faults, {len(ran)} run, {len(ran) - len(alive)} killed ({late} by their time), "
        yield f"    {len(alive) - len(open_)} explained, {len(open_)} survived"
        yield from (f"    {key}" for key in open_)
        yield from (f"    explained and yet killed: {key}" for key in known if key in ran and key not in alive)


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", help=", ".join(GROUPS))
    parser.add_argument("--limit", type=int, default=0, help="so many faults of each group, drawn; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", type=float, default=0.5, help="leave out tests that take so many seconds")
    parser.add_argument("--only", default="", help="faults that hold this text")
    parser.add_argument("--again", action="store_true", help="of what an earlier run has run, what survived")
    parser.add_argument("--skip", action="store_true", help="do not run what equivalent.csv explains")
    parser.add_argument("--results", type=Path, default=ROOT / "build" / "mutation.json")
    args = parser.parse_args(words)
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    sys.dont_write_bytecode = True
    for library in ("torch", "datasets", "transformers", "sklearn.metrics", "scipy.stats", "hypothesis", "librosa"):
        __import__(library)
    kept = json.loads(args.results.read_text("utf-8")) if args.results.is_file() else {}

    def save() -> None:
        args.results.parent.mkdir(parents=True, exist_ok=True)
        args.results.write_text(json.dumps(kept, indent=1), "utf-8")

    for name in args.groups or GROUPS:
        group(name, args, kept, save)
        say("\n".join(report({name: kept[name]})))
    return 0


if __name__ == "__main__":
    sys.exit(main())
