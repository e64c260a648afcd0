"""``ser-hf predict``: emotions of audio files."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ._command import Command, known_fields, say

if TYPE_CHECKING:
    from ser_hf.inference.classifier import Heard


DEFAULT = "default"
"""As ``--model``: the model that comes with the package."""


def checkpoint_and_files(words: Sequence[str], model: str | None = None) -> tuple[str, list[str]]:
    """Which checkpoint to use, `DEFAULT` for that of the package, on which files.

    Args:
        words: files, and before them perhaps a checkpoint: the first word, unless it has the suffix of audio and is no
            folder.
        model: the checkpoint, where it was named apart; all words are files then.

    Raises:
        SerHfError: there is a checkpoint and no file, or nobody can say which of both a file is.

    >>> checkpoint_and_files(["a.wav", "b.flac"]), checkpoint_and_files(["runs/one", "a.wav"])
    (('default', ['a.wav', 'b.flac']), ('runs/one', ['a.wav']))
    """
    from ser_hf.base.errors import SerHfError
    from ser_hf.base.pickles import SUFFIXES
    from ser_hf.corpora import AUDIO_EXTENSIONS

    if model is not None:
        return model, [*words]
    first, *files = words
    path = Path(first)
    if path.suffix.lower() in AUDIO_EXTENSIONS and not path.is_dir():
        return DEFAULT, [*words]
    if path.is_file() and path.suffix.lower() not in (".onnx", *SUFFIXES):
        raise SerHfError(
            f"{first} is a file, and by its name neither audio (.wav, .flac, ...) nor an .onnx model; if it is a "
            f"recording, name the model as well: --model {DEFAULT}, or --model RUN"
        )
    if not files:
        raise SerHfError(
            f"{first} is taken for a checkpoint, and no audio file follows; expected ser-hf predict {first} FILE, or "
            "ser-hf predict FILE for the model that comes with ser_hf"
        )
    return first, files


class PredictCommand(Command):
    """Classifies recordings."""

    name = "predict"
    help = "classify audio files by a checkpoint"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The checkpoint and the files."""
        parser.usage = "ser-hf predict [options] [RUN] FILE [FILE ...]"
        parser.add_argument(
            "words",
            nargs="+",
            metavar="FILE",
            help="audio files; before them the checkpoint: run folder, repository on the Hub, or ONNX file. Where the "
            "first word has the suffix of audio (.wav, .flac, ...) and is no folder, the model that comes with ser_hf "
            "is used",
        )
        parser.add_argument(
            "--model", metavar="RUN", help=f"the checkpoint, all words being files; {DEFAULT}: the one of ser_hf"
        )
        parser.add_argument("--top", type=int, default=3, help="classes shown per file (default 3)")
        parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
        parser.add_argument("--plot", metavar="FILE.png", help="draw the attention over the spectrogram, of one clip")
        longest = known_fields()["max_duration"].default
        parser.add_argument(
            "--max_duration", type=float, default=longest, metavar="S", help="seconds; a longer recording is refused"
        )
        parser.add_argument("--json", action="store_true", help="print JSON with every class, one line per file")

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Prints the scores of every file."""
        from ser_hf.base.errors import SerHfError
        from ser_hf.inference import SerClassifier, plot_attention

        checkpoint, files = checkpoint_and_files(args.words, args.model)
        if checkpoint == DEFAULT:
            classifier = SerClassifier.default(args.device)
        else:
            classifier = SerClassifier.from_pretrained(checkpoint, device=args.device)

        def classify(files: list[str]) -> list[Heard]:
            if args.plot:
                plot_attention(classifier, files[0], args.plot, args.max_duration)
            return classifier.listen(files, max_duration=args.max_duration)

        if args.plot and len(files) > 1:
            raise SerHfError(f"--plot draws one clip, found {len(files)}; name one")
        calls = [files] if classifier.one_speaker_a_call else [[name] for name in files]
        for name, (scores, ratings) in (pair for call in calls for pair in zip(call, classify(call), strict=True)):
            if args.json:
                rated = {"dimensions": ratings} if ratings else {}
                say(json.dumps({"file": name, "scores": scores, **rated}))
            else:
                best = list(scores.items())[: args.top]
                rated_words = "".join(f"; {target} {value:.2f}" for target, value in ratings.items())
                say(f"{name}: " + ", ".join(f"{label} {score:.3f}" for label, score in best) + rated_words)
        return 0
