"""The answer of the server has the fields that the README shows."""

import json
import re

import pytest
from docs_blocks import commands
from docs_documents import document_blocks

from ser_hf.inference import model_facts, open_model

testclient = pytest.importorskip("starlette.testclient")
serving = pytest.importorskip("ser_hf.serving")


def test_the_server_answers_with_the_fields_that_are_shown(workplace):
    (curl,) = [one for block in document_blocks() for one in commands(block) if one.words[0] == "curl"]
    (shown,) = json.loads(curl.shown[0].replace(",...", ""))["results"]
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1/classify", curl.words[-1])
    name, file = curl.words[2].split("=@")
    model = open_model(device="cpu")
    service = serving.Service(model, model_facts("default", model), serving.Settings(workers=1, vad="rule"))
    with testclient.TestClient(serving.make_app(service)) as client:
        answer = client.post("/v1/classify", files={name: (file, (workplace.folder / file).read_bytes())}).json()
    (found,) = answer["results"]
    assert [*found] == [*shown]
    assert (found["file"], found["label"] in found["scores"]) == (shown["file"], True)
