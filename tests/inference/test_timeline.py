"""What a timeline says of itself, for people and for JSON."""

import json
import math

import numpy as np
import pytest

from ser_hf.audio.speech import LEAST
from ser_hf.inference import NO_SPEECH, UNSURE
from ser_hf.inference.timeline import Segment, Timeline, Verdict

THIRD = 1 / 3
CLASSES = {"sad": 0.75, "calm": 0.25}


def verdict(classes=CLASSES, speech=None, sure_from=0.0, dimensions=None):
    return Verdict(classes, dimensions or {}, speech, THIRD, sure_from, {"sad": 1.0})


@pytest.fixture
def timeline():
    """Two windows, of which one was not heard; no time is a round number."""
    segments = (
        Segment(0, THIRD, "sad", CLASSES, {"valence": 0.5}, THIRD, "anna"),
        Segment(THIRD, 1, NO_SPEECH, {}, {}),
    )
    shares = np.array([[THIRD, 2 * THIRD], [np.nan, np.nan]], np.float32)
    times = {"starts": np.array([THIRD / 2, THIRD]), "ends": np.array([THIRD, 2 * THIRD])}
    return Timeline(
        name="a.wav",
        duration=1 + THIRD,
        labels=("calm", "sad"),
        targets=("valence",),
        window=4.0,
        hop=1.0,
        min_confidence=0.5,
        segments=segments,
        speech=((THIRD / 2, THIRD),),
        **times,
        probabilities=shares,
        smoothed=shares,
        verdict=verdict(speech=2 * THIRD),
        speakers={"anna": verdict(dimensions={"valence": 0.5})},
    )


def test_all_that_json_says(timeline):
    told = {"label": "sad", "confidence": 0.75, "seconds": 0.333333, "scores": CLASSES, "shares": {"sad": 1.0}}
    spoken = {"start": 0, "end": 0.333333, "label": "sad", "confidence": 0.75, "scores": CLASSES, "speech": 0.333}
    silent = {"start": 0.333333, "end": 1, "label": NO_SPEECH, "confidence": None, "scores": {}, "speech": None}
    found = timeline.as_dict()
    assert json.loads(json.dumps(found)) == found
    assert found == {
        "file": "a.wav",
        "seconds": 1.333333,
        "verdict": told | {"speech": 0.667},
        "speakers": {"anna": told | {"speech": None, "dimensions": {"valence": 0.5}}},
        "segments": [spoken | {"speaker": "anna", "dimensions": {"valence": 0.5}}, silent],
        "labels": ["calm", "sad"],
        "window": 4.0,
        "hop": 1.0,
        "min_confidence": 0.5,
        "speech": [[0.166667, 0.333333]],
        "windows": [
            {"start": 0.166667, "end": 0.333333, "probabilities": [0.333333, 0.666667]},
            {"start": 0.333333, "end": 0.666667, "probabilities": None},
        ],
    }


def test_the_confidence_is_that_of_the_first_class():
    assert verdict().confidence == Segment(0, 1, "sad", CLASSES, {}).confidence == 0.75
    assert verdict({}).confidence is Segment(0, 1, NO_SPEECH, {}, {}).confidence is None
    assert Segment(0, 1, "sad", CLASSES, {}).spoken
    assert not Segment(0, 1, NO_SPEECH, {}, {}).spoken


@pytest.mark.parametrize(
    ("classes", "speech", "sure_from", "label"),
    [
        (CLASSES, None, 0.75, "sad"),
        (CLASSES, LEAST, 0.75, "sad"),
        (CLASSES, LEAST, math.nextafter(0.75, 1), UNSURE),
        (CLASSES, math.nextafter(LEAST, 0), 0.0, NO_SPEECH),
        ({}, None, 0.0, NO_SPEECH),
    ],
)
def test_a_verdict_is_sure_unsure_or_none(classes, speech, sure_from, label):
    assert verdict(classes, speech, sure_from).label == label
