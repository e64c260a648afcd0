"""Processes that open strangers' files, one after the other, with a limit of memory and of time each."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import multiprocessing
import os
import resource
import sys
import tempfile
import time
import traceback
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ser_hf.base.errors import SerHfError

GIB = 1 << 30
SECONDS = 10.0
_START = 60.0
"""Seconds a process has to load its libraries in."""
_CASES = 2_000
"""A process is given so many; the next ones go to a new one."""
_TURNS = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
_CODES = {"result", "line"}


@dataclass
class Told:
    """What became of a file.

    Attributes:
        kinds: by the way it was opened: ``result``, ``line``, ``fault``, ``noise``, or for the whole of it ``late`` or
            ``crash``.
        text: what is wrong, where something is.
        lines: the lines that were said of it.
        seconds: how long all ways took together.
        peak: the most memory the process held (resident), in bytes.
    """

    kinds: dict[str, str]
    text: str = ""
    lines: list[str] = field(default_factory=list)
    seconds: float = 0.0
    peak: int = 0

    @property
    def good(self) -> bool:
        return set(self.kinds.values()) <= _CODES


Way = tuple[str, Callable[[], Any]]
"""What a way of opening is called, and what does it: it raises what is wrong with the file."""


def tried(ways: Iterable[Way], names: str) -> Told:
    """Goes all ways: each must end, or raise one line that names the file."""
    told = Told({})
    start = time.perf_counter()
    for way, go in ways:
        try:
            go()
            told.kinds[way] = "result"
        except SerHfError as error:
            line = str(error)
            told.lines.append(line)
            told.kinds[way] = "line"
            if not steady(line.replace("\t", " ")) or (names and names not in line):
                told.kinds[way] = "fault"
                told.text += f"{way}: not one printable line that names the file: {line!r:.300}\n"
        except BaseException:  # noqa: BLE001 - what it is, is the finding
            told.kinds[way] = "fault"
            told.text += f"{way}: {traceback.format_exc(limit=-8)}\n"
    told.seconds = time.perf_counter() - start
    return told


def say(text: str) -> None:
    """Writes a line to standard output."""
    sys.stdout.write(ascii(text)[1:-1] + "\n" if not steady(text) else text + "\n")


def steady(line: str) -> bool:
    """Whether a line is one, and neither steers a terminal nor changes the direction of writing."""
    steering = any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in line)
    return not steering and not any(unicodedata.bidirectional(letter) in _TURNS for letter in line)


class Child:
    """A process that opens what it is given.

    Args:
        make: called in the process, gives what opens a case.
        memory: bytes of address space.
        beyond: whether these are beyond what the process has when it has loaded what it needs; else all it has.
    """

    def __init__(self, make: Callable[[], Callable[[Any], Told]], memory: int = 2 * GIB, beyond: bool = True) -> None:
        self._make, self._memory, self._beyond = make, memory, beyond
        self._process: Any = None
        self._given = 0

    def ask(self, case: Any, seconds: float = SECONDS) -> Told:
        """What becomes of a case."""
        if self._process is not None and self._given >= _CASES:
            self.close()
        if self._process is None:
            self._begin()
        self._given += 1
        start = time.perf_counter()
        try:
            self._near.send(case)
            if self._near.poll(seconds):
                return self._near.recv()
            kind, text = "late", f"more than {seconds:g} s"
        except (EOFError, OSError):
            self._process.join(5)
            code = self._process.exitcode
            kind, text = "crash", f"the process ended with {code}"
        self.close()
        return Told({"all": kind}, text, seconds=time.perf_counter() - start)

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._near.close()
            self._process = None

    def _begin(self) -> None:
        context = multiprocessing.get_context("fork")
        self._near, far = context.Pipe()
        self._process = context.Process(target=self._run, args=(self._near, far), daemon=True)
        self._process.start()
        far.close()
        self._given = 0
        if not self._near.poll(_START):
            raise TimeoutError("the process did not start")
        self._near.recv()

    def _run(self, near: Connection, far: Connection) -> None:
        near.close()
        noise = tempfile.TemporaryFile()  # noqa: SIM115 - goes with the process
        work = self._make()
        for descriptor in (1, 2):
            os.dup2(noise.fileno(), descriptor)
        has = _pages("/proc/self/statm") * resource.getpagesize() if self._beyond else 0
        resource.setrlimit(resource.RLIMIT_AS, (has + self._memory, resource.RLIM_INFINITY))
        far.send("ready")
        with contextlib.suppress(EOFError):
            while True:
                case = far.recv()
                Path("/proc/self/clear_refs").write_text("5")
                told = work(case)
                told.peak = _status("VmHWM") * 1024
                ctypes.CDLL(None).fflush(None)  # what C has not printed yet
                for stream in (sys.stdout, sys.stderr):
                    stream.flush()
                if size := os.fstat(noise.fileno()).st_size:
                    told.kinds["all"] = "noise"
                    told.text += f"printed: {os.pread(noise.fileno(), min(size, 400), 0)!r}\n"
                    os.lseek(noise.fileno(), 0, os.SEEK_SET)
                    os.ftruncate(noise.fileno(), 0)
                far.send(told)
        os._exit(0)


class Tally:
    """Counts of what became of the files, by what they were.

    Args:
        keep: a folder that gets those that something is wrong with.
    """

    def __init__(self, keep: Path | None = None) -> None:
        self.counts: dict[str, Counter[str]] = {}
        self.ways: dict[str, Counter[str]] = {}
        self.slowest: tuple[float, str] = (0.0, "")
        self.largest: tuple[int, str] = (0, "")
        self.wrong: list[str] = []
        self._keep = keep

    def add(self, codec: str, name: str, told: Told, data: bytes) -> None:
        """Notes one."""
        counter = self.counts.setdefault(codec, Counter())
        counter["files"] += 1
        bad = set(told.kinds.values()) - _CODES
        counter.update(bad or {next(iter(told.kinds.values()))})
        for way, kind in told.kinds.items():
            self.ways.setdefault(way, Counter())[kind] += 1
        self.slowest = max(self.slowest, (told.seconds, name))
        self.largest = max(self.largest, (told.peak, name))
        if not told.good:
            self.wrong.append(f"{name} ({codec}): {dict(told.kinds)}\n{told.text}")
            if self._keep is not None:
                self._keep.mkdir(parents=True, exist_ok=True)
                (self._keep / f"{len(self.wrong):04d}").write_bytes(data)

    def tell(self, shown: int = 20) -> int:
        """Prints the counts and what is wrong; the exit code."""
        total: Counter[str] = Counter()
        for codec, counter in sorted(self.counts.items()):
            total.update(counter)
            say(f"{codec:24} " + ", ".join(f"{count} {kind}" for kind, count in counter.items()))
        say(f"{'all':24} " + ", ".join(f"{count} {kind}" for kind, count in total.items()))
        for way, counter in self.ways.items():
            say(f"  by {way:21} " + ", ".join(f"{count} {kind}" for kind, count in sorted(counter.items())))
        say(f"longest {self.slowest[0]:.2f} s ({self.slowest[1]!r}); most memory {self.largest[0] / 2**20:.0f} MiB")
        for text in itertools.islice(self.wrong, shown):
            say(f"WRONG {text}")
        say(f"{len(self.wrong)} of {total['files']} went wrong")
        return 1 if self.wrong else 0


def progress(items: Iterable[Any], every: int) -> Iterator[Any]:
    """Gives the items, and says from time to time how many there were."""
    start = time.monotonic()
    for number, item in enumerate(items):
        if number and number % every == 0:
            sys.stderr.write(f"{number} after {time.monotonic() - start:.0f} s" + "\n")
        yield item


def _pages(path: str) -> int:
    return int(Path(path).read_text().split()[0])


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))
