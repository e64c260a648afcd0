"""The extended Geneva minimalistic acoustic parameter set, by openSMILE where it is installed."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_hf.base.optional import require

EGEMAPS = 88
"""Functionals of eGeMAPSv02."""


def egemaps(waveform: NDArray[np.float32], sampling_rate: int) -> NDArray[np.float32]:
    """The functionals ``(88,)`` of a clip ``(n,)``.

    Eyben et al., IEEE Transactions on Affective Computing 2016, doi 10.1109/TAFFC.2015.2457417. openSMILE has a licence
    of its own, for research.

    Raises:
        SerHfError: openSMILE is not installed.
        ValueError: the clip is too short for it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about a short clip, which is said below
        values = _smile().process_signal(waveform, sampling_rate).to_numpy(np.float32)[0]
    if not np.isfinite(values).all():
        raise ValueError(f"a clip of {len(waveform) / sampling_rate:.3f} s without silence is too short for eGeMAPS")
    return np.ascontiguousarray(values)


@cache
def _smile() -> Any:
    opensmile = require("opensmile", "opensmile")
    return opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02, feature_level=opensmile.FeatureLevel.Functionals
    )
