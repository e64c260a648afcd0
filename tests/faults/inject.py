"""A fault in this process, at the n-th time that a file below a folder is renamed or opened to be written.

`install` wraps what Python renames, links and opens by, and what huggingface_hub asks its server by. A child process of
the one under test gets its fault by the environment, see ``shim/sitecustomize.py``.
"""

import builtins
import errno
import io
import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

VARIABLE = "SER_HF_TEST_FAULT"
_SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "SIGHUP": signal.SIGHUP}
_ERRORS = {"full disk": errno.ENOSPC, "read-only": errno.EROFS, "no right to write": errno.EACCES}
_RANDOM = re.compile(r"(?<=\.)[a-z0-9_]{8}(?=\.|$)|(?<=tmp)[a-z0-9_]{8}|[0-9a-f]{16,}")


@dataclass(frozen=True)
class Fault:
    """What happens and when.

    Attributes:
        kind: a signal, an error of the system, "no memory", or "none".
        point: "rename", "write" or "request": what is counted.
        at: which of them, from 1; 0: none.
        after: once it is done, and not before it.
        seconds: a signal comes so long after the start instead.
        folder: where files count.
        log: a file that gets a line for each point.
        role: "main", or a word of the command line of the child process that it is for.
    """

    kind: str = "none"
    point: str = "rename"
    at: int = 0
    after: bool = False
    seconds: float = 0
    folder: str = ""
    log: str = ""
    role: str = "main"

    @property
    def words(self) -> str:
        """The moment for people."""
        if self.seconds:
            return f"after {self.seconds:.2f} s"
        child = "" if self.role == "main" else " of a child"
        return f"{'after' if self.after else 'before'} {self.point} {self.at}{child}"


def to_environment(fault: Fault) -> str:
    """As the value of `VARIABLE`."""
    return json.dumps(asdict(fault))


def install(fault: Fault) -> None:
    """Makes it happen in this process."""
    if fault.seconds:
        threading.Thread(target=_later, args=(fault,), daemon=True).start()
        return
    counts: dict[str, int] = {}
    main = os.getpid()

    def wrapped(point: str, call: Callable[..., Any], which: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any, **given: Any) -> Any:
            place = which(*args, **given)
            if place is None or os.getpid() != main:
                return call(*args, **given)
            counts[point] = counts.get(point, 0) + 1
            if fault.log:
                _note(fault, point, place)
            hit = point == fault.point and counts[point] == fault.at
            if hit and not fault.after:
                _strike(fault, place)
            result = call(*args, **given)
            if hit and fault.after:
                _strike(fault, place)
            return result

        return wrapper

    def below(*paths: Any) -> str | None:
        names = [os.path.abspath(os.fsdecode(path)) for path in paths if isinstance(path, str | bytes | os.PathLike)]
        return next((name for name in reversed(names) if name.startswith(fault.folder + os.sep)), None)

    def opened(file: Any, mode: Any = "r", *args: Any, **given: Any) -> str | None:
        return below(file) if isinstance(mode, str) and set(mode) & set("wax+") else None

    def os_opened(path: Any, flags: int, *args: Any, **given: Any) -> str | None:
        return below(path) if flags & os.O_CREAT else None

    def moved(source: Any, target: Any, *args: Any, **given: Any) -> str | None:
        return below(source, target)

    for name in ("rename", "replace", "link"):
        setattr(os, name, wrapped("rename", getattr(os, name), moved))
    os.open = wrapped("write", os.open, os_opened)
    builtins.open = io.open = wrapped("write", builtins.open, opened)
    if fault.point == "request":
        import httpx

        httpx.Client.send = wrapped("request", httpx.Client.send, lambda client, request, **_: str(request.url.path))


def _later(fault: Fault) -> None:
    time.sleep(fault.seconds)
    os.kill(os.getpid(), _SIGNALS[fault.kind])


def _strike(fault: Fault, place: str) -> None:
    if fault.kind in _SIGNALS:
        os.kill(os.getpid(), _SIGNALS[fault.kind])
    elif fault.kind in _ERRORS:
        number = _ERRORS[fault.kind]
        raise OSError(number, os.strerror(number), place)
    elif fault.kind == "no memory":
        raise MemoryError


def _note(fault: Fault, point: str, place: str) -> None:
    line = f"{point}\t{_RANDOM.sub('*', os.path.relpath(place, fault.folder))}\n"
    with io.FileIO(fault.log, "a") as file:  # which is not counted
        file.write(line.encode())


def install_from_environment(command: list[str]) -> None:
    """In a child process whose command line has the word that the fault is for."""
    told = os.environ.get(VARIABLE)
    if not told:
        return
    fault = Fault(**json.loads(told))
    if any(fault.role in word for word in command):
        del os.environ[VARIABLE]  # its own children are left alone
        install(fault)
