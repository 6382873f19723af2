"""A policy file, parsed once: the policy to judge by, and findings about the file.

Without a readable policy the defaults apply.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from mvc.errors import InvalidFormat
from mvc.quality.files import POLICY, FileAt
from mvc.quality.finding import Finding
from mvc.quality.policy.policy import STRICT, Policy, parse_policy
from mvc.quality.words import without_path


class ParsedPolicy(NamedTuple):
    """A policy and the file it was read from."""

    file: FileAt | None
    policy: Policy
    findings: tuple[Finding, ...] = ()


def read_policy(file: FileAt | None) -> ParsedPolicy:
    """Return the policy in `file`, or the defaults and a finding that says why."""
    if file is None:
        return _defaults(file, "MVC402", "there is no policy, the defaults apply", "mvc init")
    if kind := file.irregular_kind:
        fix = f"git rm --cached -- {POLICY}  # then write it as a file"
        return _defaults(file, "MVC309", f"the policy is {kind}, not a regular file; the defaults apply", fix)
    try:
        if file.conflicted:
            raise InvalidFormat("it is in conflict")
        return ParsedPolicy(file, parse_policy(file.raw))
    except InvalidFormat as error:
        reason, fix = without_path(error.message, POLICY), f"git add -- {POLICY}  # once it is fixed"
        if file.has_conflict_marks:
            reason = "it is in conflict"
            fix = f"git checkout HEAD -- {POLICY}  # or MERGE_HEAD; or, once it is fixed: git add -- {POLICY}"
        return _defaults(file, "MVC401", f"cannot read the policy: {reason}; the defaults apply", error.fix or fix)


def _defaults(file: FileAt | None, code: str, message: str, fix: str) -> ParsedPolicy:
    finding = Finding.of(code, POLICY, message, fix, "note" if file is None else "error")
    return ParsedPolicy(file, STRICT, (finding,))


def for_stage(parsed: ParsedPolicy, stage: str) -> ParsedPolicy:
    """Return the policy with the demands of a stage as one more rule."""
    demanded = parsed.policy.stages.get(stage)
    if demanded is None:
        return parsed
    return parsed._replace(policy=replace(parsed.policy, rules=[*parsed.policy.rules, demanded.rule]))
