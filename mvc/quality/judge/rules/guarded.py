"""Changes to what guards the models: policy, signers, waivers, and the workflow that runs the gate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from mvc.errors import InvalidFormat
from mvc.objects import patterns
from mvc.quality.files import POLICY, REVOKED, SIGNERS, WAIVERS
from mvc.quality.finding import Finding
from mvc.quality.judge import fixes
from mvc.quality.judge.facts import FileAt, GuardedChange, Landing
from mvc.quality.judge.rules.waivers import Waiver, parse_waivers
from mvc.quality.judge.rules.weakened import weakened
from mvc.quality.policy.policy import STRICT, Policy, parse_policy
from mvc.quality.reports.signers import KRL, Allowed, Lines, fingerprint, parse_revoked, parse_signers
from mvc.quality.words import clipped

GUARDED = (POLICY, SIGNERS, REVOKED, WAIVERS)
"""What a change may weaken only under a signature: `change_text` in `FILE.sig`, in the namespace `CHANGES`."""
WORKFLOWS = (
    "/.github/workflows/**", "/.github/actions/**", "/.gitlab-ci.yml", "/Jenkinsfile", "/bitbucket-pipelines.yml",
    "/azure-pipelines.yml", "/.pre-commit-config.yaml", "/.mvc/config.yaml", "CODEOWNERS",
)
"""Patterns of what decides whether and how the gate runs: a change is shown."""

_FEW = 3
"""Reasons and names that are told in full."""


def is_guarded(path: str) -> bool:
    """Whether `Landing.guarded` is to have a change of the file `path`."""
    return path in GUARDED or bool(patterns.last(WORKFLOWS, path))


def judge_guarded(landing: Landing, policy: Policy) -> Iterator[Finding]:
    """Yield what a change does to the files that judge it; `policy` is the one that judges."""
    yield from own_policy(landing)
    yield from unreadable_signers(landing)
    base = STRICT if landing.own_policy else policy
    for change in landing.guarded:
        if change.path in GUARDED:
            yield from changed(change, base)
        else:
            yield workflow(change)


def own_policy(landing: Landing) -> Iterator[Finding]:
    """Yield MVC417: the change is judged by its own policy."""
    if landing.own_policy:
        message = "the target branch has no policy: the change is judged by its own"
    elif mended_policy(landing):
        message = "the target branch's policy cannot be read: the change mends it, and is judged by its own"
    else:
        return
    yield Finding.of("MVC417", POLICY, message, fixes.looked_at(POLICY), "note")


def mended_policy(landing: Landing) -> FileAt | None:
    """Return the policy that takes the place of one that cannot be read.

    With such a base nobody can tell what was demanded; but it must be possible to mend it. So the new policy counts
    if it is at least as strict as the defaults, or signed.
    """
    change = next((change for change in landing.guarded if change.path == POLICY), None)
    if change is None or change.old is None or not _problem(POLICY, change.old) or broken(change):
        return None
    return change.new if _counting(change) or not any(weaker(change, STRICT)) else None


def _counting(change: GuardedChange) -> list[str]:
    """Return who signed a change, as far as their signatures count."""
    return sorted({clipped(signer.principal) for signer in change.signers if not signer.problem})


def workflow(change: GuardedChange) -> Finding:
    """Return MVC413: how the gate runs may be another now."""
    how = "added" if change.old is None else "deleted" if change.new is None else "changed"
    message = f"this is {how}, and it may decide whether and how the gate runs: look at it"
    return Finding("MVC413", "warning", change.path, message, fixes.looked_at(change.path))


def changed(change: GuardedChange, policy: Policy) -> Iterator[Finding]:
    """Yield MVC411, an error, where a change weakens what guards the models and nobody may; else MVC412, a note."""
    if reason := broken(change):
        yield Finding.of("MVC411", change.path, f"it is broken: {reason}", fixes.mended_file(change.path))
        return
    reasons = list(weaker(change, policy))
    signers = _counting(change)
    if reasons and not signers:
        yield from _refused(change, reasons)
    elif reasons:
        message = f"it is weakened, and {_joined(signers)} signed that: {_joined(reasons, '; ')}"
        yield Finding.of("MVC412", change.path, message, fixes.looked_at(change.path), "note")
    elif change.old or change.path != POLICY:  # of a first policy MVC417 tells
        yield Finding.of("MVC412", change.path, _harmless(change), fixes.looked_at(change.path), "note")


def _refused(change: GuardedChange, reasons: Sequence[str]) -> Iterator[Finding]:
    message = f"it is weakened: {_joined(reasons, '; ')}"
    fix = fixes.signed_change(change.path, change.base if change.old else "")
    yield Finding.of("MVC411", change.path, message, fix)
    for problem in dict.fromkeys(signer.problem for signer in change.signers):
        message = f"a signature under the change does not count: {problem}"
        yield Finding.of("MVC126", change.path, message, fix, "warning")


def _harmless(change: GuardedChange) -> str:
    if change.old is None:
        return "it is new" + (": its signers may weaken what judges from now on" if change.path == SIGNERS else "")
    return "it is deleted" if change.new is None else "it is changed, and not weakened"


# What cannot be read.


def broken(change: GuardedChange) -> str:
    """Return why the new file cannot be read; empty when it can, or is deleted."""
    return "" if change.new is None else _problem(change.path, change.new)


def _problem(path: str, file: FileAt) -> str:
    if file.conflicted:
        return "it is in conflict"
    if not file.is_regular:
        return "it is no regular file"
    try:
        _PARSERS[path](file.raw)
    except InvalidFormat as error:
        return error.message.removeprefix(f"{path}: ")
    return ""


def _signers(raw: bytes) -> tuple[Allowed, ...]:
    return _sound(parse_signers(raw), "no line of a signer: NAME ssh-ed25519 AAAA…")


def _revoked(raw: bytes) -> tuple[Allowed, ...]:
    return () if raw.startswith(KRL) else _sound(parse_revoked(raw), "no public key")


def _sound(lines: Lines, what: str) -> tuple[Allowed, ...]:
    if lines.broken:
        raise InvalidFormat(f"{clipped(lines.broken[0])!r} is {what}")
    return lines.signers


_PARSERS: dict[str, Callable[[bytes], object]] = {
    POLICY: parse_policy, SIGNERS: _signers, REVOKED: _revoked, WAIVERS: parse_waivers,
}


def unreadable_signers(landing: Landing) -> Iterator[Finding]:
    """Yield MVC414: base's signers or revocations cannot be read, and the change does not mend them."""
    mended = {change.path for change in landing.guarded}
    for path, file in ((SIGNERS, landing.signers), (REVOKED, landing.revoked)):
        if file is not None and path not in mended and (reason := _problem(path, file)):
            message = f"what the target branch has here cannot be read: {reason}"
            yield Finding.of("MVC414", path, message, fixes.mended_file(path))


# What is weakened.


def weaker(change: GuardedChange, policy: Policy) -> Iterator[str]:
    """Yield what a change of a guarded file, which can be read, lets pass that was refused before.

    Without waivers no less is demanded than with some, so that file may be deleted.
    """
    if change.new is None:
        yield from ("it is deleted",) if change.path != WAIVERS else ()
        return
    old = None if change.old is None or _problem(change.path, change.old) else change.old.raw
    yield from {
        POLICY: _weaker_policy, SIGNERS: _weaker_signers, REVOKED: _weaker_revoked, WAIVERS: _weaker_waivers,
    }[change.path](change, old, policy)


def _weaker_policy(change: GuardedChange, old: bytes | None, _: Policy) -> Iterable[str]:
    """A first policy weakens nothing; one that takes the place of an unreadable one is held against the defaults."""
    if change.old is None:
        return ()
    return weakened(STRICT if old is None else parse_policy(old), parse_policy(_raw(change)))


def _weaker_signers(change: GuardedChange, old: bytes | None, policy: Policy) -> Iterator[str]:
    """The first signers that a repository ever has may come as they like, while nothing asks for a signature."""
    before = parse_signers(old or b"").signers
    first = change.old is None or (old is not None and not before)
    after = parse_signers(_raw(change)).signers
    new = [line for line in after if line not in before]
    if new and not (first and not asks_for_signatures(policy)):
        yield f"it has new signers: {_joined([f'{clipped(line.principal)} {fingerprint(line.key)}' for line in new])}"
    if before and not after:
        yield "it has no signer any more"


def asks_for_signatures(policy: Policy) -> bool:
    """Whether a rule or stage can only be met under a signature."""
    said = [*(rule.signatures for rule in policy.rules), *(stage.signatures for stage in policy.stages.values())]
    assurances = [rule.evaluator.assurance for rule in policy.rules if rule.evaluator]
    return any(item.min > 0 for item in said if item) or any(assurance != "self" for assurance in assurances)


def _weaker_revoked(change: GuardedChange, old: bytes | None, _: Policy) -> Iterator[str]:
    new = _raw(change)
    if change.old is None or old == new:
        return
    if old is None or old.startswith(KRL) or new.startswith(KRL):
        yield "nobody can tell what it revokes no longer"
    elif gone := [line for line in _revoked(old) if line not in _revoked(new)]:
        yield f"it no longer revokes {_joined([fingerprint(line.key) for line in gone])}"


def _weaker_waivers(change: GuardedChange, old: bytes | None, _: Policy) -> Iterator[str]:
    before: tuple[Waiver, ...] = () if old is None else parse_waivers(old)
    for waiver in parse_waivers(_raw(change)):
        if not any(known.covers(waiver) for known in before):
            yield f"it waives {waiver.code} of {waiver.model[:12]}… until {waiver.expires}"


def _raw(change: GuardedChange) -> bytes:
    return change.new.raw if change.new else b""


# Words.


def _joined(texts: Sequence[str], between: str = ", ") -> str:
    more = f"{between}and {len(texts) - _FEW} more" if len(texts) > _FEW else ""
    return between.join(texts[:_FEW]) + more
