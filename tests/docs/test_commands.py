"""Every command of the documents is understood by the program it names; those that take seconds are run."""

import re
import shlex

import pytest
import yaml
from docs_blocks import commands, prose
from docs_documents import DOCUMENTS, document_blocks, text_of
from docs_grammar import fault, takes
from docs_places import PLACES, Run
from docs_shape import difference

from ser_hf.cli import COMMANDS
from ser_hf.training.keys import keys

ALL = [command for block in document_blocks() for command in commands(block)]
PROSE = [code for file in DOCUMENTS for code in prose(file, text_of(file))]
KEYS = [code for code in PROSE if re.match(r"[a-z_0-9]+: ", code.text)]
OTHERS = {"keep", "merge", "rename", "drop", "key"}
"""Keys of a scheme file, and the word for any."""


def at(command):
    return f"{command.file}:{command.line}"


@pytest.mark.parametrize("command", ALL, ids=at)
def test_a_command_is_understood(command):
    assert fault(command.words) == ""


@pytest.mark.parametrize("code", KEYS, ids=at)
def test_a_key_in_the_prose_is_one_of_a_recipe(code):
    assert {code.text.split(":")[0]} <= OTHERS | {*keys()}
    assert yaml.safe_load(code.text)


@pytest.mark.parametrize("command", [code for code in PROSE if code not in KEYS], ids=at)
def test_what_the_prose_names_is_there(command):
    if command.text.startswith("--"):
        options = [word for word in command.words if word.startswith("--")]
        assert all(any(takes(one.name, option) for one in COMMANDS) for option in options)
        return
    first, *others = command.text.split(" | ")
    base = first.rpartition(" ")[0]
    for words in (first, *(f"{base} {other}" for other in others)):
        assert fault([word for word in shlex.split(words) if word != "..."], whole=False) == ""


RUN = [command for command in ALL if isinstance(PLACES[command.file].get(command.text), Run)]


@pytest.mark.parametrize("command", RUN, ids=at)
def test_a_command_does_what_is_shown(command, workplace):
    place = PLACES[command.file][command.text]
    if place.needs:
        pytest.importorskip(place.needs)
    ran = workplace.run(command.file, command.text)
    assert ran.code == place.code, ran.err
    if place.wrapped:
        assert difference([" ".join(command.shown)], [line for line in ran.err if line.startswith("ser-hf ")]) == ""
    elif command.shown:
        assert difference(command.shown, ran.out) == "", "\n".join(ran.out)
