"""``ser-hf predict``: emotions of audio files."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ._command import Command, known_fields, say

if TYPE_CHECKING:
    from ser_hf.inference.classifier import Heard


class PredictCommand(Command):
    """Classifies recordings."""

    name = "predict"
    help = "classify audio files by a checkpoint"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The checkpoint and the files."""
        parser.add_argument("checkpoint", metavar="RUN", help="run folder, repository on the Hub, or ONNX file")
        parser.add_argument("files", nargs="+", metavar="FILE", help="audio files")
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

        classifier = SerClassifier.from_pretrained(args.checkpoint, device=args.device)

        def classify(files: list[str]) -> list[Heard]:
            if args.plot:
                plot_attention(classifier, files[0], args.plot, args.max_duration)
            return classifier.listen(files, max_duration=args.max_duration)

        if args.plot and len(args.files) > 1:
            raise SerHfError(f"--plot draws one clip, found {len(args.files)}; name one")
        calls = [args.files] if classifier.one_speaker_a_call else [[name] for name in args.files]
        for name, (scores, ratings) in (pair for files in calls for pair in zip(files, classify(files), strict=True)):
            if args.json:
                rated = {"dimensions": ratings} if ratings else {}
                say(json.dumps({"file": name, "scores": scores, **rated}))
            else:
                best = list(scores.items())[: args.top]
                rated_words = "".join(f"; {target} {value:.2f}" for target, value in ratings.items())
                say(f"{name}: " + ", ".join(f"{label} {score:.3f}" for label, score in best) + rated_words)
        return 0
