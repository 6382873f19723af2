"""Faults in system calls of one command, injected by strace."""

from __future__ import annotations

from harness import MVC, Repo, Result

CALLS = {
    "write": "write,pwrite64",
    "fsync": "fsync,fdatasync",
    "link": "link,linkat",
    "rename": "rename,renameat,renameat2",
    "unlink": "unlink,unlinkat,rmdir",
}
"""By kind, for `broken`."""


def broken(repo: Repo, fault: str, *args: str) -> Result:
    """Run `mvc ARGS` with a fault injected; never a traceback."""
    calls = ["-e", f"trace={fault.partition(':')[0]}", "-e", f"inject={fault}"]
    trace = str(repo.root.parent / "trace")
    result = repo.run("strace", "-f", "-qq", "-o", trace, *calls, MVC, *args)
    assert "Traceback" not in result.err, result
    assert "Exception ignored" not in result.err, result
    assert result.code != 70, result
    return result
