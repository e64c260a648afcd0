import subprocess
import sys

import pytest

import ser_hf

HEAVY = ("numpy", "torch", "transformers", "datasets", "librosa", "timm", "huggingface_hub")


def test_importing_the_package_is_quick_and_brings_nothing_heavy():
    code = (
        "import sys, time; start = time.perf_counter(); import ser_hf; took = time.perf_counter() - start; "
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]; sys.exit(f'{{took:.2f}} s, {{heavy}}' "
        "if took > 0.5 or heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ser_hf.__all__)
def test_every_public_name_is_there(name):
    assert getattr(ser_hf, name) is not None
    assert name in dir(ser_hf)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'SerCorpora'"):
        _ = ser_hf.SerCorpora
