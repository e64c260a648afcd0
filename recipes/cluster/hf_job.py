# /// script
# requires-python = ">=3.11,<3.15"
# dependencies = ["ser_hf"]
# ///
r"""Trains a recipe in a job of Hugging Face, and sends the run to the Hub.

    hf jobs uv run --flavor l4x1 --secrets HF_TOKEN --timeout 6h \
        recipes/cluster/hf_job.py whisper_base_svm --repo USER/NAME --data USER/DATASET --protocol official

Without ``--data`` the corpora that the recipe names are downloaded, whose licences ``--accept_license`` accepts; those
that must be asked for are not, so build a dataset of them, push it in private, and name that. Corpora of a volume are
taken by ``--data_root /mnt``. Further options go to ``ser-hf train``. A version of ser_hf that is in no index of
packages is named before the script: ``--with git+https://...``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(words: Sequence[str] | None = None) -> int:
    """Makes the repository, fetches the corpora, trains and pushes; stops at the first that fails."""
    parser = argparse.ArgumentParser(description="Trains a recipe and sends the run to the Hub.")
    parser.add_argument("recipe", metavar="RECIPE", help="see `ser-hf list recipes`")
    parser.add_argument("--repo", required=True, metavar="USER/NAME", help="model repository, made if missing")
    parser.add_argument("--data", metavar="USER/DATASET", help="dataset of the Hub; by default corpora are downloaded")
    parser.add_argument("--accept_license", action="store_true", help="accept the licences of what is downloaded")
    parser.add_argument("--licence", help="of a dataset of your own that names none: without one, no run is sent")
    parser.add_argument("--public", action="store_true", help="make a new repository public")
    parser.add_argument("--work", default="job", metavar="DIR", help="folder for corpora and the run (default job)")
    args, options = parser.parse_known_args(words)

    from ser_hf.cli import main as ser_hf

    data, run = Path(args.work) / "data", Path(args.work) / "run"
    if not make_repository(args.repo, private=not args.public):
        return 2
    if args.data:
        options += ["--dataset", args.data]
    elif "--data_root" not in options:
        accepted = ["--accept_license"] if args.accept_license else []
        if code := ser_hf(["download", *corpora(args.recipe, options), "--data_root", str(data), *accepted]):
            return code
        options += ["--data_root", str(data)]
    if code := ser_hf(["train", args.recipe, *options, "--output_dir", str(run)]):
        return code
    licence = ["--licence", args.licence] if args.licence else []
    return ser_hf(["push", str(run), args.repo, *licence])


def make_repository(name: str, *, private: bool) -> bool:
    """Makes the repository now, so that a wrong token or name is told before the training and not after it."""
    from huggingface_hub import HfApi

    from ser_hf.base.hub_failures import HUB_FAILURES, reason

    failures: tuple[type[Exception], ...] = (*HUB_FAILURES, OSError, ValueError)
    try:
        HfApi().create_repo(name, private=private, exist_ok=True)
    except failures as error:
        sys.stderr.write(f"hf_job: {name} cannot be made: {reason(error, str(error))}\n")
        return False
    return True


def corpora(recipe: str, options: Sequence[str]) -> list[str]:
    """Those that the recipe or the options name."""
    from ser_hf.training import load_recipe

    return list(load_recipe(recipe, options).data.corpora)


if __name__ == "__main__":
    sys.exit(main())
