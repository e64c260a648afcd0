"""The snippets of the documents are run, and what is shown without a command is what one prints."""

import pytest
from docs_blocks import commands
from docs_documents import README, document_blocks
from docs_places import PLACES, Run
from docs_shape import difference

from ser_hf.reporting import load_results

BARE = [block for block in document_blocks() if not commands(block)]
PYTHON = [block for block in BARE if block.language == "python"]
OUTPUT = [block for block in BARE if block not in PYTHON and isinstance(PLACES[block.file].get(block.head), Run)]


def at(block):
    return f"{block.file}:{block.line}"


@pytest.mark.parametrize("block", PYTHON, ids=at)
def test_a_snippet_runs(block, workplace):
    assert workplace.run(block.file, block.head).code == 0


@pytest.mark.parametrize("block", OUTPUT, ids=at)
def test_what_is_shown_is_printed(block, workplace):
    ran = workplace.run(block.file, block.head)
    assert ran.code == 0
    assert difference(block.text.split("\n"), ran.out) == "", "\n".join(ran.out)


@pytest.mark.parametrize("protocol", ["speaker-independent", "random"])
def test_quickstart_leaves_both_runs_in_place_of_an_earlier_one(protocol, workplace):
    workplace.run(README, "quickstart-speaker-independent")
    results = load_results(workplace.folder / "runs" / "quickstart" / protocol)
    assert results["split"]["protocol"] == protocol
    assert results["synthetic"] is True
