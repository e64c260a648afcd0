"""build -> load_dataset -> audit."""

import json
import shutil

import datasets
import numpy as np
import pytest
import soundfile

from ser_hf.cli import main
from ser_hf.reporting import load_build

SPLITS = ["train", "validation", "test"]


@pytest.fixture(scope="module")
def built(tones_root, tmp_path_factory):
    out = tmp_path_factory.mktemp("built") / "ser"
    words = ["build", "--corpora", "ravdess", "savee", "--data_root", str(tones_root)]
    assert main([*words, "--protocol", "speaker-independent", "--test_size", "0.25", "--output", str(out)]) == 0
    return out


def test_the_dataset_loads_without_a_script(built, tones_root):
    parts = {name: datasets.load_dataset(str(built), name) for name in ("ravdess", "savee", "combined")}
    assert {name: sum(map(len, part.values())) for name, part in parts.items()} == {
        "ravdess": 64,
        "savee": 56,
        "combined": 120,
    }
    facts = load_build(built)
    combined = parts["combined"]
    assert list(combined) == SPLITS
    assert {name: len(rows) for name, rows in combined.items()} == {
        name: split["clips"] for name, split in facts["splits"].items()
    }
    assert len(datasets.load_dataset(str(built))["test"]) == len(combined["test"]), "combined is the default"
    row = combined["test"][0]
    assert row["audio"]["bytes"] == next(tones_root.rglob(row["audio"]["path"])).read_bytes()
    assert combined["test"].features["label"].names == facts["classes"]
    speakers = {name: set(rows["speaker"]) for name, rows in combined.items()}
    assert not speakers["test"] & (speakers["train"] | speakers["validation"])


def test_what_build_prints(tones_root, tmp_path, capsys):
    out = tmp_path / "tess"
    words = ["--data_dirs", f"tess={tones_root / 'tess'}", "--scheme", "4class", "--output", str(out)]
    assert main(["build", "--corpora", "tess", *words, "--protocol", "random", "--test_size", "0.25"]) == 0
    shown = capsys.readouterr().out
    assert "| tess | disgust | disgust | dropped | - | 4 |" in shown
    assert "16 of 28 clips" in shown
    counts = dict(line.split()[:2] for line in shown.splitlines() if line.startswith(tuple(SPLITS)))
    assert sum(map(int, counts.values())) == 16
    assert f'datasets.load_dataset("{out}", NAME) with NAME one of "tess", "combined"' in shown
    assert load_build(out)["ledger"]["used"] == 16


def test_a_scheme_from_a_file(tones_root, tmp_path, capsys):
    (tmp_path / "two.yaml").write_text("{keep: [happy, sad], drop: others}")
    words = ["build", "--corpora", "tess", "--data_root", str(tones_root), "--protocol", "random", "--test_size", "0.3"]
    assert main([*words, "--scheme", str(tmp_path / "two.yaml"), "--output", str(tmp_path / "out")]) == 0
    assert "8 of 28 clips carry a label of the scheme two" in capsys.readouterr().out
    assert load_build(tmp_path / "out")["classes"] == ["happy", "sad"]
    (tmp_path / "two.yaml").write_text("{keep: [happy, sad]}")
    assert main([*words, "--scheme", str(tmp_path / "two.yaml"), "--output", str(tmp_path / "other")]) == 2
    assert "put it under keep, merge, rename or drop" in capsys.readouterr().err


def test_bad_clips_and_remarks(tones_root, tmp_path, capsys, caplog):
    data = shutil.copytree(tones_root / "tess", tmp_path / "tess")
    bad = sorted(data.rglob("*_sad.wav"))[:2]
    bad[0].write_bytes(b"")
    soundfile.write(bad[1], np.zeros(1000), 24_414)
    words = ["build", "--corpora", "tess", "--data_root", str(tmp_path), "--protocol", "random"]
    assert main([*words, "--output", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(
        "ser-hf build: 2 of 28 clips cannot be used; mend them, or leave out what is bad with --skip"
    )
    assert all(str(path) in error for path in bad)
    assert main([*words, "--output", str(tmp_path / "out"), "--skip_bad"]) == 0
    shown = capsys.readouterr().out
    assert "26 of 28 clips carry a label" in shown
    assert f"- unreadable: tess/{bad[0].stem} is empty" in shown
    assert f"- bad: tess/{bad[1].stem} is silent" in shown
    facts = load_build(tmp_path / "out")
    assert any("sampled at 16000 Hz, the release at 24414 Hz: 26 clips" in line for line in facts["remarks"])
    assert set(facts["remarks"]) <= set(caplog.messages)
    assert all(line.split(":")[0] in (tmp_path / "out/README.md").read_text() for line in facts["remarks"])


def test_a_dataset_is_replaced_on_request_only(built, tones_root, tmp_path, capsys):
    out = tmp_path / "copy"
    shutil.copytree(built, out)
    words = ["build", "--corpora", "tess", "--data_root", str(tones_root), "--protocol", "random"]
    assert main([*words, "--output", str(out)]) == 2
    assert "already holds a dataset; choose another --output, or replace it with --overwrite" in capsys.readouterr().err
    assert len(load_build(out)["corpora"]) == 2
    assert main([*words, "--output", str(out), "--overwrite"]) == 0
    assert [corpus["name"] for corpus in load_build(out)["corpora"]] == ["tess"]
    assert not (out / "data" / "ravdess").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["copy"], "temporary folders were left"


def test_a_folder_of_somebody_else_is_never_replaced(tones_root, tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("years of work")
    words = ["build", "--corpora", "tess", "--data_root", str(tones_root), "--protocol", "random", "--overwrite"]
    assert main([*words, "--output", str(tmp_path)]) == 2
    assert "exists and is not a dataset built by ser_hf" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").exists()


def test_an_audit_of_an_honest_dataset(built, capsys):
    assert main(["audit", str(built)]) == 0
    assert not [line for line in capsys.readouterr().out.splitlines() if line.startswith("error")]
    assert main(["audit", str(built), "--config", "ravdess", "--json", "--speaker_independent"]) == 0
    assert not [f for f in json.loads(capsys.readouterr().out) if f["level"] == "error"]


@pytest.fixture(scope="module")
def doctored(built, tmp_path_factory):
    """A dataset whose train speakers are in its test too, and whose clips are not."""
    parts = datasets.load_dataset(str(built), "ravdess")
    rows = parts["train"].train_test_split(test_size=0.3, seed=0)
    folder = tmp_path_factory.mktemp("doctored")
    for name, part in rows.items():
        part.to_parquet(folder / "data" / f"{name}-00000-of-00001.parquet")
    return folder


def test_shared_speakers_are_an_error_only_where_independence_is_claimed(doctored, capsys):
    assert main(["audit", str(doctored)]) == 0
    assert "warning speaker-overlap" in capsys.readouterr().out
    assert main(["audit", str(doctored), "--speaker_independent"]) == 1
    assert "error   speaker-overlap" in capsys.readouterr().out


def test_a_built_dataset_is_held_to_its_own_claim(built, doctored, tmp_path, capsys):
    folder = tmp_path / "claims"
    shutil.copytree(built, folder)
    shutil.rmtree(folder / "data" / "savee")
    for name in ("train", "test"):
        (path,) = (folder / "data" / "ravdess").glob(f"{name}-*.parquet")
        shutil.copy(doctored / "data" / f"{name}-00000-of-00001.parquet", path)
    assert main(["audit", str(folder)]) == 1
    found = capsys.readouterr().out
    assert "error   speaker-overlap" in found


def test_an_audit_needs_a_dataset(tmp_path, capsys):
    assert main(["audit", str(tmp_path / "gone")]) == 2
    assert "no dataset folder" in capsys.readouterr().err
    (tmp_path / "notes.txt").write_text("nothing here")
    assert main(["audit", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("ser-hf audit: ")
    assert "Traceback" not in error


def test_every_corpus_that_has_a_folder(tones_root, tmp_path, capsys):
    out = tmp_path / "all"
    words = ["build", "--corpora", "all", "--data_root", str(tones_root), "--protocol", "random"]
    assert main([*words, "--test_size", "0.25", "--output", str(out)]) == 0
    assert [corpus["name"] for corpus in load_build(out)["corpora"]] == ["ravdess", "savee", "tess"]


def test_the_same_dataset_by_its_manifest(built, tones_root, tmp_path, capsys):
    out = tmp_path / "again"
    words = ["build", "--manifest", str(built), "--data_root", str(tones_root), "--output", str(out)]
    assert main(words) == 0
    for split, rows in datasets.load_dataset(str(built), "combined").items():
        assert datasets.load_dataset(str(out), "combined")[split]["clip_id"][:] == rows["clip_id"][:]
    assert main([*words, "--overwrite", "--protocol", "random"]) == 2
    assert "leave out --corpora and --protocol" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "missing"), [(["--corpora", "tess"], "--protocol"), (["--protocol", "random"], "--corpora")]
)
def test_build_says_what_it_lacks(tmp_path, capsys, given, missing):
    assert main(["build", *given, "--output", str(tmp_path / "out")]) == 2
    assert f"{missing} is missing; give --corpora NAME ... and --protocol RULE, or --manifest DIR" in (
        capsys.readouterr().err
    )
