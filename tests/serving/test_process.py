"""A real server as a process: load, clients that dawdle or leave, and its end."""

import asyncio
import http.client
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from ser_hf.cli import main

from .conftest import wav

SLOW = """
import sys, time
import numpy as np
sys.path.insert(0, {tests!r})
from tests.serving.conftest import Pitch, facts
from ser_hf.serving import running, Settings
class Slow(Pitch):
    def score(self, waveforms):
        time.sleep({seconds} if max(map(len, waveforms)) != 16_000 else 0)
        return super().score(waveforms)
running.open_model = lambda *_: Slow()
running.model_facts = lambda _, model: facts(model)
running.serve("x", Settings({settings}), port=0, tell=lambda line: print(line, flush=True))
"""


@pytest.fixture
def slow(root):
    """A function that starts a server whose model takes some seconds for clips that are not one second long."""
    started = []

    def start(seconds=0.0, settings="vad='rule', workers=1"):
        code = SLOW.format(tests=str(root), seconds=seconds, settings=settings)
        command = [sys.executable, "-c", code]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root)
        started.append(process)
        process.url = process.stdout.readline().split()[0]
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def classify(url, data, **options):
    return httpx.post(f"{url}/v1/classify", content=data, headers={"content-type": "audio/wav"}, **options)


def counts(url):
    return {
        line.split()[0]: float(line.split()[1])
        for line in httpx.get(f"{url}/metrics").text.splitlines()
        if not line.startswith("#")
    }


def test_the_command_serves_a_run_and_ends_in_order(process, tiny_run):
    server = process(str(tiny_run.folder), "--workers", "1", "--vad", "rule", "--threads", "1")
    answer = classify(server.url, wav(300, 1), timeout=60)
    assert answer.status_code == 200
    assert answer.json()["results"][0]["scores"]
    told = httpx.get(f"{server.url}/v1/model").json()
    assert told["name"] == tiny_run.folder.name
    assert told["score"]["clips"] > 0
    assert told["licence"]
    code, complaints = server.end()
    assert code == 0
    assert "Traceback" not in complaints


def test_at_the_end_what_is_under_way_is_answered(slow):
    server = slow(1.0)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(classify(server.url, wav(300, 2), timeout=30))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.6)
    server.terminate()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in found] == [200] * 3
    assert server.wait(timeout=30) == 0
    assert "Traceback" not in server.stderr.read()


def test_beyond_what_may_wait_the_answer_is_503_with_a_time(slow):
    server = slow(0.5, "vad='rule', workers=2, max_waiting=2, max_batch=1")

    async def many():
        async with httpx.AsyncClient(timeout=60) as client:
            headers = {"content-type": "audio/wav"}
            posts = [client.post(f"{server.url}/v1/classify", content=wav(300, 2), headers=headers) for _ in range(10)]
            return await asyncio.gather(*posts)

    answers = asyncio.run(many())
    states = [answer.status_code for answer in answers]
    assert set(states) == {200, 503}
    assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status_code == 503)
    assert classify(server.url, wav()).status_code == 200


def test_a_client_that_leaves_frees_its_place(slow):
    server = slow(1.0, "vad='rule', workers=1, max_waiting=3, max_batch=1")
    for _ in range(3):
        with pytest.raises(httpx.ReadTimeout):
            classify(server.url, wav(300, 2), timeout=0.3)
    start = time.monotonic()
    assert classify(server.url, wav(), timeout=30).status_code == 200
    assert time.monotonic() - start < 2.5  # of three clips of a second each at most one was begun
    found = counts(server.url)
    assert found['ser_hf_requests_total{route="/v1/classify",status="499"}'] == 3
    assert found["ser_hf_requests_in_flight"] == 1


def test_a_body_that_does_not_arrive_is_answered_408(slow):
    server = slow(0, "vad='rule', workers=1, body_seconds=2.0")
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        head = "POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\nContent-Length: 1000\r\n\r\nRIFF"
        connection.sendall(head.encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 408
    assert classify(server.url, wav()).status_code == 200


def test_a_taken_port_is_one_line(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port), "--vad", "rule"]) == 2
    assert f"127.0.0.1:{port}" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    "words",
    [
        ["--max_batch", "0"],
        ["--min_confidence", "2"],
        ["--threads", "0"],
        ["--vad", "ears"],
        ["--api_key_file", "none"],
    ],
)
def test_options_that_cannot_be_are_one_line(words, capsys):
    assert main(["serve", "--port", "0", *words]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("ser-hf serve: ")]
    assert line
