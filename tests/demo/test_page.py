"""The page as a process: it answers, asks for nothing elsewhere, and so does the Space made of it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import gradio_client
import httpx
import numpy as np
import pytest
import soundfile
import yaml


def start(words, folder, paths):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "GRADIO_SERVER_PORT": "0"}
    environment |= {"GRADIO_ANALYTICS_ENABLED": "False", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, *words], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    return process, re.search(r"http://127\.0\.0\.1:\d+", line)[0]


def end(process):
    process.terminate()
    process.communicate(timeout=30)


def free_port():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture(scope="module")
def page(root, tiny_run):
    words = ["-m", "ser_hf.cli", "demo", str(tiny_run.folder), "--vad", "rule", "--max_megabytes", "1"]
    process, url = start([*words, "--port", str(free_port())], root, [root])
    yield url
    end(process)


@pytest.fixture(scope="module")
def client(page):
    return gradio_client.Client(page, verbose=False, analytics_enabled=False)


@pytest.fixture
def clip(tmp_path):
    soundfile.write(tmp_path / "a.wav", 0.5 * np.sin(np.arange(16_000) / 10), 16_000)
    return tmp_path / "a.wav"


def classify(client, file):
    return client.predict(gradio_client.handle_file(str(file)), api_name="/classify")


def test_a_recording_is_answered(client, clip):
    answer, bars, picture, attention, *_ = classify(client, clip)
    assert 'class="ser-label"' in answer
    assert sum(one["confidence"] for one in bars["confidences"]) == pytest.approx(1, abs=1e-4)
    assert picture
    assert attention


def test_a_broken_recording_is_one_line_in_the_page(client, clip):
    broken = clip.with_name("broken.wav")
    broken.write_bytes(clip.read_bytes()[:2000])
    answer, *_ = classify(client, broken)
    assert "broken.wav is truncated" in answer
    assert "Traceback" not in answer
    assert 'class="ser-label"' in classify(client, clip)[0]


def test_browsers_are_forbidden_to_ask_elsewhere(page):
    shown = httpx.get(page)
    policy = shown.headers["content-security-policy"]
    assert policy.startswith("default-src 'self'")
    assert "http" not in policy
    assert "fonts.googleapis" not in shown.text


def test_a_file_that_is_too_large_is_refused(page):
    assert httpx.post(f"{page}/gradio_api/upload", files={"files": bytes(1_500_000)}, timeout=60).status_code == 413


def test_a_space_starts_as_it_stands(tiny_run, tmp_path, root, clip):
    from ser_hf.cli import main

    folder = tmp_path / "space"
    assert main(["demo", str(tiny_run.folder), "--space", str(folder)]) == 0
    about = yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---")[1])
    assert about["sdk"] == "gradio"
    assert about["app_file"] == "app.py"
    needed = (folder / "requirements.txt").read_text().splitlines()
    assert any(re.match("torch[<>]", line) for line in needed)
    assert not any("gradio" in line for line in needed)
    moved = folder.rename(tmp_path / "elsewhere")
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(free_port()), "PYTHONUNBUFFERED": "1"}
    environment.pop("PYTHONPATH", None)
    code = "import runpy, sys; sys.path.insert(0, '.'); import ser_hf; print(ser_hf.__file__); "
    code += "runpy.run_path('app.py', run_name='__main__')"
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=moved, env=environment, text=True, stdout=subprocess.PIPE
    )
    try:
        assert Path(process.stdout.readline().strip()).is_relative_to(moved)
        url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
        space = gradio_client.Client(url, verbose=False, analytics_enabled=False)
        assert 'class="ser-label"' in classify(space, clip)[0]
    finally:
        end(process)


def test_a_folder_that_holds_something_is_left_alone(tiny_run, tmp_path, capsys):
    from ser_hf.cli import main

    (tmp_path / "mine.txt").write_text("mine")
    assert main(["demo", str(tiny_run.folder), "--space", str(tmp_path)]) == 2
    assert "not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
