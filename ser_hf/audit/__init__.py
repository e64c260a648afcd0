"""The leakage audit: what train, validation and test share that they must not."""

from __future__ import annotations

from ._audit import audit
from ._finding import Audit, Finding, Item, audit_table
from .fingerprints import FINGERPRINT, add_fingerprints
from .near_duplicates import group_copies, same_recordings

__all__ = [
    "FINGERPRINT",
    "Audit",
    "Finding",
    "Item",
    "add_fingerprints",
    "audit",
    "audit_table",
    "group_copies",
    "same_recordings",
]
