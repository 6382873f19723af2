"""Changes to policy files (policy, signers, revoked keys, waivers) and to the workflows that run the gate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from mvc.errors import InvalidFormat
from mvc.objects.parsing import patterns
from mvc.quality.files import POLICY, REVOKED, SIGNERS, WAIVERS, FileAt
from mvc.quality.finding import Finding
from mvc.quality.judge import fixes
from mvc.quality.judge.facts import Landing, PolicyFileChange
from mvc.quality.judge.rules.waivers import Waiver, parse_waivers
from mvc.quality.judge.rules.weakened import weakened
from mvc.quality.policy.parsed_policy import ParsedPolicy, read_policy
from mvc.quality.policy.policy import STRICT, Policy, parse_policy
from mvc.quality.reports.signers import KRL, AllowedKey, KeyFile, fingerprint, parse_revoked, parse_signers
from mvc.quality.words import clipped, without_path

POLICY_FILES = (POLICY, SIGNERS, REVOKED, WAIVERS)
"""Weakening one needs a signature: of `change_text`, in `FILE.sig`, in the namespace `CHANGES`."""
WORKFLOWS = (
    "/.github/workflows/**", "/.github/actions/**", "/.gitea/workflows/**", "/.forgejo/workflows/**", "action.yml",
    "action.yaml", ".gitlab-ci.yml", ".gitlab-ci.yaml", "*.gitlab-ci.yml", "*.gitlab-ci.yaml", "/.gitlab/ci/**",
    "Jenkinsfile*", "*.jenkinsfile", "*.Jenkinsfile", "bitbucket-pipelines.yml", "bitbucket-pipelines.yaml",
    "azure-pipelines*.yml", "azure-pipelines*.yaml", "/.azure-pipelines/**", "/.azuredevops/**", "/.circleci/**",
    "/.buildkite/**", ".drone.yml", ".drone.yaml", ".drone.star", ".drone.jsonnet", "/.woodpecker/**",
    ".woodpecker.yml", ".woodpecker.yaml", ".travis.yml", ".travis.yaml", "appveyor.yml", ".appveyor.yml",
    ".cirrus.yml", ".cirrus.yaml", ".cirrus.star", "/.semaphore/**", "/.teamcity/**", "/.tekton/**", "/.builds/**",
    "/.build.yml", "/.harness/**", "/.zuul.yaml", "/.zuul.d/**", "/zuul.yaml", "/zuul.d/**", "cloudbuild.yaml",
    "cloudbuild.yml", "buildspec.yml", "buildspec.yaml", "codefresh.yml", ".pre-commit-config.yaml",
    ".pre-commit-config.yml", "/.mvc/config.yaml", "CODEOWNERS",
)
"""Patterns of files that decide whether and how the gate runs: their changes are reported."""

_FEW = 3
"""Reasons and names listed before the rest is counted."""


def is_policy_file(path: str) -> bool:
    """Whether a change of `path` belongs into `Landing.policy_files`: a policy file or a workflow."""
    return path in POLICY_FILES or is_workflow(path)


def is_workflow(path: str) -> bool:
    """Whether a file is one of a CI system, by its name."""
    return bool(patterns.in_any_case(WORKFLOWS, path))


def judging_policy(base: ParsedPolicy, landing: Landing) -> ParsedPolicy:
    """Return the policy that judges a change: the target branch's, or one that replaces an unreadable one."""
    fixed = fixed_policy(landing)
    return read_policy(fixed) if fixed else base


def judge_policy_files(landing: Landing, policy: Policy) -> Iterator[Finding]:
    """Yield findings about changed policy files and workflows; `policy` is the one that judges."""
    yield from own_policy(landing)
    yield from unreadable_signers(landing)
    base = STRICT if landing.own_policy else policy
    for change in landing.policy_files:
        if change.path in POLICY_FILES:
            yield from changed(change, base)
        else:
            yield workflow(change)


def own_policy(landing: Landing) -> Iterator[Finding]:
    """Yield MVC417: the change is judged by its own policy."""
    if landing.own_policy:
        message = "the target branch has no policy: the change is judged by its own"
    elif fixed_policy(landing):
        message = "the policy of the target branch is unreadable: the change fixes it and is judged by its own"
    else:
        return
    yield Finding.of("MVC417", POLICY, message, fixes.looked_at(POLICY), "note")


def fixed_policy(landing: Landing) -> FileAt | None:
    """Return the new policy of a change that fixes an unreadable one.

    The demands of an unreadable policy are unknown, so the new one counts only if it is at least as strict as the
    defaults, or signed.
    """
    change = next((change for change in landing.policy_files if change.path == POLICY), None)
    if change is None or change.old is None or not _problem(POLICY, change.old) or broken(change):
        return None
    return change.new if _valid_signers(change) or not any(weaker(change, STRICT)) else None


def _valid_signers(change: PolicyFileChange) -> list[str]:
    return sorted({clipped(signer.principal) for signer in change.signers if not signer.problem})


def workflow(change: PolicyFileChange) -> Finding:
    """Return MVC413: the gate may run in another way."""
    how = "added" if change.old is None else "deleted" if change.new is None else "changed"
    message = f"this file was {how}, and may decide whether and how the gate runs: review it"
    return Finding("MVC413", "warning", change.path, message, fixes.looked_at(change.path))


def changed(change: PolicyFileChange, policy: Policy) -> Iterator[Finding]:
    """Yield MVC411, an error, for a change that weakens or breaks a policy file without a signature; else MVC412."""
    if reason := broken(change):
        yield Finding.of("MVC411", change.path, f"unreadable: {reason}", fixes.stage_fixed(change.path))
        return
    reasons = list(weaker(change, policy))
    signers = _valid_signers(change)
    if reasons and not signers:
        yield from _refused(change, reasons)
    elif reasons:
        message = f"weakened, signed by {_joined(signers)}: {_joined(reasons, '; ')}"
        yield Finding.of("MVC412", change.path, message, fixes.looked_at(change.path), "note")
    elif change.old or change.path != POLICY:  # MVC417 reports a first policy
        yield Finding.of("MVC412", change.path, _harmless(change), fixes.looked_at(change.path), "note")


def _refused(change: PolicyFileChange, reasons: Sequence[str]) -> Iterator[Finding]:
    fix = fixes.signed_change(change.path, change.base if change.old else "")
    yield Finding.of("MVC411", change.path, f"weakened: {_joined(reasons, '; ')}", fix)
    for problem in dict.fromkeys(signer.problem for signer in change.signers):
        yield Finding.of("MVC126", change.path, f"invalid signature of the change: {problem}", fix, "warning")


def _harmless(change: PolicyFileChange) -> str:
    if change.old is None:
        return "added" + (": its signers can approve weaker policy files from now on" if change.path == SIGNERS else "")
    return "deleted" if change.new is None else "changed, not weakened"


# Unreadable files.


def broken(change: PolicyFileChange) -> str:
    """Return why the new file cannot be read; empty when it can, or is deleted."""
    return "" if change.new is None else _problem(change.path, change.new)


def _problem(path: str, file: FileAt) -> str:
    if file.conflicted:
        return "it is in conflict"
    if not file.is_regular:
        return "not a regular file"
    try:
        _PARSERS[path](file.raw)
    except InvalidFormat as error:
        return without_path(error.message, path)
    return ""


def _signers(raw: bytes) -> tuple[AllowedKey, ...]:
    return _valid_keys(parse_signers(raw), "a signer: NAME ssh-ed25519 AAAA…")


def _revoked(raw: bytes) -> tuple[AllowedKey, ...]:
    return () if raw.startswith(KRL) else _valid_keys(parse_revoked(raw), "a public key")


def _valid_keys(file: KeyFile, expected: str) -> tuple[AllowedKey, ...]:
    if file.invalid:
        raise InvalidFormat(f"invalid line {clipped(file.invalid[0])!r}: expected {expected}")
    return file.keys


_PARSERS: dict[str, Callable[[bytes], object]] = {
    POLICY: parse_policy, SIGNERS: _signers, REVOKED: _revoked, WAIVERS: parse_waivers,
}


def unreadable_signers(landing: Landing) -> Iterator[Finding]:
    """Yield MVC414: the target branch's signers or revoked keys are unreadable, and the change does not fix them."""
    fixed = {change.path for change in landing.policy_files}
    for path, file in ((SIGNERS, landing.signers), (REVOKED, landing.revoked)):
        if file is not None and path not in fixed and (reason := _problem(path, file)):
            message = f"unreadable on the target branch: {reason}"
            yield Finding.of("MVC414", path, message, fixes.stage_fixed(path))


# Weakened policy files.


def weaker(change: PolicyFileChange, policy: Policy) -> Iterator[str]:
    """Yield what a change of a readable policy file newly allows.

    Waivers may be deleted: without them more findings stay errors.
    """
    if change.new is None:
        yield from ("it is deleted",) if change.path != WAIVERS else ()
        return
    old = None if change.old is None or _problem(change.path, change.old) else change.old.raw
    yield from {
        POLICY: _weaker_policy, SIGNERS: _weaker_signers, REVOKED: _weaker_revoked, WAIVERS: _weaker_waivers,
    }[change.path](change, old, policy)


def _weaker_policy(change: PolicyFileChange, old: bytes | None, _: Policy) -> Iterable[str]:
    """A first policy weakens nothing; one that replaces an unreadable one is compared with the defaults."""
    if change.old is None:
        return ()
    return weakened(STRICT if old is None else parse_policy(old), parse_policy(_raw(change)))


def _weaker_signers(change: PolicyFileChange, old: bytes | None, policy: Policy) -> Iterator[str]:
    """The first signers of a repository need no signature, as long as the policy demands none either."""
    before = parse_signers(old or b"").keys
    first = change.old is None or (old is not None and not before)
    after = parse_signers(_raw(change)).keys
    new = [line for line in after if line not in before]
    if new and not (first and not asks_for_signatures(policy)):
        yield f"new signers: {_joined([f'{clipped(line.principal)} {fingerprint(line.key)}' for line in new])}"
    if before and not after:
        yield "all signers removed"


def asks_for_signatures(policy: Policy) -> bool:
    """Whether a rule or stage demands a signature."""
    minima = [*(rule.signatures for rule in policy.rules), *(stage.signatures for stage in policy.stages.values())]
    assurances = [rule.evaluator.assurance for rule in policy.rules if rule.evaluator]
    return any(item.min > 0 for item in minima if item) or any(assurance != "self" for assurance in assurances)


def _weaker_revoked(change: PolicyFileChange, old: bytes | None, _: Policy) -> Iterator[str]:
    new = _raw(change)
    if change.old is None or old == new:
        return
    if old is None or old.startswith(KRL) or new.startswith(KRL):
        yield "it is unknown which keys are no longer revoked"
    elif gone := [line for line in _revoked(old) if line not in _revoked(new)]:
        yield f"no longer revoked: {_joined([fingerprint(line.key) for line in gone])}"


def _weaker_waivers(change: PolicyFileChange, old: bytes | None, _: Policy) -> Iterator[str]:
    before: tuple[Waiver, ...] = () if old is None else parse_waivers(old)
    for waiver in parse_waivers(_raw(change)):
        if not any(known.covers(waiver) for known in before):
            yield f"new waiver of {waiver.code} for {waiver.model[:12]}… until {waiver.expires}"


def _raw(change: PolicyFileChange) -> bytes:
    return change.new.raw if change.new else b""


def _joined(texts: Sequence[str], between: str = ", ") -> str:
    more = f"{between}and {len(texts) - _FEW} more" if len(texts) > _FEW else ""
    return between.join(texts[:_FEW]) + more
