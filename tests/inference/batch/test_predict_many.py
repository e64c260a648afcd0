"""The table: one row for every recording, the same as by hand, whatever is wrong with some of them."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ser_hf.base.errors import SerHfError
from ser_hf.cli import main
from ser_hf.inference import open_model
from ser_hf.inference.batch import Options, predict_many, sources_of


@pytest.fixture
def many(tiny_onnx):
    """Predicts by the tiny model, in shards of seven."""

    def run(words, output, **given):
        options = Options(shard_size=7, vad="rule", **given.pop("options", {}))
        return predict_many(words, output, tiny_onnx, options=options, **{"workers": 1, **given})

    return run


@pytest.fixture(scope="module")
def by_hand(calls, tiny_onnx):
    files = [item.path for item in sources_of([calls]).items()]
    return dict(zip(files, open_model(tiny_onnx).listen(files, speech="rule"), strict=True))


def test_rows_are_what_the_model_says_of_each(many, calls, tmp_path, by_hand):
    summary = many([calls], tmp_path / "out.parquet")
    assert (summary.clips, summary.errors, summary.heard) == (60, 0, 60)
    table = pq.read_table(tmp_path / "out.parquet")
    rows = table.to_pylist()
    assert [row["path"] for row in rows] == [row["id"] for row in rows] == [*by_hand]
    for row in rows:
        heard = by_hand[row["path"]]
        assert row["label"] == heard.label
        assert row["confidence"] == pytest.approx(heard.confidence, abs=1e-5)
        assert {n[2:]: v for n, v in row.items() if n.startswith("p_")} == pytest.approx(heard.classes, abs=1e-5)
        assert row["seconds"] == pytest.approx(heard.seconds, abs=1e-6)
        assert row["speech"] == pytest.approx(heard.speech, abs=1e-6)
        assert row["error"] is row["start"] is row["end"] is None
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"], "nothing else is left"


def test_what_cannot_be_used_is_a_row(many, calls, tmp_path):
    (tmp_path / "in").mkdir()
    shutil.copy(calls / "0" / "clip00.wav", tmp_path / "in" / "a.wav")
    (tmp_path / "in" / "b.wav").write_text("no audio")
    summary = many([tmp_path / "in", "gone.wav"], tmp_path / "out.parquet")
    assert str(summary).endswith("; 2 of 3 could not be used, see column error")
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["error"] is None for row in rows] == [True, False, False]
    assert "is text, not audio" in rows[1]["error"]
    assert "gone.wav does not exist" in rows[2]["error"]
    assert {value for name, value in rows[1].items() if name not in ("id", "path", "error")} == {None}


def test_csv_and_json_lines_say_the_same(many, calls, tmp_path):
    words = [calls / "0", "gone.wav"]
    for name in ("out.csv", "out.jsonl", "out.parquet"):
        many(words, tmp_path / name)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        by_csv = [*csv.DictReader(file)]
    by_json = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    by_parquet = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [*by_csv[0]] == [*by_json[0]] == [*by_parquet[0]]
    for one, other, third in zip(by_csv, by_json, by_parquet, strict=True):
        assert one["id"] == other["id"] == third["id"]
        assert one["label"] == (other["label"] or "") == (third["label"] or "")
        if third["confidence"] is not None:
            assert float(one["confidence"]) == other["confidence"] == pytest.approx(third["confidence"], abs=1e-6)
        else:
            assert (one["confidence"], other["confidence"]) == ("", None)


def test_a_folder_gets_shards(many, calls, tmp_path):
    summary = many([calls], tmp_path / "scores")
    names = sorted(path.name for path in (tmp_path / "scores").glob("*.parquet"))
    assert names == [f"scores-{i:05d}.parquet" for i in range(9)]
    assert [pq.read_metadata(tmp_path / "scores" / name).num_rows for name in names] == [7] * 8 + [4]
    assert summary.clips == 60
    again = many([calls], tmp_path / "scores")
    assert (again.clips, again.heard) == (60, 0)
    with pytest.raises(SerHfError, match="was begun with of"):
        many([calls / "0"], tmp_path / "scores")
    assert many([calls / "0"], tmp_path / "scores", overwrite=True).clips == 20
    assert len([*(tmp_path / "scores").glob("*.parquet")]) == 3


def test_scores_do_not_depend_on_workers_and_the_file_is_the_same_to_the_byte(many, calls, tmp_path):
    data = []
    for workers in (0, 1, 3):
        many([calls], tmp_path / f"{workers}.parquet", workers=workers)
        data.append((tmp_path / f"{workers}.parquet").read_bytes())
    assert data[0] == data[1] == data[2]


def test_rows_of_a_table_are_all_heard_and_parts_apart(many, calls, tmp_path):
    table = tmp_path / "t.csv"
    name = calls / "0" / "clip03.wav"
    table.write_text(f"path,start,end\n{name},0,0.2\n{name},0.2,0.4\n{name},0,0.2\n{name},,\n", encoding="utf-8")
    many([table], tmp_path / "out.parquet")
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["seconds"] for row in rows] == pytest.approx([0.2, 0.2, 0.2, 0.5])
    assert [row["start"] for row in rows] == [None, 0.2, None, None] or [row["start"] for row in rows][1] == 0.2
    assert rows[0]["confidence"] == rows[2]["confidence"]


def test_parquet_in_and_out(many, calls, tmp_path, by_hand):
    files = sorted((calls / "0").iterdir())
    table = pa.table({"audio": [{"bytes": p.read_bytes(), "path": p.name} for p in files]})
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=5)
    many([tmp_path / "in.parquet"], tmp_path / "out.parquet")
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["path"] for row in rows] == [p.name for p in files]
    assert [row["label"] for row in rows] == [by_hand[str(p)].label for p in files]


def test_names_of_any_kind_are_written(many, tone, tmp_path):
    (tmp_path / "in").mkdir()
    names = ["zweite\nZeile.wav", "äöü, und.wav", "emoji😀.wav"]
    for name in names:
        tone(tmp_path / "in" / name, 200, 0.4)
    with open(os.fsencode(tmp_path / "in") + b"/latin-\xe4.wav", "wb") as file:
        file.write((tmp_path / "in" / names[0]).read_bytes())
    for name in ("out.parquet", "out.csv", "out.jsonl"):
        assert many([tmp_path / "in"], tmp_path / name).errors == 0
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        by_csv = [row["path"] for row in csv.DictReader(file)]
    by_json = [json.loads(line)["path"] for line in (tmp_path / "out.jsonl").open(encoding="utf-8")]
    assert by_csv == by_json == pq.read_table(tmp_path / "out.parquet")["path"].to_pylist()
    assert {str(tmp_path / "in" / name) for name in names} < set(by_csv)


def test_too_little_confidence_is_unsure(many, calls, tmp_path):
    many([calls / "0"], tmp_path / "out.parquet", options={"min_confidence": 1.0})
    assert set(pq.read_table(tmp_path / "out.parquet")["label"].to_pylist()) == {"unsure"}


def test_a_model_that_cannot_take_a_clip_says_it_in_its_row(calls, tiny_onnx, tmp_path, monkeypatch):
    from ser_hf.inference import OnnxClassifier

    plain = OnnxClassifier.score

    def score(self, waveforms):
        if any(len(w) == round(0.4 * 16_000) for w in waveforms):
            raise ValueError("this one\nis odd")
        if len(waveforms) > 4:
            raise RuntimeError("CUDA out of memory. Tried to allocate")
        return plain(self, waveforms)

    monkeypatch.setattr(OnnxClassifier, "score", score)
    summary = predict_many([calls], tmp_path / "out.parquet", tiny_onnx, workers=0)
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    odd = [row for row in rows if row["error"]]
    assert summary.errors == len(odd) == 12
    assert {row["error"].partition(": ")[2] for row in odd} == {"this one is odd"}


def test_the_command_says_one_line_and_counts_errors_in_its_code(calls, tiny_onnx, tmp_path, capsys):
    out = tmp_path / "out.csv"
    common = ["--output", str(out), "--workers", "0", "--vad", "rule"]
    assert main(["predict", str(tiny_onnx), str(calls / "0"), "gone.wav", *common, "--quiet", "--json"]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    summary = json.loads(told.out)
    assert (summary["output"], summary["clips"], summary["errors"]) == (str(out), 21, 1)
    assert main(["predict", str(tiny_onnx), "gone.wav", *common, "--quiet"]) == 2
    assert f"{out} is there already; --overwrite makes it anew" in capsys.readouterr().err
    assert main(["predict", str(tiny_onnx), "gone.wav", *common, "--overwrite"]) == 2
    told = capsys.readouterr()
    assert "1 of 1 could not be used, see column error" in told.out
    assert "clips/s" in told.err or "1/1" in told.err


def test_the_same_command_after_its_end_is_done_already(many, calls, tmp_path):
    many([calls / "0"], tmp_path / "out.parquet")
    before = (tmp_path / "out.parquet").stat()
    again = many([calls / "0"], tmp_path / "out.parquet")
    assert (again.clips, again.errors, again.heard) == (20, 0, 0)
    assert (tmp_path / "out.parquet").stat() == before
    with pytest.raises(SerHfError, match="is there already"):
        many([calls / "1"], tmp_path / "out.parquet")


@pytest.mark.parametrize(
    ("words", "output", "said"),
    [
        (["{calls}"], "out.txt", "expected a file ending in .parquet, .csv, .jsonl, or a folder"),
        (["{tmp}/empty.csv"], "out.csv", "no recording in"),
        (["gone/"], "out.csv", "no file, folder, pattern or table"),
    ],
)
def test_what_is_refused_leaves_nothing(many, calls, tmp_path, words, output, said):
    (tmp_path / "empty.csv").write_text("path\n")
    with pytest.raises(SerHfError, match=said):
        many([word.format(calls=calls, tmp=tmp_path) for word in words], tmp_path / output)
    assert [path.name for path in tmp_path.iterdir()] == ["empty.csv"]


def test_options_out_of_range(many, calls, tmp_path):
    for given, said in (({"workers": -1}, "--workers is -1"), ({"batch_size": 0}, "--batch_size is 0")):
        with pytest.raises(SerHfError, match=said):
            many([calls], tmp_path / "out.csv", **given)


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_embeddings_are_what_the_last_layer_takes(tiny_run, calls, tmp_path, suffix):
    import torch

    out = tmp_path / f"out.{suffix}"
    options = Options(embeddings=True, vad="rule")
    predict_many([calls], out, tiny_run.folder, device="cpu", workers=0, options=options)
    rows = pq.read_table(out).to_pylist() if suffix == "parquet" else [json.loads(line) for line in out.open()]
    layer = open_model(tiny_run.folder, "cpu").model.classifier
    vectors = torch.tensor([row["embedding"] for row in rows], dtype=torch.float32)
    with torch.no_grad():
        shares = layer(vectors).softmax(dim=-1)
    names = open_model(tiny_run.folder, "cpu").labels
    expected = np.array([[row[f"p_{name}"] for name in names] for row in rows])
    np.testing.assert_allclose(shares.numpy(), expected, atol=1e-4)


def test_embeddings_that_cannot_be_are_refused_in_one_line(tiny_onnx, calls, tmp_path):
    with pytest.raises(SerHfError, match=r"tiny\.onnx: an ONNX file gives scores alone, and no embeddings"):
        predict_many([calls], tmp_path / "a.parquet", tiny_onnx, options=Options(embeddings=True), workers=0)
    with pytest.raises(SerHfError, match=r"\.csv holds no embeddings"):
        predict_many([calls], tmp_path / "a.csv", tiny_onnx, options=Options(embeddings=True), workers=0)
    assert not [*tmp_path.iterdir()]


QUICK = """
import json, sys
from ser_hf.cli import main
code = main(sys.argv[1:])
heavy = {"torch", "transformers", "datasets", "pandas", "pyarrow", "scipy", "sklearn"} & set(sys.modules)
heavy -= {"pandas"} if "pyarrow" in heavy else set()  # Arrow takes it along
print()
print(json.dumps([code, sorted(heavy)]))
"""


@pytest.mark.parametrize(
    ("output", "expected"), [([], []), (["--output", "out.jsonl"], []), (["--output", "o.parquet"], ["pyarrow"])]
)
def test_an_onnx_file_needs_nothing_heavy(tiny_onnx, calls, tmp_path, root, output, expected):
    words = ["predict", str(tiny_onnx), str(calls / "0"), "--vad", "rule", "--workers", "1", *output]
    env = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", QUICK, *words], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [0, expected], done.stderr


def test_without_output_lines_are_printed_of_whatever_is_named(tiny_onnx, calls, tmp_path, capsys):
    table = tmp_path / "t.csv"
    table.write_text(f"path,start,end\n{calls}/0/clip03.wav,0.1,0.4\n", encoding="utf-8")
    assert main(["predict", str(tiny_onnx), str(calls / "0"), f"{calls}/1/*1.wav", str(table), "--vad", "rule"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 20 + len([*(calls / "1").glob("*1.wav")]) + 1
    assert lines[-1].startswith(f"{calls}/0/clip03.wav#t=0.1,0.4: ")


def test_an_interrupt_ends_it_and_it_goes_on(start, tiny_onnx, calls, tmp_path):
    words = [str(calls), "--output", str(tmp_path / "out.parquet"), "--vad", "rule"]  # Parquet: it may be done by then
    process = start(tiny_onnx, *words, "--workers", "1")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert main(["predict", str(tiny_onnx), *words]) == 0
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 60


def test_embeddings_of_transformers_and_of_the_encoder_of_a_probe(save_transformer, tmp_path):
    import torch

    from ser_hf.embeddings import build_embeddings
    from ser_hf.inference import SerClassifier
    from ser_hf.models import build_config, build_model
    from ser_hf.training.checkpoint import load_start

    noise = np.random.default_rng(0)
    clips = [noise.normal(0, 0.1, n).astype(np.float32) for n in (16_000, 8_000, 16_000, 12_000)]
    folder = save_transformer("whisper", tmp_path / "whisper")
    model, extractor, _ = load_start(folder)  # its head is random
    tuned = SerClassifier(model.eval(), extractor)
    scores, vectors = tuned.score_and_embed(clips)
    with torch.no_grad():
        shares = tuned.model.classifier(torch.from_numpy(vectors)).softmax(dim=-1).numpy()
    np.testing.assert_allclose(shares, scores.probabilities, atol=1e-5)
    np.testing.assert_allclose(scores.probabilities, tuned.score(clips).probabilities, atol=1e-6)
    extractor = build_embeddings(str(folder), layers=[0, 1], pooling="mean", dtype="float32")
    config = build_config("embedding_mlp", n_mels=2, num_labels=3, embedding_size=extractor.n_frames)
    probe = SerClassifier(build_model(config).eval(), extractor)
    scores, vectors = probe.score_and_embed(clips)
    assert vectors.shape == (4, 2 * extractor.n_frames)
    np.testing.assert_allclose(scores.probabilities, probe.score(clips).probabilities, atol=1e-6)
