"""ASVP-ESD names: speech and non-speech are two records, told apart by the channel in the name."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, Corpus, scan
from ser_hf.records import Clip

SPEECH, NONSPEECH = CORPORA["asvp_esd"], CORPORA["asvp_esd_nonspeech"]
WORDS = {
    "01": ("boredom", "bored"),
    "02": ("neutral", "neutral"),
    "03": ("happy", "happy"),
    "04": ("sad", "sad"),
    "05": ("angry", "angry"),
    "06": ("fearful", "fearful"),
    "07": ("disgust", "disgust"),
    "08": ("surprised", "surprised"),
    "09": ("excited", "excited"),
    "10": ("pleasure", "pleased"),
    "11": ("pain", "pained"),
    "12": ("disappointment", "disappointed"),
    "13": ("breath", "other"),
    "17": ("unknown", "other"),
}


@pytest.mark.parametrize(
    ("path", "code", "speaker", "intensity", "stem"),
    [
        ("Audio/actor_36/03-01-09-01-06-36-02-02-01-39.wav", "09", "36", "normal", "03-01-09-01-06-36-02-02-01-39"),
        ("03-01-05-02-05-05-01-03.WAV", "05", "05", "high", "03-01-05-02-05-05-01-03"),
        ("Audio/actor_/03-01-02-01-03-122-02-02-06-01.mp3", "02", "122", "normal", "03-01-02-01-03-122-02-02-06-01"),
        ("Bonus/actor_200/03-01-17-01-02-200-05-02-01-12.wav", "17", "200", "normal", "03-01-17-01-02-200-05-02-01-12"),
        ("03-01-08-021-10-02-02-03-01.flac", "08", "02", None, "03-01-08-021-10-02-02-03-01"),
        ("03-01-04-01-52-15-04-01-00-14 -01.wav", "04", "15", "normal", "03-01-04-01-52-15-04-01-00-14-01"),
        ("ASVP_ESD/Speech/actor_0/04_01_43_00_02_01_02_02.wav", "04", "00", "normal", "03-01-04-01-43-00-02-01-02-02"),
    ],
)
def test_every_spelling(path, code, speaker, intensity, stem):
    native, emotion = WORDS[code]
    assert SPEECH.parse(Path(path)) == Clip(
        path=Path(path),
        corpus="asvp_esd",
        native_label=native,
        emotion=emotion,
        speaker=f"asvp_esd_{speaker}",
        clip_id=f"asvp_esd/{stem}",
        intensity=intensity,
    )
    assert NONSPEECH.parse(Path(path)) is None


@pytest.mark.parametrize("path", ["03-02-13-01-01-110-02-02-02-13.wav", "Non-Speech/actor_110/13_01_01_110_02_02.wav"])
def test_non_speech_is_a_corpus_of_its_own(path):
    clip = NONSPEECH.parse(Path(path))
    assert (clip.corpus, clip.channel, clip.native_label) == ("asvp_esd_nonspeech", "non-speech", "breath")
    assert clip.clip_id.split("/")[0] == "asvp_esd_nonspeech"
    assert clip.speaker == "asvp_esd_110"  # a person is one person in both records
    assert SPEECH.parse(Path(path)) is None


@pytest.mark.real
def test_every_official_name_is_in_one_of_the_two_records(names_list):
    rows = names_list("asvp_esd")
    found: dict[str, list[Clip]] = {"asvp_esd": [], "asvp_esd_nonspeech": []}
    for row in rows:
        path = Path(row["path"])
        clips = [clip for clip in (SPEECH.parse(path), NONSPEECH.parse(path)) if clip]
        assert len(clips) == 1, row
        (clip,) = clips
        sex = None if row["sex"] == "unknown" else row["sex"]
        assert (clip.native_label, clip.emotion) == WORDS[row["label"]]
        assert (clip.speaker, clip.sex) == (f"asvp_esd_{row['speaker']}", sex)
        assert (clip.channel == "speech") == (path.name.split("-")[1] == "01") == (clip.corpus == "asvp_esd")
        found[clip.corpus].append(clip)
    assert {name: len(clips) for name, clips in found.items()} == {"asvp_esd": 5140, "asvp_esd_nonspeech": 8824}
    assert len({clip.clip_id for clips in found.values() for clip in clips}) == len(rows) == 13964
    for name, clips in found.items():
        assert Counter(clip.native_label for clip in clips) == CORPORA[name].expected


@pytest.mark.real
@pytest.mark.parametrize(("corpus", "members"), [(SPEECH, 1312), (NONSPEECH, 2175)], ids=["speech", "non-speech"])
def test_the_folds_name_clips_that_exist(corpus, members, shared_corpora):
    folds = corpus.folds["emobox"]
    assert (folds.unit, list(folds.folds)) == ("clip", [1])
    with (shared_corpora / "names/asvp_esd.tsv").open(encoding="utf-8") as lines:
        clips = [corpus.parse(Path(row["path"])) for row in csv.DictReader(lines, delimiter="\t")]
    test = folds.folds[1].test
    assert len(set(test)) == len(test) == members
    assert {f"{corpus.name}/{member}" for member in test} <= {clip.clip_id for clip in clips if clip}


def test_a_folder_with_both_channels_twice_and_litter(tmp_path):
    speech = [f"Audio/actor_{a}/03-01-0{e}-01-01-{a}-02-02-01.wav" for a in (10, 11) for e in (2, 3)]
    sounds = [f"Audio/actor_{a}/03-02-0{e}-01-01-{a}-02-02-01.wav" for a in (10, 11) for e in (2, 3, 4)]
    litter = ["Audio/actor_10/._03-01-02-01-01-10-02-02-01.wav", "__MACOSX/03-01-02-01-01-10-02-02-01.wav"]
    for name in (*speech, *sounds, *(f"twice/ASVP-ESD-Update/{n}" for n in speech), *litter):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = scan(SPEECH, tmp_path)
    assert [clip.path for clip in found.clips] == [tmp_path / name for name in speech]
    assert len(found.copies) == len(speech)
    assert sorted(found.foreign) == [tmp_path / name for name in sounds]
    found = scan(NONSPEECH, tmp_path)
    assert (len(found.clips), len(found.foreign), found.copies) == (6, 8, ())


@pytest.mark.parametrize(
    "name",
    [
        "03-01-05-02-01-01-12",  # RAVDESS has one field less
        "01-01-05-01-01-01-02-02",
        "03-01-05-01-01-01-02-02-01-01-01-01-01",
        "elsewhere/04_01_43_00_02_01_02_02",
        "Speech/04_01_43_00_02_01_02_02_long_name",
    ],
)
def test_other_names_are_foreign(name):
    assert SPEECH.parse(Path(f"{name}.wav")) is None
    assert NONSPEECH.parse(Path(f"{name}.wav")) is None


@pytest.mark.parametrize(
    ("stem", "message"),
    [
        ("03-01-14-01-06-36-02-02-01", "unknown ASVP-ESD emotion code 14; expected one of 01, 02"),
        ("03-03-05-01-06-36-02-02-01", "unknown ASVP-ESD channel code 03; expected 01 (speech) or 02 (non-speech)"),
    ],
)
def test_an_unknown_code_is_refused_with_the_path(stem, message):
    with pytest.raises(CorpusError, match=re.escape(f"actor_36/{stem}.wav: {message}")):
        SPEECH.parse(Path(f"actor_36/{stem}.wav"))


def outcome(corpus: Corpus, path: Path) -> Clip | str | None:
    try:
        return corpus.parse(path)
    except CorpusError as error:
        return str(error)


ANY_NAME = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1)
SHAPED = st.from_regex(r"03-0[0-3]-[0-9]{2}-01-1-1-02-02(-[0-9]{2})?", fullmatch=True)


@given(ANY_NAME | SHAPED | SHAPED.map(lambda stem: stem.replace("-", "_")), st.sampled_from(["Speech", "x"]))
def test_no_name_breaks_the_parsers(stem, folder):
    for corpus in (SPEECH, NONSPEECH):
        found = outcome(corpus, Path(folder, f"{stem}.wav"))
        if isinstance(found, Clip):
            assert found.native_label in corpus.emotions
        else:
            assert found is None or stem in found
