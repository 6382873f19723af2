"""Abilities of file systems: reflinks, leases, and whether they are on a network."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
from contextlib import suppress

_FICLONE = 0x40049409
"""linux/fs.h: share the blocks of one file with another."""
_F_SETSIG = 10
_MOUNTS = "/proc/self/mountinfo"
_NETWORK = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "drvfs", "fuse", "gfs2", "gpfs", "lustre", "ncpfs", "nfs", "nfs4",
    "ocfs2", "orangefs", "prl_fs", "pvfs2", "smb2", "smb3", "smbfs", "vboxsf", "virtiofs",
})
"""Types of file systems that other machines may write to, or that may lack locks and shared memory."""


def on_network(path: str) -> bool:
    """Whether the file system at `path` is on a network, or behaves like one that is."""
    device = os.stat(path).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    with suppress(OSError), open(_MOUNTS, encoding="utf-8", errors="surrogateescape") as mounts:
        for line in mounts:
            mount, _, source = line.partition(" - ")  # proc(5)
            if mount.split()[2] == number:
                kind = source.split()[0]
                return kind in _NETWORK or kind.startswith("fuse.")
    return False


def reflink(source_fd: int, target_fd: int) -> bool:
    """Make `target_fd` share the blocks of `source_fd`; return False if that is not possible."""
    try:
        fcntl.ioctl(target_fd, _FICLONE, source_fd)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        return False
    return True


def open_for_writing_elsewhere(fd: int) -> bool:
    """Whether a process has the file `fd` open for writing, as far as the system can tell.

    A read lease is granted only on a file that no process has open for writing; it is released at
    once. If it is broken in between, the kernel sends SIGURG, which is ignored by default; SIGIO
    would kill the process. On file systems without leases this returns False.
    """
    try:
        fcntl.fcntl(fd, _F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.EACCES)
    return False
