"""``ser-hf push``: a run, or a built dataset, to the Hub."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ser_hf.base.errors import SerHfError

from ._command import Command, answer, complain, say

if TYPE_CHECKING:
    from ser_hf.reporting import Push

_UNITS = ("B", "kB", "MB", "GB", "TB")


class PushCommand(Command):
    """Uploads a run or a dataset."""

    name = "push"
    help = "send a run (checkpoint, extractor, card) or a built dataset to the Hugging Face Hub"
    goes_on = "the same command sends what the Hub does not have"
    epilog = "Recordings whose licence forbids it are not sent; their manifest is, see the dataset's card.\n"
    epilog += "What the Hub has already is not sent again.\n"
    epilog += "The token is the one of `hf auth login` or of HF_TOKEN; HF_ENDPOINT names another Hub."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The folder, the repository, and how it is sent."""
        parser.add_argument("folder", metavar="FOLDER", help="written by `ser-hf train` or `ser-hf build`")
        parser.add_argument("repo", metavar="REPO", help="repository on the Hub, USER/NAME")
        parser.add_argument("--dry_run", action="store_true", help="list what would be sent; sends nothing, no token")
        parser.add_argument("--private", action="store_true", help="make a new repository private")
        parser.add_argument("--revision", metavar="BRANCH", help="branch, made if missing (default main)")
        parser.add_argument("--create_pr", action="store_true", help="as a pull request to a repository that is there")
        parser.add_argument("--licence", help="of a run's recordings of your own, where nothing has said it so far")
        parser.add_argument(
            "--benchmark",
            metavar="USER/DATASET:TASK",
            help="a benchmark on the Hub whose test set the run was scored on: its leaderboard gets the UAR",
        )

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Uploads and prints the address; a dry run prints the files."""
        from ser_hf.reporting import is_dataset, push_dataset, push_run

        how = {name: getattr(args, name) for name in ("private", "revision", "create_pr", "dry_run")}
        if not is_dataset(args.folder):
            push = push_run(args.folder, args.repo, licence=args.licence, benchmark=args.benchmark, **how)
        elif args.licence or args.benchmark:
            raise SerHfError(f"--licence and --benchmark are of a run; {args.folder} is a dataset")
        else:
            push = push_dataset(args.folder, args.repo, **how)
        if args.dry_run:
            tell_plan(args, push)
        else:
            tell_push(args, push)
        return 0


def tell_push(args: argparse.Namespace, push: Push) -> None:
    """The address for programs, and for people what was sent and what can be done with it."""
    answer(args, push.address, address=push.address, files=_facts(push), sent=[file.name for file in push.sent])
    if args.quiet:
        return
    if not push.sent:
        complain(f"nothing has changed: the Hub has all {len(push.files)} files, no commit was made")
        return
    kind = "" if push.repo_type == "model" else f" --repo-type {push.repo_type}"
    complain(f"{_counted(push)}\npull it: hf download {push.repo_id}{kind}")
    complain(f"remove it: hf repos delete {push.repo_id}{kind}")


def tell_plan(args: argparse.Namespace, push: Push) -> None:
    """Every file with its size and its state on the Hub."""
    if args.json:
        answer(args, "", address=push.address, files=_facts(push), sent=[], remark=push.remark)
        return
    width = max(len(file.name) for file in push.files)
    for file in push.files:
        say(f"{file.name:<{width}}  {size(file.size):>9}  {file.state}")
    say(f"{_counted(push)}, would go to {push.address}; nothing was sent")
    if push.remark:
        say(push.remark)


def _facts(push: Push) -> list[dict[str, object]]:
    return [{"name": file.name, "size": file.size, "state": file.state} for file in push.files]


def size(count: int) -> str:
    """A number of bytes for people.

    >>> size(7), size(1_234_567)
    ('7 B', '1.2 MB')
    """
    value, unit = float(count), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit else f"{count} B"


def _counted(push: Push) -> str:
    total, same = sum(file.size for file in push.sent), len(push.files) - len(push.sent)
    unchanged = f", {same} unchanged" if same else ""
    return f"{len(push.sent)} file{'' if len(push.sent) == 1 else 's'} ({size(total)}){unchanged}"
