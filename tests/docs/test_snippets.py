"""Every snippet of the documents compiles; those of Python are run."""

import pytest
from docs_documents import document_blocks
from docs_places import PLACES

SNIPPETS = [block for block in document_blocks() if block.language == "python"]


@pytest.mark.parametrize("block", SNIPPETS, ids=lambda block: f"{block.file}:{block.line}")
def test_a_snippet_runs(block, workplace):
    assert block.head in PLACES[block.file]
    assert workplace.run(block.file, block.head).code == 0
