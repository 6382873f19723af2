"""`mvc gate --format github`: read as GitHub's runner reads the log of a job."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quality.hostile import HOSTILE, gated_of

from mvc.quality.files import FileAt
from mvc.quality.finding import Finding, Gated
from mvc.quality.render.formats.github import render

FILE = FileAt("100644", b"")


class Command(NamedTuple):
    name: str
    properties: dict[str, str]
    data: str


def commands(log: str) -> list[Command]:
    """Return what the runner runs; as TryParseV2 in actions/runner, src/Runner.Common/ActionCommand.cs."""
    assert "##[" not in log
    found = []
    for line in log.splitlines():  # also at the characters that only some terminals take for line ends
        if line.lstrip().startswith("::"):
            info, _, data = line.lstrip().removeprefix("::").partition("::")
            name, _, rest = info.partition(" ")
            pairs = (pair.split("=", 1) for pair in rest.strip().split(",") if pair)
            properties = {key: unescaped(value, ":%3A", ",%2C") for key, value in pairs}
            found.append(Command(name, properties, unescaped(data)))
    return found


def unescaped(text: str, *more: str) -> str:
    for pair in ("\r%0D", "\n%0A", *more, "%%25"):
        text = text.replace(pair[1:], pair[0])
    return text


def test_an_annotation_points_to_the_report() -> None:
    message, fix = "auc is 0.9, expected: 100%, or more", "mvc eval record m  # again"
    finding = Finding("MVC202", "error", "a,b:c", message, fix)
    log = render(Gated(False, "a", "b", (), (finding,), files={"a,b:c.eval.yaml": FILE, "a,b:c.mvc": FILE}))
    assert commands(log) == [Command(
        "error", {"file": "a,b:c.eval.yaml", "line": "1", "title": "MVC202 metric too low"},
        f"a,b:c: {message}\ntry: {fix}",
    )]


@pytest.mark.parametrize(("code", "files", "file"), [
    ("MVC101", {"m.mvc"}, "m.mvc"), ("MVC106", {"m.eval.yaml"}, "m.eval.yaml"),
    ("MVC308", {"m.mvc", "m.eval.yaml"}, "m.mvc"), ("MVC308", {"m.eval.yaml"}, "m.eval.yaml"),
    ("MVC302", {"n.mvc"}, "m"),
])
def test_it_points_to_a_file_that_exists(code: str, files: set[str], file: str) -> None:
    finding = Finding(code, "error", "m", "wrong")
    (command,) = commands(render(Gated(False, "a", "b", (), (finding,), files=dict.fromkeys(files, FILE))))
    assert command.properties["file"] == file


def test_a_finding_without_a_path_has_no_file() -> None:
    (command,) = commands(render(Gated(True, "a", "b", (), (Finding("MVC322", "warning", "", "unverified"),))))
    assert (command.name, set(command.properties), command.data) == ("warning", {"title"}, "unverified")


@pytest.mark.parametrize(("count", "shown", "rest"), [(10, 10, ""), (11, 9, "2 more"), (5000, 9, "4,991 more")])
def test_ten_of_a_kind(count: int, shown: int, rest: str) -> None:
    kinds = (("error", "MVC202"), ("warning", "MVC413"), ("note", "MVC415"))
    findings = tuple(
        Finding(code, severity, f"m{number}", "wrong")  # type: ignore[arg-type]
        for severity, code in kinds for number in range(count)
    )
    found = commands(render(Gated(False, "a", "b", (), findings)))
    for kind in ("error", "warning", "notice"):
        of_kind = [command for command in found if command.name == kind]
        assert len(of_kind) == 10
        assert [command.properties["file"] for command in of_kind[:shown]] == [f"m{n}" for n in range(shown)]
        assert [command.properties["title"] for command in of_kind[shown:]] == [f"mvc gate: {rest}"] * bool(rest)


def test_the_last_says_which_are_left() -> None:
    codes = ["MVC202"] * 10 + ["MVC221", "MVC204", "MVC221"]
    findings = tuple(Finding(code, "error", f"m{number}", "wrong") for number, code in enumerate(codes))
    last = commands(render(Gated(False, "a", "b", (), findings)))[-1]
    assert last.data == "1 MVC202, 1 MVC204, 2 MVC221; mvc gate names all"


def test_a_pass_says_nothing_and_nothing_judged_is_a_warning() -> None:
    assert render(Gated(True, "a", "b")) == ""
    (command,) = commands(render(Gated(True, "a", "b", judged=False)))
    assert (command.name, command.properties["title"]) == ("warning", "mvc gate: nothing was judged")


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_hostile_runs_nothing(text: str) -> None:
    check(text)


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from(":#[]%0A,=\n\r "))))
def test_so_does_anything(text: str) -> None:
    check(text)


def check(text: str) -> None:
    log = render(gated_of(text))
    assert all(char.isprintable() or char == "\n" for char in log)
    found = commands(log)
    assert [command.name for command in found] == ["error", "warning", "notice"]
    assert len(log.splitlines()) == 3
    for command in found:
        places = {"file": command.properties["file"], "line": "1"} if "file" in command.properties else {}
        assert command.properties == {**places, "title": command.properties["title"]}
        assert command.properties["title"].startswith("MVC")
