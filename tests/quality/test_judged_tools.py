"""Lines to type where DVC or git-lfs keeps a model, for names that need quotes."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from mvc.quality.files import FileAt
from mvc.quality.finding import Finding
from mvc.quality.judge import fixes, tools
from mvc.quality.judge.facts import ModelFacts
from mvc.quality.pointer_files import OtherPointer
from mvc.quality.policy.policy import Policy

PATHS = ["m/a.bin", "m/a b.bin", "m/x's y.bin", "m/a\nb.bin", 'm/$(t)"`.bin', "m/a;b.bin", "m/[x]*.bin"]


def words(line: str, folder: Path) -> list[str]:
    """Return the words of a line as a shell reads them, without those of a pathspec."""
    script = f"printf '%s\\0' {line.partition('  #')[0].replace('&&', shlex.quote('&&'))}"
    done = subprocess.run(["bash", "-c", script], cwd=folder, check=True, capture_output=True)
    return [word.removeprefix(":(literal)") for word in done.stdout.decode().split("\0")[:-1]]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("kind", "suffix"), [("dvc", ".dvc"), ("lfs", "")])
def test_a_line_names_the_file_that_has_the_pointer(path: str, kind: str, suffix: str, tmp_path: Path) -> None:
    other = OtherPointer(path + suffix, "md5:" + "a" * 32)
    model = ModelFacts(path, FileAt("100644", other.oid.encode(), other.oid))
    finding = Finding.of("MVC304", path, "why", fixes.untrack(f"{path}.mvc"))
    (found,) = tools.in_their_tools(Policy(1, pointers=["mvc", kind]), [model], [finding])
    assert words(found.fix, tmp_path) == ["git", "rm", "--cached", "--", path + suffix]


@pytest.mark.parametrize("path", PATHS)
def test_a_line_lets_git_lfs_keep_a_new_model(path: str, tmp_path: Path) -> None:
    found = words(tools.adding(fixes.add(path), "lfs"), tmp_path)
    assert found == ["git", "lfs", "track", "--filename", path, "&&", "git", "add", "--", ".gitattributes", path]
