"""Figures: what they show, that nothing is cut off, and that they come without pyplot."""

import numpy as np
import pytest
from PIL import Image

from ser_hf.evaluation import evaluate_calibration, evaluate_groups, evaluate_selective
from ser_hf.reporting.plots import (
    PLOTS,
    balance,
    class_distribution,
    confusion_matrix,
    per_class,
    per_corpus,
    training_curves,
    write_plots,
)

LONG = [
    "neutral",
    "frustrated and angry",
    "happy",
    "sad",
    "angry",
    "fearful",
    "very much disgusted",
    r"$\formula$ & <b>",
]


def point(seconds, uar, draws):
    """Of the curve by seconds that are heard of a speaker."""
    ends = {"uar_speakers_low": uar - 0.1, "uar_speakers_high": uar + 0.1, "uar_others": uar, "draws_std": 0.02}
    return {"seconds": seconds, "uar": uar, "draws": draws, "seconds_used_mean": 9.0, "clips_used_mean": 2.5, **ends}


@pytest.fixture
def make_run(make_run):
    """A run whose training split was oversampled, of a model that adapts to speakers."""

    def make(*given, **more):
        results, rows = make_run(*given, **more)
        before = results["data"]["splits"]["train"]["classes"]
        after = dict.fromkeys(before, max(before.values()))
        results["data"]["balance"] = {"method": "oversample", "before": before, "after": after, "description": "x"}
        results["test"]["adaptation"] = [point(*given) for given in ((0, 0.41, 1), (5, 0.48, 10), ("all", 0.7, 1))]
        return results, rows

    return make


def looks_right(path):
    """Sensible size, something drawn, and a white edge: text that leaves the page would colour it."""
    image = np.asarray(Image.open(path).convert("L"))
    height, width = image.shape
    assert 900 <= width <= 1600
    assert 300 <= height <= 3500
    assert image.std() > 10
    edge = np.concatenate([image[:3].ravel(), image[-3:].ravel(), image[:, :3].ravel(), image[:, -3:].ravel()])
    assert (edge == 255).all(), path.name


def texts(figure):
    return [t.get_text() for axes in figure.axes for t in axes.texts] + [t.get_text() for t in figure.texts]


def depth(rows, classes):
    """The blocks on calibration, coverage and groups, as the package computes them."""
    true, said = ([classes.index(row[key]) for row in rows] for key in ("label", "predicted"))
    shares = np.array([[row[f"p_{name}"] for name in classes] for row in rows])
    before = shares**1.4 / (shares**1.4).sum(axis=1, keepdims=True)
    facts = {key: [row[key] for row in rows] for key in ("speaker", "corpus")}
    facts |= {"sex": ["female" if i % 2 else "male" for i in range(len(rows))]}
    return {
        "calibration": evaluate_calibration(shares, true, 1.4, before),
        "selective": evaluate_selective(shares, true),
        **evaluate_groups(true, said, classes, facts),
    }


@pytest.mark.parametrize("number", [4, 8])
def test_every_figure_fits_its_page(make_run, tmp_path, number):
    results, rows = make_run(LONG[-number:], clips=2400)
    results["test"] |= depth(rows, LONG[-number:])
    written = write_plots(results, tmp_path / "plots")
    assert [p.stem for p in written] == list(PLOTS)
    assert sorted(p.name for p in (tmp_path / "plots").iterdir()) == sorted(p.name for p in written)
    for path in written:
        looks_right(path)


def test_one_corpus_one_speaker_no_history_and_many_corpora(make_run, tmp_path):
    results, _ = make_run(clips=64, only="savee")
    results["synthetic"] = True
    results["test"]["per_corpus"][0] |= {"speakers": 1}
    for metric in (*results["test"]["metrics"].values(), results["test"]["per_corpus"][0]["accuracy"]):
        metric["speakers"] = None
    (tmp_path / "training_curves.png").write_bytes(b"of an earlier run")
    results["training"]["history"] = []
    for entry in results["test"]["adaptation"]:
        entry["uar_speakers_low"] = entry["uar_speakers_high"] = None
    results["data"]["splits"] = {"test": results["data"]["splits"]["test"]}
    written = write_plots(results, tmp_path)
    assert "training_curves" not in {p.stem for p in written}
    assert not (tmp_path / "training_curves.png").exists()
    results["test"]["per_corpus"] = [{**results["test"]["per_corpus"][0], "corpus": f"corpus_{i}"} for i in range(24)]
    for path in (*written, *write_plots(results, tmp_path / "many")):
        looks_right(path)


@pytest.mark.parametrize("name", ["reliability", "coverage", "groups"])
def test_runs_of_before_have_no_figure_of_what_they_do_not_know(results, name):
    assert PLOTS[name](results) is None


@pytest.mark.parametrize("draw", PLOTS.values())
def test_the_title_says_what_was_scored(make_run, draw):
    results, rows = make_run()
    results["test"] |= depth(rows, results["data"]["classes"])
    words = " ".join(" ".join(texts(draw(results))).split())
    for part in (
        "cnn_blstm_attention",
        "ravdess + savee",
        "random split",
        "192 test clips, 28 speakers",
        "speaker-mixed",
    ):
        assert part in words
    assert "synthetic" not in words
    results["synthetic"], results["split"]["speaker_independent"], results["split"]["fold"] = True, True, 3
    words = " ".join(" ".join(texts(draw(results))).split())
    for part in ("random split, fold 3", "speaker-independent", "synthetic voices"):
        assert part in words


def test_the_confusion_matrix_shows_counts_coloured_by_the_share_of_the_row(results):
    axes = confusion_matrix(results).axes[0]
    counts = np.array(results["test"]["confusion"])
    shown = {
        (t.get_position()[0], round(t.get_position()[1])): t.get_text() for t in axes.texts if "%" not in t.get_text()
    }
    assert shown == {(j, i): str(n) if n else "·" for (i, j), n in np.ndenumerate(counts)}
    np.testing.assert_allclose(axes.images[0].get_array(), counts / counts.sum(axis=1, keepdims=True))


def test_a_class_without_clips_is_drawn(results):
    results["test"]["confusion"][3] = [0] * 8
    assert np.isfinite(confusion_matrix(results).axes[0].images[0].get_array()).all()


def test_bars_are_recall_and_f1(results):
    recall, f1 = per_class(results).axes[0].containers
    rows = results["test"]["per_class"]
    assert [bar.get_width() for bar in recall] == [r["recall"] for r in rows]
    assert [bar.get_width() for bar in f1] == [r["f1"] for r in rows]


def test_curves_mark_the_kept_epoch(results):
    losses, scores = training_curves(results).axes
    history, best = results["training"]["history"], results["training"]["best_epoch"]
    curves = {line.get_label(): line.get_ydata() for line in (*losses.lines, *scores.lines)}
    for label, key in (
        ("training", "loss"),
        ("validation", "eval_loss"),
        ("UAR", "eval_uar"),
        ("accuracy", "eval_accuracy"),
    ):
        assert list(curves[label]) == [r[key] for r in history]
    assert all(any(list(line.get_xdata()) == [best, best] for line in axes.lines) for axes in (losses, scores))


def test_history_with_gaps_is_drawn(results):
    results["training"]["history"] = [{"epoch": 1.0, "loss": 2.0}, {"epoch": 2.0, "eval_uar": 0.4, "loss": None}]
    results["training"]["best_epoch"] = None
    losses, scores = training_curves(results).axes
    assert [list(line.get_ydata()) for line in (*losses.lines, *scores.lines)] == [[2.0], [0.4]]


def test_intervals_by_clip_and_by_speaker_are_drawn_for_every_corpus_and_all(results):
    axes = per_corpus(results).axes[0]
    drawn = {tuple(np.round(s[:, 0], 9)) for c in axes.collections for s in c.get_segments()}
    test = results["test"]
    metrics = [row["accuracy"] for row in test["per_corpus"]] + [test["metrics"]["accuracy"]]
    assert drawn == {tuple(np.round(m[key], 9)) for m in metrics for key in ("clips", "speakers")}
    assert {t.get_text() for t in axes.texts} == {f"{100 * m['value']:.1f}" for m in metrics}


def test_every_split_has_a_panel_of_class_counts(results):
    panels = class_distribution(results).axes
    for axes, split in zip(panels, results["data"]["splits"].values(), strict=True):
        assert [bar.get_width() for bar in axes.containers[0]] == list(split["classes"].values())


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("undersample", "after"),
        ("class_weights", "counts in the loss for"),
        ("weighted_sampler", "drawn per epoch, on average"),
    ],
)
def test_classes_before_and_after_balancing_stand_side_by_side(results, method, name):
    found = results["data"]["balance"]
    found |= {"method": method, "after": dict.fromkeys(found["after"], 42)}
    figure = balance(results)
    before, after = figure.axes[0].containers
    assert [bar.get_width() for bar in before] == list(found["before"].values())
    assert [bar.get_width() for bar in after] == [42] * len(found["after"])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["before", name]
    assert f"before and after {method.replace('_', ' ')}" in " ".join(texts(figure))


def test_without_balancing_there_is_no_figure_of_it(results):
    results["data"]["balance"]["method"] = "none"
    assert balance(results) is None
    del results["data"]["balance"]
    assert balance(results) is None


def test_figures_need_no_pyplot_and_reporting_imports_nothing_heavy(fresh_process, run_dir):
    source = f"""
import sys
import ser_hf.reporting
print(sorted({{"matplotlib", "huggingface_hub", "torch", "transformers", "datasets", "pyarrow"}} & set(sys.modules)))
ser_hf.reporting.write_report({str(run_dir)!r})
print("matplotlib.pyplot" in sys.modules)
"""
    result = fresh_process(source)
    assert result.stdout.splitlines() == ["[]", "False"], result.stderr
