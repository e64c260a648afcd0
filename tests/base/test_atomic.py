"""Files appear whole or not at all, and what killed writers left goes; that of a live one stays."""

import os
import signal
import time

import pytest

from ser_hf.base.atomic import replacing, write_text


def killed_while_writing(path) -> None:
    number = os.fork()
    if not number:
        with replacing(path) as temporary:
            temporary.write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(number, 0)


def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path):
    path, other = tmp_path / "a.json", tmp_path / "b.json"
    killed_while_writing(path)
    killed_while_writing(other)
    assert not path.exists()
    assert len(list(tmp_path.iterdir())) == 2
    write_text(path, "whole")
    assert path.read_text() == "whole"
    assert sorted(p.name[:7] for p in tmp_path.iterdir()) == [".b.json", "a.json"]


def test_the_work_of_a_live_writer_stays(tmp_path):
    path = tmp_path / "a.json"
    with replacing(path) as mine:
        mine.write_text("first")
        write_text(path, "second")
        assert path.read_text() == "second"
    assert path.read_text() == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_an_empty_file_is_let_lie_while_it_is_young(tmp_path):
    left = tmp_path / ".a.json.abcdefgh.json"
    left.touch()
    write_text(tmp_path / "a.json", "whole")
    assert left.exists()
    os.utime(left, (time.time() - 120,) * 2)
    write_text(tmp_path / "a.json", "whole")
    assert not left.exists()


@pytest.mark.parametrize("name", [".a.json.abcdefgh.txt", ".a.json.short.json", "a.json.abcdefgh.json", ".ab.json"])
def test_other_names_are_nobodys_business(tmp_path, name):
    (tmp_path / name).write_text("mine")
    write_text(tmp_path / "a.json", "whole")
    assert (tmp_path / name).exists()
