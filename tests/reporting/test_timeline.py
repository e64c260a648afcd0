"""The picture of a timeline: one time axis, what it shows, and that nothing is cut off."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from ser_hf.reporting.timeline import Band, Drawn, draw, write_drawing

LABELS = ("neutral", r"$\formula$ & <b>", "happy", "sad")


def make(duration=60.0, windows=29, labels=LABELS, speakers=(None,), spoken=True):
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(len(labels)), windows).astype(np.float32)
    hop = duration / (windows + 1)
    edges = np.linspace(0, duration, 6)
    bands = [
        Band(start, start + 0.8 * duration / 5, labels[i % len(labels)], speakers[i % len(speakers)])
        for i, start in enumerate(edges[:-1])
    ]
    shares[2:3] = np.nan
    return Drawn(
        name="call.wav",
        facts=("60.0 s", "sad 41.0 %"),
        duration=duration,
        labels=labels,
        segments=tuple(bands) if spoken else (),
        speech=tuple((band.start, band.end) for band in bands) if spoken else (),
        middles=(np.arange(windows) + 1) * hop,
        probabilities=shares if spoken else np.full_like(shares, np.nan),
        hop=hop,
        envelope=np.sort(rng.uniform(-1, 1, (500, 2)), axis=1),
        edges=np.linspace(0, duration, 501),
    )


CASES = {
    "usual": make(),
    "three hours": make(10_800.0, 5399),
    "a window": make(0.1, 1),
    "speakers": make(speakers=("anna", r"$\bert$", "a very long name of a speaker")),
    "many speakers": make(speakers=tuple("abcdefghij")),
    "unsure": dataclasses.replace(make(), segments=(Band(0, 30, "unsure", None),)),
    "no speech": make(spoken=False),
    "many classes": make(labels=tuple(f"class number {i}" for i in range(20))),
    "silence": dataclasses.replace(make(spoken=False), envelope=np.zeros((500, 2))),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_nothing_is_cut_off(case, tmp_path):
    write_drawing(case, tmp_path / "a.png")
    image = np.asarray(Image.open(tmp_path / "a.png").convert("L"))
    edge = np.concatenate([image[:3].ravel(), image[-3:].ravel(), image[:, :3].ravel(), image[:, -3:].ravel()])
    assert (edge == 255).all()
    assert image.std() > 10
    assert 900 <= image.shape[1] <= 1600
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_one_time_axis_from_beginning_to_end():
    waveform, bands, shares = draw(make()).axes
    assert waveform.get_shared_x_axes().joined(waveform, bands)
    assert waveform.get_shared_x_axes().joined(waveform, shares)
    assert shares.get_xlim() == (0, 60)
    assert shares.xaxis.get_major_formatter()(30, 0) == "0:30"
    assert draw(make(10_800.0, 500)).axes[2].xaxis.get_major_formatter()(3725, 0) == "1:02:05"


def test_segments_are_named_and_speakers_have_rows():
    bands = draw(make(speakers=("anna", "bert"))).axes[1]
    assert [text.get_text() for text in bands.texts].count("happy") == 1
    assert [label.get_text() for label in bands.get_yticklabels()] == ["anna", "bert"]


def test_probabilities_fill_the_segments_and_nothing_else():
    case = make()
    shares = draw(case).axes[2]
    top = shares.patches[-1].get_data()
    middles = (top.edges[:-1] + top.edges[1:]) / 2
    inside = np.array([any(band.start <= at <= band.end for band in case.segments) for at in middles])
    np.testing.assert_allclose(top.values, np.where(inside, 1, 0), atol=1e-5)


def test_every_class_looks_different():
    looks = draw(CASES["many classes"]).legends[0].get_patches()
    assert len({(patch.get_facecolor(), patch.get_hatch()) for patch in looks}) == 20
