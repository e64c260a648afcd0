"""Recipes are found by name, wherever the package lies, and told with their scores."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from ser_hf.base.errors import RecipeError
from ser_hf.cli import main
from ser_hf.training import load_recipe
from ser_hf.training import shipped_recipes as shipped


def test_a_recipe_is_found_by_name_with_its_folder_or_without(root):
    for word in ("resnet34", "from_scratch/resnet34"):
        assert shipped.find_recipe(word).samefile(root / "recipes" / "from_scratch" / "resnet34.yaml")
    assert load_recipe("resnet34").name == "from_scratch-resnet34"
    assert shipped.find_recipe("mine/resnet34.yaml") == Path("mine/resnet34.yaml"), "a path stays a path"


def test_every_recipe_of_the_repository_is_shipped(root):
    there = {str(p.relative_to(root / "recipes"))[:-5] for p in (root / "recipes").rglob("*.yaml")}
    others = ("accelerate/", "cluster/", "studies/")
    assert set(shipped.recipe_names()) == {name for name in there if not name.startswith(others)}


def test_an_unknown_and_an_ambiguous_name_are_told(tmp_path, monkeypatch):
    with pytest.raises(RecipeError, match="unknown recipe 'resnet43'; did you mean 'resnet34"):
        load_recipe("resnet43")
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.yaml").touch()
    monkeypatch.setattr(shipped, "RECIPES", tmp_path)
    with pytest.raises(RecipeError, match="'same' is the name of several recipes: one/same, two/same; name the folder"):
        load_recipe("same")


@pytest.mark.parametrize("word", ["old/svm", "recipes/old/svm.yaml", Path("svm.yaml")])
def test_a_recipe_that_lies_in_another_folder_is_asked_about(word):
    said = r"^(unknown recipe 'old/svm'|no recipe at .*svm.yaml); did you mean 'baselines/svm'\? See `ser-hf list"
    with pytest.raises(RecipeError, match=said):
        load_recipe(word)
    with pytest.raises(RecipeError, match=r"^no recipe at mine\.yaml\. See"):
        load_recipe("mine.yaml")


def test_every_folder_of_recipes_is_told_what_it_is_for(root, capsys):
    folders = {name.partition("/")[0] for name in shipped.recipe_names()}
    assert folders == set(shipped.GROUPS)
    assert main(["list", "recipes"]) == 0
    printed = capsys.readouterr().out
    readme = (root / "recipes" / "README.md").read_text(encoding="utf-8")
    for folder, purpose in shipped.GROUPS.items():
        assert f"| `{folder}/` | {purpose} |" in readme
        assert [line.split(maxsplit=1)[1] for line in printed.splitlines() if f" {folder}/ " in line] == [purpose]


def test_the_list_shows_every_measured_score(root, capsys):
    assert main(["list", "recipes"]) == 0
    printed = capsys.readouterr().out
    with (root / "recipes" / "results.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert printed.count("UAR ") == sum(bool(row["test_clips"]) for row in rows)
    assert "speaker-mixed" in printed
    assert "not measured yet" in printed
    row = next(row for row in rows if row["recipe"] == "from_scratch/resnet34.yaml" and row["protocol"] == "random")
    assert f"UAR {100 * float(row['uar']):.1f} %" in printed


WHEEL = """
import os, sys
from setuptools import build_meta
os.chdir(sys.argv[1])
print(build_meta.build_wheel(sys.argv[2]))
"""


def test_the_wheel_holds_every_recipe_and_the_default_model(root, tmp_path):
    """Built from a copy, as from a download of the sources."""
    import shutil
    import zipfile

    copy = tmp_path / "sources"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, copy)
    shutil.copytree(root / "recipes", copy / "recipes")
    shutil.copytree(root / "ser_hf", copy / "ser_hf", symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    model = copy / "ser_hf" / "default_model"
    model.mkdir(exist_ok=True)
    files = {"config.json", "preprocessor_config.json", "model.safetensors", "results.json", "README.md", "LICENSE"}
    for name in files:
        (model / name).touch()
    subprocess.run([sys.executable, "-c", WHEEL, copy, tmp_path], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.removeprefix("ser_hf/default_model/") for name in names if "/default_model/" in name} == files
    packed = {name.removeprefix("ser_hf/recipes/") for name in names if "/recipes/" in name}
    there = {str(p.relative_to(root / "recipes")) for p in (root / "recipes").rglob("*") if p.is_file()}
    assert packed == there
