"""The families of transformers that can be fine-tuned, and what each calls its parts."""

from __future__ import annotations

from dataclasses import dataclass, replace

TRANSFORMER = "transformer"
"""What a recipe calls the model; which one it is says the setting ``pretrained``."""


@dataclass(frozen=True)
class Family:
    """A family of models under one ``model_type`` of transformers.

    Attributes:
        title: as people call it.
        encoder: attribute of the classification model that holds all that was pretrained.
        stem: modules of the encoder under its transformer layers, the "feature encoder".
        adapted: names of the linear layers that LoRA adapts.
        layer_drop: setting by which training drops whole layers; None where transformers has no weighted sum of them.
        reference: the paper.
        fixed: modules of the encoder that are never trained; loading forgets it.
    """

    title: str
    encoder: str
    stem: tuple[str, ...]
    adapted: tuple[str, ...]
    layer_drop: str | None
    reference: str
    fixed: tuple[str, ...] = ()


_QUERY_AND_VALUE = ("q_proj", "v_proj")
"""What Hu et al. (2022), LoRA, arXiv 2106.09685, found best to adapt at a given number of parameters."""

FAMILIES: dict[str, Family] = {
    "wav2vec2": Family(
        "wav2vec 2.0",
        "wav2vec2",
        ("feature_extractor",),
        _QUERY_AND_VALUE,
        layer_drop="layerdrop",
        reference="Baevski et al. (2020), arXiv 2006.11477",
    ),
    "hubert": Family(
        "HuBERT",
        "hubert",
        ("feature_extractor",),
        _QUERY_AND_VALUE,
        layer_drop="layerdrop",
        reference="Hsu et al. (2021), doi 10.1109/TASLP.2021.3122291",
    ),
    "wavlm": Family(
        "WavLM",
        "wavlm",
        ("feature_extractor",),
        # its attention reads the weights of the projections without calling them, past any adapter
        ("intermediate_dense", "output_dense"),
        layer_drop="layerdrop",
        reference="Chen et al. (2022), doi 10.1109/JSTSP.2022.3188113",
    ),
    "data2vec-audio": Family(
        "data2vec (audio)",
        "data2vec_audio",
        ("feature_extractor",),
        _QUERY_AND_VALUE,
        layer_drop="layerdrop",
        reference="Baevski et al. (2022), arXiv 2202.03555",
    ),
    "whisper": Family(
        "Whisper encoder",
        "encoder",
        ("conv1", "conv2"),
        _QUERY_AND_VALUE,
        layer_drop="encoder_layerdrop",
        reference="Radford et al. (2023), arXiv 2212.04356",
        fixed=("embed_positions",),  # sinusoids
    ),
    "audio-spectrogram-transformer": Family(
        "AST",
        "audio_spectrogram_transformer",
        ("embeddings.patch_embeddings",),
        (*_QUERY_AND_VALUE, "query", "value"),  # two versions of transformers, two names
        layer_drop=None,
        reference="Gong et al. (2021), doi 10.21437/Interspeech.2021-698",
    ),
}
FAMILIES["whisper_ser"] = replace(FAMILIES["whisper"], title="Whisper encoder over true lengths")
"""``model_type`` -> family."""
