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
        self._stored: set[str] = set()
        """Those that this writer has stored; a part of them is in a pack that is not finished."""

    def digest(self, old: ForeignDigest) -> Digest | None:
        """Return the digest of content that the cache has."""
        name = str(old)
        digest = self._known.get(name)
        return digest if digest and (name in self._stored or self.writer.holds(digest.blake3)) else None

    def note(self, old: ForeignDigest, digest: Digest) -> None:
        """Remember that the cache has the content, verified."""
        self._known[str(old)] = digest
        self._stored.add(str(old))
        self._catalog.set_imported(str(old), digest)
