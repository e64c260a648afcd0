"""Several checkpoints that answer as one: the mean of their class probabilities (Hansen & Salamon 1990)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from huggingface_hub import snapshot_download
from transformers import PreTrainedConfig, PreTrainedModel, SequenceFeatureExtractor

from ser_hf.base.atomic import replacing
from ser_hf.base.errors import CheckpointError
from ser_hf.base.finite import check_outputs
from ser_hf.base.hub_failures import HUB_FAILURES, cause, one_line, reason
from ser_hf.baselines import Baseline
from ser_hf.embeddings import ENCODER

MEMBERS = "members"
"""Folder of the copies, which are called 1, 2, 3 ..."""
_CHECKPOINT = ("config.json", "model.safetensors", "model.skops", "preprocessor_config.json")
_FILES = (*_CHECKPOINT, "recipe.yaml", "*.py", f"{ENCODER}/*.json", f"{ENCODER}/*.safetensors")
"""What is copied of a member: its checkpoint, how it was trained, the code that travels with it, a probe's encoder."""
_BROKEN: tuple[type[Exception], ...] = (OSError, ValueError, TypeError, AttributeError, RecursionError, *HUB_FAILURES)


class EnsembleConfig(PreTrainedConfig):
    """Configuration of `Ensemble`.

    Attributes:
        members: names, for people; their checkpoints are the folders ``members/1``, ``members/2`` ...
        shares: how much each member counts, positive; only their proportions matter.
    """

    model_type = "ensemble"

    members: list[str] | tuple[str, ...] = ()
    shares: list[float] | tuple[float, ...] = ()

    def __post_init__(self, **kwargs: Any) -> None:
        """Checks the shares.

        Raises:
            ValueError: they are not one positive number for every member.
        """
        super().__post_init__(**kwargs)  # type: ignore[no-untyped-call]
        shares: list[Any] = list(self.shares)  # of a file, that may say anything
        numbers = [s for s in shares if isinstance(s, int | float) and 0 < s < float("inf")]
        if not len(numbers) == len(shares) == len(self.members):
            raise ValueError(
                f"shares are {shares}, expected one positive number for each of {len(self.members)} members"
            )


class Ensemble:
    """The mean of what several models say, weighted by their shares; see `EnsembleConfig`.

    The arithmetic mean of probabilities: Hansen and Salamon, IEEE PAMI 1990, doi 10.1109/34.58871. An ensemble gives
    classes and no ratings.

    Args:
        config: names, shares and classes.
        members: networks and baselines of these classes, in evaluation mode.
    """

    library = "ser_hf"
    kind = "an ensemble"

    def __init__(self, config: EnsembleConfig, members: Sequence[PreTrainedModel | Baseline]) -> None:
        self.config = config
        self.members = tuple(members)

    @property
    def one_speaker_a_call(self) -> bool:
        """Whether the clips of one call must be of one speaker."""
        return any(isinstance(member, Baseline) and member.one_speaker_a_call for member in self.members)

    def num_parameters(self) -> int:
        """Those of all members together."""
        return sum(member.num_parameters() for member in self.members)

    def mean(self, shares: Sequence[np.ndarray]) -> np.ndarray:
        """Probabilities ``(N, C)`` of every member -> those of the ensemble ``(N, C)``."""
        return mean_probabilities(shares, self.config.shares)


Model = PreTrainedModel | Baseline | Ensemble
"""What `load_checkpoint` gives."""

Load = Callable[[Path, str], tuple[Any, SequenceFeatureExtractor]]
"""`load_checkpoint` itself, which loads an ensemble by its members."""


class EnsembleExtractor(SequenceFeatureExtractor):
    """What every member takes of a clip, as ``1.input_features``, ``2.input_values`` ...

    Args:
        extractors: of the members, all of one sampling rate.
    """

    def __init__(self, extractors: Sequence[SequenceFeatureExtractor] = ()) -> None:
        rates = sorted({extractor.sampling_rate for extractor in extractors})
        if len(rates) != 1:
            found = " and ".join(map(str, rates)) or "none"
            raise CheckpointError(f"the members of an ensemble hear clips at one sampling rate, found {found} Hz")
        super().__init__(feature_size=len(extractors), sampling_rate=rates[0], padding_value=0.0)
        self.extractors = tuple(extractors)

    def __call__(self, waveform: np.ndarray, sampling_rate: int, return_tensors: str = "np") -> dict[str, Any]:
        """Gives the inputs of one clip ``(n,)``, each with a first axis of one."""
        return {
            f"{number}.{name}": values
            for number, extractor in enumerate(self.extractors, 1)
            for name, values in extractor(  # type: ignore[operator]
                waveform, sampling_rate=sampling_rate, return_tensors=return_tensors
            ).items()
        }


def mean_probabilities(probabilities: Sequence[np.ndarray], shares: Sequence[float]) -> np.ndarray:
    """The mean of probabilities ``(N, C)``, weighted by shares, in float64.

    Raises:
        NotFiniteError: one member's are NaN or infinite.
    """
    for number, said in enumerate(probabilities, 1):
        check_outputs(f"probabilities of member {number}", np.asarray(said))
    mean: np.ndarray = np.average(np.stack(probabilities).astype(np.float64), axis=0, weights=shares)
    return mean


def inputs_of_member(inputs: Sequence[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    """The part of the inputs of `EnsembleExtractor` that is one member's, under its own names."""
    mark = f"{number}."
    return [{k.removeprefix(mark): v for k, v in row.items() if k.startswith(mark)} for row in inputs]


def class_names(config: PreTrainedConfig) -> list[str]:
    """The classes of a checkpoint by their ids."""
    return [str(name) for _, name in sorted((int(i), name) for i, name in (config.id2label or {}).items())]


def model_type(source: str | Path) -> str | None:
    """What config.json of a folder, or of a repository on the Hub, says that it holds; None where it says nothing."""
    try:
        config, _ = PreTrainedConfig.get_config_dict(source)
        return str(config.get("model_type"))
    except _BROKEN:  # TypeError and AttributeError: JSON that is no object
        return None  # the loader of networks says what is wrong


def combined(config: EnsembleConfig, sources: Sequence[Path], load: Load) -> tuple[Ensemble, EnsembleExtractor]:
    """Loads checkpoints as the members of an ensemble.

    Args:
        config: with the classes all must have.
        sources: folders, in the order of ``config.members``.
        load: `load_checkpoint`.

    Raises:
        CheckpointError: one cannot be loaded, is an ensemble itself or has other classes; sampling rates differ.
    """
    members, extractors, classes = [], [], class_names(config)
    for source in sources:
        if model_type(source) == EnsembleConfig.model_type:
            raise CheckpointError(f"{source} is an ensemble itself; name the runs it was made of")
        model, extractor = load(source, "cpu")
        if class_names(model.config) != classes:
            raise CheckpointError(
                f"{source} knows the classes {', '.join(class_names(model.config))}; the ensemble's are "
                f"{', '.join(classes)}, and all members must have the same in the same order"
            )
        members.append(model)
        extractors.append(extractor)
    return Ensemble(config, members), EnsembleExtractor(extractors)


def load_ensemble(source: str | Path, load: Load) -> tuple[Ensemble, EnsembleExtractor]:
    """Loads what `save_ensemble` wrote, from a folder or a repository on the Hub; see `combined`."""
    try:
        if not Path(source).is_dir():
            wanted = ["config.json", *(f"{MEMBERS}/*/{name}" for name in _CHECKPOINT)]  # * is also */encoder
            source = snapshot_download(str(source), allow_patterns=wanted)
        config = EnsembleConfig.from_pretrained(source)
    except _BROKEN as error:
        raise CheckpointError(f"{source} cannot be loaded: {reason(error, one_line(error))}") from cause(error)
    return combined(config, [Path(source, MEMBERS, str(i)) for i in range(1, len(config.shares) + 1)], load)


def save_ensemble(config: EnsembleConfig, sources: Sequence[Path], folder: Path) -> None:
    """Writes config.json, and copies the checkpoints of the members into ``members/1``, ``members/2`` ..."""
    for number, source in enumerate(sources, 1):
        for file in sorted(file for pattern in _FILES for file in source.glob(pattern)):
            with replacing(folder / MEMBERS / str(number) / file.relative_to(source)) as temporary:
                shutil.copyfile(file, temporary)
    config.save_pretrained(folder)
