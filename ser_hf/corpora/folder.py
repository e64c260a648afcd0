"""The user's own recordings: one sub-folder per emotion, or a table with a path and a label column.

- Folders: ``ROOT/<emotion>/clip.wav``, or ``ROOT/<emotion>/<speaker>/clip.wav`` where speakers are known; below
  ``train``, ``validation`` and ``test`` where there is a split (the layout of ``datasets``' AudioFolder).
- Table: ``ROOT`` is a ``.csv``, ``.tsv``, ``.jsonl`` or ``.xlsx`` file, or holds one called ``metadata.*``. A column
  with the path (relative to the table, with slashes of either kind) and one with the label; optional speaker, sex, age,
  language, sentence, session, split, ratings, and ``start`` and ``end`` of a part of the file, in seconds or as
  audformat and pandas write them. The columns go by the usual names, in any case; one of another name is not used, and
  a warning says so. Delimiter and encoding are found, see `ser_hf.base.tables`.

Labels are the harmonised emotions or common words for them (``anger``, ``happiness``, ``fear`` ...), in any case, what
a mapping makes of them, or words of one's own, which a label scheme must name (or be ``own``).

Any other name does the same: ``--corpora calls --data_dirs calls=DIR``.
"""

from __future__ import annotations

from ._corpus import register
from ._own import FOLDER, own_corpus

register(own_corpus(FOLDER))
