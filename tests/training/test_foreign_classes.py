"""The classes of other people's checkpoints: named by meaning, added up, dropped on request, and asked about."""

import re

import numpy as np
import pytest

from ser_hf.base.errors import SerHfError
from ser_hf.labels import get_scheme
from ser_hf.training import ForeignClasses


def test_short_forms_and_common_words_are_understood():
    found = ForeignClasses.of(["ang", "Happiness", "neu", "SAD"], {})
    assert found.scheme.classes == ("neutral", "happy", "sad", "angry")
    assert found.words() == "ang = angry, Happiness = happy, neu = neutral, SAD = sad"
    np.testing.assert_array_equal(found.matrix.argmax(axis=1), [3, 1, 0, 2])


def test_labels_of_one_class_are_added_up_and_dropped_ones_taken_off():
    found = ForeignClasses.of(["exc", "hap", "sad", "other"], {"other": "drop"}, get_scheme("4class"))
    shares = found.regrouped(np.array([[0.2, 0.3, 0.1, 0.4], [0.0, 0.0, 0.0, 1.0]]))
    np.testing.assert_allclose(shares, [[0, 5 / 6, 1 / 6, 0], [0.25] * 4])
    assert found.unsaid() == ["neutral", "angry"]


def test_a_mapping_goes_before_what_is_known():
    found = ForeignClasses.of(["LABEL_0", "LABEL_1", "neu"], {"LABEL_0": "anger", "LABEL_1": "stressed", "neu": "calm"})
    assert found.meanings == ("angry", "stressed", "calm")
    assert found.scheme.classes == ("calm", "angry", "stressed")


@pytest.mark.parametrize(
    ("labels", "mapping", "scheme", "message"),
    [
        (["LABEL_0", "LABEL_1"], {}, None, "nothing is known of the checkpoint's labels 'LABEL_0', 'LABEL_1'"),
        (["0", "sad"], {}, None, "labels '0'; say what each means, e.g. --labels 0=angry, or 0=drop"),
        (["anrgy", "sad"], {}, None, "labels 'anrgy'; say what each means, e.g. --labels anrgy=angry"),
        (["stressed", "sad"], {}, "8class", "labels 'stressed'; say what each means"),
        (["stressed", "relaxed"], {"stressed": "drop", "relaxed": "drop"}, "8class", "none of the checkpoint's labels"),
        (["sad", "happy"], {"hapy": "happy"}, None, "the checkpoint has no label 'hapy'; it has: sad, happy"),
    ],
)
def test_what_nothing_is_known_of_is_asked_about(labels, mapping, scheme, message):
    with pytest.raises(SerHfError, match=re.escape(message)):
        ForeignClasses.of(labels, mapping, get_scheme(scheme) if scheme else None)


def test_words_of_its_own_are_classes_of_their_own():
    assert ForeignClasses.of(["stressed", "sad"], {}).scheme.classes == ("sad", "stressed")
