"""Builds the source archive and the wheel: ``python tests/release/build.py FOLDER``, the same bytes every time.

The tracked files alone are copied to a folder of their own, so that nothing else that lies in a checkout gets in. The
wheel is built from the source archive: what the archive lacks is missing at once. Every time in them is
``SOURCE_DATE_EPOCH``, by default that of the last commit. Needs git and the setuptools of ``requirements.lock``, and no
network. Another setuptools or zlib may give other bytes.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def tracked(*patterns: str) -> list[str]:
    """The files that git tracks and that are there, relative to the repository, sorted."""
    command = ["git", "ls-files", "-z", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return sorted(name for name in names if name and os.path.lexists(ROOT / name))


def build(folder: Path, epoch: int) -> tuple[Path, Path]:
    """Builds both archives into a folder.

    Args:
        folder: made if it is not there.
        epoch: the time of everything in them, in seconds since 1970.

    Returns:
        The source archive and the wheel.
    """
    folder.mkdir(parents=True, exist_ok=True)
    os.umask(0o022)  # setuptools writes the modes that it finds
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "source"
        _copy(source)
        archive = _by_setuptools("build_sdist", source, folder, epoch)
        _settle(archive, epoch)
        with tarfile.open(archive) as tar:
            tar.extractall(temporary, filter="data")
        unpacked = Path(temporary) / archive.name.removesuffix(".tar.gz")
        return archive, _by_setuptools("build_wheel", unpacked, folder, epoch)


def commit_time() -> int:
    """``SOURCE_DATE_EPOCH``, or the time of the last commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    command = ["git", "log", "-1", "--format=%ct"]
    return int(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def _copy(target: Path) -> None:
    """Copies the tracked files; links stay links, and modes do not depend on the checkout's."""
    for name in tracked():
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy, follow_symlinks=False)
        if not copy.is_symlink():
            copy.chmod(0o755 if copy.stat().st_mode & 0o100 else 0o644)


def _by_setuptools(hook: str, source: Path, folder: Path, epoch: int) -> Path:
    """Calls a build hook (PEP 517) of setuptools; gives the file that it wrote."""
    code = f"import sys; from setuptools import build_meta; build_meta.{hook}(sys.argv[1])"
    with tempfile.TemporaryDirectory() as made:
        environment = os.environ | {"SOURCE_DATE_EPOCH": str(epoch)}
        command = [sys.executable, "-c", code, made]
        done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"setuptools could not {hook.replace('_', ' ')}:\n{done.stderr[-2000:]}")
        (written,) = Path(made).iterdir()
        return Path(shutil.copy(written, folder / written.name))


def _settle(archive: Path, epoch: int) -> None:
    """Writes a source archive anew, with nothing in it of when, where and by whom it was packed."""
    packed = io.BytesIO()
    with tarfile.open(archive) as old, tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new:
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = epoch, 0, 0, "", ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    with archive.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=epoch) as zipped:
        zipped.write(packed.getvalue())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected one word, the folder to write to: python tests/release/build.py dist")
    for path in build(Path(sys.argv[1]), commit_time()):
        sys.stdout.write(f"{path}\n")
