"""What was imported, now or before: which content has which digest in another program."""

from __future__ import annotations

from mvc.objects.digest import Digest
from mvc.objects.foreign import ForeignDigest
from mvc.store.cache.writer import CacheWriter
from mvc.workspace.catalog import Catalog


class Ledger:
    """The verified content, by the digests of another program: what the cache has of it is not read again."""

    def __init__(self, writer: CacheWriter, catalog: Catalog) -> None:
        self.writer = writer
        self._catalog = catalog
        self._known = catalog.imported()
        """By the other program's digests, as text."""
        self._stored: dict[ForeignDigest, Digest] = {}
        """What this writer has stored or reused; a part of it is in a pack that is not finished."""

    def digest(self, old: ForeignDigest) -> Digest | None:
        """Return the digest of content that the cache has."""
        if old not in self._stored and (known := self._known.get(str(old))) and self.writer.holds(known.blake3):
            self._stored[old] = known
        return self._stored.get(old)

    def note(self, old: ForeignDigest, digest: Digest) -> None:
        """Remember that the cache has the content, verified."""
        self._stored[old] = digest
        self._catalog.set_imported(str(old), digest)
