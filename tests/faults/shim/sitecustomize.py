"""Python runs this at the start of a child process that has this folder on its path, which takes its fault by it."""

import importlib.util
import sys
from pathlib import Path

_spec = importlib.util.spec_from_file_location("inject", Path(__file__).parents[1] / "inject.py")
_inject = importlib.util.module_from_spec(_spec)
sys.modules["inject"] = _inject
_spec.loader.exec_module(_inject)
_inject.install_from_environment(sys.orig_argv)
