"""`mvc completion`: completion of mvc's command lines in bash, zsh and fish.

The script of a shell calls the hidden command `__complete` once for each TAB. The library finds the parameter at the
cursor; its metavar determines the completions, so commands need not declare them.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property, partial
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

import typer

# click's public classes: typer 0.28 has them only here. Its own subclasses load rich, and print code for the shell.
from typer._click.shell_completion import CompletionItem, ShellComplete

from mvc.cli.app import HELP, app

ShellName: TypeAlias = Literal["bash", "zsh", "fish"]


@app.command(rich_help_panel=HELP)
def completion(
    shell: Annotated[ShellName, typer.Argument(metavar="bash|zsh|fish", show_default=False)],
) -> None:
    """Print the script that makes a shell complete mvc's commands, options and paths."""
    print(_SHELLS[shell]([]).source(), end="")


_VERBATIM = {"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": []}


@app.command("__complete", hidden=True, context_settings=_VERBATIM)
def complete(shell: ShellName, words: list[str]) -> None:
    """Print the completions of the last of `words`. On any error, print nothing: the user is typing."""
    with suppress(Exception):
        if rows := _SHELLS[shell](words).complete():
            sys.stdout.buffer.write(os.fsencode(f"{rows}\n"))


class _Zsh(ShellComplete):
    """zsh passes the words up to the cursor, without quotes."""

    name = "zsh"

    def __init__(self, words: list[str]) -> None:
        from mvc.cli.lazy import command  # noqa: PLC0415 - it imports this module

        super().__init__(command(), {}, "mvc", "__complete")
        self._words = words

    def source_vars(self) -> dict[str, Any]:
        return {}

    def source(self) -> str:
        with open(f"{os.path.dirname(__file__)}/completion.{self.name}", encoding="utf-8") as script:
            return script.read()

    def get_completion_args(self) -> tuple[list[str], str]:
        return self._words[:-1], self._words[-1]

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        group: Any = self.cli
        named = [group.commands[name] for name in args if name in group.commands]
        for command in (group, *named, *(inner for item in named for inner in getattr(item, "commands", {}).values())):
            _declare(command)
        option = re.match(r"(?:-[^=]*)?=", incomplete)  # the library completes what follows `--option=`
        found = super().get_completions(args, incomplete)
        return [CompletionItem(f"{option[0] if option else ''}{item.value}", help=item.help) for item in found]

    def format_completion(self, item: CompletionItem) -> str:
        return f"{item.value}\t{item.help}" if item.help else str(item.value)


class _Fish(_Zsh):
    """fish passes the words up to the cursor, the last one with its quotes."""

    name = "fish"

    def get_completion_args(self) -> tuple[list[str], str]:
        return self._words[:-1], split(self._words[-1])[-1]


class _Bash(_Zsh):
    """bash passes the line up to the cursor, and the end of its last word, which a completion replaces."""

    name = "bash"

    @cached_property
    def _line(self) -> BashLine:
        return read_bash(*self._words)

    def get_completion_args(self) -> tuple[list[str], str]:
        return self._line.args, self._line.word

    def format_completion(self, item: CompletionItem) -> str:
        begun = len(self._line.word) - len(self._line.replaced)
        return quoted(item.value[begun:], self._line.quote)

    def complete(self) -> str:
        """Return the completions, with `names` in the first line if they are paths, else `words`."""
        rows = super().complete()
        return rows and f"{'names' if '/' in rows else 'words'}\n{rows}"


_SHELLS: Mapping[ShellName, type[_Zsh]] = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}


# The line of bash.


class BashLine(NamedTuple):
    """A command line up to the cursor."""

    args: list[str]
    """The words before the last, without the program."""
    word: str
    """The last word, without quotes."""
    replaced: str
    """The end of `word` that bash replaces. To bash, a word begins at `:`, `=` and an open quote."""
    quote: str
    """The quote that is still open."""


def read_bash(text: str, given: str) -> BashLine:
    """Return the line `text`; `given` is what readline takes for its last word."""
    words = split(text)
    word = words[-1]
    replaced = next((part for part in (given, split(given)[-1]) if word.endswith(part)), word)
    return BashLine(words[1:-1], word, replaced, _open_quote(text))


_PART = re.compile(r"""\\(.?)|'([^']*)'?|"((?:[^"\\]|\\.)*)"?|(\s+)|(.)""", re.DOTALL)
_CLOSED = re.compile(r"""'[^']*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_UNSAFE = re.compile(r"[^\w@%+=:,./-]")


def split(text: str) -> list[str]:
    """Return the words of a command line as a shell splits it; the last one may be empty, or in an open quote."""
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
    """Return `value` quoted for bash, inside `quote` if one is open. Bash's own quoting leaves a leading `$(`."""
    if quote == "'":
        return value.replace("'", "'\\''")
    if quote:  # in double quotes, a backslash before an exclamation mark would stay
        return re.sub(r'([$`"\\])', r"\\\1", value).replace("!", '"\\!"')
    return _UNSAFE.sub(r"\\\g<0>", value)


# The completions of a parameter.


class Cursor(NamedTuple):
    """The directory of the command line, and the parameters before the cursor."""

    start: str
    values: Mapping[str, Any]


Words: TypeAlias = Callable[[Cursor, str], list[str]]
"""Returns the completions of a text."""


def _declare(command: Any) -> None:
    """Let the parameters of a command complete by their metavars."""
    for parameter in command.params:
        if sources := _sources(parameter.metavar or "", command.name):
            parameter.shell_complete = partial(_complete_parameter, sources)


def _complete_parameter(sources: list[Words], context: Any, text: str) -> list[CompletionItem]:
    cursor = Cursor(os.path.join(os.getcwd(), *reversed([*_folders(context)])), context.params)
    return [CompletionItem(value) for source in sources for value in source(cursor, text)]


def _folders(context: Any) -> Iterator[str]:
    """Yield the directories of `-C`, those after the command first."""
    while context is not None:
        yield os.path.expanduser(context.params.get("directory") or "")
        context = context.parent


def _in_repository(what: str) -> Words:
    def words(cursor: Cursor, text: str) -> list[str]:
        from mvc.ops.setup import completion_words  # noqa: PLC0415 - import time
        from mvc.surroundings import surroundings  # noqa: PLC0415

        found: list[str] = getattr(completion_words, what)(surroundings(cursor.start), text)
        return found

    return words


_tracked, _addable, _directories, _revisions, _remotes = map(
    _in_repository, ("tracked", "addable", "directories", "revisions", "remotes"),
)
_models, _versions, _stages = map(_in_repository, ("models", "versions", "stages"))


def _keys(_: Cursor, text: str) -> list[str]:
    from mvc.config import KEYS  # noqa: PLC0415

    return [name for name in KEYS if name.startswith(text)]


def _codes(_: Cursor, text: str) -> list[str]:
    from mvc.quality.judge.codes import CODES  # noqa: PLC0415

    return [code for code in CODES if code.startswith(text)]


def _topics(_: Cursor, text: str) -> list[str]:
    from mvc.cli.commands.help import topics  # noqa: PLC0415

    return [name for name in topics() if name.startswith(text)]


def _values(cursor: Cursor, text: str) -> list[str]:
    """Return the possible values of the key before."""
    key = cursor.values.get("name")
    if key == "cache.dir":
        return _directories(cursor, text)
    if key == "remotes.default":
        return _remotes(cursor, text)
    return _link_types(text) if key == "cache.link" else []


def _link_types(text: str) -> list[str]:
    """Return the lists of link types that are one type longer than the complete ones in `text`."""
    from mvc.config import LINK_TYPES  # noqa: PLC0415

    before, comma, last = text.rpartition(",")
    rest = [name for name in LINK_TYPES if name not in before.split(",") and name.startswith(last)]
    return [f"{before}{comma}{name}" for name in rest]


_SOURCES: Mapping[str, tuple[Words, ...]] = {
    "PATH": (_tracked,),
    "PATTERN": (_directories,),
    "SRC": (_tracked,),
    "DST": (_directories,),
    "REV": (_revisions,),
    "REF": (_tracked, _revisions),
    "DIR": (_directories,),
    "KEY": (_keys,),
    "CODE": (_codes,),
    "VALUE": (_values,),
    "TOPIC": (_topics,),
    "NAME": (_remotes,),
    "URL": (_directories,),
    "MODEL": (_tracked,),
    "REPO": (_directories,),
    "OUT": (_directories,),
    "STAGE": (_stages,),
}
"""By the words of a metavar: `[REV [REV]] [PATH]...` takes revisions and paths."""
_OF_COMMAND: Mapping[tuple[str, str], tuple[Words, ...]] = {
    ("add", "PATH"): (_addable,),
    ("add", "NAME"): (),  # a new one
    ("get", "NAME"): (),  # a remote of another repository
    ("register", "NAME"): (_models,),
    ("promote", "NAME"): (_versions,),
    ("rollback", "NAME"): (_models,),
    ("retire", "NAME"): (_versions,),
    ("deprecate", "NAME"): (_models,),
    ("which", "NAME"): (_models,),
    ("history", "NAME"): (_models,),
    ("audit", "NAME"): (_models,),
    ("card", "NAME"): (_versions,),
    ("mlflow", "NAME"): (),  # also one of the server's
    ("compare", "REF"): (_models, _tracked, _revisions),
}
"""Exceptions: commands where the metavar has another meaning."""


def _sources(metavar: str, command: str) -> list[Words]:
    if metavar.islower():  # the values themselves: `bash|zsh|fish`
        return [lambda _, text: [word for word in metavar.split("|") if word.startswith(text)]]
    words = dict.fromkeys(re.findall(r"[A-Z]+(?:=[A-Z]+)?", metavar))
    return [source for word in words for source in _OF_COMMAND.get((command, word), _SOURCES.get(word, ()))]
