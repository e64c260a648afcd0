"""``ser-hf audit``: leaks between the splits of a dataset."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from ._command import Command, say

_CASES = 10_000


class AuditCommand(Command):
    """Audits a built dataset."""

    name = "audit"
    help = "look for leaks between the splits of a built dataset; exit code 1 where there are errors"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The dataset, and what it claims."""
        parser.add_argument(
            "dataset", metavar="DATASET", help="folder written by `ser-hf build`, or any dataset like it"
        )
        parser.add_argument("--config", help="configuration to load (default: combined, where there is one)")
        parser.add_argument(
            "--speaker_independent", action="store_true", help="shared speakers are errors, whatever the dataset says"
        )
        parser.add_argument("--num_proc", type=int, metavar="N", help="worker processes")

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Prints the findings."""
        from ser_hf.flows.build import audit_dataset

        found = audit_dataset(
            args.dataset, args.config, speaker_independent=args.speaker_independent, num_proc=args.num_proc
        )
        say(json.dumps(found.to_list(_CASES), indent=2) if args.json else found.to_table())
        return 1 if found.errors else 0
