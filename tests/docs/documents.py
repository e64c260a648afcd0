"""The documents whose code is run."""

from pathlib import Path

from docs_blocks import Block, blocks

ROOT = Path(__file__).parents[2]
README = "README.md"
DOCUMENTS = (README, "CONTRIBUTING.md", "recipes/README.md", "LIMITS.md")


def text_of(file: str) -> str:
    """What a document says."""
    return (ROOT / file).read_text(encoding="utf-8")


def document_blocks() -> list[Block]:
    """Every code block of the documents."""
    return [block for file in DOCUMENTS for block in blocks(file, text_of(file))]
