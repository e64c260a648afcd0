"""Spoilt files by the thousand: the page stays up, says one line of each, and hears a good clip rightly afterwards."""

import collections
import json
import logging
import re

import httpx
import numpy as np
import pytest
import soundfile

from ..mutations import mutated
from .test_page import end, free_port, start


def listen(client, name, data):
    """The HTML of the answer, by the routes that the page itself uses; a status where the upload was refused."""
    sent = client.post("/gradio_api/upload", files={"files": (name or "a.wav", data)})
    if sent.status_code != 200:
        return sent.status_code
    file = {"path": sent.json()[0], "orig_name": name, "meta": {"_type": "gradio.FileData"}}
    begun = client.post("/gradio_api/call/classify", json={"data": [file]})
    assert begun.status_code == 200, begun.text
    told = client.get(f"/gradio_api/call/classify/{begun.json()['event_id']}").text
    (line,) = re.findall(r"event: complete\s+data: (.*)", told) or [told]
    assert "Traceback" not in line
    return json.loads(line)[0] if line.startswith("[") else f"no answer: {line[:200]}"


@pytest.mark.parametrize("count", [30, pytest.param(2000, marks=pytest.mark.slow)])
def test_spoilt_files(root, tmp_path, count):
    words = ["-m", "ser_hf.cli", "demo", "--vad", "rule", "--port", str(free_port())]
    process, url = start(words, root, [root])
    soundfile.write(tmp_path / "good.wav", 0.5 * np.sin(np.arange(16_000) / 10), 16_000)
    good = (tmp_path / "good.wav").read_bytes()
    found = collections.Counter()
    with httpx.Client(base_url=url, timeout=120) as client:
        before = listen(client, "good.wav", good)
        assert "ser-label" in before
        for name, data in mutated(count, 2, root.parent / "shared" / "cases"):
            told = listen(client, name, data)
            kind = "answer" if "ser-label" in str(told) else "line" if "ser-error" in str(told) else str(told)
            found[kind] += 1
        logging.getLogger(__name__).info("%s", dict(found))
        assert process.poll() is None
        assert set(found) <= {"answer", "line"}
        assert found["line"] > count / 2
        assert listen(client, "good.wav", good) == before
    end(process)
