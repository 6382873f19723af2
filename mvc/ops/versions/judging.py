"""Judges one version by the policy of the default branch, for registering and promoting it."""

from __future__ import annotations

import shlex
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.ops.shared.evidence.cached_content import with_files
from mvc.ops.shared.evidence.pickle_scans import with_scans
from mvc.ops.shared.evidence.remote_objects import ask_remote
from mvc.ops.shared.evidence.source_reports import with_sources
from mvc.ops.shared.evidence.ssh_signatures import signers_of
from mvc.ops.shared.other_pointers.workspace import with_content
from mvc.ops.shared.versions.read import VersionFiles
from mvc.project import Project
from mvc.quality.files import POLICY, REVOKED, SIGNATURES, SIGNERS, WAIVERS, FileAt
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.finding import Finding
from mvc.quality.judge.facts import Facts, Landing, ModelFacts, Signer
from mvc.quality.judge.judge import judge
from mvc.quality.policy.demands import demands
from mvc.quality.policy.parsed_policy import for_stage, read_policy
from mvc.quality.reports.signers import REPORTS
from mvc.scm.commits import committed_file
from mvc.scm.refs import local_base


class PolicyFiles(NamedTuple):
    """The policy, and what goes with it, of the default branch; of `commit` where there is none."""

    policy: FileAt | None
    signers: FileAt | None
    revoked: FileAt | None
    waivers: FileAt | None

    @classmethod
    def read(cls, project: Project, commit: str) -> PolicyFiles:
        """Read them.

        Raises:
            MvcError: Git cannot read them.
        """
        base = local_base(project.git) or commit
        files = (committed_file(project.git, base, path) for path in (POLICY, SIGNERS, REVOKED, WAIVERS))
        return cls(*(None if raw is None else FileAt("100644", raw) for raw in files))


def judge_version(
    project: Project, commit: str, files: VersionFiles, now: float, stage: str = "", remote: str = "",
) -> tuple[Finding, ...]:
    """Return the findings about a version at `now`, in seconds since the epoch.

    For a `stage` its demands are added to those of the rules. All objects must be on `remote`, unless that is empty.
    Where the policy demands evidence, the metrics are computed again from the predictions.

    Raises:
        MvcError: Git, the cache, the remote, or `ssh-keygen` cannot be used.
    """
    beside = PolicyFiles.read(project, commit)
    parsed = for_stage(read_policy(beside.policy), stage)
    report = None if files.report is None else FileAt("100644", files.report)
    signers = signers_at(project, commit, files, beside, now)
    facts = ModelFacts(files.path, files.file, report, signers=signers)
    models = with_scans(project, parsed.policy, with_content(project, with_files(project, parsed.policy, [facts])))
    models = with_sources(project.git, commit, parsed.policy, models, lambda _: None)
    landing = Landing(waivers=beside.waivers, signers=beside.signers, revoked=beside.revoked)
    asked = ask_remote(project, remote, models)._replace(rev=commit[:12]) if remote else None
    if asked and asked.problem:
        message = f"cannot ask remote {remote} for the objects of {files.path}: {asked.problem}"
        raise MvcError(message, asked.fix or f"mvc remote test {shlex.quote(remote)}")
    judged = Facts(parsed, models, landing=landing, remote=asked)
    if demands(parsed.policy, files.path).evidence:
        from mvc.ops.shared.evidence.judged_predictions import with_recomputed  # noqa: PLC0415 - import time: few do

        judged = with_recomputed(project, judged, remote, commit)
    return judge(judged, now).findings


def signers_at(
    project: Project, commit: str, files: VersionFiles, beside: PolicyFiles, now: float,
) -> tuple[Signer, ...]:
    """Return the signers of a version's report, by the keys of the default branch; none without a report.

    Raises:
        MvcError: Git or `ssh-keygen` cannot be used.
    """
    if files.report is None:
        return ()
    blocks = committed_file(project.git, commit, files.path + REPORT + SIGNATURES)
    if blocks is None:
        return ()
    allowed, revoked = (file.raw if file else None for file in (beside.signers, beside.revoked))
    return signers_of(files.report, blocks, allowed, revoked, REPORTS, now)
