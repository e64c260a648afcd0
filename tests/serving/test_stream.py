"""Live sound over a WebSocket."""

import numpy as np
import pytest

from ser_hf.base.errors import AudioError
from ser_hf.serving.hops import Hops


def tone(hertz, seconds, rate=16_000):
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def pcm(samples):
    return (samples * 32767).astype("<i2").tobytes()


def everything(websocket):
    """What is received until the end."""
    from starlette.websockets import WebSocketDisconnect

    found = []
    while True:
        try:
            found.append(websocket.receive_json())
        except WebSocketDisconnect as end:
            return found, end


@pytest.mark.parametrize("size", [2, 777, 32_000, 200_000])
def test_an_answer_for_every_hop_whatever_the_blocks(client, size):
    data = pcm(np.concatenate([tone(200, 3), tone(2000, 3)]))[: 4000 if size == 2 else None]
    with client.websocket_connect("/v1/stream") as websocket:
        websocket.send_json({"sampling_rate": 16_000, "hop": 0.5})
        for at in range(0, len(data), size):
            websocket.send_bytes(data[at : at + size])
        websocket.send_json({"end": True})
        found, end = everything(websocket)
    assert end.code == 1000
    assert found[-1]["end"] == pytest.approx(len(data) / 32_000, abs=0.01)
    if size > 2:
        assert [answer["end"] for answer in found] == pytest.approx(np.arange(1, 13) / 2, abs=0.01)
        assert [answer["start"] for answer in found] == pytest.approx(np.maximum(0, np.arange(1, 13) / 2 - 2), abs=0.01)
        assert [found[i]["label"] for i in (3, 11)] == ["low", "high"]


def test_floats_at_another_rate(client):
    with client.websocket_connect("/v1/stream") as websocket:
        websocket.send_json({"sampling_rate": 44_100, "format": "f32le", "hop": 1})
        websocket.send_bytes(tone(1500, 2.5, 44_100).tobytes())
        websocket.send_json({"end": True})
        found, _ = everything(websocket)
    assert [answer["label"] for answer in found] == ["high"] * 3


@pytest.mark.parametrize(
    "messages",
    [
        ["nonsense"],
        [b"bytes first"],
        ['{"sampling_rate": 1}'],
        ['{"sampling_rate": true}'],
        ['{"sampling_rate": 16000, "hop": 1e999}'],
        ['{"sampling_rate": 16000, "hop": 0}'],
        ['{"sampling_rate": 16000, "format": "mp3"}'],
        ['{"sampling_rate": 16000, "format": "f32le"}', np.full(99, np.nan, np.float32).tobytes()],
        ['{"sampling_rate": 16000, "format": "f32le"}', np.full(99, 1e30, np.float32).tobytes()],
        ['{"sampling_rate": 16000}', "what?"],
        ["[" * 900],
    ],
)
def test_what_is_no_sound_is_refused_with_one_line(client, messages):
    with client.websocket_connect("/v1/stream") as websocket:
        for message in messages:
            websocket.send_bytes(message) if isinstance(message, bytes) else websocket.send_text(message)
        (found,), end = everything(websocket)
    assert end.code == 1003
    assert "\n" not in found["error"]


def test_no_more_streams_than_allowed(client_of):
    client = client_of(max_streams=1)
    with client.websocket_connect("/v1/stream") as first:
        first.send_json({"sampling_rate": 16_000})
        with client.websocket_connect("/v1/stream") as second:
            (found,), end = everything(second)
        assert end.code == 1013
        assert "come again" in found["error"]
    with client.websocket_connect("/v1/stream") as third:
        third.send_json({"sampling_rate": 16_000, "hop": 0.1})
        third.send_bytes(pcm(tone(200, 0.2)))
        assert "scores" in third.receive_json()


def test_a_page_of_another_site_opens_no_stream(client):
    from starlette.websockets import WebSocketDisconnect

    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/v1/stream", headers={"origin": "https://elsewhere.example"}),
    ):
        pass
    with client.websocket_connect("/v1/stream", headers={"origin": "http://testserver"}):
        pass


def test_windows_end_at_multiples_of_the_hop_and_hold_the_sound_before():
    sound = np.arange(16_000 * 5, dtype=np.float32) / 80_000
    for size in (1_000, 8_000, 80_000):
        hops = Hops(16_000, 16_000, 2.0, 0.75, "f32le")
        data = sound.tobytes()
        found = [w for at in range(0, len(data), 4 * size) for w in hops.push(data[at : at + 4 * size])]
        found += hops.push(b"", last=True)
        assert [w.end for w in found] == [0.75, 1.5, 2.25, 3.0, 3.75, 4.5, 5.0]
        for window in found:
            np.testing.assert_allclose(
                window.samples, sound[round(window.start * 16_000) : round(window.end * 16_000)], atol=1e-6
            )


def test_a_stream_holds_no_more_than_its_window():
    hops = Hops(16_000, 16_000, 2.0, 0.5)
    for _ in range(50):
        for _ in hops.push(bytes(64_000)):
            pass
        assert hops._held.base is None or hops._held.base.nbytes < 1_000_000


def test_a_format_nobody_knows():
    with pytest.raises(AudioError, match="s16le"):
        Hops(16_000, 16_000, 2, 1, "u8")
