"""The page, by Gradio."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import gradio as gr

from ser_hf.audio._foreign import load_codecs
from ser_hf.base.errors import SerHfError
from ser_hf.inference import ModelFacts

from . import words
from .hearing import Hearing, Shown

STYLE = """
.ser-head h1 { font-size: 1.6rem; margin: 0 0 .2rem; }
.ser-head p { margin: .1rem 0; }
.ser-small { font-size: .88rem; opacity: .8; }
.ser-answer { padding: .7rem .9rem; border-radius: 8px; border: 1px solid var(--border-color-primary); }
.ser-label { font-size: 1.5rem; font-weight: 650; margin-right: .7rem; }
.ser-warning { color: #b45309; margin-top: .2rem; }
.ser-error { border-color: #d55e00; color: #b13c00; overflow-wrap: anywhere; }
.dark .ser-error, .dark .ser-warning { color: #ffb27a; }
.ser-about ul { padding-left: 1.2rem; list-style: disc; }
.ser-bars { padding-top: 2.4rem !important; }
.ser-bars h2 { display: none; }
.ser-bars * { font-family: inherit; }
.ser-bars .bar { background: #0072b2 !important; }
.ser-picture { padding-top: 2.5rem !important; background: white !important; }
.ser-segments { overflow-x: auto; max-height: 22rem; overflow-y: auto; }
.ser-segments table { width: 100%; border-collapse: collapse; font-size: .92rem; }
.ser-segments table, .ser-segments tr { border: 0 !important; }
.ser-segments th { text-align: left; font-weight: 600; }
.ser-segments td, .ser-segments th {
  padding: .25rem .8rem .25rem 0 !important; border: 0 !important;
  border-bottom: 1px solid var(--border-color-primary) !important; white-space: nowrap;
}
.ser-segments .ser-silent { opacity: .55; }
.gradio-container { width: 100% !important; max-width: min(1120px, 100vw) !important; margin: 0 auto !important; }
.gradio-container .main, .gradio-container .contain, .contain > .column { min-width: 0 !important; }
"""
_HOUR = 3600


def theme() -> Any:
    """Gradio's look with fonts that every machine has: others would be fetched from elsewhere."""
    fonts = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
    return gr.themes.Soft(primary_hue="blue", neutral_hue="slate", font=fonts, font_mono=["ui-monospace", "monospace"])


def make_page(hearing: Hearing, facts: ModelFacts) -> Any:
    """The page of a model.

    Args:
        hearing: hears.
        facts: of the model.
    """
    limits = hearing.limits
    with gr.Blocks(title="Emotion in speech", analytics_enabled=False, delete_cache=(_HOUR // 2, _HOUR)) as page:
        gr.HTML(words.head(facts), padding=False)
        with gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=300):
                sound = gr.Audio(
                    sources=["upload", "microphone"], type="filepath", label="Recording", buttons=["download"]
                )
                button = gr.Button("Listen", variant="primary")
                gr.HTML(
                    f'<p class="ser-small">Up to {limits.max_seconds:g} s, {limits.max_megabytes:g} MB: WAV, FLAC, '
                    f"OGG, Opus, MP3, AIFF{', M4A, WebM, AMR, films' if load_codecs() else ''}.</p>",
                    padding=False,
                )
            with gr.Column(scale=1, min_width=300):
                answer = gr.HTML(words.answer(None), padding=False)
                bars = gr.Label(label="Probability", num_top_classes=len(facts.labels), elem_classes="ser-bars")
        timeline = _picture("Emotion over time")
        segments = gr.HTML(visible=False, padding=False)
        with gr.Row(equal_height=False):
            clip = _picture("Waveform and spectrogram")
            attention = _picture("Where the model looked")
        with gr.Accordion("About the model: what it is for, and what not", open=False):
            gr.HTML(words.about(facts))
        shown = [answer, bars, clip, attention, timeline, segments]

        def listen(file: str | None) -> list[Any]:
            return _listen(hearing, file)

        gr.on([button.click, sound.upload, sound.stop_recording], listen, sound, shown, api_name="classify")
        sound.clear(lambda: _nothing(words.answer(None)), None, shown, api_visibility="private")
    return page


def _picture(label: str) -> gr.Image:
    return gr.Image(
        label=label,
        visible=False,
        interactive=False,
        type="filepath",
        elem_classes="ser-picture",
        buttons=["fullscreen"],
    )


def _listen(hearing: Hearing, file: str | None) -> list[Any]:
    """What each part of the page shows of a recording; a line where it cannot be used."""
    if file is None:
        return _nothing(words.answer(None, "There is no recording yet: say something, or take a file."))
    folder = Path(tempfile.mkdtemp(prefix="ser_hf_"))
    try:
        found = hearing.hear(Path(file), words.file_name(file), folder)
        return _all_of(found)
    except SerHfError as error:
        return _nothing(words.answer(None, str(error)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _all_of(found: Shown) -> list[Any]:
    return [
        words.answer(found),
        found.classes or None,
        _shown_picture(found.clip),
        _shown_picture(found.attention),
        _shown_picture(found.timeline),
        gr.update(value=words.segments(found), visible=bool(found.segments)),
    ]


def _shown_picture(file: Path | None) -> Any:
    """A picture that is read now: its folder is removed when the page has its copy."""
    if file is None:
        return gr.update(value=None, visible=False)
    from PIL import Image

    with Image.open(file) as image:
        image.load()
        return gr.update(value=image.convert("RGB"), visible=True)


def _nothing(line: str) -> list[Any]:
    hidden = gr.update(value=None, visible=False)
    return [line, None, hidden, hidden, hidden, hidden]
