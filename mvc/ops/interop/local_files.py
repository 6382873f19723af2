"""Files outside of the workspace into the cache, verified by another program's digests as they are read."""

from __future__ import annotations

import os

from mvc.errors import CorruptObject
from mvc.fs.files import check_unchanged, open_regular, read_exactly, source_changed
from mvc.fs.progress import Progress, Share
from mvc.objects.digest import Digest
from mvc.objects.foreign import ForeignDigest, is_content
from mvc.ops.interop.ledger import Ledger
from mvc.store.cache.source_file import SourceFile
from mvc.store.cache.writer import LOOSE_AT


def store_local(ledger: Ledger, path: str, old: ForeignDigest | None, progress: Progress) -> Digest:
    """Store the file at `path`, an absolute path, and note it in the ledger. The cache gets a copy, never a link.

    Without `old`, nothing says what its content must be.

    Raises:
        CorruptObject: it has other content.
        SourceChanged: it changed while it was read.
        OSError: it cannot be read.
    """
    fd, status = open_regular(path, None, path)
    try:
        progress.expect(status.st_size)
        with Share(progress, status.st_size) as share:
            digest = _stored(ledger, SourceFile(fd, status, -1, "", path, progress=share), old)
    finally:
        os.close(fd)
    if digest is None:
        raise CorruptObject(f"{path} has other content than {old}")
    if old is not None:
        ledger.note(old, digest)
    return digest


def _stored(ledger: Ledger, source: SourceFile, old: ForeignDigest | None) -> Digest | None:
    """Return the digest of the file; None if it does not fit `old`."""
    size = source.status.st_size
    if size >= LOOSE_AT:
        check = old.check() if old else None
        also = (check.update,) if check else ()
        found = ledger.writer.put_file(source._replace(also=also), ("reflink", "copy"))
        return found.digest if check is None or check.fits() else None
    data = read_exactly(source.fd, size)
    if data is None:
        raise source_changed(source.path)
    check_unchanged(source.fd, source.status, source.path)
    source.progress.advance(size)
    return ledger.writer.put_bytes(data) if old is None or is_content(data, old) else None
