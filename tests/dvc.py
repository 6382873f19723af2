"""The real DVC, in an environment of its own, and a repository that it made."""

from __future__ import annotations

import subprocess

from harness import LARGE, PROJECT, Repo, noise

DVC = PROJECT / ".cache/dvc/bin/dvc"
PYTHON = DVC.with_name("python")
PIPELINE = """\
stages:
  train:
    wdir: models
    cmd: cp ../data/a.csv ranker.pkl && echo '{"auc":0.9}' > metrics.json
    deps: [../data]
    outs: [ranker.pkl]
    metrics:
      - metrics.json: {cache: false}
artifacts:
  ranker: {path: models/ranker.pkl, type: model, desc: ranks, labels: [fast, small], meta: {framework: none}}
"""
LARGE_FILE = noise("dvc", LARGE)
VERSIONS = {
    "one": {
        "big.bin": LARGE_FILE, "mo del[1].bin": b"model 1", "data/a.csv": b"a\r\nb", "data/sub dir/b": b"b",
        "data/empty": b"", "models/ranker.pkl": b"a\r\nb",
    },
    "two": {
        "big.bin": LARGE_FILE, "mo del[1].bin": b"model 2", "data/a.csv": b"a\r\nb", "data/sub dir/b": b"b",
        "data/new": LARGE_FILE[:-1], "models/ranker.pkl": b"a\r\nb",
    },
    "side": {
        "big.bin": LARGE_FILE, "mo del[1].bin": b"model 1", "data/a.csv": b"on a branch", "data/sub dir/b": b"b",
        "data/empty": b"", "models/ranker.pkl": b"a\r\nb",
    },
}
"""The content of each revision: by path, of all files."""
TRACKED = {"big.bin", "mo del[1].bin", "data", "models/ranker.pkl"}


def dvc(repo: Repo, *args: str) -> str:
    """Run the real DVC, which `make` installs in an environment of its own."""
    assert DVC.exists(), "run `make .cache/dvc/.complete`"
    done = repo.run(str(DVC), *args, env=environ_of(repo))
    assert done.code == 0, done
    return done.out


def environ_of(repo: Repo) -> dict[str, str]:
    """Return the variables that keep DVC from this machine's settings."""
    home = repo.environ["HOME"]
    return {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": f"{home}/dvc", "DVC_SYSTEM_CONFIG_DIR": f"{home}/none"}


def python_of_dvc(script: str, *args: str) -> str:
    """Run a script with the packages of the real DVC; return what it prints."""
    assert PYTHON.exists(), "run `make .cache/dvc/.complete`"
    return subprocess.run([PYTHON, "-c", script, *args], capture_output=True, text=True, check=True).stdout


SESSION = """\
from dvc.output import Output
from dvc.repo import Repo

def add_as_dvc_2(*paths):
    update, Output.update_legacy_hash_name = Output.update_legacy_hash_name, lambda *_, **__: None
    for path in paths:
        stage = repo.stage.create(outs=[path], fname=f"{path}.dvc", single_stage=True)
        stage.outs[0].hash_name = "md5-dos2unix"
        with repo.lock, repo.scm_context:
            stage.save()
            stage.commit()
            stage.dump()
            stage.ignore_outs()
    Output.update_legacy_hash_name = update

repo = Repo(".")
"""


def in_dvc(repo: Repo, lines: str) -> None:
    """Run lines of Python on the `repo` of the real DVC: its program takes half a second to start."""
    done = repo.run(str(PYTHON), "-c", f"{SESSION}{lines}\nrepo.close()", env=environ_of(repo))
    assert done.code == 0, done.err[-1000:]


def with_kinds(repo: Repo) -> None:
    """Let DVC track what it can in the ways that it has; the content is in `KINDS`."""
    dvc(repo, "init", "-q")
    repo.write(".dvc/config", "[core]\n    remote = first\n" + "".join(
        f"['remote \"{name}\"']\n    url = ../../{name} store\n" for name in ("first", "second")
    ))
    repo.write("dvc.yaml", KINDS_PIPELINE)
    repo.write("params.yaml", "where: late\nnames: [one, two]\n")
    repo.write(".dvcignore", "*.tmp\nhidden.dvc\n")
    repo.write("deep/.dvcignore", "# what nobody needs\nunwanted/\n")
    repo.write("hidden.dvc", "outs: [not of DVC]\n")
    for path, content in (KINDS | UNTRACKED).items():
        repo.write(path, content)
    repo.path("empty").mkdir()
    repo.write("../source.bin", "from elsewhere")
    in_dvc(repo, KINDS_SESSION)
    for name, more in MORE.items():
        repo.write(name, repo.read(name).decode() + more)
    in_dvc(repo, "repo.push()")
    repo.git("add", "-A")
    repo.commit("all kinds")


KINDS_PIPELINE = """\
stages:
  each:
    foreach: ${names}
    do:
      cmd: echo ${item} > ${item}.out
      outs:
        - ${item}.out
  late:
    wdir: ${where}
    cmd: echo late > late.out
    outs: [late.out]
"""
KINDS_SESSION = """\
add_as_dvc_2("text.csv", "old")
repo.add(["deep/data", "second.bin", "noted.bin", "empty"])
repo.imp_url("../source.bin", out="imported.bin")
repo.reproduce()
"""
MORE = {
    "second.bin.dvc": "  remote: second\n",
    "noted.bin.dvc": "  desc: of last year\n  type: model\n  labels: [a, b]\n  meta: {by: me}\nmeta: {of: file}\n",
}
"""Lines at the end of `.dvc` files."""
KINDS = {
    "text.csv": b"a\r\nb\r\n", "old/unix": b"a\nb\n", "old/windows": b"a\r\nb\n", "old/deep/er/binary": b"\0\r\n",
    "deep/data/a": b"a", "deep/data/b/c": b"c", "second.bin": b"on the second remote", "noted.bin": b"with notes",
}
UNTRACKED = {"deep/data/a.tmp": b"scratch", "deep/data/unwanted/x": b"unwanted", "late/in": b""}
MADE = {"imported.bin": b"from elsewhere", "one.out": b"one\n", "two.out": b"two\n"}


def with_dvc(repo: Repo) -> None:
    """Let DVC track files, a directory and a pipeline, in three versions; the last two are on a remote as well."""
    dvc(repo, "init", "-q")
    dvc(repo, "remote", "add", "-q", "-d", "nas", "../dvc-remote")
    repo.write("dvc.yaml", PIPELINE)
    repo.path("models").mkdir()
    _version(repo, "one")
    dvc(repo, "repro", "-q")
    repo.git("add", "-A")
    repo.commit("one")
    repo.git("tag", "one")
    repo.git("switch", "-qc", "side")
    _version(repo, "side")
    repo.git("commit", "-qam", "side")
    repo.git("switch", "-q", "main")
    _version(repo, "two")
    repo.git("commit", "-qam", "two")
    repo.git("tag", "two")
    dvc(repo, "push", "-q")


def _version(repo: Repo, name: str) -> None:
    if repo.path("data").exists():
        repo.remove("data")
    for path, content in VERSIONS[name].items():
        if path != "models/ranker.pkl":
            repo.write(path, content)
    dvc(repo, "add", "-q", "big.bin", "mo del[1].bin", "data")
