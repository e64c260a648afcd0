"""What is published: the same bytes every time, every file of the package, nothing of the checkout; advisories told."""

import importlib.util
import json
import os
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RELEASE = ROOT / "tests" / "release"
NOT_SHIPPED = {"ser_hf/demo/screenshot.png"}  # the README shows it
EPOCH = 1_700_000_001

_SPEC = importlib.util.spec_from_file_location("release_audit", RELEASE / "audit.py")
audit = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(audit)


def built(folder: Path, umask: int) -> dict[str, Path]:
    command = [sys.executable, str(RELEASE / "build.py"), str(folder)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH)}
    done = subprocess.run(command, env=environment, umask=umask, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return {path.suffix: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def archives(tmp_path_factory) -> dict[str, Path]:
    return built(tmp_path_factory.mktemp("first"), 0o022)


def tracked() -> set[str]:
    """The files of the package that git tracks, each where it is when it is installed."""
    command = ["git", "ls-files", "-z", "--", "ser_hf", "recipes"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    there = {name for name in names if name and (ROOT / name).is_file()}
    return {name if name.startswith("ser_hf/") else f"ser_hf/{name}" for name in there}


def test_the_wheel_holds_every_file_of_the_package_and_no_other(archives):
    with zipfile.ZipFile(archives[".whl"]) as wheel:
        found = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert found == tracked() - NOT_SHIPPED
    assert {"ser_hf/recipes/results.csv", "ser_hf/default_model/model.safetensors", "ser_hf/py.typed"} <= found


def test_the_source_archive_holds_the_package_and_no_tests(archives):
    with tarfile.open(archives[".gz"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert tracked() - NOT_SHIPPED <= names
    assert {"LICENSE", "README.md", "SECURITY.md", "CHANGELOG.md", "LIMITS.md", "pyproject.toml"} <= names
    assert [name for name in names if name.startswith(("tests", ".", "dataset_scripts"))] == []


def test_an_archive_says_nothing_of_who_packed_it_and_when(archives):
    with tarfile.open(archives[".gz"]) as archive:
        members = archive.getmembers()
    assert {(member.uid, member.gid, member.uname, member.gname) for member in members} == {(0, 0, "", "")}
    assert {member.mtime for member in members} == {EPOCH}
    with zipfile.ZipFile(archives[".whl"]) as wheel:
        assert len({entry.date_time for entry in wheel.infolist()}) == 1
        assert all(stat.S_IMODE(entry.external_attr >> 16) in (0o644, 0o664, 0o755) for entry in wheel.infolist())


def test_what_is_built_again_under_another_umask_has_the_same_bytes(archives, tmp_path):
    again = built(tmp_path, 0o077)
    assert {end: path.read_bytes() for end, path in again.items()} == {
        end: path.read_bytes() for end, path in archives.items()
    }


def pip_audit(folder: Path, *, report: dict | None, says: str = "", code: int = 0) -> str:
    """A program that stands in for uvx: it writes a report where it is told to, as pip-audit does."""
    program = folder / "uvx.py"
    program.write_text(
        "import pathlib, sys\n"
        f"report = {json.dumps(report) if report else ''!r}\n"
        "if report: pathlib.Path(sys.argv[sys.argv.index('--output') + 1]).write_text(report)\n"
        f"sys.stderr.write({says!r})\nsys.exit({code})\n",
        encoding="utf-8",
    )
    return f"{sys.executable} {program}"


KNOWN = {
    "name": "jinja2",
    "version": "3.1.2",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-2024-1"], "fix_versions": ["3.1.3"], "description": "long"}],
}
SKIPPED = {"name": "timm", "skip_reason": "not found"}
CLEAN = {"name": "tqdm", "version": "4.67", "vulns": []}


@pytest.mark.parametrize(
    ("packages", "code", "lines"),
    [
        ([CLEAN], 0, ["requirements.lock: 1 packages, 0 to look at"]),
        (
            [CLEAN, KNOWN, SKIPPED],
            1,
            [
                "jinja2 3.1.2: PYSEC-1, CVE-2024-1; mended by 3.1.3",
                "timm: not looked up: not found",
                "requirements.lock: 3 packages, 2 to look at",
            ],
        ),
    ],
)
def test_an_advisory_is_a_line(monkeypatch, tmp_path, capsys, packages, code, lines):
    monkeypatch.setenv("UVX", pip_audit(tmp_path, report={"dependencies": packages}, code=code))
    assert audit.main([]) == code
    assert capsys.readouterr().out.splitlines() == lines


@pytest.mark.parametrize(
    ("report", "says"),
    [(None, "Traceback:\n  ...\nConnectionError: no route"), ({"dependencies": [SKIPPED, SKIPPED]}, "No known")],
)
def test_what_could_not_be_read_is_never_taken_for_clean(monkeypatch, tmp_path, capsys, report, says):
    monkeypatch.setenv("UVX", pip_audit(tmp_path, report=report, says=says))
    assert audit.main([]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert "nothing is known" in told.err
    assert "No known" not in told.err


def test_without_uv_it_is_said_what_to_install(monkeypatch, capsys):
    monkeypatch.setenv("UVX", "no-such-uvx")
    assert audit.main([]) == 2
    assert capsys.readouterr().err == (
        "no-such-uvx is not on the PATH: install uv, or name it: make audit UVX=/path/to/uvx\n"
    )
