"""Finding a corpus' folder and the clips in it; and what every registered corpus must say about itself."""

import os
import re

import pytest

from ser_hf.base.errors import CorpusError, SerHfError
from ser_hf.corpora import CORPORA, audio_files, corpus_root, scan
from ser_hf.labels import EMOTIONS

RAVDESS = CORPORA["ravdess"]
NAME = "03-01-05-01-01-01-01"


def test_these_corpora_are_known():
    assert {"ravdess", "savee", "tess", "folder", "synthetic"} <= set(CORPORA)


def test_an_unknown_corpus_is_refused_with_the_nearest_name():
    with pytest.raises(SerHfError, match="unknown corpus 'ravdes'; did you mean 'ravdess'"):
        CORPORA["ravdes"]


@pytest.mark.parametrize("name", list(CORPORA))
def test_every_record_is_complete(name):
    corpus = CORPORA[name]
    assert corpus.name == name == name.lower()
    assert corpus.title
    assert corpus.licence
    assert corpus.names
    assert corpus.how_to_get.endswith(".")
    assert [corpus.parse, corpus.reader, corpus.find].count(None) == 2
    assert set(corpus.emotions.values()) <= set(EMOTIONS)
    assert set(corpus.expected) <= set(corpus.emotions)
    assert corpus.speaker("x") == f"{corpus.speakers_of or name}_x"
    assert corpus.speakers_of is None or corpus.speakers_of in CORPORA


@pytest.mark.parametrize("name", list(CORPORA))
def test_folds_test_every_member_once(name):
    for published in CORPORA[name].folds.values():
        assert published.unit in ("speaker", "session", "clip")
        assert published.source
        assert list(published.folds) == list(range(1, len(published.folds) + 1))
        tested = [member for fold in published.folds.values() for member in fold.test]
        assert len(tested) == len(set(tested))
        assert not any(member.startswith(f"{name}_") or member.startswith(f"{name}/") for member in tested)
        for fold in published.folds.values():
            assert fold.test
            assert not set(fold.test) & set(fold.validation)
            assert len(fold.validation) == len(set(fold.validation))


def test_every_file_of_folds_belongs_to_a_corpus(root):
    files = {path.stem for path in (root / "ser_hf/corpora/folds").glob("*.json")}
    assert files == {name for name in CORPORA if CORPORA[name].folds}


def test_audio_files_of_any_extension_and_case_are_found(tmp_path, touch):
    names = ["a.wav", "b.WAV", "c.flac", "d.Ogg", "e.mp3", "f.AIFF", "sub/g.aif"]
    touch(tmp_path, *names, "h.txt", "i.mp4", "wav", "sub/j.wav.part", "k.md5")
    assert [path.relative_to(tmp_path).as_posix() for path in audio_files(tmp_path)] == names


def test_litter_is_passed_over(tmp_path, touch):
    litter = ["._a.wav", ".hidden.wav", "__MACOSX/a.wav", "sub/__MACOSX/x/a.wav", ".cache/a.wav", "sub/._a.flac"]
    touch(tmp_path, "a.wav", "sub/b.wav", *litter)
    assert [path.name for path in audio_files(tmp_path)] == ["a.wav", "b.wav"]


def test_a_linked_folder_is_followed(tmp_path, touch):
    touch(tmp_path, "elsewhere/a.wav", "root/b.wav")
    (tmp_path / "root/link").symlink_to(tmp_path / "elsewhere")
    assert [path.name for path in audio_files(tmp_path / "root")] == ["b.wav", "a.wav"]


def test_litter_and_foreign_files_do_not_count_as_clips(tmp_path, touch):
    foreign = ["03-02-05-01-01-01-01.wav", "01-01-05-01-01-01-01.wav", "notes.wav"]
    touch(tmp_path, f"Actor_01/{NAME}.wav", *foreign, f"._{NAME}.wav", f"__MACOSX/Actor_01/{NAME}.wav", "README.txt")
    found = scan(RAVDESS, tmp_path)
    assert [clip.path for clip in found.clips] == [tmp_path / f"Actor_01/{NAME}.wav"]
    assert sorted(found.foreign) == sorted(tmp_path / name for name in foreign)
    assert found.copies == ()


def test_the_corpus_nested_in_itself_is_counted_once(tmp_path, touch):
    names = [f"Actor_{a:02d}/03-01-{e:02d}-01-01-01-{a:02d}.wav" for a in (1, 2) for e in (1, 2, 3)]
    touch(tmp_path, *names, *(f"audio_speech_actors_01-24/{name}" for name in names))
    found = scan(RAVDESS, tmp_path)
    assert [clip.path for clip in found.clips] == [tmp_path / name for name in names]
    assert found.copies == tuple((tmp_path / n, tmp_path / "audio_speech_actors_01-24" / n) for n in names)


def test_another_extension_is_a_copy(tmp_path, touch):
    touch(tmp_path, f"{NAME}.flac", f"{NAME}.wav", f"{NAME}.MP3")
    found = scan(RAVDESS, tmp_path)
    assert (len(found.clips), len(found.copies)) == (1, 2)


def test_the_clips_are_sorted_by_path(tmp_path, touch):
    names = [f"Actor_{a:02d}/03-01-{e:02d}-01-01-01-{a:02d}.wav" for a in (1, 2, 3) for e in (1, 2, 3)]
    names += ["b/03-01-05-01-01-01-09.wav", "c.d/03-01-05-01-01-01-10.wav", "03-01-05-01-01-01-11.wav"]
    found = scan(RAVDESS, touch(tmp_path, *reversed(names)))
    assert [clip.path for clip in found.clips] == sorted(tmp_path / name for name in names)


def test_remarks_count_what_differs_from_the_release(tmp_path, touch):
    touch(tmp_path, f"{NAME}.wav", f"again/{NAME}.wav", "song.wav")
    assert scan(RAVDESS, tmp_path).remarks() == [
        "ravdess: 1 clips found, 1440 in the official release (neutral 0 of 96, calm 0 of 192, happy 0 of 192, "
        "sad 0 of 192, angry 1 of 192, fearful 0 of 192, disgust 0 of 192, surprised 0 of 192)",
        "ravdess: 1 audio files are not of this corpus, e.g. song.wav",
        f"ravdess: 1 files repeat a clip and were left out, e.g. again/{NAME}.wav (same as {NAME}.wav)",
    ]


def test_an_unknown_code_anywhere_stops_the_scan_with_the_path(tmp_path, touch):
    touch(tmp_path, f"{NAME}.wav", "deep/er/03-01-09-01-01-01-01.wav")
    with pytest.raises(CorpusError, match=re.escape(f"{tmp_path}/deep/er/03-01-09-01-01-01-01.wav: unknown RAVDESS")):
        scan(RAVDESS, tmp_path)


@pytest.mark.parametrize(
    "names", [[], ["song.wav", "other.flac"], ["readme.txt"]], ids=["empty", "foreign", "no audio"]
)
def test_a_folder_without_a_clip_is_refused(tmp_path, names, touch):
    foreign = sum(not name.endswith("txt") for name in names)
    expected = (
        f"corpus 'ravdess': no clip found below {tmp_path} ({foreign} other audio files there). "
        "Expected audio files named like 03-01-05-02-01-01-12.wav. Download Audio_Speech_Actors_01-24.zip"
    )
    with pytest.raises(CorpusError, match=re.escape(expected)):
        scan(RAVDESS, touch(tmp_path, *names))


def test_the_folder_of_a_corpus_may_be_written_in_any_case(tmp_path):
    (tmp_path / "RAVDESS").mkdir()
    assert corpus_root(RAVDESS, tmp_path) == tmp_path / "RAVDESS"


def test_a_folder_of_its_own_comes_first(tmp_path):
    for name in ("ravdess", "mine"):
        (tmp_path / name).mkdir()
    assert corpus_root(RAVDESS, tmp_path, {"ravdess": str(tmp_path / "mine")}) == tmp_path / "mine"
    assert corpus_root(RAVDESS, tmp_path, {"savee": "nowhere"}) == tmp_path / "ravdess"


def test_the_home_folder_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "data/ravdess").mkdir(parents=True)
    assert corpus_root(RAVDESS, "~/data") == tmp_path / "data/ravdess"
    assert corpus_root(RAVDESS, None, {"ravdess": "~/data"}) == tmp_path / "data"


@pytest.mark.parametrize("below", ["", "missing", "file"])
def test_a_missing_folder_says_what_was_looked_for_and_how_to_get_it(tmp_path, below, touch):
    (tmp_path / "file").touch()
    with pytest.raises(CorpusError) as caught:
        corpus_root(RAVDESS, tmp_path / below)
    assert str(caught.value) == (
        f"corpus 'ravdess': looked for {tmp_path / below / 'ravdess'}, which does not exist. "
        "Download Audio_Speech_Actors_01-24.zip from https://zenodo.org/records/1188976 and unpack it. "
        "Then pass --data_root with the folder that holds ravdess/, or --data_dirs ravdess=DIR."
    )


def test_a_missing_folder_of_its_own_is_named(tmp_path):
    with pytest.raises(CorpusError, match=re.escape(f"looked for {tmp_path / 'gone'}, which does not exist")):
        corpus_root(RAVDESS, tmp_path, {"ravdess": str(tmp_path / "gone")})


def test_no_folder_at_all_says_what_to_pass():
    with pytest.raises(CorpusError, match=r"no folder given; pass --data_root DIR \(with DIR/ravdess\) or --data_dirs"):
        corpus_root(RAVDESS, None)


def test_names_that_are_not_utf8_are_no_obstacle(tmp_path, touch):
    touch(tmp_path, f"{NAME}.wav")
    (tmp_path / os.fsdecode(b"caf\xe9")).mkdir()
    touch(tmp_path, os.fsdecode(b"caf\xe9/\xfc.wav"))
    found = scan(RAVDESS, tmp_path)
    assert (len(found.clips), len(found.foreign)) == (1, 1)


def test_every_audio_file_that_is_no_clip_is_counted_by_its_reason(tmp_path, touch):
    strays = {
        "a copy by its name": [f"{NAME} (1).wav", f"{NAME} - Copy.wav", f"{NAME}_copy.wav", f"{NAME} copy 2.wav"],
        "a name of the corpus savee": ["DC/a01.wav"],
        "a name that is not UTF-8": [os.fsdecode(b"caf\xe9.wav")],
        "a second file of a clip": [f"sub/{NAME}.wav"],
        "no name of this corpus": ["03-01-05-01-01-01.wav", "notes.wav"],
        "the channel song (02)": ["03-02-05-01-01-01-01.wav"],
        "video with sound (modality 01)": ["01-01-05-01-01-01-01.wav"],
    }
    found = scan(RAVDESS, touch(tmp_path, f"{NAME}.wav", *(name for names in strays.values() for name in names)))
    assert {why: len(paths) for why, paths in found.strays.items()} == {why: len(n) for why, n in strays.items()}
    assert [(other.reason, other.files) for other in found.left_out()] == [(w, len(n)) for w, n in strays.items()]
    assert {other.reason: other.examples for other in found.left_out()}["a name that is not UTF-8"] == (
        "caf\\udce9.wav",
    )
    assert len(found.clips) + sum(other.files for other in found.left_out()) == len(list(audio_files(tmp_path)))


def test_on_request_an_unknown_code_is_left_out_and_told(tmp_path, touch):
    wrong = {
        "03-01-09-01-01-01-01.wav": "emotion code 09; expected 01 to 08",
        "03-01-05-01-03-01-01.wav": "statement code 03; expected 01 to 02",
        "03-01-05-01-01-01-25.wav": "actor code 25; expected 01 to 24",
    }
    found = scan(RAVDESS, touch(tmp_path, f"{NAME}.wav", *(f"x/{name}" for name in wrong)), skip_bad=True)
    assert len(found.clips) == 1
    assert sorted(found.refused) == sorted(f"x/{name}: unknown RAVDESS {what}" for name, what in wrong.items())
    assert [(other.reason, other.files) for other in found.left_out()] == [("an unknown code in the name", 3)]


def test_with_nothing_but_unknown_codes_the_first_is_told(tmp_path, touch):
    touch(tmp_path, "03-01-09-01-01-01-01.wav")
    with pytest.raises(CorpusError, match=r"no clip found .*unknown RAVDESS emotion code 09"):
        scan(RAVDESS, tmp_path, skip_bad=True)


def test_a_link_back_is_followed_once(tmp_path, touch):
    touch(tmp_path, f"Actor_01/{NAME}.wav")
    (tmp_path / "Actor_01/again").symlink_to(tmp_path)
    (tmp_path / "same").symlink_to(tmp_path / "Actor_01")
    assert len(list(audio_files(tmp_path))) == 1
    assert (scan(RAVDESS, tmp_path).copies, scan(RAVDESS, tmp_path).links) == ((), ())


def test_a_link_that_leads_out_is_told(tmp_path, touch):
    touch(tmp_path, f"elsewhere/{NAME}.wav", f"root/{NAME.replace('05', '06')}.wav", "secret.txt")
    (tmp_path / "root/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root/x.wav").symlink_to(tmp_path / "secret.txt")
    found = scan(RAVDESS, tmp_path / "root")
    assert found.links == (tmp_path / "root/link", tmp_path / "root/x.wav")
    assert "ravdess: 2 links lead out of the corpus' folder, e.g. link" in found.remarks()


def test_a_clip_in_another_speakers_folder_is_told(tmp_path, touch):
    names = [f"Actor_{a:02d}/03-01-{e:02d}-01-01-01-{a:02d}.wav" for a in (1, 2, 5) for e in (1, 2, 3)]
    astray = "Actor_02/03-01-04-01-01-01-05.wav"
    found = scan(RAVDESS, touch(tmp_path, *names, astray))
    assert [clip.path for clip in found.misplaced] == [tmp_path / astray]
    assert f"ravdess: 1 clips lie in another speaker's folder, e.g. {astray}; the speaker is taken from the name" in (
        found.remarks()
    )


def test_folders_that_are_not_named_after_speakers_say_nothing(tmp_path, touch):
    names = [f"part_{e:02d}/03-01-{e:02d}-01-01-01-{a:02d}.wav" for a in range(1, 9) for e in range(1, 9)]
    assert scan(RAVDESS, touch(tmp_path, *names)).misplaced == ()


@pytest.mark.parametrize(
    ("corpus", "name"),
    [
        ("nemo", "data.tsv"),
        ("esd", "0001/0001.txt"),
        ("meld", "train_sent_emo.csv"),
        ("shemo", "F01A01.ort"),
        ("iemocap", "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"),
        ("msp_podcast", "labels_consensus.csv"),
        ("baum1s", "Annotations_BAUM1s.csv"),
        ("crema_d", "VideoDemographics.csv"),
    ],
)
def test_a_table_that_is_a_pipe_is_not_opened(tmp_path, corpus, name, touch):
    touch(tmp_path, name)
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)  # opening it would wait for ever
    with pytest.raises(CorpusError, match=f"{re.escape(name)} is a device, pipe or socket, not a table; take it out"):
        scan(CORPORA[corpus], tmp_path)


def test_what_telephones_record_is_found_and_a_copy_that_can_be_read_goes_before_it(tmp_path, touch):
    names = ["a.aac", "b.AMR", "c.m4a", "d.oga", "e.opus", "f.webm", "g.wma", "h.3gp"]
    touch(tmp_path / "phone", *names)
    assert [path.name for path in audio_files(tmp_path / "phone")] == names
    touch(tmp_path / "both", f"{NAME}.m4a", f"{NAME}.wav")
    (tmp_path / "both" / f"{NAME}.m4a").write_bytes(b"larger")
    (clip,) = scan(RAVDESS, tmp_path / "both").clips
    assert clip.path.suffix == ".wav"
