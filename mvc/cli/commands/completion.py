"""`mvc completion`: what the shell needs to complete mvc's command lines.

The shell's script asks the hidden command `__complete` once for each TAB. The command line is taken apart by the
library; what a value may be is told by its metavar, so that a command need only name its arguments as all others do.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

import typer

from mvc.cli.app import HELP, app

Shell: TypeAlias = Literal["bash", "zsh", "fish"]


@app.command(rich_help_panel=HELP)
def completion(
    shell: Annotated[Shell, typer.Argument(metavar="bash|zsh|fish", show_default=False)],
) -> None:
    """Print the script that makes a shell complete mvc's commands, options and paths."""
    folder = os.path.dirname(__file__)
    with open(os.path.join(folder, f"completion.{shell}"), encoding="utf-8") as script:
        print(script.read(), end="")


class Line(NamedTuple):
    """A command line up to the cursor."""

    args: list[str]
    """The words before, without the program."""
    word: str
    """What is to be completed, its quotes taken off."""
    given: str = ""
    """What bash replaces: the end of the word. It takes `:`, `=` and an opened quote for its beginning."""
    quote: str = ""
    """The quote that is still open, in bash."""


class Item(NamedTuple):
    """What the word could become, and a remark."""

    value: str
    remark: str = ""


_AS_THEY_STAND = {"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": []}


@app.command("__complete", hidden=True, context_settings=_AS_THEY_STAND)
def complete(shell: Shell, words: list[str]) -> None:
    """Print what the last of `words` could become. Whatever is wrong: print nothing, never complain."""
    with suppress(Exception):
        line = _READ[shell](*words)
        if items := suggestions(line):
            rows = _for_bash(line, items) if shell == "bash" else _with_remarks(items)
            sys.stdout.buffer.write(os.fsencode("".join(f"{row}\n" for row in rows)))


def read_bash(text: str, given: str) -> Line:
    """Return bash's line from its text up to the cursor, and what readline takes for the word."""
    words = split(text)
    word = words[-1]
    rest = next((part for part in (given, split(given)[-1]) if word.endswith(part)), word)
    return Line(words[1:-1], word, rest, _open_quote(text))


def read_zsh(*words: str) -> Line:
    """Return zsh's line from its words, all quotes taken off."""
    return Line([*words[:-1]], words[-1])


def read_fish(*words: str) -> Line:
    """Return fish's line from its words; the last one has its quotes still."""
    return read_zsh(*words[:-1], split(words[-1])[-1])


_READ: Mapping[Shell, Callable[..., Line]] = {"bash": read_bash, "zsh": read_zsh, "fish": read_fish}


def _for_bash(line: Line, items: list[Item]) -> list[str]:
    """Return `names` or `words`, then the values as they are to stand on the line.

    Bash's own quoting takes `$(` at the beginning of a name for its own.
    """
    cut = len(line.word) - len(line.given)
    values = [quoted(item.value[cut:], line.quote) for item in items]
    return ["names" if any("/" in value for value in values) else "words", *values]


def _with_remarks(items: list[Item]) -> list[str]:
    return [f"{item.value}\t{item.remark}" if item.remark else item.value for item in items]


# Quotes.


_PART = re.compile(r"""\\(.?)|'([^']*)'?|"((?:[^"\\]|\\.)*)"?|(\s+)|(.)""", re.DOTALL)
_CLOSED = re.compile(r"""'[^']*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_UNSAFE = re.compile(r"[^\w@%+=:,./-]")


def split(text: str) -> list[str]:
    """Return the words of a command line as a shell takes them, the last one perhaps not closed, or empty."""
    words = [""]
    for escaped, single, double, space, plain in _PART.findall(text):
        if space:
            words.append("")
        words[-1] += escaped + single + re.sub(r'\\([$`"\\\n])', r"\1", double) + plain
    return words


def _open_quote(text: str) -> str:
    """Return the quote that `text` opens and does not close."""
    last = [match[0] for match in _PART.finditer(text)][-1:]
    return "".join(part[0] for part in last if part[0] in "'\"" and not _CLOSED.fullmatch(part))


def quoted(value: str, quote: str = "") -> str:
    """Return `value` as bash must find it on the line, inside of `quote` where one is open."""
    if quote == "'":
        return value.replace("'", "'\\''")
    if quote:  # a backslash before an exclamation mark would stay there
        return re.sub(r'([$`"\\])', r"\\\1", value).replace("!", '"\\!"')
    return _UNSAFE.sub(r"\\\g<0>", value)


def suggestions(line: Line) -> list[Item]:
    """Return what the word of `line` could become."""
    # Only its parser is used: its own scripts let the shell evaluate what it prints, and it loads rich.
    from typer._click.shell_completion import _resolve_context, _resolve_incomplete  # noqa: PLC0415

    from mvc.cli.lazy import command  # noqa: PLC0415

    context = _resolve_context(command(), {}, "mvc", [*line.args])
    if context._protected_args:  # noqa: SLF001 - the word that is no command
        return []
    what, text = _resolve_incomplete(context, [*line.args], line.word)
    if sources := _sources(what, context.info_name or ""):
        place = _place(context)
        found = [Item(value) for source in sources for value in source(place, text)]
    else:
        found = [Item(item.value, item.help or "") for item in what.shell_complete(context, text)]
    before = line.word.removesuffix(text)
    return [item._replace(value=before + item.value) for item in found]


class Place(NamedTuple):
    """Where the command line is typed, and what stands in it so far."""

    start: str
    values: Mapping[str, Any]


Source: TypeAlias = Callable[[Place, str], list[str]]


def _place(context: Any) -> Place:
    folder = context.find_root().params.get("directory") or ""
    return Place(os.path.join(os.getcwd(), os.path.expanduser(folder)), context.params)


def _tracked(place: Place, text: str) -> list[str]:
    from mvc.ops.setup import completion_words  # noqa: PLC0415

    return completion_words.tracked(place.start, os.environ, text)


def _addable(place: Place, text: str) -> list[str]:
    from mvc.ops.setup import completion_words  # noqa: PLC0415

    return completion_words.addable(place.start, os.environ, text)


def _directories(place: Place, text: str) -> list[str]:
    from mvc.ops.setup import completion_words  # noqa: PLC0415

    return completion_words.directories(place.start, text)


def _revisions(place: Place, text: str) -> list[str]:
    from mvc.ops.setup import completion_words  # noqa: PLC0415

    return completion_words.revisions(place.start, os.environ, text)


def _keys(_: Place, text: str) -> list[str]:
    from mvc.config import KEYS  # noqa: PLC0415

    return [name for name in KEYS if name.startswith(text)]


def _remotes(place: Place, text: str) -> list[str]:
    from mvc.ops.setup import completion_words  # noqa: PLC0415
    from mvc.surroundings import surroundings  # noqa: PLC0415

    return completion_words.remotes(surroundings(place.start), text)


def _topics(_: Place, text: str) -> list[str]:
    from mvc.cli.commands.help import topics  # noqa: PLC0415

    return [name for name in topics() if name.startswith(text)]


def _values(place: Place, text: str) -> list[str]:
    """Return what the key before could be set to."""
    key = place.values.get("name")
    if key == "cache.dir":
        return _directories(place, text)
    if key == "remotes.default":
        return _remotes(place, text)
    return _links(text) if key == "cache.link" else []


def _links(text: str) -> list[str]:
    """Return lists of link types that `text` could become, one type longer."""
    from mvc.config import LINK_TYPES  # noqa: PLC0415

    before, comma, last = text.rpartition(",")
    left = [name for name in LINK_TYPES if name not in before.split(",") and name.startswith(last)]
    return [f"{before}{comma}{name}" for name in left]


_SOURCES: Mapping[str, tuple[Source, ...]] = {
    "PATH": (_tracked,),
    "SRC": (_tracked,),
    "DST": (_directories,),
    "REV": (_revisions,),
    "REF": (_tracked, _revisions),
    "DIR": (_directories,),
    "KEY": (_keys,),
    "VALUE": (_values,),
    "TOPIC": (_topics,),
    "NAME": (_remotes,),
    "URL": (_directories,),
    "MODEL": (_tracked,),
    "REPO": (_directories,),
    "OUT": (_directories,),
}
"""By the words of a metavar: `[REV [REV]] [PATH]...` takes revisions and paths."""
_OF_COMMAND: Mapping[tuple[str, str], tuple[Source, ...]] = {
    ("add", "PATH"): (_addable,),
    ("add", "NAME"): (),  # a new one
    ("get", "NAME"): (),  # that of another repository
}
"""Where a command takes something else by the same word."""


def _sources(what: Any, command: str) -> list[Source]:
    metavar = getattr(what, "metavar", None) or ""
    if metavar.islower():  # it stands for itself: `bash|zsh|fish`
        return [lambda _, text: [word for word in metavar.split("|") if word.startswith(text)]]
    words = dict.fromkeys(re.findall(r"[A-Z]+(?:=[A-Z]+)?", metavar))
    return [source for word in words for source in _OF_COMMAND.get((command, word), _SOURCES.get(word, ()))]
