"""The shards of an output, and what is known of each: a run that was killed goes on with those that are not there."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ser_hf.base.atomic import replacing, write_json
from ser_hf.base.disk import writing
from ser_hf.base.errors import SerHfError

from .formats import Format
from .item import Item
from .rows import Row

_PLAN, _ENDED = "plan.json", "ended.json"


class Done(NamedTuple):
    """A shard that is there.

    Attributes:
        rows: how many.
        errors: how many of them have nothing but an error.
        digest: of the recordings, see `digest_of`.
        size: of the file in bytes.
    """

    rows: int
    errors: int
    digest: str
    size: int


class Digest:
    """Tells a run of recordings from another one."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)
        self.count = 0

    def add(self, item: Item) -> None:
        """Takes the next recording."""
        self._hash.update(item.key)
        self.count += 1

    def __str__(self) -> str:
        return self._hash.hexdigest()


class Shards:
    """Where shards lie: beside a file, in ``FILE.parts``, until it is whole; in a folder for good.

    A shard is a file and, once it is whole, a note of what is in it. Both appear whole or not at all.

    Args:
        output: a file with a suffix, or a folder.
        form: of the files.
    """

    def __init__(self, output: Path, form: Format) -> None:
        self.output, self.form = output, form
        self.one_file = bool(output.suffix) and not output.is_dir()
        self.folder = output.with_name(f"{output.name}.parts") if self.one_file else output / ".parts"

    def prepare(self, plan: dict[str, Any], overwrite: bool) -> None:
        """Makes ready to write by a plan, or to go on with it.

        Args:
            plan: what follows from the command; whatever changes the rows is in it.
            overwrite: begin anew where something else lies there, or the same one has ended.

        Raises:
            SerHfError: something else lies there.
        """
        self._sweep()
        plan = json.loads(json.dumps(plan))
        old = self._read(_PLAN)
        if overwrite and (old != plan or (self.folder / _ENDED).exists()):
            self.clear()
            old = None
        if old is None:
            if self.output.is_file() and not overwrite:
                raise SerHfError(f"{self.output} is there already; --overwrite makes it anew, or name another --output")
            if not self.one_file and any(self.output.glob(f"*{self.form.suffix}")):
                raise SerHfError(f"{self.output} holds {self.form.suffix} files of something else; name another folder")
            write_json(self.folder / _PLAN, plan)
        elif old != plan:
            differs = next(key for key in (*plan, *old) if plan.get(key) != old.get(key))
            raise SerHfError(
                f"{self.output} was begun with {differs} {_told(old.get(differs))}, and this is "
                f"{_told(plan.get(differs))}; give the same command to go on, or --overwrite to begin anew"
            )

    def done(self, number: int) -> Done | None:
        """What is known of a shard; None where it is not there, or not what was written."""
        told = self._read(f"{number:05d}.json")
        try:
            known = None if told is None else Done(**told)
            there = self.file(number).stat().st_size
        except (TypeError, OSError):
            return None
        return known if known is not None and there == known.size else None

    def write(self, number: int, rows: Sequence[Row], columns: dict[str, str], digest: str) -> Done:
        """Writes a shard and its note."""
        path = self.file(number)
        with writing(path), replacing(path) as temporary:
            self.form.write(temporary, rows, columns)
        known = Done(len(rows), sum(row.heard is None for row in rows), digest, path.stat().st_size)
        write_json(self.folder / f"{number:05d}.json", known._asdict())
        return known

    def file(self, number: int) -> Path:
        """The file of a shard."""
        if self.one_file:
            return self.folder / f"{number:05d}{self.form.suffix}"
        return self.output / f"{self.output.name}-{number:05d}{self.form.suffix}"

    def finish(self, count: int, columns: dict[str, str], plan: str) -> None:
        """Puts the file together, where one is wanted, and clears the shards away."""
        if not self.one_file:
            write_json(self.folder / _ENDED, {"shards": count})
            return
        with writing(self.output), replacing(self.output) as temporary:
            self.form.merge([self.file(number) for number in range(count)], temporary, columns, plan)
        (self.folder / _PLAN).unlink()  # from here on the file is what there is
        self.clear()

    def all_done(self) -> dict[int, Done]:
        """What is known of every shard that is there."""
        numbers = sorted(int(note.stem) for note in self.folder.glob("[0-9]*.json"))
        return {number: known for number in numbers if (known := self.done(number)) is not None}

    def clear(self) -> None:
        """Takes away what was written of shards, and nothing else."""
        for name in (_PLAN, _ENDED):
            (self.folder / name).unlink(missing_ok=True)
        for note in self.folder.glob("[0-9]*.json"):
            self.file(int(note.stem)).unlink(missing_ok=True)
            note.unlink()
        self._sweep()
        if self.one_file:  # a shard whose note was not written any more
            for path in self.folder.glob(f"[0-9]*{self.form.suffix}"):
                path.unlink()

    def forget(self) -> None:
        """Takes the plan away where nothing was heard by it. Only whoever holds the folder may: a plan is another's."""
        if not any(self.folder.glob("[0-9]*")):
            (self.folder / _PLAN).unlink(missing_ok=True)

    def leave(self) -> None:
        """Takes the folders away that are empty."""
        with contextlib.suppress(OSError):
            self.folder.rmdir()
            if not self.one_file:
                self.output.rmdir()

    def _sweep(self) -> None:
        """Takes away the files that a process which was killed had not yet put in their place."""
        name, suffix = glob.escape(self.output.name), self.form.suffix
        for folder, pattern in (
            (self.folder, f".[0-9]*{suffix}"),
            (self.folder, ".*.json.*.json"),
            (self.output.parent, f".{name}.*{suffix}") if self.one_file else (self.output, f".{name}-*{suffix}"),
        ):
            for path in folder.glob(pattern):
                path.unlink(missing_ok=True)

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            told = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return told if isinstance(told, dict) else None


def _told(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."
