"""The collator augments rows for training, and nothing else."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_hf.augment import brighten, erase, mask, mixup, rotate, shift, spectrogram_noise, stretch, zoom
from ser_hf.base.errors import RecipeError
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
    return SerCollator(CLASSES, augment, smoothing, seed=seed)(rows(training=training))


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
    told = rows(training=True)
    SerCollator(CLASSES, AugmentArguments(**ALL))(told)
    for row, untouched in zip(told, rows(training=True), strict=True):
        np.testing.assert_array_equal(row["input_features"], untouched["input_features"])


NUMBERS = [name for name, value in vars(AugmentArguments()).items() if not isinstance(value, list)]


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
@pytest.mark.parametrize("name", NUMBERS)
def test_a_negative_or_endless_strength_is_refused(name, value):
    with pytest.raises(RecipeError, match=rf"{name} is {value}; expected 0 \(off\) or more"):
        SerCollator(CLASSES, AugmentArguments(**{name: value}))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("time_stretch", 1, " and below 1"),
        ("frequency_stretch", 1.0, " and below 1"),
        ("erasing", 1.1, ", up to 1"),
        ("rotation", 181, ", up to 180"),
    ],
)
def test_a_strength_beyond_its_range_is_refused(name, value, said):
    with pytest.raises(RecipeError, match=f"{name} is {value}; expected 0 .off. or more{said}"):
        SerCollator(CLASSES, AugmentArguments(**{name: value}))


ALL = {
    "time_stretch": 0.2,
    "frequency_stretch": 0.1,
    "time_shift": 6,
    "rotation": 5.0,
    "zoom": 0.1,
    "brightness": 0.2,
    "spectrogram_noise": 0.05,
    "frequency_masks": 1,
    "time_masks": 1,
    "erasing": 0.5,
    "mixup_alpha": 0.4,
    "cutmix_alpha": 1.0,
}


@settings(max_examples=60)
@given(chosen=st.sets(st.sampled_from(list(ALL))), seed=st.integers(0, 2**32 - 1), smoothing=st.floats(0, 0.9))
def test_whatever_is_on_shapes_types_and_the_sum_of_labels_stay_and_a_seed_repeats(chosen, seed, smoothing):
    augment = AugmentArguments(**{name: ALL[name] for name in chosen})
    batch, again = (batch_of(augment, smoothing, seed) for _ in range(2))
    assert (batch["input_features"].shape, batch["input_features"].dtype) == ((6, 12, 20), torch.float32)
    assert torch.isfinite(batch["input_features"]).all()
    torch.testing.assert_close(batch["labels"].sum(dim=1), torch.ones(6))
    assert all(torch.equal(batch[key], again[key]) for key in batch)
    if not chosen:
        assert torch.equal(batch["input_features"], stacked())
    evaluated = batch_of(augment, smoothing, seed, training=False)
    assert torch.equal(evaluated["input_features"], stacked())
    assert evaluated["labels"].tolist() == [0, 1, 2, 3, 4, 0]


@pytest.mark.parametrize("name", list(ALL))
def test_every_strength_shows(name):
    found = [batch_of(AugmentArguments(**{name: ALL[name]}), seed=seed)["input_features"] for seed in range(3)]
    assert all(not torch.equal(batch, stacked()) for batch in found)


def test_what_is_done_has_its_order():
    found = batch_of(AugmentArguments(**{name: value for name, value in ALL.items() if name != "cutmix_alpha"}))
    rng, widths, changed = np.random.default_rng(0), AugmentArguments(), []
    for features in stacked().split(1):  # each on its own
        features = stretch(features, 0.2, 0.1, rng)
        features = zoom(rotate(shift(features, 6, rng), 5, rng), 0.1, rng)
        features = spectrogram_noise(brighten(features, 0.2, rng), 0.05, rng)
        features = mask(features, 1, 1, widths.frequency_mask_width, rng)
        changed.append(erase(mask(features, 2, 1, widths.time_mask_width, rng), 0.5, rng))
    features = torch.cat(changed)
    features, labels = mixup(features, torch.eye(CLASSES)[[0, 1, 2, 3, 4, 0]], 0.4, rng)
    assert torch.equal(found["input_features"], features)
    assert torch.equal(found["labels"], labels)


def test_with_mixup_and_cutmix_every_batch_gets_one_of_the_two_evenly():
    collator = SerCollator(CLASSES, AugmentArguments(mixup_alpha=1.0, cutmix_alpha=1.0))
    pasted = []
    for _ in range(200):
        features = collator(rows(training=True))["input_features"]
        known = torch.isin(features, stacked()).flatten(1).all(dim=1)
        pasted.append(bool(known.all()))
    assert np.mean(pasted) == pytest.approx(0.5, abs=0.1)


class Rows(torch.utils.data.Dataset):
    def __len__(self) -> int:
        return 24

    def __getitem__(self, index: int) -> dict:
        return rows(training=True)[0] | {"row": index}


def epochs(seed: int, *, persistent: bool) -> list[list[torch.Tensor]]:
    """Two epochs of four equal batches, shared by two workers."""
    torch.manual_seed(seed)
    collator = SerCollator(CLASSES, AugmentArguments(spectrogram_noise=0.1), seed=seed)
    loader = torch.utils.data.DataLoader(
        Rows(), batch_size=6, collate_fn=collator, num_workers=2, persistent_workers=persistent
    )
    found = []
    for epoch in range(2):
        collator.set_epoch(epoch)
        found.append([batch["input_features"] for batch in loader])
    return found


@pytest.mark.parametrize("persistent", [False, True])
def test_neither_workers_nor_epochs_repeat_each_other_and_a_seed_does(persistent):
    first, again, other = (epochs(seed, persistent=persistent) for seed in (1, 1, 2))
    batches = [batch for epoch in (*first, *other) for batch in epoch]
    assert len({tuple(batch.flatten().tolist()) for batch in batches}) == 16
    assert all(torch.equal(a, b) for one, two in zip(first, again, strict=True) for a, b in zip(one, two, strict=True))


def test_a_batch_is_the_same_whichever_worker_makes_it_and_whatever_came_before():
    numbered = [row | {"row": i} for i, row in enumerate(rows(training=True))]
    collator, other = (SerCollator(CLASSES, STRONG, seed=3) for _ in range(2))
    collator(numbered[:3])
    assert torch.equal(collator(numbered)["input_features"], other(numbered)["input_features"])
    other.set_epoch(1)
    assert not torch.equal(collator(numbered)["input_features"], other(numbered)["input_features"])
    assert not torch.equal(collator(numbered)["input_features"][1:], collator(numbered[1:])["input_features"])


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_label_smoothing_is_a_share(share):
    with pytest.raises(RecipeError, match=r"label_smoothing_factor is .*; expected 0 or more and below 1"):
        SerCollator(CLASSES, AugmentArguments(), share)


def cross_entropy(logits: torch.Tensor, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """The loss as the models compute it."""
    return torch.nn.functional.cross_entropy(logits, batch["labels"])


VOTES = [0.1, 0.0, 0.6, 0.3, 0.0]


def with_votes(*, training: bool = True) -> list[dict]:
    """Six rows, of which the second has votes and the third knows that it has none."""
    told = rows(training=training)
    told[1]["label_distribution"], told[2]["label_distribution"] = VOTES, None
    return told


def test_votes_take_the_place_of_the_label_in_training_where_there_are_some():
    labels = SerCollator(CLASSES)(with_votes())["labels"]
    expected = torch.eye(CLASSES)[[0, 1, 2, 3, 4, 0]]
    expected[1] = torch.tensor(VOTES)
    assert torch.equal(labels, expected)
    assert SerCollator(CLASSES)(with_votes(training=False))["labels"].tolist() == [0, 1, 2, 3, 4, 0]


def test_votes_are_smoothed_mixed_and_weighed_as_other_labels():
    labels = SerCollator(CLASSES, label_smoothing=0.2)(with_votes())["labels"]
    torch.testing.assert_close(labels[1], 0.8 * torch.tensor(VOTES) + 0.2 / CLASSES)
    labels = SerCollator(CLASSES, AugmentArguments(mixup_alpha=0.4))(with_votes())["labels"]
    torch.testing.assert_close(labels.sum(dim=1), torch.ones(6))
    weights = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    labels = SerCollator(CLASSES, class_weights=weights)(with_votes())["labels"]
    shares = torch.tensor(VOTES, dtype=torch.float64) * torch.from_numpy(weights)
    torch.testing.assert_close(labels[1].double() / labels[1].sum(), shares / shares.sum())


LOGITS = torch.randn(6, CLASSES, generator=torch.Generator().manual_seed(0))
WEIGHTS = np.array([0.3, 1.0, 2.5, 0.7, 0.0])


def test_class_weights_give_the_loss_that_torch_weighs():
    batch = SerCollator(CLASSES, class_weights=WEIGHTS)(rows(training=True))
    ids = torch.tensor([0, 1, 2, 3, 4, 0])
    expected = torch.nn.functional.cross_entropy(LOGITS, ids, weight=torch.tensor(WEIGHTS, dtype=torch.float32))
    torch.testing.assert_close(cross_entropy(LOGITS, batch), expected)


@pytest.mark.parametrize("augment", [AugmentArguments(), AugmentArguments(mixup_alpha=0.4)])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_class_weights_weigh_soft_labels_too(augment, smoothing):
    plain = batch_of(augment, smoothing)["labels"].double().numpy()
    batch = SerCollator(CLASSES, augment, smoothing, WEIGHTS)(rows(training=True))
    logits = LOGITS.double().numpy()
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    expected = -(WEIGHTS * plain * log_probabilities).sum() / (WEIGHTS * plain).sum()
    assert cross_entropy(LOGITS, batch).item() == pytest.approx(expected, rel=1e-5)


def test_equal_class_weights_change_nothing_and_their_scale_neither():
    plain = batch_of(STRONG, 0.1)
    for scale in (1.0, 7.0):
        batch = SerCollator(CLASSES, STRONG, 0.1, np.full(CLASSES, scale))(rows(training=True))
        torch.testing.assert_close(batch["labels"], plain["labels"])
        assert torch.equal(batch["input_features"], plain["input_features"])


def test_rows_for_evaluation_are_not_weighed():
    batch = SerCollator(CLASSES, class_weights=WEIGHTS)(rows(training=False))
    assert batch["labels"].tolist() == [0, 1, 2, 3, 4, 0]


def numbered(*numbers: int) -> list[dict]:
    told = rows(training=True)
    return [told[i] | {"row": i} for i in numbers]


def test_what_chance_decides_for_a_clip_depends_on_no_neighbour():
    alone = {name: value for name, value in ALL.items() if name not in ("mixup_alpha", "cutmix_alpha")}
    collator = SerCollator(CLASSES, AugmentArguments(**alone), seed=5)
    together = collator(numbered(0, 1, 2, 3, 4, 5))["input_features"]
    apart = [collator(numbered(4, 1))["input_features"], collator(numbered(5))["input_features"]]
    torch.testing.assert_close(torch.cat(apart), together[[4, 1, 5]], rtol=0, atol=1e-6)
    collator.set_epoch(1)
    assert not torch.equal(collator(numbered(4))["input_features"][0], together[4])


def test_a_clip_that_is_drawn_again_is_another_one():
    augment = AugmentArguments(time_masks=2, time_mask_width=8, brightness=0.3)
    twice = SerCollator(CLASSES, augment, repeats=True)(numbered(2, 2, 3))["input_features"]
    assert not torch.equal(twice[0], twice[1])
    again = SerCollator(CLASSES, augment, repeats=True)(numbered(2, 2, 3))["input_features"]
    torch.testing.assert_close(again, twice, rtol=0, atol=0)


def test_a_batch_says_what_it_weighs():
    weights = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    batch = SerCollator(CLASSES, class_weights=weights)(rows(training=True))
    assert batch["batch_weight"].item() == pytest.approx(1 + 2 + 3 + 4 + 5 + 1)
    assert set(SerCollator(CLASSES)(rows(training=True))) == {"input_features", "labels"}
