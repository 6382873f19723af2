"""All formats for CI systems, by the name that `mvc gate --format` takes."""

from __future__ import annotations

from collections.abc import Callable

from mvc.quality.finding import Gated
from mvc.quality.render.formats import github, gitlab, in_toto, junit, openmetrics, sarif

RENDER: dict[str, Callable[[Gated], str]] = {
    "github": github.render,
    "sarif": sarif.render,
    "junit": junit.render,
    "gitlab": gitlab.render,
    "openmetrics": openmetrics.render,
    "in-toto": in_toto.render,
}
