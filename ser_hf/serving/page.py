"""The page of the server: its OpenAPI description for people, without a script and without a request elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import jinja2

from ser_hf.inference import ModelFacts

from .stream import EXPECTED


def page(described: Mapping[str, Any], facts: ModelFacts) -> str:
    """HTML of a description.

    Args:
        described: by OpenAPI.
        facts: of the model.
    """
    routes = [
        {"method": method.upper(), "path": path, **about}
        for path, methods in described["paths"].items()
        for method, about in methods.items()
    ]
    return _template().render(info=described["info"], routes=routes, facts=facts, stream=EXPECTED)


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ser_hf.serving"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("docs.html")
