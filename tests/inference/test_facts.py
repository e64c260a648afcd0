"""What people are told of a model, from the results beside it."""

import math

import pytest

from ser_hf.inference import model_facts, open_model
from ser_hf.reporting import load_results


def test_a_run_tells_its_licence_and_score(tiny_run):
    model = open_model(tiny_run.folder, "cpu")
    facts = model_facts(tiny_run.folder, model)
    results = load_results(tiny_run.folder)
    assert facts.name == tiny_run.folder.name
    assert facts.labels == model.labels
    assert facts.score["uar"] == results["test"]["metrics"]["uar"]["value"]
    assert facts.score["clips"] == results["test"]["n_clips"]
    assert facts.score["chance"] == pytest.approx(1 / len(model.labels))
    for corpus in results["data"]["corpora"]:
        assert corpus["licence"] in facts.licence
        assert corpus["licence"] in facts.notice
    assert facts.as_dict()["limits"]


def test_a_file_is_told_of_by_the_results_beside_it_or_not_at_all(tiny_run, tmp_path):
    model, file = open_model(tiny_run.folder, "cpu"), tmp_path / "alone.onnx"
    file.touch()
    facts = model_facts(file, model)
    assert (facts.licence, facts.score) == (None, None)
    assert facts.limits
    (tmp_path / "results.json").write_bytes((tiny_run.folder / "results.json").read_bytes())
    assert model_facts(file, model).score["clips"] > 0


def test_a_model_that_hears_all_has_no_window(tiny_run):
    model = open_model(tiny_run.folder, "cpu")
    model.window = math.inf
    assert model_facts(tiny_run.folder, model).window is None
