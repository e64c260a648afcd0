"""What the tests of every parser share."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from ser_hf.base.errors import CorpusError
from ser_hf.records import Clip


@pytest.fixture(scope="session")
def names_list(shared_corpora: Path) -> Callable[[str], list[dict[str, str]]]:
    """A function that reads a corpus' official list: ``path``, ``label``, ``speaker`` and ``sex`` of every file."""

    def read(corpus: str) -> list[dict[str, str]]:
        with (shared_corpora / f"names/{corpus}.tsv").open(encoding="utf-8") as lines:
            return list(csv.DictReader(lines, delimiter="\t"))

    return read


@pytest.fixture(scope="session")
def outcome() -> Callable[..., Clip | str | None]:
    """A function that gives what a parser makes of a path, or the message it refuses it with."""

    def of(parse: Callable[[Path], Clip | None], path: Path) -> Clip | str | None:
        try:
            return parse(path)
        except CorpusError as error:
            return str(error)

    return of
