"""Clips in every form, answered alike; what cannot be used is one line with its status."""

import base64
import io
import json

import numpy as np
import pytest
import soundfile

from .conftest import LABELS, wav


def post(client, data=None, kind="audio/wav", **options):
    return client.post("/v1/classify", content=data, headers={"content-type": kind}, **options)


def test_every_form_of_a_clip_gets_the_same_answer(client):
    data = wav(200)
    array = soundfile.read(io.BytesIO(data), dtype="float32")[0].tolist()
    answers = [
        client.post("/v1/classify", files={"file": ("a.wav", data)}),
        client.post("/v1/classify", json={"audio": base64.b64encode(data).decode()}),
        client.post("/v1/classify", json={"array": array, "sampling_rate": 16_000}),
        post(client, data),
        post(client, data, "application/octet-stream"),
    ]
    for answer in answers:
        assert answer.status_code == 200
        (result,) = answer.json()["results"]
        assert result["label"] == "low"
        assert result["confidence"] == max(result["scores"].values())
        assert set(result["scores"]) == set(LABELS)
        assert sum(result["scores"].values()) == pytest.approx(1, abs=1e-5)
        assert result["seconds"] == 1
        assert result["speech"] == pytest.approx(1, abs=0.05)
        assert result["scores"]["low"] == pytest.approx(answers[0].json()["results"][0]["scores"]["low"], abs=1e-4)


def test_many_files_are_answered_in_their_order_a_bad_one_by_its_error(client):
    files = [("f", (name, data)) for name, data in [("1.wav", wav(2000)), ("2.wav", b"no"), ("3.flac", wav(600))]]
    results = client.post("/v1/classify", files=files).json()["results"]
    assert [result["file"] for result in results] == ["1.wav", "2.wav", "3.flac"]
    assert [result.get("label") for result in results] == ["high", None, "middle"]
    assert results[1]["error"].startswith("2.wav is ")


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_formats_and_rates(client, form, rate):
    (result,) = post(client, wav(1500, rate=rate, form=form)).json()["results"]
    assert result["label"] == "high"


def test_without_speech_the_answer_is_unsure_and_says_why(client):
    (result,) = post(client, wav(1500, 0.1)).json()["results"]
    assert result["label"] == "unsure"
    assert "at least 0.3 s" in result["warning"]


def test_of_a_longer_clip_it_is_said_that_only_its_middle_was_heard(client):
    (result,) = post(client, wav(1500, 10)).json()["results"]
    assert result["warning"] == "10 s long, of which the middle 2 s were heard; /v1/segments hears all of it"


def test_below_min_confidence_the_answer_is_unsure(client_of):
    strict = client_of(min_confidence=1.0)
    data = io.BytesIO()
    tones = sum(np.sin(2 * np.pi * hertz * np.arange(16_000) / 16_000) for hertz in (200, 600)) / 4
    soundfile.write(data, tones, 16_000, format="WAV")
    (result,) = post(strict, data.getvalue()).json()["results"]
    assert result["label"] == "unsure"


REFUSED = [
    (b"", "audio/wav", 400),
    (b"nonsense", "audio/wav", 422),
    (wav()[:1000], "audio/wav", 422),
    (wav(), "text/plain", 415),
    (wav(), "", 415),
    (b"{", "application/json", 422),
    (b"[" * 100_000, "application/json", 422),
    (b'{"audio": "?"}', "application/json", 422),
    (b'{"array": [0.1]}', "application/json", 422),
    (b'{"array": [NaN], "sampling_rate": 16000}', "application/json", 422),
    (b'{"array": [1e999], "sampling_rate": 16000}', "application/json", 422),
    (b'{"array": [0.1], "sampling_rate": 1e999}', "application/json", 422),
    (b'{"array": [[0.1], 2], "sampling_rate": 16000}', "application/json", 422),
    (b'{"path": "/etc/passwd"}', "application/json", 422),
    (b"--x", "multipart/form-data", 400),
    (b"--x--\r\n", "multipart/form-data; boundary=x", 400),
    (b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x--\r\n", "multipart/form-data; boundary=x", 400),
    (wav(seconds=121, rate=2000), "audio/wav", 413),
    (bytes(40_000_000), "audio/wav", 413),
]


@pytest.mark.parametrize(("data", "kind", "status"), REFUSED)
def test_what_cannot_be_used_is_refused_with_one_line(client, data, kind, status):
    answer = post(client, data, kind)
    assert answer.status_code == status
    (line,) = answer.json().values()
    assert line
    assert "\n" not in line
    assert "Traceback" not in line
    assert post(client, wav()).json()["results"][0]["label"] == "low"


def test_a_body_that_hides_its_size_is_cut_off_at_the_limit(client):
    def blocks():
        for _ in range(40):
            yield bytes(1_000_000)

    assert post(client, blocks()).status_code == 413


def test_too_many_files_are_refused(client_of):
    few = client_of(max_files=2)
    answer = few.post("/v1/classify", files=[("f", (f"{i}.wav", wav())) for i in range(3)])
    assert answer.status_code == 400
    assert "2" in answer.json()["error"]


def test_a_hostile_file_name_stays_one_line(client):
    answer = client.post("/v1/classify", files={"f": ("a\r\nb\t" + "x" * 500 + ".wav", b"no")})
    assert answer.status_code == 422
    line = answer.json()["error"]
    assert line.isprintable()
    assert len(line) < 300


def test_the_key(client_of):
    closed = client_of(api_key="a-long-and-secret-key")
    assert closed.get("/health").status_code == 200
    for path in ("/v1/model", "/metrics", "/docs", "/openapi.json"):
        assert closed.get(path).status_code == 401
        assert closed.get(path, headers={"authorization": "Bearer a-long-and-secret-kez"}).status_code == 401
        assert closed.get(path, headers={"authorization": "Bearer a-long-and-secret-key"}).status_code == 200
    assert post(closed, wav()).headers["www-authenticate"] == "Bearer"


def test_the_page_asks_for_nothing_elsewhere(client):
    shown = client.get("/docs")
    assert "<script" not in shown.text
    assert "http-equiv" not in shown.text
    assert "src=" not in shown.text
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    paths = json.loads(client.get("/openapi.json").text)["paths"]
    assert {"/v1/classify", "/v1/segments", "/v1/model", "/health", "/metrics"} == set(paths)
    for path in paths:
        assert path in shown.text


def test_model_health_and_unknown_paths(client):
    assert client.get("/health").json() == {"status": "ok"}
    told = client.get("/v1/model").json()
    assert told["labels"] == list(LABELS)
    assert told["licence"] == "CC0-1.0"
    assert told["limits"]
    assert client.get("/none").status_code == 404
    assert client.get("/v1/classify").status_code == 405


def test_counts(client_of):
    client = client_of()
    post(client, wav(seconds=1.5))
    post(client, b"")
    text = client.get("/metrics").text
    assert 'ser_hf_requests_total{route="/v1/classify",status="200"} 1.0' in text
    assert 'ser_hf_requests_total{route="/v1/classify",status="400"} 1.0' in text
    assert "ser_hf_audio_seconds_total 1.5" in text
    assert "ser_hf_requests_in_flight 1.0" in text  # this one
