"""Long recordings, heard from beginning to end."""

import io
import json

import numpy as np
import pytest
import soundfile

from ser_hf.inference.segment_formats import FORMATS

from .conftest import wav


def long(*parts, rate=16_000):
    """Tones of these pitches and seconds, one after the other; a pitch of 0 is silence."""
    tones = [0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate) for hertz, seconds in parts]
    file = io.BytesIO()
    soundfile.write(file, np.concatenate(tones), rate, format="FLAC")
    return file.getvalue()


CALL = long((200, 8), (0, 4), (2000, 8))


def send(client, data, form="json"):
    return client.post(f"/v1/segments?format={form}", files={"file": ("call.flac", data)})


def test_segments_cover_the_recording_in_order(client):
    found = send(client, CALL).json()
    assert found["file"] == "call.flac"
    assert [part["label"] for part in found["segments"]] == ["low", "no speech", "high"]
    assert found["segments"][0]["start"] == 0
    assert found["segments"][-1]["end"] == 20
    for one, other in zip(found["segments"], found["segments"][1:], strict=False):
        assert one["end"] == other["start"]


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_of_the_command_line(client, form):
    answer = send(client, CALL, form)
    assert answer.status_code == 200
    assert "high" in answer.text
    assert ("WEBVTT" in answer.text) == (form == "vtt")
    if form == "json":
        assert json.loads(answer.text)["verdict"]


def test_raw_bytes_do_as_well(client):
    answer = client.post("/v1/segments", content=CALL, headers={"content-type": "audio/flac"})
    assert answer.json()["seconds"] == 20


@pytest.mark.parametrize(
    ("data", "form", "status"),
    [(b"no", "json", 422), (b"", "json", 400), (CALL, "mp3", 400), (CALL[:2000], "json", 422)],
)
def test_what_cannot_be_used_is_refused(client, data, form, status):
    answer = send(client, data, form)
    assert answer.status_code == status
    assert "\n" not in answer.json()["error"]
    assert "/tmp" not in answer.json()["error"]


def test_limits_of_their_own(client_of):
    small = client_of(max_long_seconds=10, max_long_megabytes=0.1)
    assert send(small, CALL).status_code == 413
    assert send(small, wav(seconds=8)).status_code == 413
    assert send(small, long((200, 8))).status_code == 200


def test_json_is_not_taken(client):
    assert client.post("/v1/segments", json={"audio": ""}).status_code == 415
