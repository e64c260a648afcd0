"""``ser-hf push``: a run, or a built dataset, to the Hub."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ._command import Command, say


class PushCommand(Command):
    """Uploads a run or a dataset."""

    name = "push"
    help = "send a run (checkpoint, extractor, card) or a built dataset to the Hugging Face Hub"
    epilog = "Recordings whose licence forbids it are not sent; their manifest is, see the dataset's card.\n"
    epilog += "The token is the one of `hf auth login` or of HF_TOKEN; HF_ENDPOINT names another Hub."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The folder and the repository."""
        parser.add_argument("folder", metavar="FOLDER", help="written by `ser-hf train` or `ser-hf build`")
        parser.add_argument("repo", metavar="REPO", help="repository on the Hub, USER/NAME")
        parser.add_argument("--private", action="store_true", help="make a new repository private")
        parser.add_argument("--licence", help="of a run's recordings of your own, where nothing has said it so far")

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Uploads and prints the address."""
        from ser_hf.reporting import is_dataset, push_dataset, push_run

        if is_dataset(args.folder):
            say(push_dataset(args.folder, args.repo, private=args.private))
        else:
            say(push_run(args.folder, args.repo, private=args.private, licence=args.licence))
        return 0
