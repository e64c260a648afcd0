"""The sentences and number formats that plots, report and cards share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SEPARATOR = " · "
SYNTHETIC = "synthetic voices"
SYNTHETIC_WARNING = (
    "The voices were made by a synthesiser, not recorded from people. A score on them shows that the whole chain "
    "works; it says nothing about how well emotions are recognised in real speech."
)
MIXED_WARNING = (
    "Speakers are on both sides of the split: voices of the test set are also heard in training. Such a score says how "
    "well emotions of known speakers are recognised; expect a clearly lower one for new speakers, and compare it only "
    "with other speaker-mixed scores."
)
ADAPTED = "uses unlabelled speech of the test speaker"
METRICS = {
    "accuracy": "Accuracy (WA)",
    "uar": "UAR",
    "macro_f1": "Macro F1",
    "weighted_f1": "Weighted F1",
}
"""Key in ``results["test"]["metrics"]`` -> its name in the field."""

MEANINGS = {
    "accuracy": "share of clips classified correctly",
    "uar": "recall averaged over the classes",
    "macro_f1": "F1 averaged over the classes",
    "weighted_f1": "F1 averaged over the clips",
}


def percent(value: float) -> str:
    """A share as a percentage with one decimal.

    >>> percent(0.7134)
    '71.3'
    """
    return f"{100 * value:.1f}"


def interval(bounds: Sequence[float] | None) -> str:
    """A 95 % interval in per cent, or a dash where there is none.

    >>> interval([0.6512, 0.77]), interval(None)
    ('65.1–77.0', '–')
    """
    return "–" if bounds is None else f"{percent(bounds[0])}–{percent(bounds[1])}"


def number(value: float) -> str:
    """A score that is no share, with three decimals.

    >>> number(0.71342)
    '0.713'
    """
    return f"{value:.3f}"


def span(bounds: Sequence[float] | None) -> str:
    """Its 95 % interval, or a dash where there is none.

    >>> span([0.6512, 0.77]), span(None)
    ('0.651–0.770', '–')
    """
    return "–" if bounds is None else f"{number(bounds[0])}–{number(bounds[1])}"


def count(number: int, noun: str) -> str:
    """A number with its noun, e.g. ``"1,536 clips"`` or ``"1 speaker"``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def speakers(number: int) -> str:
    """How many speakers there are, where that is known.

    >>> speakers(1), speakers(28), speakers(0)
    ('1 speaker', '28 speakers', 'unknown speakers')
    """
    return count(number, "speaker") if number else "unknown speakers"


def flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Nested settings under dotted names.

    >>> flat({"seed": 42, "data": {"scheme": "8class"}})
    {'seed': 42, 'data.scheme': '8class'}
    """
    found: dict[str, Any] = {}
    for key, value in settings.items():
        inner = flat(value) if isinstance(value, Mapping) and value else None
        found |= {key: value} if inner is None else {f"{key}.{name}": item for name, item in inner.items()}
    return found


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(59.94), duration(812.3), duration(7260)
    ('59.9 s', '13 min 32 s', '2 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def sides(split: Mapping[str, Any]) -> str:
    """``speaker-independent`` or ``speaker-mixed``, as computed from the split, or that nobody knows."""
    if split.get("training_unknown"):
        return "training data unknown"
    return "speaker-independent" if split["speaker_independent"] else "speaker-mixed"


def protocol(split: Mapping[str, Any]) -> str:
    """The rule of the split with its fold, e.g. ``"emobox split, fold 3"``."""
    fold = split.get("fold")
    return f"{split['protocol']} split" + ("" if fold is None else f", fold {fold}")


def is_synthetic(build: Mapping[str, Any]) -> bool:
    """Whether any voice of a built dataset is made up."""
    return bool(build.get("synthetic")) or any(c.get("synthetic") for c in build["corpora"])


def corpora_names(corpora: Sequence[Mapping[str, Any]]) -> str:
    """Corpora in a row, e.g. ``"ravdess + savee"``."""
    return " + ".join(c["name"] for c in corpora)


def absent(results: Mapping[str, Any]) -> str | None:
    """A sentence on the classes without a test clip, None where every class has one."""
    from ser_hf.evaluation import absent_classes  # loads more than a figure needs

    return absent_classes(results["test"])


def calibrated(results: Mapping[str, Any]) -> str | None:
    """Sentences on how far the probabilities can be believed, None where that was not computed.

    >>> block = {"n_bins": 15, "temperature": 1.4, "ece": 0.044, "ece_before": 0.114}
    >>> calibrated({"test": {"calibration": block}})
    'Expected calibration error (ECE, 15 bins) 4.4 %, 11.4 % before the logits were divided by a temperature of 1.40, \
fitted on validation.'
    """
    test = results["test"]
    if "calibration" not in test:
        return None
    found = test["calibration"]
    said = f"Expected calibration error (ECE, {found['n_bins']} bins) {100 * found['ece']:.1f} %"
    if several := found.get("temperatures"):
        fitted = f"temperatures of {min(several):.2f} to {max(several):.2f}, one for each fold"
    else:
        fitted = f"a temperature of {found['temperature']:.2f}"
    if found["temperature"] == 1:
        said += "; no temperature was fitted"
    else:
        said += f", {100 * found['ece_before']:.1f} % before the logits were divided by {fitted}, fitted on validation"
    half = next((row for row in test.get("selective", {}).get("curve", ()) if 0.45 <= row["coverage"] <= 0.55), None)
    if half is None:
        return f"{said}."
    right = f"{100 * half['accuracy']:.1f} % are right"
    return f"{said}. Of the surest half of the clips, at {half['threshold']:.2f} or more, {right}."


def heading(results: Mapping[str, Any]) -> str:
    """What every figure of a run says about itself in one line."""
    test, lacking = results["test"], absent(results)
    parts = [
        results["model"]["model_type"],
        corpora_names(results["data"]["corpora"]),
        protocol(results["split"]),
        f"{count(test['n_clips'], 'test clip')}, {speakers(test['n_speakers'])}",
        sides(results["split"]),
        *([lacking] if lacking else []),
        *([SYNTHETIC] if results["synthetic"] else []),
        *([results["caveat"]] if results.get("caveat") else []),
    ]
    return SEPARATOR.join(parts)


def heard(point: Mapping[str, Any]) -> str:
    """How much of a speaker was heard, of a point of ``test.adaptation``.

    >>> heard({"seconds": 5, "clips_used_mean": 1.96, "seconds_used_mean": 7.2})
    '5 s (2.0 clips)'
    >>> heard({"seconds": 0}), heard({"seconds": "all", "clips_used_mean": 60.0, "seconds_used_mean": 222.6})
    ('nothing', 'all, 223 s (60.0 clips)')
    """
    if point["seconds"] == 0:
        return "nothing"
    length = f"all, {point['seconds_used_mean']:.0f}" if point["seconds"] == "all" else point["seconds"]
    return f"{length} s ({point['clips_used_mean']:.1f} clips)"


def worst_confusions(results: Mapping[str, Any], limit: int = 10) -> list[dict[str, Any]]:
    """The pairs of classes confused most often: true class, predicted class, clips, share of the true class."""
    classes, confusion = results["data"]["classes"], results["test"]["confusion"]
    pairs = [
        {"true": classes[i], "predicted": classes[j], "clips": n, "share": n / sum(row)}
        for i, row in enumerate(confusion)
        for j, n in enumerate(row)
        if i != j and n > 0
    ]
    return sorted(pairs, key=lambda p: (-p["clips"], -p["share"], p["true"], p["predicted"]))[:limit]


def confident_errors(rows: Sequence[Mapping[str, Any]], limit: int = 10) -> list[dict[str, Any]]:
    """The wrong predictions the model was surest of, surest first."""
    errors = [
        {**row, "probability": row[f"p_{row['predicted']}"], "label_probability": row[f"p_{row['label']}"]}
        for row in rows
        if row["label"] != row["predicted"]
    ]
    return sorted(errors, key=lambda e: (-e["probability"], e["clip_id"]))[:limit]
