"""Archives unpacked without trusting them: nothing outside the folder, no links, no bombs, nothing damaged.

``datasets`` and ``tarfile`` unpack what they are given, follow what headers say and leave half of it behind. Here the
bytes are counted while they are written, whatever the headers say, and archives inside archives count with the one
that holds them.
"""

from __future__ import annotations

import errno
import filecmp
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from ._members import ArchiveError, Member, is_litter, refuse, safe_path
from ._tar import is_tar, tar_members
from ._zip import is_zip, zip_members, zip_size

_FOREIGN = {b"Rar!\x1a\x07": "RAR", b"7z\xbc\xaf\x27\x1c": "7-Zip", b"\xfd7zXZ\x00": "XZ"}
_SUFFIXES = (".tar.gz", ".tar.bz2", ".tgz", ".tbz2", ".tar", ".zip")
_DOCUMENTS = (".docx", ".xlsx", ".pptx", ".odt", ".ods")
_IMPOSSIBLE = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ}
"""What the system says of names that cannot stand beside the others, or at all."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may become; official corpora stay far below.

    Attributes:
        entries: files and folders, those inside nested archives included.
        size: bytes, in all.
        ratio: bytes per byte of the archive; recordings shrink to a half or a third.
        ratio_from: bytes below which the ratio is not judged, as tables shrink further.
        nesting: archives inside one another.
    """

    entries: int = 500_000
    size: int = 200 << 30
    ratio: int = 100
    ratio_from: int = 256 << 20
    nesting: int = 3


@dataclass(slots=True)
class Extracted:
    """What came out of an archive.

    Attributes:
        files: number of files written.
        size: bytes unpacked, those of nested archives included.
        left_out: entries passed over: what macOS and Windows leave in folders, and files that are there already.
    """

    files: int = 0
    size: int = 0
    left_out: list[str] = field(default_factory=list)


def is_archive(path: Path, name: str | None = None) -> bool:
    """Whether a file is an archive that `extract` knows, by its content. Office documents, zip files too, are none.

    Args:
        path: the file.
        name: what it is called, if ``path`` is a cache's own name.

    Raises:
        ArchiveError: its name says it is an archive, and it is none; or it is of a kind that needs another program.
    """
    name = name or path.name
    with path.open("rb") as file:
        head = file.read(8)
    for magic, kind in _FOREIGN.items():
        if head.startswith(magic):
            raise ArchiveError(f"{name} is a {kind} archive, which ser_hf cannot unpack; use another program")
    found = _is_packed(path, name)
    if not found and name.lower().endswith(_SUFFIXES):
        raise ArchiveError(f"{name} is no zip or tar archive, or is damaged at its beginning; fetch it again")
    return found


def unpacked_size(archive: Path, name: str | None = None) -> int:
    """Bytes an archive takes when it is unpacked: exact for zip, a lower bound for compressed tar.

    Raises:
        ArchiveError: it is damaged.
    """
    if _is_zip(archive):
        return zip_size(archive, name or archive.name)
    return archive.stat().st_size


def extract(
    archive: Path,
    folder: Path,
    *,
    name: str | None = None,
    limits: Limits | None = None,
    progress: Callable[[int], object] | None = None,
) -> Extracted:
    """Unpacks a zip or tar archive, compressed or not; archives in it are unpacked into folders of their names.

    If it fails, what was written until then stays: unpack into a folder that is thrown away.

    Args:
        archive: the file.
        folder: an existing folder.
        name: what the archive is called in messages.
        limits: what it may become.
        progress: called with the number of bytes after every piece written.

    Raises:
        ArchiveError: it or an archive in it is damaged, encrypted or too large, or an entry lies outside, is a link or
            a device.
        OSError: the place cannot be written.
    """
    budget = _Budget(name or archive.name, limits or Limits(), archive.stat().st_size, progress or (lambda n: None))
    _unpack(archive, folder, name or archive.name, budget, 1)
    return budget.done


@dataclass(slots=True)
class _Budget:
    """What may still be written."""

    name: str
    limits: Limits
    packed: int
    progress: Callable[[int], object]
    entries: int = 0
    done: Extracted = field(default_factory=Extracted)

    def entry(self) -> None:
        """Counts a file or folder."""
        self.entries += 1
        if self.entries > self.limits.entries:
            raise ArchiveError(f"{self.name} holds more than {self.limits.entries} entries; it is not unpacked")

    def room(self) -> int:
        """Bytes that may still come."""
        allowed = min(self.limits.size, max(self.limits.ratio_from, self.limits.ratio * self.packed))
        return allowed - self.done.size

    def spend(self, size: int) -> None:
        """Counts bytes that were unpacked."""
        self.done.size += size
        self.progress(size)
        if self.room() < 0:
            raise ArchiveError(
                f"{self.name} ({self.packed} bytes) unpacks to more than {self.done.size + self.room()} bytes, as no "
                "recordings do; it is not unpacked"
            )


def _unpack(archive: Path, folder: Path, name: str, budget: _Budget, depth: int) -> None:
    if depth > budget.limits.nesting:
        raise ArchiveError(f"{name}: more than {budget.limits.nesting} archives inside one another; it is not unpacked")
    members = zip_members if _is_zip(archive) else tar_members
    nested = []
    for member in members(archive, name, budget.room()):
        budget.entry()
        path = safe_path(member.name, name)
        try:
            written = _place(member, folder, path, name, budget)
        except OSError as error:
            if error.errno not in _IMPOSSIBLE:
                raise
            raise refuse(name, member.name, f"cannot be written ({error.strerror})") from error
        if written and path.name.lower().endswith(_SUFFIXES) and is_archive(folder / path, f"{name}/{path}"):
            nested.append(folder / path)
    for inner in nested:
        into = inner.with_name(_stem(inner.name))
        into.mkdir(exist_ok=True)
        _unpack(inner, into, f"{name}/{inner.relative_to(folder)}", budget, depth + 1)
        inner.unlink()
        budget.done.files -= 1


def _place(member: Member, folder: Path, path: PurePosixPath, name: str, budget: _Budget) -> bool:
    """Writes an entry; gives whether it is a new file. Litter, and a file that is there with the same content, is none.

    Raises:
        ArchiveError: another file is there.
    """
    target = folder / path
    if is_litter(path):
        _copy(member, None, budget)
    elif member.is_folder:
        target.mkdir(parents=True, exist_ok=True)
        return False
    elif not os.path.lexists(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            _copy(member, file, budget)
        budget.done.files += 1
        return True
    else:
        with tempfile.NamedTemporaryFile(dir=target.parent) as file:
            _copy(member, file, budget)
            file.flush()
            if not filecmp.cmp(file.name, target, shallow=False):
                raise refuse(name, member.name, "is there twice, with different content")
    budget.done.left_out.append(member.name)
    return False


def _copy(member: Member, file: IO[bytes] | None, budget: _Budget) -> None:
    for chunk in member.chunks():
        budget.spend(len(chunk))
        if file is not None:
            file.write(chunk)


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return is_zip(file.read(4))


def _is_packed(path: Path, name: str) -> bool:
    return not name.lower().endswith(_DOCUMENTS) and (_is_zip(path) or is_tar(path))


def _stem(name: str) -> str:
    suffix = next(s for s in _SUFFIXES if name.lower().endswith(s))
    return name[: -len(suffix)] or f"{name}.d"
