"""Answers do not depend on how the work is dealt out: order, batches, neighbours, threads."""

import numpy as np
import pytest
import torch

from ser_hf.audio import load
from ser_hf.features import FeatureRows, add_features
from ser_hf.inference import SerClassifier
from ser_hf.models import SerFeatureExtractor
from ser_hf.training import load_checkpoint, predict

WITHIN = 1e-6
"""Absolute, on probabilities; features may differ by 1e-5 dB, of 80, on a CPU."""


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    """33 clips of other lengths and levels, one of silence and one of a single sample."""
    rng = np.random.default_rng(3)
    made = [10.0 ** -(i % 4) * rng.normal(size=600 + 397 * i) for i in range(31)]
    return [samples.astype(np.float32) for samples in (*made, np.zeros(4000), np.ones(1))]


@pytest.fixture
def threads():
    """A function that sets PyTorch's threads; they are put back."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def classifier(tiny_run) -> SerClassifier:
    return SerClassifier.from_pretrained(tiny_run.folder, "cpu")


def in_batches(score, clips, order, size) -> np.ndarray:
    found = np.concatenate(
        [score([clips[i] for i in order[start : start + size]]) for start in range(0, len(order), size)]
    )
    return found[np.argsort(order)]


@pytest.mark.parametrize("normalisation", ["scaled", "clip"])
def test_features_by_batch_order_and_threads(clips, threads, normalisation):
    extractor = SerFeatureExtractor(duration=0.5, n_mels=64, normalisation=normalisation)

    def score(some):
        return extractor(some, sampling_rate=16_000)["input_features"]

    scale = 40.0 if normalisation == "scaled" else 1.0
    alone = in_batches(score, clips, np.arange(len(clips)), 1)
    for count in (1, 2):
        threads(count)
        for size in (7, 32):
            order = np.random.default_rng(size).permutation(len(clips))
            assert scale * np.abs(in_batches(score, clips, order, size) - alone).max() <= 1e-5


def test_probabilities_and_embeddings_by_batch_order_and_threads(classifier, clips, threads):
    order = np.arange(len(clips))
    alone = in_batches(lambda some: classifier.score(some).probabilities, clips, order, 1)
    vectors = in_batches(lambda some: classifier.score_and_embed(some)[1], clips, order, 1)
    for count, size in ((2, 7), (1, 32)):
        threads(count)
        order = np.random.default_rng(size).permutation(len(clips))
        found = in_batches(lambda some: classifier.score(some).probabilities, clips, order, size)
        assert np.abs(found - alone).max() <= WITHIN
        found = in_batches(lambda some: classifier.score_and_embed(some)[1], clips, order, size)
        assert np.abs(found - vectors).max() <= WITHIN * max(1.0, np.abs(vectors).max())


@pytest.mark.parametrize("family", ["whisper_ser", "wav2vec2", pytest.param("wavlm", marks=pytest.mark.slow)])
def test_transformers_by_batch_and_order(family, save_transformer, clips, tmp_path):
    from ser_hf.finetuning import TransformerSettings, load_extractor, load_transformer

    source = str(save_transformer(family, tmp_path))
    model, extractor = load_transformer(TransformerSettings(source), {0: "a", 1: "b", 2: "c"}), load_extractor(source)
    heard = [samples for samples in clips if len(samples) > 1000]
    classifier = SerClassifier(model.eval(), extractor)

    def score(some):
        return classifier.score(some).probabilities

    alone = in_batches(score, heard, np.arange(len(heard)), 1)
    for size in (7, 32):
        order = np.random.default_rng(size).permutation(len(heard))
        assert np.abs(in_batches(score, heard, order, size) - alone).max() <= WITHIN


def test_predictions_of_rows_by_workers_and_batches(tiny_run, harmonised):
    model, extractor = load_checkpoint(tiny_run.folder, "cpu")
    recordings = harmonised.dataset.select(range(40))
    found = []
    for workers, size in ((None, 1), (2, 7), (None, 32)):
        rows = add_features(recordings.shuffle(seed=size), extractor, num_proc=workers, batch_size=size)
        shares = predict(model, FeatureRows(rows, training=False), batch_size=size).probabilities
        found.append(shares[np.argsort(rows["clip_id"][:])])
    assert np.abs(found[1] - found[0]).max() <= WITHIN
    assert np.abs(found[2] - found[0]).max() <= WITHIN


@pytest.mark.slow
def test_tables_of_predict_by_workers_and_batches(tiny_run, tones_root, tmp_path):
    import pyarrow.parquet as pq

    from ser_hf.inference.batch import predict_many

    tables = []
    for workers, size in ((0, 1), (2, 7), (1, 32)):
        out = tmp_path / f"{workers}.parquet"
        source = [str(tones_root / "savee")]
        predict_many(
            source, str(out), str(tiny_run.folder), device="cpu", workers=workers, batch_size=size, shown=False
        )
        table = pq.read_table(out)
        names = [n for n in table.column_names if str(table.schema.field(n).type) in ("float", "double")]
        tables.append(np.array([table[name].to_numpy() for name in names]))
    assert tables[0].shape[1] == 56
    for other in tables[1:]:
        assert np.nanmax(np.abs(other - tables[0])) <= WITHIN


@pytest.mark.real
@pytest.mark.slow
def test_the_model_of_the_package_on_real_clips(shared_data, threads):
    files = sorted(file for file in (shared_data / "ravdess").rglob("03-01-*") if file.is_file())[::24]
    clips = [load(str(file), 16_000) for file in files]
    model = SerClassifier.default("cpu")
    alone = in_batches(lambda some: model.score(some).probabilities, clips, np.arange(len(clips)), 1)
    for count in (1, 2):
        threads(count)
        for size in (7, 32):
            order = np.random.default_rng(size).permutation(len(clips))
            found = in_batches(lambda some: model.score(some).probabilities, clips, order, size)
            assert np.abs(found - alone).max() <= WITHIN
