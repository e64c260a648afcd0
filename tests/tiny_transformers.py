"""Tiny random checkpoints of the six families, in the form in which the published ones lie on the Hub."""

from pathlib import Path
from typing import Any

import torch
from transformers import (
    ASTConfig,
    ASTFeatureExtractor,
    ASTForAudioClassification,
    Data2VecAudioConfig,
    Data2VecAudioModel,
    HubertConfig,
    HubertModel,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForPreTraining,
    WavLMConfig,
    WavLMModel,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)

_SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
_CONVOLUTIONS = {"conv_dim": (8, 8), "conv_kernel": (40, 16), "conv_stride": (20, 8)}
_SPEECH = {
    **_SMALL,
    **_CONVOLUTIONS,
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "classifier_proj_size": 12,
    "mask_time_length": 2,
    "vocab_size": 5,
}
_QUANTISER = {"num_codevectors_per_group": 4, "num_codevector_groups": 2, "codevector_dim": 8, "proj_codevector_dim": 8}
_WHISPER = {
    "d_model": 16,
    "encoder_layers": 2,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 24,
    "num_mel_bins": 16,
    "max_source_positions": 50,
    "max_target_positions": 8,
    "vocab_size": 20,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
    "classifier_proj_size": 12,
}
_AST = {**_SMALL, "max_length": 64, "num_mel_bins": 32, "frequency_stride": 16, "time_stride": 16, "num_labels": 7}

FAMILIES: dict[str, tuple[Any, Any, dict[str, Any], Any]] = {
    "wav2vec2": (
        Wav2Vec2Config,
        Wav2Vec2ForPreTraining,
        {**_SPEECH, **_QUANTISER},
        Wav2Vec2FeatureExtractor(return_attention_mask=False),
    ),
    "hubert": (HubertConfig, HubertModel, _SPEECH, Wav2Vec2FeatureExtractor()),
    "wavlm": (
        WavLMConfig,
        WavLMModel,
        {**_SPEECH, "feat_extract_norm": "layer"},
        Wav2Vec2FeatureExtractor(do_normalize=False, return_attention_mask=True),
    ),
    "data2vec-audio": (
        Data2VecAudioConfig,
        Data2VecAudioModel,
        {**_SPEECH, "conv_pos_kernel_size": 5, "num_conv_pos_embeddings": 2},
        Wav2Vec2FeatureExtractor(return_attention_mask=True),
    ),
    "whisper": (
        WhisperConfig,
        WhisperForConditionalGeneration,
        _WHISPER,
        WhisperFeatureExtractor(feature_size=16, chunk_length=1),
    ),
    "audio-spectrogram-transformer": (
        ASTConfig,
        ASTForAudioClassification,
        _AST,
        ASTFeatureExtractor(num_mel_bins=32, max_length=64),
    ),
}


def save(family: str, folder: Path, **settings: Any) -> Path:
    """Writes a checkpoint: configuration, safetensors and feature extractor; it knows of no emotions."""
    config_class, model_class, small, extractor = FAMILIES[family]
    torch.manual_seed(0)
    model_class(config_class(**{**small, **settings})).save_pretrained(folder)
    extractor.save_pretrained(folder)
    return folder
