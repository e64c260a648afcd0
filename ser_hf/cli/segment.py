"""``ser-hf segment``: emotions over the time of recordings of any length."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_hf.base.plain import one_line, plain_json

from ._command import Command, add_deterministic_argument, held, say
from ._heard import add_window_arguments, clock, columns, rated, window_options
from .predict import checkpoint_and_files

if TYPE_CHECKING:
    from ser_hf.inference import Listener, Timeline, Verdict


class SegmentCommand(Command):
    """Hears whole recordings, window by window."""

    name = "segment"
    help = "tell which emotion is where in audio files of any length"
    epilog = (
        "Formats: json (everything), csv, rttm (the label in the speaker's place), vtt (subtitles), audacity (label\n"
        "track, .txt), textgrid (Praat)."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The checkpoint, the files, and what becomes of the answer."""
        parser.usage = "ser-hf segment [options] [RUN] FILE [FILE ...]"
        parser.add_argument(
            "words", nargs="+", metavar="FILE", help="audio files; before them the checkpoint, as for ser-hf predict"
        )
        parser.add_argument(
            "--model", metavar="RUN", help="the checkpoint, all words being files; default: the one of ser_hf"
        )
        parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
        add_deterministic_argument(parser)
        add_window_arguments(parser)
        parser.add_argument(
            "--smoothing", type=int, metavar="N", help="windows of which the running mean is taken, odd (default 3)"
        )
        parser.add_argument(
            "--turns",
            metavar="FILE.rttm",
            help="who speaks when: every turn is heard for itself, and every speaker has a verdict; where turns "
            "overlap, the one who began last is taken to be heard",
        )
        parser.add_argument(
            "--output", metavar="X", help="a file, whose suffix is its format, or a folder for a file per recording"
        )
        parser.add_argument("--format", nargs="+", default=[], metavar="F", help="in the folder (default json)")
        parser.add_argument("--plot", metavar="FILE.png", help="draw the timeline, of one recording")

    def run(self, args: argparse.Namespace, overrides: Sequence[str]) -> int:
        """Prints the segments and the verdict of every file, and writes what is asked for."""
        with held(args):
            return self._run(args)

    def _run(self, args: argparse.Namespace) -> int:
        from ser_hf.base.errors import SerHfError
        from ser_hf.inference import open_model, write_timeline

        checkpoint, files = checkpoint_and_files(args.words, args.model, self.name)
        if args.plot and len(files) > 1:
            raise SerHfError(f"--plot draws one recording, found {len(files)}; name one")
        wanted = _outputs(files, args.output, args.format)
        model = open_model(checkpoint, args.device)
        for file, places in zip(files, wanted, strict=True):
            timeline = _heard(model, file, args)
            for form, place in places.items():
                write_timeline(timeline, place, form)
            if args.plot:
                from ser_hf.inference import plot_timeline

                plot_timeline(timeline, args.plot)
            if args.json:
                say(plain_json(timeline.as_dict()))
            else:
                for line in _table(timeline):
                    say(line)
        return 0


def _outputs(files: Sequence[str], output: str | None, forms: Sequence[str]) -> list[dict[str, Path]]:
    """Format -> file, for each recording; whatever cannot be is said before anything is heard."""
    from ser_hf.base.errors import SerHfError, unknown
    from ser_hf.inference.segment_formats import FORMATS, format_of

    for form in forms:
        if form not in FORMATS:
            raise SerHfError(unknown("format", form, FORMATS))
    if output is None:
        if forms:
            raise SerHfError("--format says how files are written; expected --output FILE or --output FOLDER with it")
        return [{} for _ in files]
    asked = None if Path(output).is_dir() else format_of(output)
    if asked or (Path(output).suffix and len(forms) == 1 and not Path(output).is_dir()):
        if len(files) > 1 or len(forms) > 1:
            raise SerHfError(f"{output} is one file, and there are several to write; expected --output FOLDER")
        return [{forms[0] if forms else str(asked): Path(output)}]
    places = [
        {form: Path(output, f"{Path(file).stem}{FORMATS[form][0]}") for form in forms or ["json"]} for file in files
    ]
    names = [Path(file).stem for file in files]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SerHfError(f"two recordings are called {twice}, and one would replace the other's file; run them apart")
    return places


def _heard(model: Listener, file: str, args: argparse.Namespace) -> Timeline:
    from tqdm import tqdm

    from ser_hf.inference import segment
    from ser_hf.inference.long import SMOOTHING

    with tqdm(desc=Path(file).name, unit=" s", leave=False, disable=True if args.quiet else None) as bar:
        return segment(
            model,
            file,
            turns=args.turns,
            smoothing=SMOOTHING if args.smoothing is None else args.smoothing,
            progress=lambda seconds: _move(bar, seconds),
            **window_options(args),
        )


def _move(bar: Any, seconds: float) -> None:
    bar.update(round(seconds - bar.n, 1))


def _table(timeline: Timeline) -> Iterator[str]:
    yield f"{one_line(timeline.name)}: {_words(timeline.verdict)}"
    for name, verdict in timeline.speakers.items():
        yield f"  {one_line(name)}: {_words(verdict)}"
    speakers = bool(timeline.speakers)
    rows = [
        [
            clock(one.start),
            clock(one.end),
            *([one.speaker or ""] if speakers else []),
            one.label,
            "" if one.confidence is None else f"{one.confidence:.3f}{rated(one.dimensions)}",
        ]
        for one in timeline.segments
    ]
    yield from columns(["start", "end", *(["speaker"] if speakers else []), "emotion", "confidence"], rows)


def _words(verdict: Verdict) -> str:
    spoken = "" if verdict.speech is None else f", {verdict.speech:.1f} s of speech"
    sure = "" if verdict.confidence is None else f" {verdict.confidence:.3f}"
    times = ", ".join(f"{label} {100 * share:.0f} %" for label, share in verdict.shares.items())
    times = f" ({times} of the time)" if times else ""
    return f"{verdict.label}{sure}{rated(verdict.dimensions)} in {verdict.seconds:.1f} s{spoken}{times}"
