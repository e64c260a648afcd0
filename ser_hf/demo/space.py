"""The page as a folder that is a Hugging Face Space, and starts as it stands."""

from __future__ import annotations

import importlib.metadata
import shutil
from pathlib import Path

import yaml
from packaging.requirements import Requirement

from ser_hf.base.atomic import write_text
from ser_hf.base.errors import SerHfError
from ser_hf.inference import DEFAULT, open_model
from ser_hf.inference.facts import ModelFacts, model_facts
from ser_hf.reporting.hub import files_to_push

from .words import score

_APP = '''"""The page: python app.py; or the Space that this folder is."""

from pathlib import Path

from ser_hf.demo import launch

MODEL = {model}

if __name__ == "__main__":
    launch({source}, tell=print)
'''
_EXTRAS = ("demo", "vad")


def write_space(source: str | Path, folder: str | Path) -> Path:
    """Writes README.md, app.py, requirements.txt, the package and the model into a folder.

    Args:
        source: a run folder or an ONNX file, which is copied; a repository on the Hub, which is named; or the default.
        folder: must not exist, or be empty.

    Raises:
        CheckpointError: the model cannot be loaded.
        SerHfError: the folder holds something, or this install does not know its requirements.
    """
    folder, model = Path(folder), open_model(source)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SerHfError(f"{folder} is there and not empty; name a new folder for the Space")
    facts = model_facts(source, model)
    requirements = "\n".join(_requirements()) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    skipped = ["__pycache__"] if str(source) == DEFAULT else ["__pycache__", "default_model"]
    shutil.copytree(Path(__file__).parents[1], folder / "ser_hf", ignore=shutil.ignore_patterns(*skipped))
    write_text(folder / "app.py", _app(source, folder))
    write_text(folder / "requirements.txt", requirements)
    write_text(folder / "README.md", _readme(facts))
    return folder


def _app(source: str | Path, folder: Path) -> str:
    """The program; what the model is made of is copied beside it."""
    path = Path(source)
    if str(source) == DEFAULT:
        return _APP.format(model='"default"', source="MODEL")
    if path.is_file():
        (folder / "model").mkdir()
        shutil.copyfile(path, folder / "model" / path.name)
        beside = path.with_name("results.json")
        if beside.is_file():
            shutil.copyfile(beside, folder / "model" / beside.name)
        return _APP.format(model=f'Path(__file__).parent / "model" / {path.name!r}', source="MODEL")
    if path.is_dir():
        for name, file in files_to_push(path).items():
            target = folder / "model" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        return _APP.format(model='Path(__file__).parent / "model"', source="MODEL")
    return _APP.format(model=repr(str(source)), source="MODEL")


def _requirements() -> list[str]:
    """What the package needs, and the extras of the page, at the versions this install allows."""
    try:
        told = importlib.metadata.requires("ser_hf") or []
    except importlib.metadata.PackageNotFoundError as error:
        raise SerHfError("this copy of ser_hf is not installed, so that its requirements are not known") from error
    found = []
    for line in told:
        one = Requirement(line)
        if one.name.startswith("gradio"):
            continue  # the Space brings it, at sdk_version
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in _EXTRAS):
            found.append(f"{one.name}{one.specifier}")
    return sorted(set(found))


def _readme(facts: ModelFacts) -> str:
    from ser_hf.reporting._licences import hub_licence

    about = {
        "title": "Emotion in speech",
        "emoji": "\N{STUDIO MICROPHONE}",
        "colorFrom": "blue",
        "colorTo": "indigo",
        "sdk": "gradio",
        "sdk_version": importlib.metadata.version("gradio"),
        "python_version": "3.11",
        "app_file": "app.py",
        "pinned": False,
        "short_description": "Which emotion a voice is called, and how surely",
        "tags": ["speech-emotion-recognition", "audio-classification", "ser_hf"],
    }
    licence = hub_licence(facts.licence) if facts.licence else None
    about |= {"license": licence} if licence else {}
    header = yaml.safe_dump(about, sort_keys=False, allow_unicode=True)
    lines = [f"---\n{header}---\n", "# Emotion in speech\n", f"A page to try the model {facts.name} of ser_hf.\n"]
    lines += [f"{score(facts.score)}.\n"] if facts.score else []
    lines += (
        [f"Licence of the recordings it learned from, and so of the model: {facts.licence}.\n"] if facts.licence else []
    )
    lines += ["## What it is not for\n", "\n".join(f"- {limit}" for limit in facts.limits) + "\n"]
    lines += ["## On your own machine\n", "```\npip install -r requirements.txt gradio\npython app.py\n```\n"]
    return "\n".join(lines)
