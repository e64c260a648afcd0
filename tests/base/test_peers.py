"""Of several processes that end, one says why; and how they know that another is gone."""

import pytest

from ser_hf.base.peers import LAUNCHED, is_main, peer_gone, speaks_first

GLOO = (
    "[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:545] Read error [127.0.0.1]:32640: Connection reset by peer"
)


class DistBackendError(RuntimeError):
    """As torch calls what NCCL says."""


@pytest.mark.parametrize(
    ("error", "gone"),
    [
        (RuntimeError(GLOO), True),
        (RuntimeError("Connection closed by peer [127.0.0.1]:9"), True),
        (DistBackendError("NCCL error in: ProcessGroupNCCL.cpp"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (OSError("disk"), False),
    ],
)
def test_what_torch_says_when_another_process_is_gone(monkeypatch, error, gone):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert peer_gone(error) is gone
    monkeypatch.delenv("WORLD_SIZE")
    assert not peer_gone(error), "one process has no others"


def test_one_of_several_speaks(monkeypatch, tmp_path):
    monkeypatch.setenv(LAUNCHED, str(tmp_path / "spoken"))
    assert [speaks_first(), speaks_first()] == [True, True], "a process without others may always"
    assert (tmp_path / "spoken").exists(), "and the launcher knows"
    (tmp_path / "spoken").unlink()
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert [speaks_first(), speaks_first()] == [True, False]


def test_processes_without_our_launcher_agree_by_its_process(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name, value in (("WORLD_SIZE", "2"), ("MASTER_PORT", "29500")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(LAUNCHED, raising=False)
    assert [speaks_first(), speaks_first()] == [True, False]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "not there"))
    assert speaks_first(), "a word too many is better than none"


@pytest.mark.parametrize(("rank", "main"), [(None, True), ("0", True), ("1", False)])
def test_the_first_process_is_the_main_one(monkeypatch, rank, main):
    monkeypatch.delenv("RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("RANK", rank)
    assert is_main() is main
