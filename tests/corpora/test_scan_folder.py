"""What a scan says of the folder beside its clips: litter counted, speakers that lack some."""

from dataclasses import replace

import pytest

from ser_hf.corpora import CORPORA, scan

RAVDESS = CORPORA["ravdess"]
UNCOUNTED = replace(RAVDESS, expected={})


def clips(actor: int, count: int) -> list[str]:
    return [f"Actor_{actor:02d}/03-01-{code:02d}-01-01-01-{actor:02d}.wav" for code in range(1, count + 1)]


def test_litter_is_counted_wherever_it_lies(tmp_path, touch):
    litter = [".DS_Store", "Actor_01/.DS_Store", "Actor_01/._03-01-01-01-01-01-01.wav", "._Actor_01"]
    litter += ["__MACOSX/Actor_01/03-01-01-01-01-01-01.wav", "__MACOSX/._x", "deep/__MACOSX/y/z.txt"]
    touch(tmp_path, *clips(1, 3), *litter, "README.txt", ".hidden.wav", ".git/config", "DS_Store.txt")
    found = scan(UNCOUNTED, tmp_path)
    assert (len(found.clips), found.litter) == (3, len(litter))
    assert found.remarks() == ["ravdess: 7 litter files (._*, .DS_Store, __MACOSX) were passed over"]


def test_a_folder_without_litter_says_nothing_of_it(tmp_path, touch):
    found = scan(UNCOUNTED, touch(tmp_path, *clips(1, 3)))
    assert (found.litter, found.remarks()) == (0, [])


def test_a_corpus_below_a_folder_called_like_litter_is_no_litter(tmp_path, touch):
    root = tmp_path / "__MACOSX" / "ravdess"
    assert scan(UNCOUNTED, touch(root, *clips(1, 3))).litter == 0


@pytest.mark.parametrize(
    ("counts", "line"),
    [
        ([8, 8, 8], None),
        ([8, 7, 8, 8, 5], "2 of 5 speakers have fewer clips than the usual 8: ravdess_02 7, ravdess_05 5"),
        ([4, 4, 4, 8], None),
        ([8, 7, 6, 5], None),
        ([8, 7], None),
        ([8], None),
        ([8] * 8 + [1] * 7, "7 of 15 speakers have fewer clips than the usual 8: " + ", ".join(
            f"ravdess_{actor:02d} 1" for actor in range(9, 14)) + " ..."),
    ],
    ids=str,
)  # fmt: skip
def test_speakers_who_lack_clips_are_named_where_most_have_the_same_number(tmp_path, counts, line, touch):
    touch(tmp_path, *(name for actor, count in enumerate(counts, start=1) for name in clips(actor, count)))
    assert scan(UNCOUNTED, tmp_path).remarks() == ([f"ravdess: {line}"] if line else [])


def test_a_complete_release_may_be_uneven(tmp_path, touch):
    touch(tmp_path, *clips(1, 8), *clips(2, 8), *clips(3, 7))
    expected = dict.fromkeys(RAVDESS.emotions, 3) | {"surprised": 2}
    assert scan(replace(RAVDESS, expected=expected), tmp_path).remarks() == []
    lines = scan(replace(RAVDESS, expected=expected | {"surprised": 3}), tmp_path).remarks()
    assert lines[0].startswith("ravdess: 23 clips found, 24 in the official release (surprised 2 of 3)")
    assert lines[1] == "ravdess: 1 of 3 speakers have fewer clips than the usual 8: ravdess_03 7"
