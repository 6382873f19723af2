"""A build context: an image that fetches a model when it starts, compares it with its pointer, and serves it."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mvc.packages import of_server
from mvc.quality.reports.report import Report

_PYTHON = re.compile(r"3\.(?P<minor>[0-9]{1,2})(?:\.[0-9]{1,2})?", re.ASCII)
_OLDEST = 11
"""The minor version of Python 3 that mvc needs."""
DEFAULT_PYTHON = "3.12"
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?", re.ASCII)
_VERSION = re.compile(r"([0-9][0-9A-Za-z.!]{0,40})(?:\+[0-9A-Za-z.]{1,40})?", re.ASCII)

_DOCKERFILE = """\
FROM python:{python}
ARG MVC_URL
ARG MVC_COMMIT
RUN git init -q /opt/source \\
    && git -C /opt/source fetch -q --depth 1 "$MVC_URL" "$MVC_COMMIT" \\
    && git -C /opt/source checkout -q --detach "$MVC_COMMIT" \\
    && sh /opt/source/ci/install.sh /opt/mvc serve
ENV PATH=/opt/mvc/bin:$PATH
COPY requirements.txt /opt/
RUN pip install --no-cache-dir --requirement /opt/requirements.txt
COPY {copied} /opt/
RUN useradd --create-home --uid 10001 mvc && install -d -o mvc -g mvc /srv/model
USER 10001
WORKDIR /srv/model
EXPOSE 8080 8081
HEALTHCHECK --start-period=10m --interval=10s --timeout=3s \\
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/v2/health/ready', timeout=2)"]
ENTRYPOINT ["sh", "/opt/start.sh"]
CMD ["--host", "0.0.0.0", "--port", "8080", "--grpc-port", "8081"]
"""
_FETCH = """\
# Fetches the model {title} unless it is there, and compares it with its pointer.
set -eu
[ -e .git ] || git init -q .
[ -e .mvc ] || mvc -q init --no-hooks
mvc -q config set cache.link reflink,hardlink
{copies}
[ -e {name} ] || mvc get {source} -o {name}
mvc -q add {name}
cmp {name}.mvc /opt/model.mvc
"""
_START = """\
# Fetches the model {title}, and serves it.
set -eu
sh /opt/fetch.sh
exec mvc serve {file} "$@"
"""
_PACKAGES = "# The packages that the report names. `uv pip compile --generate-hashes` adds their hashes.\n"


class Source(NamedTuple):
    """What `mvc get` fetches: an artifact, or a version in a repository."""

    address: str
    reference: str = ""
    """Empty for an artifact."""


class Context(NamedTuple):
    """The files of a build context, and what the report did not tell."""

    files: dict[str, bytes]
    remarks: tuple[str, ...]


def build_context(
    path: str, name: str, source: Source, documents: Mapping[str, bytes], report: Report | None,
) -> Context:
    """Return the context for the model `name` at the tracked `path`, as the environment in its report says.

    `documents` are its pointer, and what else stands beside it, by what their names add to the path.
    """
    remarks: list[str] = []
    environment = report.environment if report else None
    if environment is None:
        remarks.append(f"no report says with which packages the model ran: Python {DEFAULT_PYTHON}, and none of them")
    python = _python(environment.python, remarks) if environment else DEFAULT_PYTHON
    packages = environment.packages if environment else {}
    file = f"./{os.path.basename(path)}"
    title = re.sub(r"[^\w./@-]", "?", name)
    copied = [*(f"model{ending}" for ending in documents), "fetch.sh", "start.sh"]
    files = {
        ".dockerignore": "".join(["*\n", *(f"!{item}\n" for item in ("requirements.txt", *copied))]).encode(),
        "Dockerfile": _DOCKERFILE.format(python=python, copied=" ".join(copied)).encode(),
        "requirements.txt": _requirements(packages, remarks).encode(),
        "fetch.sh": _fetch(title, file, source, documents).encode(),
        "start.sh": _START.format(title=title, file=shlex.quote(file)).encode(),
        **{f"model{ending}": content for ending, content in documents.items()},
    }
    return Context(files, tuple(remarks))


def _fetch(title: str, file: str, source: Source, endings: Iterable[str]) -> str:
    copies = (f"cat /opt/model{ending} > {shlex.quote(file + ending)}" for ending in endings)
    line = shlex.join(part for part in source if part)
    return _FETCH.format(title=title, name=shlex.quote(file), source=line, copies="\n".join(copies))


def _python(version: str, remarks: list[str]) -> str:
    found = _PYTHON.fullmatch(version)
    if found and int(found["minor"]) >= _OLDEST:
        return version
    remarks.append(f"the report names Python {version or '(none)'!r}: {DEFAULT_PYTHON} is taken")
    return DEFAULT_PYTHON


def _requirements(packages: dict[str, str], remarks: list[str]) -> str:
    """Return pins for pip. A local version, such as `2.9.0+cu128`, is on no index: its public part is pinned."""
    lines = []
    for name, version in sorted(packages.items()):
        found = _VERSION.fullmatch(version)
        if of_server(name):
            remarks.append(f"left out, the server has its own: {name} {version}")
        elif found and _NAME.fullmatch(name):
            lines.append(f"{name}=={found[1]}\n")
        else:
            remarks.append(f"left out, not a package with its version: {name} {version}")
    return f"{_PACKAGES}{''.join(lines)}"
