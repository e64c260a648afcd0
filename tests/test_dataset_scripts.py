"""The programs of the published datasets: each builds what it is called after."""

import json
import runpy
import sys
from pathlib import Path

import pytest

from ser_hf.corpora import CORPORA
from ser_hf.labels import SCHEMES
from ser_hf.protocols import PROTOCOLS

SCRIPTS = Path(__file__).parents[1] / "dataset_scripts"


def run(monkeypatch, name, *words):
    monkeypatch.setattr(sys, "argv", [name, *words])
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(SCRIPTS / name), run_name="__main__")
    return left.value.code


@pytest.mark.parametrize("name", sorted(p.name for p in SCRIPTS.glob("*.py")))
def test_what_a_script_names_is_there(name):
    words = runpy.run_path(str(SCRIPTS / name))["SETTINGS"].split()
    corpora = words[1 : words.index("--scheme")]
    assert corpora == ["all"] or all(corpus in CORPORA for corpus in corpora)
    assert words[words.index("--scheme") + 1] in SCHEMES
    assert words[words.index("--protocol") + 1] in PROTOCOLS


def test_every_corpus_there_is_a_folder_of(monkeypatch, tones_root, tmp_path):
    out = tmp_path / "combined"
    words = ["--data_root", str(tones_root), "--output", str(out), "--test_size", "0.4"]
    assert run(monkeypatch, "combined.py", *words) == 0
    facts = json.loads((out / "build.json").read_text())
    assert [corpus["name"] for corpus in facts["corpora"]] == ["ravdess", "savee", "tess"]
    assert facts["split"]["speaker_independent"] is True


def test_a_corpus_that_is_not_there(monkeypatch, tones_root, tmp_path, capsys):
    words = ["--data_root", str(tones_root), "--output", str(tmp_path / "six")]
    assert run(monkeypatch, "six_corpora.py", *words) == 2
    assert "corpus 'crema_d': looked for" in capsys.readouterr().err
