"""`mvc site -o DIR`: builds the pages of what changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.resources import files
from typing import NamedTuple

import msgspec

from mvc._version import __version__
from mvc.errors import MvcError
from mvc.fs.tree import Tree
from mvc.objects.hashing import hash_bytes
from mvc.ops.lifecycle.site.collect import collect, valid
from mvc.ops.lifecycle.site.context import Context, read_context
from mvc.ops.lifecycle.site.folder import LEDGER, Files, Ledger, ModelEntry, opened, present, publish, remove, save
from mvc.ops.lifecycle.site.known import history_of
from mvc.ops.lifecycle.site.workers import Each, each_of
from mvc.ops.shared.audit.history import ModelHistory
from mvc.ops.shared.audit.stream import stream
from mvc.ops.shared.versions.read import read_registry
from mvc.project import Project
from mvc.registry.audit import AuditEntry
from mvc.registry.state import Model
from mvc.scm.incomplete import lacks_versions
from mvc.site.facts import Around, SiteModel
from mvc.site.lineage import Links, digests_of, links_of
from mvc.site.pages import (
    Page,
    audit_pages,
    model_pages,
    search_entries,
    search_page,
    shard_of,
    site_pages,
    static_pages,
)
from mvc.site.summary import Summary, summary_of
from mvc.site.templating import require


class Request(NamedTuple):
    """What to build, and where."""

    folder: str
    """The full path of the directory."""
    shown: str
    """The same as typed."""
    since: str = ""
    base_url: str = ""
    jobs: int = 1


class Built(NamedTuple):
    """What was built."""

    folder: str
    models: int
    versions: int
    pages: int
    written: int
    removed: int


class _Work(NamedTuple):
    """A model whose pages are to be rendered."""

    around: Around
    model: SiteModel
    summary: Summary
    links: Links
    before: Files


def build(project: Project, request: Request, now: float) -> Built:
    """Build or update a site, as of `now` in seconds since the epoch.

    Raises:
        UsageError: the directory has other files, an option is invalid, or a package is not installed.
        MvcError: Git cannot be used, this clone lacks the tags, or the directory cannot be written.
    """
    require()
    with ThreadPoolExecutor(1) as pool:
        history = pool.submit(history_of, project)  # Git takes a while; meanwhile the rest is done
        registry = read_registry(project).models
        if not registry and (lack := lacks_versions(project.git)):
            raise MvcError(f"no version is known here, but {lack.what}", lack.fix)
        context = read_context(project, registry.values(), now, request.since, request.base_url)
        with opened(request.folder, request.shown) as at:
            return _build(project, request, _Sources(registry, context, history.result), at)


class _Sources(NamedTuple):
    """What a build reads."""

    registry: Mapping[str, Model]
    context: Context
    history: Callable[[], ModelHistory]


def _build(project: Project, request: Request, read: _Sources, at: tuple[Tree, Ledger]) -> Built:
    tree, before = at
    there = present(request.folder)
    shared = _shared_inputs(read.context)
    inputs = {name: _inputs(shared, model, read.context) for name, model in read.registry.items()}
    same = {name for name, entry in before.models.items()
            if entry.is_of(inputs.get(name, ""), read.context.now) and there.issuperset(entry.files)}
    with each_of(request.jobs, len(inputs) - len(same)) as each:
        found = _collected(project, read, before, inputs, same, each)
        work = [_Work(read.context.around, *found.of(name), before.files_of(name, there)) for name in found.facts]
        done = dict(zip(found.facts, each(partial(_publish, request.folder), work), strict=True))
    models = {name: found.entry(name, done[name][0]) if name in done else before.models[name] for name in read.registry}
    pages = _shared_pages(project, read, shared, models)
    files, written = publish(tree, pages, {path: old for path, old in before.files.items() if path in there})
    after = Ledger(models=models, files=files)
    removed = remove(tree, sorted(before.all_files.keys() - after.all_files.keys() - {LEDGER}))
    save(tree, after)
    return Built(
        request.shown, len(models), sum(len(entry.found) - 1 for entry in models.values()), len(after.all_files),
        written + sum(count for _, count in done.values()), removed,
    )


class _Collected(NamedTuple):
    """All models, and the facts of those whose pages are not what they were."""

    facts: dict[str, SiteModel]
    summaries: dict[str, Summary]
    links: dict[str, Links]
    inputs: dict[str, str]

    def of(self, name: str) -> tuple[SiteModel, Summary, Links]:
        """Return what a model's pages are made from."""
        return self.facts[name], self.summaries[name], self.links[name]

    def entry(self, name: str, files: Files) -> ModelEntry:
        """Return what a model's new pages were made from."""
        found = tuple(search_entries(self.facts[name]))
        return ModelEntry(self.inputs[name], _digest(self.links[name]), self.summaries[name], found, files)


def _collected(
    project: Project, read: _Sources, before: Ledger, inputs: dict[str, str], same: set[str], each: Each,
) -> _Collected:
    registry, context, _ = read
    changed = (model for name, model in registry.items() if name not in same)
    facts = {item.name: item for item in collect(project, changed, context, each)}
    new = {name: summary_of(item, context.around.policy, context.now) for name, item in facts.items()}
    summaries = {name: new[name] if name in new else before.models[name].summary for name in registry}
    all_links = links_of(summaries.values())
    links = {name: all_links.only(digests_of(summary)) for name, summary in summaries.items()}
    moved = (registry[name] for name in sorted(same) if before.models[name].links != _digest(links[name]))
    facts |= {item.name: item for item in collect(project, moved, context, each)}
    return _Collected(facts, summaries, links, inputs)


# What pages depend on.


def _shared_inputs(context: Context) -> str:
    """Return the digest of what all models' pages depend on: mvc, the policy, the keys, and where the site will be."""
    around = context.around
    policy = msgspec.json.encode(around.policy).decode()
    keys = [(raw or b"").decode(errors="replace") for raw in context.keys]
    return _digest((__version__, _own_source(), around[:-1], policy, keys, sorted(context.old)))


def _own_source() -> str:
    """Return the digest of the templates, and of the code that fills them."""
    root = files("mvc.site")
    folders = (root, root / "templates", root / "static")
    named = sorted((item.name, hash_bytes(item.read_bytes()).blake3) for folder in folders
                   for item in folder.iterdir() if item.is_file())
    return _digest(named)


def _inputs(shared: str, model: Model, context: Context) -> str:
    """Return the digest of what a model's pages depend on."""
    events = [event.oid for _, event in model.moments]
    return _digest((shared, events, context.tips.get(model.name)))


def _digest(value: object) -> str:
    return hash_bytes(msgspec.json.encode(value)).blake3


# Rendering.


def _publish(folder: str, work: _Work) -> tuple[Files, int]:
    with Tree(folder) as tree:
        return publish(tree, model_pages(*work[:4]), work.before)


def _shared_pages(
    project: Project, read: _Sources, shared: str, models: Mapping[str, ModelEntry],
) -> Iterator[Page]:
    registry, context, history = read
    told = stream(project, registry.values(), history, context.now)
    entries = [item if "".join(item).isascii() else AuditEntry._make(map(valid, item)) for item in reversed(told)]
    summaries = [entry.summary for _, entry in sorted(models.items())]
    shards: dict[str, list[tuple[str, str, str]]] = {}
    for name, entry in sorted(models.items()):
        shards.setdefault(shard_of(name), []).extend(entry.found)
    problem = next((finding.message for finding in context.parsed.findings), "")
    yield from static_pages()
    yield from site_pages(context.around, summaries, sorted(shards), problem)
    yield from (search_page(shard, entries) for shard, entries in sorted(shards.items()))
    yield from audit_pages(context.around, shared, entries, models)

