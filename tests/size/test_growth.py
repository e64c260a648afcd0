"""What is done for every clip does not grow with their number: counted in calls and bytes, never in seconds."""

import runpy
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from ser_hf.audit import audit
from ser_hf.corpora import own_corpus, scan
from ser_hf.data import balance
from ser_hf.data._cache_key import cache_key
from ser_hf.labels import get_scheme
from ser_hf.ledger import make_ledger
from ser_hf.protocols import SplitOptions, make_split

FEW, MANY = 500, 4000
SLACK = 1.3
"""Above proportion; the logarithm of 4,000 is 1.33 times that of 500, and most work is proportional."""


def listed(root: Path, clips: int) -> Callable[[], object]:
    table = root / f"{clips}.csv"
    (root / "a.wav").touch()
    rows = (f"a.wav,{('happy', 'sad')[i % 2]},s{i % 40},{i},{i}.5" for i in range(clips))
    table.write_text("path,label,speaker,start,end\n" + "\n".join(rows) + "\n", encoding="utf-8")
    scheme = get_scheme("8class")

    def run() -> None:
        found = scan(own_corpus("own", table), table)
        make_ledger(found.clips, scheme)
        cache_key([found], scheme)

    return run


@pytest.fixture
def steps(make_rows, tmp_path) -> Callable[[str, int], Callable[[], object]]:
    """A function that prepares a step on so many clips."""

    def prepare(step: str, clips: int) -> Callable[[], object]:
        rows = make_rows([f"ravdess_{i % 40:02d}" for i in range(clips)], [i // 40 % 3 for i in range(clips)])
        if step == "list":
            return listed(tmp_path, clips)
        if step == "split":
            by_voice = SplitOptions(fold=1)
            return lambda: (make_split(rows, "random"), make_split(rows, "speaker-kfold", by_voice))
        parts = make_split(rows, "random").datasets
        if step == "audit":
            return lambda: audit(parts, claims_speaker_independent=False)
        return lambda: (balance(parts, "undersample"), balance(parts, "class_weights"))

    return prepare


def calls(run: Callable[[], object]) -> int:
    """How many functions are called."""
    count = [0]

    def note(frame: object, event: str, argument: object) -> None:
        count[0] += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count[0]


def memory(run: Callable[[], object]) -> int:
    """Bytes that are held at most, those before left out."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("step", ["list", "split", "audit", "balance"])
def test_work_and_memory_grow_with_the_clips_and_no_faster(step, steps):
    few, many = steps(step, FEW), steps(step, MANY)
    few(), many()  # what is imported and cached once is not counted
    for measured in (calls, memory):
        assert measured(many) <= SLACK * MANY / FEW * measured(few)


def test_the_program_finds_its_powers():
    found = exponents([10_000, 100_000, 1_000_000], [3.0, 12.0, 102.0], 2.0)
    assert np.allclose(found, [1.0, 1.0])


def exponents(sizes: list[int], seconds: list[float], start: float) -> list[float]:
    folder = Path(__file__).parent
    others = {name: module for name, module in sys.modules.items() if name not in ("corpus", "steps")}
    with patch.object(sys, "path", [str(folder), *sys.path]), patch.dict(sys.modules, others, clear=True):
        found: list[float] = runpy.run_path(str(folder / "run.py"))["exponents"](sizes, seconds, start)
    return found
