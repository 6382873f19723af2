"""`mvc gate`: what would land, judged from Git alone; the attacks and the honest changes are in tests/gate."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from formats.second_implementation import Store
from harness import LARGE, MANY, Begin, Repo, noise

MODEL = "models/ranker.onnx"
POLICY = """\
mvc-policy: 1
rules:
  - match: "models/**"
    metrics:
      auc: {min: 0.8, max_regression: 0.01}
"""


def train(repo: Repo, seed: object, tag: str, auc: float = 0.9, path: str = MODEL, *more: str) -> None:
    repo.write(path, f"weights of {seed}")
    repo.ok("add", "-f", path)
    repo.ok("eval", "record", path, "--tag", tag, "--metric", f"auc={auc}", "--higher-is-better", "auc", *more)


def on_a_branch(repo: Repo) -> None:
    """Commit a model on `main`, and switch to a branch from there."""
    repo.write(".mvc/policy.yaml", POLICY)
    repo.git("add", ".mvc/policy.yaml")
    train(repo, 1, "v1.0.0")
    repo.commit("one")
    repo.git("switch", "-qc", "change")


@pytest.fixture
def repo(begin: Begin) -> Repo:
    """Return a repository with a model on `main`, and on a branch from there."""
    return begin(on_a_branch)


def codes(repo: Repo, *args: str, code: int = 1) -> list[str]:
    result = repo.mvc("gate", "--json", *args)
    assert result.code == code, result
    return [item["code"] for item in result.json["findings"] if item["severity"] == "error"]


# What is judged.


def test_a_better_model_passes_and_the_table_shows_it(repo: Repo) -> None:
    train(repo, 2, "v1.1.0", 0.95)
    repo.commit()
    result = repo.ok("gate")
    row = next(line.split() for line in result.out.splitlines() if line.startswith(MODEL))
    assert row[:4] == [MODEL, "v1.0.0", "→", "v1.1.0"]
    assert row[4:8] == ["auc", "0.9", "0.95", "+0.05"]
    assert row[-1] == "ok"
    assert "Gate passed" in result.out.splitlines()[-1]


def test_a_regression_is_refused(repo: Repo) -> None:
    train(repo, 2, "v1.1.0", 0.85)
    repo.commit()
    result = repo.mvc("gate")
    assert result.code == 1
    assert f"error: MVC221 {MODEL}: " in result.err
    assert result.out.splitlines()[-1].endswith("mvc explain MVC221")


def test_the_workspace_and_the_index_do_not_count(repo: Repo) -> None:
    train(repo, 2, "v1.1.0", 0.95)
    repo.commit()
    train(repo, 3, "v1.2.0", 0.1)
    repo.remove(".mvc/policy.yaml")
    repo.write(".mvc/config.yaml", "no: [config")
    assert codes(repo, code=0) == []


def test_what_the_change_does_to_its_config_judges_nothing(repo: Repo) -> None:
    train(repo, 2, "v1.1.0", 0.85)
    repo.git("rm", "-qr", "--cached", ".mvc")
    shutil.rmtree(repo.path(".mvc"))
    repo.commit()
    assert "MVC221" in codes(repo)


def test_main_moved_on_and_the_merge_is_judged(repo: Repo) -> None:
    repo.write("other.txt", "of the branch")
    repo.git("add", "other.txt")
    repo.commit()
    repo.git("switch", "-q", "main")
    train(repo, 2, "v1.1.0", 0.95)
    repo.commit()
    repo.git("switch", "-q", "change")
    result = repo.ok("gate", "--json").json
    assert (result["models"], result["findings"]) == ([], [])
    before = set(repo.path(".git/objects").rglob("*"))
    repo.ok("gate")
    assert set(repo.path(".git/objects").rglob("*")) == before


def test_a_merge_of_one_sides_pointer_and_the_others_report(repo: Repo) -> None:
    """Git merges them without a conflict when each side touches one of the files."""
    train(repo, 2, "v1.1.0", 0.95)
    repo.git("checkout", "-q", "main", "--", f"{MODEL}.mvc")
    repo.commit("report alone")
    repo.git("switch", "-q", "main")
    train(repo, 3, "v1.2.0", 0.95)
    repo.git("checkout", "-q", "HEAD", "--", f"{MODEL}.eval.yaml")
    repo.commit("pointer alone")
    repo.git("switch", "-q", "change")
    assert "MVC103" in codes(repo)


def test_a_conflict_is_not_judged(repo: Repo) -> None:
    train(repo, 2, "v1.1.0", 0.95)
    repo.commit()
    repo.git("switch", "-q", "main")
    train(repo, 3, "v1.2.0", 0.95)
    repo.commit()
    repo.git("switch", "-q", "change")
    result = repo.fails(3, "gate")
    assert MODEL in result.errors[0]
    assert "conflict in" in result.errors[0]
    assert result.out == ""


def test_an_old_git_says_so_only_where_it_must_merge(repo: Repo, tmp_path: Path) -> None:
    real = shutil.which("git", path=repo.environ["PATH"])
    script = f"""#!/bin/sh
case " $* " in
*" merge-tree "*) echo "usage: git merge-tree" >&2; exit 129;;
*" --version "*) echo git version 2.37.1; exit;;
esac
exec {real} "$@"
"""
    (tmp_path / "old").mkdir()
    (tmp_path / "old/git").write_text(script)
    (tmp_path / "old/git").chmod(0o755)
    old = {"PATH": f"{tmp_path / 'old'}:{repo.environ['PATH']}"}
    train(repo, 2, "v1.1.0", 0.95)
    repo.commit()
    assert repo.mvc("gate", env=old).code == 0
    repo.git("switch", "-q", "main")
    repo.write("other.txt", "moved on")
    repo.git("add", "other.txt")
    repo.commit()
    repo.git("switch", "-q", "change")
    result = repo.fails(3, "gate", env=old)
    assert "Git 2.38, found 2.37.1" in result.errors[0]


def test_a_raw_model_that_is_gone_again_is_found_with_its_commit(repo: Repo) -> None:
    repo.write("weights.bin", (64).to_bytes(8, "little") + b'{"__metadata__":{}}'.ljust(64) + bytes(100))
    repo.git("add", "-f", "weights.bin")
    commit = repo.commit("raw")
    repo.git("rm", "-q", "weights.bin")
    repo.commit("gone")
    result = repo.mvc("gate", "--json")
    (finding,) = result.json["findings"]
    assert (result.code, finding["code"], finding["path"]) == (1, "MVC303", "weights.bin")
    assert commit[:7] in finding["message"]


def test_a_raw_model_below_a_pointers_name_is_found(repo: Repo) -> None:
    repo.write("x.mvc", noise("raw", 2_000_000))
    repo.git("add", "-f", "x.mvc")
    repo.commit("raw")
    repo.git("rm", "-q", "x.mvc")
    repo.commit("gone")
    assert codes(repo) == ["MVC301"]


def test_a_raw_model_that_a_merge_adds_by_itself_is_found(repo: Repo) -> None:
    repo.git("switch", "-qc", "side", "main")
    repo.write("side.txt", "side")
    repo.git("add", "side.txt")
    repo.commit("side")
    repo.git("switch", "-q", "change")
    repo.git("merge", "-q", "--no-ff", "--no-commit", "side")
    repo.write("evil.onnx", b"\x08\x07" + bytes(100))
    repo.git("add", "-f", "evil.onnx")
    repo.commit("merge")
    repo.git("rm", "-q", "evil.onnx")
    repo.commit("gone")
    assert codes(repo) == ["MVC302"]


def test_what_main_has_in_its_past_is_not_brought_by_a_merge_of_main(repo: Repo) -> None:
    repo.git("switch", "-q", "main")
    repo.write("old.onnx", b"\x08\x07" + bytes(100))
    repo.git("add", "-f", "old.onnx")
    repo.commit("raw, long ago")
    repo.git("switch", "-q", "change")
    repo.git("merge", "-q", "main")
    repo.git("switch", "-q", "main")
    repo.git("rm", "-q", "old.onnx")
    repo.commit("gone")
    repo.git("switch", "-q", "change")
    train(repo, 2, "v1.1.0", 0.95)
    repo.commit()
    assert codes(repo, code=0) == []


def test_a_submodule_where_a_pointer_stood_is_a_finding(repo: Repo) -> None:
    repo.git("rm", "-q", "--cached", f"{MODEL}.mvc")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},{MODEL}.mvc")
    repo.git("commit", "-qm", "submodule")
    assert "MVC309" in codes(repo)


def test_odd_names_do_not_confuse_it(repo: Repo) -> None:
    train(repo, 2, "v1.1.0", 0.95)
    names = ["\x01" + "1" * 40 + "\n", ":100644 100644 a b M", "tab\tname", "new\nline.mvc", "-option", "caf\udce9"]
    for name in names:
        repo.path(os.fsencode(name).decode("utf-8", "surrogateescape")).write_text(f"of {name!r}")
    repo.git("add", "-A")
    repo.commit("names")
    result = repo.mvc("gate", "--json")
    assert {item["code"] for item in result.json["findings"]} <= {"MVC304", "MVC101"}
    assert "MVC304" in {item["code"] for item in result.json["findings"]}


def test_a_driver_that_the_change_asks_for_is_not_run(repo: Repo) -> None:
    for key in ("merge.evil.driver", "diff.evil.textconv", "filter.evil.clean", "filter.evil.smudge"):
        repo.git("config", key, "touch ran; false")
    repo.write(".gitattributes", "* merge=evil diff=evil filter=evil\n")
    repo.write("text.txt", "a\nb\nc\nd\ne\nf\ng\nh\n")
    repo.git("-c", "filter.evil.clean=cat", "add", ".gitattributes", "text.txt")
    repo.git("commit", "-qm", "attributes")
    repo.git("branch", "-f", "main")
    for branch, old, new in (("main", "a\n", "A\n"), ("change", "h\n", "H\n")):
        repo.git("switch", "-q", branch)
        text = repo.read("text.txt").decode().replace(old, new)
        repo.write("text.txt", text)
        repo.git("-c", "filter.evil.clean=cat", "commit", "-qam", branch)
    for path in repo.root.rglob("ran"):
        path.unlink()
    assert codes(repo, code=0) == []
    assert not list(repo.root.rglob("ran"))


def test_replaced_objects_do_not_count(repo: Repo) -> None:
    train(repo, 2, "v1.1.0", 0.85)
    repo.commit()
    repo.git("replace", "change^{tree}", "main^{tree}")
    assert codes(repo) == ["MVC221"]


def test_a_read_only_checkout_is_judged(repo: Repo) -> None:
    train(repo, 2, "v1.1.0", 0.85)
    repo.commit()
    repo.git("switch", "-q", "main")
    repo.write("other.txt", "moved on")
    repo.git("add", "other.txt")
    repo.commit()
    repo.git("switch", "-q", "change")
    result = repo.run(
        "unshare", "-rm", "sh", "-c",
        'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && cd "$1" && mvc gate --json', "sh", str(repo.root),
    )
    assert result.code == 1, result
    assert [item["code"] for item in result.json["findings"]] == ["MVC221"]


# The whole tree.


def test_all_judges_a_tree_by_its_own_policy(repo: Repo) -> None:
    train(repo, 2, "v1.1.0", 0.5)
    repo.write("raw.onnx", b"\x08\x07" + bytes(100))
    repo.git("add", "-f", "raw.onnx")
    repo.commit()
    assert codes(repo, "--all", code=1) == ["MVC202", "MVC302"]
    assert codes(repo, "--all", "--head", "main", code=0) == []
    told = repo.mvc("gate", "--all", "--json").json
    assert told["base"] == ""
    assert [(item["path"], item["change"], item["tag"]) for item in told["models"]] == [(MODEL, "tracked", "v1.1.0")]
    assert [item["metric"] for item in told["models"][0]["comparisons"]] == ["auc"]
    assert "1 model." in repo.ok("gate", "--all", "--head", "main").out
    repo.fails(2, "gate", "--all", "--base", "main")


def test_a_reviewer_sees_errors_history_sizes_and_data(repo: Repo) -> None:
    repo.write("holdout.csv", "1,2\n")
    for number, auc in enumerate((0.91, 0.92, 0.93)):
        repo.write("metrics.json", json.dumps([{"name": "auc", "value": auc, "stderr": 0.03 + number / 100}]))
        repo.write(MODEL, "x" * (100 + number))
        repo.ok("add", "-f", MODEL)
        more = ("--metrics", "metrics.json", "--dataset", "holdout=holdout.csv")
        repo.ok("eval", "record", MODEL, "--tag", f"v1.{number + 1}.0", *more)
        repo.commit()
        if number < 2:
            repo.git("branch", "-f", "main")
    assert repo.mvc("gate", "--format", "md").out.split("#### ")[1].splitlines() == [
        f"`{MODEL}` `v1.2.0 → v1.3.0`", "",
        "| metric | base | head | Δ | history | rule | verdict |", f"|{' --- |' * 7}",
        "| `auc@holdout` | 0.92 | 0.93 | +0.01\u00a0±\u00a00.064 | ·▁▅█ | `≥ 0.8, -0.01 from base` | ok |",
        "", "- size: 101 B → 102 B", "- data: `holdout` the same",
    ]


# A remote.


def agree_on_a_remote(repo: Repo, url: Path) -> None:
    """Have base know a remote."""
    repo.ok("remote", "add", "store", str(url), "--default")
    repo.git("add", ".mvc/config.yaml")
    repo.git("switch", "-q", "main")
    repo.commit("remote")
    repo.git("switch", "-q", "change")
    repo.git("merge", "-q", "main")


def test_every_object_is_asked_of_the_remote(repo: Repo, tmp_path: Path) -> None:
    agree_on_a_remote(repo, tmp_path / "store")
    repo.write_dir("models/bert", MANY)
    repo.write(MODEL, noise("large", LARGE))
    repo.ok("add", MODEL, "models/bert")
    for path in (MODEL, "models/bert"):
        repo.ok("eval", "record", path, "--tag", "v1.1.0", "--metric", "auc=0.95", "--higher-is-better", "auc")
    repo.commit()
    found = repo.mvc("gate", "-r", "store", "--json")
    assert found.code == 1
    assert [(item["code"], item["path"]) for item in found.json["findings"] if item["severity"] == "error"] == [
        ("MVC321", "models/bert"), ("MVC321", MODEL),
    ]
    repo.ok("push")
    clone = Repo(tmp_path / "ci", repo.environ)
    repo.git("clone", "-q", str(repo.root), str(clone.root))
    assert codes(clone, "-r", "store", "--base", "origin/main", code=0) == []
    kept = [path for path in (clone.root / ".git/mvc").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) < LARGE / 2

    (large,) = (tmp_path / "store/objects").rglob(repo.digest(MODEL))
    os.chmod(large, 0o644)
    large.write_bytes(large.read_bytes()[:-1])
    assert codes(clone, "-r", "store", "--base", "origin/main") == ["MVC321"]


def test_a_list_of_files_that_is_damaged_on_the_remote_proves_nothing(repo: Repo, tmp_path: Path) -> None:
    agree_on_a_remote(repo, tmp_path / "store")
    repo.write_dir("models/bert", MANY)
    repo.ok("add", "models/bert")
    repo.ok("eval", "record", "models/bert", "--tag", "v1.0.0", "--metric", "auc=0.95", "--higher-is-better", "auc")
    repo.commit()
    repo.ok("push")
    manifest = Store(repo.store).object(repo.digest("models/bert"))
    (pack,) = (tmp_path / "store/packs").glob("*.pack")
    os.chmod(pack, 0o644)
    pack.write_bytes(pack.read_bytes().replace(manifest, manifest[:-2] + b"?\n"))
    clone = Repo(tmp_path / "ci", repo.environ)
    repo.git("clone", "-q", str(repo.root), str(clone.root))
    found = clone.mvc("gate", "-r", "store", "--base", "origin/main", "--json")
    (wrong,) = (item for item in found.json["findings"] if item["severity"] == "error")
    assert (wrong["code"], wrong["path"], "cannot be read" in wrong["message"]) == ("MVC321", "models/bert", True)
    assert "--repair" in wrong["fix"]
    assert repo.shell(wrong["fix"]).code == 0
    codes(clone, "-r", "store", "--base", "origin/main", code=0)


def test_the_remotes_address_is_that_of_base(repo: Repo, tmp_path: Path) -> None:
    repo.git("switch", "-q", "main")
    repo.ok("remote", "add", "store", str(tmp_path / "store"), "--default")
    repo.git("add", ".mvc/config.yaml")
    repo.commit("remote")
    repo.git("switch", "-q", "change")
    repo.git("merge", "-q", "main")
    train(repo, 2, "v1.1.0", 0.95)
    repo.ok("remote", "set", "store", str(tmp_path / "other"))
    repo.git("add", ".mvc/config.yaml")
    repo.commit()
    repo.ok("push")
    assert (tmp_path / "other").is_dir()
    assert codes(repo, "-r", "store") == ["MVC321"]


def test_a_remote_that_does_not_answer_is_a_warning(repo: Repo) -> None:
    train(repo, 2, "v1.1.0", 0.95)
    repo.commit()
    options = ["-o", "endpoint_url=http://127.0.0.1:1", "-o", "anon=true"]
    repo.ok("remote", "add", "far", "s3://bucket/prefix", "--local", *options)
    result = repo.mvc("gate", "-r", "far", "--json")
    assert result.code == 0, result
    (warning,) = (item for item in result.json["findings"] if item["code"] == "MVC322")
    assert warning["severity"] == "warning"
    assert warning["message"].startswith("unverified: ")
    repo.fails(2, "gate", "-r", "nowhere")


# Telling.


def test_the_last_line_counts_what_enters_besides_models(repo: Repo) -> None:
    repo.git("switch", "-q", "main")
    repo.write(".mvc/policy.yaml", POLICY + '  - {match: "data/**", report: optional}\n')
    repo.git("commit", "-qam", "data needs no report")
    repo.git("switch", "-qC", "change")
    repo.write("data/rows.csv", "a")
    repo.ok("add", "data/rows.csv")
    repo.write(".mvc/policy.yaml", repo.read(".mvc/policy.yaml") + b"# more\n")
    repo.write(".github/workflows/gate.yaml", "on: push\n")
    repo.write("readme.md", "text")
    repo.write("train.py", "pass")
    repo.git("add", "-A")
    repo.commit()
    last = repo.ok("gate").out.splitlines()[-1].partition(", ")[2]
    assert last == "1 model (1 without a report), 1 policy file, 1 workflow file, 3 other files, 2 remarks."
    table = repo.mvc("gate", "--format", "md").out
    assert "#### `data/rows.csv (added)`\n\nunjudged\n\n- size: 1 B\n" in table


def test_json_is_one_document_of_this_shape(repo: Repo) -> None:
    train(repo, 2, "v1.1.0", 0.85)
    head = repo.commit()
    for args in (("--json",), ("--format", "json")):
        result = repo.mvc("gate", *args)
        told = result.json
        assert (result.code, result.err) == (1, "")
        assert list(told) == ["passed", "base", "head", "models", "findings", "judged"]
        assert (told["passed"], told["base"], told["head"]) == (False, repo.git("rev-parse", "main"), head)
        assert list(told["findings"][0]) == ["code", "severity", "path", "message", "fix"]
        assert told["models"][0]["comparisons"][0]["metric"] == "auc"


@pytest.mark.parametrize("form", ["json", "md", "text"])
def test_without_a_place_to_tell_it_the_exit_code_does(repo: Repo, form: str) -> None:
    train(repo, 2, "v1.1.0", 0.85)
    repo.commit()
    result = repo.shell(f"mvc gate --format {form} >&-")
    assert result.code == 1, result
    assert "a bug in mvc" not in result.err
    assert repo.shell(f"mvc gate --format {form} --head main >&-").code == 0


def test_markdown_goes_to_the_summary_and_a_file_is_replaced(repo: Repo, tmp_path: Path) -> None:
    train(repo, 2, "v1.1.0", 0.85)
    repo.commit()
    summary, file = tmp_path / "summary.md", tmp_path / "verdict.json"
    summary.write_text("before\n")
    file.write_text("old")
    result = repo.mvc("gate", "--format", "json", "-o", str(file), "--summary", str(summary))
    assert result.code == 1
    assert json.loads(file.read_text())["passed"] is False
    assert summary.read_text().startswith("before\n### Gate failed: ")
    assert f"#### `{MODEL}` `v1.0.0 → v1.1.0`" in summary.read_text()
    assert "| `auc` | 0.9 | 0.85 | -0.05 |" in summary.read_text()
    assert "Gate failed" in result.out
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("verdict")] == ["verdict.json"]


def test_a_file_that_cannot_be_written_is_an_error(repo: Repo) -> None:
    train(repo, 2, "v1.1.0", 0.95)
    repo.commit()
    repo.fails(3, "gate", "-o", "missing/verdict.json", "--json")
    repo.fails(3, "gate", "--summary", "missing/summary.md")


def test_a_bug_is_not_a_pass(repo: Repo, tmp_path: Path) -> None:
    train(repo, 2, "v1.1.0", 0.95)
    repo.commit()
    (tmp_path / "sitecustomize.py").write_text(
        "import mvc.quality.judge.judge as module\ndef broken(*_): raise ZeroDivisionError\nmodule.judge = broken\n",
    )
    result = repo.run("mvc", "gate", env={"PYTHONPATH": str(tmp_path)})
    assert result.code == 3, result
    assert result.errors[0].startswith("a bug in mvc: ZeroDivisionError")


def test_what_is_wrong_on_the_command_line(repo: Repo) -> None:
    for args in (("--format", "xml"), ("--format", "md", "--json"), ("--base", "nowhere"), ("--head", "nowhere")):
        assert re.match("--format|'nowhere'", repo.fails(2, "gate", *args).errors[0])


def test_without_mvc_it_is_a_usage_error(tmp_path: Path, repo: Repo) -> None:
    plain = Repo(tmp_path / "plain", repo.environ)
    plain.root.mkdir()
    plain.git("init", "-q")
    plain.git("commit", "-q", "--allow-empty", "-m", "one")
    assert plain.fails(2, "gate").fixes == ["mvc init"]


def test_lines_are_for_where_it_was_typed(repo: Repo) -> None:
    train(repo, 2, "v1.1.0", 0.85)
    repo.commit()
    result = repo.mvc("gate", cwd="models")
    assert "MVC221 ranker.onnx" in result.err
    assert result.fixes[0].startswith("cd .. && mvc eval record")
