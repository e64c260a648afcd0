"""What a Markdown document shows: code blocks, the commands in them with their output, and commands in the prose."""

import re
import shlex
from dataclasses import dataclass

FENCE = re.compile(r"^(?P<quote>(?:> ?)?)```(?P<language>\w*)$")
INDENT = "    "
PROGRAMS = (
    "ser-hf",
    "accelerate",
    "python",
    "pip",
    "make",
    "hf",
    "curl",
    "ffmpeg",
    "head",
    "cat",
    ".venv/bin/pre-commit",
)
"""With these a line of a block without `$` is a command; a block that begins otherwise shows text."""
INLINE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Block:
    """A code block.

    Attributes:
        file: the document.
        line: where its first line stands, from 1.
        language: after the fence, ``""`` if none is named or the block is indented.
        text: without fence and indentation.
    """

    file: str
    line: int
    language: str
    text: str

    @property
    def head(self) -> str:
        """The first line, by which the table names blocks that hold no commands."""
        return self.text.split("\n")[0]


@dataclass(frozen=True)
class Command:
    """A command line.

    Attributes:
        text: on one line, without prompt and comment, words separated by one space where no quotes hold others.
        shown: the lines of output under it; none where the document shows none.
    """

    file: str
    line: int
    text: str
    shown: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        """As a shell splits them."""
        return shlex.split(self.text)


def blocks(file: str, text: str) -> list[Block]:
    """All code blocks, fenced (in a quotation too) or indented by four spaces; an empty line ends one of these.

    >>> [block.text for block in blocks("x.md", "# A\\n    make a\\n\\n    make b\\n\\n> ```\\n> x\\n> ```\\n")]
    ['make a', 'make b', 'x']
    """
    found: list[Block] = []
    lines, at = text.split("\n"), 0
    if lines[0] == "---":  # what a card says to the Hub
        at = lines.index("---", 1) + 1
    while at < len(lines):
        if fence := FENCE.match(lines[at]):
            quote, end = fence["quote"], at + 1
            while lines[end].rstrip() != f"{quote}```":
                end += 1
            inner = [line.removeprefix(quote) for line in lines[at + 1 : end]]
            found.append(Block(file, at + 2, fence["language"], "\n".join(inner)))
            at = end + 1
        elif lines[at].startswith(INDENT):
            end = at
            while end < len(lines) and lines[end].startswith(INDENT):
                end += 1
            inner = [line.removeprefix(INDENT) for line in lines[at:end]]
            found.append(Block(file, at + 1, "", "\n".join(inner)))
            at = end
        else:
            at += 1
    return found


def commands(block: Block) -> list[Command]:
    """The commands of a block; of Python, YAML, output and other text none.

    With a prompt anywhere, lines without one are output. Lines that end in ``\\`` go on in the next.
    """
    lines = block.text.split("\n")
    prompted = any(line.startswith("$ ") for line in lines)
    if block.language not in ("", "bash") or not (prompted or lines[0].split(" ")[0] in PROGRAMS):
        return []
    found: list[tuple[int, str, list[str]]] = []
    numbers = iter(range(len(lines)))
    for at in numbers:
        line = lines[at]
        if prompted and not line.startswith("$ "):
            if found:
                found[-1][2].append(line)
            continue
        words = line.removeprefix("$ ")
        while words.endswith("\\"):
            words = f"{words[:-1].rstrip()} {lines[next(numbers)].strip()}"
        if words.strip():
            found.append((block.line + at, without_comment(words), []))
    return [Command(block.file, at, words, _trimmed(shown)) for at, words, shown in found]


def without_comment(line: str) -> str:
    """A shell line without what follows ``#``, where it begins a word."""
    return re.sub(r"\s+#.*$", "", line).strip()


def _trimmed(lines: list[str]) -> tuple[str, ...]:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return tuple(lines)


def prose(file: str, text: str) -> list[Command]:
    """Inline code outside of code blocks that begins with a program, an option or ``key:``, each on one line."""
    kept, inside = [], False
    for line in text.split("\n"):
        inside ^= bool(FENCE.match(line))
        kept.append("" if inside or line.startswith((INDENT, "```", "> ```")) else line)
    found = []
    whole = "\n".join(kept)
    for code in INLINE.finditer(whole):
        words = " ".join(code[1].split())
        if re.match(r"(ser-hf|python|make|pip install) |--|[a-z_0-9]+: ", words):
            found.append(Command(file, whole.count("\n", 0, code.start()) + 1, words))
    return found
