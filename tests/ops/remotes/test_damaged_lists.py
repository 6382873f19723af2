"""A damaged manifest in the cache: nobody knows what its directory needs, so no transfer is complete."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Repo

from mvc.ops.remotes.fetch import fetch
from mvc.ops.remotes.push import push
from mvc.ops.shared.transfers.results import TransferResult
from mvc.project import Project
from mvc.surroundings import surroundings

FILES = 300
"""More than a pointer lists."""


@pytest.mark.parametrize("transfer", [fetch, push])
def test_a_damaged_manifest_is_a_failure(
    fresh: Repo, tmp_path: Path, transfer: Callable[[Project], list[TransferResult]],
) -> None:
    fresh.write_dir("d", FILES)
    fresh.added("d")
    fresh.ok("remote", "add", "nas", str(tmp_path / "nas"))
    fresh.ok("push")
    with Project.find(surroundings(fresh.root)) as project:
        (pointer,) = (item.pointer for item in project.tracked().values())
        assert pointer is not None
        pack, record = project.cache.packs.find(bytes.fromhex(pointer.digest.blake3)) or pytest.fail("not packed")
    path = Path(project.cache.root, "packs", f"{pack}.pack")
    path.chmod(0o644)
    fd = os.open(path, os.O_WRONLY)
    os.pwrite(fd, b"?", record.offset + record.stored // 2)
    os.close(fd)
    with Project.find(surroundings(fresh.root)) as project:
        (result,) = transfer(project)
    assert [(item.path, item.blake3, item.fix) for item in result.failed] == [
        ("d", pointer.digest.blake3, "mvc verify"),
    ]
