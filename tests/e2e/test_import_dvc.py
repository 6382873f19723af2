"""`mvc import dvc`, of repositories that the real DVC made."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from dvc import LARGE_FILE, TRACKED, VERSIONS, dvc, with_dvc
from harness import Begin, InProcess, Repo
from s3 import S3Server, make_bucket


@pytest.fixture
def old(begin: Begin) -> Repo:
    """Return a repository of DVC, in which mvc is set up."""
    return begin(with_dvc)


def imported(repo: Repo, *options: str, code: int = 0) -> str:
    """Run the import; return what it says."""
    result = repo.mvc("import", "dvc", *options)
    assert result.code == code, result
    return result.out + result.err


def check_version(repo: Repo, rev: str, out: Path) -> None:
    """Check every byte of a revision, by mvc alone."""
    for path in TRACKED:
        (out / rev / path).parent.mkdir(parents=True, exist_ok=True)
        repo.ok("get", ".", f"{rev}:{path}", "-o", str(out / rev / path))
    files = [file for file in (out / rev).rglob("*") if file.is_file()]
    assert {str(file.relative_to(out / rev)): file.read_bytes() for file in files} == VERSIONS[rev]


def files_of(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return inode, mtime and content of all files."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            status = path.stat()
            found[str(path)] = (status.st_ino, status.st_mtime_ns, path.read_bytes())
    return found


def test_every_byte_of_every_version_is_imported(old: Repo, tmp_path: Path) -> None:
    before = files_of(old.path(".dvc")) | files_of(tmp_path / "dvc-remote")
    said = imported(old, "--all-commits")
    assert "3 versions of the history imported" in said
    assert files_of(old.path(".dvc")) | files_of(tmp_path / "dvc-remote") == before
    inodes = {inode for inode, _, _ in before.values()}
    assert not inodes & {inode for inode, _, _ in files_of(old.store).values()}
    assert old.states() == dict.fromkeys(TRACKED, "clean")
    for folder in (old.path(".dvc/cache"), tmp_path / "dvc-remote"):
        shutil.rmtree(folder)
    for rev in VERSIONS:
        check_version(old, rev, tmp_path / "out")


def test_git_sees_pointers_in_the_place_of_dvc_s_files(old: Repo) -> None:
    imported(old)
    assert old.git("status", "--short").splitlines() == [
        "M  .gitignore", "A  .mvc/imported/.gitattributes", "A  .mvc/imported/dvc", "D  big.bin.dvc", "A  big.bin.mvc",
        "D  data.dvc", "A  data.mvc", 'D  "mo del[1].bin.dvc"', 'A  "mo del[1].bin.mvc"',
        "M  models/.gitignore", "A  models/ranker.pkl.mvc",
    ]
    assert old.read(".gitignore").decode().splitlines() == [
        "# mvc begin: written by mvc, do not edit", "/big.bin", "/data", "/mo del\\[1].bin", "# mvc end",
    ]
    assert old.read("models/.gitignore").startswith(b"/ranker.pkl\n# mvc begin")  # the pipeline is still DVC's
    pointer = old.read("models/ranker.pkl.mvc").decode()
    assert 'name: "ranker"\ndesc: "ranks"\n' in pointer
    labels = 'dvc.labels: "fast, small", dvc.meta: "{\\"framework\\": \\"none\\"}", dvc.type: "model"'
    assert f"labels: {{{labels}}}\n" in pointer


def test_a_second_import_does_nothing(old: Repo) -> None:
    imported(old, "--all-commits")
    before = old.git("write-tree"), files_of(old.store / "objects")
    assert "imported already" in imported(old, "--all-commits")
    old.commit("imported")
    assert "imported already" in imported(old, "--all-commits")
    assert (old.git("rev-parse", "HEAD^{tree}"), files_of(old.store / "objects")) == before


def test_a_dry_run_changes_nothing(old: Repo) -> None:
    before = files_of(old.root)
    said = imported(old, "--all-commits", "--reports", "--dry-run")
    assert "would import models/ranker.pkl\n" in said
    assert "3 versions of the history would be imported" in said
    assert "would record models/metrics.json as models/ranker.pkl.eval.yaml\n" in said
    after = files_of(old.root)
    assert {name: after[name] for name in before if "/.git/" not in name} == {
        name: file for name, file in before.items() if "/.git/" not in name
    }
    assert old.git("status", "--short") == ""


def test_the_way_back_is_a_revert(old: Repo) -> None:
    before = dvc(old, "status")
    imported(old)
    old.commit("imported")
    old.git("revert", "--no-edit", "HEAD")
    assert dvc(old, "status") == before
    assert "up to date" in dvc(old, "status", "big.bin.dvc", "data.dvc", "mo del[1].bin.dvc")
    for path, content in VERSIONS["two"].items():
        assert old.read(path) == content


def test_the_way_back_before_the_commit(old: Repo) -> None:
    before = dvc(old, "status")
    imported(old)
    old.ok("rm", "--keep", *sorted(TRACKED))
    old.git("restore", "--staged", "--worktree", "--source=HEAD", "--", ":(top)*.dvc", ":(top)*.gitignore")
    assert old.git("status", "--short").splitlines() == ["A  .mvc/imported/.gitattributes", "A  .mvc/imported/dvc"]
    assert dvc(old, "status") == before


# Where content comes from.


def lose_workspace(repo: Repo) -> None:
    for path in ("big.bin", "mo del[1].bin", "data", "models/ranker.pkl"):
        repo.remove(path)


def lose_cache(repo: Repo) -> None:
    shutil.rmtree(repo.path(".dvc/cache"))


def lose_remote(repo: Repo) -> None:
    shutil.rmtree(repo.root.parent / "dvc-remote")


def legacy_layout(repo: Repo) -> None:
    """Move the objects of DVC's cache to where DVC 2 had them."""
    files = repo.path(".dvc/cache/files")
    for folder in (files / "md5").iterdir():
        shutil.move(folder, repo.path(".dvc/cache") / folder.name)
    shutil.rmtree(files)


def elsewhere(repo: Repo) -> None:
    """Move DVC's cache, and configure where it is."""
    shutil.move(repo.path(".dvc/cache"), repo.root.parent / "shared")
    repo.write(".dvc/config.local", "[cache]\n    dir = ../../shared\n")


@pytest.mark.parametrize("lose", [
    (lose_remote,), (lose_workspace, lose_remote), (lose_workspace, lose_cache), (lose_workspace, legacy_layout),
    (lose_workspace, lose_remote, elsewhere),
], ids=lambda steps: "-".join(step.__name__ for step in steps))
def test_content_is_found_wherever_it_is(old: Repo, in_process: InProcess, lose: tuple[Callable[[Repo], None]]) -> None:
    for step in lose:
        step(old)
    result = in_process(old.root, "import", "dvc")
    assert result.code == 0, result
    result = in_process(old.root, "checkout")
    assert result.code == 0, result
    for path, content in VERSIONS["two"].items():
        assert old.read(path) == content


def test_s3(old: Repo, s3_server: S3Server, s3_url: str) -> None:
    make_bucket(s3_server, s3_url)
    keys = {"aws_access_key_id": s3_server.access_key, "aws_secret_access_key": s3_server.secret_key}
    old.write("../keys", "".join(f"{line}\n" for line in ["[team]", *(f"{name} = {keys[name]}" for name in keys)]))
    settings = {"url": f"{s3_url}/of dvc", "endpointurl": s3_server.endpoint, "profile": "team"}
    config = "".join(f"    {name} = {value}\n" for name, value in (settings | {"credentialpath": "../../keys"}).items())
    config = f"[core]\n    remote = nas\n['remote \"nas\"']\n{config}"
    old.write(".dvc/config.local", config)
    for rev in ("one", "side", "main"):  # `--all-commits` takes the settings of each commit
        old.git("switch", "-q", "--detach", rev)
        dvc(old, "push", "-q")
    old.git("switch", "-q", "main")
    lose_workspace(old)
    lose_cache(old)
    old.write(".dvc/config.local", f"{config}    ssl_verify = false\n")
    said = imported(old, code=3)
    assert "remote nas: it is configured with ssl_verify = false, and mvc always verifies the server" in said
    assert "try: dvc fetch big.bin.dvc && mvc import dvc\n" in said
    dvc(old, "fetch", "-q", "big.bin.dvc")
    imported(old, code=3)
    assert old.states().keys() == {"big.bin"}
    old.write(".dvc/config.local", config)
    imported(old, "--all-commits")
    assert not [name for name, (*_, content) in files_of(old.path(".mvc")).items() if b"secret" in content]
    old.ok("checkout")
    for path, content in VERSIONS["two"].items():
        assert old.read(path) == content
    assert old.ok("ls", "one").out.count("\n") == len(TRACKED)


def test_content_that_nobody_has_is_named_and_the_rest_goes_on(old: Repo) -> None:
    for lose in (lose_cache, lose_remote):
        lose(old)
    old.remove("data")
    old.write("mo del[1].bin", "changed")
    said = imported(old, code=3)
    assert "data: neither DVC's cache nor a remote that mvc reads has md5 " in said
    assert "try: dvc fetch data.dvc && mvc import dvc\n" in said
    assert "'mo del[1].bin.dvc'" in said
    assert old.states() == {"big.bin": "clean", "models/ranker.pkl": "clean"}
    assert old.path("data.dvc").exists()
    assert old.read("mo del[1].bin") == b"changed"


def spoil(folder: Path, content: bytes) -> int:
    """Give the objects with this content other content of that length; return their number."""
    hits = [path for path in folder.rglob("*") if path.is_file() and path.read_bytes() == content]
    for path in hits:
        path.chmod(0o644)
        path.write_bytes(content[:-1] + b"?")
    return len(hits)


@pytest.mark.parametrize("content", [b"model 2", LARGE_FILE], ids=["small", "large"])
def test_a_damaged_object_is_refused_and_another_one_taken(old: Repo, content: bytes) -> None:
    lose_workspace(old)
    assert spoil(old.path(".dvc/cache"), content)
    imported(old)
    old.ok("checkout")
    assert content in (old.read("mo del[1].bin"), old.read("big.bin"))


def test_an_object_that_is_damaged_everywhere_is_named(old: Repo) -> None:
    lose_workspace(old)
    assert spoil(old.path(".dvc/cache"), LARGE_FILE)
    assert spoil(old.root.parent / "dvc-remote", LARGE_FILE)
    said = imported(old, code=1)
    assert re.search("big.bin: the content is not that of md5 [0-9a-f]{32} in DVC's cache and the remote nas", said)
    assert old.states().keys() == TRACKED - {"big.bin"}


def test_what_was_changed_in_the_workspace_stays_a_change(old: Repo) -> None:
    old.write("mo del[1].bin", "changed")
    old.write("data/extra", "extra")
    imported(old)
    states = old.states()
    assert (states["mo del[1].bin"], states["data"], states["big.bin"]) == ("modified", "modified", "clean")
    old.ok("checkout", "-f", "mo del[1].bin")
    assert old.read("mo del[1].bin") == b"model 2"


def test_symlinks_into_dvc_s_cache_become_files(old: Repo) -> None:
    dvc(old, "config", "cache.type", "symlink")
    lose_workspace(old)
    dvc(old, "checkout", "-q")
    assert old.path("data/new").is_symlink()
    imported(old)
    assert old.states() == dict.fromkeys(TRACKED, "clean")
    assert not old.path("data/new").is_symlink()
    assert old.path(".dvc/cache").is_dir()


def test_hard_links_are_not_shared(old: Repo) -> None:
    dvc(old, "config", "cache.type", "hardlink")
    lose_workspace(old)
    dvc(old, "checkout", "-q")
    old.ok("config", "set", "cache.link", "hardlink")
    imported(old)
    assert old.states() == dict.fromkeys(TRACKED, "clean")
    assert old.path("big.bin").stat().st_nlink == 2  # with DVC's cache, as before
    assert old.loose(old.digest("big.bin")).stat().st_nlink == 1


# Later.


def test_gc_keeps_what_only_earlier_commits_have(old: Repo, tmp_path: Path) -> None:
    imported(old, "--all-commits")
    for state in ("staged", "committed"):
        assert "Nothing to free" in old.ok("gc", "--unpushed", "--grace", "0").out, state
        old.git("commit", "-qm", "imported", "--allow-empty")
    old.git("rm", "-q", ".mvc/imported/dvc")
    old.commit("the list is only in the history")
    assert "Nothing to free" in old.ok("gc", "--unpushed", "--grace", "0").out


def test_a_clone_gets_the_versions_of_all_commits(old: Repo, tmp_path: Path) -> None:
    imported(old, "--all-commits")
    old.ok("remote", "add", "nas", "../nas")
    old.git("add", ".mvc/config.yaml")
    old.commit("imported")
    old.ok("push", "--all-commits")
    clone = old.clone(tmp_path / "clone")
    clone.ok("fetch", "--rev", "one", "data")
    clone.ok("checkout", "--rev", "one", "data")
    assert clone.contents("data") == {"a.csv": b"a\r\nb", "sub dir/b": b"b", "empty": b""}
    assert clone.read("data.mvc").startswith(b'mvc: 1\nkind: "dir"\nmanifest:\n')
    clone.ok("fetch", "--all-commits")
    shutil.rmtree(tmp_path / "nas")
    clone.git("branch", "-q", "side", "origin/side")
    check_version(clone, "side", tmp_path / "out")


def test_versions_that_gto_tagged_before_are_versions(old: Repo, tmp_path: Path) -> None:
    old.git("tag", "-am", "by gto", "ranker@v1.0.0", "one")
    old.git("tag", "-am", "by gto", "ranker#prod#1", "one")
    imported(old, "--all-commits")
    old.commit("imported")
    old.ok("get", ".", "ranker@v1.0.0", "-o", str(tmp_path / "ranker"))
    assert (tmp_path / "ranker").read_bytes() == b"a\r\nb"
    assert old.ok("which", "ranker", "prod", "--json").json["version"] == "v1.0.0"


def test_metrics_become_a_report(old: Repo) -> None:
    said = imported(old, "--reports")
    assert "recorded models/ranker.pkl.eval.yaml (v1.0.0, of models/metrics.json)\n" in said
    report = old.read("models/ranker.pkl.eval.yaml").decode()
    assert 'name: "auc", value: 0.9' in report
    assert old.digest("models/ranker.pkl") in report
    old.commit("imported")
    assert "recorded" not in imported(old, "--reports")


def test_diff_and_ls_read_earlier_commits(old: Repo) -> None:
    imported(old, "--all-commits")
    old.commit("imported")
    assert "mo del[1].bin" in old.ok("diff", "one", "--", "mo del[1].bin").out
    assert old.ok("diff", "two", "HEAD").out.strip() in ("", "No differences.")


# What stops an output.


def test_a_dvc_file_that_git_does_not_have_is_not_removed(old: Repo) -> None:
    old.write("new.bin", "new")
    dvc(old, "add", "-q", "new.bin")
    said = imported(old, code=3)
    assert "new.bin.dvc is not committed as it is, and the import removes it\n" in said
    assert 'try: git add -- new.bin.dvc && git commit -m "..."\n' in said
    assert old.path("new.bin.dvc").exists()
    assert old.states().keys() == TRACKED


def test_a_line_break_in_the_name_of_a_dvc_file_does_not_stop_the_others(old: Repo) -> None:
    old.write("line\nbreak.bin.dvc", f"outs:\n- md5: {'a' * 32}\n  hash: md5\n  path: other.bin\n")
    old.git("add", "-A")
    old.commit("odd")
    said = imported(old, code=2)
    assert "refused name 'line\\nbreak.bin.dvc': it contains a control character\n" in said
    assert old.states().keys() >= TRACKED


def test_a_branch_that_goes_on_with_dvc_is_merged(old: Repo) -> None:
    """The steps of docs/migrate-from-dvc.md, of which a new file of DVC is the first."""
    imported(old)
    old.commit("imported")
    path = next(path for path in sorted(TRACKED) if old.path(path).is_file() and "/" not in path)
    file = f"{path}.dvc"
    old.write(file, f"outs:\n- md5: {'a' * 32}\n  hash: md5\n  path: {path}\n")
    result = old.fails(3, "import", "dvc")
    assert f"{path} is tracked by mvc, and {file} names other content" in result.err
    assert old.shell(result.fixes[0]).code == 0
    assert not old.path(file).exists()
    old.ok("import", "dvc")


HEAD = "outs:\n- md5: 9a0364b9e99bb480dd25e1f0284c8555\n  hash: md5\n  path: "
HOSTILE: Mapping[str, tuple[str, str]] = {
    "outside": (f"{HEAD}../../etc/passwd\n", "outside of the repository"),
    "absolute": (f"{HEAD}/etc/passwd\n", "outside of the repository"),
    "url": (f"{HEAD}s3://bucket/key\n", "outside of the repository"),
    "git": (f"{HEAD}.git/hooks/pre-commit\n", "it is inside .git or .mvc"),
    "mvc": (f"{HEAD}.mvc/policy.yaml\n", "it is inside .git or .mvc"),
    "anchor": ("outs: &a\n- path: x\nmore: *a\n", "anchors and aliases are not supported"),
    "tag": ("outs: !!python/object/apply:os.system [echo]\n", "tags are not supported"),
    "deep": ("[" * 5000, "nested deeper than 64"),
    "list": ("- a\n", "expected keys and values"),
    "binary": ("\x00\x01", "not YAML"),
    "md5": ("outs:\n- md5: ../../../../etc/passwd\n  hash: md5\n  path: x\n", "expected 32 hex digits"),
    "etag": ("outs:\n- etag: abc\n  hash: etag\n  path: x\n", "its digest is etag, expected md5"),
    "none": ("outs:\n- path: x\n", "DVC has no content of it"),
    "no-path": ("outs:\n- md5: 9a0364b9e99bb480dd25e1f0284c8555\n", "an output without a path"),
    "device": (f"{HEAD}con\n", "a Windows device name"),
    "twin": (f"{HEAD}BIG.bin\n", "equal on a case-insensitive file system"),
    "twice": (f"{HEAD}big.bin\n", "big.bin is an output of both"),
    "inside": (f"{HEAD}data/a.csv\n", "are one inside the other"),
}


def test_hostile_files_are_named_one_by_one_and_the_rest_goes_on(old: Repo) -> None:
    for name, (text, _) in HOSTILE.items():
        old.write(f"z-{name}.dvc", text)
    old.git("add", "-f", "z-*.dvc")
    old.commit("hostile")
    result = old.mvc("-v", "import", "dvc")
    assert result.code == 2, result
    for name, (_, reason) in HOSTILE.items():
        hits = [line for line in result.errors if reason in line]
        assert hits, (name, result.err)
        assert all(len(line) < 300 for line in hits)
    assert old.states() == dict.fromkeys(TRACKED, "clean")
    assert {path.name for path in old.root.glob("z-*.dvc")} == {f"z-{name}.dvc" for name in HOSTILE}


def test_there_must_be_dvc(repo: Repo) -> None:
    assert "not a repository of DVC" in repo.fails(2, "import", "dvc").err
