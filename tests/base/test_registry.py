"""The small things below everything: registry, errors, whole files, optional dependencies."""

import importlib
import json
import os
import stat
import sys
from pathlib import Path

import pytest

from ser_hf.base import errors
from ser_hf.base.atomic import replacing, write_json, write_text
from ser_hf.base.errors import SerHfError, unknown
from ser_hf.base.optional import require
from ser_hf.base.registry import Registry

KEEPER = "from ser_hf.base.registry import Registry\nANIMALS = Registry('animal', 'zoo_of_test')\n"


@pytest.fixture
def animals(tmp_path, monkeypatch):
    """A registry over a package of two entries and two private modules, one of which must not be imported."""
    package = tmp_path / "zoo_of_test"
    package.mkdir()
    modules = {"__init__": "", "_keeper": KEEPER, "_private": "raise RuntimeError('imported')\n"}
    modules |= {n: f"from ._keeper import ANIMALS\nANIMALS.register('{n}', '{n.upper()}')\n" for n in ("zebra", "ant")}
    for name, source in modules.items():
        (package / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("zoo_of_test._keeper").ANIMALS
    for name in [n for n in sys.modules if n.startswith("zoo_of_test")]:
        del sys.modules[name]


def test_entries_are_found_at_the_first_look_up_and_not_before(animals):
    assert "zoo_of_test.ant" not in sys.modules
    assert animals["ant"] == "ANT"
    assert "zoo_of_test.zebra" in sys.modules


@pytest.mark.parametrize(
    ("look", "found"),
    [
        (list, ["ant", "zebra"]),
        (len, 2),
        (lambda registry: "ant" in registry, True),
        (lambda registry: registry.values(), ["ANT", "ZEBRA"]),
    ],
)
def test_every_way_to_look_finds_them(animals, look, found):
    assert look(animals) == found


def test_an_unknown_name_is_answered_with_the_nearest(animals):
    with pytest.raises(SerHfError, match="unknown animal 'zebre'; did you mean 'zebra'"):
        animals["zebre"]


def test_a_name_taken_twice_is_refused(animals):
    animals.register("bee", 1)
    with pytest.raises(SerHfError, match="'bee' is registered twice"):
        animals.register("bee", 2)
    assert animals["bee"] == 1


def test_a_registry_without_a_package_holds_what_it_is_given():
    registry: Registry[int] = Registry("number")
    registry.register("two", 2)
    assert (list(registry), "one" in registry, len(registry)) == (["two"], False, 1)


@pytest.mark.parametrize(
    ("name", "known", "message"),
    [
        ("ravdes", ["ravdess", "savee"], "unknown corpus 'ravdes'; did you mean 'ravdess'? Known: ravdess, savee"),
        ("RAVDESS", ["ravdess", "savee"], "unknown corpus 'RAVDESS'; did you mean 'ravdess'? Known: ravdess, savee"),
        ("x", ["ravdess", "savee"], "unknown corpus 'x'. Known: ravdess, savee"),
        ("cat", ["bat", "mat"], "unknown corpus 'cat'; did you mean 'mat' or 'bat'? Known: bat, mat"),
        ("name07", [f"name{i:02d}" for i in range(40)], "unknown corpus 'name07'; did you mean "),
    ],
)
def test_the_message_for_an_unknown_name(name, known, message):
    assert unknown("corpus", name, known).startswith(message)


def test_the_nearest_name_does_not_depend_on_its_case():
    assert "did you mean 'savee_JE'" in unknown("speaker", "savee_je", ["savee_DC", "savee_JE", "savee_KL"])


def test_a_long_list_is_shown_only_where_nothing_is_near():
    many = [f"name{i:02d}" for i in range(40)]
    assert "Known:" not in unknown("word", "name99", many)
    assert "Known: name00" in unknown("word", "???", many)


@pytest.mark.parametrize("name", [n for n in vars(errors) if n.endswith("Error")])
def test_every_error_is_one_the_command_line_shows(name):
    assert issubclass(getattr(errors, name), SerHfError)
    assert issubclass(SerHfError, ValueError)


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "new" / "file.txt"
    write_text(path, "one")
    write_text(path, "zwei ä")
    assert path.read_text("utf-8") == "zwei ä"
    assert list(path.parent.iterdir()) == [path]


def write_half(path: Path) -> None:
    with replacing(path) as temporary:
        temporary.write_text("half")
        assert path.read_text() == "old", "it is not in place before the end"
        raise RuntimeError("no more")


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    write_text(tmp_path / "file.txt", "old")
    with pytest.raises(RuntimeError, match="no more"):
        write_half(tmp_path / "file.txt")
    assert (tmp_path / "file.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def test_the_temporary_file_keeps_the_extension(tmp_path):
    with replacing(tmp_path / "plot.png") as temporary:
        assert (temporary.suffix, temporary.parent) == (".png", tmp_path)


def test_the_file_has_the_usual_permissions(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "file.txt", "")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file.txt").stat().st_mode) == 0o640


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_json_lacks_is_refused(tmp_path, number):
    write_json(tmp_path / "a.json", {"x": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"x": number})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 1}


def test_a_file_name_that_is_not_utf8_can_be_written_to_json(tmp_path):
    name = os.fsdecode(b"caf\xe9.wav")
    write_json(tmp_path / "a.json", {"file": name})
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == {"file": name}


def test_an_optional_module_that_is_there():
    assert require("json", "codec") is json


def test_a_missing_optional_module_names_the_line_that_installs_it():
    with pytest.raises(SerHfError, match=r"no_such_codec is needed here .* pip install 'ser_hf\[codec\]'"):
        require("no_such_codec", "codec")
