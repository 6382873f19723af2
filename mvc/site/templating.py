"""Jinja, of the extra `site`: it is imported only here. All that is shown is escaped, and made visible."""

from __future__ import annotations

import base64
from functools import cache
from importlib.resources import files
from typing import Any

from mvc.errors import UsageError
from mvc.objects.visible import size, visible
from mvc.packages import install
from mvc.quality.words import rounded
from mvc.site.charts import day
from mvc.site.facts import Plot
from mvc.site.summary import slug

TEMPLATES = "templates"


def render(template: str, values: dict[str, Any]) -> bytes:
    """Return what a template makes of values; raises as `require` does."""
    text: str = _environment().get_template(template).render(values)
    return text.encode()


def require() -> None:
    """Check that the package is installed.

    Raises:
        UsageError: it is not.
    """
    _environment()


@cache
def _environment() -> Any:
    try:
        import jinja2  # noqa: PLC0415 - takes 50 ms
    except ImportError as error:
        raise UsageError(f"the site needs the package {error.name}", install("site")) from None
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(files("mvc.site") / TEMPLATES)), autoescape=True,
        undefined=jinja2.StrictUndefined, finalize=_shown, trim_blocks=True, auto_reload=False,
    )
    found.filters |= {"slug": slug, "num": rounded, "size": size, "day": day, "data_url": data_url}
    return found


def _shown(value: object) -> object:
    """Return what a template shows for a value: text of files has no invisible characters. Markup is none of them."""
    return visible(value) if type(value) is str else value


def data_url(plot: Plot) -> str:
    """Return a picture as a URL: as such, SVG runs no script."""
    kind = "png" if plot.raw.startswith(b"\x89PNG") else "svg+xml"
    return f"data:image/{kind};base64,{base64.b64encode(plot.raw).decode()}"
