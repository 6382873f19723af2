"""Where DVC keeps content: its cache and its remotes, in both layouts. They are only read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from mvc.errors import MissingObject, MvcError
from mvc.objects.dvc.digest import DvcDigest
from mvc.objects.dvc.names import FOLDER
from mvc.objects.dvc.settings import PATHS, DvcRemote, DvcSettings, SettingsFile, read_settings
from mvc.project import Project
from mvc.store.buckets.address import RemoteSettings
from mvc.store.buckets.bucket import Bucket, Item
from mvc.store.buckets.open import open_foreign

CACHE = "DVC's cache"
_MOST = 1 << 20
"""Bytes of a file with settings."""
_SYSTEM = "/etc/xdg/dvc/config"
_PROTOCOL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class Place(NamedTuple):
    """An object in one of DVC's stores."""

    store: str
    """For messages."""
    bucket: Bucket
    item: Item


class Stores:
    """DVC's cache and remotes; each is opened when it is first needed. Several threads may look something up."""

    def __init__(self, settings: DvcSettings, home: str) -> None:
        """Use these settings; `home` replaces `~`."""
        self._settings = settings
        self._home = home
        self._open: dict[str, Bucket] = {}
        self.closed: dict[str, str] = {}
        """The remotes that cannot be read, and why."""

    def in_cache(self, digest: DvcDigest) -> Iterator[Place]:
        """Yield where DVC's cache has an object."""
        return self._places(digest, "")

    def on_remotes(self, digest: DvcDigest, remote: str = "") -> Iterator[Place]:
        """Yield where remotes have an object; `remote` and the default one before others."""
        for name in dict.fromkeys([remote, self._settings.default, *self._settings.remotes]):
            if name:
                yield from self._places(digest, name)

    def _places(self, digest: DvcDigest, name: str) -> Iterator[Place]:
        if bucket := self._bucket(name):
            for key in keys_of(digest):
                if item := self._head(name, bucket, key):
                    yield Place(f"the remote {name}" if name else CACHE, bucket, item)

    def _head(self, name: str, bucket: Bucket, key: str) -> Item | None:
        try:
            return bucket.head(key) if name not in self.closed else None
        except MvcError as error:
            if name:  # a cache that is not there is no error
                self.closed[name] = error.message
            return None

    def _bucket(self, name: str) -> Bucket | None:
        if name not in self._open and name not in self.closed:
            remote = self._settings.remotes.get(name)
            if name and remote is None:
                return None
            try:
                self._open[name] = open_foreign(self._address(remote) if remote else RemoteSettings("", self.cache, {}))
            except MvcError as error:
                self.closed[name] = error.message
        return self._open.get(name)

    @property
    def cache(self) -> str:
        """The directory of DVC's cache."""
        return self._path(*self._settings.cache)

    def _address(self, remote: DvcRemote) -> RemoteSettings:
        match = _PROTOCOL.match(remote.url)
        if match is None:
            return RemoteSettings(remote.name, self._path(remote.url, remote.folder), {})
        if match[1].lower() != "s3":
            raise MvcError(f"mvc reads DVC's remotes in directories and in S3, not {match[0]}")
        options = {**remote.options, "anon": remote.options.get("anon", "").lower()}
        if options.get("ca_bundle", "").lower() == "false":
            raise MvcError("it is configured with ssl_verify = false, and mvc always verifies the server")
        if options.get("ca_bundle", "").lower() == "true":
            del options["ca_bundle"]
        paths = {name: self._path(options[name], remote.folder) for name in PATHS if name in options}
        return RemoteSettings(remote.name, remote.url, options | paths)

    def _path(self, path: str, folder: str) -> str:
        expanded = self._home + path[1:] if path.startswith("~/") else path
        return os.path.normpath(os.path.join(folder, expanded))

    def close(self) -> None:
        """End all requests."""
        for bucket in self._open.values():
            bucket.close()


def keys_of(digest: DvcDigest) -> list[str]:
    """Return where a store may have an object: DVC 3's layout, and the one of before."""
    legacy = f"{digest.md5[:2]}/{digest.name[2:]}"
    keys = [f"files/md5/{legacy}", legacy]
    return keys[::-1] if digest.text else keys


def find_stores(project: Project) -> Stores:
    """Return the stores that DVC's settings name: the system's, the user's, the repository's, and the local ones.

    Raises:
        InvalidFormat: settings are not in DVC's format.
    """
    environ, top = project.around.environ, f"{project.root}/{FOLDER}"
    home = environ.get("HOME", "")
    user = environ.get("DVC_GLOBAL_CONFIG_DIR") or f"{environ.get('XDG_CONFIG_HOME') or f'{home}/.config'}/dvc"
    paths = (_SYSTEM, f"{user}/config", f"{top}/config", f"{top}/config.local")
    files = [
        SettingsFile(path, text, os.path.dirname(path), committed=path == f"{top}/config")
        for path in paths if (text := _text(path))
    ]
    return Stores(read_settings(files, f"{top}/cache"), home)


def _text(path: str) -> str:
    with suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        return file.read(_MOST)
    return ""


def no_content(stores: Stores, what: str, digest: DvcDigest, more: str, line: str) -> MissingObject:
    """Return the error that no store has the content of an output; `line` is what fetches it."""
    silent = "".join(f"; remote {name}: {reason}" for name, reason in stores.closed.items() if name)
    return MissingObject(f"{what}: neither {CACHE} nor a remote that mvc reads has {digest}{more}{silent}", line)


