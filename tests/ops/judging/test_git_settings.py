"""What mvc asks Git does not depend on preferences: the same questions with each setting, and without."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from harness import Begin, Repo

from mvc.errors import MvcError
from mvc.ops.judging.gathering import gate_facts
from mvc.project import Project, Surroundings
from mvc.scm.changes import changed_between, changed_in_index
from mvc.scm.commits import author_emails, commit_infos
from mvc.scm.file_history import file_history
from mvc.scm.index import changed_since_head, has_staged, list_files, modified_files
from mvc.scm.index_changes import in_hook, read_index
from mvc.scm.plumbing import Git, scrubbed
from mvc.scm.reachable import mentions, reachable_blobs
from mvc.scm.refs import list_refs

POINTER, REPORT = "models/r.onnx.mvc", "models/r.onnx.eval.yaml"


def much_of_everything(repo: Repo) -> None:
    """Commit merges, renames of files and directories, a merge of texts to make, and leave changes behind."""

    def train(seed: str, tag: str) -> None:
        repo.write("models/r.onnx", seed)
        repo.ok("add", "-f", "models/r.onnx", "--name", "r")
        repo.ok("eval", "record", "models/r.onnx", "--tag", tag, "--metric", "auc=0.9", "--higher-is-better", "auc")

    repo.write(".mvc/policy.yaml", "mvc-policy: 1\nrules: [{match: 'models/**', metrics: {auc: {against: best}}}]\n")
    text = "".join(f"line {number}\n" for number in range(20))
    for name in ("text.txt", "dir/a.txt", "dir/b.txt", "other/a.txt"):
        repo.write(name, f"{name}\n{text}")
    train("one", "v1.0.0")
    repo.git("add", "-A")
    repo.git("commit", "-qm", "first, naïvely")
    repo.git("tag", "r@v1.0.0")
    repo.git("switch", "-qc", "side")
    train("two", "v1.1.0")
    repo.commit("two")
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    repo.git("switch", "-qc", "change")
    train("three", "v1.2.0")
    repo.git("mv", "dir", "moved")
    repo.git("mv", "other/a.txt", "other/b.txt")
    repo.write("text.txt", f"{text}more\n")
    repo.write("large.bin", bytes(2_000_000))
    repo.git("add", "-Af", "text.txt", "large.bin")
    repo.commit("large")
    repo.git("rm", "-q", "large.bin")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    repo.commit("small")
    repo.git("switch", "-q", "main")
    repo.write("dir/a.txt", f"dir/a.txt\n{text}more\n")
    repo.write("other/a.txt", f"other/a.txt\n{text}more\n")
    repo.git("commit", "-qam", "main moved on")
    repo.write("new.mvc", "staged")
    repo.git("add", "-f", "new.mvc")
    repo.write("text.txt", "modified")
    repo.path("dir/b.txt").touch()


def answers(repo: Repo, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what mvc gets to know from Git in this environment."""
    with Project.discover(Surroundings(str(repo.root), environ, "")) as project:
        git = project.git
        main, change, first = (git.run("rev-parse", name).decode().strip() for name in ("main", "change", "r@v1.0.0"))
        asked: dict[str, Callable[[], object]] = {
            "gate": lambda: gate_facts(project, main, change, 0),
            "hook": lambda: read_index(Git(project.root, in_hook(environ)), project.layout.git_dir),
            "files": lambda: list_files(git, "*.mvc"),
            "modified": lambda: (modified_files(git), changed_since_head(git), has_staged(git, "*.mvc")),
            "versions": lambda: file_history(git, POINTER, REPORT),
            "roots": lambda: sorted(reachable_blobs(git, [project.layout.git_dir], ":(top)*.mvc")),
            "mentions": lambda: mentions(git, ":(top)*.mvc"),
            "changes": lambda: (changed_between(git, first, change, "*.mvc"), changed_in_index(git, change, "*.mvc")),
            "commits": lambda: (commit_infos(git, [first]), author_emails(git, [first]), list_refs(git)),
        }
        return {what: ask() for what, ask in asked.items()}


SETTINGS = {
    "diff": {
        "diff.algorithm": "patience", "diff.autoRefreshIndex": "false", "diff.colorMoved": "zebra",
        "diff.context": "0", "diff.dirstat": "lines", "diff.external": "{evil}", "diff.ignoreSubmodules": "all",
        "diff.interHunkContext": "9", "diff.mnemonicPrefix": "true", "diff.noprefix": "true",
        "diff.orderFile": "{missing}", "diff.relative": "true", "diff.renameLimit": "1", "diff.renames": "copies",
        "diff.statGraphWidth": "1", "diff.submodule": "log", "diff.suppressBlankEmpty": "true",
        "diff.trustExitCode": "true", "diff.wordRegex": ".", "diff.wsErrorHighlight": "all",
        "diff.drv.textconv": "{evil}", "diff.drv.command": "{evil}", "diff.drv.binary": "true",
    },
    "no renames": {"diff.renames": "false", "merge.renames": "false", "status.renames": "false"},
    "log": {
        "log.abbrevCommit": "true", "log.date": "relative", "log.decorate": "full", "log.diffMerges": "off",
        "log.excludeDecoration": "*", "log.follow": "true", "log.initialDecorationSet": "all", "log.mailmap": "true",
        "log.showRoot": "false", "log.showSignature": "true", "mailmap.file": "{mailmap}",
        "format.pretty": "oneline", "format.notes": "*", "notes.displayRef": "refs/heads/*",
        "format.from": "true", "format.encodeEmailHeaders": "false", "i18n.logOutputEncoding": "utf-16",
        "i18n.commitEncoding": "latin1", "blame.showEmail": "true", "grep.lineNumber": "true",
    },
    "merges": {"log.diffMerges": "dense-combined"},
    "merges of the first parent": {"log.diffMerges": "first-parent"},
    "merge": {
        "merge.conflictStyle": "diff3", "merge.default": "binary", "merge.directoryRenames": "false",
        "merge.ff": "only", "merge.log": "true", "merge.renameLimit": "1", "merge.renormalize": "true",
        "merge.stat": "false", "merge.suppressDest": "main", "merge.verbosity": "5",
        "merge.verifySignatures": "true", "merge.drv.driver": "{evil}",
    },
    "merge, an own driver": {"merge.default": "drv", "merge.drv.driver": "{evil}", "merge.directoryRenames": "true"},
    "core": {
        "core.abbrev": "4", "core.attributesFile": "{attributes}", "core.bigFileThreshold": "1",
        "core.commentChar": "4", "core.compression": "0", "core.fsmonitor": "{evil}", "core.pager": "{evil}",
        "core.preloadIndex": "false", "core.quotePath": "false", "core.untrackedCache": "true",
        "core.warnAmbiguousRefs": "false", "core.whitespace": "tab-in-indent", "index.threads": "1",
        "index.sparse": "true", "feature.manyFiles": "true", "feature.experimental": "true",
    },
    "colour": {
        **{f"color.{name}": "always" for name in ("ui", "diff", "branch", "status", "grep")},
        "color.pager": "true", "color.decorate.tag": "red", "column.ui": "always", "pager.log": "true",
    },
    "status": {
        "status.branch": "true", "status.relativePaths": "true", "status.renames": "copies", "status.short": "true",
        "status.showUntrackedFiles": "no", "status.submoduleSummary": "true", "submodule.recurse": "true",
        "submodule.module.ignore": "all", "submodule.active": "*", "tag.sort": "-refname", "branch.sort": "-refname",
        "versionsort.suffix": "-rc", "advice.graftFileDeprecated": "true", "transfer.fsckObjects": "true",
        "fsck.zeroPaddedFilemode": "error", "transfer.hideRefs": "refs", "uploadpack.hideRefs": "refs",
        "pack.useBitmaps": "false", "core.multiPackIndex": "false", "core.commitGraph": "false",
        "alias.log": "version", "alias.diff": "version", "help.autocorrect": "1",
    },
    "trace": {
        "trace2.normalTarget": "1", "trace2.normalBrief": "true", "trace2.perfTarget": "1",
        "trace2.perfBrief": "true", "trace2.eventTarget": "1",
    },
}
"""By group: settings of git-config(1) that have to do with what Git prints, each with a value that tells."""
VARIABLES = {
    "GIT_DIFF_OPTS": "-u1", "GIT_EXTERNAL_DIFF": "{evil}", "GIT_PAGER": "{evil}", "GIT_PAGER_IN_USE": "1",
    "GIT_MERGE_VERBOSITY": "5", "GIT_NOTES_REF": "refs/heads/main", "GIT_ICASE_PATHSPECS": "1",
    "GIT_TRACE_BARE": "1",
    **{
        f"GIT_TRACE{name}": "1" for name in (
            "", "2", "2_EVENT", "2_PERF", "_CURL", "_FSMONITOR", "_PACK_ACCESS", "_PACKET", "_PERFORMANCE", "_REFS",
            "_SETUP", "_SHALLOW",
        )
    },
}
ALONE = [(name, value) for group in SETTINGS.values() for name, value in group.items()]


class World:
    """The repository, and files that settings name."""

    def __init__(self, repo: Repo, folder: Path) -> None:
        """Put the files into `folder`."""
        self.repo, self.ran = repo, folder / "ran"
        evil = folder / "evil"
        evil.write_text(f"#!/bin/sh\ntouch {self.ran}\necho evil\n")
        evil.chmod(0o755)
        (folder / "attributes").write_text("* -merge diff=drv merge=drv\n*.txt -diff\n")
        (folder / "mailmap").write_text("Eve <eve@example.com> <ada@example.com>\n")
        self.names = {name: str(folder / name) for name in ("evil", "missing", "attributes", "mailmap")}
        self.count = itertools.count()
        self.folder = folder

    def file(self, settings: Mapping[str, str]) -> str:
        """Return a new file of Git's with these settings."""
        path = self.folder / f"config-{next(self.count)}"
        for name, value in settings.items():
            self.repo.git("config", "--file", str(path), name, value.format(**self.names))
        return str(path)

    def answers(self, **more: str) -> dict[str, Any]:
        """Return what mvc gets to know with these variables, and see that nothing was run."""
        found = answers(self.repo, {**self.repo.environ, **more})
        assert not self.ran.exists()
        return found


@pytest.fixture
def world(begin: Begin, tmp_path: Path) -> World:
    """Return a repository that many settings can make look different."""
    folder = tmp_path / "settings"
    folder.mkdir()
    return World(begin(much_of_everything), folder)


@pytest.mark.parametrize("group", SETTINGS)
def test_settings_change_nothing(world: World, group: str) -> None:
    expected = world.answers()
    assert world.answers(GIT_CONFIG_GLOBAL=world.file(SETTINGS[group])) == expected


@pytest.mark.long
@pytest.mark.parametrize(("name", "value"), ALONE)
def test_each_setting_by_itself_changes_nothing(world: World, name: str, value: str) -> None:
    expected = world.answers()
    assert world.answers(GIT_CONFIG_GLOBAL=world.file({name: value})) == expected


def test_variables_change_nothing(world: World) -> None:
    expected = world.answers()
    for given in (VARIABLES, {name: value for name, value in VARIABLES.items() if name != "GIT_TRACE_BARE"}):
        assert world.answers(**{name: value.format(**world.names) for name, value in given.items()}) == expected


SETTING = ("log.diffMerges", "off")


def test_it_does_not_matter_where_a_setting_comes_from(world: World) -> None:
    expected = world.answers()
    name, value = SETTING
    assert world.answers(GIT_CONFIG_PARAMETERS=f"'{name}'='{value}'") == expected
    counted = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": name, "GIT_CONFIG_VALUE_0": value}
    assert world.answers(**counted) == expected
    world.repo.git("config", name, value)
    world.repo.git("config", "include.path", world.file({"log.follow": "true"}))
    assert world.answers() == expected


def test_the_repository_is_one_that_tells(world: World) -> None:
    """Without the overrides many of the answers differ."""
    git = Git(str(world.repo.root), scrubbed(world.repo.environ))
    merged = ("log", "--raw", "-m", "-z", "--format=%H", "--no-abbrev", "main")
    plain = Git(git.cwd, {**world.repo.environ, "GIT_CONFIG_GLOBAL": world.file(SETTINGS["log"])})
    assert plain.run(*merged) != git.run(*merged)
    with pytest.raises(MvcError):
        Git(git.cwd, {**world.repo.environ, "GIT_CONFIG_GLOBAL": world.file(SETTINGS["diff"])}).run("diff", "HEAD~1")
