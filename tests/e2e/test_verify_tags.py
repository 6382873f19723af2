"""`mvc verify --tags`, and what hostile tags can do: nothing."""

from __future__ import annotations

import pytest
from harness import Begin, InProcess, Repo
from versions import RANKER, promoted

TRAILERS = f"""\
Register ranker v3.0.0

Mvc-Model-Blake3: {"a" * 64}
Mvc-Report-Blake3: {"b" * 64}
Mvc-Pointer: {RANKER}.mvc
"""
FORGED = {
    "lightweight": ("git tag ranker@v3.0.0", "error: ranker@v3.0.0: lightweight"),
    "of a tree": ("git tag -am x ranker@v3.0.0 HEAD^{tree}", "error: ranker@v3.0.0: it names a tree"),
    "of a blob": (f"git tag -am x ranker@v3.0.0 HEAD:{RANKER}.mvc", "error: ranker@v3.0.0: it names a blob"),
    "of a tag": ("git tag -am x ranker@v3.0.0 ranker@v1.0.0", "error: ranker@v3.0.0: it names a tag"),
    "renamed": ("git tag ranker@v3.0.0 ranker@v1.0.0", "error: ranker@v3.0.0: renamed"),
    "moved": ("git tag -f ranker@v1.0.0 ranker@v1.2.0", "error: ranker@v1.0.0: renamed"),
    "moved to a commit": ("git tag -f ranker@v1.0.0 HEAD", "error: ranker@v1.0.0: lightweight"),
    "created again": ("git tag -fam x ranker@v1.0.0 v1.0.0", "error: ranker@v1.1.0: broken chain"),
    "deleted": ("git tag -d ranker#prod#1", "error: ranker#prod#2: broken chain"),
    "with other digests": ("git tag --cleanup=verbatim -aF ../trailers ranker@v3.0.0", "it says blake3 aaaaaaaaaaaa"),
    "of a commit without the pointer": (
        "git tag --cleanup=verbatim -aF ../trailers ranker@v3.0.0 :/init", "is not in its commit",
    ),
    "with a copied message": (
        "git cat-file tag ranker@v1.0.0 | sed 1,/^$/d > ../copy && git tag -aF ../copy ranker@v3.0.0 HEAD",
        "error: ranker@v3.0.0: the tag ranker@v3.0.0 is forged or was moved: it says blake3",
    ),
    "with a copied message, at the same commit": (
        "git cat-file tag ranker@v1.0.0 | sed 1,/^$/d > ../copy && git tag -aF ../copy ranker@v3.0.0 v1.0.0",
        "error: ranker@v3.0.0: duplicate: ranker@v1.0.0 registers the same commit",
    ),
    "of a name that is another model's": (
        "git cat-file tag ranker@v1.0.0 | sed 1,/^$/d > ../copy && git tag -aF ../copy better@v3.0.0 v1.0.0",
        f"{RANKER}.mvc is of the model ranker",
    ),
    "twice": ("git tag -am x ranker@v1.0.0#9 v1.1.0", "error: ranker@v1.0.0#9: duplicate: ranker@v1.0.0 registers"),
    "in another case": ("git tag -am x Ranker@v9.0.0", "duplicate: the model differs from"),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_tag_that_is_not_what_mvc_wrote_is_found(begin: Begin, in_process: InProcess, case: str) -> None:
    repo = begin(promoted)
    (repo.root.parent / "trailers").write_text(TRAILERS)
    line, message = FORGED[case]
    done = repo.shell(line.replace("ranker#", "'ranker'#").replace(":/init", "$(git rev-list --max-parents=0 HEAD)"))
    assert done.code == 0, done
    result = in_process(repo.root, "verify", "--tags")
    assert result.code == 1, result
    assert message in result.err, result
    assert message.removeprefix("error: ") in in_process(repo.root, "-q", "verify", "--tags").err
    found = in_process(repo.root, "verify", "--tags", "--json").json
    assert [item for item in found["problems"] if item["severity"] == "error"]
    for line in ("models", "which ranker", "history ranker"):  # they go on, or say what is forged
        result = in_process(repo.root, *line.split())
        assert (result.code == 0 and result.out) or "forged" in result.err, result


def test_a_tag_that_is_no_version_is_no_revision_either(begin: Begin, in_process: InProcess) -> None:
    repo = begin(promoted)
    repo.git("tag", "ranker@v3.0.0")
    for words in (["ls"], ["checkout", "--rev"], ["diff"], ["promote"]):
        result = in_process(repo.root, *words, "ranker@v3.0.0", *["prod"] * (words == ["promote"]))
        assert result.code in (1, 2), result
        assert not result.out
    assert in_process(repo.root, "ls", "refs/tags/ranker@v3.0.0").code == 0
    repo.git("tag", "other@v3.0.0")  # of a program that is no model
    assert in_process(repo.root, "ls", "other@v3.0.0").code == 0


def test_events_that_two_clones_wrote_at_once_are_a_warning(begin: Begin, in_process: InProcess) -> None:
    repo = begin(promoted)
    other = repo.root.parent / "other"
    repo.git("clone", "-q", "../hub.git", str(other))
    assert in_process(other, "promote", "ranker@v1.0.0", "beta", "--push").code == 0
    assert in_process(repo.root, "promote", "ranker@v1.2.0", "prod", "--push").code == 0
    repo.git("fetch", "-q", "--tags")
    result = in_process(repo.root, "verify", "--tags")
    assert result.code == 0
    assert "fork" in result.err
    assert in_process(repo.root, "which", "ranker", "prod", "--json").json["version"] == "v1.2.0"
    assert in_process(repo.root, "which", "ranker", "beta", "--json").json["version"] == "v1.0.0"


HOSTILE = {
    "escapes": "a \x1b[31mred\x07 \u202e line\r::set-output name=x::y\n",
    "trailers": "Mvc-Prev: none\nMvc-Pointer: ../../etc/passwd.mvc\nMvc-Model-Blake3: 1\nMvc-Report-Blake3: \x1b\n",
    "a pointer outside": f"x\n\nMvc-Model-Blake3: {'a' * 64}\nMvc-Pointer: /etc/passwd.mvc\n",
    "a pointer with a newline": f"x\n\nMvc-Model-Blake3: {'a' * 64}\nMvc-Pointer: a\x00b.mvc\n",
    "a pointer that is an option": f"x\n\nMvc-Model-Blake3: {'a' * 64}\nMvc-Pointer: --output=x.mvc\n",
    "a pointer without its suffix": f"x\n\nMvc-Model-Blake3: {'a' * 64}\nMvc-Pointer: {RANKER}\n",
    "a signature that is none": "x\n-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n",
    "a signature of GPG that is none": "x\n-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n",
    "much": "x" * 5_000_000 + "\n\nMvc-Prev: x\n",
    "many lines": "Mvc-Prev: x\n" * 200_000,
    "another encoding": "\udcff\udcfe\n\nMvc-Pointer: \udcff.mvc\nMvc-Model-Blake3: \udcff\n",
    "nothing": "",
}
DATES = ["1700000000 +0000", "99999999999999 +0000", "-5 +0000", "1 +9999", "x"]


@pytest.mark.parametrize("case", [*HOSTILE, *DATES])
def test_a_hostile_tag_is_shown_safely_or_ignored(begin: Begin, in_process: InProcess, case: str) -> None:
    repo = begin(promoted)
    commit, date = repo.git("rev-parse", "v1.0.0"), case if case in DATES else DATES[0]
    tagger = "tagger \x1b[2J <e\x1b@x> " + date if case == "escapes" else f"tagger Eve <eve@example.com> {date}"
    text = f"object {commit}\ntype commit\ntag ranker#prod#9\n{tagger}\n\n{HOSTILE.get(case, 'x')}"
    path = repo.root.parent / "tag"
    path.write_bytes(text.encode(errors="surrogateescape"))
    oid = repo.git("hash-object", "-t", "tag", "-w", "--literally", str(path))
    repo.git("update-ref", "refs/tags/ranker#prod#9", oid)
    for line in (
        "models", "which ranker", "which ranker prod", "history ranker", "ls ranker#prod", "verify --tags",
        "promote ranker@v1.2.0 prod", "which ranker --at 2030-01-01", "models --json", "history ranker --json",
        "audit", "audit --csv",
    ):
        result = in_process(repo.root, *line.split())
        assert result.code in (0, 1, 2, 3), (line, result)
        assert not set("\x1b\x07\r\u202e") & set(result.out + result.err), (line, result)
        assert "Traceback" not in result.err, (line, result)
        assert len(result.err) < 5000, (line, result.err[:300])


def test_tags_of_others_are_of_no_interest(begin: Begin, in_process: InProcess) -> None:
    repo = begin(promoted)
    for name in ("release-1", "v9.0.0", "ranker@x", "a/b/c", "ranker@v1.0.0-x/y"):
        repo.git("tag", name)
    assert in_process(repo.root, "verify", "--tags").out.startswith("Checked 5 tags")
    repo.git("tag", "other@v1.0.0", "ranker@v1.0.0")
    repo.git("tag", "package@v1.0.0")
    result = in_process(repo.root, "verify", "--tags")
    assert result.code == 0
    assert result.err.startswith(
        "warning: other@v1.0.0: renamed: its object is the tag ranker@v1.0.0\nwarning: package@v1.0.0: lightweight",
    )
    assert [item["name"] for item in in_process(repo.root, "models", "--json").json] == ["ranker"]


def test_a_submodule_has_versions_of_its_own(begin: Begin, in_process: InProcess) -> None:
    repo = begin(promoted)
    outer = Repo(repo.root.parent / "outer", repo.environ)
    outer.root.mkdir()
    outer.git("init", "-q")
    outer.git("submodule", "add", "-q", "../hub.git", "inner")
    assert in_process(outer.root / "inner", "which", "ranker", "prod", "--json").json["version"] == "v1.1.0"
