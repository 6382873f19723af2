"""Where a server listens."""

from __future__ import annotations

import resource
import socket
from typing import NamedTuple

from mvc.errors import UsageError

_OTHER_FILES, _LEAST = 100, 50
"""File descriptors for all but connections: Git, the log; the fewest for connections of a protocol."""


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int
    """0 for any that is free."""
    grpc_port: int | None
    """0 as above; None for no gRPC."""

    @property
    def host_in_urls(self) -> str:
        """The host, in brackets if it is an address of IPv6."""
        return f"[{self.host}]" if ":" in self.host else self.host


def bound(address: Address) -> socket.socket:
    """Return a socket for HTTP.

    Raises:
        UsageError: the port is taken, or the host not one of this machine.
    """
    try:
        family = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0][0]
        found = socket.socket(family)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((address.host, address.port))
        found.listen()
    except OSError as error:
        raise taken(address.host, address.port, error.strerror or str(error)) from None
    return found


def check_free(address: Address) -> None:
    """Check that both ports can be listened at, before a long load.

    Raises:
        UsageError: one is taken, or the host not one of this machine.
    """
    for port in (address.port, address.grpc_port):
        if port is not None:
            bound(address._replace(port=port)).close()


def taken(host: str, port: int, reason: str) -> UsageError:
    """Return the error for a port that cannot be listened at."""
    return UsageError(f"cannot listen at {host} port {port}: {reason}", "--port 0 --grpc-port 0")


def most_connections() -> int:
    """Return how many connections HTTP may have, and how many gRPC: together fewer than files may be open."""
    return max((resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _OTHER_FILES) // 2, _LEAST)
