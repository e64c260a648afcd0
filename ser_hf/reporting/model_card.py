"""The README.md of a checkpoint: what it is, how it was scored, how to load it, whose recordings it learned from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_hf.base.atomic import write_text

from . import _wording
from ._licences import Licence, combined_licence, language_codes
from ._results import check_results, load_results
from ._templates import render

if TYPE_CHECKING:
    from huggingface_hub import EvalResult, ModelCardData

CARD = "README.md"
PLACEHOLDER = "USER/REPOSITORY"
"""Stands for the repository in the loading examples until ``push_run`` knows its name."""

PROBE = "EmbeddingExtractor"
"""Feature extractor of a model on a frozen encoder, which only ser_hf loads."""
_OURS = ("SerFeatureExtractor", "WhisperSerFeatureExtractor", PROBE)

_HUB_METRICS: Mapping[str, tuple[str, dict[str, str]]] = {
    "accuracy": ("accuracy", {}),
    "uar": ("recall", {"average": "macro"}),
    "macro_f1": ("f1", {"average": "macro"}),
    "weighted_f1": ("f1", {"average": "weighted"}),
}
"""Metric of results.json -> metric of the Hub with its arguments."""


_SAMPLE = {
    "src": "https://cdn-media.huggingface.co/speech_samples/sample1.flac",
    "example_title": "LibriSpeech (CC BY 4.0): read speech, not acted",
}
"""For the widget of the model's page, which runs stock models only: the Hub's own sample; a run sends no recordings."""
_DATASETS = "https://huggingface.co/datasets/"


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """Everything a model card says.

    The first group of fields is computed from a run, the second is the same for every model of this package.
    """

    results: Mapping[str, Any]
    name: str
    title: str
    licence: Licence
    languages: list[str] | None
    corpora: list[str]
    has_figure: bool = False

    library_name: str = "transformers"
    pipeline_tag: str = "audio-classification"
    tags: tuple[str, ...] = ("speech-emotion-recognition", "speech", "emotion", "ser_hf")
    metrics: tuple[str, ...] = ("accuracy", "recall", "f1")

    @classmethod
    def from_results(cls, results: Mapping[str, Any], has_figure: bool = False) -> ModelCard:
        """Computes the card of a run.

        Args:
            results: the content of results.json.
            has_figure: whether ``plots/confusion_matrix.png`` lies beside the card.

        Raises:
            SerHfError: ``results`` lacks a key.
        """
        checked = check_results(results)
        corpora, scheme = checked["data"]["corpora"], checked["data"]["scheme"]
        synthetic = f", {_wording.SYNTHETIC}" if checked["synthetic"] else ""
        return cls(
            results=checked,
            name=checked["name"],
            title=f"{checked['model']['model_type']} on {_wording.corpora_names(corpora)}, {scheme}{synthetic}",
            licence=combined_licence(corpora),
            languages=language_codes(corpora),
            corpora=[c["name"] for c in corpora],
            has_figure=has_figure,
            library_name=_library(checked),
        )

    @property
    def stock(self) -> bool:
        """Whether the model is one of transformers' own, which loads without any code of ours."""
        return self.results["features"].get("feature_extractor_type", _OURS[0]) not in _OURS

    @property
    def probe(self) -> bool:
        """Whether it hears by a frozen encoder, which lies beside it."""
        return bool(self.results["features"].get("feature_extractor_type") == PROBE)

    @property
    def one_speaker_a_call(self) -> bool:
        """Whether it compares the clips of one call with each other."""
        said = self.library_name == "sklearn" and "caveat" in self.results
        return bool(self.results["model"].get("one_speaker_a_call", said))

    @property
    def alone(self) -> bool:
        """Whether it loads where ser_hf is not installed: it is a stock one, or its code lies beside the weights."""
        return self.stock or bool(self.results["model"].get("own_code", True))

    @property
    def base_model(self) -> str | None:
        """The repository on the Hub it was started from or hears by, for the model tree there, if any."""
        base = str(self.results["model"].get("base_model") or self.results["features"].get("encoder") or "")
        return base if base.count("/") == 1 else None

    @property
    def datasets(self) -> list[str]:
        """The corpora; those that were read from the Hub by their repositories there, so that it links them."""
        return [_repository(corpus) or corpus["name"] for corpus in self.results["data"]["corpora"]]

    def data(self) -> ModelCardData:
        """The metadata of the card, for the Hub's search and for ``model-index``."""
        from huggingface_hub import ModelCardData

        tags = [*self.tags, self.results["model"]["model_type"], _wording.sides(self.results["split"])]
        return ModelCardData(
            model_name=self.name,
            language=self.languages,
            license=self.licence.id,
            license_name=self.licence.name,
            license_link=self.licence.link,
            library_name=self.library_name,
            pipeline_tag=self.pipeline_tag,
            tags=[*tags, "synthetic"] if self.results["synthetic"] else tags,
            datasets=self.datasets,
            metrics=list(self.metrics),
            base_model=self.base_model,
            eval_results=self.eval_results(),
            **self._more(),
        )

    def _more(self) -> dict[str, Any]:
        """What the Hub reads and huggingface_hub has no names for."""
        relation = {"base_model_relation": "finetune"} if self.base_model else {}
        return {**relation, "widget": [dict(_SAMPLE)]} if self.stock else {**relation}

    def eval_results(self) -> list[EvalResult]:
        """One entry for each metric, under a dataset name that says which test set was scored."""
        from huggingface_hub import EvalResult

        split, scheme = self.results["split"], self.results["data"]["scheme"]
        synthetic = [_wording.SYNTHETIC] if self.results["synthetic"] else []
        caveat = [self.results["caveat"]] if self.results.get("caveat") else []
        dataset = [" + ".join(self.corpora), scheme, _wording.protocol(split), _wording.sides(split)]
        return [
            EvalResult(
                task_type=self.pipeline_tag,
                task_name="Speech emotion recognition",
                dataset_type=self.datasets[0] if len(self.datasets) == 1 else "-".join(self.corpora),
                dataset_name=", ".join([*dataset, *synthetic, *caveat]),
                dataset_config=scheme,
                dataset_split="test",
                metric_type=_HUB_METRICS[key][0],
                metric_name=name,
                metric_value=round(self.results["test"]["metrics"][key]["value"], 4),
                metric_args=_HUB_METRICS[key][1] or None,
            )
            for key, name in _wording.METRICS.items()
        ]

    def render(self) -> str:
        """The whole card as Markdown with its YAML header."""
        context = {
            "card": self,
            "r": self.results,
            "yaml": self.data().to_yaml(),
            "repo": PLACEHOLDER,
            "adapted": _wording.ADAPTED,
            "metric_names": _wording.METRICS,
            "mixed_warning": _wording.MIXED_WARNING,
            "absent": _wording.absent(self.results),
            "calibrated": _wording.calibrated(self.results),
            "synthetic_warning": _wording.SYNTHETIC_WARNING,
        }
        return render("model_card.md.jinja", context)


def _repository(corpus: Mapping[str, Any]) -> str | None:
    """The dataset repository on the Hub that a corpus was read from, or whose homepage it is."""
    name = str(corpus["homepage"] or "").removeprefix(_DATASETS).rstrip("/")
    return name if str(corpus["homepage"] or "").startswith(_DATASETS) and name.count("/") == 1 else None


def _library(results: Mapping[str, Any]) -> str:
    """What loads the checkpoint: ``transformers``, ``sklearn``, or nothing but ``ser_hf``."""
    library = str(results["model"].get("library", "transformers"))
    probe = results["features"].get("feature_extractor_type") == PROBE
    return "ser_hf" if probe and library == "transformers" else library


def write_model_card(run_dir: str | Path) -> Path:
    """Writes ``README.md`` of a run folder from its ``results.json``.

    Raises:
        SerHfError: ``results.json`` is missing, is not JSON, or lacks a key.
    """
    run_dir = Path(run_dir)
    card = ModelCard.from_results(load_results(run_dir), (run_dir / "plots" / "confusion_matrix.png").is_file())
    write_text(run_dir / CARD, card.render())
    return run_dir / CARD
