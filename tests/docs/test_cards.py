"""The commands and snippets of the cards that a run and a build get, as they are sent to the Hub."""

import pytest
from docs_blocks import commands
from docs_grammar import fault
from docs_places import DATASET, MODEL, PLACES, Run


@pytest.mark.parametrize(("card", "left"), [(MODEL, 0), (DATASET, 1)])
def test_a_card_does_what_it_says(card, left, workplace):
    parts = [(block, commands(block)) for block in workplace.blocks(card)]
    assert all(fault(command.words) == "" for _, found in parts for command in found)
    keys = [key for block, found in parts for key in [command.text for command in found] or [block.head]]
    assert sorted(keys) == sorted(PLACES[card]), "the table and the card differ"
    run = [key for key in keys if isinstance(PLACES[card][key], Run)]
    assert [workplace.run(card, key).code for key in run] == [0] * (len(keys) - left)


def test_the_command_of_a_card_answers(workplace):
    workplace.blocks(MODEL)
    (line,) = workplace.run(MODEL, "ser-hf predict USER/REPOSITORY clip.wav").out
    assert line.startswith("clip.wav: ")
