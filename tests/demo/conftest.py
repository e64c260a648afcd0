"""The page's tests need Gradio, and what it brings."""

import pytest

for module in ("gradio", "gradio_client", "httpx"):
    pytest.importorskip(module)
