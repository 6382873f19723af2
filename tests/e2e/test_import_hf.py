"""`mvc import hf`, of folders that the real library of Hugging Face made."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from harness import Begin, Repo
from hub import FILES, ONE, TWO, download, serving_hub


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a cache (`hub`) of two revisions, and a download of the second one (`local`)."""
    home = tmp_path_factory.mktemp("hf")
    with serving_hub() as hub:
        download(hub, home, "--revision", ONE)
        download(hub, home)
        download(hub, home, "--local-dir", str(home / "local"))
    return home


@pytest.fixture
def cached(downloads: Path, tmp_path: Path) -> Path:
    """Return the repository in a cache of its own."""
    shutil.copytree(downloads / "hub", tmp_path / "hub", symlinks=True)
    return tmp_path / "hub/models--org--tiny"


def with_optional_reports(repo: Repo) -> None:
    repo.write(".mvc/policy.yaml", "mvc-policy: 1\ndefaults: {report: optional}\n")
    repo.git("commit", "-qam", "policy")


@pytest.fixture
def work(begin: Begin) -> Repo:
    """Return a repository in which mvc is set up."""
    return begin(with_optional_reports)


def stats(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return inode, mtime and links of all files."""
    found = {str(path): path.lstat() for path in folder.rglob("*")}
    return {name: (status.st_ino, status.st_mtime_ns, status.st_nlink) for name, status in found.items()}


def test_a_cached_snapshot_becomes_a_tracked_directory(work: Repo, cached: Path) -> None:
    before = stats(cached)
    work.path("models").mkdir()
    result = work.ok("import", "hf", str(cached), cwd="models")
    assert f"imported tiny (5 files, 1.2 MB) from org/tiny {TWO[:12]}\n" in result.out
    assert stats(cached) == before
    inodes = {inode for inode, *_ in before.values()}
    assert not inodes & {inode for folder in (work.store, work.path("models")) for inode, *_ in stats(folder).values()}
    assert work.contents("models/tiny") == FILES[TWO]
    assert work.states() == {"models/tiny": "clean"}
    assert f'labels: {{hf.repo: "org/tiny", hf.revision: "{TWO}"}}\n' in work.read("models/tiny.mvc").decode()
    assert work.git("status", "--short").splitlines() == [
        "A  models/.gitignore", "A  models/tiny.eval.yaml", "A  models/tiny.mvc",
    ]
    shutil.rmtree(cached)
    work.remove("models/tiny")
    work.ok("checkout")
    assert work.contents("models/tiny") == FILES[TWO]


def test_a_later_revision_replaces_an_earlier_one(work: Repo, cached: Path) -> None:
    work.ok("import", "hf", str(cached / "snapshots" / ONE))
    assert work.contents("tiny") == FILES[ONE]
    work.commit("one")
    assert "unchanged" in work.ok("import", "hf", str(cached / "snapshots" / ONE)).out
    assert work.git("status", "--short") == ""
    result = work.ok("import", "hf", str(cached / "snapshots" / TWO))
    assert "note: tiny has a report, which stays as it is\n" in result.err
    assert work.contents("tiny") == FILES[TWO]
    assert work.states() == {"tiny": "clean"}
    work.write("tiny/config.json", "mine")
    result = work.fails(3, "import", "hf", str(cached / "snapshots" / ONE))
    assert work.read("tiny/config.json") == b"mine"
    assert result.fixes


def test_a_download_in_the_workspace_is_tracked_where_it_is(work: Repo, downloads: Path) -> None:
    shutil.copytree(downloads / "local", work.path("models/tiny"))
    work.write("models/tiny/config.json", "edited")
    before = stats(work.path("models/tiny"))
    result = work.ok("import", "hf", "models/tiny")
    assert "note: config.json differs from what was downloaded, and is tracked as it is\n" in result.err
    assert stats(work.path("models/tiny")) == before
    assert f'labels: {{hf.revision: "{TWO}"}}\n' in work.read("models/tiny.mvc").decode()
    assert ".cache" not in work.read("models/tiny.mvc").decode()
    assert work.read("models/.mvcignore") == b"/tiny/.cache/huggingface/\n"
    assert work.states() == {"models/tiny": "clean"}
    work.commit("imported")
    assert work.git("status", "--short") == ""
    work.ok("import", "hf", "models/tiny")
    assert work.git("status", "--short") == ""
    shutil.rmtree(work.path("models/tiny"))
    work.ok("checkout")
    assert work.contents("models/tiny") == FILES[TWO] | {"config.json": b"edited"}


def test_a_download_elsewhere_is_copied(work: Repo, downloads: Path) -> None:
    work.ok("import", "hf", str(downloads / "local"))
    assert work.contents("local") == FILES[TWO]
    assert work.states() == {"local": "clean"}


def test_metrics_become_a_report(work: Repo, cached: Path) -> None:
    result = work.ok("import", "hf", str(cached))
    assert "recorded tiny.eval.yaml (v1.0.0)\n" in result.out
    assert "note: not in the report: README.md: f1 is '0.9 ± 0.1', expected a number\n" in result.err
    report = work.ok("eval", "show", "tiny", "--json").json
    assert [(item["name"], item["value"], item["slice"]) for item in report["report"]["metrics"]] == [
        ("accuracy", 0.93, {"dataset": "imdb", "config": "plain", "split": "test"}),
        ("cais/hle", 20.9, {"task": "default", "notes": "no-tools"}),
    ]
    assert report["report"]["task"] == "text-classification"


@pytest.mark.parametrize("name", ["config.json", "sub/model.safetensors"], ids=["git", "sha256"])
def test_a_damaged_blob_is_refused(work: Repo, cached: Path, name: str) -> None:
    blob = (cached / "snapshots" / TWO / name).resolve()
    blob.write_bytes(blob.read_bytes()[:-1] + b"?")
    result = work.fails(1, "import", "hf", str(cached))
    assert name in result.errors[0]
    assert result.fixes == [f"hf download org/tiny --revision {TWO} --force-download"]
    assert not work.path("tiny.mvc").exists()
    assert not work.path("tiny").exists()


def lead_out(repo: Repo, cached: Path) -> None:
    (cached / "snapshots" / TWO / "secret").symlink_to("/etc/passwd")


def lead_to_a_directory(repo: Repo, cached: Path) -> None:
    (cached / "snapshots" / TWO / "folder").symlink_to("/etc")


def be_in_the_way(repo: Repo, cached: Path) -> None:
    repo.write("tiny/mine", "mine")


def belong_to_git(repo: Repo, cached: Path) -> None:
    repo.write("tiny/mine", "mine")
    repo.git("add", "tiny")


def have_two_revisions(repo: Repo, cached: Path) -> None:
    (cached / "refs/main").unlink()


def have_no_revision(repo: Repo, cached: Path) -> None:
    shutil.rmtree(cached / "snapshots")


def be_inside(repo: Repo, cached: Path) -> None:
    repo.added("tiny/deep/m.bin", "m")


def have_a_bad_name(repo: Repo, cached: Path) -> None:
    (cached / "snapshots" / TWO / "con.txt").write_text("con")


@pytest.mark.parametrize(("step", "code", "said"), [
    (lead_out, 3, "is a symlink out of the cache"), (lead_to_a_directory, 3, "is a symlink to a directory"),
    (be_in_the_way, 2, "tiny exists, and is not tracked"), (belong_to_git, 2, "tiny is tracked by Git"),
    (have_two_revisions, 2, f"has the revisions {ONE}, {TWO}"), (have_no_revision, 2, "has no revision"),
    (be_inside, 2, "one inside the other"), (have_a_bad_name, 2, "a Windows device name"),
], ids=lambda value: value.__name__ if callable(value) else "")
def test_what_cannot_be_imported_is_refused(work: Repo, cached: Path, step: object, code: int, said: str) -> None:
    assert callable(step)
    step(work, cached)
    before = work.git("status", "--short")
    result = work.fails(code, "import", "hf", str(cached))
    assert said in result.errors[0]
    assert work.git("status", "--short") == before


def test_json_is_one_document(work: Repo, cached: Path) -> None:
    result = work.mvc("import", "hf", str(cached), "--json").json
    assert (result["path"], result["repository"], result["revision"]) == ("tiny", "org/tiny", TWO)
    assert (result["files"], result["changed"], result["report"]) == (5, True, "v1.0.0")
    again = work.mvc("import", "hf", str(cached), "--json").json
    assert (again["changed"], again["report"]) == (False, "")


def test_a_plain_directory_is_no_snapshot(work: Repo) -> None:
    work.write("plain/a", "a")
    result = work.fails(2, "import", "hf", "plain")
    assert "is not a snapshot of Hugging Face" in result.errors[0]
    assert result.fixes == ["mvc add plain"]
    work.path("sub").mkdir()
    assert work.fails(2, "import", "hf", "../plain", cwd="sub").fixes == ["mvc add ../plain"]


def test_a_download_into_the_whole_worktree_is_refused(work: Repo) -> None:
    work.write(".cache/huggingface/download/a.metadata", "")
    for folder in (".", "..", str(work.root)):
        assert "has the whole worktree in it" in work.fails(2, "import", "hf", folder).errors[0]
