"""``ser-hf predict``: emotions of audio files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_hf.base.plain import one_line, plain_json

from ._command import Command, add_deterministic_argument, complain, held, known_fields, say
from ._heard import add_sureness_arguments
from ._predict_batch import EPILOG, add_batch_arguments, named, run_batch

if TYPE_CHECKING:
    from ser_hf.inference import Heard

_LONG = 1.5
"""Windows of the model: of what is longer, much was not heard."""


def checkpoint_and_files(
    words: Sequence[str], model: str | None = None, command: str = "predict"
) -> tuple[str, list[str]]:
    """Which checkpoint to use, `DEFAULT` for that of the package, on which recordings.

    Args:
        words: what names recordings, and before them perhaps a checkpoint: the first word, unless it can only be
            recordings: audio, a table, a pattern, a folder with such in it and no weights.
        model: the checkpoint, where it was named apart; all words are files then.
        command: that errors name.

    Raises:
        SerHfError: there is a checkpoint and no file, or nobody can say which of both a file is.

    >>> checkpoint_and_files(["a.wav", "b.flac"]), checkpoint_and_files(["runs/one", "a.wav"])
    (('default', ['a.wav', 'b.flac']), ('runs/one', ['a.wav']))
    """
    from ser_hf.base.errors import SerHfError
    from ser_hf.base.pickles import SUFFIXES
    from ser_hf.inference import DEFAULT
    from ser_hf.inference.batch import is_source

    if model is not None:
        return model, [*words]
    first, *files = words
    path = Path(first)
    if is_source(first):
        return DEFAULT, [*words]
    if path.is_file() and path.suffix.lower() not in (".onnx", *SUFFIXES):
        raise SerHfError(
            f"{first} is a file, and by its name neither audio (.wav, .flac, ...) nor an .onnx model; if it is a "
            f"recording, name the model as well: --model {DEFAULT}, or --model RUN"
        )
    if not files:
        raise SerHfError(
            f"{first} is taken for a checkpoint, and no audio file follows; expected ser-hf {command} {first} FILE, or "
            f"ser-hf {command} FILE for the model that comes with ser_hf"
        )
    return first, files


class PredictCommand(Command):
    """Classifies recordings."""

    name = "predict"
    help = "classify audio files by a checkpoint"
    epilog = EPILOG

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The checkpoint and the files."""
        parser.usage = "ser-hf predict [options] [RUN] FILE [FILE ...] [--output OUT]"
        parser.add_argument(
            "words",
            nargs="+",
            metavar="FILE",
            help="audio files, folders, patterns in quotes, tables with paths (.csv, .tsv, .jsonl, .xlsx), Parquet, "
            "datasets (hf://USER/NAME); before them the checkpoint: run folder, repository on the Hub, or ONNX file. "
            "Where the first word can only be recordings, the model that comes with ser_hf is used",
        )
        parser.add_argument(
            "--model", metavar="RUN", help="the checkpoint, all words being files; default: the one of ser_hf"
        )
        parser.add_argument("--top", type=int, default=3, help="classes shown per file (default 3)")
        parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
        parser.add_argument("--plot", metavar="FILE.png", help="draw the attention over the spectrogram, of one clip")
        add_deterministic_argument(parser)
        longest = known_fields()["max_duration"].default
        parser.add_argument(
            "--max_duration", type=float, default=longest, metavar="S", help="seconds; a longer recording is refused"
        )
        add_sureness_arguments(parser)
        add_batch_arguments(parser)

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Prints the scores of every recording, or writes them."""
        with held(args):
            return self._run(args)

    def _run(self, args: argparse.Namespace) -> int:
        from ser_hf.base.errors import SerHfError
        from ser_hf.inference import open_model

        checkpoint, files = checkpoint_and_files(args.words, args.model)
        if args.output:
            return run_batch(args, checkpoint, files)
        if args.plot and len(files) > 1:
            raise SerHfError(f"--plot draws one clip, found {len(files)}; name one")
        model = open_model(checkpoint, args.device)
        if args.plot:
            from ser_hf.inference import plot_attention

            plot_attention(model, files[0], args.plot, args.max_duration)
        options = {"max_duration": args.max_duration, "min_confidence": args.min_confidence, "speech": args.vad}
        items = named(files)
        for call in [[*items]] if model.one_speaker_a_call else ([item] for item in items):
            for item, heard in zip(call, model.listen([item.given() for item in call], **options), strict=True):
                say(_json(item.shown, heard) if args.json else _words(item.shown, heard, args.top))
                if heard.seconds > _LONG * model.window and not args.quiet:
                    complain(
                        f"{one_line(item.shown)} is {heard.seconds:.0f} s long, of which the middle {model.window:g} s "
                        "were heard; ser-hf segment hears all of it"
                    )
        return 0


def _json(name: str, heard: Heard) -> str:
    found: dict[str, Any] = {"file": name, "label": heard.label, "scores": heard.classes}
    if heard.dimensions:
        found["dimensions"] = heard.dimensions
    found |= {"seconds": round(heard.seconds, 3), "speech": heard.speech and round(heard.speech, 3)}
    return plain_json({**found, "warning": heard.warning} if heard.warning else found)


def _words(name: str, heard: Heard, top: int) -> str:
    from ser_hf.inference import UNSURE

    name = one_line(name)
    best = ", ".join(f"{label} {share:.3f}" for label, share in list(heard.classes.items())[:top])
    rated = "".join(f"; {target} {value:.2f}" for target, value in heard.dimensions.items())
    if heard.label == UNSURE:
        why = heard.warning or f"below {heard.sure_from:g}"
        return f"{name}: {UNSURE} ({why}); {best}{rated}"
    return f"{name}: {best}{rated}"
