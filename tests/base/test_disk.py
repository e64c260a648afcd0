"""A full disk in one line, whatever library met it."""

import errno
import os

import pytest
from safetensors import SafetensorError

from ser_hf.base.disk import told, writing
from ser_hf.base.errors import SerHfError

FULL = [
    OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)),
    OSError("[Errno 28] Error writing bytes to file. Detail: [errno 28] No space left on device"),
    RuntimeError("PytorchStreamWriter failed writing file data/3: file write failed"),
    SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
]


@pytest.mark.parametrize("error", FULL, ids=lambda e: type(e).__name__)
def test_the_path_the_room_and_what_to_do_are_told(tmp_path, error):
    path = tmp_path / "made" / "later.bin"
    expected = rf"^{path} could not be written: there is no room \(.* free, about 2\.0 MB needed\); make room, or wait$"
    with pytest.raises(SerHfError, match=expected), writing(path, 2_000_000, ", or wait"):
        raise error


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "no"), RuntimeError("size mismatch"), SerHfError("mine")])
def test_other_errors_pass(tmp_path, error):
    with pytest.raises(type(error)) as caught, writing(tmp_path):
        raise error
    assert caught.value is error


def test_a_full_disk_without_a_name_is_placed():
    assert "a disk is full: " in told(FULL[2])
    assert os.getcwd() in told(FULL[2])
    assert told(OSError(errno.EACCES, "Permission denied", "/x")) == "/x: Permission denied"


def test_errors_that_led_to_each_other_are_asked_once(tmp_path):
    first, second = OSError(errno.EROFS, "Read-only file system"), RuntimeError("while writing")
    first.__context__, second.__cause__ = second, first
    with pytest.raises(RuntimeError, match="while writing"), writing(tmp_path):
        raise second
