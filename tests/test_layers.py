"""The import rule of the package: downwards only, and each heavy library in one home. Late and typing imports count."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ser_hf"
LEVELS = (
    "base",
    "records labels",
    "ledger",
    "corpora audio augment evaluation models",
    "audit download features baselines finetuning",
    "protocols embeddings",
    "data",
    "training reporting",
    "flows inference",
    "benchmarks studies serving demo",
    "cli",
)
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms.split()}
HOMES = {
    "datasets": (
        "audit/",
        "download/",
        "embeddings/",
        "protocols/",
        "data/",
        "features/",
        "evaluation/ser_metrics.py",
    ),  # an evaluate module declares its columns by it
    "evaluate": ("evaluation/",),
    "timm": ("models/timm_cnn.py", "models/timm_weights.py"),
    "sklearn": ("baselines/", "evaluation/"),
    "matplotlib": ("reporting/",),
    "gradio": ("demo/",),
    "av": ("audio/_foreign.py",),
    "fastapi": ("serving/",),
    "starlette": ("serving/",),
    "uvicorn": ("serving/",),
}
ONLY = {  # what these rooms may import beyond the standard library and themselves
    "corpora": {"ser_hf"},
    "models": {"torch", "torchaudio", "timm", "transformers", "safetensors", "numpy"},
}


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The level of dots and the dotted name of every import; ``from ser_hf import x`` counts as ``ser_hf.x``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module in (None, "ser_hf"):
            yield from ((node.level, ".".join(filter(None, (node.module, alias.name)))) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, str(node.module)


def violations(file: str, source: str) -> Iterator[str]:
    """What the module ``file`` (relative to the package) imports against the rule."""
    room = file.split("/")[0].removesuffix(".py")
    for dots, name in imports(ast.parse(source)):
        top, _, target = name.partition(".")
        target = target.split(".")[0]
        if dots:
            if dots > file.count("/"):
                yield f"{'.' * dots}{name} leaves the package: write it absolute"
            continue
        if room in ONLY and top not in ONLY[room] | sys.stdlib_module_names:
            yield f"{name} has no place in {room}/"
        if top in HOMES and not file.startswith(HOMES[top]):
            yield f"{name} lives in {' and '.join(HOMES[top])}"
        if top == "ser_hf" and target != "__version__":
            if target not in LEVEL:
                yield f"{name} is on no level: import from the module that defines it"
            elif target == room:
                yield f"{name} is in the same package: write it relative"
            elif LEVEL[target] >= LEVEL[room]:
                yield f"{name} is not below {room}"


FILES = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("file", FILES)
def test_imports_go_down(file):
    assert list(violations(file, (PACKAGE / file).read_text(encoding="utf-8"))) == []


def test_every_module_is_on_a_level():
    rooms = {file.split("/")[0].removesuffix(".py") for file in FILES}
    assert rooms - set(LEVEL) == {"__init__"}


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("audio/decode.py", "from ser_hf.data import SerCorpus"),
        ("audio/decode.py", "def f():\n    import ser_hf.models.waveform"),
        ("labels.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ser_hf.flows.train import run"),
        ("audio/decode.py", "from ser_hf import corpora"),
        ("audio/decode.py", "from ser_hf import SerCorpus"),
        ("audio/decode.py", "from ser_hf.audio.load import load"),
        ("audio/decode.py", "from ..errors import AudioError"),
        ("labels.py", "from .base import errors"),
        ("base/errors.py", "from ser_hf.records import Clip"),
        ("protocols/splits.py", "from ser_hf.data import load_corpus"),
        ("models/cnn.py", "from ser_hf.base.errors import SerHfError"),
        ("models/cnn.py", "import soundfile"),
        ("corpora/savee.py", "import numpy as np"),
        ("training/collator.py", "from datasets import Dataset"),
        ("reporting/cards.py", "from ser_hf.training import build_trainer"),
    ],
)
def test_a_forbidden_import_is_found(file, source):
    assert list(violations(file, source))


@pytest.mark.parametrize(
    ("file", "source"),
    [
        (
            "audio/load.py",
            "from .decode import decode\nfrom ser_hf.base.errors import AudioError\nfrom ser_hf import __version__",
        ),
        ("cli/commands/train.py", "from ..arguments import parse\nfrom ser_hf.flows.train import run\nimport torch"),
        ("ledger.py", "from ser_hf.records import Clip"),
        ("base/registry.py", "from .errors import SerHfError"),
        ("models/timm_cnn.py", "import timm\nfrom . import waveform"),
        ("evaluation/ser_metrics.py", "import datasets, evaluate"),
    ],
)
def test_an_allowed_import_passes(file, source):
    assert list(violations(file, source)) == []
