"""What all pages of a site depend on: the policy, the default branch, what a site leaves out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from mvc.errors import UsageError
from mvc.objects.pointer import SUFFIX as POINTER
from mvc.objects.pointer import path_of
from mvc.objects.pointer_reader import pointer_in
from mvc.ops.shared.reports import state_of
from mvc.ops.shared.versions.references import resolve
from mvc.ops.shared.versions.tag_signatures import Keys
from mvc.project import Project
from mvc.quality.files import POLICY, FileAt
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.policy.parsed_policy import ParsedPolicy, read_policy
from mvc.registry.state import Model
from mvc.scm.blobs import read_blobs
from mvc.scm.commits import CommitPath, blobs_at, committed_file, head
from mvc.scm.history import outside
from mvc.scm.plumbing import Git, remote_settings
from mvc.scm.refs import Ref, default_branch
from mvc.site.facts import Around, Tip

_URL = re.compile(r"https?://[^\s/?#]+(?:/[^\s?#]*)?")
_WITH_USER = re.compile(r"(?<=://)[^/@]*@")


class Context(NamedTuple):
    """What all pages depend on."""

    around: Around
    parsed: ParsedPolicy
    keys: Keys
    tips: dict[str, Tip]
    """By model."""
    old: frozenset[str]
    """The commits of versions that are left out."""
    now: float


def read_context(project: Project, models: Iterable[Model], now: float, since: str, base_url: str) -> Context:
    """Return what all pages of `models` depend on, as of `now` in seconds since the epoch.

    Raises:
        UsageError: `since` is not a revision, or `base_url` not a URL.
        MvcError: Git cannot be read.
    """
    models = list(models)
    branch = default_branch(project.git)
    commit = branch.commit if branch else head(project.git) or ""
    raw = committed_file(project.git, commit, POLICY) if commit else None
    parsed = read_policy(None if raw is None else FileAt("100644", raw))
    around = Around(
        os.path.basename(project.root), _branch(project.git, branch) if branch else "", _repository(project),
        _checked(base_url), parsed.policy,
    )
    old = _older(project, models, resolve(project, since)) if since else frozenset()
    return Context(around, parsed, Keys.read(project), _tips(project, commit, models), old, now)


def _branch(git: Git, branch: Ref) -> str:
    """Return the name of the default branch, where a clone knows it only as that of `origin`."""
    named = git.attempt("rev-parse", "--abbrev-ref", branch.name).stdout if branch.name.endswith("HEAD") else b""
    return os.fsdecode(named).strip() or branch.name


def _checked(url: str) -> str:
    if url and _URL.fullmatch(url) is None:
        raise UsageError(f"invalid URL {url!r}", "mvc site -o DIR --base-url https://example.com/models/")
    return f"{url.rstrip('/')}/" if url else ""


def _repository(project: Project) -> str:
    """Return the URL of `origin` without a user; empty for a local one."""
    urls = remote_settings(project.git).get("origin", {}).get("url", [])
    url = urls[0] if urls else ""
    return _WITH_USER.sub("", url) if re.match(r"https?://|ssh://|[^/:]+@[^/:]+:", url) else ""


def _older(project: Project, models: Iterable[Model], since: str) -> frozenset[str]:
    """Return the commits of versions in the history of `since`, without it."""
    commits = {version.event.commit for model in models for version in model.versions.values()}
    return frozenset(commits - outside(project.git, commits, since) - {since})


def _tips(project: Project, commit: str, models: Iterable[Model]) -> dict[str, Tip]:
    """Return what the default branch has of each model, at the path that the tag of its highest version names."""
    named = ((model.name, model.versions.values()) for model in models if model.versions)
    highest = {name: max(versions, key=lambda item: item.rank).event for name, versions in named}
    paths = {name: path_of(event.trailers.pointer) for name, event in highest.items()}
    places = [CommitPath(commit, path + suffix) for path in paths.values() if path for suffix in (POINTER, REPORT)]
    oids = blobs_at(project.git, places if commit else ())
    raws = dict(zip(oids, read_blobs(project.git, oids.values()), strict=True))
    found = {}
    for name, path in paths.items():
        if pointer := pointer_in(raws.get(CommitPath(commit, path + POINTER), b"")):
            report = raws.get(CommitPath(commit, path + REPORT))
            state = "missing" if report is None else state_of(report, pointer, path + REPORT)
            found[name] = Tip(pointer.digest.blake3, state)
    return found
