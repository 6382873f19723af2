"""Where an artifact is in a registry: `HOST/REPO`, `HOST/REPO:TAG` or `HOST/REPO@sha256:…`.

Grammar: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import NamedTuple

from mvc.errors import UsageError

SCHEME = "oci://"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    r"(?P<host>(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?)"
    rf"/(?P<repository>{_PART}(?:/{_PART})*)"
    rf"(?::(?P<tag>\w[\w.-]{{0,127}}))?(?:@(?P<digest>{DIGEST.pattern}))?",
    re.ASCII,
)
_MOST = 1024


class Reference(NamedTuple):
    """An artifact in a registry, or a repository of artifacts."""

    host: str
    """With the port, if there is one."""
    repository: str
    tag: str = ""
    digest: str = ""
    """`sha256:` and 64 hex digits; it precedes the tag."""

    @property
    def name(self) -> str:
        """The repository with its host."""
        return f"{self.host}/{self.repository}"

    @property
    def is_local(self) -> bool:
        """Whether the registry is on this machine, where no TLS is needed."""
        name = self.host.rpartition(":")[0] if re.search(r":[0-9]+$", self.host) else self.host
        try:
            return name == "localhost" or ip_address(name.strip("[]")).is_loopback
        except ValueError:
            return False

    @property
    def url(self) -> str:
        """The address of the repository in the registry's API."""
        return f"{'http' if self.is_local else 'https'}://{self.host}/v2/{self.repository}"

    def at(self, digest: str) -> str:
        """Return the permanent name of the artifact with this digest: `HOST/REPO@sha256:…`."""
        return f"{self.name}@{digest}"


def parse_reference(text: str) -> Reference:
    """Return the reference that a user typed, with or without `oci://`.

    Raises:
        UsageError: it is not one.
    """
    found = _REFERENCE.fullmatch(text.removeprefix(SCHEME)) if len(text) <= _MOST else None
    if found is None or not _is_host(found["host"]):
        message = f"invalid artifact {_shown(text)!r}: expected HOST/REPO, then :TAG or @sha256:DIGEST"
        raise UsageError(message, "mvc help package")
    return Reference(found["host"], found["repository"], found["tag"] or "", found["digest"] or "")


def parse_target(text: str) -> Reference:
    """Return the repository that a user typed, with or without a tag.

    Raises:
        UsageError: it is not one, or has a digest.
    """
    target = parse_reference(text)
    if target.digest:
        raise UsageError("a digest follows from the content: give a tag, or nothing", "--oci HOST/REPO[:TAG]")
    return target


def is_artifact(text: str) -> bool:
    """Whether a text is `HOST/REPO@sha256:…`."""
    found = _REFERENCE.fullmatch(text) if len(text) <= _MOST else None
    return found is not None and bool(found["digest"])


def _shown(text: str) -> str:
    """Return what was typed, without a password."""
    name, _, rest = text.removeprefix(SCHEME).partition("/")
    return f"***@{name.rpartition('@')[2]}/{rest}" if "@" in name else text


def _is_host(text: str) -> bool:
    """Whether the first part is a host, not a part of a repository's name: as Docker tells them apart."""
    return text == "localhost" or "." in text or ":" in text
