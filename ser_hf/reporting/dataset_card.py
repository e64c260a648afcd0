"""The README.md of a built dataset; its YAML header is what lets ``load_dataset`` find the configs without a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ser_hf.base.atomic import write_text

from . import _wording
from ._licences import combined_licence, language_codes, size_category
from ._results import check_build, load_build
from ._templates import render
from .model_card import CARD, PLACEHOLDER

_MANIFEST = {"config_name": "manifest", "data_files": [{"split": "train", "path": "manifest.parquet"}]}


def render_dataset_card(build: Mapping[str, Any], published: Sequence[str] | None = None) -> str:
    """The dataset card as Markdown.

    Args:
        build: the content of build.json: corpora, scheme, classes, ledger, splits, split, audit and ``configs``, each
            with ``config_name``, ``data_files`` (``split`` and ``path`` relative to the card) and perhaps ``default``.
        published: for the Hub: the corpora whose recordings are there; of the others only the manifest is.

    Raises:
        SerHfError: ``build`` lacks a key.
    """
    from huggingface_hub import DatasetCardData

    checked = check_build(build)
    configs = _configs(checked["configs"], published)
    corpora, synthetic = checked["corpora"], _wording.is_synthetic(checked)
    licence = combined_licence(corpora)
    data = DatasetCardData(
        pretty_name=checked["name"],
        language=language_codes(corpora),
        license=licence.id,
        license_name=licence.name,
        license_link=licence.link,
        task_categories=["audio-classification"],
        size_categories=[size_category(sum(split["clips"] for split in checked["splits"].values()))],
        tags=["speech-emotion-recognition", "speech", "emotion", "ser_hf", *(["synthetic"] if synthetic else [])],
        configs=[_config(config) for config in configs],
        **_columns(configs, checked.get("features")),
    )
    closed = [c["name"] for c in corpora if not c["redistributable"]]
    context = {
        "b": {**checked, "configs": configs},
        "place": "path/to/this/folder" if published is None else PLACEHOLDER,
        "withheld": [] if published is None else [c["name"] for c in corpora if c["name"] not in published],
        "yaml": data.to_yaml(),
        "licence": licence,
        "synthetic": synthetic,
        "synthetic_warning": _wording.SYNTHETIC_WARNING,
        "mixed_warning": _wording.MIXED_WARNING,
        "closed": closed if published is None else [],
    }
    return render("dataset_card.md.jinja", context)


def write_dataset_card(folder: str | Path) -> Path:
    """Writes ``README.md`` of a built dataset from its ``build.json``.

    Raises:
        SerHfError: ``build.json`` is missing, is not JSON, or lacks a key.
    """
    path = Path(folder) / CARD
    write_text(path, render_dataset_card(load_build(folder)))
    return path


def _columns(configs: Sequence[Mapping[str, Any]], features: Sequence[Any] | None) -> dict[str, Any]:
    """``dataset_info``, by which the viewer plays the audio column and names the labels; the manifest has neither."""
    named = [config["config_name"] for config in configs if config is not _MANIFEST]
    if not named or not features:
        return {}
    return {"dataset_info": [{"config_name": name, "features": list(features)} for name in named]}


def _configs(configs: Sequence[Mapping[str, Any]], published: Sequence[str] | None) -> list[Mapping[str, Any]]:
    """Those that can be loaded: on the Hub not those of corpora that are not there, and the manifest."""
    if published is None:
        return list(configs)
    there = [c for c in configs if c["config_name"] in published or (published and c.get("default"))]
    return [*there, _MANIFEST]


def _config(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config with the keys the ``datasets`` library reads, in its order."""
    default = {"default": True} if config.get("default") else {}
    files = [{"split": f["split"], "path": f["path"]} for f in config["data_files"]]
    return {"config_name": config["config_name"], **default, "data_files": files}
