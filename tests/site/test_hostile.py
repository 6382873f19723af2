"""No text of a repository becomes markup, script or a URL."""

from __future__ import annotations

import re

import pytest
from site_facts import AROUND, NOW, Elements, event, model, pages, pointer, promoted, version
from site_payloads import PAYLOADS, SVG, hostile

from mvc.objects.hashing import hash_bytes
from mvc.objects.parsing.patterns import problem
from mvc.objects.pointer import Notes
from mvc.objects.visible import visible
from mvc.quality.policy.policy import Policy, Rule
from mvc.registry.audit import AuditEntry
from mvc.site.facts import Plot
from mvc.site.pages import audit_pages, site_pages
from mvc.site.summary import Complaint, summary_of

TEXT = "\n".join(PAYLOADS)
FORBIDDEN = {"iframe", "object", "embed", "base", "foreignobject", "style", "form", "math", "template", "animate"}


def everything() -> dict[str, str]:
    there = pointer("v1.0.0")
    picture = hash_bytes(SVG).blake3
    first = version(
        "v1.0.0", report=hostile(there.digest.blake3, "v1.0.0", picture), author=TEXT, message=TEXT, problem=TEXT,
        path="models/<b>.onnx", plots=(Plot(PAYLOADS[0], SVG),),
        pointer=pointer("v1.0.0", Notes(desc=TEXT, labels=tuple((item, item) for item in PAYLOADS))),
    )
    second = version("v1.1.0", report=hostile(there.digest.blake3, "v1.1.0", picture))
    periods = tuple(promoted(item, item, 1_790_000_000 + at, None) for at, item in enumerate(PAYLOADS))
    events = tuple(event(item, TEXT) for item in PAYLOADS)
    found = model(first, second, path=PAYLOADS[0], periods=periods, events=events)
    around = AROUND._replace(
        title=PAYLOADS[0], branch=PAYLOADS[7], repository=PAYLOADS[9],
        policy=Policy(1, rules=[Rule(item) for item in PAYLOADS if not problem(item)]),
    )
    health = tuple(Complaint("stale", item) for item in PAYLOADS)
    summary = summary_of(found, around.policy, NOW)._replace(health=health)
    entries = [AuditEntry(*[item] * 13) for item in PAYLOADS]  # type: ignore[arg-type]
    shared = [*site_pages(around, [summary], ["a"], TEXT), *audit_pages(around, "", entries, ["ranker"])]
    return pages(found, around=around) | {page.path: page.content().decode() for page in shared}


PAGES = everything()


def test_there_are_enough_payloads() -> None:
    assert len(set(PAYLOADS)) >= 50


@pytest.mark.parametrize("path", [path for path in PAGES if path.endswith(".html")])
def test_no_payload_becomes_an_element_an_attribute_or_a_url(path: str) -> None:
    page = Elements(PAGES[path])
    names = [name for name, _ in page.found]
    assert {name for name in names if name in FORBIDDEN} <= {"form"}
    assert names.count("form") <= 1
    assert names.count("script") == 1
    assert names.count("meta") == 5
    assert names.count("link") == 2
    assert all(not key.startswith("on") and key not in ("style", "srcdoc", "autofocus")
               for _, attributes in page.found for key in attributes)
    links = [*page.values("a", "href"), *page.values("script", "src"), *page.values("link", "href")]
    assert all(re.fullmatch(r"(?:\.\./)*[a-z0-9~=./_+-]*(?:#[^:<>\"']*)?", link, re.IGNORECASE) for link in links)
    assert all(link.startswith("data:image/svg+xml;base64,") or ":" not in link for link in page.values("img", "src"))


def test_payloads_are_shown_as_text_with_what_is_invisible_made_visible() -> None:
    text = Elements(PAGES["models/ranker/v1.0.0.html"]).text
    assert all(visible(item) in text for item in PAYLOADS)
    assert "\\u202egpj.exe\\u202c" in text
    assert not any(char in text for char in "\u202e\u2066\u200b\ufeff\x01")


def test_a_badge_is_an_image_with_text() -> None:
    badges = [text for path, text in PAGES.items() if path.endswith(".svg")]
    assert len(badges) > len(PAYLOADS)
    names = {name for badge in badges for name, _ in Elements(badge).found}
    assert names == {"svg", "title", "rect", "path", "g", "text"}
