"""Attention of a checkpoint over a clip, or a clear reason why there is none."""

import numpy as np
import pytest
import torch

from ser_hf.audio import load
from ser_hf.base.errors import SerHfError
from ser_hf.cli import main
from ser_hf.inference import SerClassifier, plot_attention
from ser_hf.inference.attention import attend
from ser_hf.models import SerFeatureExtractor, build_config, build_model
from ser_hf.models.log_mel import LogMelSettings


@pytest.fixture(scope="module")
def clip(tones_root):
    return next(tones_root.rglob("*.wav"))


def untrained(name, **settings) -> SerClassifier:
    torch.manual_seed(0)
    model = build_model(build_config(name, n_mels=32, num_labels=3, **settings)).eval()
    return SerClassifier(model, SerFeatureExtractor(n_mels=32, duration=0.5))


def test_weights_spectrogram_and_scores_are_those_of_the_model(tiny_run, clip):
    classifier = SerClassifier.from_pretrained(tiny_run.folder, device="cpu")
    found = attend(classifier, clip)
    inputs = classifier.extractor(load(clip, 16_000), sampling_rate=16_000, return_tensors="pt")
    with torch.no_grad():
        output = classifier.model(**inputs, output_attentions=True)
    np.testing.assert_allclose(found.weights, output.attentions[0][0], atol=1e-6)
    np.testing.assert_array_equal(found.spectrogram, inputs["input_features"][0])
    assert dict(found.scores) == pytest.approx(classifier([clip])[0], abs=1e-6)
    assert found.weights.sum() == pytest.approx(1, abs=1e-5)
    assert (found.clip, found.hop) == (clip.name, 256 / 16_000)
    assert found.edges[-1] == pytest.approx((found.spectrogram.shape[1] - 0.5) * found.hop)


def test_frequencies_are_where_the_filters_have_their_peaks(clip):
    settings = {"n_mels": 16, "n_fft": 4096, "f_min": 300.0, "f_max": 6000.0, "mel_scale": "htk"}
    model = build_model(build_config("cnn_blstm_attention", n_mels=16, num_labels=3)).eval()
    found = attend(SerClassifier(model, SerFeatureExtractor(duration=0.5, **settings)), clip)
    filters = np.asarray(LogMelSettings(sampling_rate=16_000, **settings).filters())
    peaks = filters.argmax(axis=1) * 16_000 / 4096
    np.testing.assert_allclose(found.frequencies, peaks, atol=16_000 / 4096)


def test_the_command_draws_and_still_tells_the_scores(tiny_run, clip, tmp_path, capsys):
    words = ["predict", "--device", "cpu", str(tiny_run.folder), str(clip)]
    assert main(words) == 0
    plain = capsys.readouterr().out
    assert main([*words, "--plot", str(tmp_path / "a.png")]) == 0
    assert capsys.readouterr().out == plain
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert main([*words, str(clip), "--plot", str(tmp_path / "b.png")]) == 2
    assert "--plot draws one clip, found 2; name one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "settings", "reason"),
    [
        ("timm_cnn", {"backbone": "test_resnet"}, "timm_cnn has no attention over time to draw"),
        ("cnn_blstm_attention", {"use_attention": False}, "pools without attention over time"),
    ],
)
def test_a_model_without_attention_is_refused(name, settings, reason, clip, tmp_path):
    with pytest.raises(SerHfError, match=reason):
        plot_attention(untrained(name, **settings), clip, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_cepstral_coefficients_have_no_frequencies(clip):
    torch.manual_seed(0)
    model = build_model(build_config("cnn_blstm_attention", n_mels=20, num_labels=3)).eval()
    extractor = SerFeatureExtractor(features="mfcc", normalisation="none", duration=0.5)
    assert attend(SerClassifier(model, extractor), clip).frequencies is None
