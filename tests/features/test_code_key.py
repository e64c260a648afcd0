"""The key of the feature code: what counts as a change."""

import importlib
import shutil
import sys

import pytest

from ser_hf.features._code import code_key

CODE = '''
"""A module."""
from .steps import scale
from . import _windows

def features(samples):
    """Says what it does."""
    return scale(samples) * 2  # twice
'''
FILES = {"__init__": "", "main": CODE, "steps": "def scale(x):\n    return x\n", "_windows": "HANN = 1\n"}


@pytest.fixture
def key(tmp_path, monkeypatch):
    """A function that gives the key of a package with these files."""
    monkeypatch.syspath_prepend(tmp_path)

    def of(**changed: str) -> str:
        shutil.rmtree(tmp_path / "pkg", ignore_errors=True)
        (tmp_path / "pkg").mkdir()
        for name, text in (FILES | changed).items():
            (tmp_path / "pkg" / f"{name}.py").write_text(text, encoding="utf-8")
        for name in [name for name in sys.modules if name.split(".")[0] == "pkg"]:
            monkeypatch.delitem(sys.modules, name)
        importlib.invalidate_caches()
        importlib.import_module("pkg.main")
        code_key.cache_clear()
        return code_key("pkg.main")

    yield of
    code_key.cache_clear()


def test_comments_docstrings_and_layout_do_not_count(key):
    plain = "from .steps import scale\nfrom . import _windows\ndef features(samples): return (scale(samples) * 2)\n"
    assert key(main=CODE) == key(main=plain)


@pytest.mark.parametrize(
    "changed",
    [
        {"main": CODE.replace("* 2", "* 3")},
        {"steps": "def scale(x):\n    return x + 1\n"},
        {"_windows": "HANN = 2\n"},
    ],
    ids=["the module", "what it imports from", "what it imports"],
)
def test_code_counts_wherever_it_is(key, changed):
    assert key(**changed) != key()


def test_a_module_without_a_file_has_no_key():
    with pytest.raises(OSError, match="the source of module sys is not there"):
        code_key("sys")


def test_the_feature_code_is_followed_into_its_parts():
    assert len(code_key("ser_hf.audio.load", "ser_hf.models.feature_extraction")) == 16
    assert code_key("ser_hf.audio.load") != code_key("ser_hf.audio.resample")
