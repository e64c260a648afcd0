"""Builds that are killed, overtaken or told of a scheme of the user's own."""

import json
import multiprocessing
import os
import signal
from pathlib import Path

import datasets
import pytest
from filelock import FileLock

from ser_hf.base.errors import SerHfError
from ser_hf.data import _shards, load_built, ser_corpus
from ser_hf.flows import build as flow
from ser_hf.flows.build import build
from ser_hf.labels import get_scheme
from ser_hf.protocols import SplitOptions
from ser_hf.reporting import load_build


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of its own for ``datasets``."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    return tmp_path / "cache"


def make(root: Path, out: Path, **settings) -> flow.Built:
    return build(["savee"], out, **{"protocol": "random", "data_root": root} | settings)


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed(root: Path, out: Path, module: object, name: str, after: int = 0, **settings) -> None:
    """Builds in a process that is killed at the call of a function."""

    def run() -> None:
        calls, true = [], getattr(module, name)

        def counted(*args: object, **kwargs: object) -> object:
            calls.append(name)
            return die() if len(calls) > after else true(*args, **kwargs)

        setattr(module, name, counted)
        make(root, out, **settings)

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


POINTS = {
    "reading": (ser_corpus, "read_clip", 30),
    "writing": (_shards.Shards, "write", 2),
    "the card": (flow, "write_dataset_card", 0),
    "moving": (flow, "_check_output", 1),
    "moving the old one": (Path, "rename", 4),
}


@pytest.mark.parametrize("point", list(POINTS)[:4])
def test_a_killed_build_leaves_no_dataset_and_the_next_call_makes_it(corpora_root, tmp_path, cache, point):
    out = tmp_path / "data" / "out"
    killed(corpora_root, out, *POINTS[point])
    assert not out.exists()
    left = list(cache.rglob("*.incomplete")) + list(out.parent.glob(".out.*"))
    assert len(left) == 1
    made = make(corpora_root, out)
    assert sum(map(len, load_built(out).values())) == 56
    assert made.corpora.ledger.used == 56
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    assert not list(cache.rglob("*.incomplete"))


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_build_leaves_the_old_dataset_or_none(corpora_root, tmp_path, cache, point):
    out = tmp_path / "data" / "out"
    make(corpora_root, out)
    old = {path.name: path.read_bytes() for path in out.rglob("*.parquet")}
    settings = {"overwrite": True, "scheme": "4class"}
    killed(corpora_root, out, *POINTS[point], **settings)
    if out.exists():
        assert {path.name: path.read_bytes() for path in out.rglob("*.parquet")} == old
    make(corpora_root, out, **settings)
    assert load_build(out)["scheme"] == "4class"
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_the_room_of_a_build_at_work_is_left_alone(corpora_root, tmp_path):
    dead, at_work, other = (tmp_path / name for name in (".out.a.building", ".out.b.building", ".outer.c.building"))
    for room in (dead, at_work, other):
        room.mkdir()
        (room / "lock").touch()
    with FileLock(at_work / "lock"):
        make(corpora_root, tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"out", at_work.name, other.name}


@pytest.mark.parametrize("name", ["o[u]t", "*", "a b"])
def test_odd_names_of_folders(corpora_root, tmp_path, name):
    dead, other = tmp_path / f".{name}.x.building", tmp_path / ".ut.x.building"
    dead.mkdir()
    (dead / "lock").touch()
    other.mkdir()
    made = make(corpora_root, tmp_path / name)
    assert load_build(made.folder)["ledger"]["used"] == 56
    assert {path.name for path in tmp_path.iterdir()} == {name, other.name}


def test_a_build_that_is_overtaken_does_not_replace_the_other(corpora_root, tmp_path, monkeypatch):
    out = tmp_path / "out"
    card = flow.write_dataset_card

    def overtaken(folder: Path) -> None:
        monkeypatch.setattr(flow, "write_dataset_card", card)
        make(corpora_root, out, options=SplitOptions(test_size=0.25))
        card(folder)

    monkeypatch.setattr(flow, "write_dataset_card", overtaken)
    with pytest.raises(SerHfError, match="already holds a dataset"):
        make(corpora_root, out)
    assert len(load_built(out)["test"]) == 14
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_scheme_of_the_users_is_kept_with_the_dataset(corpora_root, tmp_path):
    path = tmp_path / "mood.yaml"
    path.write_text("{keep: [happy, sad], rename: {angry: anger}, merge: {surprised: happy}, drop: others}")
    made = make(corpora_root, tmp_path / "out", scheme=path)
    facts = load_build(made.folder)
    assert (facts["scheme"], facts["classes"]) == ("mood", ["happy", "sad", "anger"])
    stored = type(get_scheme("8class")).from_dict(
        json.loads((made.folder / "build.json").read_text())["scheme_definition"]
    )
    assert stored == get_scheme(path)
    rows = {row["native_label"]: (row["action"], row["label"]) for row in facts["ledger"]["rows"]}
    assert rows["surprise"] == ("merged", "happy")
    assert rows["anger"] == ("renamed", "anger")
    assert rows["fear"] == ("dropped", None)
    assert load_built(made.folder)["test"].features["label"].names == ["happy", "sad", "anger"]
    assert "mood" in (made.folder / "README.md").read_text()
    same = make(corpora_root, tmp_path / "same", scheme=get_scheme(path))
    assert load_build(same.folder)["scheme_definition"] == facts["scheme_definition"]
