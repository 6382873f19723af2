"""The managed block of a `.gitignore`: sorted, only what is tracked, the user's lines untouched."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import accepted

from mvc.workspace.gitignore import BEGIN, END, pattern, update

SPECIAL = [
    "model.onnx",
    ":",
    ":(top)x",
    "with space",
    "#hash",
    "!bang",
    "star*",
    "question?",
    "[brackets]",
    "back",
    "dollar$",
    "a b c",
    "-dash",
    "naïve 数据",
    "quote\"'",
    "{a,b}",
    "tilde~",
    "dot.",
    " leading",
    "**",
    "[!a]",
    "a\u2028b",
    "(x)",
    "%",
    "\N{ROCKET}",
]


def ignored(folder: Path, names: list[str]) -> set[str]:
    """Return those of `names` that Git ignores in `folder`."""
    stdin = "".join(f"./{name}\0" for name in names).encode()  # a colon first would be pathspec magic
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", "-z", "--stdin"],
        cwd=folder,
        input=stdin,
        capture_output=True,
        check=False,
    )
    assert done.stderr == b""
    return {name.decode().removeprefix("./") for name in done.stdout.split(b"\0") if name}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty repository."""
    subprocess.run(["git", "init", "-q", str(tmp_path / "r")], check=True)
    return tmp_path / "r"


def test_the_block_as_it_is_written() -> None:
    assert update("", add=["b", "a"]) == f"{BEGIN}\n/a\n/b\n{END}\n"


@pytest.mark.parametrize("name", SPECIAL)
def test_git_ignores_just_that_name(folder: Path, name: str) -> None:
    (folder / ".gitignore").write_text(update("", add=[name]))
    others = [other for other in [*SPECIAL, "x", "stare", "questions", "b", "ab", "xmodel.onnx"] if other != name]
    assert ignored(folder, [name, *others]) == {name}
    assert ignored(folder, [f"sub/{name}"]) == set()


def test_git_ignores_a_name_with_spaces_at_its_end(folder: Path) -> None:
    (folder / ".gitignore").write_text(update("", add=["end  "]))
    assert ignored(folder, ["end  ", "end ", "end"]) == {"end  "}


def test_git_ignores_a_directory_with_all_that_is_in_it(folder: Path) -> None:
    (folder / ".gitignore").write_text(update("", add=["data"]))
    assert ignored(folder, ["data/a/b", "data2/a"]) == {"data/a/b"}


SHOWN = ["README.md", "deep/er/a b.json", "deep/x.json", "docs/", "[x].md", "deep/sub/docs/"]


def test_git_sees_the_paths_that_are_let_through(folder: Path) -> None:
    text = update("", add=["data", "m.bin"], shown={"data": SHOWN})
    (folder / ".gitignore").write_text(text)
    seen = [f"data/{name}" for name in (*SHOWN, "docs/a/b", "deep/sub/docs/x")]
    hidden = ["data/m", "data/deep/m", "data/deep/er/m", "data/other/a", "data/x.md", "data/deep/sub/x", "m.bin"]
    assert ignored(folder, [*seen, *hidden, "other"]) == set(hidden)
    again = update(text, add=["data"])
    assert again == text, "who does not know what is let through leaves it"
    assert update(text, add=["data"], shown={"data": []}) == update("", add=["data", "m.bin"])
    assert update(text, remove=["data"]) == update("", add=["m.bin"])
    assert update(update(text, add=["data2"]), remove=["data2"]) == text


name = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=8).filter(
    accepted
)
hard = st.text(st.sampled_from("ab *?[]!#-. \u2028"), min_size=1, max_size=6).filter(accepted)


@given(st.lists(name | hard, min_size=1, max_size=6, unique=True))
@settings(deadline=None, max_examples=40)
def test_git_ignores_what_was_added_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("r", numbered=True)
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    added, others = names[: len(names) // 2 + 1], names[len(names) // 2 + 1 :]
    text = ""
    for each in added:
        text = update(text, add=[each])
    (folder / ".gitignore").write_text(text, newline="")
    assert ignored(folder, [*added, *others]) == set(added)


user_line = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), max_size=8).filter(
    lambda line: not line.startswith("# mvc")
)
user_text = st.builds(
    lambda lines, end, last: end.join(lines) + (end if last else ""),
    st.lists(user_line, max_size=4),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)


@given(user_text, st.lists(name | hard, min_size=1, max_size=4))
@settings(deadline=None, max_examples=150)
def test_adding_twice_is_adding_once(text: str, names: list[str]) -> None:
    once = update(text, add=names)
    assert update(once, add=names) == once
    assert update(once, add=reversed(names)) == once
    one_by_one = text
    for each in names:
        one_by_one = update(one_by_one, add=[each])
    assert one_by_one == once


@given(user_text, user_text, st.lists(name | hard, min_size=1, max_size=4, unique=True), st.data())
@settings(deadline=None, max_examples=150)
def test_the_user_s_lines_stay_before_and_after_the_block(
    before: str, after: str, names: list[str], data: st.DataObject
) -> None:
    gap = "\n" if before and not before.endswith("\n") else ""
    text = update(before, add=names[:1]) + after
    for _ in range(3):
        text = update(text, add=data.draw(st.lists(st.sampled_from(names), min_size=1)))
        assert text.startswith(before + gap + BEGIN)
        assert text.endswith(END + "\n" + after)
        text = update(text, remove=data.draw(st.lists(st.sampled_from(names), max_size=len(names) - 1)))
        if BEGIN not in text:
            break
    assert update(text, remove=names) == before + gap + after


@given(st.lists(name | hard, max_size=6))
@settings(deadline=None, max_examples=60)
def test_the_block_is_sorted_and_holds_each_name_once(names: list[str]) -> None:
    lines = update("", add=names).split("\n")[1:-2]
    assert lines == sorted({pattern(each) for each in names})


def test_removing_what_is_not_there_changes_nothing() -> None:
    text = update("*.log\n", add=["a"])
    assert update(text, remove=["b"]) == text
    assert update("*.log\n", remove=["b"]) == "*.log\n"


def test_a_block_with_windows_line_ends_is_read() -> None:
    text = update("", add=["a", "b"]).replace("\n", "\r\n")
    assert update(text, add=["a"]) == text
    assert update(text, remove=["b"]) == f"{BEGIN}\n/a\n{END}\n"


def test_a_block_at_the_very_end_without_a_line_break_is_read() -> None:
    text = update("x\n", add=["a"]).rstrip("\n")
    assert update(text, add=["b"]) == f"x\n{BEGIN}\n/a\n/b\n{END}\n"
