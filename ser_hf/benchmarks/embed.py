"""From clips to vectors: an encoder's against a bare loop of transformers, and eGeMAPS against bare openSMILE."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from transformers import AutoFeatureExtractor, AutoModel, HubertConfig, HubertModel, Wav2Vec2FeatureExtractor

from ser_hf.audio import load
from ser_hf.base.errors import SerHfError, unknown
from ser_hf.base.optional import require
from ser_hf.baselines import FunctionalsExtractor
from ser_hf.embeddings import build_embeddings
from ser_hf.models.waveform import peak_normalise, trim_silence
from ser_hf.training import pairs

from ._agreement import agreement
from ._clips import RATE
from ._files import clip_files
from ._measure import Result, Row, Settings, Subject, measure, timed

ENCODER = "encoder: transformers, clip by clip"
EGEMAPS = "eGeMAPS: opensmile, clip by clip"
_TOLERANCE = 2e-3
"""Of a number of an encoder's layer, whose size is about 1: sums of thousands, added up in another order."""

Work = dict[str, Callable[[], np.ndarray]]


def bench_embed(settings: Settings) -> Result:
    """Measures the mean of every layer of an encoder over whole clips in memory, in float32; then openSMILE's eGeMAPS.

    The encoder is that of ``pretrained``, or a HuBERT with random weights. A bare loop hears one clip after another, as
    batches of clips of unlike lengths are not the same to an encoder that was trained without a mask.

    Raises:
        SerHfError: no such checkpoint, one that hears no waveform, or a setting is unknown.
    """
    notes, rows = [], list[Row]()
    with tempfile.TemporaryDirectory() as room:
        clips = [load(file, RATE) for file in clip_files(settings, Path(room))]
        place = _checkpoint(settings, Path(room, "encoder"))
        groups = {ENCODER: (_encoder(place, clips, settings.batch_size), _TOLERANCE)}
        try:
            groups[EGEMAPS] = _egemaps(clips), 0.0
        except SerHfError as error:
            notes.append(f"eGeMAPS: not measured, {error}")
        for reference, (work, tolerance) in groups.items():
            kind = reference.partition(":")[0]
            answers = {name: run() for name, run in work.items()}
            notes.append(f"{kind}, {agreement(answers, reference, tolerance)}")
            on_gpu = reference == ENCODER and torch.cuda.is_available()
            subjects = [Subject(name, len(clips), timed(run), on_gpu) for name, run in work.items()]
            rows += measure(subjects, reference, settings.repeats)
    mean = sum(map(len, clips)) / len(clips) / RATE
    title = f"embed: {len(clips)} clips of {mean:.1f} s to vectors, ours in batches of {settings.batch_size}"
    return Result("embed", title, ENCODER, rows, notes, settings)


def _checkpoint(settings: Settings, folder: Path) -> str:
    """The one named, or a HuBERT of the given size written to a folder."""
    given = pairs(settings.model_settings)
    if "pretrained" in given:
        return str(given["pretrained"])
    known = HubertConfig().to_dict()
    for key in given:
        if key not in known:
            raise SerHfError(unknown("setting of HuBERT", key, list(known)))
    torch.manual_seed(0)
    HubertModel(HubertConfig(**given)).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(sampling_rate=RATE).save_pretrained(folder)  # type: ignore[no-untyped-call]
    return str(folder)


def _encoder(place: str, clips: list[np.ndarray], together: int) -> Work:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    extractor = build_embeddings(place, pooling="mean", dtype="float32")
    stock = AutoModel.from_pretrained(place).to(device).float().eval()  # some are published in float16
    if stock.main_input_name != "input_values":
        raise SerHfError(
            f"{place} is a {type(stock).__name__}, which hears no waveform, as a bare loop would have it; expected a "
            "checkpoint of wav2vec 2.0, HuBERT or WavLM; of Whisper's encoder: ser-hf bench whisper"
        )
    prepare = AutoFeatureExtractor.from_pretrained(place)  # type: ignore[no-untyped-call]

    @torch.inference_mode()
    def bare() -> np.ndarray:
        found = []
        for clip in clips:
            inputs = prepare(clip, sampling_rate=RATE, return_tensors="pt").to(device)
            layers = stock(**inputs, output_hidden_states=True).hidden_states
            found.append(torch.stack(layers).mean(dim=2)[:, 0].cpu().numpy())
        return np.stack(found)

    def ours() -> np.ndarray:
        found = []
        for start in range(0, len(clips), together):
            some = clips[start : start + together]
            found.append(extractor(some, sampling_rate=RATE, device=device)["input_features"])
        return np.concatenate(found)

    return {ENCODER: bare, "encoder: ser_hf": ours}


def _egemaps(clips: list[np.ndarray]) -> Work:
    opensmile = require("opensmile", "opensmile")
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    extractor = FunctionalsExtractor("egemaps")

    def bare() -> np.ndarray:
        heard = [trim_silence(peak_normalise(clip)) for clip in clips]
        return np.stack([smile.process_signal(clip, RATE).to_numpy(np.float32)[0] for clip in heard])

    def ours() -> np.ndarray:
        found: np.ndarray = extractor(clips, sampling_rate=RATE)["input_features"][:, :, 0]
        return found

    return {EGEMAPS: bare, "eGeMAPS: ser_hf": ours}
