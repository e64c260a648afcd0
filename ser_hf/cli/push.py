"""``ser-hf push``: a run to the Hub."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ._command import Command, say


class PushCommand(Command):
    """Uploads a run."""

    name = "push"
    help = "send a run's checkpoint, extractor and card to the Hugging Face Hub"
    epilog = "The token is the one of `hf auth login` or of HF_TOKEN; HF_ENDPOINT names another Hub."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The run and the repository."""
        parser.add_argument("run", metavar="RUN", help="run folder written by `ser-hf train`")
        parser.add_argument("repo", metavar="REPO", help="repository on the Hub, USER/NAME")
        parser.add_argument("--private", action="store_true", help="make a new repository private")

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Uploads and prints the address."""
        from ser_hf.reporting import push_run

        say(push_run(args.run, args.repo, private=args.private))
        return 0
