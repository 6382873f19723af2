"""Whether a remote has the objects that a change needs."""

from __future__ import annotations

from collections.abc import Iterator

from mvc.quality.finding import Finding
from mvc.quality.judge import fixes
from mvc.quality.judge.facts import RemoteFacts
from mvc.quality.words import one_line


def judge_remote(remote: RemoteFacts) -> Iterator[Finding]:
    """Yield findings about objects that are not on the remote."""
    yield from _incomplete(remote)
    yield from _unverified(remote)


def _incomplete(remote: RemoteFacts) -> Iterator[Finding]:
    for item in remote.incomplete:
        if item.mismatch:
            message = f"the pointer disagrees with its content on remote {remote.name}: {item.mismatch}"
            yield Finding.of("MVC312", item.path, message, one_line(fixes.corrected(item.path)))
            continue
        count = f"{item.objects:,} of {item.needed:,} object{'' if item.needed == 1 else 's'}, {item.size:,} bytes"
        message = item.problem or f"not on remote {remote.name}: {count}"
        fix = fixes.push(item.path, remote.name, repair=item.damaged, rev=remote.rev)
        yield Finding.of("MVC321", item.path, message, one_line(fix))


def _unverified(remote: RemoteFacts) -> Iterator[Finding]:
    if remote.problem:
        message = f"unverified: cannot ask remote {remote.name}: {remote.problem}"
        fix = remote.fix or fixes.test_remote(remote.name)
        yield Finding.of("MVC322", "", message, one_line(fix), "warning")
