"""Starting histories with versions of a model, which tests of the registry share."""

from __future__ import annotations

from pathlib import Path

from harness import Repo, noise

RANKER = "models/ranker.onnx"
METRICS = {"v1.0.0": "0.90", "v1.1.0": "0.92", "v1.2.0": "0.91"}
"""The auc of each version."""


def released(repo: Repo) -> None:
    """Commit three versions of a model; push all to the remote `nas`, and the commits to the Git remote `origin`."""
    hub = repo.root.parent / "hub.git"
    repo.git("init", "-q", "--bare", str(hub))
    repo.git("remote", "add", "origin", "../hub.git")
    repo.ok("remote", "add", "nas", "../nas", "--default")
    for version, auc in METRICS.items():
        repo.write(RANKER, noise(version, 1000))
        repo.ok("add", RANKER, "--name", "ranker")
        repo.ok("eval", "record", RANKER, "--tag", version, "--metric", f"auc={auc}", "--higher-is-better", "auc")
        repo.commit(version)
        repo.git("branch", version)
    repo.ok("push", "--all-commits")
    repo.git("push", "-q", "-u", "origin", "main")
    repo.git("remote", "set-head", "origin", "main")


def registered(repo: Repo) -> None:
    """Register these versions, and push the tags."""
    released(repo)
    for version in METRICS:
        repo.ok("register", "ranker", "--rev", version, "--push")


def promoted(repo: Repo) -> None:
    """Promote v1.0.0 and then v1.1.0 to prod, and push the tags."""
    registered(repo)
    for version in ("v1.0.0", "v1.1.0"):
        repo.ok("promote", f"ranker@{version}", "prod", "--push")


def tags(repo: Repo) -> list[str]:
    """Return the tags of a repository."""
    return repo.git("tag", "--list").splitlines()


def sign_tags(repo: Repo, keys: Path, namespaces: str = "git") -> None:
    """Let Git sign tags with a key that the default branch allows."""
    keys.mkdir()
    repo.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(keys / "ada"))
    for name, text in {"gpg.format": "ssh", "user.signingKey": str(keys / "ada.pub"), "tag.gpgSign": "true"}.items():
        repo.git("config", name, text)
    key = (keys / "ada.pub").read_text()
    repo.write(".mvc/allowed_signers", f'ada@example.com namespaces="{namespaces}" {key}')
    repo.git("add", ".mvc/allowed_signers")
    repo.git("commit", "-qm", "signers")
    repo.git("push", "-q", "origin", "main")
