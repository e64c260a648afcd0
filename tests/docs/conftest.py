"""The documents' commands and snippets, and a folder in which they run as they are written."""

import importlib.util
import sys
from pathlib import Path


def _load(name: str) -> None:
    """A module beside this one, importable as ``docs_<name>``; test folders are no packages."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)


for _name in ("blocks", "shape", "documents", "grammar", "places"):
    _load(_name)
