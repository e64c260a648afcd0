"""MSP-Podcast: everything but the file name is in the tables, whose name and words change with the release."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, scan
from ser_hf.corpora.msp_podcast import read
from ser_hf.records import Clip

MSP = CORPORA["msp_podcast"]
HEAD = "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set\n"
ROWS = """\
MSP-PODCAST_0001_0008.wav,N,2.2,4.0,2.6,30,Male,Test1
MSP-PODCAST_0001_0019.wav,X,4.125,4.75,4.0,Unknown,Unknown,Train
MSP-PODCAST_0002_0033_0001.wav,C,3.8,2.4,5.0,412,Female,Development
"""
DETAILED = {
    "MSP-PODCAST_0001_0008.wav": {
        "WORKER001": {"EmoClass_Major": "Neutral", "EmoClass_Second": "Neutral,Concerned", "EmoAct": 2.0},
        "WORKER002": {"EmoClass_Major": "Neutral", "EmoAct": 2.0},
        "WORKER003": {"EmoClass_Major": "Other-amused", "EmoAct": 3.0},
        "WORKER004": {"EmoClass_Major": "Sad", "EmoAct": 3.0},
        "WORKER005": {"EmoClass_Major": "Surprise", "EmoAct": 3.0},
    },
    "MSP-PODCAST_0001_0019.wav": {
        "WORKER001": {"EmoClass_Major": "Other (excitement)"},
        "WORKER002": {"EmoClass_Major": "thrilled"},
    },
}


def write(root: Path, rows: str = ROWS, table: str = "Labels/labels_consensus.csv", head: str = HEAD) -> Path:
    """Three clips and the table of their labels."""
    for name in ("0001_0008", "0001_0019", "0002_0033_0001"):
        touch(root, f"Audios/MSP-PODCAST_{name}.wav")
    touch(root, table).write_text(head + rows, encoding="utf-8")
    return root


def touch(root: Path, name: str) -> Path:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).touch()
    return root / name


def clips(root: Path) -> dict[str, Clip]:
    return {clip.path.stem.removeprefix("MSP-PODCAST_"): clip for clip in scan(MSP, root).clips}


def test_a_clip_has_all_that_the_tables_say(tmp_path):
    write(tmp_path)
    touch(tmp_path, "Labels/labels_detailed.json").write_text(json.dumps(DETAILED), encoding="utf-8")
    touch(tmp_path, "Transcripts/MSP-PODCAST_0001_0008.txt").write_text("welcome back\n", encoding="utf-8")
    found = clips(tmp_path)
    assert found["0001_0008"] == Clip(
        path=tmp_path / "Audios/MSP-PODCAST_0001_0008.wav",
        corpus="msp_podcast",
        native_label="neutral",
        emotion="neutral",
        speaker="msp_podcast_30",
        clip_id="msp_podcast/MSP-PODCAST_0001_0008",
        sex="male",
        language="en",
        sentence="welcome back",
        partition="test",
        votes=(("neutral", 2.0), ("other", 1.0), ("sad", 1.0), ("surprised", 1.0)),
        valence=4.0,
        arousal=2.2,
        dominance=2.6,
    )
    assert found["0001_0019"].votes == (("other", 2.0),)
    assert (found["0002_0033_0001"].votes, found["0002_0033_0001"].sentence) == (None, None)


def test_an_unknown_speaker_is_none(tmp_path):
    clip = clips(write(tmp_path))["0001_0019"]
    assert (clip.speaker, clip.sex) == (None, None)
    assert (clip.native_label, clip.emotion, clip.partition) == ("no agreement", "undecided", "train")


@pytest.mark.parametrize(
    ("code", "native", "emotion"),
    [
        ("A", "anger", "angry"),
        ("H", "happiness", "happy"),
        ("S", "sadness", "sad"),
        ("N", "neutral", "neutral"),
        ("U", "surprise", "surprised"),
        ("F", "fear", "fearful"),
        ("D", "disgust", "disgust"),
        ("C", "contempt", "contempt"),
        ("O", "other", "other"),
        ("X", "no agreement", "undecided"),
    ],
)
def test_every_label_code(code, native, emotion, tmp_path):
    clip = clips(write(tmp_path, ROWS.replace(",N,", f",{code},")))["0001_0008"]
    assert (clip.native_label, clip.emotion) == (native, emotion)


@pytest.mark.parametrize(
    ("written", "partition"),
    [
        ("Train", "train"),
        ("Validation", "validation"),
        ("Development", "validation"),
        ("Test1", "test"),
        ("Test", "test"),
        ("Test2", "test2"),
        ("Test3", "test3"),
        ("train", "train"),
        ("", None),
    ],
)
def test_every_spelling_of_the_partitions(written, partition, tmp_path):
    assert clips(write(tmp_path, ROWS.replace("Test1", written)))["0001_0008"].partition == partition


@pytest.mark.parametrize(
    "table",
    [
        "Labels/labels_concensus.csv",
        "label/Labels_Consensus.CSV",
        "Labels/Labels/labels_consensus.csv",
        "labels_consensus.csv",
    ],
)
def test_every_spelling_and_place_of_the_table(table, tmp_path):
    assert len(clips(write(tmp_path, table=table))) == 3


def test_doubled_folders_are_counted_once(tmp_path):
    write(write(tmp_path), table="Labels/Labels/labels_consensus.csv")
    touch(tmp_path, "Audios/Audios/MSP-PODCAST_0001_0008.wav")
    touch(tmp_path, "Audios/._MSP-PODCAST_0001_0008.wav")
    found = scan(MSP, tmp_path)
    assert (len(found.clips), len(found.copies), found.foreign) == (3, 1, ())


def test_the_tables_of_former_releases_are_not_read(tmp_path):
    write(tmp_path)
    former = "Previous_releases_information/previous_releases_info/v1.8/Labels"
    write(tmp_path, ROWS.replace(",N,", ",S,"), table=f"{former}/labels_concensus.csv")
    touch(tmp_path, f"{former}/labels_detailed.json").write_text("not JSON", encoding="utf-8")
    assert clips(tmp_path)["0001_0008"].native_label == "neutral"


def test_two_tables_that_differ_are_refused(tmp_path):
    write(write(tmp_path), ROWS.replace(",N,", ",S,"), table="Labels/labels_concensus.csv")
    with pytest.raises(CorpusError, match=r"labels_concensus.csv and .*labels_consensus.csv differ; labels change"):
        scan(MSP, tmp_path)


def test_audio_without_a_label_is_listed_as_foreign(tmp_path):
    write(tmp_path, ROWS + "MSP-PODCAST_test3_0002.wav,,,,,,,Test3\n")
    names = ["MSP-PODCAST_test3_0001", "MSP-PODCAST_test3_0002", "MSP-PODCAST_9999_0001", "notes"]
    paths = [touch(tmp_path, f"Audios/{name}.wav") for name in names]
    assert sorted(scan(MSP, tmp_path).foreign) == sorted(paths)


def test_ratings_may_be_missing(tmp_path):
    clip = clips(write(tmp_path, ROWS.replace("2.2,4.0,2.6", ",nan,")))["0001_0008"]
    assert (clip.valence, clip.arousal, clip.dominance) == (None, None, None)


def test_other_extensions_and_cases_are_the_same_clip(tmp_path):
    write(tmp_path)
    touch(tmp_path, "flac/msp-podcast_0001_0008.FLAC")
    found = scan(MSP, tmp_path)
    assert (len(found.clips), len(found.copies)) == (3, 1)


def test_without_the_table_it_says_what_was_looked_for(tmp_path):
    touch(tmp_path, "Audios/MSP-PODCAST_0001_0008.wav")
    message = f"no label table; looked for labels_consensus.csv or labels_concensus.csv below {tmp_path}"
    with pytest.raises(CorpusError, match=re.escape(message)):
        scan(MSP, tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (",N,", ",Z,", "line 2: unknown MSP-Podcast emotion code 'Z'"),
        (",N,", ",Neutral,", "line 2: unknown MSP-Podcast emotion code 'NEUTRAL'"),
        ("Development", "Develop", "line 4: unknown MSP-Podcast partition 'Develop'; did you mean 'Development'"),
        (",2.4,", ",high,", "line 4: EmoVal is 'high'; expected a number from 1 to 7"),
        (",2.4,", ",inf,", "line 4: EmoVal is 'inf'; expected a number from 1 to 7"),
        ("0001_0019", "0001_0008", "line 3: MSP-PODCAST_0001_0008.wav is listed before with other values"),
        ("FileName,EmoClass", "File,EmoClass", "line 1: expected the columns FileName, EmoClass, EmoAct"),
    ],
)
def test_a_malformed_table_names_file_and_line(old, new, message, tmp_path):
    write(tmp_path, ROWS.replace(old, new), head=HEAD.replace(old, new))
    table = tmp_path / "Labels/labels_consensus.csv"
    with pytest.raises(CorpusError, match=re.escape(f"{table}, {message}")):
        scan(MSP, tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"<html>not found</html>", b'FileName,EmoClass\n"' + b"a" * 200_000]
)
def test_what_is_no_table_is_refused_with_its_path(content, tmp_path):
    table = write(tmp_path) / "Labels/labels_consensus.csv"
    table.write_bytes(content)
    with pytest.raises(CorpusError, match=re.escape(str(table))):
        scan(MSP, tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not readable as JSON"),
        ("[" * 100_000, "not readable as JSON"),
        ("[1, 2]", "expected {file: {rater: {'EmoClass_Major': word}}} throughout"),
        ('{"a.wav": {"EmoClass_Major": "Sad"}}', "expected {file: {rater:"),
        ('{"a.wav": {"WORKER1": {"EmoAct": 2}}}', "expected {file: {rater:"),
        ('{"a.wav": {"W1": {"EmoClass_Major": "Sad"}, "W2": 3}}', "expected {file: {rater:"),
    ],
)
def test_malformed_votes_are_refused_with_their_path(content, message, tmp_path):
    write(tmp_path)
    table = touch(tmp_path, "Labels/labels_detailed.json")
    table.write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError, match=re.escape(f"{table}: {message}")):
        scan(MSP, tmp_path)


@given(st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1))
def test_no_name_breaks_the_parser(tmp_path_factory, stem):
    assert read(write(tmp_path_factory.mktemp("any")))(Path(f"{stem}.wav")) is None


def test_the_official_partitions_are_a_column_not_folds():
    assert dict(MSP.folds) == {}
