"""Files as telephones, browsers and cameras make them, encoded here by PyAV."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ..foreign_forms import FORMS, Form
from ..foreign_forms import encode as _encode


@pytest.fixture(scope="session")
def forms() -> dict[str, Form]:
    return FORMS


@pytest.fixture(scope="session")
def encode() -> Callable[..., bytes]:
    """Encodes float samples ``(n,)`` or ``(channels, n)`` as a kind of file."""
    pytest.importorskip("av")
    return _encode
