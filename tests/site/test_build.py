"""`mvc site -o DIR`: what is built, what is built again, and what is left alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from harness import Begin, Repo, noise
from site_facts import Elements
from versions import promoted

from mvc.errors import UsageError
from mvc.site import templating

LEDGER = "mvc-site.json"


@pytest.fixture
def repo(begin: Begin) -> Repo:
    """Return a repository with three versions, of which v1.1.0 is in prod."""
    return begin(promoted)


def build(repo: Repo, *options: str) -> dict[str, object]:
    """Build the site in `../out`."""
    found: dict[str, object] = repo.ok("site", "-o", "../out", *options, "--json").json
    return found


def out(repo: Repo) -> Path:
    return repo.root.parent / "out"


def page(repo: Repo, path: str) -> Elements:
    return Elements((out(repo) / path).read_text())


def files(repo: Repo) -> dict[str, tuple[int, bytes]]:
    """Return when each page was written, and its content."""
    found = (path for path in out(repo).rglob("*") if path.is_file())
    return {str(path.relative_to(out(repo))): (path.stat().st_mtime_ns, path.read_bytes()) for path in found}


def another(repo: Repo, name: str, version: str = "v1.0.0", auc: str = "0.8") -> None:
    """Register a version of another model."""
    path = f"models/{name}.onnx"
    repo.write(path, noise(f"{name}{version}", 900))
    repo.ok("add", path, "--name", name)
    repo.ok("eval", "record", path, "--tag", version, "--metric", f"auc={auc}", "--higher-is-better", "auc")
    repo.commit(f"{name} {version}")
    repo.git("push", "-q")
    repo.ok("register", name)


def test_a_site_of_a_repository(repo: Repo) -> None:
    found = build(repo)
    assert (found["models"], found["versions"], found["written"]) == (1, 3, found["pages"])
    overview = page(repo, "index.html")
    assert "models/ranker/index.html" in overview.values("a", "href")
    assert {"prod", "v1.1.0", "v1.2.0", "0.91", "origin/main"} <= set(overview.text.split())
    model = page(repo, "models/ranker/index.html")
    assert model.text.count("v1.1.0: 0.92") >= 1  # the chart's point
    version = page(repo, "models/ranker/v1.1.0.html")
    assert "mvc checkout --rev ranker@v1.1.0 -- models/ranker.onnx" in version.text
    badge = (out(repo) / "models/ranker/badge-prod.svg").read_text()
    assert "ranker#prod" in badge
    assert "v1.1.0 · auc 0.92" in badge
    assert page(repo, "audit/index.html").text.count("promote") >= 2
    entries = json.loads(next(out(repo).glob("search/*.json")).read_bytes())
    assert [title for title, *_ in entries] == ["ranker", "ranker@v1.0.0", "ranker@v1.1.0", "ranker@v1.2.0"]
    assert all(path.stat().st_size < 300_000 for path in out(repo).rglob("*.html"))


def test_every_link_leads_to_a_page(repo: Repo) -> None:
    build(repo)
    for path in out(repo).rglob("*.html"):
        found = Elements(path.read_text())
        for link in (*found.values("a", "href"), *found.values("link", "href"), *found.values("script", "src")):
            if name := link.partition("#")[0]:
                assert (path.parent / name).is_file(), (path, link)


def test_only_what_changed_is_written_again(repo: Repo) -> None:
    another(repo, "tagger")
    build(repo)
    before = files(repo)
    assert build(repo)["written"] == 0
    assert {name: time for name, (time, _) in files(repo).items() if name != LEDGER} == {
        name: time for name, (time, _) in before.items() if name != LEDGER
    }
    another(repo, "tagger", "v1.1.0", "0.9")
    build(repo)
    changed = {name for name, item in files(repo).items() if item != before.get(name)} - {LEDGER}
    assert {"models/tagger/v1.1.0.html", "models/tagger/index.html", "index.html", "audit/index.html"} <= changed
    assert not [name for name in changed if name.startswith("models/ranker/")]


def test_an_updated_site_is_the_site_built_anew(repo: Repo) -> None:
    build(repo)
    another(repo, "tagger")
    repo.ok("rollback", "ranker", "prod")
    repo.ok("retire", "ranker@v1.2.0", "-m", "wrong labels")
    build(repo)
    (repo.root / ".git/mvc/site-history-1.json").unlink()  # what was read of the history
    repo.ok("site", "-o", "../fresh")
    fresh = repo.root.parent / "fresh"
    expected = {str(path.relative_to(fresh)): path.read_bytes() for path in fresh.rglob("*") if path.is_file()}
    assert {name: content for name, (_, content) in files(repo).items()} == expected


def test_pages_that_are_gone_are_removed_and_files_of_others_stay(repo: Repo) -> None:
    another(repo, "tagger")
    build(repo)
    (out(repo) / "CNAME").write_text("models.example.com")
    (out(repo) / "models/ranker/note.txt").write_text("mine")
    repo.git("tag", "-d", "tagger@v1.0.0", "ranker@v1.0.0")
    assert build(repo)["removed"]
    assert not (out(repo) / "models/tagger").exists()
    assert not (out(repo) / "models/ranker/v1.0.0.html").exists()
    assert (out(repo) / "CNAME").read_text() == "models.example.com"
    assert (out(repo) / "models/ranker/note.txt").read_text() == "mine"


def test_a_directory_with_other_files_is_refused(repo: Repo) -> None:
    out(repo).mkdir()
    (out(repo) / "thesis.txt").write_text("mine")
    repo.fails(2, "site", "-o", "../out")
    assert [path.name for path in out(repo).iterdir()] == ["thesis.txt"]
    (out(repo) / "thesis.txt").unlink()
    (out(repo) / ".git").write_text("gitdir: elsewhere")  # a worktree of a branch of pages
    assert build(repo)["written"]


@pytest.mark.parametrize("folder", ["../note", "../note/site"])
def test_a_file_is_no_directory(repo: Repo, folder: str) -> None:
    (repo.root.parent / "note").write_text("mine")
    assert f"{folder} cannot be a directory" in repo.fails(2, "site", "-o", folder).err
    assert (repo.root.parent / "note").read_text() == "mine"


def test_what_a_user_removed_is_built_again(repo: Repo) -> None:
    build(repo)
    (out(repo) / "models/ranker/v1.0.0.html").unlink()
    (out(repo) / "index.html").unlink()
    assert build(repo)["written"] == 2
    assert (out(repo) / "models/ranker/v1.0.0.html").exists()


def test_a_list_that_names_other_files_removes_none(repo: Repo) -> None:
    build(repo)
    victim = repo.root.parent / "victim.txt"
    victim.write_text("mine")
    ledger = json.loads((out(repo) / LEDGER).read_bytes())
    at = next(index for index, item in enumerate(ledger) if isinstance(item, dict) and "index.html" in item)
    ledger[at]["../victim.txt"] = "x"
    (out(repo) / LEDGER).write_text(json.dumps(ledger))
    build(repo)
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("content", ["", "{", '[{"0": 1}, {}, {}]', "[[], [], []]"])
def test_what_was_read_of_the_history_is_disposable(repo: Repo, content: str) -> None:
    build(repo)
    before = files(repo)
    repo.path(".git/mvc/site-history-1.json").write_text(content)
    assert build(repo)["written"] == 0
    assert files(repo)["audit/index.html"] == before["audit/index.html"]


def test_no_page_is_written_through_a_symlink(repo: Repo) -> None:
    build(repo)
    elsewhere = repo.root.parent / "elsewhere"
    subprocess.run(["mv", out(repo) / "models", elsewhere], check=True)
    (out(repo) / "models").symlink_to(elsewhere)
    before = {path: path.stat().st_mtime_ns for path in elsewhere.rglob("*")}
    another(repo, "tagger")
    repo.fails(3, "site", "-o", "../out")
    assert {path: path.stat().st_mtime_ns for path in elsewhere.rglob("*")} == before


def test_older_versions_are_left_out_but_for_those_in_use(repo: Repo) -> None:
    build(repo, "--since", "ranker@v1.2.0")
    assert (out(repo) / "models/ranker/v1.2.0.html").exists()
    assert (out(repo) / "models/ranker/v1.1.0.html").exists()  # prod holds it
    assert not (out(repo) / "models/ranker/v1.0.0.html").exists()
    assert "1 older" in page(repo, "models/ranker/index.html").text
    build(repo)
    assert (out(repo) / "models/ranker/v1.0.0.html").exists()


def test_the_address_is_in_badges_and_links_to_itself(repo: Repo) -> None:
    build(repo, "--base-url", "https://models.example.com/shop")
    model = page(repo, "models/ranker/index.html")
    assert "https://models.example.com/shop/models/ranker/badge-prod.svg" in model.text
    assert "https://models.example.com/shop/models/ranker/index.html" in model.values("link", "href")
    repo.fails(2, "site", "-o", "../out", "--base-url", "javascript:alert(1)")


def test_a_forged_version_says_so(repo: Repo) -> None:
    text = repo.git("cat-file", "tag", "ranker@v1.2.0").replace("Mvc-Model-Blake3: ", "Mvc-Model-Blake3: 0")
    text = re.sub(r"(Mvc-Model-Blake3: 0.{63}).", r"\1", text)
    forged = subprocess.run(["git", "mktag"], cwd=repo.root, input=text.encode(), capture_output=True, check=True)
    repo.git("update-ref", "refs/tags/ranker@v1.2.0", forged.stdout.decode().strip())
    build(repo)
    assert "forged" in page(repo, "models/ranker/v1.2.0.html").text
    assert "unreadable" in page(repo, "index.html").text


def test_a_repository_without_versions_has_a_site(begin: Begin) -> None:
    repo = begin(lambda repo: repo.ok("status"))
    assert build(repo)["models"] == 0
    assert "mvc register" in page(repo, "index.html").text


def test_a_signed_version_is_healthy(repo: Repo) -> None:
    key = repo.root.parent / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    for option, text in {"gpg.format": "ssh", "user.signingkey": str(key), "tag.gpgsign": "true"}.items():
        repo.git("config", option, text)
    build(repo)
    assert "unsigned" in page(repo, "index.html").text
    repo.write(".mvc/allowed_signers", f"ada@example.com {key.with_suffix('.pub').read_text()}")
    repo.git("add", ".mvc")
    repo.git("commit", "-qm", "keys")
    repo.git("push", "-q")
    another(repo, "tagger")
    build(repo)
    rows = (out(repo) / "index.html").read_text().split("<tr>")
    assert [row for row in rows if "tagger" in row and "good" in row and "unsigned" not in row]


def test_models_that_have_no_version_or_nothing_in_git(begin: Begin) -> None:
    repo = begin(lambda repo: repo.ok("status"))
    repo.write("m.bin", "x")
    repo.ok("add", "m.bin", "--name", "search/m")
    repo.git("commit", "--no-verify", "-qm", "m")
    for tag in ("search/m#prod#1", "old@deprecated", "a.b=thing@v1.0.0", "aux@v1.0.0"):
        repo.git("tag", "-am", "by another program", tag)
    assert build(repo)["models"] == 4
    assert build(repo)["written"] == 0
    assert "prod" in page(repo, "models/search~m/index.html").text
    assert "no tracked path" in page(repo, "models/a.b=thing/v1.0.0.html").text
    repo.git("tag", "-d", "aux@v1.0.0", "a.b=thing@v1.0.0")
    assert build(repo)["removed"]
    assert sorted(path.name for path in (out(repo) / "models").iterdir()) == ["old", "search~m"]


def test_a_tagger_whose_name_is_not_utf_8(repo: Repo) -> None:
    text = repo.git("cat-file", "tag", "ranker@v1.2.0").encode().replace(b"tagger Ada", b"tagger Ad\xe9\xff")
    made = subprocess.run(["git", "hash-object", "-t", "tag", "-w", "--stdin"], cwd=repo.root, input=text + b"\n\xe9\n",
                          capture_output=True, check=True)
    repo.git("update-ref", "refs/tags/ranker@v1.2.0", made.stdout.decode().strip())
    build(repo)
    assert "Ad??" in page(repo, "models/ranker/v1.2.0.html").text
    assert "Ad??" in page(repo, "audit/index.html").text
    assert build(repo)["written"] == 0


def test_without_its_package_the_line_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    templating._environment.cache_clear()
    with pytest.raises(UsageError, match="jinja2") as raised:
        templating.require()
    assert "jinja2>=" in raised.value.fix
