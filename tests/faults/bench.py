"""A folder to work in, and processes that do a job there: each is forked off one that has the libraries loaded."""

import atexit
import base64
import contextlib
import importlib.util
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import traceback
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType


def beside(name: str) -> ModuleType:
    """A module of this folder, which is no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


commands, inject = beside("commands"), beside("inject")


_DOT = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=")


@dataclass(frozen=True)
class End:
    """How a process ended.

    Attributes:
        code: exit code, or less a signal.
        said: on standard error.
        seconds: it took.
    """

    code: int
    said: str
    seconds: float = 0.0

    @property
    def last(self) -> str:
        """Its last line."""
        return next((line.strip() for line in reversed(self.said.splitlines()) if line.strip()), "")

    @property
    def clear(self) -> bool:
        """Whether it spoke no traceback, and unless it was killed, of its end."""
        return "Traceback" not in self.said and (self.code <= 0 or self.last.startswith(("ser-hf", "failed:")))


class Bench:
    """The folders, and what is done in them.

    Args:
        base: a folder for all of it.

    Attributes:
        made: what jobs take; only to be read.
        work: what they write in: ``out``, caches and temporary files.
    """

    def __init__(self, base: Path) -> None:
        self.base, self.made, self.work = base, base / "made", base / "work"
        self.out = self.work / "out"
        self.log = base / "points.log"
        for folder in (self.made, base / "home"):
            folder.mkdir(parents=True, exist_ok=True)
        self.clean()

    def environment(self, endpoint: str) -> None:
        """Has libraries that are not loaded yet keep their things here, and alone."""
        work, home = self.work, self.base / "home"
        for name in [name for name in os.environ if name.startswith(("HF_", "SER_HF_"))]:
            del os.environ[name]
        paths = [str(Path(__file__).with_name("shim")), str(commands.TESTS.parent)]
        os.environ |= {
            "HF_HOME": str(home),
            "HF_DATASETS_CACHE": str(work / "cache/datasets"),
            "SER_HF_CACHE": str(work / "cache/ser_hf"),
            "HF_ENDPOINT": endpoint,
            "HF_TOKEN": commands.load("hub_api").TOKEN,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
            "TMPDIR": str(work / "tmp"),
            "MPLCONFIGDIR": str(home),
            "MPLBACKEND": "Agg",
            "NUMBA_CACHE_DIR": str(home),
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONDONTWRITEBYTECODE": "1",
            "NO_PROXY": "127.0.0.1",
        }
        sys.dont_write_bytecode = True

    def clean(self) -> None:
        """Empties the folder that jobs write in."""
        shutil.rmtree(self.work, ignore_errors=True)
        for name in ("out", "tmp", "cache"):
            (self.work / name).mkdir(parents=True)

    def age(self) -> None:
        """As if two hours had passed: what is young may be at work still, and is let lie."""
        for path in self.work.rglob("*"):
            with contextlib.suppress(OSError):
                told = path.lstat()
                os.utime(path, (told.st_atime - 7200, told.st_mtime - 7200), follow_symlinks=False)

    def start(
        self, job: "commands.Job", fault: "inject.Fault | None" = None, more: tuple[str, ...] = (), room: int = 0
    ) -> tuple[int, Path, float]:
        """Forks a process that does a job; gives its number, where it speaks, and when it began.

        Args:
            job: what it does.
            fault: what happens to it.
            more: words after the job's.
            room: bytes of memory it may take beyond what it has.
        """
        said = self.base / f"said-{time.monotonic_ns()}"
        sys.stdout.flush()
        sys.stderr.flush()
        number = os.fork()
        if number:
            return number, said, time.monotonic()
        code = 1
        try:
            os.setpgid(0, 0)
            handle = os.open(said, os.O_WRONLY | os.O_CREAT, 0o666)
            for standard in (1, 2):
                os.dup2(handle, standard)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for one in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(one, signal.default_int_handler if one == signal.SIGINT else signal.SIG_DFL)
            os.chdir(self.work)
            atexit._clear()
            weakref.finalize._registered_with_atexit = False
            _draw_quickly()
            code = self._do(job, fault, more, room)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:  # noqa: BLE001 - what a process of its own would print
            traceback.print_exc()
        finally:
            try:
                sys.stdout.flush()
                sys.stderr.flush()
                atexit._run_exitfuncs()
            finally:
                os._exit(code)

    def _do(self, job: "commands.Job", fault: "inject.Fault | None", more: tuple[str, ...], room: int) -> int:
        if fault is not None and fault.role != "main":
            os.environ[inject.VARIABLE] = inject.to_environment(fault)
        elif fault is not None:
            inject.install(fault)
        if room:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + room,) * 2)
        if job.own:
            import ser_hf.cli

            class Own(ser_hf.cli.ListCommand):
                def run(self, args: object, overrides: object) -> int:
                    return int(commands.main(job.words))

            ser_hf.cli.COMMANDS = (Own(),)
            return ser_hf.cli.main(["list", "corpora"])
        from ser_hf.cli import main

        return main([*job.words, *more])

    def end(self, started: tuple[int, Path, float], seconds: float) -> End:
        """Waits for a process; one that does not end is killed, and said to."""
        number, said, began = started
        late = False
        while True:
            done, status = os.waitpid(number, os.WNOHANG)
            if done:
                break
            if time.monotonic() - began > seconds:
                late = True
                os.killpg(number, signal.SIGKILL)
                _, status = os.waitpid(number, 0)
                break
            time.sleep(0.01)
        took = time.monotonic() - began
        text = said.read_text(encoding="utf-8", errors="replace") if said.exists() else ""
        said.unlink(missing_ok=True)
        return End(os.waitstatus_to_exitcode(status), text + ("\nHANGS" if late else ""), took)

    def run(
        self, job: "commands.Job", fault: "inject.Fault | None" = None, more: tuple[str, ...] = (), room: int = 0
    ) -> End:
        """Does a job to its end."""
        return self.end(self.start(job, fault, more, room), job.seconds)


def _draw_quickly() -> None:
    """Has every figure saved as one dot: drawing takes most of the time, and what is tested is how files are kept."""
    from matplotlib.figure import Figure

    def save(figure: Figure, file: object, *args: object, **given: object) -> None:
        if hasattr(file, "write"):
            file.write(_DOT)
        else:
            Path(str(file)).write_bytes(_DOT)

    Figure.savefig = save


class Disk:
    """A file system of so many bytes in place of the folder that jobs write in; use it as a context.

    Args:
        bench: whose folder.
        size: bytes.
    """

    def __init__(self, bench: Bench, size: int) -> None:
        self._bench, self._size = bench, size

    def __enter__(self) -> Callable[[str], None]:
        self._bench.clean()
        self._mount("-t", "tmpfs", "-o", f"size={self._size}", "tmpfs", str(self._bench.work))
        for name in ("out", "tmp", "cache"):
            (self._bench.work / name).mkdir()
        return lambda options: self._mount("-o", f"remount,{options}", str(self._bench.work))

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "-l", str(self._bench.work)], check=True)

    def _mount(self, *words: str) -> None:
        subprocess.run(["mount", *words], check=True)


def can_mount(base: Path) -> bool:
    """Whether this user may mount a file system."""
    place = base / "mount"
    place.mkdir(exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(words, check=False, capture_output=True).returncode:
        return False
    return subprocess.run(["umount", str(place)], check=False).returncode == 0
