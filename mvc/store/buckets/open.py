"""Opens the bucket of a remote: the only module that imports every kind of bucket.

Each is imported only if it is used: their libraries load slowly.
"""

from __future__ import annotations

import os
import shlex

from mvc.errors import UsageError
from mvc.store.buckets.address import DIRECTORY, RemoteSettings, parse
from mvc.store.buckets.bucket import Bucket

MARKER = "mvc-remote.yaml"
"""The key that every remote has."""
_OWN = frozenset({"objects", "packs", "repos", "recipes", "gc", "tmp", "quarantine", "lost+found"})


def open_bucket(settings: RemoteSettings) -> Bucket:
    """Return the bucket of a remote, with retries; nothing is requested yet.

    Raises:
        UsageError: the URL is invalid, or the package for it is not installed.
    """
    bucket = connect(settings)
    if parse(settings.url).protocol == DIRECTORY:
        return bucket
    from mvc.store.buckets.retry import Retrying  # noqa: PLC0415 - only servers need it

    return Retrying(bucket)


def open_foreign(settings: RemoteSettings) -> Bucket:
    """Return the bucket of another program's storage, with retries, to be read; nothing is requested yet.

    Raises:
        UsageError: the URL is invalid, or the package for it is not installed.
    """
    location = parse(settings.url)
    if location.protocol == DIRECTORY:
        from mvc.store.buckets.directory import DirectoryBucket  # noqa: PLC0415 - as above

        return DirectoryBucket(location.path)
    from mvc.store.buckets.retry import Retrying  # noqa: PLC0415 - as above

    return Retrying(connect(settings))


def connect(settings: RemoteSettings) -> Bucket:
    """Return the bucket of a remote, without retries.

    Raises:
        UsageError: as for `open_bucket`.
    """
    location = parse(settings.url)
    match location.protocol:
        case "file":
            from mvc.store.buckets.directory import DirectoryBucket  # noqa: PLC0415

            refuse_foreign(location.path, f"mvc remote set {settings.name}")
            return DirectoryBucket(location.path)
        case "s3":
            from mvc.store.buckets.s3.bucket import S3Bucket  # noqa: PLC0415

            return S3Bucket(location.url, settings.options, name=settings.name)
        case "gs" | "gcs":
            from mvc.store.buckets.gs import GoogleBucket  # noqa: PLC0415

            return GoogleBucket(location.url)
        case "az" | "abfs" | "abfss":
            from mvc.store.buckets.azure import AzureBucket  # noqa: PLC0415

            return AzureBucket(location.url)
        case "ssh" | "sftp":
            from mvc.store.buckets.ssh.bucket import SshBucket  # noqa: PLC0415

            return SshBucket(location.url)
        case _:
            from mvc.store.buckets.web import WebBucket  # noqa: PLC0415

            return WebBucket(location.url)


def refuse_foreign(path: str, command: str) -> None:
    """Refuse a directory with content that is not a remote's: a typing error, or a hostile config.

    `command` is the command to suggest, before the directory.

    Raises:
        UsageError: there is such content.
    """
    try:
        with os.scandir(path) as entries:
            names = {entry.name for entry in entries}
    except OSError:  # missing or unreadable: the first access reports it
        return
    strange = sorted(name for name in names if name not in _OWN and not name.startswith((".", "mvc-")))
    if strange and MARKER not in names:
        raise UsageError(
            f"{path} contains {strange[0]!r} and is not a remote: use a directory of its own",
            f"{command} {shlex.quote(f'{path}/mvc'.replace('//', '/'))}",
        )
