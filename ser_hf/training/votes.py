"""Human votes as soft labels, where the corpus has them."""

from __future__ import annotations

import logging

from ser_hf.base.errors import RecipeError
from ser_hf.features import FeatureRows, RecordingRows
from ser_hf.records import LABEL_DISTRIBUTION

logger = logging.getLogger(__name__)


def count_votes(rows: FeatureRows | RecordingRows) -> int:
    """Gives the number of clips with votes, and tells of those without.

    Raises:
        RecipeError: there is no clip with votes.
    """
    there = LABEL_DISTRIBUTION in rows.rows.column_names
    column = rows.rows.with_format("arrow")[:][LABEL_DISTRIBUTION] if there else None
    found = 0 if column is None else len(column) - column.null_count
    if not found:
        raise RecipeError("soft_labels: votes, and no training clip has votes of raters; leave out soft_labels")
    if found < len(rows):
        logger.warning(
            "soft_labels: %d of %d training clips have no votes; they keep their label", len(rows) - found, len(rows)
        )
    return found
