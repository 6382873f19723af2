"""The real DVC, in an environment of its own, and a repository that it made."""

from __future__ import annotations

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
    home = repo.environ["HOME"]
    environ = {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": f"{home}/dvc", "DVC_SYSTEM_CONFIG_DIR": f"{home}/none"}
    done = repo.run(str(DVC), *args, env=environ)
    assert done.code == 0, done
    return done.out


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
