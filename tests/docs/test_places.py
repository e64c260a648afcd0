"""The table of ``places.py`` knows every command and block of the documents, and nothing else."""

import re
from collections import Counter

import pytest
from docs_blocks import Block, commands
from docs_documents import DOCUMENTS, ROOT, document_blocks
from docs_places import DATASET, MODEL, PLACES, Left, Run


def keys(block: Block) -> list[str]:
    """Its commands; of another block the first line."""
    return [command.text for command in commands(block)] or [block.head]


@pytest.mark.parametrize("file", DOCUMENTS)
def test_every_command_and_block_has_an_entry_and_no_entry_is_stale(file):
    named = {key for block in document_blocks() if block.file == file for key in keys(block)}
    unknown, stale = named - {*PLACES[file]}, {*PLACES[file]} - named
    assert not unknown, "say in tests/docs/places.py how it is run, or why it is not"
    assert not stale, "the document has no such command or block any more"


def test_the_table_is_of_these_documents():
    assert [*PLACES] == [*DOCUMENTS, MODEL, DATASET]


def test_snippets_and_blocks_of_text_are_told_apart_by_their_first_lines():
    heads = Counter((block.file, block.head) for block in document_blocks() if not commands(block))
    assert max(heads.values()) == 1


def test_what_is_left_has_a_reason_and_names_tests_that_are_there():
    reasons = {place.why for table in PLACES.values() for place in table.values() if isinstance(place, Left)}
    assert all(reasons)
    paths = {path.rstrip(".,;") for why in reasons for path in re.findall(r"tests/[\w/.]+", why)}
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_what_must_be_run_before_is_run():
    needed = {need for table in PLACES.values() for one in table.values() if isinstance(one, Run) for need in one.after}
    assert all(isinstance(PLACES["README.md"][need], Run) for need in needed)


def test_a_new_command_is_seen():
    block = Block("README.md", 1, "", "ser-hf train svm --new_option")
    assert not {*keys(block)} <= {*PLACES["README.md"]}
