"""Spoilt uploads by the thousand: every one is answered, and a good clip is answered rightly afterwards."""

import asyncio
import base64
import collections
import json
import logging
import random
import signal

import httpx
import pytest

from ..mutations import mutated
from .conftest import wav

KINDS = ("multipart", "raw", "json", "segments")


async def _bombard(url, uploads):
    found = collections.Counter()
    waiting = asyncio.Semaphore(8)
    draw = random.Random(0)

    async with httpx.AsyncClient(timeout=120, base_url=url) as client:

        async def send(kind, name, data):
            async with waiting:
                if kind == "raw":
                    types = ["audio/wav", "audio/webm", "application/octet-stream", "image/png", "application/json"]
                    sent = {"content": data, "headers": {"content-type": draw.choice(types)}}
                elif kind == "json":
                    body = json.dumps({"audio": base64.b64encode(data).decode()}).encode()
                    at = draw.randrange(len(body))
                    body = body if draw.random() < 0.5 else body[:at] + draw.randbytes(3) + body[at:]
                    sent = {"content": body, "headers": {"content-type": "application/json"}}
                else:
                    sent = {"files": {"file": (name, data)}}
                path = "/v1/segments" if kind == "segments" else "/v1/classify"
                answer = await client.post(path, **sent)
                found[answer.status_code] += 1
                assert answer.status_code in (200, 400, 413, 415, 422, 503), answer.text
                if answer.status_code != 200:
                    line = answer.json()["error"]
                    assert line
                    assert "\n" not in line
                    assert "Traceback" not in answer.text

        works = [send(KINDS[i % 4], name, data) for i, (name, data) in enumerate(uploads)]
        await asyncio.gather(*works)
    return found


def _rightly(url):
    answer = httpx.post(f"{url}/v1/classify", files={"file": ("good.wav", wav(300, 1))}, timeout=60)
    return answer.json()["results"][0]["scores"]


@pytest.mark.parametrize("count", [60, pytest.param(2000, marks=pytest.mark.slow)])
def test_spoilt_uploads(process, root, count):
    server = process("--vad", "rule")
    before = _rightly(server.url)
    found = asyncio.run(_bombard(server.url, mutated(count, 1, root.parent / "shared" / "cases")))
    logging.getLogger(__name__).info("%s", dict(found))
    assert found.total() == count
    assert set(found) - {200, 503}
    assert server.process.poll() is None
    assert _rightly(server.url) == pytest.approx(before, abs=1e-5)
    code, complaints = server.end(signal.SIGINT)
    assert code == 0
    assert "Traceback" not in complaints, "Ctrl-C ends a server in order too"
