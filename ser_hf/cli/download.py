"""``ser-hf download``: corpora with a public address, to their folders."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ser_hf.base.errors import SerHfError

from ._command import Command, answer, complain, say

if TYPE_CHECKING:
    from ser_hf.corpora import Corpus
    from ser_hf.download import Downloaded

_MOST_FILES = 10


class DownloadCommand(Command):
    """Fetches corpora."""

    name = "download"
    shows_bars = True
    help = "fetch corpora that have a public address, and say how to get the others"
    goes_on = "the same command goes on where it stopped"
    epilog = (
        "Files are kept in the folder SER_HF_CACHE (default ~/.cache/ser_hf), checked against the published checksum\n"
        "and unpacked into DIR/NAME. A transfer that was cut goes on where it stopped. Licences are accepted once."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Corpora and place."""
        parser.add_argument("corpora", nargs="+", metavar="NAME", help="see `ser-hf list corpora`")
        parser.add_argument("--data_root", metavar="DIR", help="folder that holds, or will hold, one folder per corpus")
        parser.add_argument("--accept_license", action="store_true", help="accept the licences of these corpora")
        parser.add_argument("--force", action="store_true", help="fetch and unpack again what was fetched before")
        parser.add_argument(
            "--dry_run", "--list", action="store_true", help="only show addresses, sizes, checksums and licences"
        )

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Fetches one corpus after the other; one that fails does not keep the others from coming."""
        from ser_hf.corpora import CORPORA
        from ser_hf.download import download_corpus

        corpora = [CORPORA[name] for name in dict.fromkeys(args.corpora)]
        if args.dry_run:
            told = {corpus.name: _describe(corpus) for corpus in corpora}
            answer(args, "\n\n".join(told.values()), **told)
            return 0
        if args.data_root is None:
            raise SerHfError("pass --data_root DIR: the corpora are put in DIR/NAME")
        root = Path(args.data_root)
        _agree(corpora, root, accept_all=args.accept_license, force=args.force)
        there: list[str] = []
        for corpus in corpora:
            try:
                done = download_corpus(corpus, root, force=args.force)
                answer(args, _report(done), **_facts(done))
            except SerHfError as error:
                complain(f"ser-hf {self.name}: {error}")
            else:
                there.append(corpus.name)
        if there and not args.json:
            words = ["--corpora", *there, "--data_root", str(root), "--protocol", "random", "--output", f"{root}-built"]
            say(f"next: ser-hf build {shlex.join(words)}")
        return 0 if len(there) == len(corpora) else 2


def _agree(corpora: list[Corpus], root: Path, *, accept_all: bool, force: bool) -> None:
    """Shows the licences that were not accepted before, and has them accepted before anything is fetched.

    Raises:
        SerHfError: one is not accepted.
    """
    from ser_hf.base.cache_folder import cache_folder
    from ser_hf.download import accept, find_folder, is_accepted, licence_missing

    cache = cache_folder()
    wanted = [c for c in corpora if c.downloads and (force or not find_folder(c, root)[1])]
    missing = [corpus for corpus in wanted if not is_accepted(corpus, cache)]
    for corpus in missing:
        say(_describe(corpus) + "\n")
    if missing and not accept_all and not sys.stdin.isatty():
        raise SerHfError(licence_missing(missing))
    for corpus in missing:
        if not accept_all:
            sys.stdout.write(f"Do you accept {corpus.licence} for {corpus.name}? [y/N] ")
            sys.stdout.flush()
            if sys.stdin.readline().strip().lower() not in ("y", "yes"):
                raise SerHfError(licence_missing([corpus]))
        accept(corpus, cache)


def _describe(corpus: Corpus) -> str:
    lines = [
        f"{corpus.name}: {corpus.title}",
        f"  licence   {corpus.licence}, {corpus.licence_url}",
        f"  cite      {corpus.citation}",
        f"  home      {corpus.homepage}",
    ]
    for download in corpus.downloads[:_MOST_FILES]:
        size = f"{download.size} bytes" if download.size is not None else "size unknown"
        checks = ((kind, getattr(download, kind)) for kind in ("sha256", "md5"))
        check = next((f"{kind} {digest}" for kind, digest in checks if digest), "no checksum published")
        lines += [f"  file      {download.filename}: {size}, {check}", f"            {download.url}"]
    if len(corpus.downloads) > _MOST_FILES:
        total = sum(download.size or 0 for download in corpus.downloads)
        lines.append(f"            ... {len(corpus.downloads)} files, {total} bytes in all")
    if not corpus.downloads:
        lines += [f"  by hand   {corpus.how_to_get}", f"  names     like {corpus.names}"]
    return "\n".join(lines)


def _facts(done: Downloaded) -> dict[str, object]:
    there = {"corpus": done.corpus.name, "folder": done.folder, "fetched": done.fetched}
    return {**there, "clips": len(done.scan.clips), "remarks": list(done.remarks())}


def _report(done: Downloaded) -> str:
    official = sum(done.corpus.expected.values())
    what = f"{len(done.scan.clips)} clips" + (f" of {official}" if official else "")
    first = f"{done.corpus.name}: {'fetched to' if done.fetched else 'is there already,'} {done.folder}: {what}"
    return "\n".join([first, *(f"  {line}" for line in done.remarks())])
