"""The attention figure: one time axis, weights where they belong, names and shares of the classes."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from ser_hf.reporting.attention import Attended, draw_attention, write_attention

HOP = 0.016


def attended(frames: int = 94, groups: int = 24) -> Attended:
    rng = np.random.default_rng(0)
    weights = rng.uniform(0, 1, groups).astype(np.float32)
    scores = {"angry": 0.5, r"$\formula$": 0.3, "happy": 0.15, "sad": 0.05}
    spectrogram = rng.uniform(-1, 1, (64, frames)).astype(np.float32)
    middles = np.linspace(60, 7800, 64).tolist()
    return Attended("clip.wav", "cnn_blstm_attention", spectrogram, HOP, middles, weights / weights.sum(), scores)


@pytest.mark.parametrize(
    ("frames", "groups", "pooled"), [(94, 24, 4), (188, 24, 8), (17, 5, 4), (12, 12, 1), (1, 1, 1), (5, 1, 5)]
)
def test_weights_hold_for_the_frames_they_were_pooled_from(frames, groups, pooled):
    edges = attended(frames, groups).edges / HOP
    starts = [pooled * group - 0.5 for group in range(groups)]
    np.testing.assert_allclose(edges, [*starts, frames - 0.5])


def test_both_panels_have_one_time_axis(tmp_path):
    case = attended()
    spectrogram, weights, _ = draw_attention(case).axes
    assert weights.get_shared_x_axes().joined(weights, spectrogram)
    left, right = spectrogram.images[0].get_extent()[:2]
    assert (left, right) == pytest.approx((-HOP / 2, 93.5 * HOP))
    assert spectrogram.get_xlim() == pytest.approx((left, right))
    for drawn in weights.patches:
        np.testing.assert_allclose(drawn.get_data().values, case.weights)
        np.testing.assert_allclose(drawn.get_data().edges, case.edges)


def test_ticks_lie_at_their_frequencies():
    case = attended()
    axes = draw_attention(case).axes[0]
    ticks = dict(zip([t.get_text() for t in axes.get_yticklabels()], axes.get_yticks(), strict=True))
    assert list(ticks) == ["250", "500", "1,000", "2,000", "4,000"]
    assert np.interp(ticks["1,000"], range(64), case.frequencies) == pytest.approx(1000)
    plain = draw_attention(dataclasses.replace(case, frequencies=None)).axes[0]
    assert plain.get_ylabel() == "feature"


def test_classes_are_shown_with_their_shares():
    figure = draw_attention(attended())
    scores = figure.axes[2]
    assert [bar.get_width() for bar in scores.patches] == [0.5, 0.3, 0.15, 0.05]
    assert [text.get_text() for text in scores.texts][::3] == ["angry  50.0 %", "sad  5.0 %"]
    assert "clip.wav · cnn_blstm_attention · angry 50.0 %" in [text.get_text() for text in figure.texts]


@pytest.mark.parametrize("size", [(94, 24), (1, 1)])
def test_nothing_is_cut_off(size, tmp_path):
    write_attention(attended(*size), tmp_path / "a.png")
    image = np.asarray(Image.open(tmp_path / "a.png").convert("L"))
    edge = np.concatenate([image[:3].ravel(), image[-3:].ravel(), image[:, :3].ravel(), image[:, -3:].ravel()])
    assert (edge == 255).all()
    assert image.std() > 10
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
