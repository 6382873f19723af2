"""The file that makes a bucket a remote, `mvc-remote.yaml`, and the local note that it existed."""

from __future__ import annotations

import os
import shlex
from contextlib import suppress
from uuid import uuid4

from mvc.errors import InvalidFormat, UsageError
from mvc.packages import UPGRADE
from mvc.store.buckets.bucket import Bucket, RemoteError
from mvc.store.buckets.open import MARKER

_MAX_BYTES = 4096


def read_marker(bucket: Bucket) -> str:
    """Return the id of a remote; empty when it was never pushed to.

    Raises:
        InvalidFormat: the marker is damaged.
        UsageError: it needs a newer mvc.
    """
    item = bucket.head(MARKER)
    if item is None:
        return ""
    return _id_in(bucket.read(item, 0, min(item.size, _MAX_BYTES + 1)), bucket.url)


def _id_in(text: bytes, url: str) -> str:
    from mvc.objects.parsing import strict_yaml  # noqa: PLC0415 - start-up time

    try:
        data = strict_yaml.load(text, what=f"{url}/{MARKER}", max_bytes=_MAX_BYTES)
    except InvalidFormat as error:
        raise InvalidFormat(error.message, f"mvc push  # writes it again, once {url}/{MARKER} is deleted") from None
    facts = data if isinstance(data, dict) else {}
    known = facts.get("mvc-remote") == 1 and facts.get("features") == {"read": [], "write": []}
    if not known or not isinstance(facts.get("id"), str):
        message = f"the remote {url} needs a newer mvc, or was not made by mvc"
        raise UsageError(message, UPGRADE)
    return str(facts["id"])


def write_marker(bucket: Bucket) -> None:
    """Initialize a bucket as a remote with a new id, unless it is one."""
    text = f'mvc-remote: 1\nid: "{uuid4()}"\nfeatures: {{read: [], write: []}}\n'
    bucket.write(MARKER, text.encode(), new=True)


def note_seen(folder: str, remote_id: str) -> None:
    """Note in the local directory of a remote that this clone has seen it."""
    with suppress(OSError):  # without the note an unmounted share looks like a new remote
        os.makedirs(folder, exist_ok=True)
        with open(_note(folder), "x", encoding="ascii") as file:
            file.write(f"{remote_id}\n")


def refuse_if_emptied(bucket: Bucket, folder: str) -> None:
    """Refuse an empty bucket that was a remote: a share may not be mounted.

    Raises:
        RemoteError: it was a remote.
    """
    note = _note(folder)
    if os.path.exists(note) and next(iter(bucket.list("")), None) is None:
        why = "is it mounted?" if bucket.url.startswith("/") else "was all of it deleted?"
        message = f"{bucket.url} was a remote of this clone before, and is empty now: {why}"
        raise RemoteError(message, f"rm {shlex.quote(note)}  # and push again, to start again")


def _note(folder: str) -> str:
    return f"{folder}/remote-id"
