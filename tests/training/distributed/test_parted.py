"""FSDP trains as one process does, resumes, and leaves whole weights."""

import json

import numpy as np
import pytest


@pytest.mark.slow
def test_parted_weights_are_trained_resumed_and_put_together(launch, steps, tmp_path):
    launch(2, "parted.py", str(tmp_path))
    main, other = (json.loads((tmp_path / f"parted{process}.json").read_text()) for process in range(2))
    alone = {"stock": steps.train(steps.stock_trainer(tmp_path / "alone", 1))}
    alone["whole"] = steps.train(steps.trainer_of(tmp_path / "one", 44, steps.RESUMED, 1)[0])
    alone["resumed"] = alone["whole"]
    for name, expected in alone.items():
        np.testing.assert_allclose(main[name]["losses"], expected["losses"], rtol=0, atol=1e-4)
        np.testing.assert_allclose(main[name]["weights"], expected["weights"], rtol=0, atol=1e-4)
        assert main[name]["numbers_here"] + other[name]["numbers_here"] == len(expected["weights"])
        assert other[name]["weights"] != expected["weights"]
