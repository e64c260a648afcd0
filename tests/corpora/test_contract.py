"""What every corpus that is described by its file names promises, whatever the names are.

A new corpus is tested here without being told; a pattern of names that are nearly right makes the test of it stronger.
"""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.corpora import CORPORA, scan
from ser_hf.records import Clip

ALMOST = {
    "aesdd": r"[adfhsx][0-9]{2} \([0-9]{1,2}\)[ab]?",
    "cafe": r"[01][0-9]-[CDJNPSTx]-[0-3]-[0-9]",
    "emodb": r"(03|1[0-6])[ab](0[1-9]|10)[A-Za-z]{2}(xx)?",
    "emovo": r"(dis|gio|xyz)-[fmz][0-4]-[blnd][0-6]",
    "enterface05": r"s_?[0-9]{1,2}_(an|di|xx)_[0-9](avi)?",
    "jl": r"(fe)?male[0-3]_(sad|[a-z]+)_\d{1,2}[ab]_[12]",
    "nemo": r"(EB0|WR0|XX1)_(anger|fear|calm)_[0-9]{1,2}",
    "ravdess": r"03-01(-\d\d){5}",
    "ravdess_song": r"03-02(-\d\d){5}",
    "savee": r"DC_?[a-z]{1,2}\d\d",
    "shemo": r"[FMX][0-9]{2}[AFHNSWD][0-9]{2,3}",
    "subesco": r"[FM]_[01][0-9]_[A-Z]{2,5}_S_[0-9]{1,2}_(ANGRY|SAD|CALM)_[0-9]\]?",
    "tess": r"[OY]AF_[a-z]+_[a-z_]+",
    "urdu": r"S[MFX][0-9]{1,2}_F[0-9]+_[AHNSX][0-9]+",
}
"""Corpus -> names of which some are right and some have an unknown code."""
TABLES = ("nemo", "shemo")
"""Corpora whose tables beside the audio may be missing."""
NAMED = [corpus.name for corpus in CORPORA.values() if corpus.parse is not None or corpus.name in TABLES]


def parser(name: str):
    corpus = CORPORA[name]
    return corpus.parse or corpus.reader(Path("no tables here"))


def example(name: str) -> Path:
    """The file that messages show, e.g. ``Angry/SM1_F10_A010.wav``."""
    return Path(re.split(r", | or ", CORPORA[name].names)[0])


def names_like(name: str) -> st.SearchStrategy[str]:
    """Any name; the example with some characters changed for others of its kind; and names that are almost right."""
    stem = example(name).stem
    kinds = {"0": "0123456789", "a": "abcdefhnsu", "A": "ABCDFHNSWX"}
    kind = {c: kinds["0" if c.isdigit() else "a" if c.islower() else "A"] for c in stem if c.isalnum() and c.isascii()}
    changed = st.tuples(*(st.sampled_from([c] * 8 + list(kind.get(c, c))) for c in stem)).map("".join)
    anything = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1)
    return st.one_of(anything, changed, *([st.from_regex(ALMOST[name], fullmatch=True)] if name in ALMOST else []))


@pytest.mark.parametrize("name", NAMED)
@given(data=st.data())
def test_no_name_breaks_the_parser(outcome, name, data):
    stem = data.draw(names_like(name))
    corpus, path = CORPORA[name], example(name).with_name(f"{stem}.wav")
    found = outcome(parser(name), path)
    if isinstance(found, Clip):
        assert found.native_label in corpus.emotions
        assert found.emotion == corpus.emotions[found.native_label]
        assert (found.corpus, found.path) == (name, path)
        assert found.clip_id.startswith(f"{name}/")
        assert found.speaker is None or found.speaker.startswith(f"{corpus.speakers_of or name}_")
    else:
        assert found is None or stem in found


@pytest.mark.parametrize("name", NAMED)
def test_the_example_of_the_messages_is_a_clip(name):
    clip = parser(name)(example(name))
    assert isinstance(clip, Clip)
    assert clip.emotion == CORPORA[name].emotions[clip.native_label]


@pytest.mark.parametrize("name", NAMED)
def test_a_copy_is_counted_once_and_litter_not_at_all(tmp_path, touch, name):
    path, suffix = example(name), example(name).suffix
    litter = [path.with_name(f"._{path.name}"), Path("__MACOSX") / path, Path(".cache") / path]
    files = [path, Path("again") / path, path.with_name(f"no clip of any corpus at all{suffix}")]
    found = scan(CORPORA[name], touch(tmp_path, *map(str, [*files, *litter])))
    assert (len(found.clips), len(found.copies), len(found.foreign)) == (1, 1, 1)
    assert sum(other.files for other in found.left_out()) == 2
