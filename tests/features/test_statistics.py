"""Statistics of features over a training set."""

import datasets
import numpy as np
import pytest

from ser_hf.base.errors import SerHfError
from ser_hf.features import add_features
from ser_hf.features.statistics import feature_statistics
from ser_hf.models import SerFeatureExtractor

ROWS, FRAMES = 5, 7


def dataset(features: np.ndarray, **columns) -> datasets.Dataset:
    kinds = datasets.Features({"input_features": datasets.Array2D(features.shape[1:], "float32")})
    kinds |= {name: datasets.Value("int64") for name in columns}
    return datasets.Dataset.from_dict({"input_features": list(features), **columns}, features=datasets.Features(kinds))


def random(n: int = 23, offset: float = -1e3) -> np.ndarray:
    rng = np.random.default_rng(0)
    spread = 10.0 ** np.arange(-1, ROWS - 1)
    return (rng.normal(0, 1, (n, ROWS, FRAMES)) * spread[:, None] + offset).astype(np.float32)


@pytest.mark.parametrize("batch_size", [1, 4, 23, 100])
def test_equals_numpy(batch_size: int) -> None:
    features = random()
    found = feature_statistics(dataset(features, label=list(range(23))), batch_size=batch_size)
    assert found.clips == 23
    np.testing.assert_allclose(found.mean, features.mean(axis=(0, 2), dtype=np.float64), rtol=1e-9)
    np.testing.assert_allclose(found.std, features.std(axis=(0, 2), dtype=np.float64), rtol=1e-6)
    assert all(type(value) is float for value in found.mean + found.std)


def test_selected_rows_and_streams() -> None:
    rows = dataset(random())
    some = feature_statistics(rows.select(range(3, 20, 2)))
    np.testing.assert_allclose(some.mean, random()[3:20:2].mean(axis=(0, 2), dtype=np.float64), rtol=1e-9)
    assert feature_statistics(rows.to_iterable_dataset(), batch_size=6) == feature_statistics(rows, batch_size=6)


def test_a_row_that_never_changes_has_the_deviation_1() -> None:
    features = random()
    features[:, 2] = -80.1
    found = feature_statistics(dataset(features), batch_size=4)
    assert found.std[2] == 1
    assert found.mean[2] == pytest.approx(-80.1)
    assert 1 not in (found.std[1], found.std[3])


def test_the_training_features_become_standard(harmonised) -> None:
    plain = SerFeatureExtractor(duration=0.2, n_fft=256, hop_length=128, n_mels=16, normalisation="none")
    clips = harmonised.dataset.select(range(0, 60, 5))
    found = feature_statistics(add_features(clips, plain, device="cpu"))
    extractor = plain.with_normalisation("statistics", found.mean, found.std)
    normalised = feature_statistics(add_features(clips, extractor, device="cpu"))
    np.testing.assert_allclose(normalised.mean, 0, atol=1e-5)
    np.testing.assert_allclose(normalised.std, 1, atol=1e-5)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused(bad: float) -> None:
    features = random()
    features[9, 1, 1] = bad
    with pytest.raises(SerHfError, match="the clips 8 to 15 hold NaN or infinity"):
        feature_statistics(dataset(features), batch_size=8)


def test_rows_without_features_are_refused() -> None:
    rows = dataset(random(2))
    with pytest.raises(SerHfError, match=r"no 'input_features' column \(they have: label\); add_features"):
        feature_statistics(rows.rename_column("input_features", "label"))
    with pytest.raises(SerHfError, match="the training split is empty"):
        feature_statistics(rows.select([]))
    with pytest.raises(SerHfError, match="found a dictionary of train, test; give its training split"):
        feature_statistics(datasets.DatasetDict(train=rows, test=rows))
