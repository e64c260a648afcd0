"""The synthetic corpus is read by the parsers of the corpora it imitates, and never under their names."""

from pathlib import Path

import pytest

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, scan
from ser_hf.corpora.synthetic import parse


@pytest.mark.parametrize(
    ("path", "clip_id", "speaker", "emotion"),
    [
        ("ravdess/Actor_01/03-01-05-02-01-01-01.wav", "ravdess/03-01-05-02-01-01-01", "ravdess_01", "angry"),
        ("savee/AudioData/DC/su01.wav", "savee/DC/su01", "savee_DC", "surprised"),
        ("tess/OAF_neutral/OA_bite_neutral.wav", "tess/OAF_bite_neutral", "tess_OAF", "neutral"),
        ("tess/savee/DC/a01.wav", "savee/DC/a01", "savee_DC", "angry"),
    ],
)
def test_the_nearest_folder_names_the_parser(path, clip_id, speaker, emotion):
    clip = parse(Path("somewhere") / path)
    assert (clip.corpus, clip.clip_id, clip.speaker) == ("synthetic", f"synthetic/{clip_id}", f"synthetic_{speaker}")
    assert clip.emotion == emotion


@pytest.mark.parametrize("path", ["03-01-05-02-01-01-01.wav", "other/a01.wav", "ravdess/a01.wav", "savee.wav"])
def test_other_files_are_foreign(path):
    assert parse(Path(path)) is None


def test_an_unknown_code_is_refused():
    with pytest.raises(CorpusError, match="unknown RAVDESS emotion code 09"):
        parse(Path("ravdess/03-01-09-02-01-01-01.wav"))


def test_it_says_that_it_is_synthetic():
    assert [name for name in CORPORA if CORPORA[name].synthetic] == ["synthetic"]
    assert CORPORA["synthetic"].card()["synthetic"] is True


def test_the_three_folders_are_scanned_as_one_corpus(tmp_path):
    names = ["ravdess/Actor_02/03-01-01-01-01-01-02.wav", "savee/AudioData/JE/n01.wav", "tess/YAF_sad/YAF_back_sad.wav"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    assert [clip.path for clip in scan(CORPORA["synthetic"], tmp_path).clips] == [tmp_path / name for name in names]
