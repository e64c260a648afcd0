"""The collator augments rows for training, and nothing else."""

import numpy as np
import pytest
import torch

from ser_hf.errors import RecipeError
from ser_hf.training.arguments import AugmentArguments
from ser_hf.training.collator import SerCollator

CLASSES = 5
STRONG = AugmentArguments(
    mixup_alpha=0.4, time_masks=2, time_mask_width=8, frequency_masks=1, frequency_mask_width=5, time_shift=6
)


def rows(count: int = 6, *, training: bool) -> list[dict]:
    values = np.random.default_rng(0).normal(2, 0.1, (count, 12, 20)).astype(np.float32)  # never the 0 of a mask
    return [{"input_features": x, "labels": i % CLASSES, "training": training} for i, x in enumerate(values)]


def batch_of(augment: AugmentArguments, smoothing: float = 0.0, seed: int = 0, *, training: bool = True):
    return SerCollator(CLASSES, augment, smoothing, seed)(rows(training=training))


def stacked() -> torch.Tensor:
    return torch.from_numpy(np.stack([row["input_features"] for row in rows(training=True)]))


def test_rows_for_evaluation_are_stacked_and_keep_their_ids():
    batch = batch_of(STRONG, 0.3, training=False)
    assert set(batch) == {"input_features", "labels"}
    torch.testing.assert_close(batch["input_features"], stacked(), rtol=0, atol=0)
    assert batch["labels"].tolist() == [0, 1, 2, 3, 4, 0]
    assert batch["labels"].dtype == torch.int64


def test_without_strengths_training_rows_are_only_given_soft_labels():
    batch = batch_of(AugmentArguments())
    torch.testing.assert_close(batch["input_features"], stacked(), rtol=0, atol=0)
    torch.testing.assert_close(batch["labels"], torch.eye(CLASSES)[[0, 1, 2, 3, 4, 0]], rtol=0, atol=0)


def test_smoothed_labels_are_those_of_torch():
    logits = torch.randn(6, CLASSES, generator=torch.Generator().manual_seed(0))
    labels = batch_of(AugmentArguments(), 0.2)["labels"]
    ids = torch.tensor([0, 1, 2, 3, 4, 0])
    expected = torch.nn.functional.cross_entropy(logits, ids, label_smoothing=0.2)
    torch.testing.assert_close(torch.nn.functional.cross_entropy(logits, labels), expected)


def test_soft_labels_are_distributions_and_every_augmentation_shows():
    batch = batch_of(STRONG, 0.1)
    assert batch["input_features"].shape == (6, 12, 20)
    assert batch["labels"].shape == (6, CLASSES)
    torch.testing.assert_close(batch["labels"].sum(dim=1), torch.ones(6))
    assert (batch["labels"] > 0).all()
    assert ((batch["labels"] > 0.03).sum(dim=1) > 1).any(), "no labels were mixed"
    assert not torch.equal(batch["input_features"], stacked())


def test_masks_hide_whole_bands_and_no_more_than_asked():
    batch = batch_of(AugmentArguments(time_masks=1, time_mask_width=8))["input_features"]
    hidden = batch == 0
    assert torch.equal(hidden.any(dim=1), hidden.all(dim=1))
    assert 0 < hidden.all(dim=1).sum(dim=1).max() <= 8
    torch.testing.assert_close(batch[~hidden], stacked()[~hidden], rtol=0, atol=0)
    bands = batch_of(AugmentArguments(frequency_masks=1, frequency_mask_width=5))["input_features"] == 0
    assert torch.equal(bands.any(dim=2), bands.all(dim=2))
    assert 0 < bands.all(dim=2).sum(dim=1).max() <= 5


def test_a_shift_rolls_every_clip_on_its_own():
    shifted = batch_of(AugmentArguments(time_shift=6))["input_features"]
    steps = []
    for before, after in zip(stacked(), shifted, strict=True):
        steps += [n for n in range(-6, 7) if torch.equal(before.roll(n, dims=1), after)]
    assert len(steps) == 6
    assert len(set(steps)) > 1


def test_mixup_mixes_features_and_labels_by_the_same_share():
    batch, plain = batch_of(AugmentArguments(mixup_alpha=1.0)), stacked()
    for i, (mixed, label) in enumerate(zip(batch["input_features"], batch["labels"], strict=True)):
        share = label[i % CLASSES].item()
        assert 0.5 <= share <= 1
        rest = [mixed - share * plain[i] - (1 - share) * other for other in plain]
        assert min(r.abs().max() for r in rest) < 1e-5


def test_seeds_repeat_and_differ():
    first, again, other = batch_of(STRONG, seed=1), batch_of(STRONG, seed=1), batch_of(STRONG, seed=2)
    assert torch.equal(first["input_features"], again["input_features"])
    assert torch.equal(first["labels"], again["labels"])
    assert not torch.equal(first["input_features"], other["input_features"])


def test_batches_differ_from_one_to_the_next_whatever_the_global_seed():
    collator = SerCollator(CLASSES, STRONG)
    batches = []
    for _ in range(2):
        torch.manual_seed(0)
        np.random.seed(0)
        batches.append(collator(rows(training=True))["input_features"])
    assert not torch.equal(*batches)


def test_the_rows_themselves_are_left_alone():
    given = rows(training=True)
    SerCollator(CLASSES, STRONG)(given)
    for row, untouched in zip(given, rows(training=True), strict=True):
        np.testing.assert_array_equal(row["input_features"], untouched["input_features"])


@pytest.mark.parametrize("name", list(vars(AugmentArguments())))
def test_a_negative_strength_is_refused(name):
    with pytest.raises(RecipeError, match=rf"{name} is -1; expected 0 \(off\) or more"):
        SerCollator(CLASSES, AugmentArguments(**{name: -1}))


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_label_smoothing_is_a_share(share):
    with pytest.raises(RecipeError, match=r"label_smoothing_factor is .*; expected 0 or more and below 1"):
        SerCollator(CLASSES, AugmentArguments(), share)
