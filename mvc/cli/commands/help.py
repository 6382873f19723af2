"""`mvc help`: the pages of docs/, shipped in the wheel as mvc/_docs; `mvc explain`: the meaning of findings."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

import mvc
from mvc.cli.app import HELP, QUALITY, app
from mvc.cli.arguments import Json
from mvc.cli.output import Output, columns, print_json
from mvc.errors import UsageError

if TYPE_CHECKING:
    from mvc.quality.judge.codes import Code


_DECISIONS = "adr"
"""The folder of decisions; its README is the topic of that name."""


@app.command("help", rich_help_panel=HELP)
def help_(
    ctx: typer.Context, topic: Annotated[str, typer.Argument(metavar="[TOPIC]", show_default=False)] = "",
) -> None:
    """Show a page of the documentation, the section on a command, or where the pages have a word."""
    output: Output = ctx.obj
    if not topic:
        print(_contents(), end="")
    elif topic not in topics() and (sections := find_word(topic)):
        _show_sections(output, topic, sections)
    elif sys.stdout is not None and sys.stdout.isatty():
        _show(read(topic), color=output.color)
    else:
        print(read(topic), end="")


def topics() -> dict[str, str]:
    """Return every topic with a summary line."""
    return {**_lines_on_pages(), **_lines_on_commands()}


def _lines_on_pages() -> dict[str, str]:
    return {name: _first_sentence(_page(name)) for name in _pages()}


def _lines_on_commands() -> dict[str, str]:
    return {name: command.get_short_help_str(90).rstrip(".") for name, command in _commands()}


def read(topic: str) -> str:
    """Return the text of a topic: the section on a command, the page of that name, or both.

    Raises:
        UsageError: there is no such topic.
    """
    found = [_section(name) for name, _ in _commands() if name == topic]
    found += [_page(name) for name in _pages() if name == topic]
    if not found:
        near = _near(topic)
        others = f"; did you mean {' or '.join(near)}?" if near else ""
        raise UsageError(f"no help on {topic!r}{others}", f"mvc help {near[0]}" if near else "mvc help")
    return "\n".join(found)


class FoundSection(NamedTuple):
    """A section with a word."""

    topic: str
    title: str
    line: str
    """The first line with the word, as plain text."""
    hits: int


_LINE = 70
"""Characters of a line that are shown."""


def find_word(word: str) -> list[FoundSection]:
    """Return the sections that have `word`: first pages named so, then those that have it most often."""
    pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)
    sections = [found for name in _pages() for found in _sections(name, pattern)]
    return sorted(sections, key=lambda found: (word.lower() not in found.topic, "/" in found.topic, -found.hits))


def _sections(name: str, pattern: re.Pattern[str]) -> Iterator[FoundSection]:
    text = re.sub(r"^```.*?^```$", "", _page(name), flags=re.MULTILINE | re.DOTALL)
    for section in re.split(r"^(?=#+ )", text, flags=re.MULTILINE):
        lines = [line for line in _plain(section).splitlines() if pattern.search(line)]
        if lines:
            title = section.partition("\n")[0].lstrip("# ")
            topic = title.removeprefix("mvc ") if name == "commands" and title.startswith("mvc ") else name
            yield FoundSection(topic, title, _around(lines[0], pattern), len(pattern.findall("\n".join(lines))))


def _around(line: str, pattern: re.Pattern[str]) -> str:
    """Return the part of a line around the first match."""
    line = line.strip("#| ")
    found = pattern.search(line)
    start = line.rfind(" ", 0, max(0, found.start() - _LINE // 2)) + 1 if found else 0
    end = line.find(" ", start + _LINE)
    return f"{'... ' * bool(start)}{line[start:]}" if end < 0 else f"{'... ' * bool(start)}{line[start:end]} ..."


def _show_sections(output: Output, word: str, sections: list[FoundSection]) -> None:
    for line in columns([(found.topic, found.title, found.line) for found in output.few(sections)]):
        output.line(line)
    output.rest(sections, "section")
    output.line(f"Next: mvc help {sections[0].topic}  # has {word!r}")


def _near(topic: str) -> list[str]:
    from difflib import get_close_matches  # noqa: PLC0415 - import time

    names = list(topics())
    parts = [name for name in names if topic.lower() in name]
    return list(dict.fromkeys([*parts, *get_close_matches(topic.lower(), names)]))[:3]


def _contents() -> str:
    pages = [(f"  {name}", line) for name, line in _lines_on_pages().items() if not name.startswith(f"{_DECISIONS}/")]
    commands = [(f"  {name}", line) for name, line in _lines_on_commands().items()]
    rows = columns([*pages, *commands])
    lines = ["mvc help TOPIC", "", "Pages:", *rows[: len(pages)], "", "Commands:", *rows[len(pages) :]]
    return "".join(f"{line}\n" for line in lines)


def _commands() -> list[tuple[str, Any]]:
    from mvc.cli.lazy import command  # noqa: PLC0415 - it imports this module

    return [(name, value) for name, value in command().commands.items() if not value.hidden]


def _section(name: str) -> str:
    """Return the section of docs/commands.md on a command."""
    found = re.search(rf"^## mvc {re.escape(name)}\n.*?(?=^## |\Z)", _page("commands"), re.MULTILINE | re.DOTALL)
    return found[0].rstrip("\n") + "\n" if found else ""


# The pages.


def _folder() -> str:
    """Return the folder of the pages: in the package, or beside it if mvc runs from its sources."""
    package = os.path.dirname(mvc.__file__)
    shipped = os.path.join(package, "_docs")
    return shipped if os.path.isdir(shipped) else os.path.join(os.path.dirname(package), "docs")


def _pages() -> dict[str, str]:
    """Return the file of each page, by topic."""
    top = _folder()
    folders = (("", top), (f"{_DECISIONS}/", os.path.join(top, _DECISIONS)))
    found = {
        prefix + name.removesuffix(".md"): os.path.join(folder, name)
        for prefix, folder in folders
        if os.path.isdir(folder)
        for name in sorted(os.listdir(folder))
        if name.endswith(".md")
    }
    return {name.removesuffix("/README"): path for name, path in found.items()}


def _page(name: str) -> str:
    with open(_pages()[name], encoding="utf-8") as file:
        return file.read()


def _first_sentence(page: str) -> str:
    """Return the first sentence of a page as plain text."""
    first = page.partition("\n\n")[2].partition("\n\n")[0].replace("\n", " ")
    return re.split(r"(?<=[.:;]) ", _plain(first), maxsplit=1)[0].rstrip(".:;")


def _plain(text: str) -> str:
    """Return Markdown without links and marks."""
    return re.sub(r"\[([^]]*)\]\([^)]*\)|[*`]", r"\1", text)


# The terminal.


def _show(text: str, *, color: bool) -> None:
    """Render Markdown in the user's pager, as Git does."""
    from rich.console import Console  # noqa: PLC0415 - import time
    from rich.markdown import Markdown  # noqa: PLC0415

    os.environ.setdefault("LESS", "FRX")
    console = Console(no_color=not color, highlight=False)
    with console.pager(styles=True):
        console.print(Markdown(text, hyperlinks=False))


@app.command(rich_help_panel=QUALITY)
def explain(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(metavar="[CODE]", show_default=False)] = "",
    json: Json = False,
) -> None:
    """Explain what a finding means and how to fix it."""
    from mvc.quality.judge.codes import CODES  # noqa: PLC0415

    output: Output = ctx.obj
    found = [find_code(code)] if code else list(CODES.values())
    if json:
        print_json(found[0] if code else found)
    elif code:
        _show_code(output, found[0])
    else:
        for line in columns([(item.code, item.title) for item in found]):
            output.line(line)
        output.line("Next: mvc explain CODE")


def find_code(text: str) -> Code:
    """Return the finding with a code.

    Raises:
        UsageError: there is no such code.
    """
    from mvc.quality.judge.codes import find, near  # noqa: PLC0415

    if found := find(text):
        return found
    others = near(text)
    meant = f"; did you mean {' or '.join(others)}?" if others else ""
    raise UsageError(f"no finding {text!r}{meant}", f"mvc explain {others[0]}" if others else "mvc explain")


def _show_code(output: Output, item: Code) -> None:
    output.line(f"{output.paint(item.code, 'yellow')}  {item.title}")
    for text in (item.meaning, f"To do: {item.fix}"):
        output.line()
        output.line(textwrap.fill(text, 100))
    output.line(f"\nFor example:\n  {item.code} {item.example}")
