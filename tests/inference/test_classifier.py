"""One checkpoint, three ways to ask it, one answer; and no FFmpeg."""

import json
import logging

import numpy as np
import pytest
import soundfile
import torch
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification, pipeline

import ser_hf.models  # registers the Auto classes  # noqa: F401
from ser_hf.audio import load, resample
from ser_hf.audio.speech import LEAST
from ser_hf.audio.voice import Voice, synthesise
from ser_hf.base.errors import AudioError, SerHfError
from ser_hf.cli import main
from ser_hf.inference import UNSURE, SerClassifier

RATE = 16_000


@pytest.fixture(scope="module")
def classifier(tiny_run) -> SerClassifier:
    return SerClassifier.from_pretrained(tiny_run.folder, device="cpu")


@pytest.fixture(scope="module")
def clips(tones_root) -> list:
    return sorted(tones_root.rglob("*.wav"))[:5]


def close(a: dict[str, float], b: dict[str, float]) -> bool:
    return a == pytest.approx(b, abs=1e-5)


def test_three_ways_give_the_same_scores_and_no_weight_is_made_up(tiny_run, clips, caplog, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")  # no ffmpeg program
    logger = logging.getLogger("transformers")
    logger.addHandler(caplog.handler)
    try:
        model = AutoModelForAudioClassification.from_pretrained(tiny_run.folder).eval()
        extractor = AutoFeatureExtractor.from_pretrained(tiny_run.folder)
        pipe = pipeline("audio-classification", model=str(tiny_run.folder), device="cpu")
        classifier = SerClassifier.from_pretrained(tiny_run.folder, device="cpu")
    finally:
        logger.removeHandler(caplog.handler)
    assert not [text for text in ("newly initialized", "MISSING", "UNEXPECTED") if text in caplog.text]
    assert type(model).__module__.startswith("ser_hf."), "the registered class, not the copy beside the weights"
    capsys.readouterr()
    assert main(["predict", str(tiny_run.folder), *map(str, clips), "--json", "--device", "cpu"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["file"] for line in lines] == [str(clip) for clip in clips]
    for clip, line, scores in zip(clips, lines, classifier(clips), strict=True):
        wave = load(clip, RATE)
        with torch.no_grad():
            logits = model(**extractor(wave, sampling_rate=RATE, return_tensors="pt")).logits
        by_hand = {model.config.id2label[i]: p for i, p in enumerate(logits.softmax(-1)[0].tolist())}
        piped = {row["label"]: row["score"] for row in pipe({"raw": wave, "sampling_rate": RATE}, top_k=None)}
        assert close(scores, by_hand)
        assert close(piped, by_hand)
        assert close(line["scores"], by_hand)
        assert len(by_hand) == 8
        assert sum(by_hand.values()) == pytest.approx(1, abs=1e-5)
        assert list(scores.values()) == sorted(scores.values(), reverse=True)


def test_a_tensor_that_is_missing_would_have_been_noticed(tiny_run, tmp_path, caplog):
    from safetensors.torch import load_file, save_file

    for name in ("config.json", "preprocessor_config.json"):
        (tmp_path / name).write_bytes((tiny_run.folder / name).read_bytes())
    weights = load_file(tiny_run.folder / "model.safetensors")
    del weights["classifier.weight"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    logging.getLogger("transformers").addHandler(caplog.handler)
    try:
        AutoModelForAudioClassification.from_pretrained(tmp_path)
    finally:
        logging.getLogger("transformers").removeHandler(caplog.handler)
    assert "MISSING" in caplog.text or "newly initialized" in caplog.text


def test_paths_bytes_and_arrays_are_the_same_clip(classifier, clips):
    path = clips[0]
    array = load(path, RATE)
    by_path, by_bytes = classifier([str(path), path.read_bytes()])
    (by_array,) = classifier([array], sampling_rate=RATE)
    assert close(by_path, by_bytes)
    assert close(by_path, by_array)


def test_neighbours_and_batch_size_change_nothing(classifier, clips):
    together = classifier(clips)
    for clip, scores, in_twos in zip(clips, together, classifier(clips, batch_size=2), strict=True):
        assert close(scores, classifier([clip])[0])
        assert close(scores, in_twos)
    assert classifier([]) == []


def test_files_at_other_rates_are_resampled(classifier, tmp_path):
    time = np.arange(48_000) / 48_000
    soundfile.write(tmp_path / "high.wav", 0.5 * np.sin(2 * np.pi * 440 * time), 48_000)
    soundfile.write(tmp_path / "low.flac", 0.5 * np.sin(2 * np.pi * 440 * time[::3]), 16_000)
    high, low = classifier([tmp_path / "high.wav", tmp_path / "low.flac"])
    assert high == pytest.approx(low, abs=0.02)


def test_another_rate_is_converted_and_without_one_a_clip_is_refused(classifier):
    time = np.arange(48_000) / 48_000
    tone = (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    high, low = classifier(tone, sampling_rate=48_000), classifier(resample(tone, 48_000, RATE), sampling_rate=RATE)
    assert high == pytest.approx(low, abs=1e-6)
    with pytest.raises(SerHfError, match="need their sampling_rate; this model works at 16000 Hz"):
        classifier([tone])
    with pytest.raises(ValueError, match=r"22050 Hz .*16000 Hz"):
        classifier.extractor(tone, sampling_rate=22_050)


def test_one_in_one_out_many_in_many_out_and_a_generator_lazily(classifier, clips):
    one = classifier(str(clips[0]))
    assert isinstance(one, dict)
    assert close(one, classifier([clips[0]])[0])
    assert close(one, classifier(clips[0].read_bytes()))
    with clips[0].open("rb") as file:
        assert close(one, classifier(file))
    assert close(one, classifier({"array": load(clips[0], RATE), "sampling_rate": RATE}))
    assert close(one, classifier(torch.from_numpy(load(clips[0], RATE)), sampling_rate=RATE))
    asked = []

    def stream():
        for clip in clips:
            asked.append(clip)
            yield clip

    answers = classifier(stream(), batch_size=2)
    assert not isinstance(answers, list)
    assert asked == []
    assert close(next(answers), one)
    assert len(asked) == 2
    assert len(list(answers)) == len(clips) - 1


QUIET = {"silence": np.zeros(RATE), "10 ms": np.full(160, 0.1), "one sample": np.ones(1), "noise": None}


@pytest.mark.parametrize("case", QUIET)
def test_what_holds_no_speech_has_no_class(classifier, case, caplog):
    samples = QUIET[case]
    if samples is None:
        samples = np.random.default_rng(0).standard_normal(2 * RATE) * 0.1
    heard = classifier.listen(samples, sampling_rate=RATE, speech="rule")
    assert heard.label == UNSURE
    assert heard.speech < LEAST
    assert "speech in" in heard.warning
    classifier([samples], sampling_rate=RATE, speech="rule")
    assert f"clip 0: {heard.warning}" in caplog.text
    assert classifier.listen(samples, sampling_rate=RATE, speech=None).label in classifier.labels


def test_a_class_that_is_not_probable_enough_is_not_said(classifier):
    voice = synthesise("angry", Voice.invent("ada", "female"), "kids are talking by the door")
    heard = classifier.listen(voice, sampling_rate=RATE, speech="rule")
    assert heard.label == next(iter(heard.classes))
    assert heard.warning is None
    above = (1 + heard.confidence) / 2
    assert classifier.listen(voice, sampling_rate=RATE, speech="rule", min_confidence=above).label == UNSURE
    with pytest.raises(SerHfError, match=r"min_confidence is 1\.2; expected a probability"):
        classifier.listen(voice, sampling_rate=RATE, min_confidence=1.2)


def test_the_command_says_that_it_is_not_sure(tiny_run, tmp_path, capsys):
    soundfile.write(tmp_path / "quiet.wav", np.zeros(RATE), RATE)
    assert main(["predict", str(tiny_run.folder), str(tmp_path / "quiet.wav"), "--device", "cpu"]) == 0
    assert "quiet.wav: unsure (no speech in 1.00 s; at least 0.3 s are needed); " in capsys.readouterr().out
    assert main(["predict", str(tiny_run.folder), str(tmp_path / "quiet.wav"), "--device", "cpu", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["label"], found["seconds"], found["speech"]) == (UNSURE, 1.0, 0.0)


def test_an_unreadable_file_is_named(classifier, tmp_path):
    (tmp_path / "text.wav").write_text("no audio")
    with pytest.raises(AudioError, match=r"text\.wav"):
        classifier([tmp_path / "text.wav"])
    with pytest.raises(AudioError, match=r"gone\.wav does not exist"):
        classifier([tmp_path / "gone.wav"])


def test_the_length_of_a_file_is_limited(tiny_run, classifier, clips, capsys):
    with pytest.raises(AudioError, match=r"the limit is 0\.1 s; cut it, or raise the limit by max_duration"):
        classifier(clips[:1], max_duration=0.1)
    assert main(["predict", str(tiny_run.folder), str(clips[0]), "--max_duration", "0.1", "--device", "cpu"]) == 2
    assert "the limit is 0.1 s" in capsys.readouterr().err
