"""`mvc import` and `mvc export`."""

from __future__ import annotations

import hashlib
from pathlib import Path

from harness import Repo
from hints.state import CHANGED, NEW, lose, state, top_of

EMPTY = hashlib.md5(b"", usedforsecurity=False).hexdigest()
LIST = ".mvc/imported/dvc"


def dvc(repo: Repo) -> None:
    """Let DVC track `x.bin`, in a commit; there is no DVC here."""
    tracked(repo, "x.bin", b"x")
    repo.git("add", ".")
    repo.commit("of DVC")


def tracked(repo: Repo, path: str, content: bytes, file: str = "") -> None:
    """Write a file of DVC, and its content into the workspace and DVC's cache, which Git ignores."""
    top = Repo(top_of(repo), repo.environ)
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    top.write(".dvc/.gitignore", "/cache\n")
    top.write(".dvc/config", "")
    top.write(f".dvc/cache/files/md5/{md5[:2]}/{md5[2:]}", content)
    repo.write(path, content)
    repo.write(f"{file or path}.dvc", f"outs:\n- md5: {md5}\n  hash: md5\n  path: {path}\n")
    ignore = Path(repo.root / ".gitignore")
    before = ignore.read_text() if ignore.exists() else ""
    ignore.write_text(f"{before}/{path}\n")


def twice(repo: Repo) -> None:
    """Two files of DVC name one path."""
    tracked(repo, "x.bin", b"x", "y.bin")
    dvc(repo)


def inside(repo: Repo) -> None:
    """DVC tracks what lies in a directory of mvc."""
    tracked(repo, "d/1", b"x", "y")
    dvc(repo)


def staged_by_a_pipeline(repo: Repo) -> None:
    """A pipeline writes what mvc tracks, and DVC's lock names other content."""
    dvc(repo)
    repo.write("dvc.lock", "schema: '2.0'\nstages:\n  a:\n    cmd: a\n    outs:\n"
               f"    - path: m.bin\n      hash: md5\n      md5: {EMPTY}\n")


def new_of_dvc(repo: Repo) -> None:
    """Let DVC track another file, without a commit."""
    dvc(repo)
    tracked(repo, "y.bin", b"y")


def of_other_content(repo: Repo) -> None:
    """A file of DVC names other content than the pointer beside it."""
    repo.write("m.bin.dvc", f"outs:\n- md5: {EMPTY}\n  hash: md5\n  path: m.bin\n")
    repo.git("add", "m.bin.dvc")
    repo.commit("of DVC")


STATES = [
    state("export_dvc", "mvc export dvc"),
    state("export_dvc_without_content", lose, "mvc export dvc"),
    state("export_dvc_beside_another_file_of_dvc", of_other_content, "mvc export dvc"),
    state("import_dvc", dvc, "mvc import dvc"),
    state("import_dvc_dry_run", dvc, "mvc import dvc --dry-run"),
    state("import_without_dvc", NEW, "mvc import dvc", PATH="n.bin"),
    state("import_dvc_of_an_uncommitted_file", new_of_dvc, "mvc import dvc"),
    state("import_dvc_of_a_path_of_two_files", twice, "mvc import dvc"),
    state("import_dvc_of_a_path_inside", inside, "mvc import dvc"),
    state("import_dvc_of_a_tracked_path", dvc, "mvc import dvc", "git checkout HEAD -- x.bin.dvc",
          f"sed -i 's/md5:.*/md5: {EMPTY}/' x.bin.dvc", "git commit -qm other x.bin.dvc", "mvc import dvc"),
    state("import_dvc_of_a_tracked_path_that_is_new", dvc, "mvc import dvc", "git checkout HEAD -- x.bin.dvc",
          f"sed -i 's/md5:.*/md5: {EMPTY}/' x.bin.dvc", "mvc import dvc"),
    state("import_dvc_of_a_tracked_path_of_a_pipeline", staged_by_a_pipeline, CHANGED, "mvc import dvc"),
    state("import_dvc_of_a_path_outside", dvc, NEW, "sed -i 's/path:.*/path: \\/etc\\/hosts/' x.bin.dvc",
          "mvc import dvc", PATH="n.bin"),
    state("import_dvc_of_a_malformed_file", dvc, "echo x > x.bin.dvc", "mvc import dvc"),
    state("import_dvc_with_a_malformed_list", dvc, "mvc import dvc", f"echo x > $TOP/{LIST}", "mvc import dvc"),
    state("import_dvc_with_a_malformed_line", dvc, "mvc import dvc", f"echo x >> $TOP/{LIST}", "mvc import dvc"),
    state("import_dvc_with_a_contradicting_list", dvc, "mvc import dvc",
          f"sed -n '2s/[0-9]*$/7/p' $TOP/{LIST} >> $TOP/{LIST}", "mvc import dvc"),
]
