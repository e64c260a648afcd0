"""Pushed, deleted here, and pulled in fresh processes, with ser_hf and without it: the same probabilities."""

import json
import shutil

import numpy as np
import pytest
import soundfile

PUSH = """
import sys
from ser_hf.reporting import push_run

sys.stdout.write(push_run({run!r}, "tester/tiny").address)
"""
WITH = """
import json, sys
from ser_hf.inference import SerClassifier

json.dump(SerClassifier.from_pretrained("tester/tiny", device="cpu")({clips!r}), sys.stdout)
"""
WITHOUT = """
import json, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "ser_hf":
            raise ModuleNotFoundError(f"no {{name}} here")

sys.meta_path.insert(0, Refuse())
import soundfile, torch
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

extractor = AutoFeatureExtractor.from_pretrained("tester/tiny", trust_remote_code=True)
model = AutoModelForAudioClassification.from_pretrained("tester/tiny", trust_remote_code=True).eval()
found = []
for clip in {clips!r}:
    samples, rate = soundfile.read(clip, dtype="float32")
    inputs = extractor(samples, sampling_rate=rate, return_tensors="pt")
    with torch.no_grad():
        shares = model(**inputs).logits.softmax(-1)[0].tolist()
    found.append({{model.config.id2label[i]: share for i, share in enumerate(shares)}})
assert "ser_hf" not in sys.modules
json.dump(found, sys.stdout)
"""


@pytest.fixture
def environment(hub):
    return {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_loopback"}


def test_what_is_pulled_says_what_was_pushed(hub, fresh_process, environment, tiny_run, tones_root, tmp_path):
    from ser_hf.inference import SerClassifier

    run = shutil.copytree(tiny_run.folder, tmp_path / "run")
    clips = [str(clip) for clip in sorted(tones_root.rglob("*.wav"))[::40]]
    assert {soundfile.info(clip).samplerate for clip in clips} == {16_000}
    expected = SerClassifier.from_pretrained(run, device="cpu")(clips)
    pushed = fresh_process(PUSH.format(run=str(run)), **environment)
    assert pushed.stdout == f"{hub.url}/tester/tiny", pushed.stderr
    shutil.rmtree(run)
    for source in (WITH, WITHOUT):
        pulled = fresh_process(source.format(clips=clips), **environment)
        assert pulled.returncode == 0, pulled.stderr
        found = json.loads(pulled.stdout)
        assert len(found) == len(clips)
        for shares, wanted in zip(found, expected, strict=True):
            assert shares.keys() == wanted.keys()
            np.testing.assert_allclose([shares[name] for name in wanted], list(wanted.values()), rtol=0, atol=1e-5)
