"""MELD: numbers start anew in every split, and the labels are in the tables only."""

import csv
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, scan
from ser_hf.records import Clip

MELD = CORPORA["meld"]
HEADER = ["Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID", "Season", "Episode"]
HEADER += ["StartTime", "EndTime"]
FOLDERS = {"train": "train/train_splits", "dev": "dev_splits_complete", "test": "output_repeated_splits_test"}


def row(dialogue=0, utterance=0, emotion="joy", speaker="The Waiter", text="Oh, it\u2019s bad.", **other):
    cells = [
        "7",
        text,
        speaker,
        emotion,
        "positive",
        str(dialogue),
        str(utterance),
        "8",
        "21",
        "0:16:16,059",
        "0:16:21",
    ]
    return {**dict(zip(HEADER, cells, strict=True)), **other}


def write_table(path: Path, *rows: dict[str, str], columns: list[str] = HEADER, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as lines:
        writer = csv.DictWriter(lines, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_row_says_everything(tmp_path, touch):
    write_table(tmp_path / "dev_sent_emo.csv", row(3, 12))
    touch(tmp_path, "dev_splits_complete/dia3_utt12.mp4")
    assert scan(MELD, tmp_path).clips == (
        Clip(
            path=tmp_path / "dev_splits_complete/dia3_utt12.mp4",
            corpus="meld",
            native_label="joy",
            emotion="happy",
            speaker="meld_The-Waiter",
            clip_id="meld/dev/dia3_utt12",
            language="en",
            sentence="Oh, it\u2019s bad.",
            session="s08e21",
            partition="validation",
        ),
    )


@pytest.mark.parametrize("other", [{"Season": ""}, {"Episode": "x"}])
def test_an_episode_that_is_not_told_is_none(tmp_path, other, touch):
    write_table(tmp_path / "dev_sent_emo.csv", row(**other))
    (clip,) = scan(MELD, touch(tmp_path, "dev/dia0_utt0.mp4")).clips
    assert clip.session is None


def test_equal_names_in_the_three_splits_are_three_clips(tmp_path, touch):
    for split, emotion in (("train", "anger"), ("dev", "fear"), ("test", "surprise")):
        write_table(tmp_path / f"{split}_sent_emo.csv", row(emotion=emotion))
        touch(tmp_path, f"{FOLDERS[split]}/dia0_utt0.mp4")
    found = scan(MELD, tmp_path)
    assert {(clip.clip_id, clip.emotion, clip.partition) for clip in found.clips} == {
        ("meld/train/dia0_utt0", "angry", "train"),
        ("meld/dev/dia0_utt0", "fearful", "validation"),
        ("meld/test/dia0_utt0", "surprised", "test"),
    }
    assert (found.copies, found.foreign) == ((), ())


@pytest.mark.parametrize(
    ("file", "table"),
    [
        ("MELD.Raw/train/train_splits/dia0_utt0.mp4", "MELD.Raw/train/train_sent_emo.csv"),
        ("MELD.Raw/train/dia0_utt0.mp4", "annotations/train_sent_emo.csv"),
        ("train_splits/dia0_utt0.mp4", "train_sent_emo.csv"),
        ("TRAIN/DIA0_UTT0.MP4", "Train_Sent_Emo.CSV"),
        ("test of mine/train-wav/dia0_utt0.wav", "train_sent_emo.csv"),
        ("train_and_test/dia0_utt0.flac", "train_sent_emo.csv"),
        ("dia0_utt0.wav", "train_sent_emo.csv"),
    ],
)
def test_every_layout_gives_the_same_clip(tmp_path, file, table, touch):
    write_table(tmp_path / table, row())
    (clip,) = scan(MELD, touch(tmp_path, file)).clips
    assert (clip.clip_id, clip.partition) == ("meld/train/dia0_utt0", "train")


def test_copies_count_once_and_sound_goes_before_video(tmp_path, touch):
    table = write_table(tmp_path / "MELD.Raw/train/train_sent_emo.csv", row())
    nested = tmp_path / "MELD.Raw/MELD.Raw/train/train_sent_emo.csv"
    nested.parent.mkdir(parents=True)
    nested.write_bytes(table.read_bytes())
    litter = ["MELD.Raw/train/train_splits/._dia0_utt0.mp4", "__MACOSX/train/dia0_utt0.mp4"]
    files = ["train/train_splits/dia0_utt0.mp4", "MELD.Raw/train/train_splits/dia0_utt0.mp4", "train_wav/dia0_utt0.wav"]
    found = scan(MELD, touch(tmp_path, *(f"MELD.Raw/{file}" for file in files), *litter))
    assert [clip.path.name for clip in found.clips] == ["dia0_utt0.wav"]
    assert (len(found.copies), found.foreign) == (2, ())


def test_files_without_a_row_are_reported(tmp_path, touch):
    write_table(tmp_path / "test_sent_emo.csv", row())
    odd = ["dia108_utt2.mp4", "final_videos_testdia0_utt0.mp4", "trailer.mp4"]
    found = scan(MELD, touch(tmp_path, "test/dia0_utt0.mp4", *(f"test/{name}" for name in odd)))
    assert [clip.clip_id for clip in found.clips] == ["meld/test/dia0_utt0"]
    assert found.foreign == tuple(tmp_path / "test" / name for name in odd)


def test_a_missing_table_is_named(tmp_path, touch):
    write_table(tmp_path / "train_sent_emo.csv", row())
    file = touch(tmp_path, "dev_splits_complete/dia0_utt0.mp4") / "dev_splits_complete/dia0_utt0.mp4"
    message = f"{file}: its label is in dev_sent_emo.csv, which was looked for below {tmp_path} and is not there"
    with pytest.raises(CorpusError, match=re.escape(message)):
        scan(MELD, tmp_path)


def test_a_file_of_no_split_is_refused(tmp_path, touch):
    for split in FOLDERS:
        write_table(tmp_path / f"{split}_sent_emo.csv", row())
    with pytest.raises(CorpusError, match=r"all/dia0_utt0\.wav: no folder between it and .* names train, dev or test"):
        scan(MELD, touch(tmp_path, "all/dia0_utt0.wav"))


def test_a_folder_without_clips_is_refused_as_that(tmp_path, touch):
    with pytest.raises(CorpusError, match="corpus 'meld': no clip found below"):
        scan(MELD, touch(tmp_path, "other.wav"))


@pytest.mark.parametrize(
    ("bad", "line", "what"),
    [
        (row(1, emotion="joyful"), 3, "unknown MELD emotion 'joyful'; did you mean 'joy'?"),
        (row(1, Dialogue_ID=""), 3, "expected a whole number as Dialogue_ID, found ''"),
        (row(1, Utterance_ID="1.0"), 3, "expected a whole number as Utterance_ID, found '1.0'"),
        (row(1, speaker=" "), 3, "the speaker is empty"),
        (row(0, emotion="anger"), 3, "dialogue 0, utterance 0 has another row already"),
        (row(1, text="two\nlines", emotion=""), 4, "unknown MELD emotion ''"),
    ],
)
def test_a_malformed_row_is_refused_with_its_line(tmp_path, bad, line, what, touch):
    table = write_table(tmp_path / "test_sent_emo.csv", row(), bad)
    with pytest.raises(CorpusError, match=re.escape(f"{table}, line {line}: {what}")):
        scan(MELD, touch(tmp_path, "test/dia0_utt0.mp4"))


def test_a_table_without_its_columns_is_refused(tmp_path, touch):
    table = write_table(tmp_path / "test_sent_emo.csv", row(), columns=["Utterance", "Emotion", "Speaker"])
    message = rf"^{re.escape(str(table))}, line 1: .* missing: Dialogue_ID, Utterance_ID$"
    with pytest.raises(CorpusError, match=message):
        scan(MELD, touch(tmp_path, "test/dia0_utt0.mp4"))


def test_an_empty_table_is_refused(tmp_path, touch):
    with pytest.raises(CorpusError, match=r"test_sent_emo\.csv, line 1: expected the columns Dialogue_ID"):
        scan(MELD, touch(tmp_path, "test_sent_emo.csv", "test/dia0_utt0.mp4"))


def test_a_table_in_another_encoding_is_refused_with_its_line(tmp_path, touch):
    table = write_table(tmp_path / "test_sent_emo.csv", row(text="fine"), row(1), encoding="cp1252")
    with pytest.raises(CorpusError, match=re.escape(f"{table}, line 3: not UTF-8")):
        scan(MELD, touch(tmp_path, "test/dia0_utt0.mp4"))


def test_marks_decoded_wrongly_are_set_right(tmp_path, touch):
    write_table(tmp_path / "test_sent_emo.csv", row(text="It\x92s \x93bad\x94", speaker="Richard\x92s Date"))
    (clip,) = scan(MELD, touch(tmp_path, "test/dia0_utt0.mp4")).clips
    assert (clip.sentence, clip.speaker) == ("It\u2019s \u201cbad\u201d", "meld_Richard\u2019s-Date")


@pytest.mark.real
def test_every_official_name(shared_corpora, tmp_path):
    with (shared_corpora / "names/meld.tsv").open(encoding="utf-8") as lines:
        listed = list(csv.DictReader(lines, delimiter="\t"))
    tables, expected = defaultdict(list), {}
    for entry in listed:
        split = next(split for split in FOLDERS if split in entry["path"])
        dialogue, utterance = re.search(r"dia(\d+)_utt(\d+)", entry["path"]).groups()
        tables[split].append(row(dialogue, utterance, entry["label"], entry["speaker"]))
        speaker = entry["speaker"].replace("\x92", "\u2019")
        expected[f"meld/{split}/{Path(entry['path']).stem}"] = (entry["label"], f"meld_{speaker}", None)
        assert entry["sex"] == "unknown"
    for split, rows in tables.items():
        write_table(tmp_path / f"{split}_sent_emo.csv", *rows)
    parse = MELD.reader(tmp_path)
    clips = [parse(tmp_path / entry["path"]) for entry in listed]
    assert {clip.clip_id: (clip.native_label, clip.speaker, clip.sex) for clip in clips} == expected
    assert len(expected) == len(listed) == 13706
    # The list lacks one clip of the release, which cannot be decoded; it is a neutral one.
    assert Counter(clip.native_label for clip in clips) + Counter(["neutral"]) == MELD.expected
    assert Counter(clip.partition for clip in clips) == {"train": 9988, "validation": 1108, "test": 2610}
    assert set(MELD.bad) - set(expected) == {"meld/train/dia125_utt3"}


def test_the_partitions_take_the_place_of_folds():
    assert MELD.folds == {}


ANY_NAME = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1)


@pytest.fixture(scope="module")
def parse(tmp_path_factory):
    root = tmp_path_factory.mktemp("meld")
    write_table(root / "dev_sent_emo.csv", *(row(d, u) for d in range(5) for u in range(5)))
    read = MELD.reader(root)
    return lambda stem: read(root / f"dev/{stem}.mp4")


@given(stem=ANY_NAME | st.from_regex(r"dia[0-9]{1,2}_utt[0-9]{1,2}", fullmatch=True))
def test_no_name_breaks_the_parser(parse, stem):
    clip = parse(stem)
    assert clip is None or re.fullmatch(r"meld/dev/dia[0-4]_utt[0-4]", clip.clip_id)
