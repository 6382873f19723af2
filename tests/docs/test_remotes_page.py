"""docs/remotes.md: every message about a remote is there, and what it says of rights is what the code asks for."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator

import pytest
from docs.test_docs import section
from harness import PROJECT

from mvc.store.buckets.s3 import errors as s3_errors

PAGE = (PROJECT / "docs/remotes.md").read_text()
RIGHTS = section(PAGE, "Rights")
ERRORS = {"CorruptObject", "MissingObject", "RemoteError", "SlowDown", "Transient", "Changed", "UsageError"}
SERVERS = (
    "Amazon S3", "MinIO", "Ceph RGW", "Cloudflare R2", "Hugging Face Buckets", "Google Cloud Storage as S3",
    "SeaweedFS", "A directory on a NAS", "A directory of a Unix group",
)


def tree(module: str) -> ast.Module:
    """Return a module of mvc.store.buckets, parsed."""
    return ast.parse((PROJECT / f"mvc/store/buckets/{module}.py").read_text())


def texts(node: ast.AST) -> Iterator[str]:
    """Yield the texts in `node` that have several words; of an f-string what stands between the braces."""
    docstrings = {id(item.value) for item in ast.walk(node) if isinstance(item, ast.Expr)}
    for item in ast.walk(node):
        if isinstance(item, ast.Constant) and isinstance(item.value, str) and id(item) not in docstrings:
            text = item.value.strip(" :;/'(")
            if " " in text:
                yield text


def raised(module: str) -> Iterator[str]:
    """Yield the messages with which a module raises errors."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS and node.args:
            yield from texts(node.args[0])


def documented() -> str:
    """Return the section about messages, as plain text."""
    return section(PAGE, "When something is wrong").replace("`", "").replace("\\|", "|")


def test_every_message_about_s3_and_every_line_to_type_is_explained() -> None:
    found = sorted({*texts(tree("s3/errors"))})
    assert len(found) > 50
    assert [text for text in found if text not in documented()] == []


@pytest.mark.parametrize("module", ["s3/bucket", "s3/client", "directory", "session"])
def test_every_message_of_a_backend_is_explained(module: str) -> None:
    found = sorted({*raised(module)})
    assert found
    assert [text for text in found if text not in documented()] == []


def test_every_row_has_a_message_a_cause_and_what_to_type() -> None:
    rows = [row for row in section(PAGE, "When something is wrong").splitlines() if row.startswith("| ")][1:]
    assert len(rows) > 40
    for row in rows:
        message, _, typed = re.split(r"(?<!\\) \| ", row.removeprefix("| ").removesuffix(" |"))
        assert message
        assert "`" in typed, row


def test_the_policy_allows_what_is_asked_for() -> None:
    reading, writing = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", RIGHTS, re.DOTALL))
    asked = {right for rights in s3_errors._RIGHTS.values() for right in rights.split(" and ")}
    assert allowed(reading) == {"s3:GetObject", "s3:ListBucket"}
    assert allowed(writing) == asked | {"s3:PutObject"}
    assert asked < set(re.findall(r"s3:\w+", RIGHTS.split("```")[0]))


def allowed(policy: dict[str, list[dict[str, list[str] | str]]]) -> set[str]:
    """Return the rights that a policy gives."""
    lists = [statement["Action"] for statement in policy["Statement"]]
    return {right for rights in lists for right in ([rights] if isinstance(rights, str) else rights)}


@pytest.mark.parametrize("server", SERVERS)
def test_each_server_s_section_says_whether_it_is_tested(server: str) -> None:
    first = section(PAGE, server).strip().split("\n")[0]
    assert re.match(r"Tested in our CI|Not tested by us; from the vendor's documentation|Directories are tested", first)
