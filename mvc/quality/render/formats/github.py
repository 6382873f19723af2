"""The gate's verdict as workflow commands of GitHub, which become annotations of a pull request's files.

Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions, and for the escapes
https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mvc.objects.visible import visible
from mvc.quality.finding import Finding, Gated
from mvc.quality.judge.codes import CODES
from mvc.quality.render.formats.location import file_of

_MOST = 10
"""Annotations of a kind in a step; GitHub drops more without a word."""
_KINDS = {"error": "error", "warning": "warning", "note": "notice"}


def render(gated: Gated) -> str:
    """Return a line for each annotation; where a kind has more than ten findings, the tenth counts the others."""
    return "".join(f"{line}\n" for line in _lines(gated))


def _lines(gated: Gated) -> Iterator[str]:
    if not gated.judged:
        yield _command("warning", "base contains head already", title="mvc gate: nothing was judged")
    for severity, kind in _KINDS.items():
        found = [finding for finding in gated.findings if finding.severity == severity]
        shown = found if len(found) <= _MOST else found[:_MOST - 1]
        yield from (_annotation(kind, finding, file_of(finding, gated.files)) for finding in shown)
        if rest := found[len(shown):]:
            yield _command(kind, _counted(rest), title=f"mvc gate: {len(rest):,} more")


def _annotation(kind: str, finding: Finding, file: str) -> str:
    title = f"{finding.code} {CODES[finding.code].title}"
    message = f"{visible(finding.path)}: {visible(finding.message)}" if finding.path else visible(finding.message)
    text = f"{message}\ntry: {visible(finding.fix)}" if finding.fix else message
    return _command(kind, text, **({"file": visible(file), "line": "1"} if file else {}), title=title)


def _counted(findings: Sequence[Finding]) -> str:
    """Return how many of each code there are."""
    codes = sorted({finding.code for finding in findings})
    counts = (f"{sum(finding.code == code for finding in findings):,} {code}" for code in codes)
    return f"{', '.join(counts)}; mvc gate names all"


def _command(kind: str, text: str, **properties: str) -> str:
    given = ",".join(f"{name}={_escaped(value).replace(':', '%3A').replace(',', '%2C')}"
                     for name, value in properties.items())
    return f"::{kind} {given}::{_escaped(text)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
