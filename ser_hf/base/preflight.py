"""Whether the installed libraries load together: run after every install, ``python -m ser_hf.base.preflight``.

torch, torchaudio, torchvision and timm are built for each other. A torch for another CUDA version, or a CPU-only build
beside libraries of the usual index, installs without a word and fails at the first import; here it fails at once, with
the reason and the mend.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys

from .errors import SerHfError

LIBRARIES = ("torch", "torchaudio", "torchvision", "timm")
"""Imported together, in this order."""

_MEND = (
    "make clean && make quickstart; in an environment of your own: pip install --force-reinstall -r requirements.lock"
)


def check() -> str:
    """Checks versions and imports; gives one line that names the versions found.

    Raises:
        SerHfError: a library is missing, out of the tested range, or does not load beside the others.
    """
    _check_requirements()
    for name in LIBRARIES:
        _check_import(name)
    found = ", ".join(f"{name} {_version(name)}" for name in LIBRARIES)
    return f"ser_hf {_version('ser_hf')} on Python {sys.version.split()[0]}: {found} load together"


def main() -> int:
    """Prints the outcome; the exit code is 0 if all is well, 1 if not."""
    try:
        sys.stdout.write(f"{check()}\n")
    except SerHfError as error:
        sys.stderr.write(f"ser_hf cannot run in this environment: {error}\n")
        return 1
    return 0


def _version(distribution: str) -> str:
    """The installed version; ``"none"`` if there is none."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _check_requirements() -> None:
    """Holds the installed versions against the dependencies that the package declares.

    Raises:
        SerHfError: ser_hf is not installed, or one or more of its dependencies are missing or out of range.
    """
    try:
        declared = importlib.metadata.requires("ser_hf") or []
        from packaging.requirements import Requirement
    except ImportError as error:  # PackageNotFoundError is one
        raise SerHfError(f"ser_hf is not installed here ({error}); install it: pip install -e .") from error
    problems = []
    for line in declared:
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        found = _version(requirement.name)
        if found == "none" or not requirement.specifier.contains(found, prereleases=True):
            problems.append(f"{requirement.name} {found} (needs {requirement.specifier})")
    if problems:
        raise SerHfError(f"missing or out of the tested range: {', '.join(problems)}; to mend it: {_MEND}")


def _check_import(name: str) -> None:
    """Imports one library.

    Raises:
        SerHfError: it does not load; the message gives the reason.
    """
    try:
        importlib.import_module(name)
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        text = " ".join(str(error).split())
        message = f"{name} {_version(name)} does not load: {text}. {_reason(text)}; to mend it: {_MEND}"
        raise SerHfError(message) from error


def _reason(text: str) -> str:
    """The likely reason for a failed import, from the words of the error and the torch that is installed."""
    torch = _version("torch")
    if torch.endswith("+cpu") or "libc10_cuda" in text:
        return (
            f"torch {torch} is a build without CUDA; torchaudio, torchvision and timm need the one published with them "
            "(which runs without a GPU too). A find-links or extra-index setting of pip may have chosen this one"
        )
    if "CUDA version" in text or "libcudart" in text:
        return f"torch {torch} is built for another CUDA version than torchaudio {_version('torchaudio')}"
    return f"It does not fit torch {torch}, or its install is broken"


if __name__ == "__main__":
    sys.exit(main())
