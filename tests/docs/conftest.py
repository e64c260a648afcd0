"""The documents' commands and snippets, and a folder in which they run as they are written."""

import importlib.util
import sys
from pathlib import Path

import pytest


def _load(name: str) -> None:
    """A module beside this one, importable as ``docs_<name>``; test folders are no packages."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)


for _name in ("blocks", "shape", "documents", "grammar", "places", "workplace"):
    _load(_name)

from docs_workplace import Workplace, furnish  # noqa: E402 - is a module of this folder


@pytest.fixture(scope="session")
def workplace(tones_root: Path, save_transformer, tmp_path_factory) -> Workplace:
    """A folder in which the names of the documents are there."""
    folder = tmp_path_factory.mktemp("docs")
    whisper = save_transformer("whisper", tmp_path_factory.mktemp("whisper") / "whisper-base", encoder_layers=6)
    return furnish(folder, tones_root, whisper)
