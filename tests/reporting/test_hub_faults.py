"""A Hub that refuses, breaks off, is slow or dies: bounded tries, one clear line, one commit or none, no token told."""

import json
import re
import subprocess
import sys
import tempfile

import numpy as np
import pytest
from safetensors.numpy import save_file

TOKEN = "hf_loopback"
TRIES = 4
WORKER = """
import io, json, logging, sys, time, traceback

log = io.StringIO()
logging.basicConfig(stream=log, level=logging.DEBUG, force=True)
waited, sleep = [0.0], time.sleep

def short(seconds):
    waited[0] += seconds
    sleep(min(seconds, 0.01))

from huggingface_hub.utils import logging as hub_logging
hub_logging.set_verbosity_debug()
from ser_hf.base.errors import SerHfError
from ser_hf.base import hub_patience
from ser_hf.reporting import push_run
from ser_hf.training import load_checkpoint

time.sleep, hub_patience.TIMEOUT = short, 1.0
sys.stdout.write("ready\\n")
sys.stdout.flush()
for line in sys.stdin:
    call, answer = json.loads(line), {}
    log.seek(0), log.truncate()
    waited[0], start = 0.0, time.monotonic()
    try:
        if "pull" in call:
            load_checkpoint(call["pull"])
        else:
            push = push_run(**call)
            answer = {"address": push.address, "sent": [f.name for f in push.sent], "remark": push.remark}
    except SerHfError as error:
        answer = {"error": str(error), "traceback": traceback.format_exc()}
    except Exception:
        answer = {"crash": traceback.format_exc()}
    answer |= {"log": log.getvalue(), "waited": waited[0], "took": time.monotonic() - start}
    sys.stdout.write(json.dumps(answer) + "\\n")
    sys.stdout.flush()
"""


@pytest.fixture(scope="module")
def server(hub_server):
    with hub_server.HubServer() as running:
        yield running


@pytest.fixture
def hub(server):
    """The same small Hub for all tests, empty and well."""
    for part in (server.repos, server.objects, server.requests, server.faults, server.pull_requests):
        part.clear()
    return server


@pytest.fixture(scope="module")
def ask(server, hub_environment):
    """Calls one process, which has everything imported: pushes or pulls, and tells what came of it."""
    with tempfile.TemporaryFile("w+") as errors:
        environment = hub_environment(HF_ENDPOINT=server.url, HF_TOKEN=TOKEN, HF_DEBUG="1")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": errors, "text": True}
        with subprocess.Popen([sys.executable, "-c", WORKER], env=environment, **pipes) as worker:
            ready = worker.stdout.readline()
            errors.seek(0)
            assert ready == "ready\n", errors.read()

            def call(**words):
                where = errors.tell()
                worker.stdin.write(json.dumps(words) + "\n")
                worker.stdin.flush()
                line = worker.stdout.readline()
                errors.seek(where)
                said = errors.read()
                answer = json.loads(line)
                assert "crash" not in answer, answer["crash"]
                # what a server says is in the HTTP library's own log of it; what it is told must be nowhere
                answer["log"] = [row for row in answer["log"].splitlines() if "X-Error-Message" not in row]
                assert TOKEN not in json.dumps(answer) + said, "the token was told"
                if "error" in answer:
                    assert "\n" not in answer["error"]
                return answer

            yield call
            worker.stdin.close()


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "x"}))
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_extractor_type": "X"}))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# A card\n")
    save_file({"weight": np.arange(500_000, dtype=np.float32)}, folder / "model.safetensors")
    return folder


REPO = "tester/model"
INFO, CREATE, PREUPLOAD = f"GET /api/models/{REPO}", "POST /api/repos/create", f"POST /api/models/{REPO}/preupload/main"
BATCH, PUT, COMMIT = f"POST /{REPO}.git/info/lfs/objects/batch", "PUT /lfs/.*", f"POST /api/models/{REPO}/commit/main"
STEPS = [INFO, CREATE, PREUPLOAD, BATCH, PUT, COMMIT]


def asked(hub, what):
    return sum(bool(re.fullmatch(what, request)) for request in hub.requests)


def failed(hub, answer, what, said, tries):
    """The push failed as it should: said so, asked no more often, published nothing and told what it left."""
    assert re.search(said, answer["error"]), answer["error"]
    assert asked(hub, what) == tries
    made = REPO in hub.repos
    assert not made or hub.commits(REPO) == []
    assert made == (f"the repository {REPO} was made and is empty" in answer["error"])
    assert not made or f"`hf repos delete {REPO}`" in answer["error"]


@pytest.mark.parametrize("what", STEPS)
@pytest.mark.parametrize(
    ("status", "said", "tries"),
    [
        (401, "HTTP 401, out of order.*hf auth login", 1),
        (403, "HTTP 403, out of order.*write access", 1),
        (404, "HTTP 404, out of order.*check the name", 1),
        (412, "HTTP 412, out of order.*somebody else changed", 1),
        (500, "HTTP 500.*try again later", TRIES),
        (503, "HTTP 503.*try again later", TRIES),
    ],
)
def test_a_refusal_at_any_step(hub, hub_server, ask, run, what, status, said, tries):
    hub.faults.append(hub_server.Fault(what, status))
    if status == 403 and what == CREATE:
        said = "HTTP 403"
    failed(hub, ask(run_dir=str(run), repo_id=REPO), what, said, tries)


def test_somebody_commits_meanwhile(hub, hub_server, ask, run):
    hub.faults.append(hub_server.Fault(COMMIT, 409))
    failed(hub, ask(run_dir=str(run), repo_id=REPO), COMMIT, "HTTP 409.*somebody else changes", 1)
    hub.faults[:] = [
        hub_server.Fault(CREATE, 409, message="Cannot create repo: another conflicting operation is in progress")
    ]
    hub.repos.clear()
    hub.requests.clear()
    failed(hub, ask(run_dir=str(run), repo_id=REPO), CREATE, r"tried 4 times \(HTTP 409\)", TRIES)


@pytest.mark.parametrize("what", STEPS)
def test_a_wait_that_is_asked_for(hub, hub_server, ask, run, what):
    hub.faults.append(hub_server.Fault(what, 429, {"Retry-After": "7"}, times=2))
    answer = ask(run_dir=str(run), repo_id=REPO)
    assert answer["address"] == f"{hub.url}/{REPO}"
    assert 14 <= answer["waited"] <= 17
    assert len(hub.commits(REPO)) == 1


@pytest.mark.parametrize("what", STEPS)
def test_a_wait_that_is_too_long(hub, hub_server, ask, run, what):
    hub.faults.append(hub_server.Fault(what, 429, {"Retry-After": "3600"}))
    answer = ask(run_dir=str(run), repo_id=REPO)
    failed(hub, answer, what, "HTTP 429.*try again in 3600 s", 1)
    assert answer["waited"] == 0


@pytest.mark.parametrize("what", STEPS)
def test_a_connection_that_breaks(hub, hub_server, ask, run, what):
    hub.faults.append(hub_server.Fault(what, times=2))
    answer = ask(run_dir=str(run), repo_id=REPO)
    assert answer["address"] == f"{hub.url}/{REPO}"
    assert asked(hub, what) >= 3
    assert len(hub.commits(REPO)) == 1


@pytest.mark.parametrize("what", STEPS)
def test_a_connection_that_breaks_for_good(hub, hub_server, ask, run, what):
    hub.faults.append(hub_server.Fault(what))
    answer = ask(run_dir=str(run), repo_id=REPO)
    failed(hub, answer, what, r"cannot be reached|tried 4 times \(no answer\)", TRIES)
    assert answer["waited"] <= 15


@pytest.mark.parametrize("what", [INFO, PUT, COMMIT])
def test_a_server_that_is_slow(hub, hub_server, ask, run, what):
    hub.faults.append(hub_server.Fault(what, seconds=2.5, before=False))
    answer = ask(run_dir=str(run), repo_id=REPO)
    if what == COMMIT:  # it has come through, only its answer has not
        assert len(hub.commits(REPO)) == 1
        assert answer.get("sent") == []
    else:
        failed(hub, answer, what, r"cannot be reached|tried 4 times \(no answer\)", TRIES)
    assert answer["took"] < 10


def test_a_commit_whose_answer_is_lost_is_made_once(hub, hub_server, ask, run):
    hub.faults.append(hub_server.Fault(COMMIT, times=1, before=False))
    answer = ask(run_dir=str(run), repo_id=REPO)
    assert answer["address"] == f"{hub.url}/{REPO}"
    assert len(hub.commits(REPO)) == 1


def test_a_server_that_dies_between_the_upload_and_the_commit(hub, hub_server, ask, run):
    hub.faults.append(hub_server.Fault(COMMIT, dies=True))
    answer = ask(run_dir=str(run), repo_id=REPO)
    assert "cannot be reached" in answer["error"] or "no answer" in answer["error"]
    assert hub.commits(REPO) == []
    assert f"the repository {REPO} was made and is empty" in answer["error"]
    assert len(hub.objects) == 1, "the weights had been sent"
    hub.faults.clear()
    again = ask(run_dir=str(run), repo_id=REPO)
    assert len(again["sent"]) == 4
    assert asked(hub, PUT) == 1, "the weights were sent again"
    assert len(hub.commits(REPO)) == 1


def test_a_failed_push_to_what_is_there_changes_nothing(hub, hub_server, ask, run):
    ask(run_dir=str(run), repo_id=REPO)
    before = hub.files(REPO)
    save_file({"weight": np.zeros(3, dtype=np.float32)}, run / "model.safetensors")
    hub.faults.append(hub_server.Fault(COMMIT, 500))
    answer = ask(run_dir=str(run), repo_id=REPO, revision="try")
    assert "the branch try was made" not in answer.get("error", "")
    hub.faults[:] = [hub_server.Fault(COMMIT, 500)]
    answer = ask(run_dir=str(run), repo_id=REPO)
    assert "was made" not in answer["error"]
    assert hub.files(REPO) == before
    hub.faults[:] = [hub_server.Fault(".*/commit/other", 403)]
    answer = ask(run_dir=str(run), repo_id=REPO, revision="other")
    assert "the branch other was made and holds nothing new" in answer["error"]


@pytest.mark.parametrize("what", [*STEPS, ".*"])
def test_a_token_that_the_server_repeats_is_not_told(hub, hub_server, ask, run, what):
    hub.faults.append(hub_server.Fault(what, 403, message="you are {token}, who may not"))
    answer = ask(run_dir=str(run), repo_id=REPO)
    assert "HTTP 403" in answer["error"]
    assert TOKEN not in json.dumps([hub.files(name) and sorted(hub.files(name)) for name in hub.repos])


def test_a_second_pull_request_is_never_opened(hub, hub_server, ask, run):
    ask(run_dir=str(run), repo_id=REPO)
    (run / "README.md").write_text("---\nlicense: mit\n---\n# Another card\n")
    hub.faults.append(hub_server.Fault(COMMIT, before=False))
    answer = ask(run_dir=str(run), repo_id=REPO, create_pr=True)
    assert "cannot be reached" in answer["error"]
    assert len(hub.pull_requests) == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"status": 401}, "HTTP 401, out of order; .*hf auth login"),
        ({"status": 403}, "HTTP 403, out of order; "),
        ({"status": 404}, "HTTP 404, out of order; check the name"),
        ({"status": 429, "headers": {"Retry-After": "3600"}}, "HTTP 429, out of order; too many requests"),
        ({"status": 500}, "HTTP 500, out of order; try again later"),
        ({"status": 403, "message": "you are {token}"}, "HTTP 403, you are Bearer <token>; "),
        ({"status": 0}, r"the connection failed \(.+\); try again"),
    ],
    ids=lambda value: None if isinstance(value, str) else "-".join(map(str, value)) + str(value["status"]),
)
def test_a_pull_that_fails_is_one_line(hub, hub_server, ask, fault, said):
    hub.faults.append(hub_server.Fault(".*", **fault))
    answer = ask(pull="tester/gone")
    where = "tester/gone is no folder here, and as a repository on the Hub it cannot be loaded: "
    assert re.fullmatch(where + said + ".*", answer["error"])
    assert answer["waited"] < 30


def test_a_pull_without_the_hub_takes_what_was_pulled_before(hub, hub_server, ask, tiny_run):
    ask(run_dir=str(tiny_run.folder), repo_id="tester/before")
    assert "error" not in ask(pull="tester/before")
    hub.faults.append(hub_server.Fault(".*", 503))
    answer = ask(pull="tester/before")
    assert "error" not in answer
    assert answer["waited"] < 60


def test_a_pull_that_breaks_off_within_the_weights_is_one_line(hub, hub_server, ask, tiny_run):
    ask(run_dir=str(tiny_run.folder), repo_id="tester/tiny")
    hub.faults.append(hub_server.Fault("GET /lfs/.*"))
    answer = ask(pull="tester/tiny")
    assert "tester/tiny" in answer["error"]
    hub.faults.clear()
    assert "error" not in ask(pull="tester/tiny"), "a pull that broke off is taken up again"
