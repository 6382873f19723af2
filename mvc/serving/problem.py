"""Why a request is not answered."""

from __future__ import annotations

from http import HTTPStatus

_LONGEST = 500
"""Characters of a message: a request, or a model, may put any text into it."""


class Problem(Exception):
    """A request that is not answered: the status of HTTP, which each protocol says in its own way, and one line."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        self.status = status
        self.message = " ".join(message[:_LONGEST].split())
        super().__init__(self.message)


def invalid(message: str) -> Problem:
    """Return the problem of a request that is wrong, whatever the model."""
    return Problem(HTTPStatus.BAD_REQUEST, message)
