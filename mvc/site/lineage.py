"""Where a model comes from, and where it went: data, sources, conversions, stages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mvc.site.facts import SiteVersion
from mvc.site.summary import Summary, slug


class Node(NamedTuple):
    """A thing in the lineage."""

    kind: str
    name: str
    detail: str
    href: str
    """From the top of the site; empty for what has no page."""


class Lineage(NamedTuple):
    """What led to a version, and what it led to."""

    data: tuple[Node, ...]
    sources: tuple[Node, ...]
    model: Node
    derived: tuple[Node, ...]
    stages: tuple[Node, ...]


class Link(NamedTuple):
    """A version of a model."""

    model: str
    version: str

    @property
    def node(self) -> str:
        """Its reference."""
        return f"{self.model}@{self.version}"

    @property
    def href(self) -> str:
        """Its page."""
        return f"models/{slug(self.model)}/{self.version}.html"


class Links(NamedTuple):
    """The versions that have, and that were made from, some content."""

    having: Mapping[str, tuple[Link, ...]]
    made_from: Mapping[str, tuple[Link, ...]]

    def only(self, digests: Iterable[str]) -> Links:
        """Return the links of some content."""
        digests = list(dict.fromkeys(digests))
        return Links(*({key: there[key] for key in digests if key in there} for there in self))


def links_of(summaries: Iterable[Summary]) -> Links:
    """Return the links between all models."""
    having: dict[str, list[Link]] = {}
    made: dict[str, list[Link]] = {}
    for summary in summaries:
        for item in summary.contents:
            link = Link(summary.name, item.version)
            having.setdefault(item.blake3, []).append(link)
            for source in item.sources:
                made.setdefault(source, []).append(link)
    return Links(*({key: tuple(found) for key, found in there.items()} for there in (having, made)))


def digests_of(summary: Summary) -> list[str]:
    """Return the content on which the links of a model's pages depend."""
    return [digest for item in summary.contents for digest in (item.blake3, *item.sources)]


def lineage_of(model: str, version: SiteVersion, links: Links, stages: Iterable[tuple[str, str]]) -> Lineage:
    """Return the lineage of a version; `stages` are shown as the last, each with a version or nothing."""
    report = version.report
    trained = report.train.data if report and report.train else ()
    evaluated = report.datasets if report else ()
    data = [Node("trained on", item.path, item.blake3[:12], "") for item in trained]
    data += [Node("evaluated on", item.id, item.path or item.blake3[:12], "") for item in evaluated]
    made = []
    for source in report.sources if report else ():
        known = links.having.get(source.blake3, ())
        name = known[0].node if known else source.path
        made.append(Node(source.by or "made from", name, source.blake3[:12], known[0].href if known else ""))
    made += [Node("evaluated with", item.path, item.blake3[:12], "") for item in (report.together if report else ())]
    derived = links.made_from.get(version.blake3, ()) if version.blake3 else ()
    me = Link(model, version.name)
    return Lineage(
        tuple(data), tuple(made), Node("version", me.node, version.blake3[:12], me.href),
        tuple(Node("made of it", item.node, "", item.href) for item in derived),
        tuple(Node("stage", stage, held, f"models/{slug(model)}/index.html#stages") for stage, held in stages),
    )
