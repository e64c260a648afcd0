"""Measuring: subjects take turns, so that what slows the machine for a while slows all of them."""

from __future__ import annotations

import ctypes
import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from ser_hf.base.errors import SerHfError
from ser_hf.base.provenance import hardware, now, versions

_PROC = Path("/proc/self")


@dataclass(frozen=True)
class Settings:
    """What is measured.

    Attributes:
        clips: of one measurement.
        repeats: measurements of every subject.
        seconds: length of the clips.
        corpus: registered corpus the clips are taken from; None makes noise, or takes synthetic voices.
        data_root: folder that holds the corpus' folder.
        threads: threads of PyTorch; None leaves them as they are.
        model: family that is trained or asked.
        model_settings: ``key=value`` settings of the model.
        batch_size: clips of a batch in training.
        recipes: folder of the recipes whose models are measured.
    """

    clips: int = 256
    repeats: int = 5
    seconds: float = 3.0
    corpus: str | None = None
    data_root: str | None = None
    threads: int | None = None
    model: str = "cnn_blstm_attention"
    model_settings: tuple[str, ...] = ()
    batch_size: int = 32
    recipes: str | None = None

    def __post_init__(self) -> None:
        for name in ("clips", "repeats", "threads", "batch_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SerHfError(f"{name} is {value}; expected 1 or more")
        if not 0.1 <= self.seconds <= 600:
            raise SerHfError(f"seconds is {self.seconds}; expected 0.1 to 600")
        if self.data_root is not None and self.corpus is None:
            raise SerHfError(f"data_root is {self.data_root}, and no corpus is named; add --corpus NAME")


@dataclass(frozen=True)
class Subject:
    """One of those compared.

    Attributes:
        name: as shown.
        clips: worked on in a measurement.
        measured: does the work and gives the seconds it took.
        on_gpu: memory is that of the GPU.
    """

    name: str
    clips: int
    measured: Callable[[], float]
    on_gpu: bool = False


@dataclass(frozen=True)
class Row:
    """What was found of a subject.

    Attributes:
        name: of the subject.
        clips_per_second: median over the repeats.
        ratio: throughput over the reference's of the same round, median over the rounds.
        peak_bytes: most memory beyond what was held before, without that of worker processes; None where the system
            does not tell.
        seconds: of every repeat.
        clips: of a repeat.
    """

    name: str
    clips_per_second: float
    ratio: float
    peak_bytes: int | None
    seconds: list[float]
    clips: int


@dataclass(frozen=True)
class Result:
    """A comparison: rows, the subject with ratio 1, notes (also of what was not measured), and where this happened."""

    task: str
    title: str
    reference: str
    rows: list[Row]
    notes: list[str]
    settings: Settings
    hardware: str = field(default_factory=hardware)
    threads: int = field(default_factory=torch.get_num_threads)
    versions: dict[str, str] = field(default_factory=versions)
    created: str = field(default_factory=now)

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        return asdict(self)


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """Measures the whole of ``work``, to the end of what it began on a GPU."""

    def measured() -> float:
        start = time.perf_counter()
        work()
        synchronise()
        return time.perf_counter() - start

    return measured


def synchronise() -> None:
    """Waits for the GPU, where there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def measure(subjects: Sequence[Subject], reference: str, repeats: int) -> list[Row]:
    """Lets the subjects take turns: A B C, A B C, ...

    Each runs once to warm up and once for its memory before the first round.

    Args:
        subjects: in the order of the rows.
        reference: name of the one whose ratio is 1.
        repeats: rounds.
    """
    memory, seconds = {}, {subject.name: list[float]() for subject in subjects}
    for subject in subjects:
        subject.measured()
        memory[subject.name] = _peak_of(subject)
    for _ in range(repeats):
        for subject in subjects:
            gc.collect()
            seconds[subject.name].append(subject.measured())
    each = {s.name: [s.clips / t for t in seconds[s.name]] for s in subjects}
    return [
        Row(
            name=s.name,
            clips_per_second=statistics.median(each[s.name]),
            ratio=statistics.median(own / its for own, its in zip(each[s.name], each[reference], strict=True)),
            peak_bytes=memory[s.name],
            seconds=seconds[s.name],
            clips=s.clips,
        )
        for s in subjects
    ]


def _peak_of(subject: Subject) -> int | None:
    """How far memory rose while the subject was at work: the GPU's, or what this process has in RAM."""
    gc.collect()
    if subject.on_gpu:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        subject.measured()
        return int(torch.cuda.max_memory_allocated()) - before
    try:
        ctypes.CDLL(None).malloc_trim(0)  # else memory freed by the subject before is there for this one to use
        (_PROC / "clear_refs").write_text("5")  # the high-water mark falls to what is held now
        start = _status("VmRSS")
    except (OSError, AttributeError):
        return None
    subject.measured()
    return max(0, _status("VmHWM") - start)


def _status(name: str) -> int:
    lines = (_PROC / "status").read_text(encoding="ascii").splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
