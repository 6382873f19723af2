"""What registries, and servers of logins, answer besides content."""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T")


class Token(msgspec.Struct):
    """What a server of logins gives: https://distribution.github.io/distribution/spec/auth/token/."""

    token: str = ""
    access_token: str = ""


class _Error(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Errors(msgspec.Struct):
    """What a registry says instead of an answer."""

    errors: list[_Error] = []


def parsed(raw: bytes, kind: type[T]) -> T:
    """Return an answer; without anything in it if it cannot be parsed."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return kind()


def reason(raw: bytes) -> str:
    """Return the first error in an answer, one line of at most 200 characters; empty without one."""
    first = next(iter(parsed(raw, _Errors).errors), _Error())
    return (first.message or first.code).partition("\n")[0][:200]
