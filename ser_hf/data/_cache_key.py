"""What tells one state of the corpora from another: the cache of the builder is named after it.

In a module of its own, because ``datasets`` puts wrappers over ``os`` and ``Path`` into the module of a builder.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from ser_hf import audio
from ser_hf.corpora import Scan
from ser_hf.labels import Scheme


def cache_key(scans: Sequence[Scan], scheme: Scheme) -> str:
    """Changes with every file's path, size and time, what is read of it, the scheme, and the code that makes rows."""
    digest = hashlib.sha256(_sources() + repr(scheme.to_dict()).encode())
    for found in scans:
        record = found.corpus
        digest.update(f"{record.name}|{record.sampling_rate}|{sorted(record.bad.items())}|{record.state}\n".encode())
        folders: dict[str, str] = {}
        states: dict[str, str] = {}
        for clip in found.clips:
            path = os.fspath(clip.path)
            folder = os.path.dirname(path)
            if folder not in folders:
                folders[folder] = os.path.realpath(folder)
            if path not in states:
                states = {path: _state(path)}  # the parts of a file come one after the other
            digest.update(os.fsencode(f"{clip}|{folders[folder]}|{states[path]}\n"))
    return digest.hexdigest()[:16]


def _state(path: str) -> str:
    """Size and time of a file, and where it is if the path is a link."""
    try:
        status, target = os.lstat(path), ""
        if stat.S_ISLNK(status.st_mode):
            target = os.path.realpath(path)
            status = os.stat(path) if os.path.exists(path) else status  # a link may lead nowhere
    except OSError as error:
        return str(error)
    return f"{target}|{status.st_size}|{status.st_mtime_ns}"


@cache
def _sources() -> bytes:
    """The code that decides how a file becomes a row."""
    here, decoding = Path(__file__).parent, Path(audio.__file__).parent
    files = [here / "ser_corpus.py", here / "checks.py"]
    files += [decoding / "decode.py", decoding / "_containers.py", decoding / "identity.py", decoding / "parts.py"]
    return b"".join(path.read_bytes() for path in files)
