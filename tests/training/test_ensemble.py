"""Models that answer together, and what their configuration may say."""

import numpy as np
import pytest
import torch

from ser_hf.base.errors import CheckpointError
from ser_hf.models import SerFeatureExtractor, build_config, build_model
from ser_hf.training import EnsembleConfig, EnsembleExtractor, outputs, predict
from ser_hf.training.ensemble import Ensemble

SMALL = {"conv_channels": [4], "conv_pools": [[4, 4]], "lstm_size": 4}


def network(n_mels: int):
    torch.manual_seed(n_mels)
    return build_model(build_config("cnn_blstm_attention", n_mels=n_mels, num_labels=3, **SMALL)).eval()


def test_every_member_hears_its_own_features_and_the_mean_is_theirs():
    extractors = [SerFeatureExtractor(n_mels=8), SerFeatureExtractor(n_mels=12, duration=0.5)]
    members = [network(8), network(12)]
    ensemble = Ensemble(EnsembleConfig(members=["a", "b"], shares=[3, 1]), members)
    clip = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    heard = EnsembleExtractor(extractors)(clip, sampling_rate=16_000)
    assert {name: values.shape[1] for name, values in heard.items()} == {"1.input_features": 8, "2.input_features": 12}
    found = outputs(ensemble, [{name: values[0] for name, values in heard.items()}] * 2).probabilities
    parts = [
        outputs(model, [{"input_features": extractor(clip, sampling_rate=16_000)["input_features"][0]}]).probabilities
        for model, extractor in zip(members, extractors, strict=True)
    ]
    np.testing.assert_allclose(found, np.repeat(0.75 * parts[0] + 0.25 * parts[1], 2, axis=0), atol=1e-6)
    assert ensemble.num_parameters() == sum(model.num_parameters() for model in members)
    assert not ensemble.one_speaker_a_call


def test_a_clip_counts_the_same_whatever_the_batch(tones_root):
    from ser_hf.data import load_corpus
    from ser_hf.features import scoring_rows

    rows = load_corpus(["savee"], data_root=tones_root).dataset.select(range(5))
    extractor = EnsembleExtractor([SerFeatureExtractor(n_mels=8), SerFeatureExtractor(n_mels=12)])
    ensemble = Ensemble(EnsembleConfig(members=["a", "b"], shares=[1, 1]), [network(8), network(12)])
    whole, parts = (predict(ensemble, scoring_rows(rows, extractor), size).probabilities for size in (64, 2))
    assert whole.shape == (5, 3)
    np.testing.assert_allclose(parts, whole, atol=1e-6)


@pytest.mark.parametrize("shares", [[1], [1, 0], [1, -2], [1, float("inf")], [1, "2"], [1, float("nan")]])
def test_shares_are_one_positive_number_for_every_member(shares):
    with pytest.raises(ValueError, match="expected one positive number for each of 2 members"):
        EnsembleConfig(members=["a", "b"], shares=shares)


def test_members_hear_at_one_rate():
    with pytest.raises(CheckpointError, match="at one sampling rate, found 8000 and 16000 Hz"):
        EnsembleExtractor([SerFeatureExtractor(), SerFeatureExtractor(sampling_rate=8000, f_max=4000)])
