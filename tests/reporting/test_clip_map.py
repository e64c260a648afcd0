"""Clips lie where scikit-learn's PCA of their logits puts them, and the report can be heard."""

import base64

import numpy as np
from sklearn.decomposition import PCA

from ser_hf.reporting import surest_errors, write_report
from ser_hf.reporting.clip_map import clip_map, positions


def test_places_are_those_of_the_two_main_directions():
    shares = np.random.default_rng(0).dirichlet(np.ones(6) * 3, 80)
    logits = np.log(shares)
    reference = PCA(2, svd_solver="full").fit_transform(logits - logits.mean(axis=1, keepdims=True))
    found = positions(shares)
    assert np.allclose(np.abs(found), np.abs(reference))
    assert np.allclose(found, positions(shares.copy()))


def test_a_probability_of_nothing_is_a_place_too():
    assert np.isfinite(positions(np.eye(4))).all()


def test_too_few_clips_are_no_map(results, tmp_path):
    path = tmp_path / "map.png"
    path.touch()
    assert clip_map(results, [], path) is None
    assert not path.exists()


def test_only_clips_that_were_given_are_heard(run_dir):
    wrong = surest_errors(run_dir)
    page = write_report(run_dir, {wrong[0]: b"fLaC"}).read_text(encoding="utf-8")
    assert page.count("<audio") == 1
    assert f'src="data:audio/flac;base64,{base64.b64encode(b"fLaC").decode()}"' in page
    assert "<audio" not in write_report(run_dir).read_text(encoding="utf-8")
    assert (run_dir / "plots" / "clip_map.png").stat().st_size > 10_000
