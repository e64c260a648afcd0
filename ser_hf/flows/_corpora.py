"""The clips of a recipe."""

from __future__ import annotations

from ser_hf.data import Corpora, load_corpus
from ser_hf.training import Recipe, folders, reading_of


def read_corpora(recipe: Recipe) -> Corpora:
    """The harmonised clips of a recipe."""
    settings = recipe.data
    return load_corpus(
        settings.corpora,
        data_root=settings.data_root,
        data_dirs=folders(settings.data_dirs),
        scheme=settings.scheme,
        skip_bad=settings.skip_bad,
        max_duration=settings.max_duration,
        num_proc=settings.num_proc,
        reading=reading_of(settings),
    )
