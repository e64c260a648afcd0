"""Where in a recording a model looked."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel

from ser_hf.audio import LONGEST, load
from ser_hf.base.errors import SerHfError
from ser_hf.models import SerFeatureExtractor
from ser_hf.models.mel_scale import hz_to_mel, mel_to_hz
from ser_hf.reporting.attention import Attended, write_attention

from .classifier import SerClassifier
from .listener import Listener


def plot_attention(
    classifier: Listener, clip: str | Path, file: str | Path, max_duration: float = LONGEST
) -> dict[str, float]:
    """Draws the attention weights of a model over the spectrogram of a clip.

    Args:
        classifier: of a model that pools over time by attention.
        clip: an audio file.
        file: PNG.
        max_duration: seconds; a clip that is longer is refused.

    Returns:
        Class name -> probability, the most probable first.

    Raises:
        AudioError: the clip is not readable.
        SerHfError: the model has no attention over time, or its features are no spectrogram.
    """
    attended = attend(classifier, clip, max_duration)
    write_attention(attended, file)
    return dict(attended.scores)


@torch.inference_mode()
def attend(classifier: Listener, clip: str | Path, max_duration: float = LONGEST) -> Attended:
    """A clip with the attention weights and the probabilities a model gives it; see `plot_attention`."""
    if not isinstance(classifier, SerClassifier):
        raise SerHfError("an ONNX file gives no attention weights; take the run folder it was exported from")
    model, extractor = classifier.model, classifier.extractor
    kind = model.config.model_type
    if not isinstance(model, PreTrainedModel) or "output_attentions" not in inspect.signature(model.forward).parameters:
        raise SerHfError(f"{kind} has no attention over time to draw; cnn_blstm_attention has")
    if not isinstance(extractor, SerFeatureExtractor):
        raise SerHfError(f"{kind} reads {type(extractor).__name__}'s features, not a spectrogram to draw")
    rate = extractor.sampling_rate
    inputs = extractor(load(clip, rate, max_duration=max_duration), sampling_rate=rate, return_tensors="pt").to(
        model.device
    )
    output = model(**inputs, output_attentions=True)
    if not output.attentions or output.attentions[-1].ndim != 2:
        raise SerHfError(f"this {kind} pools without attention over time; train one with use_attention true")
    return Attended(
        clip=Path(clip).name,
        model=kind,
        spectrogram=inputs["input_features"][0].float().cpu().numpy(),
        hop=extractor.hop_length / rate,
        frequencies=_frequencies(extractor),
        weights=output.attentions[-1][0].float().cpu().numpy(),
        scores=classifier.named(output.logits.softmax(dim=-1)[0].float().cpu().numpy()),
    )


def _frequencies(extractor: SerFeatureExtractor) -> list[float] | None:
    """Hz of the middle of every mel band; None where the features are no log-mel spectrogram."""
    if extractor.features != "log_mel":
        return None
    scale, highest = extractor.mel_scale, extractor.f_max or extractor.sampling_rate / 2
    low, high = hz_to_mel([extractor.f_min, highest], scale)
    middles: list[float] = mel_to_hz(np.linspace(low, high, extractor.n_mels + 2)[1:-1], scale).tolist()
    return middles
