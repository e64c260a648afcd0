"""Kills, signals, full disks, read-only folders, short memory and second processes, put into eight jobs one by one.

``python tests/faults/run.py [--jobs build train ...] [--output table.md]``

Each job is first done undisturbed, and the renames and the files that it opens to write are counted. Then it is killed
before and after each rename, and harmed in other ways; after each fault the same command is given again (for a training
with the words that its message names) and what it leaves is compared with what it left undisturbed.
"""

import argparse
import importlib.util
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if __name__ == "__main__" or "bench" not in sys.modules:
    _spec = importlib.util.spec_from_file_location("bench", Path(__file__).with_name("bench.py"))
    sys.modules["bench"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["bench"])
import bench as _bench

Bench, Disk, End, can_mount = _bench.Bench, _bench.Disk, _bench.End, _bench.can_mount
commands, inject, compare = _bench.commands, _bench.inject, _bench.beside("compare")
Fault = inject.Fault
FINISHED = ("already holds a dataset", "already holds a run")
"""What a command says whose work is done."""


@dataclass
class Row:
    """A line of the table; ``wrong`` is empty where all is as it should be."""

    job: str
    fault: str
    moment: str
    code: int
    said: str
    again: int
    equal: bool
    litter: list[str]
    wrong: list[str] = field(default_factory=list)

    def cells(self) -> list[str]:
        said = self.said.replace("|", "\\|")
        return [
            *(self.job, self.fault, self.moment, str(self.code), said[:110], str(self.again)),
            *("yes" if self.equal else "NO", ", ".join(self.litter) or "none", "; ".join(self.wrong) or "right"),
        ]


@dataclass(frozen=True)
class Known:
    """What a job does undisturbed: its points, what it leaves, and how long it takes."""

    renames: int
    writes: int
    files: dict[str, str]
    names: set[str]
    seconds: float
    size: int
    requests: int = 0
    moved: tuple[str, ...] = ()


class Faults:
    """Puts faults into jobs.

    Args:
        base: a folder to work in.
        thorough: also where another job has been through the same code, and between pictures.
        moments: the only ones that are tried, in the words of the table.
    """

    def __init__(self, base: Path, thorough: bool = False, moments: Sequence[str] = ()) -> None:
        self.thorough, self.moments = thorough, moments
        self.bench = Bench(base)
        self.hub = commands.load("hub_server").HubServer()
        self.bench.environment(self.hub.url)
        self.hub.__enter__()
        self.jobs = commands.jobs(self.bench.made, self.bench.out)
        self.rows: list[Row] = []

    def prepare(self) -> None:
        """Loads the libraries, and makes what jobs take; in a process of its own, so that this one stays young."""
        for name in ("ser_hf.flows.train", "ser_hf.studies", "ser_hf.inference", "ser_hf.embeddings", "sklearn.svm"):
            importlib.import_module(name)
        for name in ("ser_hf.inference.batch", "ser_hf.flows.build", "matplotlib.pyplot", "onnxruntime"):
            importlib.import_module(name)
        if not (self.bench.made / "run" / "results.json").is_file():
            end = self._forked(lambda: commands.prepare(self.bench.made))
            if end:
                raise SystemExit(f"what the jobs take could not be made: {end}")

    def _forked(self, call: Any) -> int:
        import os

        number = os.fork()
        if not number:
            code = 1
            try:
                call()
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])

    def fresh(self, job: Any) -> None:
        """An empty folder to work in, and an empty Hub."""
        self.bench.clean()
        self.hub.repos.clear()
        self.hub.objects.clear()
        self.hub.requests.clear()
        self.bench.log.unlink(missing_ok=True)

    def left(self) -> dict[str, str]:
        """What the job made: files below ``out``, or in the repository."""
        found = compare.contents(self.bench.out)
        for name, repo in self.hub.repos.items():
            found |= {f"hub:{name}/{path}": str(hash(data)) for path, data in self.hub.files(name).items()}
            found[f"hub:{name} commits"] = str(len(self.hub.commits(name)))
            del repo
        return found

    def undisturbed(self, job: Any) -> Known:
        """Does a job twice without a fault, and holds the second against the first."""
        found: list[Any] = []
        for _ in range(2):
            self.fresh(job)
            fault = Fault(folder=str(self.bench.work), log=str(self.bench.log))
            end = self.bench.run(job, fault)
            if end.code:
                raise SystemExit(f"{job.name} fails undisturbed: {end.said[-3000:]}")
            found.append((self.left(), compare.tree(self.bench.work), end.seconds))
        shutil.rmtree(self.bench.base / "undisturbed", ignore_errors=True)
        shutil.copytree(self.bench.out, self.bench.base / "undisturbed")  # to look at what differs
        (first, names, _), (second, other, seconds) = found
        differ = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
        if differ or names ^ other:
            raise SystemExit(f"{job.name} is not the same twice: {differ} {sorted(names ^ other)}")
        points = self.bench.log.read_text().splitlines() if self.bench.log.exists() else []
        renames = sum(line.startswith("rename") for line in points)
        size = sum(path.stat().st_size for path in self.bench.work.rglob("*") if path.is_file())
        asked, moved = len(self.hub.requests), tuple(line for line in points if line.startswith("rename"))
        known = Known(renames, len(points) - renames, first, names, seconds, size, asked, moved)
        say(
            f"{job.name}: {known.renames} renames, {known.writes} files opened to write, {len(first)} files, "
            f"{seconds:.1f} s"
        )
        for line in points:
            if line.startswith("rename"):
                say(f"    {line}")
        return known

    def plan(self, job: Any, known: Known) -> Iterator[Fault]:
        """The faults of a job that are put into one process of it."""
        here, draw = str(self.bench.work), random.Random(job.name)
        for at, name in enumerate(known.moved, 1):
            passed = not self.thorough and "cache/" in name and job.name not in ("build", "features", "embed")
            for after in () if passed else (False,) if not self.thorough and "/plots/" in name else (False, True):
                yield Fault("SIGKILL", "rename", at, after, folder=here)
        some = sorted({1, *(draw.randint(1, known.renames) for _ in range(2)), known.renames}) if known.renames else []
        for at in some:
            yield Fault("SIGTERM", "rename", at, folder=here)
            yield Fault("full disk", "rename", at, folder=here)
        writes = sorted({1, *(draw.randint(1, known.writes) for _ in range(3)), known.writes}) if known.writes else []
        kinds = ("full disk", "read-only", "no right to write", "no memory", "SIGTERM", "SIGHUP")
        for number, at in enumerate(writes):
            for kind in (kinds[number % 6], kinds[(number + 3) % 6]):
                yield Fault(kind, "write", at, folder=here)
        if job.name == "push":
            for at in range(1, known.requests + 1):
                for after in (False, True):
                    yield Fault("SIGKILL", "request", at, after, folder=here)
            yield Fault("SIGTERM", "request", 2, folder=here)
            yield Fault("no memory", "request", 3, folder=here)
        for kind in ("SIGKILL", "SIGKILL", "SIGTERM", "SIGTERM", "SIGHUP"):
            yield Fault(kind, seconds=round(draw.uniform(0.05, 0.95) * known.seconds, 2))

    def run(self, job: Any, few: bool = False) -> None:
        """All faults of a job."""
        known = self.undisturbed(job)
        faults = list(self.plan(job, known))
        if self.moments:
            faults, few = [fault for fault in faults if fault.words in self.moments], False
        for fault in faults if not few else faults[:: max(1, len(faults) // 3)]:
            self.fresh(job)
            self.after(job, known, fault.kind, fault.words, self.bench.run(job, fault))
        if few or self.moments:
            self.two(job, known)
            return
        for share in (0.3, 0.05):
            self.fresh(job)
            end = self.bench.run(job, room=int(share * (200 << 20)))
            self.after(job, known, "no memory (limit)", f"{int(share * 200)} MiB more", end)
        self.two(job, known)
        if can_mount(self.bench.base):
            self.disks(job, known)

    def two(self, job: Any, known: Known) -> None:
        """Two at once."""
        self.fresh(job)
        ends = [self.bench.end(one, job.seconds) for one in [self.bench.start(job), self.bench.start(job)]]
        codes = [end.code for end in ends]
        worst = max(ends, key=lambda end: abs(end.code))
        row = self.after(job, known, "two at once", f"codes {codes[0]} and {codes[1]}", worst)
        if all(codes):
            row.wrong.append("neither ended right")

    def disks(self, job: Any, known: Known) -> None:
        """A disk that is really full, and one that is really read-only."""
        for share in (0.0, 0.4, 0.85):
            self.fresh(job)
            with Disk(self.bench, 16384 + int(share * known.size)) as remount:
                end = self.bench.run(job)
                remount("size=1g")
                self.after(job, known, "full disk (real)", f"{share:.0%} of what is needed", end)
        self.fresh(job)
        with Disk(self.bench, 1 << 30) as remount:
            remount("ro")
            end = self.bench.run(job)
            remount("rw")
            self.after(job, known, "read-only (real)", "from the start", end)

    def after(self, job: Any, known: Known, kind: str, moment: str, end: Any) -> Row:
        """What is there after a fault, and after the same command again."""
        wrong = []
        if not end.clear:
            wrong.append("no clear line")
        if "HANGS" in end.said:
            wrong.append("hangs")
        wrong += [f"half: {name}" for name in compare.halves(self.bench.out, known.files)]
        if end.code > 0 and not kind.startswith(("two", "SIGKILL")):
            soon = sorted(_litter(compare.tree(self.bench.work) - known.names))
            wrong += [f"litter at once: {', '.join(soon)}"] if soon else []
        self.bench.age()
        again = self.bench.run(job)
        if again.code and "--resume_from_checkpoint last" in again.said:
            again = self.bench.run(job, more=tuple(commands.TRAIN_MORE))
        if again.code and not any(words in again.said for words in FINISHED):
            wrong.append(f"again: {again.last}")
        left, names = self.left(), compare.tree(self.bench.work)
        differ = sorted(n for n in left.keys() | known.files.keys() if left.get(n) != known.files.get(n))
        if differ:
            wrong.append(f"differ: {', '.join(differ[:6])}")
        litter = sorted(names - known.names - {f"out/{name}" for name in differ})
        if litter:
            wrong.append("litter")
        row = Row(job.name, kind, moment, end.code, end.last, again.code, not differ, litter[:5], wrong)
        self.rows.append(row)
        if wrong:
            say(f"WRONG {end.seconds:.1f} s {' | '.join(row.cells())}")
            if "no clear line" in wrong or "hangs" in wrong:
                say("      " + "\n      ".join(end.said.splitlines()[-25:]))
            if again.code and "again" in "".join(wrong):
                say("      again: " + "\n      ".join(again.said.splitlines()[-25:]))
        return row


def _litter(names: set[str]) -> set[str]:
    """Those of files that a run leaves which are of no use to the next: temporary ones and locks."""
    found = {n for n in names if any(w in n for w in ("/.", "tmp", ".building", ".writing", ".lock", ".running"))}
    return {n for n in found if not n.startswith("cache/datasets")}  # which `datasets` sees to itself, or we next time


def table(rows: list[Row]) -> str:
    """The table in Markdown, after a count of it."""
    head = ["job", "fault", "moment", "exit", "said", "again", "equal", "litter", "verdict"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(row.cells())} |" for row in rows]
    right = sum(not row.wrong for row in rows)
    return f"{len(rows)} faults, {right} as it should be.\n\n" + "\n".join(lines) + "\n"


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(words: list[str] | None = None) -> int:
    """Runs what is asked; the exit code is 0 where all is right."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--jobs", nargs="+", metavar="NAME")
    parser.add_argument("--output", type=Path, metavar="TABLE.md")
    parser.add_argument(
        "--base", type=Path, metavar="DIR", help="where it works; a new folder that is removed, if none"
    )
    parser.add_argument("--thorough", action="store_true", help="also where another job was in the same code")
    parser.add_argument("--moments", nargs="+", default=[], metavar="WORDS", help='only these, as "after rename 7"')
    parser.add_argument("--few", action="store_true", help="three faults of each job's list")
    args = parser.parse_args(words)
    base = args.base or Path(tempfile.mkdtemp(prefix="ser_hf_faults_"))
    faults = Faults(base.resolve(), args.thorough, args.moments)
    try:
        faults.prepare()
        for name in args.jobs or faults.jobs:
            faults.run(faults.jobs[name], args.few)
            if args.output:
                args.output.write_text(table(faults.rows), encoding="utf-8")
    finally:
        if args.base is None:
            shutil.rmtree(base, ignore_errors=True)
    wrong = [row for row in faults.rows if row.wrong]
    say(f"{len(faults.rows)} faults, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
