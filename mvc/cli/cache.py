"""`mvc cache`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import SETTINGS, app, opened
from mvc.cli.output import Output, columns, plural, print_json, visible
from mvc.cli.output import size as shown

if TYPE_CHECKING:
    from mvc.ops.cache_size import CacheSize

cache = typer.Typer(rich_markup_mode=None, help="Say where the cache is, and how large.")
app.add_typer(cache, name="cache", rich_help_panel=SETTINGS)


@cache.command("dir")
def dir_(ctx: typer.Context) -> None:
    """Print the path of the cache."""
    with opened(ctx.obj) as project:
        print(visible(project.cache.root))


@cache.command("size")
def size(
    ctx: typer.Context, json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Print what the cache takes on the disk, part by part."""
    from mvc.ops.cache_size import cache_size  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        result = cache_size(project)
    if json:
        print_json(result)
    else:
        for line in columns(_rows(result)):
            output.line(line)


def _rows(result: CacheSize) -> list[tuple[str, str, str]]:
    nouns = {"loose": "object", "packs": "pack"}
    parts = {name: getattr(result, name) for name in ("loose", "packs", "tmp", "quarantine", "trash", "catalog")}
    rows = [(name, shown(part.bytes), plural(part.number, nouns.get(name, "file"))) for name, part in parts.items()]
    return [*rows, ("total", shown(result.bytes), "")]
